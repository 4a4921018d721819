//! When a finding comes: with the line that shows it, or when it has lasted.

use polter_judge::{LiveJudge, News, Standing};

/// An instance, and a ghost in it that a forked child keeps.
const GHOST: &str = "\
100 execve(\"/srv/worker\", [\"worker\"], 0x7ffe /* 9 vars */) = 0
100 epoll_create1(0) = 3
100 pipe2([4, 5], 0) = 0
100 epoll_ctl(3, EPOLL_CTL_ADD, 4, {events=EPOLLIN, data=0x4}) = 0
100 fork() = 101
100 close(4) = 0
";

const EVENT: &str = "100 epoll_wait(3, [{events=EPOLLIN, data=0x4}], 8, -1) = 1\n";

#[test]
fn a_ghost_comes_with_its_first_event() {
    let mut judge = judge_of(GHOST);
    assert_eq!(told(&judge.fresh()), [""; 0]);
    judge.push(EVENT.as_bytes());
    let news = judge.fresh();
    assert_eq!(told(&news), ["1 found fork-ghost 100:4 1 events"]);
    assert_eq!(news[0].comm.as_deref(), Some("worker"));
    judge.push(b"101 exit_group(0) = ?\n");
    assert_eq!(
        told(&judge.fresh()),
        ["1 again found fork-ghost 100:4 1 events ended"]
    );
}

#[test]
fn events_are_told_again_when_they_are_ten_times_as_many() {
    let mut judge = judge_of(GHOST);
    let mut all = Vec::new();
    for _ in 0..1200 {
        judge.push(EVENT.as_bytes());
        all.extend(told(&judge.fresh()));
    }
    assert_eq!(
        all,
        [
            "1 found fork-ghost 100:4 1 events",
            "1 again found fork-ghost 100:4 10 events",
            "1 again found fork-ghost 100:4 100 events",
            "1 again found fork-ghost 100:4 1000 events",
        ]
    );
    assert_eq!(
        told(&judge.finish().0),
        ["1 again found fork-ghost 100:4 1200 events"]
    );
}

#[test]
fn a_ghost_without_an_event_is_suspected_when_it_has_lasted() {
    let mut judge = judge_of(GHOST);
    judge.pass_time();
    assert_eq!(told(&judge.fresh()), [""; 0]);
    judge.pass_time();
    assert_eq!(
        told(&judge.fresh()),
        ["1 suspected fork-ghost 100:4 0 events"]
    );
    judge.pass_time();
    assert_eq!(told(&judge.fresh()), [""; 0]);
    judge.push(b"101 exit_group(0) = ?\n");
    assert_eq!(
        told(&judge.fresh()),
        ["1 again found note fork-ghost 100:4 0 events ended"]
    );
}

#[test]
fn an_instance_that_is_never_used_is_suspected_and_taken_back_when_it_is_used() {
    let leak = "100 epoll_create1(0) = 3\n100 execve(\"/srv/other\", [\"other\"], 0x7) = 0\n";
    let mut judge = judge_of(leak);
    judge.pass_time();
    judge.pass_time();
    assert_eq!(
        told(&judge.fresh()),
        ["1 suspected leaked-epoll 100:3 0 events"]
    );
    judge.push(b"100 epoll_wait(3, [], 8, 0) = 0\n");
    assert_eq!(
        told(&judge.fresh()),
        ["1 again withdrawn leaked-epoll 100:3 0 events"]
    );
    let (last, verdict) = judge.finish();
    assert_eq!((last.len(), verdict.findings.len()), (0, 0));
}

#[test]
fn a_close_too_many_is_suspected_while_its_task_says_nothing() {
    let log = "100 epoll_create1(0) = 3\n100 close(3) = 0\n100 close(3) = -1 EBADF (Bad file descriptor)\n";
    let mut judge = judge_of(log);
    judge.pass_time();
    judge.pass_time();
    assert_eq!(
        told(&judge.fresh()),
        ["1 suspected dead-epoll-fd 100:3 0 events"]
    );
    judge.push(b"100 close(4) = -1 EBADF (Bad file descriptor)\n");
    assert_eq!(
        told(&judge.fresh()),
        ["1 again withdrawn dead-epoll-fd 100:3 0 events"]
    );
}

