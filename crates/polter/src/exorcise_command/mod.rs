//! `polter exorcise`: says what it is going to remove, asks, and removes it.
//!
//! | module | what it does |
//! |---|---|
//! | [`cost`] | what the process used before and after |
//! | [`ear`] | what the user says: answers, and Ctrl-C |
//! | [`watch`] | the same again and again |

mod cost;
mod ear;
mod watch;

use std::io::{self, IsTerminal as _, Write as _};

use polter_scan::{Options, Outcome, Plan, Proc};

use crate::cli::{ExorciseArgs, Format};
use crate::console::Console;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::report::{json, text};

pub(crate) use cost::Cost;
pub(crate) use watch::Sum;

/// Exits with 1 if a ghost is there still.
pub(crate) fn exorcise(args: &ExorciseArgs, console: &Console) -> Result<Exit, Failure> {
    if args.watch.is_some() {
        return watch::watch(args, console);
    }
    let mut cost = Cost::before(args);
    let mut plan = make(args)?;
    let planned = plan.count(&Outcome::Planned);
    let mut is_agreed = args.yes;
    if planned > 0 && !args.yes {
        tell(&plan, None, args, console)?;
        is_agreed = !args.dry_run && is_wanted(planned)?;
        if is_agreed {
            // Whoever was asked took his time.
            plan.recheck(&Proc::live())?;
        }
    }
    if is_agreed {
        plan.carry_out()?;
    }
    if planned == 0 || is_agreed {
        if let Some(cost) = &mut cost {
            cost.watch_again();
        }
        tell(&plan, cost.as_ref(), args, console)?;
    }
    Ok(exit(&plan))
}

fn make(args: &ExorciseArgs) -> Result<Plan, Failure> {
    let options = Options {
        fd: args.fd,
        in_table: args.in_table,
        likely: args.likely,
        dry_run: args.dry_run,
        ..Options::default()
    };
    Ok(Plan::make(&Proc::live(), args.pid, &options)?)
}

fn exit(plan: &Plan) -> Exit {
    if plan.has_kept() || plan.count(&Outcome::Planned) > 0 {
        Exit::Findings
    } else {
        Exit::Clean
    }
}

fn tell(
    plan: &Plan,
    cost: Option<&Cost>,
    args: &ExorciseArgs,
    console: &Console,
) -> Result<(), Failure> {
    let mut out = console.out();
    match args.format {
        Format::Text => {
            text::write_exorcism(&mut *out, plan)?;
            cost.map_or(Ok(()), |cost| text::write_cost(&mut *out, cost))?;
        }
        Format::Json => json::write_exorcism(&mut *out, plan, cost)?,
    }
    Ok(out.flush()?)
}

fn is_wanted(planned: usize) -> Result<bool, Failure> {
    if !io::stdin().is_terminal() {
        return Err(Failure::NobodyToAsk);
    }
    ask(planned);
    let mut answer = String::new();
    // A line that cannot be read is no yes.
    let _ = io::stdin().read_line(&mut answer);
    Ok(is_yes(&answer))
}

fn ask(planned: usize) {
    let it = if planned == 1 { "it" } else { "them" };
    // Whoever cannot see the question does not answer it.
    let _ = write!(io::stderr(), "Remove {it}? [y/N] ");
}

fn is_yes(answer: &str) -> bool {
    matches!(answer.trim(), "y" | "Y" | "yes")
}
