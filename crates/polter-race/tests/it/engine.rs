//! The search misses nothing, whatever the way it goes.

use crate::scripts::{all, explore, start};
use eventpoll::stepped::{Fix, Rules, Seed, Step, Stepped};
use polter_race::stateless::replay_all;
use polter_race::store::{
    ComponentStore, Explorer, State, StepResult, TransitionCache, fingerprint,
};
use polter_race::{Bounds, Limit, Progress, Schedule, ScheduleError, replay, search, walk};

#[test]
fn two_cores_see_what_one_sees() {
    for (name, race) in all() {
        for rules in [Rules::LINUX, Rules::LINUX.without(Fix::RemovalPin)] {
            let start = race.start(rules).unwrap();
            let one = explore(&start);
            let bounds = Bounds {
                cores: 2,
                ..Bounds::default()
            };
            let two = search(&start, bounds, &Progress::default());
            assert_eq!(one, two, "{name}");
        }
    }
}

#[test]
fn running_every_schedule_finds_no_more_and_no_less() {
    let seeds = Seed::ALL.map(|seed| Rules::LINUX.with(seed));
    let fixes = Fix::ALL.map(|fix| Rules::LINUX.without(fix));
    let mut complete = 0;
    for (name, race) in all() {
        for rules in seeds.iter().chain(&fixes).chain([&Rules::LINUX]) {
            let start = race.start(*rules).unwrap();
            let slow = replay_all(&start, 20_000);
            let fast = explore(&start);
            if slow.is_complete {
                complete += 1;
                assert_eq!(fast.found, None, "{name} under {rules:?}");
            }
            if let Some(found) = &slow.found {
                let shortest = fast.found.expect("what one way finds the other one finds");
                assert!(shortest.schedule.0.len() <= found.schedule.0.len());
            }
        }
    }
    assert!(complete > 20, "only {complete} were run to the end");
}

#[test]
fn a_level_that_does_not_fit_is_finished_by_depth() {
    let mut deep = 0;
    for (name, race) in all() {
        let start = race.start(Rules::LINUX).unwrap();
        let wide = explore(&start);
        // Somewhere between too little for anything and enough for every level.
        for memory in (1..200).map(|step| step << 9) {
            let bounds = Bounds {
                memory,
                ..Bounds::default()
            };
            let narrow = search(&start, bounds, &Progress::default());
            if narrow.limit.is_some() {
                assert_eq!(narrow.limit, Some(Limit::Memory), "{name} in {memory}");
                continue;
            }
            assert_eq!(narrow.covered.states, wide.covered.states, "{name}");
            assert_eq!(narrow.covered.steps, wide.covered.steps, "{name}");
            deep += u32::from(narrow.covered.depth > wide.covered.depth);
        }
    }
    assert!(deep > 0, "every level fitted, or nothing did");
}

#[test]
fn every_bound_ends_with_what_was_covered() {
    let start = start("two-waiters", Rules::LINUX);
    let all = Bounds::default();
    check_bound(&start, Bounds { states: 50, ..all }, Limit::States);
    check_bound(&start, Bounds { steps: 7, ..all }, Limit::Steps);
    check_bound(&start, Bounds { memory: 0, ..all }, Limit::Memory);
    let stopped = Progress::default();
    stopped.stop();
    let report = search(&start, all, &stopped);
    assert_eq!(report.limit, Some(Limit::Stopped));
}

#[test]
fn the_same_seed_walks_the_same_way() {
    let start = start(
        "instance-against-file",
        Rules::LINUX.without(Fix::RemovalPin),
    );
    let first = walk(&start, 7, 10_000, || false);
    let second = walk(&start, 7, 10_000, || false);
    assert_eq!(first, second);
    let found = first.found.expect("random schedules find it");
    let run = replay(&start, &found.schedule);
    assert_eq!(run.found.map(|(finding, _)| finding), Some(found.finding));
    assert_eq!(walk(&start, 7, 3, || true).walks, 0);
}

#[test]
fn a_copy_goes_on_as_the_original_does() {
    for (_, race) in all() {
        let start = race.start(Rules::LINUX).unwrap();
        let (mut one, mut other) = (start.clone(), start.clone());
        for turn in 0..200 {
            let task = turn % one.tasks();
            if !one.can_step(task) {
                continue;
            }
            other.clone_from(&one);
            assert_eq!(fingerprint(&one), fingerprint(&other));
            assert_eq!(one.step(task), other.step(task));
            assert_eq!(fingerprint(&one), fingerprint(&other));
        }
    }
}

