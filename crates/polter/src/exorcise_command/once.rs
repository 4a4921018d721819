//! Without `--watch`: says what is going to be removed, asks, and removes it.

use std::io::Write as _;

use polter_scan::{Options, Outcome, Plan, Proc};

use super::cost::Cost;
use super::user::is_wanted;
use crate::cli::{ExorciseArgs, Format};
use crate::console::Console;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::report::{json, text};

/// Makes a plan, asks, and carries it out.
pub(super) fn exorcise(args: &ExorciseArgs, console: &Console) -> Result<Exit, Failure> {
    let mut cost = Cost::before(args);
    let mut plan = make(args)?;
    let planned = plan.count(&Outcome::Planned);
    let mut is_agreed = args.yes;
    if planned > 0 && !args.yes {
        tell(&plan, None, args, console)?;
        is_agreed = !args.dry_run && is_wanted(planned)?;
        if is_agreed {
            // The user took time to answer, and the process ran on meanwhile.
            plan.recheck(&Proc::live())?;
        }
    }
    if is_agreed {
        plan.carry_out()?;
    }
    if planned == 0 || is_agreed {
        if let Some(cost) = &mut cost {
            cost.watch_after();
        }
        tell(&plan, cost.as_ref(), args, console)?;
    }
    Ok(exit(&plan))
}

/// Makes the plan that the options ask for.
pub(super) fn make(args: &ExorciseArgs) -> Result<Plan, Failure> {
    let options = Options {
        fd: args.fd,
        in_table: args.in_table,
        likely: args.likely,
        slow: args.slow,
        dry_run: args.dry_run,
        ..Options::default()
    };
    Ok(Plan::make(&Proc::live(), args.pid, &options)?)
}

/// 1 if a ghost is still there.
pub(super) fn exit(plan: &Plan) -> Exit {
    if plan.has_kept() || plan.count(&Outcome::Planned) > 0 {
        Exit::Findings
    } else {
        Exit::Clean
    }
}

/// Writes the plan, or what came of it.
pub(super) fn tell(
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
