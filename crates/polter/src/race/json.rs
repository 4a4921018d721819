//! Writes the result of a race for programs: one object for each script.

use std::io::{self, Write};

use eventpoll::stepped::{Fix, Seed};
use polter_race::Limit;
use serde_json::{Value, json};

use super::{RaceOutcome, Raced, rules};
use crate::cli::RaceArgs;
use crate::report::json::VERSION;

pub(super) fn write(out: &mut dyn Write, raced: &Raced, args: &RaceArgs) -> io::Result<()> {
    let rules = rules(args);
    let without = Fix::ALL.into_iter().filter(|fix| !rules.has(*fix));
    let seeded = Seed::ALL.into_iter().filter(|seed| rules.errs(*seed));
    let mut object = json!({
        "version": VERSION,
        "script": raced.name,
        "title": raced.title,
        "without": without.map(Fix::name).collect::<Vec<_>>(),
        "seeded": seeded.map(Seed::name).collect::<Vec<_>>(),
        "result": result(raced),
    });
    if let RaceOutcome::Searched {
        covered,
        limit,
        walked,
        ..
    } = &raced.outcome
    {
        object["covered"] = json!({
            "states": covered.states,
            "steps": covered.steps,
            "endings": covered.endings,
            "depth": covered.depth,
        });
        object["limit"] = limit.map_or(Value::Null, |limit| limit_name(limit).into());
        if let Some(walked) = walked {
            object["walks"] = json!({ "schedules": walked.walks, "steps": walked.steps });
        }
    }
    if let Some((schedule, run)) = raced.run() {
        if let Some((finding, sentence)) = &run.found {
            object["finding"] = json!({ "kind": finding.kind(), "sentence": sentence });
        }
        object["schedule"] = schedule.text(&raced.start).to_string().into();
        let told = run.story.told.iter().map(|told| {
            json!({
                "step": told.step + 1,
                "pid": raced.start.pid(told.task).0,
                "function": told.function,
                "text": told.text,
            })
        });
        object["steps"] = told.collect();
    }
    serde_json::to_writer(&mut *out, &object)?;
    writeln!(out)
}

fn result(raced: &Raced) -> &'static str {
    match &raced.outcome {
        _ if raced.is_wrong() => "found",
        RaceOutcome::Replayed(_, run) if run.stuck.is_some() => "stuck",
        RaceOutcome::Replayed(..) => "replayed",
        RaceOutcome::Searched { limit: None, .. } => "exhausted",
        RaceOutcome::Searched { .. } => "bounded",
    }
}

fn limit_name(limit: Limit) -> &'static str {
    match limit {
        Limit::States => "states",
        Limit::Steps => "steps",
        Limit::Memory => "memory",
        Limit::Stopped => "stopped",
    }
}
