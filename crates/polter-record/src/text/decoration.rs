//! What an fd names: `5<pipe:[77]>`, `6<TCP:[127.0.0.1:80->127.0.0.1:4711]>`.
//!
//! A file is described when it is made, and known by the kernel's address until it is freed. The address itself is never
//! written: who has it could aim at the kernel's memory.

use std::io::Write as _;
use std::mem;
use std::net::{Ipv4Addr, Ipv6Addr};

use polter_trace::escape;
use rustc_hash::FxHashMap;

use crate::kernel::About;

/// Linux: include/uapi/linux/magic.h
const PIPEFS_MAGIC: u32 = 0x5049_5045;
const SOCKFS_MAGIC: u32 = 0x534f_434b;
const ANON_INODE_FS_MAGIC: u32 = 0x0904_1934;
const PID_FS_MAGIC: u32 = 0x5049_4446;

const AF_UNIX: u16 = 1;
const AF_INET: u16 = 2;
const AF_INET6: u16 = 10;

/// Files whose description is kept: twice as many at most. A file beyond them is written without its name.
const MAX_FILES: usize = 1 << 17;

/// What is known of files, by the kernel's address.
///
/// The end of a file may have been lost. So what was not written for longest is forgotten: when `new` is full it becomes
/// `old`, and what is written comes back from there.
#[derive(Debug, Default)]
pub(super) struct Files {
    new: FxHashMap<u64, Box<[u8]>>,
    old: FxHashMap<u64, Box<[u8]>>,
}

impl Files {
    /// Learns what a file is called.
    pub(super) fn learn(&mut self, about: &About<'_>) {
        let mut text = Vec::with_capacity(32);
        describe(&mut text, about);
        self.old.remove(&about.file);
        self.keep(about.file, text.into());
    }

    /// Forgets a file that is freed: another one may get its address.
    pub(super) fn forget(&mut self, file: u64) {
        self.new.remove(&file);
        self.old.remove(&file);
    }

    /// Writes an fd, and what it names if that is known.
    pub(super) fn write(&mut self, out: &mut Vec<u8>, fd: i32, file: u64) {
        super::words::decimal(out, fd.into());
        if let Some(text) = self.old.remove(&file) {
            self.keep(file, text);
        }
        if let Some(text) = self.new.get(&file) {
            out.push(b'<');
            out.extend_from_slice(text);
            out.push(b'>');
        }
    }

    fn keep(&mut self, file: u64, text: Box<[u8]>) {
        if self.new.len() >= MAX_FILES {
            self.old = mem::take(&mut self.new);
        }
        self.new.insert(file, text);
    }
}

fn describe(out: &mut Vec<u8>, about: &About<'_>) {
    // Writing to a vector does not fail.
    let _ = match about.magic {
        PIPEFS_MAGIC => write!(out, "pipe:[{}]", about.inode),
        SOCKFS_MAGIC => {
            describe_socket(out, about);
            Ok(())
        }
        ANON_INODE_FS_MAGIC => {
            let name = about
                .name
                .strip_prefix(b"anon_inode:")
                .unwrap_or(about.name);
            let name = name.strip_prefix(b"[").unwrap_or(name);
            let name = name.strip_suffix(b"]").unwrap_or(name);
            write!(out, "anon_inode:[{}]", escape(name))
        }
        PID_FS_MAGIC => write!(out, "anon_inode:[pidfd]"),
        _ => write!(out, "{}", escape(about.name)),
    };
    // What would end the decoration, or begin another.
    out.iter_mut()
        .filter(|byte| matches!(**byte, b'<' | b'\n'))
        .for_each(|byte| *byte = b'?');
}

/// `UNIX-STREAM:[7->8]`, `TCP:[a:1->b:2]`, `socket:[7]`.
fn describe_socket(out: &mut Vec<u8>, about: &About<'_>) {
    let kind = match about.kind {
        1 => "STREAM",
        2 => "DGRAM",
        5 => "SEQPACKET",
        _ => "RAW",
    };
    let inet = match (about.family, about.kind) {
        (AF_INET, 1) => Some("TCP"),
        (AF_INET, 2) => Some("UDP"),
        (AF_INET6, 1) => Some("TCPv6"),
        (AF_INET6, 2) => Some("UDPv6"),
        _ => None,
    };
    let _ = match (about.family, inet) {
        (AF_UNIX, _) if about.peer != 0 => {
            write!(out, "UNIX-{kind}:[{}->{}]", about.inode, about.peer)
        }
        (AF_UNIX, _) => write!(out, "UNIX-{kind}:[{}]", about.inode),
        // Not bound: strace has only the inode.
        (_, Some(name)) if about.port == 0 => write!(out, "{name}:[{}]", about.inode),
        (_, Some(name)) => {
            let _ = write!(out, "{name}:[");
            end(out, about.family, about.address, about.port);
            let peer = u16::from_be(about.peer_port);
            if peer != 0 {
                out.extend_from_slice(b"->");
                end(out, about.family, about.peer_address, peer);
            }
            out.push(b']');
            Ok(())
        }
        _ => write!(out, "socket:[{}]", about.inode),
    };
}

fn end(out: &mut Vec<u8>, family: u16, address: [u8; 16], port: u16) {
    let _ = if family == AF_INET {
        let [a, b, c, d, ..] = address;
        write!(out, "{}:{port}", Ipv4Addr::new(a, b, c, d))
    } else {
        write!(out, "[{}]:{port}", Ipv6Addr::from(address))
    };
}
