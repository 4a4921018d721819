//! Draws the state. Works without colours: what is chosen is reversed, what is wrong is bold and has a mark.

use std::time::{SystemTime, UNIX_EPOCH};

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Text};
use ratatui::widgets::{Block, Clear, Paragraph, Row as Cells, Table, Wrap};

use crate::sample::{Registered, Row, Sample};

use super::state::{Level, Mode, Sort, State, key};

const HELP: &[&str] = &[
    "up, down, page up, page down, home, end    move (also j, k)",
    "enter, right      a process's registrations; of one, who holds it",
    "esc, left         back; in the list of processes: no filter",
    "s                 sort by the next column",
    "r                 reverse the order",
    "/                 only processes with this in their name or pid",
    "g                 only processes with ghosts",
    "x                 remove the process's ghosts, after asking",
    "p, space          hold the screen, and go on",
    "q, ctrl-c         quit",
    "",
    "GHOSTS  registrations that outlive their fd",
    "WAKE/S  waits a second that returned events",
    "VAIN    of those, after how many the next call was a wait again",
];

/// Draws all of it.
pub(super) fn draw(frame: &mut Frame<'_>, state: &mut State) {
    let [head, body, foot] = Layout::vertical([
        Constraint::Length(2),
        Constraint::Min(1),
        Constraint::Length(1),
    ])
    .areas(frame.area());
    frame.render_widget(heading(state), head);
    state.page = usize::from(body.height.saturating_sub(1)).max(1);
    match state.level {
        Level::Processes => processes(frame, body, state),
        Level::Registrations(pid) => registrations(frame, body, state, pid),
        Level::Holders(pid) => holders(frame, body, state, pid),
    }
    frame.render_widget(footer(state), foot);
    if state.mode == Mode::Help {
        help(frame, frame.area());
    }
}

fn heading(state: &State) -> Paragraph<'static> {
    let Some(sample) = &state.sample else {
        return Paragraph::new("polter top: looking …");
    };
    let ghosts: usize = sample.rows.iter().map(|row| row.ghosts).sum();
    let held = if state.is_held { "  HELD" } else { "" };
    let first = format!(
        "polter top  {} UTC{held}  {} processes, {} registrations, {ghosts} ghosts",
        clock(sample.at),
        sample.rows.len(),
        sample.report.registrations,
    );
    Paragraph::new(vec![
        Line::styled(first, Style::new().add_modifier(Modifier::BOLD)),
        Line::raw(seen(sample)),
    ])
}

/// What was not seen: without it, no ghost would be said of what nobody looked at.
fn seen(sample: &Sample) -> String {
    let report = &sample.report;
    let mut parts = Vec::new();
    if report.refused > 0 {
        parts.push(format!("{} processes may not be read", report.refused));
    }
    if report.untold() > 0 {
        parts.push(format!("{} registrations not known", report.untold()));
    }
    if let Some(why) = &sample.no_counts {
        parts.push(format!(
            "no wake-ups: {}",
            polter_trace::escape(why.as_bytes())
        ));
    }
    let age = sample
        .at
        .duration_since(sample.scanned)
        .unwrap_or_default()
        .as_secs();
    if age > 2 {
        parts.push(format!("scanned {age} s ago"));
    }
    parts.join("; ")
}

/// `13:05:01`
fn clock(at: SystemTime) -> String {
    let seconds = at.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs() % 86_400;
    format!(
        "{:02}:{:02}:{:02}",
        seconds / 3600,
        seconds / 60 % 60,
        seconds % 60
    )
}

const WIDTHS: [Constraint; 8] = [
    Constraint::Length(8),
    Constraint::Length(7),
    Constraint::Length(7),
    Constraint::Length(5),
    Constraint::Length(8),
    Constraint::Length(6),
    Constraint::Length(6),
    Constraint::Fill(1),
];

fn processes(frame: &mut Frame<'_>, area: Rect, state: &mut State) {
    let pids: Vec<u32> = state.rows().iter().map(|row| row.pid).collect();
    let at = state.process.place(&pids);
    let rows = state.rows();
    if rows.is_empty() {
        let nobody = if state.filter.is_empty() && !state.only_ghosts {
            "No process has an instance."
        } else {
            "No such process. Esc: no filter; g: all."
        };
        frame.render_widget(Paragraph::new(nobody), area);
        return;
    }
    let (from, to) = window(at.unwrap_or(0), rows.len(), state.page);
    let shown = rows[from..to].iter().enumerate();
    let cells = shown.map(|(index, row)| {
        process(row).style(style(state, Some(from + index) == at, row.ghosts > 0))
    });
    frame.render_widget(
        Table::new(cells, WIDTHS)
            .header(header(state))
            .column_spacing(1),
        area,
    );
}

fn header(state: &State) -> Cells<'static> {
    let columns = [
        ("PID", Sort::Pid),
        ("GHOSTS", Sort::Ghosts),
        ("REGS", Sort::Registrations),
        ("INST", Sort::Instances),
        ("WAKE/S", Sort::Wakes),
        ("VAIN", Sort::InVain),
        ("CPU", Sort::Cpu),
        ("NAME", Sort::Name),
    ];
    let names = columns.map(
        |(name, sort)| match (state.sort == sort, state.is_reversed) {
            (true, false) => format!("{name}*"),
            (true, true) => format!("{name}^"),
            (false, _) => name.to_owned(),
        },
    );
    let names = names.map(Text::from).into_iter().enumerate();
    let aligned = names.map(|(at, name)| if at < 7 { name.right_aligned() } else { name });
    Cells::new(aligned).style(Style::new().add_modifier(Modifier::UNDERLINED))
}

