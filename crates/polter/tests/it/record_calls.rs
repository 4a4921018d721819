//! What a recording tells of calls whose arguments decide.

use std::io::Write as _;

use crate::record::{can_record, record};

#[test]
fn a_recording_tells_what_an_exec_keeps_which_child_is_reaped_and_how_far_a_close_goes() {
    const PROGRAM: &str = "
import ctypes, os
reader, writer = os.pipe()
os.set_inheritable(reader, True)
os.set_inheritable(reader, False)
child = os.fork() or os._exit(0)
ctypes.CDLL(None).close_range(1000, -1, 0)
os.waitid(os.P_ALL, 0, os.WEXITED)
print(reader, child)";
    if !can_record() {
        return;
    }
    let (ran, log) = record(&["--", "python3", "-c", PROGRAM]);
    if ran.code != Some(0) && ran.err().contains("python3") {
        let _ = writeln!(std::io::stderr(), "skipped: no Python");
        return;
    }
    let out = ran.out();
    let (reader, child) = out.trim().split_once(' ').unwrap();
    // FIONCLEX and FIOCLEX
    for command in ["0x5450", "0x5451"] {
        let call = log
            .lines()
            .find(|it| it.contains(&format!(", {command}, ")));
        let call = call.unwrap_or_else(|| panic!("{command} in {log}"));
        assert!(call.contains(&format!("ioctl({reader}<pipe:[")), "{call}");
    }
    let call = format!("waitid(0, 0, {{si_signo=SIGCHLD, si_pid={child}}}, 0x4) = 0");
    assert!(log.contains(&call), "{call} in {log}");
    assert!(
        log.contains("close_range(1000, 4294967295, 0) = 0"),
        "{log}"
    );
}
