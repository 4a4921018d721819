//! The lines of the log that findings and breaks name, and a few around each.

use crate::model::Excerpt;
use crate::shown::{number, text};
use maud::{Markup, html};

pub(super) fn draw(lines: &[Excerpt]) -> Markup {
    html! {
        @if !lines.is_empty() {
            section id="lines" aria-labelledby="lines-head" {
                h2 id="lines-head" { "Lines of the log" }
                p { "Those that findings and policies name, and those around them." }
                div.scroll tabindex="0" role="region" aria-labelledby="lines-head" {
                    table.lines {
                        tbody {
                            @for (at, line) in lines.iter().enumerate() {
                                @let is_gap = at > 0 && lines[at - 1].line + 1 < line.line;
                                tr.after-gap[is_gap].named[line.is_named] id={ "L" (line.line) } {
                                    th.number scope="row" { (number(line.line)) }
                                    td { code { (text(&line.text)) } }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}