#[test]
fn a_state_that_is_reverted_is_the_original() {
    for (_, race) in all() {
        let mut one = race.start(Rules::LINUX).unwrap();
        let mut other = one.clone();
        for turn in 0..200 {
            for away in 0..3 {
                let task = (turn + away) % other.tasks();
                if other.can_step(task) {
                    other.step(task);
                }
            }
            other.revert_to(&one);
            assert_eq!(fingerprint(&one), fingerprint(&other));
            let task = turn % one.tasks();
            if one.can_step(task) {
                assert_eq!(one.step(task), other.step(task));
                assert_eq!(fingerprint(&one), fingerprint(&other));
                other = one.clone();
            }
        }
    }
}

#[test]
fn explorers_step_as_one_that_shares_nothing() {
    for (name, race) in all() {
        // With findings among the steps, too.
        for rules in [Rules::LINUX, Rules::LINUX.without(Fix::RemovalPin)] {
            let start = race.start(rules).unwrap();
            // None is known; each soon makes room for another; all are.
            for cache in [0, 4, 1 << 10] {
                check_explorers(&name, &start, &TransitionCache::with_room(cache));
            }
        }
    }
}

#[test]
fn a_call_that_would_wait_changes_nothing() {
    let text = "\
100 pipe2([3, 4], 0) = 0
100 fork() = 101
100 read(3, \"x\", 1) = 1
101 write(4, \"x\", 1) = 1
";
    let race = polter_race::Race::parse(text.as_bytes()).unwrap();
    let mut start = race.start(Rules::LINUX).unwrap();
    let before = fingerprint(&start);
    assert_eq!(start.step(0), Step::Blocked);
    assert_eq!(fingerprint(&start), before);
    let report = explore(&start);
    assert_eq!((report.found, report.limit), (None, None));
    assert_eq!(report.covered.endings, 1);
}

#[test]
fn a_schedule_names_tasks_of_the_race() {
    let start = start("time-up-against-wake-up", Rules::LINUX);
    let parse = |text| Schedule::parse(text, &start);
    assert_eq!(
        parse("100*2 # so far\n101\n100t"),
        Ok(Schedule(vec![0, 0, 1, 3]))
    );
    assert!(matches!(parse("7"), Err(ScheduleError::Task(_))));
    assert!(matches!(parse("100*x"), Err(ScheduleError::Word(_))));
    assert!(matches!(parse("100*99999999"), Err(ScheduleError::Word(_))));
    assert_eq!(parse("100*1048576 101"), Err(ScheduleError::TooLong));
    let run = replay(&start, &parse("100t").unwrap());
    assert_eq!((run.turns, run.stuck), (0, Some(0)));
}

#[track_caller]
fn check_bound(start: &Stepped, bounds: Bounds, limit: Limit) {
    let whole = explore(start).covered;
    let report = search(start, bounds, &Progress::default());
    assert_eq!(report.limit, Some(limit));
    assert_eq!(report.found, None);
    assert!(report.covered.states < whole.states, "{:?}", report.covered);
}

#[track_caller]
fn check_explorers(name: &str, start: &Stepped, cache: &TransitionCache) {
    let components = ComponentStore::default();
    let mut explorers = [
        Explorer::new(&components, start),
        Explorer::new(&components, start),
    ];
    // States by their numbers, and as they are when nobody shares anything.
    let (_, numbers) = explorers[0].made();
    let mut state = State::default();
    let mut known = vec![(numbers.to_vec(), start.clone())];
    for turn in 0..300 {
        let (numbers, plain) = known[turn * 7 % known.len()].clone();
        let explorer = &mut explorers[turn % 2];
        explorer.look_up(&mut state, fingerprint(&plain), &numbers, cache);
        for task in 0..plain.tasks() {
            let mut next = plain.clone();
            let expected = match next.step(task) {
                Step::Blocked => StepResult::Blocked,
                Step::Found(finding) => StepResult::Found(finding),
                Step::Taken => StepResult::To(fingerprint(&next)),
            };
            assert_eq!(explorer.step(&mut state, task, cache), expected, "{name}");
            if let StepResult::To(_) = expected
                && (turn + task) % plain.tasks() == 0
            {
                let mut numbers = Vec::new();
                explorer.save(&state, task, &mut numbers);
                known.push((numbers, next));
            }
        }
        assert_eq!(fingerprint(explorer.state(&state)), fingerprint(&plain));
    }
    assert!(known.len() > 10, "{name}: {} states", known.len());
}
