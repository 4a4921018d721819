//! A log read again: what lived when around a finding.

use crate::told::judge;
use polter_judge::{Followed, Judge, KeptBy, MarkKind, Named, Span};

const GHOST: &str = "\
100 epoll_create1(0) = 3<anon_inode:[eventpoll]>
100 pipe2([4<pipe:[7]>, 5<pipe:[7]>], 0) = 0
100 epoll_ctl(3<anon_inode:[eventpoll]>, EPOLL_CTL_ADD, 4<pipe:[7]>, {events=EPOLLIN, data={u32=4, u64=4}}) = 0
100 fork() = 101
100 epoll_wait(3<anon_inode:[eventpoll]>, [{events=EPOLLIN, data={u32=4, u64=4}}], 8, 0) = 1
100 close(4<pipe:[7]>) = 0
100 epoll_wait(3<anon_inode:[eventpoll]>, [{events=EPOLLIN, data={u32=4, u64=4}}], 8, 0) = 1
100 epoll_wait(3<anon_inode:[eventpoll]>, [{events=EPOLLIN, data={u32=4, u64=4}}], 8, 0) = 1
101 exit_group(0) = ?
101 +++ exited with 0 +++
100 getpid() = 100
";

#[test]
fn fd_file_and_registration_have_their_lives() {
    let followed = follow(GHOST);
    let lives = &followed.findings[0];
    let file = lives.file.as_ref().unwrap();
    assert_eq!(file.what.as_deref(), Some("pipe:[7]"));
    assert_eq!(file.life, span(2, Some(9)));
    let registration = &lives.registrations[0];
    assert_eq!(registration.life, span(3, Some(9)));
    assert_eq!(registration.ghost, Some(span(6, Some(9))));
    let holders: Vec<_> = lives
        .holders
        .iter()
        .map(|it| (it.who.clone(), it.life))
        .collect();
    let fd = |pid| KeptBy::Fd { pid, fd: 4 };
    assert_eq!(
        holders,
        [(fd(100), span(2, Some(6))), (fd(101), span(4, Some(9)))]
    );
}

#[test]
fn calls_and_reports_are_marked() {
    let followed = follow(GHOST);
    let lives = &followed.findings[0];
    let marks = |kind| {
        let series = lives
            .series
            .iter()
            .find(|series| series.kind == kind)
            .unwrap();
        (series.pid, series.marks.lines.clone())
    };
    assert_eq!(marks(MarkKind::Report), (100, vec![5, 7, 8]));
    assert_eq!(marks(MarkKind::Call), (100, vec![3, 6]));
    // The same text is kept once.
    let reports = lives
        .series
        .iter()
        .find(|series| series.kind == MarkKind::Report);
    assert_eq!(reports.unwrap().texts.len(), 1);
    let processes: Vec<_> = followed
        .processes
        .iter()
        .map(|it| (it.pid, it.calls.count))
        .collect();
    assert_eq!(processes, [(100, 9), (101, 1)]);
}

#[test]
fn the_state_is_that_of_the_last_step() {
    let followed = follow(GHOST);
    let state = &followed.findings[0].state;
    assert_eq!(state.line, 7);
    let registration = &state.instances[0].registrations[0];
    assert!(registration.is_ghost && registration.is_closed);
    assert_eq!(registration.owners, [100]);
    let keeper = state
        .tables
        .iter()
        .find(|table| table.pids == [101])
        .unwrap();
    assert!(keeper.fds.contains(&(4, Named::File(registration.file))));
    // At the end the child is gone, and the ghost with it.
    assert!(followed.now.instances[0].registrations.is_empty());
}

#[test]
fn a_mended_ghost_names_the_policies() {
    let mended = &judge(GHOST.as_bytes()).findings[0].mended_by;
    assert_eq!(
        mended.join(" "),
        "close close-not-exit owner owner-adopt not-inherited"
    );
}

