//! The rules of the judgement.

mod error_rates;

use engine_native::Choice;

use super::{
    Answer, BadClaim, Claim, Consistency, Judgement, MAX_RIVALS, Margin, Mistake, Precision,
    Ranking, Tolerance, tolerance::MIN_ROWS,
};

/// A choice of token 1 with logit 10 in a row of spread 2, with one rival, and a claim.
fn margin(rival: f32, claimed: (u32, f32)) -> Margin {
    let choice = |(token, logit)| Choice { token, logit };
    Margin {
        chosen: choice((1, 10.0)),
        goes_on: false,
        rivals: vec![choice((3, rival))],
        claimed: choice(claimed),
        spread: 2.0,
        listed: Vec::new(),
    }
}

const CHOICE: (u32, f32) = (1, 10.0);

fn judged(margins: &[Margin], spreads: f64) -> Judgement {
    judged_as(margins, Tolerance::of_spreads(spreads), None)
}

fn judged_as(margins: &[Margin], tolerance: Tolerance, sensitivity: Option<f64>) -> Judgement {
    let ranking = Ranking {
        margins: margins.to_vec(),
        sensitivity,
    };
    Judgement::of(&ranking, Claim::of_tokens(&[]), tolerance)
}

#[test]
fn the_tolerance_ends_where_it_says() {
    let answer = |margin: Margin, tolerance| judged(&[margin], tolerance).tokens[0].answer;
    for tolerance in [0.0, 0.25, 100.0] {
        assert_eq!(answer(margin(9.5, CHOICE), tolerance), Answer::Exact);
    }
    // Half a logit is a quarter of a spread.
    let other = margin(9.5, (3, 9.5));
    assert_eq!(answer(other.clone(), 0.2499), Answer::Wrong);
    assert_eq!(answer(other, 0.25), Answer::Tied);
    // An exact tie: the reference takes the lower id, but another engine need not.
    assert_eq!(answer(margin(10.0, (3, 10.0)), 0.0), Answer::Tied);
    let flat = Margin {
        spread: 0.0,
        ..margin(10.0, (3, 10.0))
    };
    assert_eq!(answer(flat, 0.0), Answer::Tied);
}

#[test]
fn a_wrong_token_outweighs_ties_before_it() {
    let (near, wrong) = (margin(9.9, (3, 9.9)), margin(9.0, (4, 2.0)));
    let judgement = judged(
        &[
            margin(5.0, CHOICE),
            near.clone(),
            wrong.clone(),
            near,
            wrong,
        ],
        0.1,
    );
    assert_eq!(judgement.conclusion, Consistency::Rejected);
    assert_eq!(
        (judgement.exact, judgement.tied, judgement.wrong),
        (1, 2, 2)
    );
    let first = judgement.first_wrong.unwrap();
    assert_eq!((first.index, first.found, first.chosen), (2, 4, 1));
    assert_eq!(first.deficit, 8.0);
    assert_eq!(judgement.first_tied.unwrap().index, 1);
    let why = judgement.mistake.unwrap().to_string();
    assert!(
        why.starts_with("first wrong token 2: found 4, the reference chooses 1"),
        "{why}"
    );
}

/// Logits of the engine for tokens 1, 3 and 4, against the reference's 10, 9 and 8, at `n` positions.
fn by_value(own: [f32; 3], n: usize, tolerance: f64) -> Judgement {
    let margin = Margin {
        listed: vec![10.0, 9.0, 8.0],
        ..margin(9.0, CHOICE)
    };
    let top = vec![[1, 3, 4].into_iter().zip(own).collect::<Vec<_>>(); n];
    let claim = Claim {
        top_logits: Some(&top),
        ..Claim::of_tokens(&[1; MIN_ROWS][..n])
    };
    claim.check().unwrap();
    let ranking = Ranking {
        margins: vec![margin; n],
        sensitivity: None,
    };
    Judgement::of(&ranking, claim, Tolerance::of_spreads(tolerance))
}

#[test]
fn values_are_compared_but_for_a_constant() {
    for constant in [0.0, -10.0, 1e3] {
        let judgement = by_value([10.0, 9.0, 8.0].map(|x| x + constant), 8, 0.0);
        assert_eq!(judgement.conclusion, Consistency::Consistent);
        assert_eq!(judgement.by_value, 8);
        let values = judgement.values.unwrap();
        assert_eq!((values.count, values.largest), (16, 0.0));
    }
    // A logit more is half a spread.
    let off = by_value([0.0, -1.0, -3.0], 8, 0.24);
    assert_eq!(off.tokens[0].answer, Answer::Wrong);
    assert!(matches!(off.mistake, Some(Mistake::Logits(..))));
    let values = off.values.unwrap();
    assert_eq!((values.rms, values.largest), (0.125f64.sqrt(), 0.5));
    // Within what one may be off, but further off on average than any right engine.
    let far = by_value([0.0, -1.0, -3.0], 8, 0.26);
    assert_eq!(far.tokens[0].answer, Answer::Exact);
    assert!(matches!(far.mistake, Some(Mistake::Values(..))));
    assert_eq!(by_value([0.0, -1.0, -3.0], 8, 0.75).mistake, None);
    // A few rows scatter too much for their mean to say anything.
    assert_eq!(by_value([0.0, -1.0, -3.0], 7, 0.26).mistake, None);
}

