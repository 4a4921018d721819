//! `polter watch --exorcise`: ghosts are removed when they are made, where the kernel records.

use std::fs;
use std::io::Write as _;
use std::process::{Child, Command, Stdio};

use crate::compiler::compile;
use crate::polter::{Logs, Ran, command};
use crate::record::can_record;

/// Makes ghosts, one after another: a child keeps the file, and the instance. Beside them a registration is used all the time.
/// It waits for each ghost to be silent, for two seconds at most.
const MAKER: &str = "
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <unistd.h>
int main(int argc, char **argv) {
    int count = atoi(argv[1]), live[2], instance = epoll_create1(0), haunted = 0, lost = 0;
    struct epoll_event event = {.events = EPOLLIN}, out[8];
    if (pipe(live)) return 1;
    event.data.fd = live[0];
    epoll_ctl(instance, EPOLL_CTL_ADD, live[0], &event);
    /* Whoever watches it has begun by then. */
    if (read(0, out, 1) != 1) return 1;
    for (int i = 0; i < count; i++) {
        int ends[2], leash[2], is_haunted = 1, is_live = 0;
        char byte;
        if (pipe(ends) || pipe(leash)) return 1;
        event.data.fd = ends[0];
        epoll_ctl(instance, EPOLL_CTL_ADD, ends[0], &event);
        int child = fork();
        if (!child) {
            close(leash[1]);
            _exit(read(leash[0], &byte, 1));
        }
        close(leash[0]);
        if (write(ends[1], \"x\", 1) != 1) return 1;
        close(ends[0]);
        for (int look = 0; look < 400 && is_haunted; look++) {
            is_haunted = epoll_wait(instance, out, 8, 0) > 0;
            usleep(is_haunted ? 5000 : 0);
        }
        haunted += is_haunted;
        if (write(live[1], \"y\", 1) != 1) return 1;
        int ready = epoll_wait(instance, out, 8, 1000);
        for (int at = 0; at < ready; at++) is_live |= out[at].data.fd == live[0];
        lost += !is_live;
        if (read(live[0], &byte, 1) != 1) return 1;
        close(leash[1]);
        close(ends[1]);
        waitpid(child, 0, 0);
    }
    printf(\"%d haunted, %d lost\\n\", haunted, lost);
}
";

/// Starts it; it begins with the first byte of its standard input.
pub(crate) fn start_maker(logs: &Logs, count: u32) -> Option<Child> {
    let (source, program) = (logs.path("maker.c"), logs.path("maker"));
    fs::write(&source, MAKER).unwrap();
    if !compile(&[], &source, &program) {
        return None;
    }
    let mut command = Command::new(&program);
    command.arg(count.to_string());
    let maker = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
    Some(maker.unwrap())
}

#[test]
fn each_ghost_is_removed_and_no_live_registration() {
    if !can_record() {
        return;
    }
    let logs = Logs::new();
    let Some(mut maker) = start_maker(&logs, 40) else {
        return;
    };
    let report = logs.path("report");
    let pid = maker.id().to_string();
    let args = [
        "watch",
        "--exorcise",
        "--format",
        "json",
        "-o",
        report.to_str().unwrap(),
        "--pid",
        &pid,
    ];
    let watch = command(args).stderr(Stdio::piped()).spawn().unwrap();
    std::thread::sleep(std::time::Duration::from_secs(2));
    maker.stdin.take().unwrap().write_all(b"x").unwrap();
    let said = Ran::from(maker.wait_with_output().unwrap());
    assert_eq!(said.out(), "0 haunted, 0 lost\n");
    let watched = Ran::from(watch.wait_with_output().unwrap());
    assert_eq!(watched.code, Some(1), "{}", watched.err());
    let report = fs::read_to_string(&report).unwrap();
    let removed = report
        .lines()
        .filter(|line| line.contains("\"outcome\":\"removed\""));
    assert_eq!(removed.count(), 40, "{report}");
    assert!(!report.contains("\"outcome\":\"kept\""), "{report}");
}
