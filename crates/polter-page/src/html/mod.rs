//! The document: words and tables that need no script, drawings, and data for the script.

mod badge;
mod cards;
mod columns;
mod excerpt;
mod filters;
mod page;
mod policies;
mod security;

use crate::shown::name;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use serde::Serialize;

const STYLE: &str = include_str!("../../assets/page.css");
const SCRIPT: &str = include_str!("../../assets/page.js");

/// A whole document.
fn document(title: &str, data: &impl Serialize, body: &Markup) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(security::policy(SCRIPT, STYLE));
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="generator" content={ "polter " (env!("CARGO_PKG_VERSION")) };
                link rel="icon" href="data:,";
                title { (name(title)) " – polter" }
                style { (PreEscaped(STYLE)) }
            }
            body {
                // The hatching of ghosts, for every drawing of the page.
                svg.hidden width="0" height="0" aria-hidden="true" focusable="false" {
                    defs {
                        pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)" {
                            rect.hatch-ground width="6" height="6" {}
                            rect.hatch-line width="2" height="6" {}
                        }
                    }
                }
                (body)
                script type="application/json" id="data" { (PreEscaped(security::json(data))) }
                script { (PreEscaped(SCRIPT)) }
            }
        }
    };
    page.into_string()
}