#[test]
fn logits_that_no_greedy_engine_has_are_no_claim() {
    let check = |top: &[Vec<(u32, f32)>]| {
        Claim {
            top_logits: Some(top),
            ..Claim::of_tokens(&[7, 8])
        }
        .check()
    };
    let right = vec![(9, 1.0), (7, 2.0)];
    assert_eq!(check(&[right.clone(), vec![(8, -3.0)]]), Ok(()));
    let (found, wanted) = (1, 2);
    assert_eq!(
        check(std::slice::from_ref(&right)),
        Err(BadClaim::Count { found, wanted })
    );
    let second = |listed: &[(u32, f32)]| check(&[right.clone(), listed.to_vec()]).unwrap_err();
    let index = 1;
    assert_eq!(second(&[]), BadClaim::NoChoice { index, id: 8 });
    assert_eq!(second(&[(7, 1.0)]), BadClaim::NoChoice { index, id: 8 });
    assert_eq!(
        second(&[(8, 1.0), (8, 1.0)]),
        BadClaim::Twice { index, id: 8 }
    );
    let larger = 9;
    assert_eq!(
        second(&[(8, 1.0), (9, 1.5)]),
        BadClaim::NotGreedy {
            index,
            id: 8,
            larger
        }
    );
    let ends = Claim {
        top_logits: Some(&[vec![(8, 1.0), (9, 1.5)]]),
        ends: &[9],
        ..Claim::of_tokens(&[8])
    };
    assert_eq!(ends.check(), Ok(()), "an end of text is left out");
    assert!(matches!(
        second(&[(8, f32::NAN)]),
        BadClaim::NotFinite { .. }
    ));
}

/// A run in a loop decides the same thing again and again, and in the same way.
#[test]
fn the_same_tie_again_counts_once() {
    let tied = |other: u32| {
        let mut margin = margin(9.99, (other, 9.99));
        margin.rivals[0].token = other;
        margin
    };
    let again: Vec<_> = (0..50).map(|_| tied(3)).collect();
    let judgement = judged(&again, 0.1);
    assert_eq!((judgement.tied, judgement.ties.found), (50, 1));
    assert_eq!(judgement.mistake, None);
    let each: Vec<_> = (3..53).map(tied).collect();
    assert!(matches!(judged(&each, 0.1).mistake, Some(Mistake::Ties(_))));
}

#[test]
fn a_crowd_of_rivals_says_nothing() {
    let mut crowded = margin(9.99, (99, 9.99));
    let rival = crowded.rivals[0];
    crowded.rivals = vec![rival; MAX_RIVALS];
    let judgement = judged(&vec![crowded; 40], 0.1);
    assert_eq!((judgement.ties.found, judgement.ties.allowed), (40, 40));
    assert_eq!(judgement.mistake, None);
}

/// On a model that makes much of rounding, right engines are further off than the default: between it and what
/// they are at most, nobody can tell.
#[test]
fn a_sensitive_model_leaves_doubt() {
    let conclusion = |deficit: f32, sensitivity| {
        let other = margin(10.0 - deficit, (3, 10.0 - deficit));
        judged_as(&[other], Tolerance::default(), Some(sensitivity)).conclusion
    };
    // A spread is 2 logits.
    for (deficit, sensitivity, expected) in [
        (0.9, 0.2, Consistency::Consistent),
        (1.1, 0.2, Consistency::Unverifiable),
        (4.7, 0.2, Consistency::Unverifiable),
        (4.9, 0.2, Consistency::Rejected),
        (0.23, 0.01, Consistency::Consistent),
        (0.25, 0.01, Consistency::Rejected),
    ] {
        assert_eq!(
            conclusion(deficit, sensitivity),
            expected,
            "{deficit} {sensitivity}"
        );
    }
    // So is it with too many ties.
    let tied: Vec<_> = (3..13)
        .map(|other| {
            let mut margin = margin(9.6, (other, 9.6));
            margin.rivals[0].token = other;
            margin
        })
        .collect();
    let conclusion = |sensitivity| judged_as(&tied, Tolerance::default(), sensitivity).conclusion;
    assert_eq!(conclusion(None), Consistency::Rejected);
    assert_eq!(conclusion(Some(0.5)), Consistency::Unverifiable);
}

/// An engine that computes in f32 throughout may not err as far as one that rounds to f16.
#[test]
fn an_engine_that_is_said_to_be_precise_is_judged_as_one() {
    let conclusion = |deficit: f32, precision| {
        let other = margin(10.0 - deficit, (3, 10.0 - deficit));
        let tolerance = Tolerance::of_precision(precision);
        judged_as(&[other], tolerance, Some(0.0625)).conclusion
    };
    // 4 · 0.0625 spreads of 2 logits are allowed, and 12 · 0.0625 or at least what all models allow.
    for (deficit, precise, reduced) in [
        (0.5, Consistency::Consistent, Consistency::Consistent),
        (0.51, Consistency::Rejected, Consistency::Consistent),
        (1.01, Consistency::Rejected, Consistency::Unverifiable),
        (1.51, Consistency::Rejected, Consistency::Rejected),
    ] {
        assert_eq!(conclusion(deficit, Precision::F32), precise, "{deficit}");
        assert_eq!(
            conclusion(deficit, Precision::Reduced),
            reduced,
            "{deficit}"
        );
    }
}
