//! Who keeps what, at one moment: tables, files and instances in three layers.

mod layout;

use crate::model::{Graph, GraphFd, GraphFile, GraphInstance, GraphTable, Target};
use crate::shown::{cut, name, text};
use layout::{HEAD, Layout, Place, ROW, WIDE, layout, width};
use maud::{Markup, html};

/// The longest text of a box, in characters.
const BOX: usize = 32;

/// Draws it, with the same in words.
pub(crate) fn draw(graph: &Graph) -> Markup {
    let layout = layout(graph);
    let (wide, tall) = (width(), layout.height);
    html! {
        figure.graph {
            figcaption { (text(&graph.caption)) }
            div.scroll tabindex="0" role="region" aria-label=(text(&graph.caption)) {
                svg role="img" width=(wide) height=(tall) viewBox={ "0 0 " (wide) " " (tall) } aria-label=(spoken(graph)) {
                    (edges(graph, &layout))
                    @for (table, place) in graph.tables.iter().zip(&layout.tables) { (draw_table(graph, table, *place)) }
                    @for (file, place) in graph.files.iter().zip(&layout.files) { (draw_file(file, *place)) }
                    @for (instance, place) in graph.instances.iter().zip(&layout.instances) { (draw_instance(instance, *place)) }
                }
            }
        }
    }
}

fn edges(graph: &Graph, layout: &Layout) -> Markup {
    html! {
        @for (table, place) in graph.tables.iter().zip(&layout.tables) {
            @for (row, fd) in table.fds.iter().enumerate() {
                @if let Target::File(file) = fd.target {
                    @if let Some(to) = layout.files.get(file) {
                        path.edge.keeper[fd.is_keeper] d=(curve((place.x + WIDE, place.row(row)), (to.x, to.middle()))) {}
                    }
                }
            }
        }
        @for (instance, place) in graph.instances.iter().zip(&layout.instances) {
            @for (row, it) in instance.registrations.iter().enumerate() {
                @if let Some(to) = layout.files.get(it.file) {
                    path.watch.ghost[it.is_ghost] d=(curve((place.x, place.row(row) + ROW), (to.x + WIDE, to.middle()))) {}
                }
            }
        }
    }
}

/// From one side of a box to the side of another.
fn curve((x, y): (f64, f64), (to_x, to_y): (f64, f64)) -> String {
    let middle = f64::midpoint(x, to_x);
    format!("M{x:.0} {y:.0}C{middle:.0} {y:.0} {middle:.0} {to_y:.0} {to_x:.0} {to_y:.0}")
}

fn draw_table(graph: &Graph, table: &GraphTable, place: Place) -> Markup {
    html! {
        g.box {
            (frame(place, "table"))
            (title(place, &table.label))
            @for (row, fd) in table.fds.iter().enumerate() {
                text.closed[fd.target == Target::Closed].keeper[fd.is_keeper] x=(place.x + 12.0) y=(place.row(row) + 4.0) {
                    (cut(&named(graph, fd), BOX))
                }
            }
        }
    }
}

/// `fd 3: instance 3`, `fd 4: closed`; an fd of a file has a line to it.
fn named(graph: &Graph, fd: &GraphFd) -> String {
    match fd.target {
        Target::File(_) => fd.label.clone(),
        Target::Closed => format!("{}: closed", fd.label),
        Target::Instance(at) => match graph.instances.get(at) {
            Some(instance) => format!("{}: {}", fd.label, instance.label),
            None => fd.label.clone(),
        },
    }
}

fn draw_file(file: &GraphFile, place: Place) -> Markup {
    html! {
        g.box {
            (frame(place, if file.is_haunted { "file haunted" } else { "file" }))
            (title(place, &file.label))
            text.small x=(place.x + 12.0) y=(place.y + HEAD + 10.0) { (cut(&file.detail, BOX + 6)) }
        }
    }
}

fn draw_instance(instance: &GraphInstance, place: Place) -> Markup {
    html! {
        g.box {
            (frame(place, "instance"))
            (title(place, &instance.label))
            text.small x=(place.x + 12.0) y=(place.y + HEAD + 10.0) { (cut(&instance.detail, BOX + 6)) }
            @for (row, it) in instance.registrations.iter().enumerate() {
                text.ghost[it.is_ghost] x=(place.x + 12.0) y=(place.row(row) + ROW + 4.0) {
                    (cut(&it.label, BOX - 8)) @if it.is_ghost { " – ghost" }
                }
            }
        }
    }
}

fn frame(place: Place, class: &str) -> Markup {
    html! {
        rect class=(class) x=(place.x) y=(place.y) width=(WIDE) height=(place.height) rx="6" {}
    }
}

fn title(place: Place, label: &str) -> Markup {
    html! {
        text.title x=(place.x + 12.0) y=(place.y + 19.0) { (cut(label, BOX)) title { (name(label)) } }
    }
}

/// The graph in words.
fn spoken(graph: &Graph) -> String {
    let mut sentences = Vec::new();
    for table in &graph.tables {
        let fds = table.fds.iter().map(|fd| match fd.target {
            Target::File(at) => {
                let file = graph
                    .files
                    .get(at)
                    .map_or("a file", |file| file.label.as_str());
                format!("{} is {file}", fd.label)
            }
            _ => named(graph, fd),
        });
        let fds: Vec<String> = fds.collect();
        sentences.push(format!("{}: {}", table.label, fds.join(", ")));
    }
    for instance in &graph.instances {
        let watched = instance.registrations.iter().map(|it| {
            let file = graph
                .files
                .get(it.file)
                .map_or("a file", |file| file.label.as_str());
            let ghost = if it.is_ghost { ", a ghost" } else { "" };
            format!("{}{ghost} watches {file}", it.label)
        });
        let watched: Vec<String> = watched.collect();
        sentences.push(format!("{}: {}", instance.label, watched.join(", ")));
    }
    cut(&sentences.join(". "), 2000)
}
