//! Who keeps what, at one moment: from the judge's state to boxes and lines.

use polter_judge::{
    Finding, FindingLives, Followed, Instance, KeptBy, Named, Now, NowInstance, NowTable,
};
use polter_page::{
    Graph, GraphFd, GraphFile, GraphInstance, GraphRegistration, GraphTable, Target,
};

use super::names::process_name;
use crate::report::words::{counted, number};

/// The state when a finding came to light.
pub(super) fn of_finding(
    finding: &Finding,
    lives: &FindingLives,
    followed: &Followed,
) -> Option<Graph> {
    let now = &lives.state;
    let mut graph = graph(now, followed)?;
    graph.caption = format!("Who kept what after line {}", number(now.line));
    if finding.holders.contains(&KeptBy::Unknown) {
        graph.tables.push(GraphTable {
            label: "somebody the log does not show".to_owned(),
            fds: vec![GraphFd {
                label: format!("the file of fd {}", finding.fd),
                target: Target::Closed,
                is_keeper: true,
            }],
        });
    }
    Some(graph)
}

/// The state at the end of the log; nothing if no process is left that has to do with it.
pub(super) fn at_the_end(followed: &Followed) -> Option<Graph> {
    let now = &followed.now;
    if now.tables.is_empty() {
        return None;
    }
    let mut graph = graph(now, followed)?;
    graph.caption = match now.is_part {
        true => "What findings are about, and what is tied to it; there is more".to_owned(),
        false => "Who keeps what".to_owned(),
    };
    Some(graph)
}

fn graph(now: &Now, followed: &Followed) -> Option<Graph> {
    if now.tables.is_empty() && now.files.is_empty() {
        return None;
    }
    let registrations = now.instances.iter().flat_map(|it| &it.registrations);
    let haunted: Vec<usize> = registrations
        .filter(|it| it.is_ghost)
        .map(|it| it.file)
        .collect();
    let files = now.files.iter().enumerate().map(|(at, file)| GraphFile {
        label: file.what.clone().unwrap_or_else(|| "file".to_owned()),
        detail: made(&file.made),
        is_haunted: haunted.contains(&at),
    });
    let tables = now.tables.iter();
    let tables = tables.map(|table| table_of(table, now, &haunted, followed));
    Some(Graph {
        caption: String::new(),
        tables: tables.chain(nameless(now, &haunted)).collect(),
        files: files.collect(),
        instances: now.instances.iter().map(instance_of).collect(),
    })
}

/// Who keeps files without an fd.
fn nameless(now: &Now, haunted: &[usize]) -> Option<GraphTable> {
    let files = now.files.iter().enumerate();
    let kept = files.filter(|(_, file)| file.nameless > 0);
    let rows: Vec<GraphFd> = kept
        .map(|(at, file)| GraphFd {
            label: counted(file.nameless.into(), "reference"),
            target: Target::File(at),
            is_keeper: haunted.contains(&at),
        })
        .collect();
    (!rows.is_empty()).then(|| GraphTable {
        label: "messages and rings".to_owned(),
        fds: rows,
    })
}

fn table_of(table: &NowTable, now: &Now, haunted: &[usize], followed: &Followed) -> GraphTable {
    let names: Vec<String> = table
        .pids
        .iter()
        .map(|pid| process_name(*pid, followed))
        .collect();
    let mut fds: Vec<(i32, GraphFd)> = table
        .fds
        .iter()
        .map(|(fd, named)| {
            let (target, is_keeper) = match named {
                Named::File(at) => (Target::File(*at), haunted.contains(at)),
                Named::Instance(at) => (Target::Instance(*at), false),
            };
            let label = format!("fd {fd}");
            let row = GraphFd {
                label,
                target,
                is_keeper,
            };
            (*fd, row)
        })
        .collect();
    let registrations = now.instances.iter().flat_map(|it| &it.registrations);
    let closed = registrations.filter(|it| {
        it.is_ghost && it.is_closed && it.owners.iter().any(|pid| table.pids.contains(pid))
    });
    fds.extend(closed.map(|it| {
        let label = format!("fd {}", it.fd);
        let row = GraphFd {
            label,
            target: Target::Closed,
            is_keeper: false,
        };
        (it.fd, row)
    }));
    fds.sort_by_key(|(fd, _)| *fd);
    GraphTable {
        label: names.join(", "),
        fds: fds.into_iter().map(|(_, row)| row).collect(),
    }
}

fn instance_of(instance: &NowInstance) -> GraphInstance {
    let registrations = instance.registrations.iter().map(|it| {
        let of = match &it.owners[..] {
            [] => "of a process that is gone".to_owned(),
            [pid, ..] => format!("of {pid}"),
        };
        GraphRegistration {
            label: format!("fd {} {of}", it.fd),
            file: it.file,
            is_ghost: it.is_ghost,
        }
    });
    let more = match instance.more {
        0 => String::new(),
        more => format!("; {} more", counted(more as u64, "registration")),
    };
    let Instance { pid, fd, .. } = instance.made;
    GraphInstance {
        label: match fd {
            0.. => format!("instance {fd} of {pid}"),
            _ => "an instance".to_owned(),
        },
        detail: format!("{}{more}", made(&instance.made)),
        registrations: registrations.collect(),
    }
}

/// `made by 100 as fd 4, line 3`
fn made(made: &Instance) -> String {
    match made {
        Instance { fd: ..0, .. } => "older than the log".to_owned(),
        Instance {
            pid,
            fd,
            line: Some(line),
        } => format!("made by {pid} as fd {fd}, line {}", number(*line)),
        Instance { pid, fd, .. } => format!("fd {fd} of {pid}, older than the log"),
    }
}
