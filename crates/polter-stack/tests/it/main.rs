//! Stacks of real programs: named functions are in their frames.

/// Says aloud that a test is skipped, and why.
macro_rules! skipped {
    ($($why:tt)*) => {
        crate::skipped(format_args!($($why)*))
    };
}

mod c;
mod capture;
mod hostile;
mod jit;
mod languages;
mod python;

#[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
fn skipped(why: std::fmt::Arguments<'_>) {
    eprintln!("skipped: {why}");
}
