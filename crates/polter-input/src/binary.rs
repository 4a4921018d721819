//! What data is that is no text: told by the bytes it begins with.

use crate::refusal::Refusal;

/// Bytes at a place, what begins so, and what to do.
type Magic = (usize, &'static [u8], &'static str, &'static str);

const UNPACK: &str = "unpack it and pipe it in: polter judge reads gzip, xz and zstd data itself";
const RECORD: &str = "record the program: strace -f -yy -o LOG COMMAND, then polter judge LOG";
const PERF: &str =
    "perf's data does not hold what calls were given; record with strace -f -yy -o LOG COMMAND";
const TRAFFIC: &str =
    "the network's traffic does not show epoll; record with strace -f -yy -o LOG COMMAND";

const MAGIC: &[Magic] = &[
    (0, b"BZh", "bzip2 data", "bunzip2 -c FILE | polter judge"),
    (
        0,
        b"\x04\x22\x4d\x18",
        "lz4 data",
        "lz4 -dc FILE | polter judge",
    ),
    (0, b"LZIP", "lzip data", "lzip -dc FILE | polter judge"),
    (0, b"\x5d\0\0", "lzma data", "xz -dc FILE | polter judge"),
    (0, b"PK\x03\x04", "a zip archive", UNPACK),
    (0, b"7z\xbc\xaf\x27\x1c", "a 7z archive", UNPACK),
    (0, b"Rar!\x1a\x07", "a rar archive", UNPACK),
    (
        257,
        b"ustar",
        "a tar archive",
        "tar -xOf FILE NAME | polter judge",
    ),
    (0, b"!<arch>\n", "an ar archive", UNPACK),
    (0, b"\x7fELF", "a program or a library (ELF)", RECORD),
    (0, b"MZ", "a Windows program", RECORD),
    (0, b"\xcf\xfa\xed\xfe", "a macOS program", RECORD),
    (
        0,
        b"\xca\xfe\xba\xbe",
        "a Java class or a macOS program",
        RECORD,
    ),
    (0, b"\0asm", "a WebAssembly module", RECORD),
    (0, b"PERFILE2", "perf record's data", PERF),
    (0, b"2ELIFREP", "perf record's data", PERF),
    (0, b"\x17\x08\x44tracing", "trace-cmd's data", PERF),
    (0, b"\xc1\x1f\xfc\xc1", "a CTF trace (LTTng)", PERF),
    (0, b"LPKSHHRH", "a systemd journal", RECORD),
    (0, b"\xd4\xc3\xb2\xa1", "a packet capture (pcap)", TRAFFIC),
    (0, b"\xa1\xb2\xc3\xd4", "a packet capture (pcap)", TRAFFIC),
    (0, b"\x4d\x3c\xb2\xa1", "a packet capture (pcap)", TRAFFIC),
    (0, b"\xa1\xb2\x3c\x4d", "a packet capture (pcap)", TRAFFIC),
    (0, b"\x0a\x0d\x0d\x0a", "a packet capture (pcapng)", TRAFFIC),
    (0, b"SQLite format 3\0", "an SQLite database", RECORD),
    (0, b"\x89PNG\r\n\x1a\n", "a PNG picture", RECORD),
    (0, b"\xff\xd8\xff", "a JPEG picture", RECORD),
    (0, b"GIF8", "a GIF picture", RECORD),
    (8, b"WEBP", "a WebP picture", RECORD),
    (4, b"ftyp", "a video", RECORD),
    (0, b"\x1a\x45\xdf\xa3", "a video", RECORD),
    (0, b"OggS", "sound or video (Ogg)", RECORD),
    (0, b"fLaC", "sound (FLAC)", RECORD),
    (0, b"ID3", "sound (MP3)", RECORD),
    (0, b"RIFF", "sound or video (RIFF)", RECORD),
    (0, b"%PDF-", "a PDF document", RECORD),
];

/// An ELF file's type, in bytes of either order. Linux: `ET_CORE`.
const ET_CORE: u8 = 4;

/// Names what the data is, if it is no text.
pub(crate) fn refuse(head: &[u8]) -> Option<Refusal> {
    if head.starts_with(b"\x7fELF") && (head.get(16), head.get(17)) != (None, None) {
        let kind = [head.get(16).copied(), head.get(17).copied()];
        if kind == [Some(ET_CORE), Some(0)] || kind == [Some(0), Some(ET_CORE)] {
            return Some(Refusal::new("a core dump", RECORD));
        }
    }
    let magic = MAGIC
        .iter()
        .find(|(at, magic, ..)| head.get(*at..).is_some_and(|rest| rest.starts_with(magic)));
    if let Some((_, _, what, advice)) = magic {
        return Some(Refusal::new(what, advice));
    }
    is_binary(head).then(|| Refusal::new("binary data", RECORD))
}

/// True if bytes that no text has are many: strace writes printable ASCII, and
/// what a program's own output puts between is text too.
fn is_binary(head: &[u8]) -> bool {
    let is_odd = |byte: &&u8| matches!(byte, 0..=6 | 14..=26 | 28..=31 | 127);
    head.iter().filter(is_odd).count() * 20 > head.len()
}
