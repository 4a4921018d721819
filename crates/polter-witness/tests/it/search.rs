//! The search leaves nothing out, and comes to the same however it is run.

use eventpoll::Policy;
use polter_witness::{Options, Part, Report, Verb, Vocabulary, hunt, stateless};

fn vocabulary(name: &str) -> Vocabulary {
    Vocabulary::named(name).expect("the vocabulary has this name")
}

/// A report without what depends on how it was made.
fn comparable(report: &Report) -> Part {
    let mut part = Part::from(report);
    (part.states, part.calls_made) = (0, 0);
    part
}

/// Every pair against the plainest search there is: the lengths, and every program counted.
#[test]
fn it_finds_and_counts_what_trying_every_program_does() {
    check_plain([Policy::LAST_FPUT, Policy::OWNER], "plain", 5);
    check_plain([Policy::CLOSE, Policy::STALE], "exec", 4);
    check_plain([Policy::OWNER, Policy::NOT_INHERITED], "pipes", 4);
    check_plain([Policy::LAST_FPUT, Policy::CLOSE_NOT_EXIT], "tables", 4);
    check_plain([Policy::STALE, Policy::OWNER_ADOPT], "rights", 4);
}

#[test]
fn the_childs_exit_is_not_missed_by_a_small_vocabulary() {
    let verbs = [
        Verb::Instance,
        Verb::Eventfd,
        Verb::Add,
        Verb::Wait,
        Verb::Fork,
        Verb::Exit,
    ];
    let small = Vocabulary::new(verbs);
    let policies = [Policy::LAST_FPUT, Policy::CLOSE];
    let plain = stateless(policies, &small, 6);
    let options = Options::default();
    let pair = &hunt(&policies, &small, &options).pairs[0];
    assert_eq!((pair.calls, plain.shortest()), (Some(6), Some(6)));
    assert_eq!(pair.alike, plain.alike[..5].iter().sum::<u128>());
    assert_eq!(pair.compared, plain.compared[5]);
    let told: u128 = plain.compared[5] - plain.alike[5];
    let programs: usize = pair.witnesses.iter().map(|witness| witness.programs).sum();
    assert_eq!(programs as u128, told, "every shortest program is listed");
}

#[test]
fn sharing_a_kernel_between_worlds_that_are_alike_makes_no_difference() {
    for name in ["plain", "exec", "tables", "rights", "pipes"] {
        let calls = if name == "plain" { 6 } else { 4 };
        let shared = thorough(name, calls);
        let apart = Options {
            is_shared: false,
            ..shared.clone()
        };
        let vocabulary = vocabulary(name);
        let [shared, apart] =
            [shared, apart].map(|options| hunt(&Policy::ALL, &vocabulary, &options));
        assert_eq!(comparable(&shared), comparable(&apart), "{name}");
        assert!(shared.effort().kernels < apart.effort().kernels);
    }
}

#[test]
fn it_is_the_same_with_any_number_of_threads() {
    let vocabulary = vocabulary("pipes");
    let one = thorough("pipes", 5);
    let many = Options {
        threads: 5,
        ..one.clone()
    };
    let [one, many] = [one, many].map(|options| hunt(&Policy::ALL, &vocabulary, &options));
    assert_eq!(Part::from(&one), Part::from(&many));
}

#[test]
fn a_pair_by_itself_has_the_programs_it_has_among_all() {
    let vocabulary = vocabulary("plain");
    let options = Options::default();
    let all = hunt(&Policy::ALL, &vocabulary, &options);
    for (a, b) in [(0, 1), (1, 2), (0, 3), (2, 5)] {
        let policies = [Policy::ALL[a], Policy::ALL[b]];
        let alone = &hunt(&policies, &vocabulary, &options).pairs[0];
        let among = all.pairs.iter().find(|pair| pair.policies == policies);
        let among = among.expect("every pair is there");
        assert_eq!(alone.calls, among.calls);
        let programs = |pair: &polter_witness::Pair| {
            let programs = pair.witnesses.iter().map(|witness| witness.programs);
            programs.sum::<usize>()
        };
        assert_eq!(programs(alone), programs(among), "{policies:?}");
    }
}

#[test]
fn a_limit_ends_with_what_was_covered() {
    let vocabulary = vocabulary("all");
    let free = Options {
        calls: 5,
        ..Options::default()
    };
    let few_states = Options {
        max_states: 20_000,
        ..free.clone()
    };
    let little_memory = Options {
        max_bytes: 1 << 20,
        ..free
    };
    for options in [few_states, little_memory] {
        let report = hunt(&Policy::ALL, &vocabulary, &options);
        assert!(!report.is_complete());
        assert_eq!(report.covered.calls, 4, "{:?}", report.covered);
        assert!(report.covered.expanded < report.covered.of);
        let owner = &report.pairs[3];
        assert_eq!(owner.calls, Some(2), "what is shorter was found");
    }
}

#[test]
fn without_fork_only_dups_and_the_call_itself_tell() {
    let mut vocabulary = vocabulary("plain");
    vocabulary.change(&[], &[Verb::Fork]);
    let report = hunt(&Policy::ALL, &vocabulary, &Options::default());
    let stale = report
        .pairs
        .iter()
        .find(|pair| pair.policies == [Policy::LAST_FPUT, Policy::STALE]);
    assert_eq!(stale.map(|pair| pair.calls), Some(None));
    assert_eq!(report.pairs[0].calls, Some(6));
}

fn thorough(_: &str, calls: usize) -> Options {
    Options {
        calls,
        is_thorough: true,
        ..Options::default()
    }
}

#[track_caller]
fn check_plain(policies: [Policy; 2], name: &str, calls: usize) {
    let vocabulary = vocabulary(name);
    let plain = stateless(policies, &vocabulary, calls);
    let options = Options {
        calls,
        ..Options::default()
    };
    let pair = &hunt(&policies, &vocabulary, &options).pairs[0];
    assert_eq!(pair.calls, plain.shortest(), "{policies:?}");
    let shorter = pair.calls.map_or(calls, |calls| calls - 1);
    let alike: u128 = plain.alike[..shorter].iter().sum();
    assert_eq!(pair.alike, alike, "{policies:?}");
    if let Some(calls) = pair.calls {
        assert_eq!(pair.compared, plain.compared[calls - 1], "{policies:?}");
    }
}
