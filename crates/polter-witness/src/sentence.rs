//! A witness in one sentence, and the name of what it shows.

use crate::act::Verb;
use crate::story::{Cause, Change, KeptBy, Last, Story};
use crate::worlds::FIRST_PID;
use eventpoll::{Errno, Out, Outcome, Pid, Policy};

impl Story {
    /// What the witness shows, in two or three words: programs with different stories can
    /// show the same.
    pub fn idiom(&self) -> String {
        let voice = Voice {
            is_alone: self.processes == 1,
        };
        match &self.cause {
            Some(cause) => cause.idiom(&self.last, &voice),
            None => self.last.idiom(&voice),
        }
    }

    /// What happens, under which of the two policies, and how it is noticed.
    pub fn sentence(&self, policies: [Policy; 2]) -> String {
        let names = policies.map(|policy| policy.to_string());
        let voice = Voice {
            is_alone: self.processes == 1,
        };
        let seen = voice.seen(&self.last, &names);
        match &self.cause {
            Some(cause) => format!("{}; {seen}.", voice.cause(cause, &names)),
            None => format!("{}: {seen}.", voice.asks(&self.last)),
        }
    }
}

impl Cause {
    fn idiom(&self, last: &Last, voice: &Voice) -> String {
        let who = voice.name(self.by);
        let Change::Lost { maker, kept_by, .. } = self.change else {
            let is_copy = matches!(self.change, Change::NotCopied { .. });
            return if is_copy {
                "inheritance"
            } else {
                "the hand-over"
            }
            .to_string();
        };
        let is_own = maker == Some(self.by);
        let said = match (self.verb, kept_by) {
            (Verb::Exit, _) if is_own => "the take-over",
            (Verb::Exit, _) => return format!("{who}'s exit"),
            (Verb::Exec, _) => "close-on-exec",
            _ if !is_own => return format!("{who}'s close"),
            _ if last.verb == Verb::Add && last.by == self.by => "number reuse",
            (_, KeptBy::Dup) => "the lingering dup",
            (_, KeptBy::Process(_)) => "the fork ghost",
            (_, KeptBy::Flight) => "the file in flight",
            (_, KeptBy::Nobody) => "the closed fd",
        };
        said.to_string()
    }
}

impl Last {
    fn idiom(&self, voice: &Voice) -> String {
        let who = voice.name(self.by);
        let is_others = self.maker.is_some_and(|maker| maker != self.by);
        match self.verb {
            Verb::Adopt => "the call itself".to_string(),
            Verb::Del if is_others => format!("{who}'s DEL"),
            Verb::Mod if is_others => format!("{who}'s MOD"),
            verb if verb.is_control() && is_others => "one file? (kcmp)".to_string(),
            _ if self.is_inherited => "the inherited instance".to_string(),
            _ => "inheritance".to_string(),
        }
    }
}

/// How processes are spoken of.
struct Voice {
    /// There is one process only.
    is_alone: bool,
}

impl Voice {
    fn name(&self, pid: Pid) -> String {
        match pid.0 - FIRST_PID.0 {
            0 if self.is_alone => "the program".to_string(),
            0 => "the parent".to_string(),
            1 => "the child".to_string(),
            nth => format!("child {nth}"),
        }
    }

    fn cause(&self, cause: &Cause, names: &[String; 2]) -> String {
        let who = capital(&self.name(cause.by));
        match &cause.change {
            Change::Lost {
                in_second,
                maker,
                kept_by,
                ..
            } => {
                let (lost, kept) = order(*in_second, names);
                let whose = self.whose(*maker);
                let does = self.does(cause.verb, *maker == Some(cause.by), *kept_by);
                format!("{who} {does}: {lost} removes {whose} registration, {kept} keeps it")
            }
            Change::NotCopied { in_second } => {
                let (lost, kept) = order(*in_second, names);
                format!(
                    "{who} forks: under {lost} the child does not get the instance, under {kept} it does"
                )
            }
            Change::Owner => {
                format!("{who} asks for the registrations to be handed over (EPIOCADOPT)")
            }
        }
    }

    fn whose(&self, maker: Option<Pid>) -> String {
        match maker {
            Some(_) if self.is_alone => "the".to_string(),
            Some(maker) => format!("{}'s", self.name(maker)),
            None => "an orphaned".to_string(),
        }
    }

