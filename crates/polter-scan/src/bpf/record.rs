//! Reads the records that the programs write; `walk.bpf.c` has the same layouts.
//!
//! Addresses are names here and nothing else: they are compared, and never shown.

use std::fmt;

use crate::snapshot::{FileKey, Kind};

/// A kernel address. It tells two objects apart; showing one would help to attack the kernel.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub(super) struct Address(pub(super) u64);

impl fmt::Debug for Address {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Address(..)")
    }
}

/// An open fd in a table, and the task by which the walk met it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Met {
    pub(super) pid: u32,
    pub(super) tid: u32,
    pub(super) table: Address,
    pub(super) slot: Slot,
}

/// An open fd and its file. A machine has hundreds of thousands, so optional fields are packed into
/// values that cannot occur.
#[derive(Debug, Clone, Copy)]
pub(super) struct Slot {
    pub(super) file: Address,
    /// Zero if the file is no instance.
    instance: Address,
    link_sum: u64,
    ino: u64,
    pub(super) fd: i32,
    dev: u32,
    /// [`u32::MAX`] if the file's own list is too long to count.
    links: u32,
    kind: Kind,
    pub(super) is_cloexec: bool,
}

impl Slot {
    /// The instance, if the file is one.
    pub(super) fn instance(&self) -> Option<Address> {
        Some(self.instance).filter(|it| it.0 != 0)
    }

    /// The epitems in the file's own list; `None` if they are too many to count.
    pub(super) fn links(&self) -> Option<Links> {
        (self.links != u32::MAX).then_some(Links {
            count: self.links,
            sum: self.link_sum,
        })
    }

    /// The inode and the kind of the file.
    pub(super) fn about(&self) -> About {
        let (dev, ino) = (Some(self.dev), self.ino);
        About {
            key: FileKey { dev, ino },
            kind: self.kind,
        }
    }
}

/// How many epitems, and the sum of their addresses: enough to see that two sets differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Links {
    pub(super) count: u32,
    pub(super) sum: u64,
}

impl Links {
    /// Counts one more epitem.
    pub(super) fn add(&mut self, epitem: Address) {
        self.count += 1;
        self.sum = self.sum.wrapping_add(epitem.0);
    }
}

/// An epitem: the kernel's own value for a registration.
#[derive(Debug, Clone, Copy)]
pub(super) struct Epitem {
    pub(super) fd: i32,
    pub(super) events: u32,
    pub(super) file: Address,
    pub(super) address: Address,
    pub(super) data: u64,
}

/// The inode and the kind of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct About {
    pub(super) key: FileKey,
    pub(super) kind: Kind,
}

/// The answer to one question: a registration that does not fit, asked about in one table.
#[derive(Debug, Clone, Copy)]
pub(super) struct Answer {
    pub(super) index: u32,
    pub(super) table: Address,
    /// The file that the fd names there.
    pub(super) named: Address,
    /// True if the registration was there, both before and after that.
    pub(super) is_present: bool,
    /// How many references the file has.
    pub(super) refs: u64,
}

/// A record of any kind.
#[derive(Debug, Clone, Copy)]
pub(super) enum Record<'a> {
    Met(Met),
    /// Epitems of an instance's tree, one after the other.
    Epitems {
        instance: Address,
        epitems: Epitems<'a>,
    },
    /// An epitem of a file's own list.
    Link {
        instance: Address,
        epitem: Epitem,
    },
    /// The inode and kind of a registration's file, where its fd does not name it in the table that
    /// led to the instance.
    Described {
        file: Address,
        about: About,
    },
    /// An instance's tree has been read to its end; torn if it changed meanwhile.
    End {
        instance: Address,
        is_torn: bool,
    },
    Answer(Answer),
}

