//! What must hold of a task that is made, and of what it does with a signal.

use super::kept::{Kept, SET_SIZE, Whole, has_only};
use super::messages::value_before;
use crate::names::CLONE;
use crate::signals::signal_number;
use crate::value::Value;
use eventpoll::syscall::flags;

const EXIT_SIGNAL: &str =
    "a child that tells its end by another signal than SIGCHLD is not modelled";

pub(super) fn clone(args: &Kept<'_>) -> Whole {
    for (index, name, value) in args.named() {
        match name {
            Some("flags") => own_end(args, index, value)?,
            None if index == 0 => own_end(args, index, value)?,
            None | Some("child_stack" | "parent_tid" | "child_tid" | "child_tidptr" | "tls") => {}
            Some(_) => args.when(false, index, "this is not modelled")?,
        }
    }
    Ok(())
}

/// A new process tells its end by `SIGCHLD`; of a thread nobody asks.
fn own_end(args: &Kept<'_>, index: usize, value: &Value<'_>) -> Whole {
    let (bits, signal) = clone_bits(value);
    let is_told = bits & (flags::CLONE_THREAD | flags::CLONE_PARENT) == 0;
    args.when(!is_told || signal == Some(17), index, EXIT_SIGNAL)
}

fn clone_bits(value: &Value<'_>) -> (u64, Option<u32>) {
    match value.bare() {
        Value::Number(number) => {
            let signal = (*number as u32) & 0xff;
            (*number as u64 & !0xff, (signal != 0).then_some(signal))
        }
        Value::Name(name) => match signal_number(name) {
            Some(signal) => (0, Some(signal)),
            None => (CLONE.value(name).unwrap_or(0), None),
        },
        Value::Flags(parts) => parts
            .iter()
            .map(clone_bits)
            .fold((0, None), |all, part| (all.0 | part.0, all.1.or(part.1))),
        _ => (0, None),
    }
}

pub(super) fn clone3(args: &Kept<'_>) -> Whole {
    let given = args.at(0).map(value_before);
    let Some(given) = given else {
        return Ok(());
    };
    let known = [
        "flags",
        "exit_signal",
        "stack",
        "stack_size",
        "pidfd",
        "child_tid",
        "parent_tid",
        "tls",
    ];
    args.when(
        has_only(given, &known),
        0,
        "a field of this structure is not modelled",
    )?;
    let is_zero = |name| given.field(name).is_none_or(Value::is_null);
    args.when(
        is_zero("stack") == is_zero("stack_size"),
        0,
        "a stack without a size, or a size without a stack, is not modelled",
    )?;
    let (bits, _) = given.field("flags").map_or((0, None), clone_bits);
    let (low, signal) = given.field("exit_signal").map_or((0, None), clone_bits);
    let is_told = bits & (flags::CLONE_THREAD | flags::CLONE_PARENT) == 0;
    let wanted = is_told.then_some(17);
    args.when(low == 0 && signal == wanted, 0, EXIT_SIGNAL)?;
    args.is(
        1,
        88,
        "another size of this structure than 88 is not modelled",
    )?;
    args.end(2)
}

pub(super) fn action(args: &Kept<'_>) -> Whole {
    args.fields(1, &["sa_handler", "sa_mask", "sa_flags", "sa_restorer"])?;
    let is_empty = |value: &Value<'_>| {
        value
            .field("sa_mask")
            .is_none_or(|mask| matches!(mask.bare(), Value::Array(signals) if signals.is_empty()))
    };
    args.must(
        1,
        is_empty,
        "sa_mask: what a handler blocks is not modelled",
    )?;
    let handler = args
        .at(1)
        .and_then(|value| value.field("sa_handler"))
        .map(Value::bare);
    let is_handled = !matches!(
        handler,
        Some(Value::Name("SIG_DFL" | "SIG_IGN") | Value::Number(0 | 1))
    );
    let is_known = |value: &Value<'_>| {
        let flags = value.field("sa_flags");
        flags.is_none_or(|flags| is_plain_action(flags, is_handled))
    };
    args.must(
        1,
        is_known,
        "sa_flags: of a handler's SA_RESTART is modelled, and no other",
    )?;
    args.room_or_null(2)?;
    args.is(3, 8, SET_SIZE)?;
    args.end(4)
}

/// `SA_RESTORER` is libc's, and every program's.
fn is_plain_action(flags: &Value<'_>, is_handled: bool) -> bool {
    match flags.bare() {
        Value::Name("SA_RESTORER") => true,
        Value::Name("SA_RESTART") => is_handled,
        Value::Number(bits) => {
            let restart = if is_handled { 0x1000_0000 } else { 0 };
            bits & !(0x0400_0000 | restart) == 0
        }
        Value::Flags(parts) => parts.iter().all(|part| is_plain_action(part, is_handled)),
        _ => false,
    }
}
