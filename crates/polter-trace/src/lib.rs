//! strace's text, read and written: the format of scripts, traces and logs.
//!
//! | module | holds |
//! |---|---|
//! | `line`, `prefix`, `call`, `result`, `note` | one line and its parts, without a copy |
//! | `args`, `value`, `text`, `decoration` | a call's arguments, read on demand |
//! | `reader`, `assemble`, `event`, `pending`, `tasks`, `stream` | many lines: bounded, joined, each with its task |
//! | `decode`, `encode`, `names`, `signals`, `sockets` | the model's system calls, from this text and to it |
//! | `escape` | hostile bytes, made safe to show |
//!
//! Nothing here opens a file or knows its name: bytes come from outside.
//!
//! ```
//! use polter_trace::{Body, Line, Value};
//!
//! let line = Line::parse(b"100 epoll_ctl(3, EPOLL_CTL_ADD, 4<pipe:[7]>, {events=EPOLLIN}) = 0");
//! let Body::Call(call) = line.body else { panic!() };
//! assert_eq!((line.prefix.pid, call.name, call.returned.number()), (Some(100), "epoll_ctl", Some(0)));
//! let fd = call.args.get(2).unwrap().value()?;
//! assert_eq!(fd.fd(), Some(4));
//! assert_eq!(fd.decoration().unwrap().inode, Some(7));
//! # Ok::<(), polter_trace::ParseError>(())
//! ```
#![forbid(unsafe_code)]

mod args;
mod assemble;
mod call;
mod decode;
mod decoration;
mod encode;
mod error;
mod escape;
mod event;
mod line;
mod names;
mod note;
mod pending;
mod prefix;
mod reader;
mod result;
mod scan;
mod signals;
mod sockets;
pub mod spell;
mod stream;
mod tasks;
mod text;
mod value;
mod value_parser;

pub use args::{Arg, ArgIter, Args};
pub use assemble::Assembler;
pub use call::{Call, Cut, Resumed, Unfinished};
pub use decode::{Decoded, Inexact, decode, decode_entry, decode_entry_exact, decode_exact};
pub use decoration::{Decoration, DecorationKind};
pub use encode::{DEVICE, encode, encode_entry, encode_exit};
pub use error::{Diagnostic, ErrorKind, ParseError, Problem};
pub use escape::{Escaped, escape};
pub use event::{Assembled, Event, EventKind, Tally};
pub use line::{Body, Line, Unparsed};
pub use note::{Exit, ExitKind, Note, NoteKind, Signal, StackFrame};
pub use pending::Limits;
pub use prefix::{Clock, Prefix};
pub use reader::{DEFAULT_MAX_LEN, LineReader, NumberedLine};
pub use result::{ReturnValue, Returned};
pub use stream::Stream;
pub use text::{Text, quote, unescape};
pub use value::{Change, Field, MAX_DEPTH, Value};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
