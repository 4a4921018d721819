//! Rust and Go.

use std::process::Command;

use polter_stack::Modules;

use crate::capture::{Program, Stopped, has_in_order};

const RUST: &str = r#"
mod server {
    pub struct Connection(pub i32);
    unsafe extern "C" { fn close(fd: i32) -> i32; }
    #[inline(always)]
    fn really_close(fd: i32) { unsafe { close(fd) }; }
    impl Drop for Connection {
        #[inline(never)]
        fn drop(&mut self) { really_close(self.0); std::hint::black_box(&self.0); }
    }
    #[inline(never)]
    pub fn handle(fd: i32) { let it = Connection(fd); std::hint::black_box(&it); }
}
fn main() {
    use std::io::{Read, Write};
    std::io::stdout().write_all(b"x").unwrap();
    std::io::stdout().flush().unwrap();
    std::io::stdin().read_exact(&mut [0]).unwrap();
    server::handle(777);
}
"#;

const GO: &str = r#"
package main

import (
    "os"
    "runtime"
    "syscall"
)

type Server struct{ fd int }

func init() { runtime.LockOSThread() }

//go:noinline
func (server *Server) Shutdown() error { return syscall.Close(server.fd) }

//go:noinline
func handle(fd int) error { return (&Server{fd}).Shutdown() }

func main() {
    os.Stdout.Write([]byte("x"))
    os.Stdin.Read(make([]byte, 1))
    if handle(777) != nil {
        os.Exit(1)
    }
}
"#;

#[test]
fn rust() {
    let expected = [
        "close+0x",
        "Connection as core::ops::drop::Drop>::drop+0x",
        "(program::server::handle+0x",
        "(program::main+0x",
        "(main+0x",
    ];
    let Some((_program, stopped)) = run_rust(&["-O"]) else {
        return;
    };
    has_in_order(&stopped.frames(), &expected);
}

#[test]
fn rust_with_functions_in_one_another() {
    let Some((_program, stopped)) = run_rust(&["-O", "-g"]) else {
        return;
    };
    let frames = Modules::of(stopped.pid()).unwrap().frames(&stopped.stack);
    let named_fn = |name: &str| {
        frames
            .iter()
            .find(|it| it.function.as_deref().is_some_and(|it| it.contains(name)))
    };
    let (inner, outer) = (
        named_fn("really_close").expect("inlined"),
        named_fn("Drop>::drop").expect("the outer"),
    );
    assert_eq!((inner.address, inner.offset), (outer.address, outer.offset));
    let line_fn = |frame: &polter_stack::Frame| frame.source.clone().map(|(_, line)| line);
    assert_eq!((line_fn(inner), line_fn(outer)), (Some(6), Some(9)));
}

#[test]
fn go() {
    let expected = [
        "(syscall.Close+0x",
        "(main.(*Server).Shutdown+0x",
        "(main.handle+0x",
        "(main.main+0x",
        "(runtime.main+0x",
    ];
    let Some((_program, stopped)) = run_go(&[]) else {
        return;
    };
    has_in_order(&stopped.frames(), &expected);
}

#[test]
fn go_without_symbols() {
    for flags in [
        &["-ldflags=-s -w"][..],
        &["-ldflags=-s -w", "-buildmode=pie"],
    ] {
        let Some((_program, stopped)) = run_go(flags) else {
            return;
        };
        let expected = [
            "(syscall.Close+0x",
            "(main.(*Server).Shutdown+0x",
            "(main.handle+0x",
            "(main.main+0x",
            "(runtime.main+0x",
        ];
        has_in_order(&stopped.frames(), &expected);
    }
}

fn run_rust(flags: &[&str]) -> Option<(Program, Stopped)> {
    let program = Program::of("program.rs", RUST);
    let compiled = program.compile(
        "rustc",
        &[flags, &["--edition=2024", "program.rs"]].concat(),
    );
    let stopped = compiled.then(|| Stopped::run(&mut Command::new(program.path("program"))))??;
    Some((program, stopped))
}

fn run_go(flags: &[&str]) -> Option<(Program, Stopped)> {
    let program = Program::of("program.go", GO);
    let compiled = program.compile(
        "go",
        &[&["build"], flags, &["-o", "program", "program.go"]].concat(),
    );
    let stopped = compiled.then(|| Stopped::run(&mut Command::new(program.path("program"))))??;
    Some((program, stopped))
}
