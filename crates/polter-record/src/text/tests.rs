//! Records and the lines they become.

use crate::kernel::{About, Body, Call, Head, Record, Registered, What};

use super::Writer;

fn head(tid: u32, what: What, number: i64, fd: i32, result: i64) -> Head {
    Head {
        time: 0,
        file: 0xffff_8880_0000_0000 + u64::from(fd.unsigned_abs()),
        result,
        pid: 100,
        tid,
        what,
        number: number as u16,
        fd,
        lost: 0,
        references: 1,
    }
}

fn call(head: Head, arguments: [u64; 6], body: Body<'_>) -> Record<'_> {
    let call = Call {
        arguments,
        is_cut: false,
        body,
    };
    Record {
        head,
        call: Some(call),
    }
}

fn pipe<'a>(fd: i32) -> About<'a> {
    About {
        file: head(0, What::Use, 0, fd, 0).file,
        inode: 77,
        peer: 0,
        magic: 0x5049_5045,
        family: 0,
        kind: 0,
        port: 0,
        peer_port: 0,
        address: [0; 16],
        peer_address: [0; 16],
        name: b"",
    }
}

fn closing<'a>() -> Body<'a> {
    Body::Closing(
        Registered {
            matches: [None; 4],
            references: 1,
        },
        None,
    )
}

/// The lines, without header, end and times.
fn lines(records: &[Record<'_>]) -> Vec<String> {
    let mut writer = Writer::new(Vec::new(), "polter test").unwrap();
    for record in records {
        writer.write(record).unwrap();
    }
    let text = String::from_utf8(writer.finish("the end").unwrap()).unwrap();
    let mut lines: Vec<&str> = text.lines().collect();
    assert_eq!(
        (lines.remove(0), lines.pop()),
        ("# polter test", Some("# the end"))
    );
    let without_time = |line: &str| match line.split_once(' ') {
        Some((tid, rest)) if line.starts_with(|it: char| it.is_ascii_digit()) => {
            format!("{tid} {}", rest.split_once(' ').unwrap().1)
        }
        _ => line.to_owned(),
    };
    lines.into_iter().map(without_time).collect()
}

fn open(tid: u32, fd: i32) -> Record<'static> {
    let about = Box::leak(Box::new(pipe(fd)));
    let head = head(tid, What::Exit, libc::SYS_dup, fd, fd.into());
    call(head, [3, 0, 0, 0, 0, 0], Body::Files([Some(*about), None]))
}

#[test]
fn a_call_of_two_records_is_one_line() {
    let close = libc::SYS_close;
    let records = [
        open(100, 5),
        call(
            head(100, What::Enter, close, 5, 0),
            [5, 0, 0, 0, 0, 0],
            closing(),
        ),
        call(
            head(100, What::Exit, close, 5, 0),
            [5, 0, 0, 0, 0, 0],
            Body::Bytes(&[]),
        ),
    ];
    let expected = ["100 dup(3) = 5<pipe:[77]>", "100 close(5<pipe:[77]>) = 0"];
    assert_eq!(lines(&records), expected);
}

#[test]
fn a_call_that_others_can_see_in_the_middle_is_two() {
    let close = libc::SYS_close;
    let records = [
        open(100, 5),
        call(
            head(100, What::Enter, close, 5, 0),
            [5, 0, 0, 0, 0, 0],
            closing(),
        ),
        open(101, 5),
        call(
            head(100, What::Exit, close, 5, 0),
            [5, 0, 0, 0, 0, 0],
            Body::Bytes(&[]),
        ),
    ];
    let expected = [
        "100 dup(3) = 5<pipe:[77]>",
        "100 close(5<pipe:[77]> <unfinished ...>",
        "101 dup(3) = 5<pipe:[77]>",
        "100 <... close resumed>) = 0",
    ];
    assert_eq!(lines(&records), expected);
}

/// It moved to another CPU in the middle, and its end was recorded all the same.
#[test]
fn a_close_that_was_told_whole_is_told_once() {
    let close = libc::SYS_close;
    let records = [
        call(
            head(100, What::Closed, close, 5, 0),
            [5, 0, 0, 0, 0, 0],
            Body::Bytes(&[]),
        ),
        call(
            head(100, What::Exit, close, 5, 0),
            [5, 0, 0, 0, 0, 0],
            Body::Bytes(&[]),
        ),
    ];
    assert_eq!(lines(&records), ["100 close(5) = 0"]);
}

#[test]
fn a_loss_stands_where_it_was() {
    let mut second = open(100, 6);
    second.head.lost = 12;
    let expected = [
        "100 dup(3) = 5<pipe:[77]>",
        "# lost 12 events",
        "100 dup(3) = 6<pipe:[77]>",
    ];
    assert_eq!(lines(&[open(100, 5), second]), expected);
}

#[test]
fn a_name_cannot_end_its_decoration_or_its_line() {
    let name = b"a>\n\x1b[31m<b";
    let about = About {
        magic: 1,
        name,
        ..pipe(5)
    };
    let head = head(100, What::Exit, libc::SYS_dup, 5, 5);
    let record = call(head, [3, 0, 0, 0, 0, 0], Body::Files([Some(about), None]));
    let lines = lines(&[record]);
    assert_eq!(lines.len(), 1);
    let line = &lines[0];
    assert!(
        !line.contains('\x1b') && line.matches('<').count() == 1,
        "{line}"
    );
}

#[test]
fn errors_and_restarts_have_their_words() {
    let wait = |result| {
        let head = head(100, What::Exit, libc::SYS_epoll_pwait, 3, result);
        call(head, [3, 0x1000, 8, 0, 0, 8], Body::Bytes(&[]))
    };
    let lines = lines(&[wait(-9), wait(-512), wait(0)]);
    assert!(
        lines[0].ends_with(" = -1 EBADF (Bad file number)"),
        "{lines:?}"
    );
    assert!(lines[1].ends_with(" = ? ERESTARTSYS (To be restarted if SA_RESTART is set)"));
    assert!(lines[2].contains("(3, [], 8, 0, 0, 8) = 0"), "{lines:?}");
}
