//! The policies as a matrix: what each does to each finding, and what it breaks.

use super::badge::badge;
use super::cards::key;
use crate::model::{Card, Cell, Matrix, PolicyRow};
use crate::shown::{name, number, text};
use maud::{Markup, html};

pub(super) fn draw(matrix: &Matrix, findings: &[Card]) -> Markup {
    html! {
        @if !matrix.rows.is_empty() {
            section id="policies" aria-labelledby="policies-head" {
                h2 id="policies-head" { "What each policy would change" }
                div.scroll tabindex="0" role="region" aria-labelledby="policies-head" {
                    table.policies {
                        thead {
                            tr {
                                th scope="col" { "policy" }
                                @for at in &matrix.findings { (head(*at, findings)) }
                                th scope="col" { "mends" }
                                th scope="col" { "breaks" }
                                th scope="col" { "verdict" }
                            }
                        }
                        tbody { @for row in &matrix.rows { (draw_row(row)) } }
                    }
                }
            }
        }
    }
}

/// The head of a finding's column.
fn head(at: usize, findings: &[Card]) -> Markup {
    let class = findings.get(at).map_or("", |card| card.class.as_str());
    html! { th scope="col" { a href={ "#" (key(at)) } title=(name(class)) { "finding " (at + 1) } } }
}

fn draw_row(row: &PolicyRow) -> Markup {
    html! {
        tr {
            th scope="row" { code { (name(&row.policy)) } }
            @for cell in &row.cells { (draw_cell(*cell)) }
            td { (text(&row.mends)) }
            td { (breaks(row)) }
            td { span class=(badge(row.tone)) { (name(&row.verdict)) } }
        }
    }
}

fn draw_cell(cell: Cell) -> Markup {
    let (class, text) = match cell {
        Cell::Mended => ("mended", "✓ mended"),
        Cell::Stays => ("stays", "stays"),
        Cell::Unknown => ("unknown", "not known"),
    };
    html! { td class=(class) { (text) } }
}

fn breaks(row: &PolicyRow) -> Markup {
    html! {
        @if row.breaks.is_empty() { "–" } @else { (text(&row.breaks)) }
        @if !row.links.is_empty() {
            details {
                summary { "where" }
                ul { @for link in &row.links { li { a href={ "#L" (link.line) } { "line " (number(link.line)) } ": " (text(&link.text)) } } }
            }
        }
    }
}
