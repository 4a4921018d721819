//! Input that is no log: exit code 2, and one line that says what it looks like.

use std::fs;
use std::process::{Command, Stdio};

use crate::polter::{HEALTHY, Logs, Ran, command, polter, polter_with_stdin};

#[test]
fn pictures_and_programs_are_no_logs() {
    check(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "a PNG picture");
    check(b"\xff\xd8\xff\xe0\0\x10JFIF\0", "a JPEG picture");
    check(b"GIF89a\x01\0\x01\0", "a GIF picture");
    check(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", "a PDF document");
    check(&elf(2), "a program or a library (ELF)");
    check(&elf(4), "a core dump");
    check(b"MZ\x90\0\x03\0\0\0", "a Windows program");
    check(b"SQLite format 3\0\x10\0", "an SQLite database");
    check(
        &fs::read("/proc/self/exe").unwrap(),
        "a program or a library (ELF)",
    );
    check(&[0; 4096], "binary data");
    let noise = (0..200_000_u32).map(|index| (index.wrapping_mul(2_654_435_761) >> 24) as u8);
    check(&noise.collect::<Vec<u8>>(), "binary data");
}

#[test]
fn what_other_tracers_record_is_no_log() {
    check(b"PERFILE2h\0\0\0\0\0\0\0", "perf record's data");
    check(b"\xd4\xc3\xb2\xa1\x02\0\x04\0", "a packet capture (pcap)");
    check(b"\x0a\x0d\x0d\x0a\x1c\0\0\0", "a packet capture (pcapng)");
    check(b"LPKSHHRH\0\0\0\0", "a systemd journal");
    check(b"\x17\x08\x44tracing6\0", "trace-cmd's data");
    check(STRACE_C, "the table of strace -c");
    check(PERF_TRACE, "perf trace's output");
    check(BPFTRACE, "bpftrace's output");
    check(LTRACE, "ltrace's output");
    check(LTRACE_C, "the table of ltrace -c");
    check(DTRUSS, "dtruss's output");
    check(TRUSS, "truss's output");
    check(SOLARIS_TRUSS, "truss's output");
    check(TCPDUMP, "tcpdump's output");
    check(FTRACE, "the kernel's or perf's trace");
    check(VALGRIND, "valgrind's output");
}

#[test]
fn other_texts_are_no_logs() {
    check(b"{\"findings\": []}\n", "JSON");
    check(
        b"<!DOCTYPE html>\n<html><body>strace</body></html>\n",
        "a page in HTML",
    );
    check(b"<?xml version=\"1.0\"?>\n<testsuite/>\n", "XML");
    check(b"#!/bin/sh\necho hello\n", "a script");
    check(
        b"#include <sys/epoll.h>\nint main(void) { return 0; }\n",
        "a program's source",
    );
    check(
        b"Nov 29 08:00:00 host sshd[1]: Accepted publickey\n",
        "a journal or a syslog",
    );
    check(
        b"[    0.000000] Linux version 6.18.0\n",
        "the kernel's messages",
    );
    check(b"hello\nworld\n", "text of another kind");
    check(b"hello", "text of another kind");
    check(b"\n\n  \n", "nothing but blank lines");
    check(b"# a comment and nothing else\n", "text of another kind");
    check(
        &utf16("hello\r\nworld, in another encoding\r\n"),
        "text of another kind",
    );
}

#[test]
fn data_that_unpacks_to_none_is_none() {
    for program in ["gzip", "xz", "zstd"] {
        if let Some(packed) = packed(program, b"hello\nworld\n") {
            check(&packed, "text of another kind");
        }
    }
    check(b"BZh91AY&SY", "bzip2 data");
    check(b"PK\x03\x04\x14\0", "a zip archive");
}

#[test]
fn damaged_data_is_said_to_be_damaged() {
    let logs = Logs::new();
    for (program, head) in [
        ("gzip", &b"\x1f\x8b\x08\0\0\0\0\0\0\x03\xff\xff\xff\xff"[..]),
        ("xz", b"\xfd7zXZ\0\0\x04\xff\xff\xff\xff\xff\xff"),
        ("zstd", b"\x28\xb5\x2f\xfd\x24\x0d\xff\xff\xff\xff\xff\xff"),
    ] {
        let ran = judge(&logs, head);
        check_refused(&ran, &format!("the {program} data is "));
    }
    check_refused(
        &judge(&logs, b"\x1f\x8b\x08\0\0"),
        "the gzip data is cut short",
    );
}

#[test]
fn an_empty_log_is_no_log() {
    check_refused(
        &polter_with_stdin(&["judge"], b""),
        "standard input: the log is empty",
    );
    let logs = Logs::new();
    check_refused(&judge(&logs, b""), "the log is empty");
    check_refused(&judge(&logs, b"\xef\xbb\xbf"), "the log is empty");
    for program in ["gzip", "xz", "zstd"] {
        if let Some(packed) = packed(program, b"") {
            check_refused(&judge(&logs, &packed), "the log is empty");
        }
    }
}

#[test]
fn a_directory_is_no_log() {
    let logs = Logs::new();
    let ran = polter(["judge".as_ref(), logs.dir().as_os_str()]);
    check_refused(&ran, "Is a directory");
}

#[test]
fn a_fifo_that_ends_is_no_log() {
    let logs = Logs::new();
    let fifo = logs.path("fifo");
    assert!(
        Command::new("mkfifo")
            .arg(&fifo)
            .status()
            .unwrap()
            .success()
    );
    let mut judge = command(["judge".as_ref(), fifo.as_os_str()]);
    let child = judge
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(fs::OpenOptions::new().write(true).open(&fifo).unwrap());
    check_refused(
        &child.wait_with_output().unwrap().into(),
        "the log is empty",
    );
}

#[test]
fn the_other_logs_are_judged() {
    let logs = Logs::new();
    let (prose, log) = (logs.write("prose", "hello\n"), logs.write("log", HEALTHY));
    let ran = polter(["judge".as_ref(), prose.as_os_str(), log.as_os_str()]);
    assert_eq!(ran.code, Some(2));
    assert!(ran.out().contains("clean"), "{}", ran.out());
}

#[test]
fn many_foreign_lines_are_an_error_whatever_was_asked_for() {
    let foreign = format!("{HEALTHY}one\ntwo\nthree\n");
    let logs = Logs::new();
    let log = logs.write("log", foreign);
    for fail_on in ["none", "any"] {
        let ran = polter(["judge", "--fail-on", fail_on, log.to_str().unwrap()]);
        assert_eq!(ran.code, Some(2), "{}", ran.out());
        assert!(
            ran.err().contains("3 of 10 lines are not strace's"),
            "{}",
            ran.err()
        );
    }
    // A line now and then is what a program prints between.
    let log = logs.write("log", format!("{HEALTHY}one\n"));
    assert_eq!(polter(["judge".as_ref(), log.as_os_str()]).code, Some(0));
}

/// Gives it as a file and through a pipe.
#[track_caller]
fn check(bytes: &[u8], looks_like: &str) {
    let said = format!("not a log of strace's: it looks like {looks_like}; ");
    let logs = Logs::new();
    check_refused(&judge(&logs, bytes), &said);
    check_refused(&polter_with_stdin(&["judge", "-"], bytes), &said);
}

#[track_caller]
fn judge(logs: &Logs, bytes: &[u8]) -> Ran {
    let log = logs.write("log", bytes);
    polter(["judge".as_ref(), log.as_os_str()])
}

/// Exit code 2, no report, and one line.
#[track_caller]
fn check_refused(ran: &Ran, said: &str) {
    assert_eq!(
        (ran.code, ran.out().as_str()),
        (Some(2), ""),
        "{}",
        ran.err()
    );
    assert!(ran.err().contains(said), "{said:?} is not in {}", ran.err());
    assert_eq!(ran.err().lines().count(), 1, "{}", ran.err());
}

/// Compresses by the program, if it is there.
pub(crate) fn packed(program: &str, text: &[u8]) -> Option<Vec<u8>> {
    let logs = Logs::new();
    let file = logs.write("plain", text);
    let output = Command::new(program).arg("-c").arg(file).output();
    let output = output.ok().filter(|output| output.status.success());
    if output.is_none() {
        let _ = std::io::Write::write_fmt(
            &mut std::io::stderr(),
            format_args!("skipped: there is no {program} here\n"),
        );
    }
    Some(output?.stdout)
}

pub(crate) fn utf16(text: &str) -> Vec<u8> {
    let units = std::iter::once(0xfeff).chain(text.encode_utf16());
    units.flat_map(u16::to_le_bytes).collect()
}

fn elf(kind: u8) -> Vec<u8> {
    let mut elf = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0".to_vec();
    elf.extend([kind, 0, 62, 0]);
    elf.extend([0; 44]);
    elf
}

const STRACE_C: &[u8] = b"\
% time     seconds  usecs/call     calls    errors syscall
------ ----------- ----------- --------- --------- ----------------
 38.46    0.000100           4        21           mmap
 23.08    0.000060           8         7         1 openat
  0.00    0.000000           0         1           epoll_create1
------ ----------- ----------- --------- --------- ----------------
100.00    0.000260           5        44         2 total
";

const PERF_TRACE: &[u8] = b"\
     0.000 ( 0.008 ms): cat/4711 brk()                                = 0x55d08ac6d000
     0.030 ( 0.005 ms): cat/4711 close(fd: 3)                         = 0
         ? (         ): cat/4711  ... [continued]: epoll_wait())      = 1
