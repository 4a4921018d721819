//! What must hold of a message, so that a value holds it whole.

use super::kept::{ADDRESS, Kept, Whole, has_only};
use crate::value::Value;

pub(super) fn message(args: &Kept<'_>, is_sent: bool) -> Whole {
    args.fields(
        1,
        &[
            "msg_name",
            "msg_namelen",
            "msg_iov",
            "msg_iovlen",
            "msg_control",
            "msg_controllen",
            "msg_flags",
        ],
    )?;
    let part = |name: &'static str| args.at(1).and_then(move |value| value.field(name));
    let number = |name| part(name).and_then(|value| value_before(value).number());
    let is_unnamed = part("msg_name").is_none_or(Value::is_null);
    args.when(
        is_unnamed && matches!(number("msg_namelen"), None | Some(0)),
        1,
        ADDRESS,
    )?;
    let pieces = part("msg_iov")
        .and_then(Value::elements)
        .unwrap_or_default();
    args.when(
        pieces.len() == 1 && number("msg_iovlen") == Some(1),
        1,
        "a message in another number of pieces than one is not modelled",
    )?;
    args.when(
        pieces
            .iter()
            .all(|piece| has_only(piece, &["iov_base", "iov_len"])),
        1,
        "a field of this structure is not modelled",
    )?;
    let control = part("msg_control")
        .and_then(Value::elements)
        .unwrap_or_default();
    let is_rights = |header: &Value<'_>| {
        let is = |name, word| matches!(header.field(name).map(Value::bare), Some(Value::Name(found)) if *found == word);
        let fds = header
            .field("cmsg_data")
            .and_then(Value::elements)
            .map_or(0, <[_]>::len);
        let len = header.field("cmsg_len").and_then(Value::number);
        has_only(
            header,
            &["cmsg_len", "cmsg_level", "cmsg_type", "cmsg_data"],
        ) && is("cmsg_level", "SOL_SOCKET")
            && is("cmsg_type", "SCM_RIGHTS")
            && len == Some(16 + 4 * fds as i128)
    };
    args.when(
        control.len() <= 1 && control.iter().all(is_rights),
        1,
        "of control messages one SCM_RIGHTS is modelled",
    )?;
    let fds = control.first().and_then(|header| header.field("cmsg_data"));
    let fds = fds.and_then(Value::elements).map_or(0, <[_]>::len) as i128;
    let len = number("msg_controllen").unwrap_or(0);
    let is_fit = match (is_sent, fds) {
        (true, 0) => len == 0,
        // With its padding or without: nobody looks at that.
        (true, fds) => (16 + 4 * fds..=(16 + 4 * fds + 7) / 8 * 8)
            .step_by(4)
            .any(|it| it == len),
        (false, _) => len == 0 || len > 16 && len % 4 == 0,
    };
    args.when(is_fit, 1, "msg_controllen is not what the descriptors take")?;
    let is_address = part("msg_control").is_some_and(|control| control.number().is_some());
    args.when(!is_address, 1, "what is at an address is not known")?;
    args.end(3)
}

/// What the program gave, where the kernel put something else there.
pub(super) fn value_before<'v, 'a>(value: &'v Value<'a>) -> &'v Value<'a> {
    match value {
        Value::Change(change) => change.before.as_ref().unwrap_or(&change.after),
        value => value,
    }
}
