//! A search in parts is the search.

use eventpoll::Policy;
use polter_witness::{MergeError, Options, Part, Shard, Vocabulary, hunt, merge};

fn part(number: usize, of: usize, calls: usize) -> Part {
    let vocabulary = Vocabulary::named("plain").expect("the vocabulary has this name");
    let options = Options {
        calls,
        shard: Some(Shard { number, of }),
        ..Options::default()
    };
    Part::from(&hunt(&Policy::ALL, &vocabulary, &options))
}

#[test]
fn parts_put_together_find_what_the_whole_does() {
    let vocabulary = Vocabulary::named("plain").expect("the vocabulary has this name");
    let whole = Part::from(&hunt(&Policy::ALL, &vocabulary, &Options::default()));
    for of in [1, 2, 3] {
        // The last one first: the order of the arguments does not count.
        let parts: Vec<Part> = (1..=of).rev().map(|number| part(number, of, 6)).collect();
        let merged = merge(parts).expect("the parts fit together");
        assert!(merged.is_complete);
        for (merged, whole) in merged.pairs.iter().zip(&whole.pairs) {
            assert_eq!(merged.policies, whole.policies);
            assert_eq!(merged.calls, whole.calls, "{:?} of {of}", whole.policies);
            let shown = |pair: &polter_witness::PairPart| {
                let shown = pair.witnesses.iter();
                let mut shown: Vec<(String, usize)> = shown
                    .map(|witness| (witness.sentence.clone(), witness.programs))
                    .collect();
                shown.sort();
                shown
            };
            assert_eq!(shown(merged), shown(whole), "{:?} of {of}", whole.policies);
        }
    }
}

#[test]
fn parts_that_do_not_fit_are_refused() {
    let [first, second] = [1, 2].map(|number| part(number, 2, 3));
    let other = part(2, 2, 2);
    let whole = Part {
        shard: None,
        ..first.clone()
    };
    assert_eq!(merge(Vec::new()), Err(MergeError::Nothing));
    assert_eq!(merge(vec![first.clone()]), Err(MergeError::Missing(2, 2)));
    assert_eq!(
        merge(vec![second.clone(), second]),
        Err(MergeError::Twice(2, 2))
    );
    assert_eq!(
        merge(vec![first.clone(), other]),
        Err(MergeError::OtherQuestion(2))
    );
    assert_eq!(merge(vec![first, whole]), Err(MergeError::NotAPart(2, 2)));
}
