//! Stepped one call after the other, the scenarios answer what Linux answers.

use eventpoll::stepped::{Program, Rules, Step, Stepped};
use eventpoll::{Outcome, Pid, Policy, Version};
use polter_check::{Action, Model, Scenario, Script, agree};

#[test]
fn the_scenarios_answer_the_same_in_steps() {
    let (mut scripts, mut calls, mut wrong) = (0, 0, Vec::new());
    for scenario in Scenario::ALL {
        let script = Script::parse(scenario.text.as_bytes()).unwrap();
        match compare(&script) {
            Ok(0) => {}
            Ok(compared) => {
                scripts += 1;
                calls += compared;
            }
            Err(why) => wrong.push(format!("{}: {why}", scenario.name)),
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
    assert!(
        scripts > 140 && calls > 1300,
        "only {calls} calls of {scripts} scripts"
    );
}

/// How many calls were made: up to the first one that waits, or is not stepped.
fn compare(script: &Script) -> Result<usize, String> {
    let programs = programs(script);
    let model = Model::new(Policy::LAST_FPUT, Version::default(), script.first());
    let Ok(start) = Stepped::new(model.kernel().clone(), programs, Rules::LINUX) else {
        return Ok(0);
    };
    let mut stepped = start.told();
    let mut compared = 0;
    for step in &script.steps {
        let Action::Call { syscall, answer } = &step.action else {
            break;
        };
        let Some(came) = run_call(&mut stepped, step.pid)? else {
            break;
        };
        let written = answer.under(Policy::LAST_FPUT, Version::default());
        if !agree(syscall, &came, written) && *written != Outcome::Gone {
            return Err(format!("line {}: {came:?}, not {written:?}", step.line));
        }
        compared += 1;
    }
    Ok(compared)
}

/// One call from its first step to its last; nothing if it waits.
fn run_call(stepped: &mut Stepped, pid: Pid) -> Result<Option<Outcome>, String> {
    let task = (0..stepped.tasks()).find(|task| stepped.pid(*task) == pid);
    let task = task.expect("every task has a program");
    let Some((call, _)) = stepped.call_of(task) else {
        return Ok(None);
    };
    while stepped.call_of(task).is_some_and(|(at, _)| at == call) {
        match stepped.step(task) {
            Step::Taken => {}
            Step::Blocked => return Ok(None),
            Step::Found(finding) => return Err(stepped.explain(finding)),
        }
    }
    let ended = &stepped.story().expect("it is told").ended;
    let last = ended.iter().rev().find(|ended| ended.task == task);
    Ok(last.map(|ended| ended.outcome.clone()))
}

fn programs(script: &Script) -> Vec<Program> {
    let mut programs: Vec<Program> = Vec::new();
    for step in &script.steps {
        let (syscall, child) = match &step.action {
            Action::Call { syscall, answer } => (syscall, child(&answer.usual)),
            Action::Begin { syscall } => (syscall, None),
            Action::End { .. } => continue,
        };
        if programs.iter().all(|program| program.pid != step.pid) {
            programs.push(Program {
                pid: step.pid,
                calls: Vec::new(),
                children: Vec::new(),
            });
        }
        let program = programs.iter_mut().find(|program| program.pid == step.pid);
        let program = program.expect("made above");
        program
            .children
            .extend(child.map(|pid| (program.calls.len(), pid)));
        program.calls.push(syscall.clone());
    }
    programs
}

fn child(answer: &Outcome) -> Option<Pid> {
    match answer {
        Outcome::Done(Ok(ret)) => Some(Pid(ret.value as i32)),
        _ => None,
    }
}
