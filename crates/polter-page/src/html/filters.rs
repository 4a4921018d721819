//! Choices by which findings are shown or not. They need the script, and are not there without it.

use crate::model::Card;
use crate::shown::name;
use maud::{Markup, html};
use std::collections::BTreeSet;

/// Most values of a choice.
const MOST: usize = 200;

pub(super) fn draw(findings: &[Card]) -> Markup {
    let processes: BTreeSet<u32> = findings
        .iter()
        .flat_map(|it| it.filter.processes.iter().copied())
        .collect();
    let processes = processes.iter().map(u32::to_string);
    let classes: BTreeSet<String> = findings.iter().map(|it| name(&it.class)).collect();
    let instances: BTreeSet<String> = findings
        .iter()
        .map(|it| name(&it.filter.instance))
        .collect();
    html! {
        @if findings.len() > 1 {
            form.filters hidden aria-label="Which findings are shown" {
                (choice("process", processes))
                (choice("class", classes.into_iter()))
                (choice("instance", instances.into_iter()))
                output.shown {}
            }
        }
    }
}

fn choice(what: &str, values: impl Iterator<Item = String>) -> Markup {
    html! {
        label {
            (what) " "
            select name=(what) {
                option value="" { "all" }
                @for value in values.take(MOST) { option value=(value) { (value) } }
            }
        }
    }
}
