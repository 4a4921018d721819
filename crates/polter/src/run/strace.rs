//! strace: finds the options that the installed one takes, or says why it cannot trace.

use std::env;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use super::follow;
use crate::failure::Failure;

const PROGRAM: &str = "strace";

/// Options that every strace takes: one log for all tasks, 64 bytes of each string, clock times.
const BASE: &[&str] = &["-f", "-q", "-ttt", "-s", "64"];

/// The calls that make, copy, send, use or close an fd, and those that make or end processes.
///
/// `%desc` alone leaves some of them out, depending on strace's version. With a `?`, strace accepts
/// a call that it does not know.
const TRACE: &str = "trace=%desc,%process,%network,?close_range,?kcmp,?pidfd_open,?pidfd_getfd,\
    ?memfd_create,?memfd_secret,?userfaultfd,?io_uring_setup,?io_uring_register,?io_uring_enter,\
    ?fanotify_init,?open_by_handle_at,?perf_event_open,?bpf,?mq_open,?fsopen,?open_tree,?prctl,\
    ?setns,?epoll_pwait2,?kill,?tkill,?tgkill";

/// The same for a strace before 4.17.
const OLD_TRACE: &str = "trace=desc,process,network";

/// The calls whose lists must not be cut at `-s`: the reported events, the sent fds.
const WHOLE: &str = "abbrev=!epoll_wait,epoll_pwait,poll,ppoll,sendmsg,recvmsg,io_uring_register";

/// Options beyond [`BASE`], the best first; an old strace refuses some.
const CHOICES: [&[&str]; 2] = [
    &["-yy", "-e", WHOLE, "-e", TRACE],
    &["-y", "-e", WHOLE, "-e", OLD_TRACE],
];

/// The installed strace, with options that it accepts.
#[derive(Debug)]
pub(super) struct Strace {
    options: Vec<&'static str>,
}

impl Strace {
    /// Tries options on a command that does nothing, the best first.
    pub(super) fn find(stacks: bool) -> Result<Strace, Failure> {
        let mut first_said = None;
        for has_stacks in [true, false]
            .into_iter()
            .filter(|has_stacks| stacks || !has_stacks)
        {
            for choice in CHOICES {
                let options = [BASE, choice, if has_stacks { &["-k"] } else { &[] }].concat();
                let output = Strace::try_out(&options)?;
                if output.status.success() {
                    return Ok(Strace { options });
                }
                first_said.get_or_insert(output.stderr);
            }
        }
        let said = String::from_utf8_lossy(&first_said.unwrap_or_default())
            .trim_end()
            .to_owned();
        let hint = hint(&said);
        Err(Failure::StraceRefused { said, hint })
    }

    /// True if it records stacks.
    pub(super) fn has_stacks(&self) -> bool {
        self.options.contains(&"-k")
    }

    /// Starts the command, its calls going to the log.
    pub(super) fn start(&self, log: &Path, command: &[OsString]) -> Result<Child, Failure> {
        let mut strace = Strace::that_follows();
        strace
            .args(&self.options)
            .arg("-o")
            .arg(log)
            .arg("--")
            .args(command);
        strace.spawn().map_err(|source| self.cannot_start(source))
    }

    /// The failure that strace cannot be started, or waited for.
    pub(super) fn cannot_start(&self, source: io::Error) -> Failure {
        let program = PathBuf::from(PROGRAM);
        Failure::Start { program, source }
    }

    /// The command that starts strace so that it ends with polter.
    fn that_follows() -> Command {
        let Ok(own) = env::current_exe() else {
            return Command::new(PROGRAM);
        };
        let mut command = Command::new(own);
        let me = std::process::id().to_string();
        command.args([follow::VERB, &me, PROGRAM]);
        command
    }

    fn try_out(options: &[&str]) -> Result<Output, Failure> {
        let own = env::current_exe();
        let (command, argument) = match &own {
            Ok(path) => (path.as_os_str(), "--version"),
            Err(_) => (OsStr::new("true"), "--version"),
        };
        let mut strace = Command::new(PROGRAM);
        strace
            .args(options)
            .args(["-o", "/dev/null", "--"])
            .arg(command)
            .arg(argument);
        strace
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        strace.output().map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => Failure::NoStrace,
            _ => Failure::Start {
                program: PathBuf::from(PROGRAM),
                source,
            },
        })
    }
}

/// The way out, by strace's message and the machine's settings.
fn hint(said: &str) -> String {
    if !said.contains("ptrace") && !said.contains("PTRACE") {
        return "  is it older than 4.9? polter needs -f, -y, -ttt and -e trace".to_owned();
    }
    let scope = fs::read_to_string("/proc/sys/kernel/yama/ptrace_scope").unwrap_or_default();
    let yama = match scope.trim() {
        "2" => "  kernel.yama.ptrace_scope is 2: only root may trace here; run polter as root\n",
        "3" => "  kernel.yama.ptrace_scope is 3: nobody may trace here until the next boot\n",
        _ => "",
    };
    format!(
        "{yama}  in a container:     docker run --cap-add=SYS_PTRACE … (a seccomp profile may forbid it, too)\n  \
         record elsewhere:   strace -f -yy -o LOG COMMAND, then here: polter judge LOG"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_ptrace_names_the_way_out() {
        let hint =
            hint("strace: test_ptrace_get_syscall_info: PTRACE_TRACEME: Operation not permitted");
        assert!(hint.contains("SYS_PTRACE"), "{hint}");
    }

    #[test]
    fn a_refused_option_is_not_blamed_on_ptrace() {
        assert!(!hint("strace: invalid option -- 'y'").contains("SYS_PTRACE"));
    }
}
