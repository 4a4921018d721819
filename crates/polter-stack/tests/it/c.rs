//! C, as distributions compile it and as nobody should.

use std::process::Command;

use polter_stack::Modules;

use crate::capture::{Program, Stopped, canonical, has_in_order, shown};

const SOURCE: &str = r#"
#include <unistd.h>
#include <signal.h>
#include <string.h>
#define APART __attribute__((noinline, noclone))
APART void drop_connection(int fd) { close(fd); __asm__ volatile(""); }
APART int handle_request(int fd, int length) {
    volatile char room[length];
    memset((char *)room, 1, length);
    drop_connection(fd);
    return room[length / 2];
}
APART void on_signal(int number) { handle_request(777, 100 + number); __asm__ volatile(""); }
APART void raise_it(void) { raise(SIGUSR1); __asm__ volatile(""); }
int main(int argc, char **argv) {
    char c;
    write(1, "x", 1);
    read(0, &c, 1);
    if (argc > 1) {
        signal(SIGUSR1, on_signal);
        raise_it();
    }
    return handle_request(777, 100) + argv[0][0];
}
"#;

#[test]
fn without_frame_pointers() {
    let expected = [
        "libc.so.6(close+0x",
        "(drop_connection+0x",
        "(handle_request+0x",
        "(main+0x",
        "libc",
    ];
    check(&["-O2", "-fomit-frame-pointer"], &[], &expected);
}

#[test]
fn a_static_program() {
    check(
        &["-O2", "-static"],
        &[],
        &[
            "close+0x",
            "(drop_connection+0x",
            "(handle_request+0x",
            "(main+0x",
            "_start",
        ],
    );
}

#[test]
fn frame_pointers_and_nothing_else() {
    let flags = [
        "-O1",
        "-fno-omit-frame-pointer",
        "-fno-asynchronous-unwind-tables",
        "-fno-unwind-tables",
    ];
    check(
        &flags,
        &[],
        &["(drop_connection+0x", "(handle_request+0x", "(main+0x"],
    );
}

#[test]
fn compressed_frame_information_alone() {
    let flags = [
        "-O2",
        "-g",
        "-gz=zlib",
        "-fno-asynchronous-unwind-tables",
        "-fno-unwind-tables",
        "-fomit-frame-pointer",
    ];
    check(
        &flags,
        &[],
        &["(drop_connection+0x", "(handle_request+0x", "(main+0x"],
    );
}

#[test]
fn a_stripped_program_has_frames_without_names() {
    let Some((program, stopped)) = run(&["-O2", "-s"], &[]) else {
        return;
    };
    let path = canonical(&program.path("program"));
    let frames = stopped.frames();
    let own: Vec<_> = frames.lines().filter(|line| line.contains(&path)).collect();
    assert!(own.len() >= 3 && own[0].contains("(+0x"), "{frames}");
    has_in_order(&frames, &["libc.so.6(close+0x", &path, "libc.so.6("]);
}

#[test]
fn a_signals_handler_interrupts_a_function() {
    let expected = [
        "(drop_connection+0x",
        "(handle_request+0x",
        "(on_signal+0x",
        "(raise_it+0x",
        "(main+0x",
    ];
    check(&["-O2", "-fomit-frame-pointer"], &["signal"], &expected);
}

#[test]
fn lines_come_with_the_debug_information() {
    let Some((_program, stopped)) = run(&["-O2", "-g"], &[]) else {
        return;
    };
    let frames = Modules::of(stopped.pid()).unwrap().frames(&stopped.stack);
    let frame = frames
        .iter()
        .find(|it| it.function.as_deref() == Some("drop_connection"))
        .expect("the frame");
    let (file, line) = frame.source.clone().expect("a line");
    assert!(file.ends_with("program.c") && line == 6, "{file}:{line}");
}

#[test]
fn names_are_had_when_the_process_and_its_program_are_gone() {
    let Some((program, stopped)) = run(&["-O2"], &[]) else {
        return;
    };
    let modules = Modules::of(stopped.pid()).unwrap();
    let (pid, stack) = (stopped.pid(), stopped.stack.clone());
    drop(stopped);
    drop(program);
    assert!(Modules::of(pid).is_err());
    has_in_order(
        &shown(&modules, &stack),
        &["(drop_connection+0x", "(handle_request+0x", "(main+0x"],
    );
}

#[test]
fn a_program_that_was_deleted_before() {
    let Some((program, stopped)) = run(&["-O2"], &[]) else {
        return;
    };
    drop(program);
    let frames = stopped.frames();
    if frames.contains("(drop_connection") {
        has_in_order(
            &frames,
            &["(drop_connection+0x", "(handle_request+0x", "(main+0x"],
        );
    } else {
        skipped!("/proc/PID/map_files may not be read here");
        assert!(frames.contains("close+0x"), "{frames}");
    }
}

#[test]
fn what_is_mapped_later_is_missed_and_found_again() {
    let Some((program, stopped)) = run(&["-O2"], &[]) else {
        return;
    };
    let maps = std::fs::read_to_string(format!("/proc/{}/maps", stopped.pid())).unwrap();
    let path = canonical(&program.path("program"));
    let before: String = maps
        .lines()
        .filter(|line| !line.contains(&path))
        .map(|line| format!("{line}\n"))
        .collect();
    let known = Modules::of_text(before.as_bytes(), |path| {
        std::fs::File::open(std::str::from_utf8(path).ok()?).ok()
    });
    assert!(known.is_lost_in(&stopped.stack));
    let known = known.again(stopped.pid()).unwrap();
    assert!(
        !known.is_lost_in(&stopped.stack),
        "{}",
        shown(&known, &stopped.stack)
    );
    has_in_order(
        &shown(&known, &stopped.stack),
        &["(drop_connection+0x", "(main+0x"],
    );
}

#[test]
fn a_short_copy_ends_the_walk() {
    let Some((_program, mut stopped)) = run(&["-O2"], &[]) else {
        return;
    };
    stopped.stack.bytes.truncate(8);
    let frames = stopped.frames();
    assert!((1..=2).contains(&frames.lines().count()), "{frames}");
    stopped.stack.bytes.clear();
    // Where calls leave their return address in a register, one caller is known.
    let known = 1 + usize::from(cfg!(target_arch = "aarch64"));
    assert_eq!(stopped.frames().lines().count(), known);
}

#[track_caller]
fn check(flags: &[&str], args: &[&str], expected: &[&str]) {
    if let Some((_program, stopped)) = run(flags, args) {
        has_in_order(&stopped.frames(), expected);
    }
}

fn run(flags: &[&str], args: &[&str]) -> Option<(Program, Stopped)> {
    let program = Program::of("program.c", SOURCE);
    let compiled = program.compile(
        "cc",
        &[flags, &["-w", "-o", "program", "program.c"]].concat(),
    );
    let stopped =
        compiled.then(|| Stopped::run(Command::new(program.path("program")).args(args)))??;
    Some((program, stopped))
}
