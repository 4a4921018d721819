//! Excerpts of real servers' logs. What is truly in each was found by hand
//! and by another program; here it is in the excerpts' own lines.

use crate::told::{findings, judge, policies, warnings};

#[track_caller]
fn check(name: &str, expected: &[&str], changes: &[&str]) {
    let path = format!(
        "{}/tests/fixtures/{name}.strace",
        env!("CARGO_MANIFEST_DIR")
    );
    let log = std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let verdict = judge(&log);
    assert_eq!(warnings(&verdict), [""; 0], "{name}");
    assert_eq!(findings(&verdict), expected, "{name}");
    assert_eq!(policies(&verdict), changes, "{name}");
    assert!(
        verdict.log.instances > 0 && verdict.log.registrations > 0,
        "{name}: {:?}",
        verdict.log
    );
}

/// Two events cannot be told apart, the eventfd's and the test socket's: nginx
/// registers both with one left-over pointer.
#[test]
fn nginx_starts_without_a_fault() {
    check("nginx-start", &[], &[]);
}

/// The old worker closes the listener's fd 4 without DEL while it shuts
/// down; its instance goes with it. Under `close` the other worker's
/// registration of the same fd dies too, and its DEL finds nothing. Both
/// do the same, DEL and close, and neither waits for the other.
#[test]
fn nginx_reloads_without_a_fault() {
    check(
        "nginx-reload",
        &[],
        &[
            "close breaks 1 @ 121, 1 by order",
            "close breaks 1 @ 98 in another order",
            "close-not-exit breaks 1 @ 121, 1 by order",
            "close-not-exit breaks 1 @ 98 in another order",
        ],
    );
}

/// 21's handler closes upstream 5 (89), whose event is later in the batch;
/// 5 is a file of another kind (107) before the batch is done, and closed (110).
/// nginx has a guard against it, so it is a note. Under `close`, 8421's
/// close of the listener (14) makes 8428 deaf on it (71), which registered it just before.
#[test]
fn nginx_has_a_stale_event_in_its_batch() {
    check(
        "nginx-stale-batch",
        &["note stale-batch 8428:5 @ 89 110"],
        &[
            "close breaks 1 @ 71, 1 by order",
            "close-not-exit breaks 1 @ 71, 1 by order",
        ],
    );
}

/// The saving child closes its copy of the listener and touches nothing
/// else. Under `close` redis would never accept again; and had the child
/// ended before redis removed the client that it has a copy of, that DEL (29)
/// would find nothing.
#[test]
fn redis_saves_in_a_child_without_a_fault() {
    check(
        "redis-bgsave",
        &[],
        &[
            "close breaks 2 @ 34",
            "close breaks 1 @ 29 in another order",
            "close-not-exit breaks 2 @ 34",
        ],
    );
}

/// The new worker's exec clears its close-on-exec copy of the listener, 21.
#[test]
fn node_replaces_a_worker_without_a_fault() {
    check(
        "node-cluster-refork",
        &[],
        &["close breaks 1 @ 32", "close-not-exit breaks 1 @ 32"],
    );
}

/// libuv's ADD that is answered EEXIST and followed by MOD, and its DEL of
/// what is not registered, are habits and no faults.
#[test]
fn node_spawns_without_a_fault() {
    check("node-spawn", &[], &[]);
}

/// Vfork children close everything from 3 by `close_range` and exec. Under
/// `close` the loop loses its listener, 6.
#[test]
fn python_spawns_without_a_fault() {
    check(
        "python-spawn-in-loop",
        &[],
        &["close breaks 1 @ 165", "close-not-exit breaks 1 @ 165"],
    );
}

/// The child closes its copies of all three sockets and exits; the parent is
/// told of all three and DELs them. Under `close`, three events and three DELs fail.
#[test]
fn python_forks_under_a_selector_without_a_fault() {
    check(
        "python-selector-fork",
        &[],
        &["close breaks 6 @ 31", "close-not-exit breaks 6 @ 31"],
    );
}

/// The child DELs 12 on its way out, and the parent is deaf. Under `close`
/// the child's exit also takes everything else: 5, 1 and 4 events.
#[test]
fn python_forks_in_a_loop_and_the_child_removes() {
    check(
        "python-fork-in-loop",
        &["child-removes 8795:12 @ 45 63"],
        &[
            "close breaks 10 @ 77",
            "owner breaks 1 @ 63",
            "owner-adopt breaks 1 @ 63",
            "stale breaks 1 @ 63",
            "not-inherited breaks 1 @ 63",
        ],
    );
}

/// The child waits on the parent's instance and takes the events of its
/// wake-up eventfd (43, 64). Its waits that end here: 43, 58, 64, 68.
#[test]
fn grpc_forks_and_the_child_steals() {
    check(
        "grpc-fork-steals",
        &["event-theft 8820:4 @ 4 43"],
        &["stale breaks 4 @ 43", "not-inherited breaks 4 @ 43"],
    );
}

/// Closed after a shutdown while another thread waits, and reported between
/// the halves of the close (41): a note, as the fd is not given out again meanwhile.
#[test]
fn grpc_closes_while_a_thread_waits() {
    check(
        "grpc-close-races-wait",
        &["note close-races-wait 9505:7 @ 13 40 41"],
        &[],
    );
}

#[test]
fn grpc_is_told_of_a_registration_before_its_add_returns() {
    check("grpc-add-races-wait", &[], &[]);
}

/// A worker's main thread DELs on an instance that the exiting thread had closed.
/// The master closes its copies of 4 and 6 (5, 7) after the fork; if the worker
/// were faster to register them, `close` would take them from it.
#[test]
fn haproxy_uses_a_dead_instance_when_a_thread_exits() {
    check(
        "haproxy-thread-exit",
        &["dead-epoll-fd 27356:13 @ 51 58"],
        &[
            "close breaks 3 @ 37 in another order",
            "close-not-exit breaks 3 @ 37 in another order",
        ],
    );
}

/// Each worker that is told to stop closes the listener without DEL while
/// others have it. None waits again, so none is told of a connection. The
/// fork that gave it the listener is in each one's story. Had 1762 registered
/// the listener just before 1753 closed it, `close` would have taken it.
#[test]
fn gunicorn_closes_its_listener_and_leaves_ghosts() {
    check(
        "gunicorn-gevent-reload",
        &[
            "note handed-over-ghost 1754:3 @ 5 20 40, ended 44",
            "note handed-over-ghost 1753:3 @ 3 33 42, ended 72",
            "note handed-over-ghost 1760:3 @ 37 57 99, ended 101",
        ],
        &[
            "close breaks 1 @ 80 in another order",
            "close mends 3 ghosts",
            "close-not-exit breaks 1 @ 80 in another order",
            "close-not-exit mends 3 ghosts",
            "owner mends 3 ghosts",
            "owner-adopt mends 3 ghosts",
            "not-inherited mends 3 ghosts",
        ],
    );
}

/// Forked before there is much to share; the workers close the instance, after something else would have its fd.
#[test]
fn php_fpm_forks_its_workers_without_a_fault() {
    check("php-fpm-workers", &[], &["not-inherited breaks 2 @ 65"]);
}
