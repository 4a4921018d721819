//! The state of descriptors and registrations at one moment, as far as findings touch it.

use super::holders::users;
use super::lives::{Named, Now, NowFile, NowInstance, NowRegistration, NowTable};
use super::subject::Subject;
use crate::judge::Judge;
use crate::verdict::Instance;
use eventpoll::{EpollId, FileId, TableId};

/// Most tables, files, instances, and rows of each that a state keeps.
const MOST: usize = 24;

/// The state as the judge has it: what the subjects are about, or all of it if that is little.
pub(super) fn take(judge: &Judge, subjects: &[&Subject]) -> Now {
    let base = judge.worlds.base();
    let mut instances: Vec<EpollId> = Vec::new();
    let mut files: Vec<FileId> = Vec::new();
    for subject in subjects {
        let epoll = subject
            .epoll
            .filter(|epoll| base.epoll_file(*epoll).is_some());
        instances.extend(epoll);
        let is_there = |file: &FileId| {
            subject.is_file_alive && base.references(*file) > 0 && base.epoll_of(*file).is_none()
        };
        files.extend(subject.file.filter(is_there));
    }
    instances.sort_unstable();
    instances.dedup();
    let mut is_part = base.epolls().count() > instances.len() || instances.len() > MOST;
    instances.truncate(MOST);
    // A few of the registrations that are all right, to see what is not.
    for epoll in &instances {
        files.extend(base.registrations(*epoll).take(4).map(|it| it.file));
    }
    files.retain(|file| base.epoll_of(*file).is_none());
    files.sort_unstable();
    files.dedup();
    is_part |= files.len() > MOST;
    files.truncate(MOST);
    let mut now = Now {
        line: judge.line,
        time: judge.clock,
        tables: tables(judge, &files, &instances),
        ..Now::default()
    };
    is_part |= now.tables.len() > MOST;
    now.tables.truncate(MOST);
    let of = files.iter().map(|file| file_of(judge, *file, subjects));
    now.files = of.collect();
    let of = instances.iter();
    now.instances = of.map(|epoll| instance_of(judge, *epoll, &files)).collect();
    now.is_part = is_part || now.instances.iter().any(|instance| instance.more > 0);
    now
}

fn tables(judge: &Judge, files: &[FileId], instances: &[EpollId]) -> Vec<NowTable> {
    let base = judge.worlds.base();
    let mut seen: Vec<TableId> = Vec::new();
    let mut tables = Vec::new();
    for (tid, view) in base.tasks() {
        if seen.contains(&view.table) {
            continue;
        }
        seen.push(view.table);
        let named = base.fds(tid).filter_map(|(fd, file, _)| {
            let named = match base.epoll_of(file) {
                Some(epoll) => Named::Instance(instances.iter().position(|it| *it == epoll)?),
                None => Named::File(files.iter().position(|it| *it == file)?),
            };
            Some((fd.0, named))
        });
        let fds: Vec<_> = named.take(MOST).collect();
        if !fds.is_empty() {
            tables.push(NowTable {
                pids: users(judge, view.table),
                fds,
            });
        }
        if tables.len() > MOST {
            break;
        }
    }
    tables
}

fn made(judge: &Judge, file: FileId) -> Instance {
    let label = judge.labels.get(file);
    Instance {
        pid: label.map_or(0, |label| label.pid),
        fd: label.map_or(-1, |label| label.fd.0),
        line: label.and_then(|label| label.line),
    }
}

fn file_of(judge: &Judge, file: FileId, subjects: &[&Subject]) -> NowFile {
    let base = judge.worlds.base();
    let named = base.holders(file).len() as u32;
    let mut of_file = subjects.iter().filter(|subject| subject.is_file_alive);
    let subject = of_file.find(|subject| subject.file == Some(file));
    NowFile {
        made: made(judge, file),
        what: subject.and_then(|subject| subject.lives.file.as_ref()?.what.clone()),
        nameless: base.references(file).saturating_sub(named),
    }
}

fn instance_of(judge: &Judge, epoll: EpollId, files: &[FileId]) -> NowInstance {
    let base = judge.worlds.base();
    let all = base.registrations(epoll);
    let registrations: Vec<_> = all
        .filter_map(|it| {
            Some(NowRegistration {
                fd: it.fd.0,
                file: files.iter().position(|file| *file == it.file)?,
                owners: users(judge, it.owner),
                is_ghost: judge.is_ghost(it.id),
                is_closed: base.fd_in(it.owner, it.fd).is_none(),
            })
        })
        .take(MOST)
        .collect();
    NowInstance {
        made: judge.instance(epoll),
        more: base.registrations(epoll).count() - registrations.len(),
        registrations,
    }
}