#[test]
fn a_theft_comes_when_the_owner_waits_for_what_is_taken() {
    let log = "\
100 epoll_create1(0) = 3
100 eventfd2(0, 0) = 4
100 epoll_ctl(3, EPOLL_CTL_ADD, 4, {events=EPOLLIN, data=0x4}) = 0
100 fork() = 101
101 epoll_wait(3, [{events=EPOLLIN, data=0x4}], 8, -1) = 1
";
    let mut judge = judge_of(log);
    assert_eq!(told(&judge.fresh()), [""; 0]);
    judge.push(b"100 epoll_wait(3, [], 8, 0) = 0\n");
    assert_eq!(told(&judge.fresh()), ["1 found event-theft 100:4 0 events"]);
}

#[test]
fn a_finding_waits_for_its_stack() {
    let frame = " > /srv/worker(main+0x10) [0x1234]\n";
    let log = GHOST.replace("= 0\n", &format!("= 0\n{frame}"));
    let mut judge = judge_of(&log);
    judge.push(EVENT.as_bytes());
    assert_eq!(told(&judge.fresh()), [""; 0]);
    judge.push(frame.as_bytes());
    assert_eq!(told(&judge.fresh()), [""; 0]);
    // The next line is no frame; nor is silence.
    judge.pause();
    let news = judge.fresh();
    assert_eq!(told(&news), ["1 found fork-ghost 100:4 1 events"]);
    let last = news[0].finding.story.last().expect("it has steps");
    assert_eq!(last.site.stack, ["/srv/worker(main+0x10) [0x1234]"]);
}

#[test]
fn a_loss_is_counted_and_no_log_with_one_is_whole() {
    let mut judge = judge_of("100 epoll_create1(0) = 3\n# lost 12 events\n# lost 1 events\n");
    assert_eq!((judge.lost(), judge.fresh().len()), (13, 0));
    judge.push(b"# a remark\n");
    let gaps = judge.finish().1.gaps;
    assert!(
        gaps[0].summary.starts_with("13 events were lost"),
        "{gaps:?}"
    );
}

#[test]
fn a_line_can_come_in_pieces_and_a_long_one_is_skipped() {
    let mut judge = judge_of("100 epoll_crea");
    judge.push(b"te1(0) = 3\n");
    for _ in 0..3 {
        judge.push(&[b'x'; 1 << 19]);
    }
    judge.push(b"\n100 epoll_create1(0) = 5\n100 epo");
    assert_eq!(judge.summary().lines, 3);
    judge.drop_partial();
    let log = judge.finish().1.log;
    assert_eq!((log.lines, log.unread_lines, log.instances), (3, 1, 2));
}

fn judge_of(log: &str) -> LiveJudge {
    let mut judge = LiveJudge::new(&[]);
    judge.push(log.as_bytes());
    judge
}

/// Each of the news in a few words.
fn told(news: &[News]) -> Vec<String> {
    let text = |news: &News| {
        let finding = &news.finding;
        let standing = match news.standing {
            Standing::Suspected => "suspected",
            Standing::Found => "found",
            Standing::Withdrawn => "withdrawn",
        };
        let mild = match finding.severity {
            polter_judge::Severity::Fault => "",
            polter_judge::Severity::Note => " note",
        };
        format!(
            "{}{} {standing}{mild} {} {}:{} {} events{}",
            news.id,
            if news.is_first { "" } else { " again" },
            finding.class.name(),
            finding.pid,
            finding.fd,
            finding.events,
            if finding.ended.is_some() {
                " ended"
            } else {
                ""
            },
        )
    };
    news.iter().map(text).collect()
}
