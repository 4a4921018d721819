use super::*;

#[test]
fn a_cut_call_is_joined() {
    check(
        "7 epoll_wait(3,  <unfinished ...>
         8 close(4) = 0
         7 <... epoll_wait resumed>[{events=EPOLLIN}], 8, -1) = 1 <0.5>",
        "7 begins epoll_wait(3, )
         8 close(4) = 0
         7 epoll_wait(3, [{events=EPOLLIN}], 8, -1) = 1 of line 1",
    );
}

#[test]
fn a_note_tears_a_line() {
    check(
        "clone(flags=SIGCHLDstrace: Process 12 attached
         ) = 12
         [pid    12] close(1) = 0
         [pid    11] wait4(12,  <unfinished ...>
         [pid    12] +++ exited with 0 +++
         <... wait4 resumed>NULL, 0, NULL) = 12
         close(1) = 0",
        "- begins clone(flags=SIGCHLD)
         - clone(flags=SIGCHLD) = 12 of line 1
         12 close(1) = 0
         11 begins wait4(12, ) named 11
         12 gone
         11 wait4(12, NULL, 0, NULL) = 12 of line 4
         11 close(1) = 0",
    );
}

#[test]
fn a_vfork_gives_its_nameless_task_away() {
    check(
        "vfork(strace: Process 12 attached
          <unfinished ...>
         [pid 12] execve() = 0
         [pid 11] <... vfork resumed>) = 12",
        "- begins vfork()
         12 execve() = 0
         11 vfork() = 12 of line 1 named 11",
    );
    // Without notes (-q), the child is not taken for the nameless task.
    check(
        "vfork( <unfinished ...>
         [pid 12] execve() = 0
         [pid 11] <... vfork resumed>) = 12",
        "- begins vfork()
         12 execve() = 0
         11 vfork() = 12 of line 1 named 11",
    );
    check(
        "fork() = 12
         [pid 12] close(1) = 0
         [pid 11] close(1) = 0",
        "- fork() = 12
         12 close(1) = 0
         11 close(1) = 0 named 11",
    );
}

#[test]
fn an_attached_task_has_its_number_from_the_note() {
    check(
        "strace: Process 11 attached
         close(1) = 0",
        "- note
         11 close(1) = 0",
    );
}

#[test]
fn an_exec_of_a_thread_goes_on_as_the_leader() {
    check(
        "12 execve(\"/bin/true\" <unfinished ...>
         11 <... futex resumed>) = ?
         11 +++ superseded by execve in pid 12 +++
         11 <... execve resumed>) = 0",
        "12 begins execve(\"/bin/true\")
         warning 2:4: a call resumes that never began
         11 gone
         11 execve(\"/bin/true\") = 0 of line 1",
    );
}

#[test]
fn stack_lines_belong_to_the_call_before() {
    check(
        " > /lib/x(f+0x1) [0x2]
         7 close(4) = 0
          > /lib/x(f+0x1) [0x2]",
        "warning 1:1: a stack line without a call
         7 close(4) = 0
         7 frame /lib/x of line 2",
    );
}

#[test]
fn what_does_not_fit_together_is_a_warning() {
    check(
        "7 read(3,  <unfinished ...>
         7 read(4,  <unfinished ...>
         7 close(4) = 0
         7 <... read resumed>) = 0",
        "7 begins read(3, )
         7 begins read(4, ) warning 2:3: the call on line 1 never resumed
         7 close(4) = 0 warning 3:3: the call on line 2 never resumed
         warning 4:3: a call resumes that never began",
    );
    check(
        "7 read(3,  <unfinished ...>
         7 <... write resumed>) = 0
         hello, world",
        "7 begins read(3, )
         warning 2:3: a call resumes under another name than on line 1
         warning 3:1: not a line of strace's",
    );
}

/// Compares the events of a log, line by line; the indent of the test is no part of it.
#[track_caller]
fn check(log: &str, expected: &str) {
    let strip = |line: &str| line.strip_prefix("         ").unwrap_or(line).to_owned();
    let mut assembler = Assembler::default();
    let mut actual = Vec::new();
    for (line, number) in log.lines().map(strip).zip(1..) {
        let assembled = assembler.push(number, &Line::parse(line.as_bytes()));
        let mut words = Vec::new();
        words.extend(assembled.event.map(|event| show(&event)));
        words.extend(assembled.named.map(|pid| format!("named {pid}")));
        words.extend(
            assembled
                .warning
                .map(|warning| format!("warning {warning}")),
        );
        actual.extend((!words.is_empty()).then(|| words.join(" ")));
    }
    let expected: Vec<_> = expected.lines().map(strip).collect();
    assert_eq!(actual, expected, "{log}");
}

fn show(event: &Event<'_>) -> String {
    let lossy = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let call = |call: &Call<'_>| {
        format!(
            "{}({}) = {}",
            call.name,
            lossy(call.args.raw),
            lossy(call.returned.raw)
        )
    };
    let what = match event.kind {
        EventKind::Call(it) => call(&it),
        EventKind::Entry(it) => format!("begins {}({})", it.name, lossy(it.args.raw)),
        EventKind::Exit { entry, call: it } => format!("{} of line {entry}", call(&it)),
        EventKind::Signal(_) => "signal".to_owned(),
        EventKind::Gone(_) => "gone".to_owned(),
        EventKind::StackFrame { of, frame } => {
            format!("frame {} of line {of}", lossy(frame.object))
        }
        EventKind::Note(_) => "note".to_owned(),
        EventKind::Comment(_) => "comment".to_owned(),
    };
    let pid = event
        .pid
        .map_or_else(|| "-".to_owned(), |pid| pid.to_string());
    format!("{pid} {what}")
}
