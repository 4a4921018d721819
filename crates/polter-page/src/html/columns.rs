//! Stories in columns: two worlds side by side, or the tasks of a schedule.

use super::badge::badge;
use super::document;
use crate::model::{Columns, ColumnsRow, Tone};
use crate::shown::{name, text};
use maud::{Markup, html};

impl Columns {
    /// A document of such stories, one below the other.
    pub fn document(
        title: &str,
        tone: Tone,
        verdict: &str,
        read: &[String],
        stories: &[Columns],
    ) -> String {
        let body = html! {
            a.skip href="#stories" { "to the stories" }
            header {
                p.brand { "polter" }
                h1 { (name(title)) }
                p.verdict { span class=(badge(tone)) { (text(verdict)) } }
                @for sentence in read { p.read { (text(sentence)) } }
                @if stories.len() > 1 {
                    nav aria-label="On this page" {
                        ul {
                            @for (at, story) in stories.iter().enumerate() {
                                li { a href={ "#s" (at + 1) } { (name(&story.title)) } }
                            }
                        }
                    }
                }
            }
            main id="stories" { @for (at, story) in stories.iter().enumerate() { (draw(at, story)) } }
            footer { p { "Written by polter " (env!("CARGO_PKG_VERSION")) ". This page asks nobody for anything: it works without a network." } }
        };
        document(title, &serde_json::json!({}), &body)
    }
}

fn draw(at: usize, story: &Columns) -> Markup {
    let id = format!("s{}", at + 1);
    html! {
        section id=(id) aria-labelledby={ (id) "-head" } {
            h2 id={ (id) "-head" } { span class=(badge(story.tone)) { (at + 1) } " " (name(&story.title)) }
            @if !story.sentence.is_empty() { p.summary { (text(&story.sentence)) } }
            @for note in &story.notes { p.read { (text(note)) } }
            @if !story.rows.is_empty() {
                div.scroll tabindex="0" role="region" aria-labelledby={ (id) "-head" } {
                    table.columns {
                        thead { tr { th scope="col" {} @for head in &story.heads { th scope="col" { (name(head)) } } } }
                        tbody { @for row in &story.rows { (draw_row(row)) } }
                    }
                }
            }
            @for sentence in &story.footer { p.read { (text(sentence)) } }
        }
    }
}

fn draw_row(row: &ColumnsRow) -> Markup {
    html! {
        tr.marked[row.is_marked] {
            th.number scope="row" { (name(&row.head)) }
            @for cell in &row.cells {
                td.filled[!cell.is_empty()] { @if row.is_call { code { (text(cell)) } } @else { (text(cell)) } }
            }
        }
    }
}
