//! What stands between a guest and the host: files, mounts, the network, and the guest's own end.

use std::fs;
use std::io::Read as _;
use std::net::TcpListener;
use std::process::{Command, Stdio};

use super::{Lab, text};

#[test]
fn what_a_guest_writes_stays_in_the_guest() {
    let Some(lab) = Lab::new("the host's files") else {
        return;
    };
    let ours = lab.place.path().join("ours");
    fs::write(&ours, "ours").unwrap();
    let script = format!(
        "cd {} && echo theirs > ours && cat ours && echo new > new && rm -r {} && ls",
        lab.place.path().display(),
        lab.place.path().join("tmp").display(),
    );
    let ran = lab.sh(&script, &[]);
    assert!(text(&ran.stdout).contains("theirs\n"), "{ran:?}");
    assert_eq!(fs::read_to_string(&ours).unwrap(), "ours");
    assert!(!lab.place.path().join("new").exists());
    assert!(lab.place.path().join("tmp").exists());
}

#[test]
fn root_of_a_guest_cannot_make_the_host_writable() {
    let Some(lab) = Lab::new("mounting the host's files") else {
        return;
    };
    if !rustix::process::getuid().is_root() {
        eprintln!("skipped: an ordinary user is no root in a guest, and cannot even try to mount");
        return;
    }
    let host = lab.place.path().display();
    // Where it cannot mount anything, it would not show anything either.
    let script = format!(
        "mkdir /m && mount -t hostfs none /m && ls /m{host} && ! touch /m{host}/new &&
         ! mount -o remount,rw /m && ! touch /m{host}/new &&
         mkdir /n && mount -t hostfs -o {host} none /n && ! touch /n/new && echo stood"
    );
    let ran = lab.sh(&script, &[]);
    assert!(text(&ran.stdout).ends_with("stood\n"), "{ran:?}");
    assert!(!lab.place.path().join("new").exists());
}

#[test]
fn a_guest_reaches_no_network() {
    let Some(lab) = Lab::new("the network") else {
        return;
    };
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port();
    let ran = lab.run(
        &[
            "bash",
            "-c",
            &format!(
                "tail -n +3 /proc/net/dev | cut -d: -f1; tail -n +2 /proc/net/route;
                 (echo > /dev/tcp/127.0.0.1/{port}) 2>/dev/null && echo reached;
                 (echo > /dev/tcp/192.0.2.1/80) 2>&1 | grep -o -m 1 'Network is unreachable'"
            ),
        ],
        &[],
    );
    assert_eq!(
        text(&ran.stdout).trim(),
        "lo\nNetwork is unreachable",
        "{ran:?}"
    );
    assert!(listener.accept().is_err());
}

#[test]
fn a_killed_polter_takes_its_guest_along() {
    let Some(lab) = Lab::new("what a killed polter leaves") else {
        return;
    };
    for signal in ["TERM", "KILL"] {
        let mut command = lab.polter();
        command
            .args(["lab", "--policy", "close", "--", "sh", "-c"])
            .arg("echo begun; while :; do :; done")
            .stdout(Stdio::piped());
        let mut polter = command.spawn().unwrap();
        let mut begun = [0; 5];
        polter
            .stdout
            .as_mut()
            .unwrap()
            .read_exact(&mut begun)
            .unwrap();
        let kill = format!("kill -{signal} {}", polter.id());
        Command::new("sh").args(["-c", &kill]).status().unwrap();
        polter.wait().unwrap();
        if signal == "TERM" {
            lab.assert_nothing_is_left();
        }
        lab.wait_for_no_guest();
    }
}
