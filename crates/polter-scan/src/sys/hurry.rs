//! A thread that is served before others.

use std::mem::MaybeUninit;

use rustix::process::setpriority_process;
use rustix::thread::gettid;

/// The nice value of a thread that may have no real-time priority.
const NICE: i32 = -10;

/// Has the calling thread served before others that are ready to run, with the lowest real-time priority. For threads that
/// sleep most of the time, and whose work is short and cannot wait. Whoever may not do it (CAP_SYS_NICE) is served like
/// everybody.
pub fn hurry() {
    // SAFETY: integers alone, for which zeros are values.
    let mut parameters: libc::sched_param = unsafe { MaybeUninit::zeroed().assume_init() };
    parameters.sched_priority = 1;
    // SAFETY: reads the parameters, and changes this thread alone.
    let code = unsafe { libc::sched_setscheduler(0, libc::SCHED_RR, &raw const parameters) };
    if code != 0 {
        let _ = setpriority_process(Some(gettid()), NICE);
    }
}
