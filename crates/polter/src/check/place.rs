//! Chooses where a check happens: on this kernel, in a guest that has the policy, or on the model
//! alone.

use std::env;
use std::ffi::OsString;
use std::io::Write;

use clap::ValueEnum as _;
use eventpoll::Policy;
use polter_lab::{LabError, LabKernel, active_policy};

use crate::cli::{CheckArgs, ModelVersion};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::lab;

/// The kernel that answers, beside the model.
#[derive(Debug)]
pub(super) enum Place {
    /// This kernel, which has the policy, or is said to have it.
    Here(Policy),
    /// None: no kernel at hand has the policy.
    ModelAlone(Policy),
    /// A guest's kernel, which has the policy.
    Guest(InGuest),
}

/// A guest in which the same check runs.
#[derive(Debug)]
pub(super) struct InGuest {
    policy: Policy,
    kernel: LabKernel,
}

impl Place {
    /// Chooses by the options and by this kernel's policy.
    pub(super) fn of(args: &CheckArgs) -> Result<Place, Failure> {
        let ours = active_policy().unwrap_or_default();
        let policy = args.policy.unwrap_or(ours);
        if policy == ours || args.here {
            return Ok(Place::Here(policy));
        }
        let asks_no_kernel = args.no_kernel || args.kernel_version != ModelVersion::Running;
        if asks_no_kernel && !args.scripts.is_empty() {
            return Ok(Place::ModelAlone(policy));
        }
        match LabKernel::find(args.guests.kernel.as_deref()) {
            Ok(kernel) => Ok(Place::Guest(InGuest { policy, kernel })),
            Err(LabError::NoKernel) if !args.scripts.is_empty() => Ok(Place::ModelAlone(policy)),
            Err(error) => Err(error.into()),
        }
    }

    /// The policy whose answers are expected.
    pub(super) fn policy(&self) -> Policy {
        match self {
            Place::Here(policy) | Place::ModelAlone(policy) => *policy,
            Place::Guest(guest) => guest.policy,
        }
    }
}

impl InGuest {
    /// Runs the check in the guest, and passes on its report.
    pub(super) fn check(&self, args: &CheckArgs, out: &mut dyn Write) -> Result<Exit, Failure> {
        if args.scripts.iter().any(|path| path.as_os_str() == "-") {
            return Err(Failure::NoInput);
        }
        let command = command(self.policy, args).map_err(Failure::read("polter".as_ref()))?;
        lab::in_guest(&self.kernel, self.policy, command, &args.guests, out)
    }
}

/// The same check as a command for the guest. `--output` is left out: nothing in a guest writes to
/// the host's files, so this process writes the report.
fn command(policy: Policy, args: &CheckArgs) -> std::io::Result<Vec<OsString>> {
    let mut command = vec![env::current_exe()?.into_os_string()];
    let mut add = |word: &str| command.push(word.into());
    add("check");
    add(&format!("--policy={policy}"));
    if let Some(format) = args.format.to_possible_value() {
        add(&format!("--format={}", format.get_name()));
    }
    if args.strict {
        add("--strict");
    }
    if args.conformance {
        add("--conformance");
    }
    if let Some(count) = args.random {
        add(&format!("--random={count}"));
        add(&format!("--seed={}", args.seed));
        add(&format!("--first={}", args.first));
        add(&format!("--calls={}", args.calls));
        if let Some(seconds) = args.seconds {
            add(&format!("--seconds={seconds}"));
        }
        for shape in &args.shape {
            add(&format!("--shape={shape}"));
        }
    }
    if !args.scripts.is_empty() {
        add("--");
    }
    command.extend(args.scripts.iter().map(|path| path.clone().into()));
    Ok(command)
}
