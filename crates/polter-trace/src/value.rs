//! Arguments as values: numbers, flags, strings, arrays, structures.
//!
//! Read on demand, for the few calls somebody asks about. What has no better form
//! (`WIFEXITED(s) && WEXITSTATUS(s) == 0`) stays text, [`Value::Other`]: only a text
//! that ends in the middle or nests too deeply is an error.

use crate::decoration::Decoration;
use crate::text::Text;

/// How deeply brackets may nest.
pub const MAX_DEPTH: usize = 64;

/// One argument, field or element.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value<'a> {
    /// `3`, `-1`, `0x10`, `0644`.
    Number(i128),
    /// `EPOLLIN`, `AT_FDCWD`, `NULL`, `?`.
    Name(&'a str),
    /// `EPOLLIN|EPOLLET|0x10`: its parts are names and numbers.
    Flags(Vec<Value<'a>>),
    /// `"abc"...`, `@"abstract"`.
    Text(Text<'a>),
    /// `[1, 2]`, and the set `[USR1 CHLD]`.
    Array(Vec<Value<'a>>),
    /// `~[USR1]`: everything but these.
    Complement(Vec<Value<'a>>),
    /// `{events=EPOLLIN, data={u32=5, u64=5}}`; a field may lack its name.
    Struct(Vec<Field<'a>>),
    /// `in => out`.
    Change(Box<Change<'a>>),
    /// `3<pipe:[1]>`: an fd as `-y` prints it.
    Decorated(Box<Value<'a>>, Decoration<'a>),
    /// `0x1 /* EPOLLIN */`.
    Commented(Box<Value<'a>>, &'a [u8]),
    /// `htons(80)`, `makedev(0x1, 0x3)`.
    Function(&'a str, Vec<Value<'a>>),
    /// `...`: strace left the rest out.
    Elided,
    /// Anything else, as text.
    Other(&'a [u8]),
}

/// A structure's field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field<'a> {
    /// Its name, where strace prints one.
    pub name: Option<&'a str>,
    /// Its value.
    pub value: Value<'a>,
}

/// What the program gave and what the kernel put there: `in => out`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change<'a> {
    /// Before the call; `None` if strace prints the result only (`=> {…}`).
    pub before: Option<Value<'a>>,
    /// After it.
    pub after: Value<'a>,
}

impl<'a> Value<'a> {
    /// Removes comments and decorations: `0x1 /* EPOLLIN */` is 1, `3<pipe:[1]>` is 3.
    pub fn bare(&self) -> &Self {
        match self {
            Self::Decorated(value, _) | Self::Commented(value, _) => value.bare(),
            value => value,
        }
    }

    /// Returns the number, in whatever base, with or without decoration.
    pub fn number(&self) -> Option<i128> {
        match self.bare() {
            Self::Number(number) => Some(*number),
            _ => None,
        }
    }

    /// Returns an fd: a number that fits the kernel's `int`, where a number of 2^31 or
    /// more (`-e raw`) is a negative one.
    pub fn fd(&self) -> Option<i32> {
        let number = self.number()?;
        let low = i32::try_from(number).ok();
        low.or_else(|| u32::try_from(number).ok().map(u32::cast_signed))
    }

    /// Returns what `-y` says about an fd.
    pub fn decoration(&self) -> Option<&Decoration<'a>> {
        match self {
            Self::Decorated(_, decoration) => Some(decoration),
            Self::Commented(value, _) => value.decoration(),
            _ => None,
        }
    }

    /// True for `NULL`, and for 0 where a pointer stands (`-e raw`).
    pub fn is_null(&self) -> bool {
        matches!(self.bare(), Self::Name("NULL") | Self::Number(0))
    }

    /// Returns a structure's field.
    pub fn field(&self, name: &str) -> Option<&Self> {
        let Self::Struct(fields) = self.bare() else {
            return None;
        };
        let field = fields.iter().find(|field| field.name == Some(name))?;
        Some(&field.value)
    }

    /// Returns an array's elements.
    pub fn elements(&self) -> Option<&[Self]> {
        match self.bare() {
            Self::Array(elements) => Some(elements),
            _ => None,
        }
    }

    /// Returns what the kernel put there: the value itself, or the right side of `=>`.
    pub fn after(&self) -> &Self {
        match self {
            Self::Change(change) => &change.after,
            value => value,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_every_base() {
        check("10", "10");
        check("-1", "-1");
        check("0x10", "16");
        check("0644", "420");
        check("0", "0");
        check("18446744073709551615", "18446744073709551615");
        check("08", "other(08)");
        check("99999999999999999999999", "other(99999999999999999999999)");
    }

    #[test]
    fn names_and_flags() {
        check("NULL", "NULL");
        check("EPOLLIN|EPOLLET|0x10", "flags(EPOLLIN EPOLLET 16)");
        check("S_IFREG|0644", "flags(S_IFREG 420)");
        check("0x1 /* EPOLLIN */", "1/*EPOLLIN*/");
        check("0x4d /* EPOLL_CTL_??? */", "77/*EPOLL_CTL_???*/");
        check("0x1 /* A */|0x80 /* B|C */", "flags(1/*A*/ 128/*B|C*/)");
        check("?", "?");
    }

    #[test]
    fn arrays_and_sets() {
        check("[3, 4]", "[3 4]");
        check("[]", "[]");
        check("[USR1 CHLD]", "[USR1 CHLD]");
        check("~[RT_1]", "~[RT_1]");
        check("~[]", "~[]");
        check("[10 /* USR1 */ 17 /* CHLD */]", "[10/*USR1*/ 17/*CHLD*/]");
        check("[\"sh\", \"-c\", ...]", "[\"sh\" \"-c\" ...]");
    }

    #[test]
    fn structures_nest() {
        check(
            "{events=EPOLLIN, data={u32=5, u64=5}}",
            "{events=EPOLLIN data={u32=5 u64=5}}",
        );
        check("{1, a=2, ...}", "{1 a=2 ...}");
        check("{}", "{}");
        check("[{fd=3, events=POLLIN}]", "[{fd=3 events=POLLIN}]");
        check(
            "[{WIFEXITED(s) && WEXITSTATUS(s) == 0}]",
            "[{other(WIFEXITED(s) && WEXITSTATUS(s) == 0)}]",
        );
        check(
            "{sin_port=htons(80), sin_addr=inet_addr(\"1.2.3.4\")}",
            "{sin_port=htons(80) sin_addr=inet_addr(\"1.2.3.4\")}",
        );
    }

    #[test]
    fn changes_have_two_sides() {
        check("[3 => 4]", "[3=>4]");
        check("{a=1} => {a=2}", "{a=1}=>{a=2}");
        check("=> {a=2}", "=>{a=2}");
        check("{a=1 => 2, b=3}", "{a=1=>2 b=3}");
    }

    #[test]
    fn fds_are_decorated() {
        check("3<pipe:[1]>", "3<pipe:[1]>");
        check("AT_FDCWD</tmp/a,b>", "AT_FDCWD</tmp/a,b>");
        check("3</tmp/a>(deleted)", "3</tmp/a>");
        check("5380<loop>", "5380<loop>");
        assert_eq!(Value::parse(b"4294967295").unwrap().fd(), Some(-1));
        assert_eq!(Value::parse(b"4294967296").unwrap().fd(), None);
    }

    #[test]
    fn strings_may_be_truncated() {
        check("\"a\\\"b\"", "\"a\\\"b\"");
        check("\"abc\"...", "\"abc\"...");
        check("@\"abc\"", "@\"abc\"");
    }

    #[test]
    fn the_rest_stays_text() {
        check("8192*1024", "other(8192*1024)");
        check(
            "1<<CAP_KILL|1<<CAP_CHOWN",
            "other(1<<CAP_KILL|1<<CAP_CHOWN)",
        );
        check("{a=1<<2, b=8*1024}", "{a=other(1<<2) b=other(8*1024)}");
        check("", "other()");
    }

    #[test]
    fn hostile_text_is_an_error() {
        check("[1, 2", "column 6: the line ends in the middle");
        check("{a=\"b}", "column 7: the line ends in the middle");
        check(&"[".repeat(100_000), "column 65: nested too deeply");
        check(&"{a=".repeat(100_000), "column 193: nested too deeply");
        check(&"f(".repeat(100_000), "column 130: nested too deeply");
        check("1]", "column 2: unbalanced bracket");
        check("1, 2", "column 2: unexpected text");
    }

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let actual = match Value::parse(text.as_bytes()) {
            Ok(value) => show(&value),
            Err(error) => error.to_string(),
        };
        assert_eq!(actual, expected, "{text:.80}");
    }

    fn show(value: &Value<'_>) -> String {
        let all = |values: &[Value<'_>]| values.iter().map(show).collect::<Vec<_>>().join(" ");
        let lossy = |bytes| String::from_utf8_lossy(bytes).into_owned();
        match value {
            Value::Number(number) => number.to_string(),
            Value::Name(name) => (*name).to_owned(),
            Value::Flags(parts) => format!("flags({})", all(parts)),
            Value::Text(text) => lossy(text.source()),
            Value::Array(elements) => format!("[{}]", all(elements)),
            Value::Complement(elements) => format!("~[{}]", all(elements)),
            Value::Struct(fields) => {
                let field = |field: &Field<'_>| match field.name {
                    Some(name) => format!("{name}={}", show(&field.value)),
                    None => show(&field.value),
                };
                format!(
                    "{{{}}}",
                    fields.iter().map(field).collect::<Vec<_>>().join(" ")
                )
            }
            Value::Change(change) => {
                let before = change.before.as_ref().map(show).unwrap_or_default();
                format!("{before}=>{}", show(&change.after))
            }
            Value::Decorated(value, decoration) => {
                format!("{}<{}>", show(value), lossy(decoration.text))
            }
            Value::Commented(value, comment) => format!("{}/*{}*/", show(value), lossy(comment)),
            Value::Function(name, args) => format!("{name}({})", all(args)),
            Value::Elided => "...".to_owned(),
            Value::Other(text) => format!("other({})", lossy(text)),
        }
    }
}
