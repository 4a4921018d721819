//! A process that ends while it is looked at.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, symlink};

use tempfile::TempDir;

use super::*;

const STAT: &str = "7 (x) S 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 5 0 0 0 0 0 0\n";

#[test]
fn what_was_seen_once_is_not_told_of_a_process_that_has_ended() {
    // Asked whether there is anything to look at, and again for each registration.
    check(0);
    check(1);
}

/// Ends when the registrations have been asked about so often: only the plain one is left.
#[track_caller]
fn check(questions: usize) {
    let tree = tree();
    let proc = Proc::live_at(tree.path());
    let comparer = Comparer::new(false);
    let (snapshot, _) = processes(&proc, &comparer, &Scope::All, &Limits::default()).unwrap();
    let look = Look {
        proc: &proc,
        comparer: &comparer,
        processes: &snapshot.processes,
        names_of_inode: OnceCell::new(),
    };
    let mut instance = look.instance(&[(7, 3)], true, 10, &mut 0).unwrap();
    let numbers = |instance: &Instance| -> Vec<i32> {
        let registrations = instance.registrations.iter();
        registrations.map(|it| it.fd).collect()
    };
    assert_eq!(numbers(&instance), [4, 5]);
    let asked = std::cell::Cell::new(0);
    let mut rows = Rows::of(&instance, &proc.fdinfo(7, 3).unwrap());
    look.look_again(&mut instance, (7, 3), &mut rows, |_| {
        if asked.replace(asked.get() + 1) == questions {
            fs::remove_dir_all(tree.path().join("7")).unwrap();
        }
        true
    });
    assert_eq!(numbers(&instance), [5]);
}

/// Process 7 with an instance under 3: 4 is closed, 5 is as it was registered.
fn tree() -> TempDir {
    let tree = TempDir::new().unwrap();
    let dir = tree.path().join("7");
    fs::create_dir_all(dir.join("fd")).unwrap();
    fs::create_dir_all(dir.join("fdinfo")).unwrap();
    fs::write(dir.join("stat"), STAT).unwrap();
    symlink("anon_inode:[eventpoll]", dir.join("fd/3")).unwrap();
    let file = dir.join("file");
    fs::write(&file, "").unwrap();
    symlink(&file, dir.join("fd/5")).unwrap();
    let meta = fs::metadata(&file).unwrap();
    let (major, minor) = (rustix::fs::major(meta.dev()), rustix::fs::minor(meta.dev()));
    let (ino, dev) = (meta.ino(), major << 20 | minor);
    let rows = format!(
        "flags:\t02\n\
         tfd: 4 events: 19 data: 4  pos:0 ino:1 sdev:1\n\
         tfd: 5 events: 19 data: 5  pos:0 ino:{ino:x} sdev:{dev:x}\n"
    );
    fs::write(dir.join("fdinfo/3"), rows).unwrap();
    tree
}
