//! What the search finds between the seven policies, without having been told.

use eventpoll::Policy;
use polter_check::{Model, Script, run};
use polter_witness::{Options, Pair, Report, Vocabulary, hunt};
use std::sync::OnceLock;

/// Every pair, longer programs included.
pub(crate) fn thorough() -> &'static Report {
    static REPORT: OnceLock<Report> = OnceLock::new();
    REPORT.get_or_init(|| {
        let options = Options {
            is_thorough: true,
            threads: 2,
            ..Options::default()
        };
        hunt(&Policy::ALL, &vocabulary("plain"), &options)
    })
}

fn vocabulary(name: &str) -> Vocabulary {
    Vocabulary::named(name).expect("the vocabulary has this name")
}

fn pair(a: Policy, b: Policy) -> &'static Pair {
    let found = thorough().pairs.iter().find(|pair| pair.policies == [a, b]);
    found.expect("every pair is there")
}

#[test]
fn every_pair_has_a_shortest_program() {
    let lengths: Vec<Option<usize>> = thorough().pairs.iter().map(|pair| pair.calls).collect();
    let expected = [
        [6, 6, 5, 2, 3, 3].as_slice(),
        &[6, 5, 2, 3, 3],
        &[5, 2, 3, 3],
        &[2, 3, 3],
        &[2, 2],
        &[3],
    ];
    let expected: Vec<Option<usize>> = expected.concat().into_iter().map(Some).collect();
    assert_eq!(lengths, expected);
    assert!(thorough().is_complete());
}

#[test]
fn a_childs_exit_is_the_objection_to_close() {
    check(Policy::LAST_FPUT, Policy::CLOSE, "the child's exit");
    check(Policy::CLOSE, Policy::CLOSE_NOT_EXIT, "the child's exit");
    check(Policy::CLOSE, Policy::OWNER, "the child's exit");
    check_not(
        Policy::LAST_FPUT,
        Policy::CLOSE_NOT_EXIT,
        "the child's exit",
    );
    check_not(Policy::LAST_FPUT, Policy::OWNER, "the child's exit");
}

#[test]
fn a_child_that_takes_over_is_the_objection_to_close_and_owner() {
    check(Policy::LAST_FPUT, Policy::CLOSE, "the take-over");
    check(Policy::LAST_FPUT, Policy::OWNER, "the take-over");
    check_not(Policy::LAST_FPUT, Policy::CLOSE_NOT_EXIT, "the take-over");
}

#[test]
fn a_childs_del_is_what_owner_mends() {
    check(Policy::LAST_FPUT, Policy::OWNER, "the child's DEL");
    check(Policy::CLOSE, Policy::OWNER_ADOPT, "the child's DEL");
    check_not(Policy::LAST_FPUT, Policy::CLOSE, "the child's DEL");
}

#[test]
fn asking_whether_two_files_are_one_is_what_owner_breaks() {
    check(Policy::LAST_FPUT, Policy::OWNER, "one file? (kcmp)");
    check(Policy::CLOSE_NOT_EXIT, Policy::OWNER, "one file? (kcmp)");
    check_not(Policy::LAST_FPUT, Policy::CLOSE, "one file? (kcmp)");
}

#[test]
fn a_lingering_dup_is_what_close_and_owner_mend() {
    for policy in [Policy::CLOSE, Policy::CLOSE_NOT_EXIT, Policy::OWNER] {
        check(Policy::LAST_FPUT, policy, "the lingering dup");
        check(Policy::LAST_FPUT, policy, "the fork ghost");
    }
    check(
        Policy::LAST_FPUT,
        Policy::NOT_INHERITED,
        "the lingering dup",
    );
    check_not(Policy::LAST_FPUT, Policy::STALE, "the lingering dup");
}

#[test]
fn an_inherited_instance_is_refused_or_is_not_there() {
    check(Policy::LAST_FPUT, Policy::STALE, "the inherited instance");
    check(Policy::LAST_FPUT, Policy::NOT_INHERITED, "inheritance");
}

#[test]
fn the_hand_over_shows_once_its_own_answer_is_not_looked_at() {
    let options = Options {
        calls: 7,
        observed: vec![polter_witness::Verb::Wait],
        threads: 2,
        ..Options::default()
    };
    let policies = [Policy::OWNER, Policy::OWNER_ADOPT];
    let report = hunt(&policies, &vocabulary("plain"), &options);
    let pair = &report.pairs[0];
    assert_eq!(pair.calls, Some(7));
    let idioms: Vec<&str> = pair.witnesses.iter().map(|w| w.idiom.as_str()).collect();
    for idiom in ["the hand-over", "the take-over", "the fork ghost"] {
        assert!(idioms.contains(&idiom), "{idioms:?}");
    }
}

/// A script's answers are the model's, and a title is a sentence with both names.
#[test]
fn every_witness_is_a_script_that_holds_under_every_policy() {
    for pair in &thorough().pairs {
        for witness in pair.plainest() {
            let text = witness.script(&Policy::ALL);
            let script = Script::parse(text.as_bytes()).expect("a witness is a script");
            for policy in Policy::ALL {
                let mut model = Model::new(policy, eventpoll::Version::default(), script.first());
                let difference = run(&script, policy, &mut model).expect("a model cannot fail");
                assert_eq!(difference, None, "{policy}:\n{text}");
            }
            for name in pair.policies.map(|policy| policy.to_string()) {
                assert!(witness.sentence.contains(&name), "{}", witness.sentence);
            }
        }
    }
}

#[test]
fn a_witness_is_answered_differently_by_its_last_call_alone() {
    for pair in &thorough().pairs {
        for witness in &pair.witnesses {
            let [a, b] = pair.policies.map(|policy| {
                polter_witness::run_program(policy, &witness.acts).expect("its callers are there")
            });
            let differing = a.iter().zip(&b).position(|(a, b)| a != b);
            assert_eq!(differing, Some(a.len() - 1), "{}", witness.sentence);
        }
    }
}

#[track_caller]
fn check(a: Policy, b: Policy, idiom: &str) {
    let idioms: Vec<&str> = pair(a, b)
        .witnesses
        .iter()
        .map(|w| w.idiom.as_str())
        .collect();
    assert!(idioms.contains(&idiom), "{a} and {b}: {idioms:?}");
}

#[track_caller]
fn check_not(a: Policy, b: Policy, idiom: &str) {
    let idioms: Vec<&str> = pair(a, b)
        .witnesses
        .iter()
        .map(|w| w.idiom.as_str())
        .collect();
    assert!(!idioms.contains(&idiom), "{a} and {b}: {idioms:?}");
}