    /// What the cause was, of a registration of one's own or another's.
    fn does(&self, verb: Verb, is_own: bool, kept_by: KeptBy) -> String {
        let kept = match kept_by {
            KeptBy::Dup => " while a dup of it stays open".to_string(),
            KeptBy::Process(pid) if is_own => {
                format!(" while {} still has the file", self.name(pid))
            }
            KeptBy::Flight => " while the file is in flight".to_string(),
            KeptBy::Process(_) | KeptBy::Nobody => String::new(),
        };
        match (verb, is_own) {
            (Verb::Exit, true) => format!("exits{kept}"),
            (Verb::Exit, false) => "exits without closing anything".to_string(),
            (Verb::Close, true) => format!("closes a registered fd{kept}"),
            (Verb::Close, false) => "closes its own copy".to_string(),
            (Verb::Dup2, true) => format!("puts another file over a registered fd{kept}"),
            (Verb::Dup2, false) => "puts another file over its own copy".to_string(),
            (Verb::Exec, _) => format!("executes a program, which closes an fd{kept}"),
            (verb, _) => did(verb).to_string(),
        }
    }

    /// A call whose answer depends on the policy itself.
    fn asks(&self, last: &Last) -> String {
        let who = capital(&self.name(last.by));
        let others = last.maker.filter(|maker| *maker != last.by);
        let others = others.map(|maker| self.name(maker));
        match (last.verb, others) {
            (Verb::Del, Some(maker)) => format!("{who} removes what {maker} registered"),
            (Verb::Mod, Some(maker)) => format!("{who} changes what {maker} registered"),
            (verb, Some(maker)) if verb.is_control() => format!(
                "{who} registers what {maker} has registered, the same file under the same fd"
            ),
            (Verb::Adopt, _) => {
                format!("{who} asks for registrations to be handed over (EPIOCADOPT)")
            }
            (verb, _) if last.is_inherited => {
                format!("{who} {} an instance it inherited", on_instance(verb))
            }
            (verb, _) => format!("{who} {}", did(verb)),
        }
    }

    fn seen(&self, last: &Last, names: &[String; 2]) -> String {
        let who = self.name(last.by);
        let [a, b] = last
            .answers
            .each_ref()
            .map(|answer| said(last.verb, answer));
        let call = call_name(last.verb);
        format!(
            "{who}'s {call} {a} under {}, {b} under {}",
            names[0], names[1]
        )
    }
}

fn order(in_second: bool, names: &[String; 2]) -> (&str, &str) {
    let [a, b] = names;
    if in_second { (b, a) } else { (a, b) }
}

fn capital(words: &str) -> String {
    let mut chars = words.chars();
    let first = chars.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(chars).collect()
}

fn did(verb: Verb) -> &'static str {
    match verb {
        Verb::Fork => "forks",
        Verb::Close => "closes an fd",
        Verb::Dup => "copies an fd",
        Verb::Dup2 => "copies an fd over another",
        Verb::Exit => "exits",
        Verb::Exec => "executes a program",
        Verb::Send => "sends a file",
        Verb::Receive => "receives a file",
        Verb::Unshare => "takes a table of its own",
        Verb::Wait => "waits",
        Verb::Add | Verb::AddEdge | Verb::AddOneshot => "registers a file",
        Verb::Mod => "changes a registration",
        Verb::Del => "removes a registration",
        Verb::Read => "reads",
        Verb::Write => "writes",
        _ => "makes a file",
    }
}

fn on_instance(verb: Verb) -> &'static str {
    match verb {
        Verb::Wait => "waits on",
        Verb::Del => "removes a registration from",
        Verb::Mod => "changes a registration in",
        _ => "registers a file in",
    }
}

fn call_name(verb: Verb) -> &'static str {
    match verb {
        Verb::Add | Verb::AddEdge | Verb::AddOneshot => "ADD",
        Verb::Mod => "MOD",
        Verb::Del => "DEL",
        Verb::Wait => "epoll_wait",
        Verb::Adopt => "ioctl",
        Verb::Instance | Verb::InstanceCloexec => "epoll_create1",
        Verb::Eventfd | Verb::EventfdCloexec => "eventfd2",
        Verb::Pipe => "pipe2",
        Verb::Send => "sendmsg",
        Verb::Receive => "recvmsg",
        Verb::Share => "clone",
        Verb::Exec => "execve",
        Verb::Exit => "exit_group",
        verb => verb.name(),
    }
}

/// An answer as the end of "the child's DEL …".
fn said(verb: Verb, outcome: &Outcome) -> String {
    match outcome {
        Outcome::Done(Err(errno)) => format!("fails with {}", name(*errno)),
        Outcome::Done(Ok(done)) => match &done.out {
            Out::Events(events) if events.len() == 1 => "reports the event".to_string(),
            Out::Events(events) if !events.is_empty() => format!("reports {} events", events.len()),
            _ if verb == Verb::Wait => "reports nothing".to_string(),
            _ if verb.is_creating() || matches!(verb, Verb::Dup) => match &done.out {
                Out::Pair([a, b]) => format!("gives {a} and {b}"),
                _ => format!("gives {}", done.value),
            },
            _ => "succeeds".to_string(),
        },
        Outcome::Blocked => "waits".to_string(),
        Outcome::Gone => "never returns".to_string(),
    }
}

fn name(errno: Errno) -> &'static str {
    errno.name()
}