impl Record<'_> {
    /// Reads a record; `None` if the program and this reader do not fit together.
    pub(super) fn read(bytes: &[u8]) -> Option<Record<'_>> {
        let mut from = Reader(bytes);
        Some(match from.u32()? {
            1 => Record::Met(Met::read(&mut Reader(
                from.0.first_chunk::<{ Met::SIZE }>()?,
            ))?),
            2 => {
                let count = from.u32()? as usize;
                let instance = Address(from.u64()?);
                let epitems = from.0.get(..count.checked_mul(Epitem::SIZE)?)?;
                Record::Epitems {
                    instance,
                    epitems: Epitems(epitems),
                }
            }
            3 => Record::End {
                is_torn: from.u32()? != 0,
                instance: Address(from.u64()?),
            },
            4 => Record::Answer(Answer::read(&mut from)?),
            5 => {
                from.u32()?;
                Record::Link {
                    instance: Address(from.u64()?),
                    epitem: Epitem::read(&mut from)?,
                }
            }
            6 => {
                from.u32()?;
                Record::Described {
                    file: Address(from.u64()?),
                    about: About::read(&mut from)?,
                }
            }
            _ => return None,
        })
    }
}

impl Met {
    /// Bytes of one, behind the word that says its kind.
    const SIZE: usize = 68;

    fn read(from: &mut Reader<'_>) -> Option<Met> {
        let fd = from.u32()?.cast_signed();
        let (pid, tid) = (from.u32()?, from.u32()?);
        let (table, file) = (Address(from.u64()?), Address(from.u64()?));
        let instance = Address(from.u64()?);
        let (link_sum, links) = (from.u64()?, from.u32()?);
        let is_cloexec = from.u32()? != 0;
        let ino = from.u64()?;
        let (dev, kind) = (from.u32()?, kind(from.u32()?)?);
        Some(Met {
            pid,
            tid,
            table,
            slot: Slot {
                file,
                instance,
                link_sum,
                ino,
                fd,
                dev,
                links,
                kind,
                is_cloexec,
            },
        })
    }
}

impl Epitem {
    /// Bytes of one in a record.
    const SIZE: usize = 32;

    fn read(from: &mut Reader<'_>) -> Option<Epitem> {
        let fd = from.u32()?.cast_signed();
        let events = from.u32()?;
        let (file, address) = (Address(from.u64()?), Address(from.u64()?));
        let data = from.u64()?;
        Some(Epitem {
            fd,
            events,
            file,
            address,
            data,
        })
    }
}

/// The epitems of a record, read one by one from its bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Epitems<'a>(&'a [u8]);

impl Iterator for Epitems<'_> {
    type Item = Epitem;

    fn next(&mut self) -> Option<Epitem> {
        let (one, rest) = self.0.split_first_chunk::<{ Epitem::SIZE }>()?;
        self.0 = rest;
        Epitem::read(&mut Reader(one))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.0.len() / Epitem::SIZE;
        (left, Some(left))
    }
}

impl ExactSizeIterator for Epitems<'_> {}

impl About {
    fn read(from: &mut Reader<'_>) -> Option<About> {
        let ino = from.u64()?;
        let dev = Some(from.u32()?);
        let kind = kind(from.u32()?)?;
        Some(About {
            key: FileKey { dev, ino },
            kind,
        })
    }
}

fn kind(code: u32) -> Option<Kind> {
    const KINDS: [Kind; 8] = [
        Kind::Socket,
        Kind::Pipe,
        Kind::Epoll,
        Kind::Eventfd,
        Kind::Timerfd,
        Kind::Signalfd,
        Kind::Anonymous,
        Kind::Path,
    ];
    KINDS.get(code as usize).copied()
}

impl Answer {
    fn read(from: &mut Reader<'_>) -> Option<Answer> {
        let index = from.u32()?;
        let (table, named) = (Address(from.u64()?), Address(from.u64()?));
        let (is_present, _) = (from.u32()? != 0, from.u32()?);
        Some(Answer {
            index,
            table,
            named,
            is_present,
            refs: from.u64()?,
        })
    }
}

/// Takes integers off the front of a record.
struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn u32(&mut self) -> Option<u32> {
        let (bytes, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(u32::from_ne_bytes(*bytes))
    }

    fn u64(&mut self) -> Option<u64> {
        let (bytes, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(u64::from_ne_bytes(*bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_address_is_not_shown() {
        let text = format!("{:?} {:x?}", Address(0xffff_8881), Address(0xffff_8881));
        assert!(!text.contains("8881"), "{text}");
    }

    proptest! {
        #[test]
        fn nothing_makes_it_panic(bytes: Vec<u8>) {
            if let Some(Record::Epitems { epitems, .. }) = Record::read(&bytes) {
                prop_assert_eq!(epitems.count(), epitems.len());
            }
        }
    }
}
