//! Names nobody would give, texts without an end, and processes that may not be read.

use std::ffi::OsStr;
use std::fs;
use std::io::{BufWriter, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::symlink;
use std::os::unix::process::CommandExt as _;
use std::process::Command;

use tempfile::TempDir;

use crate::haunted::Haunted;
use crate::polter::{Ran, command, polter};

const STAT: &str = "S 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 5 0 0 0 0 0 0\n";
const NOBODY: u32 = 65_534;

#[test]
fn a_program_of_any_name_is_scanned_captured_and_exorcised() {
    let dir = TempDir::new().unwrap();
    let copy = dir
        .path()
        .join(OsStr::from_bytes(b"a\n\x1b]0;\x07\xff) S 1"));
    fs::copy(haunted::binary(), &copy).unwrap();
    let haunted = Haunted::start_as(copy.as_os_str(), &["dup-ghost", "--linger", "60"]);
    let captured = dir.path().join("captured");
    let captured = captured.to_str().unwrap();
    for args in [
        &["scan", &haunted.pid()][..],
        &["scan", "--format", "json", &haunted.pid()],
        &["capture", captured],
        &["scan", "--root", captured, &haunted.pid()],
        &["exorcise", "--yes", &haunted.pid()],
    ] {
        let ran = polter(args);
        assert!(
            ran.code.is_some_and(|code| code < 2),
            "{args:?} {}",
            ran.err()
        );
        is_plain_text(&ran);
    }
    // A name that is nobody's is shown as it was given, and does no harm.
    let ran = polter(["scan", "--name", "\u{1b}[2J\n"]);
    assert_eq!(ran.code, Some(2));
    is_plain_text(&ran);
}

#[test]
fn a_text_of_a_hundred_megabytes_is_read_or_left() {
    let row = "tfd: 4 events: 19 data: 4  pos:0 ino:5 sdev:f";
    // Fifty thousand registrations, one line without an end, and nothing at all.
    for row in [
        format!("{row:2048}\n"),
        format!("{row:2048}"),
        "\0".repeat(2048) + "\n",
    ] {
        let tree = tree();
        let file = fs::File::create(tree.path().join("7/fdinfo/3")).unwrap();
        let mut file = BufWriter::new(file);
        let block = row.repeat(16);
        for _ in 0..(100 << 20) / block.len() {
            file.write_all(block.as_bytes()).unwrap();
        }
        drop(file);
        let ran = scan(&tree);
        assert!(ran.code.is_some_and(|code| code < 2), "{}", ran.err());
        assert!(ran.out().len() < 100_000);
    }
}

#[test]
fn a_tree_that_lies_is_told_from_as_it_is() {
    let tree = tree();
    let dir = tree.path();
    // Numbers that are none, links in circles, directories for files, and the other way round.
    for pid in ["0", "1", "4294967295", "4294967296", "-1", "8"] {
        fs::create_dir_all(dir.join(pid).join("fd")).unwrap();
        fs::create_dir_all(dir.join(pid).join("fdinfo/3")).unwrap();
        fs::write(dir.join(pid).join("stat"), format!("{pid} (x) {STAT}")).unwrap();
        for fd in ["3", "2147483647", "99999999999", "-2", "x"] {
            symlink("anon_inode:[eventpoll]", dir.join(pid).join("fd").join(fd)).unwrap();
        }
    }
    fs::write(dir.join("9"), "no directory").unwrap();
    symlink("10", dir.join("10")).unwrap();
    fs::create_dir_all(dir.join("11")).unwrap();
    symlink("/", dir.join("11/fd")).unwrap();
    fs::write(dir.join("11/stat"), vec![b'('; 1 << 20]).unwrap();
    let rows = "tfd: -7 events: ffffffff data: ffffffffffffffff pos:-1 ino:ffffffffffffffff sdev:ffffffff\n\
                tfd: 2147483647 events: 19 data: 0  pos:0 ino:5 sdev:f\n";
    fs::write(dir.join("7/fdinfo/3"), rows.repeat(9)).unwrap();
    let ran = scan(&tree);
    assert!(ran.code.is_some_and(|code| code < 2), "{}", ran.err());
    is_plain_text(&ran);
}

#[test]
fn without_permission_it_says_so_and_what_to_do() {
    let haunted = Haunted::start(&["dup-ghost", "--linger", "60"]);
    if !rustix::process::geteuid().is_root() {
        let _ = writeln!(
            std::io::stderr(),
            "skipped: only root can become nobody, who may not look at root's processes"
        );
        return;
    }
    for verb in ["scan", "exorcise"] {
        let Some(ran) = as_nobody(&[verb, &haunted.pid()]) else {
            return;
        };
        assert_eq!(ran.code, Some(2), "{}", ran.out());
        assert!(ran.err().contains("may not be looked at"), "{}", ran.err());
        // The line that grants it depends on the host: a plain one, or a container.
        assert!(
            ran.err().contains("missing: CAP_SYS_PTRACE"),
            "{}",
            ran.err()
        );
        let grants = [
            "sudo polter",
            "--cap-add SYS_PTRACE",
            "kubectl debug",
            "from the host",
        ];
        assert!(
            grants.iter().any(|it| ran.err().contains(it)),
            "{}",
            ran.err()
        );
    }
    // Of all processes, nobody's own are seen, and the others counted.
    if let Some(ran) = as_nobody(&["scan", "--all"]) {
        let told = ran.out() + &ran.err();
        assert!(told.contains("be looked at"), "{told}");
    }
}

/// Nothing if nobody may not even run it.
fn as_nobody(args: &[&str]) -> Option<Ran> {
    let ran = command(args).uid(NOBODY).gid(NOBODY).output();
    if let Err(error) = &ran {
        let _ = writeln!(
            std::io::stderr(),
            "skipped: nobody cannot run polter here: {error}"
        );
    }
    ran.ok().map(Ran::from)
}

/// One process with an instance under 3.
fn tree() -> TempDir {
    let tree = TempDir::new().unwrap();
    let dir = tree.path().join("7");
    fs::create_dir_all(dir.join("fd")).unwrap();
    fs::create_dir_all(dir.join("fdinfo")).unwrap();
    fs::write(dir.join("stat"), format!("7 (x) {STAT}")).unwrap();
    symlink("anon_inode:[eventpoll]", dir.join("fd/3")).unwrap();
    tree
}

/// In two gigabytes of address space: what it keeps has an end.
fn scan(tree: &TempDir) -> Ran {
    let script = "ulimit -v 2097152; exec \"$0\" scan --root \"$1\"";
    let ran = Command::new("sh")
        .args(["-c", script, env!("CARGO_BIN_EXE_polter")])
        .arg(tree.path())
        .output();
    ran.expect("sh runs").into()
}

#[track_caller]
fn is_plain_text(ran: &Ran) {
    let is_plain = |bytes: &[u8]| {
        let text = std::str::from_utf8(bytes).unwrap();
        text.chars().all(|c| c == '\n' || !c.is_control())
    };
    assert!(is_plain(&ran.stdout), "{:?}", ran.out());
    assert!(is_plain(&ran.stderr), "{:?}", ran.err());
}
