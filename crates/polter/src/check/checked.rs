//! One script's result, and the sides that it was compared with.

use eventpoll::{Policy, Version};
use polter_check::{Comparison, Running};

use super::place::Place;
use crate::cli::{CheckArgs, ModelVersion};

/// The model and the kernel that a script's answers are compared with.
#[derive(Debug)]
pub(super) struct Sides {
    /// The policy of the model, and of the kernel.
    pub(super) policy: Policy,
    /// The version of Linux that the model plays.
    pub(super) version: Version,
    /// The kernel's release, or why the kernel is not asked.
    pub(super) kernel: Result<String, String>,
}

impl Sides {
    /// The sides that the options ask for.
    pub(super) fn asked_for(args: &CheckArgs, place: &Place) -> Sides {
        let policy = place.policy();
        let release = Running::release();
        let running: Version = release.parse().unwrap_or_default();
        let version = match args.kernel_version {
            ModelVersion::Running => running,
            ModelVersion::Of(version) => version,
        };
        let kernel = if args.no_kernel {
            Err("as --no-kernel asks".to_owned())
        } else if let Place::ModelAlone(policy) = place {
            Err(format!(
                "no kernel has the policy {policy}: kernels/build makes one"
            ))
        } else if version != running {
            Err(format!("the kernel here is Linux {running}"))
        } else {
            Ok(release)
        };
        Sides {
            policy,
            version,
            kernel,
        }
    }
}

/// A script, and how its answers compare.
#[derive(Debug)]
pub(super) struct Checked {
    /// Its file, as it was named.
    pub(super) name: String,
    /// Its title, which is its first comment.
    pub(super) title: String,
    /// The comparison, up to the first difference.
    pub(super) comparison: Comparison,
}

impl Checked {
    /// The first line that one side was not asked, and why.
    pub(super) fn not_asked(&self) -> Option<(u64, String)> {
        let comparison = &self.comparison;
        let stopped = comparison.kernel_stopped.as_ref();
        let stopped = stopped.map(|stopped| (stopped.line, stopped.error.to_string()));
        let unknown = comparison.unknown;
        stopped.or_else(|| unknown.map(|unknown| (unknown.line, unknown.why.to_owned())))
    }
}
