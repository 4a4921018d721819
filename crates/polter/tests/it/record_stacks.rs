//! A recorded ghost has the function that made it, in each language. The programs live on for a while: what the function is
//! called is read from the process and its files.

use std::fs;
use std::io::Write as _;
use std::process::{Command, Stdio};

use crate::polter::{Logs, polter};
use crate::record::can_record;

const C: &str = r#"
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>
__attribute__((noinline)) void forget_it(int fd) { close(fd); __asm__ volatile("" ::: "memory"); }
int main(void) {
    int ends[2], instance = epoll_create1(0);
    if (pipe(ends)) return 1;
    struct epoll_event event = {.events = EPOLLIN, .data.fd = ends[0]};
    epoll_ctl(instance, EPOLL_CTL_ADD, ends[0], &event);
    if (system("sleep 1 &")) return 1;
    forget_it(ends[0]);
    if (write(ends[1], "x", 1) != 1) return 1;
    epoll_wait(instance, &event, 1, 0);
    sleep(1);
}
"#;

const RUST: &str = r#"
use std::process::Command;
#[repr(C, packed)]
struct Event(u32, u64);
unsafe extern "C" {
    fn pipe(ends: *mut i32) -> i32;
    fn close(fd: i32) -> i32;
    fn write(fd: i32, from: *const u8, size: usize) -> isize;
    fn epoll_create1(flags: i32) -> i32;
    fn epoll_ctl(instance: i32, operation: i32, fd: i32, event: *mut Event) -> i32;
    fn epoll_wait(instance: i32, events: *mut Event, most: i32, timeout: i32) -> i32;
}
mod server {
    #[inline(never)]
    pub fn forget_it(fd: i32) { std::hint::black_box(unsafe { super::close(fd) }); }
}
fn main() {
    let mut ends = [0; 2];
    let mut event = Event(1, 0);
    unsafe {
        pipe(ends.as_mut_ptr());
        let instance = epoll_create1(0);
        epoll_ctl(instance, 1, ends[0], &mut event);
        Command::new("sleep").arg("1").spawn().unwrap();
        server::forget_it(ends[0]);
        write(ends[1], b"x".as_ptr(), 1);
        epoll_wait(instance, &mut event, 1, 0);
    }
    std::thread::sleep(std::time::Duration::from_secs(1));
}
"#;

const GO: &str = r#"
package main

import (
	"syscall"
	"time"
)

type Server struct{ fd int }

//go:noinline
func (server *Server) forgetIt() { syscall.Close(server.fd) }

func main() {
	var ends [2]int
	syscall.Pipe(ends[:])
	instance, _ := syscall.EpollCreate1(0)
	event := syscall.EpollEvent{Events: syscall.EPOLLIN}
	syscall.EpollCtl(instance, syscall.EPOLL_CTL_ADD, ends[0], &event)
	syscall.ForkExec("/bin/sleep", []string{"sleep", "1"}, &syscall.ProcAttr{})
	(&Server{ends[0]}).forgetIt()
	syscall.Write(ends[1], []byte("x"))
	syscall.EpollWait(instance, make([]syscall.EpollEvent, 1), 0)
	time.Sleep(time.Second)
}
"#;

const PYTHON: &str = r#"
import os, select, subprocess, time

class Server:
    def forget_it(self, fd):
        os.close(fd)

reader, writer = os.pipe()
os.set_inheritable(reader, True)
instance = select.epoll()
instance.register(reader, select.EPOLLIN)
subprocess.Popen(["sleep", "1"], close_fds=False)
Server().forget_it(reader)
os.write(writer, b"x")
instance.poll(0)
time.sleep(1)
"#;

#[test]
fn c() {
    compiled("ghost.c", C, &["cc", "-O2", "-o"], "(forget_it+0x");
}

#[test]
fn rust() {
    let rustc = ["rustc", "-O", "--edition=2024", "-o"];
    compiled("ghost.rs", RUST, &rustc, "server::forget_it+0x");
}

#[test]
fn go() {
    let go = ["go", "build", "-o"];
    compiled("ghost.go", GO, &go, "(main.(*Server).forgetIt+0x");
}

#[test]
fn python() {
    let logs = Logs::new();
    let source = logs.path("ghost.py");
    fs::write(&source, PYTHON).unwrap();
    let function = "ghost.py(Server.forget_it+0x0) [line 6]";
    names_the_function(&["python3", source.to_str().unwrap()], function);
}

/// Compiles a program and records it.
#[track_caller]
fn compiled(name: &str, text: &str, compiler: &[&str], function: &str) {
    let logs = Logs::new();
    let (source, program) = (logs.path(name), logs.path("ghost"));
    fs::write(&source, text).unwrap();
    let Some((tool, options)) = compiler.split_first().filter(|it| is_here(it.0)) else {
        return;
    };
    let made = Command::new(tool)
        .args(options)
        .args([&program, &source])
        .output()
        .expect("it starts");
    let said = String::from_utf8_lossy(&made.stderr);
    assert!(made.status.success(), "{name}: {said}");
    names_the_function(&[program.to_str().unwrap()], function);
}

/// True if a tool is installed; else says that a test is skipped.
fn is_here(tool: &str) -> bool {
    let quiet = |it: &mut Command| it.stdout(Stdio::null()).stderr(Stdio::null()).status();
    let is_here = quiet(Command::new(tool).arg("version")).is_ok();
    if !is_here {
        let _ = writeln!(std::io::stderr(), "skipped: there is no {tool}");
    }
    is_here
}

/// Records a command: its ghost has a stack with the function in it, which is named as the place.
#[track_caller]
fn names_the_function(command: &[&str], function: &str) {
    if !can_record() || !is_here(command[0]) {
        return;
    }
    let logs = Logs::new();
    let log = logs.path("log");
    let mut args = vec!["record", "-o", log.to_str().unwrap(), "--"];
    args.extend(command);
    polter(args);
    let ran = polter(["judge", "--format", "json", log.to_str().unwrap()]);
    assert!(ran.out().contains("fork-ghost"), "{}", ran.out());
    assert!(ran.out().contains(function), "{}", ran.out());
    let text = polter(["judge", log.to_str().unwrap()]).out();
    assert!(text.contains(function), "{text}");
}
