//! `polter exorcise`: says what it is going to remove, asks, and removes it.

use std::io::{self, IsTerminal as _, Write as _};

use polter_scan::{Outcome, Plan, Proc};

use crate::cli::ExorciseArgs;
use crate::console::Console;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::report::text;

/// Exits with 1 if a ghost is there still.
pub(crate) fn exorcise(args: &ExorciseArgs, console: &Console) -> Result<Exit, Failure> {
    let mut plan = Plan::make(&Proc::live(), args.pid, args.fd)?;
    let planned = plan.count(&Outcome::Planned);
    let mut is_agreed = args.yes;
    if planned > 0 && !args.yes {
        tell(&plan, console)?;
        is_agreed = !args.dry_run && is_wanted(planned)?;
    }
    if is_agreed {
        plan.carry_out()?;
    }
    if planned == 0 || is_agreed {
        tell(&plan, console)?;
    }
    let is_left = plan.has_kept() || plan.count(&Outcome::Planned) > 0;
    Ok(if is_left { Exit::Findings } else { Exit::Clean })
}

fn tell(plan: &Plan, console: &Console) -> Result<(), Failure> {
    let mut out = console.out();
    text::write_exorcism(&mut *out, plan)?;
    Ok(out.flush()?)
}

fn is_wanted(planned: usize) -> Result<bool, Failure> {
    if !io::stdin().is_terminal() {
        return Err(Failure::NobodyToAsk);
    }
    let it = if planned == 1 { "it" } else { "them" };
    // Whoever cannot see the question does not answer it.
    let _ = write!(io::stderr(), "Remove {it}? [y/N] ");
    let mut answer = String::new();
    io::stdin().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}