fn process(row: &Row) -> Cells<'static> {
    let percent =
        |part: Option<f64>| part.map_or_else(|| "-".to_owned(), |it| format!("{:.0}%", it * 100.0));
    let cells = [
        row.pid.to_string(),
        match row.ghosts {
            0 => "0".to_owned(),
            ghosts => format!("!{ghosts}"),
        },
        row.registrations.to_string(),
        row.instances.to_string(),
        row.wakes
            .map_or_else(|| "-".to_owned(), |it| format!("{it:.0}")),
        percent(row.in_vain),
        percent(row.cpu),
    ];
    let numbers = cells.into_iter().map(|it| Text::from(it).right_aligned());
    Cells::new(numbers.chain([Text::from(row.comm.clone())]))
}

fn registrations(frame: &mut Frame<'_>, area: Rect, state: &mut State, pid: u32) {
    let all = state.registrations(pid);
    let keys: Vec<_> = all.iter().map(key).collect();
    let at = state.registration.place(&keys);
    if all.is_empty() {
        frame.render_widget(
            Paragraph::new(format!("Process {pid} has no registrations.")),
            area,
        );
        return;
    }
    let (from, to) = window(at.unwrap_or(0), all.len(), state.page);
    let shown = all[from..to].iter().enumerate();
    let cells = shown.map(|(index, it)| {
        registration(it).style(style(state, Some(from + index) == at, it.is_ghost))
    });
    let names = [
        format!("IN {pid}"),
        "FD".to_owned(),
        "EVENTS".to_owned(),
        "FILE".to_owned(),
        "STATE".to_owned(),
    ];
    let header = Cells::new(names).style(Style::new().add_modifier(Modifier::UNDERLINED));
    let widths = [
        Constraint::Length(10),
        Constraint::Length(6),
        Constraint::Length(16),
        Constraint::Length(9),
        Constraint::Fill(1),
    ];
    frame.render_widget(
        Table::new(cells, widths).header(header).column_spacing(1),
        area,
    );
}

fn registration(it: &Registered) -> Cells<'static> {
    let mark = if it.is_ghost { "!" } else { "" };
    Cells::new([
        format!("instance {}", it.instance),
        format!("{mark}{}", it.fd),
        it.events.clone(),
        it.kind.to_owned(),
        it.state.clone(),
    ])
}

fn holders(frame: &mut Frame<'_>, area: Rect, state: &State, pid: u32) {
    let lines = state.holders(pid);
    let shown: Vec<Line<'_>> = lines
        .into_iter()
        .skip(state.scroll)
        .map(Line::from)
        .collect();
    let (instance, fd, _) = state.registration.key().copied().unwrap_or((-1, -1, 0));
    let title = format!("fd {fd} of instance {instance} of process {pid}");
    let [head, body] = Layout::vertical([Constraint::Length(1), Constraint::Min(0)]).areas(area);
    frame.render_widget(
        Line::styled(title, Style::new().add_modifier(Modifier::UNDERLINED)),
        head,
    );
    frame.render_widget(Paragraph::new(shown).wrap(Wrap { trim: false }), body);
}

/// The entries that fit, with the chosen one among them.
fn window(at: usize, count: usize, page: usize) -> (usize, usize) {
    let from = at.saturating_sub(page / 2).min(count.saturating_sub(page));
    (from, count.min(from + page))
}

fn style(state: &State, is_chosen: bool, is_wrong: bool) -> Style {
    let mut style = Style::new();
    if is_wrong {
        style = style.add_modifier(Modifier::BOLD);
        if state.is_coloured {
            style = style.fg(Color::Red);
        }
    }
    if is_chosen {
        style = style.add_modifier(Modifier::REVERSED);
    }
    style
}

fn footer(state: &State) -> Line<'static> {
    let bold = Style::new().add_modifier(Modifier::BOLD);
    match &state.mode {
        Mode::Filter { .. } => Line::styled(
            format!("/{}_   enter: keep  esc: as before", state.filter),
            bold,
        ),
        Mode::Ask { pid, ghosts } => {
            let many = if *ghosts == 1 {
                "1 ghost".to_owned()
            } else {
                format!("{ghosts} ghosts")
            };
            Line::styled(
                format!("Remove {many} of process {pid}, while it runs? y: yes, any other key: no"),
                bold,
            )
        }
        Mode::Normal | Mode::Help => match &state.message {
            Some(message) => {
                Line::styled(polter_trace::escape(message.as_bytes()).to_string(), bold)
            }
            None => Line::raw(keys(state)),
        },
    }
}

fn keys(state: &State) -> String {
    let filter = match (state.filter.is_empty(), state.only_ghosts) {
        (true, false) => String::new(),
        (true, true) => "[ghosts]  ".to_owned(),
        (false, only) => format!("[{}{}]  ", state.filter, if only { ", ghosts" } else { "" }),
    };
    match state.level {
        Level::Processes => format!(
            "{filter}enter: registrations  s: sort  /: filter  g: ghosts  x: remove  ?: help  q"
        ),
        Level::Registrations(_) => {
            "enter: holders  x: remove ghosts  esc: back  ?: help  q".to_owned()
        }
        Level::Holders(_) => "x: remove ghosts  esc: back  ?: help  q".to_owned(),
    }
}

fn help(frame: &mut Frame<'_>, area: Rect) {
    let height = (HELP.len() as u16 + 2).min(area.height);
    let width = 72.min(area.width);
    let place = Rect {
        x: (area.width - width) / 2,
        y: (area.height - height) / 2,
        width,
        height,
    };
    frame.render_widget(Clear, place);
    let lines: Vec<Line<'_>> = HELP.iter().map(|it| Line::from(*it)).collect();
    frame.render_widget(
        Paragraph::new(lines).block(Block::bordered().title("keys")),
        place,
    );
}
