//! The page on one log.

use super::badge::badge;
use super::{cards, document, excerpt, filters, policies};
use crate::graph;
use crate::model::{Gap, Page, Timeline};
use crate::shown::{name, text};
use crate::timeline::{self, TimelineData};
use maud::{Markup, html};
use serde::Serialize;
use std::collections::BTreeMap;

/// What the script gets.
#[derive(Debug, Serialize)]
struct Data {
    timelines: BTreeMap<String, TimelineData>,
    times: Vec<(u64, f64)>,
}

impl Page {
    /// The page as one HTML file.
    pub fn html(&self) -> String {
        let findings = self.findings.iter().enumerate();
        let of_findings = findings.filter_map(|(at, card)| {
            let timeline = card.timeline.as_ref()?;
            Some((cards::key(at), TimelineData::from(timeline)))
        });
        let overview = self.overview.as_ref();
        let overview = overview.map(|it| ("log".to_owned(), TimelineData::from(it)));
        let data = Data {
            timelines: of_findings.chain(overview).collect(),
            times: self.times.clone(),
        };
        document(&self.title, &data, &self.body())
    }

    fn body(&self) -> Markup {
        html! {
            a.skip href="#findings" { "to the findings" }
            header { (self.head()) }
            main {
                (self.findings())
                @if let Some(overview) = &self.overview { (whole_log(overview)) }
                @if let Some(now) = &self.now {
                    section id="now" aria-labelledby="now-head" {
                        h2 id="now-head" { "At the end of the log" }
                        (graph::draw(now))
                    }
                }
                (policies::draw(&self.policies, &self.findings))
                (self.unfollowed())
                (excerpt::draw(&self.excerpt))
            }
            footer { p { "Written by polter " (env!("CARGO_PKG_VERSION")) ". This page asks nobody for anything: it works without a network." } }
        }
    }

    fn head(&self) -> Markup {
        html! {
            p.brand { "polter" }
            h1 { (name(&self.title)) }
            p.verdict { span class=(badge(self.tone)) { (text(&self.verdict)) } }
            @for sentence in &self.read { p.read { (text(sentence)) } }
            (gaps(&self.gaps))
            @if !self.findings.is_empty() {
                h2 { "What to do now" }
                ol.fixes {
                    @for (at, card) in self.findings.iter().enumerate() {
                        li {
                            a href={ "#" (cards::key(at)) } { (name(&card.class)) ", " (name(&card.place)) }
                            ": " (text(&card.fix))
                        }
                    }
                }
            }
            nav aria-label="On this page" {
                ul {
                    @if !self.findings.is_empty() { li { a href="#findings" { "findings" } } }
                    @if self.overview.is_some() { li { a href="#log" { "the log" } } }
                    @if self.now.is_some() { li { a href="#now" { "at its end" } } }
                    @if !self.policies.rows.is_empty() { li { a href="#policies" { "policies" } } }
                    @if !self.excerpt.is_empty() { li { a href="#lines" { "lines" } } }
                }
            }
        }
    }

    fn findings(&self) -> Markup {
        html! {
            section id="findings" aria-labelledby="findings-head" {
                h2 id="findings-head" { "Findings" }
                @if self.findings.is_empty() { p { "None." } }
                (filters::draw(&self.findings))
                @for (at, card) in self.findings.iter().enumerate() { (cards::draw(at, card)) }
                @if let Some(left_out) = &self.left_out { p { (text(left_out)) } }
            }
        }
    }

    fn unfollowed(&self) -> Markup {
        html! {
            @if !self.warnings.is_empty() {
                section aria-labelledby="warnings-head" {
                    h2 id="warnings-head" { "What could not be followed" }
                    ul {
                        @for (place, message) in &self.warnings { li { strong { (name(place)) } " " (text(message)) } }
                    }
                }
            }
        }
    }
}

fn whole_log(overview: &Timeline) -> Markup {
    html! {
        section id="log" aria-labelledby="log-head" {
            h2 id="log-head" { "The log" }
            (timeline::draw(overview, "log"))
        }
    }
}

fn gaps(gaps: &[Gap]) -> Markup {
    html! {
        @if !gaps.is_empty() {
            h2 { "What the log does not show" }
            ul.gaps {
                @for gap in gaps { li { (text(&gap.text)) br; em { (text(&gap.advice)) } } }
            }
        }
    }
}
