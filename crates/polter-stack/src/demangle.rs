//! Symbols as their programmers wrote them.

use std::fmt::{self, Write};

use cpp_demangle::{DemangleOptions, ParseOptions, Symbol};

/// The longest symbol that is demangled, and the longest name that comes of it: a short symbol can
/// stand for a name without end.
const LONGEST_SYMBOL: usize = 4 << 10;
const LONGEST_NAME: usize = 4 << 10;
/// How deep a symbol may nest.
const DEEPEST: u32 = 96;

/// Demangles a symbol of Rust or C++. Anything else stays as it is.
pub(crate) fn demangle(symbol: &[u8]) -> String {
    let plain = || String::from_utf8_lossy(&symbol[..symbol.len().min(LONGEST_NAME)]).into_owned();
    if symbol.len() > LONGEST_SYMBOL {
        return plain();
    }
    rust(symbol).or_else(|| cpp(symbol)).unwrap_or_else(plain)
}

fn rust(symbol: &[u8]) -> Option<String> {
    let name = rustc_demangle::try_demangle(str::from_utf8(symbol).ok()?).ok()?;
    let mut out = Bounded::default();
    write!(out, "{name:#}").ok()?;
    Some(out.0)
}

fn cpp(symbol: &[u8]) -> Option<String> {
    if !symbol.starts_with(b"_Z") {
        return None;
    }
    let parsed =
        Symbol::new_with_options(symbol, &ParseOptions::default().recursion_limit(DEEPEST)).ok()?;
    let options = DemangleOptions::new().recursion_limit(DEEPEST);
    let mut out = Bounded::default();
    parsed.structured_demangle(&mut out, &options).ok()?;
    Some(out.0)
}

/// A text that refuses to grow beyond the limit.
#[derive(Default)]
struct Bounded(String);

impl Write for Bounded {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if self.0.len() + text.len() > LONGEST_NAME {
            return Err(fmt::Error);
        }
        self.0.push_str(text);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rust_of_both_kinds() {
        check(
            "_ZN4core3fmt5Write9write_fmt17h0123456789abcdefE",
            "core::fmt::Write::write_fmt",
        );
        check("_RNvC6_123foo3bar", "123foo::bar");
    }

    #[test]
    fn cpp() {
        check("_ZN3foo3barEi", "foo::bar(int)");
    }

    #[test]
    fn others_stay() {
        check("main.(*Server).close", "main.(*Server).close");
        check("_Z", "_Z");
        check("close", "close");
    }

    #[test]
    fn no_name_is_without_end() {
        let nested = format!("_Z1f{}S_", "P".repeat(3000));
        assert!(demangle(nested.as_bytes()).len() <= LONGEST_NAME);
        assert_eq!(demangle(&[b'a'; 3 * LONGEST_NAME]).len(), LONGEST_NAME);
        let doubling: String = (0..30).map(|at| format!("N1a1bIS{at}_S{at}_E")).collect();
        assert!(demangle(format!("_Z1f{doubling}").as_bytes()).len() <= LONGEST_NAME);
    }

    #[track_caller]
    fn check(symbol: &str, expected: &str) {
        assert_eq!(demangle(symbol.as_bytes()), expected);
    }
}