";

const BPFTRACE: &[u8] = b"\
Attaching 2 probes...
epoll_ctl 4711 3
epoll_wait 4711 3
@calls[nginx]: 42
";

const LTRACE: &[u8] = b"\
__libc_start_main(0x401136, 1, 0x7ffe, 0x401160 <unfinished ...>
malloc(24)                                       = 0x4052a0
puts(\"hello\")                                    = 6
strlen(\"abc\")                                    = 3
+++ exited (status 0) +++
";

const LTRACE_C: &[u8] = b"\
% time     seconds  usecs/call     calls      function
------ ----------- ----------- --------- --------------------
100.00    0.000260         260         1 puts
------ ----------- ----------- --------- --------------------
100.00    0.000260                     1 total
";

const DTRUSS: &[u8] = b"\
SYSCALL(args) \t\t = return
open(\"/dev/dtracehelper\\0\", 0x2, 0x7FFF5FBFF0E0)\t\t = 3 0
ioctl(0x3, 0x80086804, 0x7FFF5FBFF030)\t\t = 0 0
close(0x3)\t\t = 0 0
";

const TRUSS: &[u8] = b"\
open(\"/etc/libmap.conf\",O_RDONLY|O_CLOEXEC,057) = 3 (0x3)
fstat(3,{ mode=-rw-r--r-- ,inode=8,size=47 })   = 0 (0x0)
open(\"/x\",O_RDONLY,00)\t\t\t\t ERR#2 'No such file or directory'
kqueue()                                        = 4 (0x4)
close(3)                                        = 0 (0x0)
";

const SOLARIS_TRUSS: &[u8] = b"\
open(\"/var/ld/ld.config\", O_RDONLY)             Err#2 ENOENT
close(3)                                        = 0
";

const TCPDUMP: &[u8] = b"\
08:00:00.000001 IP 127.0.0.1.80 > 127.0.0.1.4444: Flags [S], seq 1, win 65495, length 0
08:00:00.000002 IP 127.0.0.1.4444 > 127.0.0.1.80: Flags [S.], seq 2, ack 2, length 0
";

const FTRACE: &[u8] = b"\
# tracer: nop
#
            bash-1977  [000] ....  1718.1: sys_close(fd: 3)
";

const VALGRIND: &[u8] = b"\
==4711== Memcheck, a memory error detector
==4711== Command: ./x
";
