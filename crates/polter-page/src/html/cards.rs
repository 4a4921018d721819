//! A finding: what is wrong, what to do, how it came about.

use super::badge::badge;
use crate::graph;
use crate::model::{Card, Step};
use crate::shown::{FRAMES, name, number, text};
use crate::timeline;
use maud::{Markup, html};

/// The id of a finding, by its index.
pub(super) fn key(at: usize) -> String {
    format!("f{}", at + 1)
}

/// The finding with this index.
pub(super) fn draw(at: usize, card: &Card) -> Markup {
    let id = key(at);
    let processes: Vec<String> = card.filter.processes.iter().map(u32::to_string).collect();
    html! {
        article.finding id=(id) aria-labelledby={ (id) "-head" } data-processes=(processes.join(" "))
            data-class=(name(&card.class)) data-instance=(name(&card.filter.instance)) {
            h3 id={ (id) "-head" } {
                span.ordinal { (at + 1) } " "
                span class=(badge(card.tone)) { (name(&card.class)) } " "
                span.place { (text(&card.place)) }
            }
            p.summary { (text(&card.summary)) }
            p.fix { strong { "Do: " } (text(&card.fix)) }
            dl.facts {
                @for (label, fact) in &card.facts { div { dt { (name(label)) } dd { (text(fact)) } } }
            }
            @if let Some(timeline) = &card.timeline { (timeline::draw(timeline, &id)) }
            (story(&card.story))
            @if let Some(state) = &card.state { (graph::draw(state)) }
        }
    }
}

fn story(steps: &[Step]) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label="How it came about" {
            table.story {
                caption { "How it came about" }
                thead { tr { th scope="col" { "line" } th scope="col" { "task" } th scope="col" { "call" } th scope="col" { "what it means" } } }
                tbody { @for step in steps { (draw_step(step)) } }
            }
        }
    }
}

fn draw_step(step: &Step) -> Markup {
    html! {
        tr {
            td.number { a href={ "#L" (step.line) } { (number(step.line)) } }
            td.number { (step.pid) }
            td {
                code { (text(&step.text)) }
                @if !step.stack.is_empty() {
                    details {
                        summary { "stack" }
                        ol.stack { @for frame in step.stack.iter().take(FRAMES) { li { code { (text(frame)) } } } }
                    }
                }
            }
            td { (text(&step.what)) }
        }
    }
}