/// A copy that was made before the ADD has its life from the call that made it.
#[test]
fn a_copy_begins_with_its_dup() {
    let log = "\
100 epoll_create1(0) = 3
100 eventfd2(1, 0) = 4
100 dup(4) = 5
100 epoll_ctl(3, EPOLL_CTL_ADD, 4, {events=EPOLLIN, data={u32=4, u64=4}}) = 0
100 close(4) = 0
100 epoll_wait(3, [{events=EPOLLIN, data={u32=4, u64=4}}], 8, 0) = 1
";
    let followed = follow(log);
    let holders = &followed.findings[0].holders;
    let lives: Vec<_> = holders.iter().map(|it| it.life).collect();
    assert_eq!(lives, [span(2, Some(5)), span(3, None)]);
}

/// Every registration has its life, also where nothing is wrong.
#[test]
fn all_registrations_have_their_lives() {
    let log = "\
100 epoll_create1(0) = 3
100 eventfd2(0, 0) = 4
100 eventfd2(0, 0) = 5
100 epoll_ctl(3, EPOLL_CTL_ADD, 4, {events=EPOLLIN, data={u32=4, u64=4}}) = 0
100 epoll_ctl(3, EPOLL_CTL_ADD, 5, {events=EPOLLIN, data={u32=5, u64=5}}) = 0
100 epoll_ctl(3, EPOLL_CTL_DEL, 4, NULL) = 0
100 epoll_ctl(3, EPOLL_CTL_ADD, 4, {events=EPOLLIN, data={u32=4, u64=4}}) = 0
100 dup2(4, 5) = 5
100 close(4) = 0
";
    let followed = follow(log);
    let lives: Vec<_> = followed
        .registrations
        .iter()
        .map(|it| {
            (
                it.registration.fd,
                it.registration.life,
                it.registration.ghost,
            )
        })
        .collect();
    let expected = [
        (4, span(4, Some(6)), None),
        (5, span(5, Some(8)), None),
        (4, span(7, None), Some(span(9, None))),
    ];
    assert_eq!(lives, expected);
}

#[test]
fn the_lines_that_matter_are_kept_with_those_around() {
    let followed = follow(GHOST);
    let lines: Vec<u64> = followed.excerpt.iter().map(|it| it.line).collect();
    assert_eq!(lines, (1..=11).collect::<Vec<u64>>());
    assert_eq!(followed.excerpt[3].text, "100 fork() = 101");
}

/// However often it spins, what is kept is bounded, and all is counted.
#[test]
fn a_long_spin_is_thinned_and_counted() {
    let report = "100 epoll_wait(3<anon_inode:[eventpoll]>, [{events=EPOLLIN, data={u32=4, u64=4}}], 8, 0) = 1\n";
    let (before, after) = GHOST.split_at(GHOST.find("101 exit_group").unwrap());
    let many = 2_000_000;
    let log = [before, &report.repeat(many), after].concat();
    let followed = follow(&log);
    let series = followed.findings[0].series.iter();
    let reports = series
        .clone()
        .find(|series| series.kind == MarkKind::Report)
        .unwrap();
    assert_eq!(reports.marks.count, many as u64 + 3);
    let every = followed.processes.iter().map(|it| it.calls.every);
    assert!(every.chain([reports.marks.every]).any(|every| every > 1));
    let kept: usize = series.map(|series| series.marks.lines.len()).sum();
    let calls: usize = followed
        .processes
        .iter()
        .map(|it| it.calls.lines.len())
        .sum();
    assert!(
        (1 << 20..=3 << 20).contains(&(kept + calls)),
        "{}",
        kept + calls
    );
}

fn span(from: u64, to: Option<u64>) -> Span {
    Span {
        from: Some(from),
        to,
    }
}

fn follow(log: &str) -> Followed {
    let mut judge = Judge::new(&[]);
    judge.read(log.as_bytes(), |_| {}).unwrap();
    let verdict = judge.finish();
    let again = Judge::new(&[]).read_again(log.as_bytes(), &verdict, |_| {});
    again.unwrap()
}
