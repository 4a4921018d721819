//! Programs and stacks that somebody has damaged on purpose.

use std::io::{Seek as _, Write as _};
use std::process::Command;
use std::time::{Duration, Instant};

use polter_stack::{Modules, Registers, StackCopy};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::capture::{Program, Stopped};

/// One function that calls `close(777)`; the file is small, so that damage meets something.
const SOURCE: &str = r#"
#include <unistd.h>
__attribute__((noinline)) void drop_connection(int fd) { close(fd); __asm__ volatile(""); }
int main(void) { char c; write(1, "x", 1); read(0, &c, 1); drop_connection(777); return 0; }
"#;

#[test]
fn a_damaged_program_costs_frames_and_nothing_else() {
    let program = Program::of("program.c", SOURCE);
    if !program.compile("cc", &["-O2", "-g", "-w", "-o", "program", "program.c"]) {
        return;
    }
    let whole = std::fs::read(program.path("program")).unwrap();
    let Some(stopped) = Stopped::run(&mut Command::new(program.path("program"))) else {
        return;
    };
    let stack = in_the_caller(&stopped.stack);
    let maps = std::fs::read_to_string(format!("/proc/{}/maps", stopped.pid())).unwrap();
    let own = maps.lines().filter(|line| line.ends_with("/program"));
    let maps: String = own.map(|line| format!("{line}\n")).collect();
    let frames_fn = |content: &[u8], stack: &StackCopy| {
        let modules = Modules::of_text(maps.as_bytes(), |_| {
            let mut file = tempfile::tempfile().ok()?;
            file.write_all(content).ok()?;
            file.rewind().ok()?;
            Some(file)
        });
        let frames = modules.frames(stack);
        frames
            .iter()
            .map(|frame| format!("{frame}\n"))
            .collect::<String>()
    };
    assert!(frames_fn(&whole, &stack).contains("(drop_connection+0x"));
    let damage = (
        prop::collection::vec((0..whole.len(), any::<u8>()), 1..200),
        0..=whole.len(),
    );
    let stack_damage = prop::collection::vec((0..stack.bytes.len(), any::<u8>()), 0..20);
    let mut runner = TestRunner::new(Config::with_cases(3000));
    let checked = runner.run(&(damage, stack_damage), |((bytes, length), stack_bytes)| {
        let mut content = whole.clone();
        for (at, byte) in bytes {
            content[at] = byte;
        }
        // Most damage leaves the file as long as it is.
        if length % 4 == 0 {
            content.truncate(length);
        }
        let mut stack = stack.clone();
        for (at, byte) in stack_bytes {
            stack.bytes[at] = byte;
        }
        let began = Instant::now();
        let frames = frames_fn(&content, &stack);
        prop_assert!(began.elapsed() < Duration::from_secs(2));
        prop_assert!(
            frames
                .lines()
                .all(|line| line.starts_with(" > ") && !line.contains(char::is_control))
        );
        Ok(())
    });
    checked.unwrap();
}

#[test]
fn a_stack_that_leads_in_a_circle_ends() {
    let modules = Modules::of_text(b"1000-9000 r-xp 00000000 00:00 0 \n", |_| None);
    // Each frame pointer leads to itself, or inwards.
    for fp in [0x10_0000_u64, 0x10_0008] {
        let words = [fp, 0x2000, fp, 0x2000, 0x10_0000, 0x2000];
        let stack = StackCopy {
            registers: Registers {
                ip: 0x1000,
                sp: 0x10_0000,
                fp,
                lr: 0,
            },
            bytes: words.iter().flat_map(|word| word.to_le_bytes()).collect(),
        };
        let frames = modules.frames(&stack);
        assert!((1..10).contains(&frames.len()), "{frames:?}");
    }
}

/// A stack as the caller of `close` has it: whole files of libc are not read again and again.
fn in_the_caller(stack: &StackCopy) -> StackCopy {
    let mut stack = stack.clone();
    if cfg!(target_arch = "x86_64") {
        let word: Vec<u8> = stack.bytes.drain(..8).collect();
        stack.registers.ip = u64::from_le_bytes(word.try_into().unwrap());
        stack.registers.sp += 8;
    } else {
        stack.registers.ip = stack.registers.lr;
    }
    stack
}
