//! Softmax, grouped-query attention and the KV cache.

use guest_reference::attention::{KvCache, KvType, attend, softmax};
use guest_reference::float::{exp, sum16};

use crate::support::bits::{assert_same_bits, bits};

fn cache(kv_type: KvType, row: usize) -> KvCache {
    KvCache::new(kv_type, row, 8).expect("small")
}

/// A cache of one KV head that holds all rows but the last, which is staged.
fn filled(kv_type: KvType, keys: &[&[f32]], values: &[&[f32]]) -> KvCache {
    let mut cache = cache(kv_type, keys[0].len());
    for (i, (key, value)) in keys.iter().zip(values).enumerate() {
        cache.stage(key, value).expect("within range");
        if i + 1 < keys.len() {
            cache.commit();
        }
    }
    cache
}

fn attended(query: &[f32], head_dim: usize, cache: &KvCache) -> Vec<f32> {
    let mut out = vec![9.0; query.len()];
    attend(query, head_dim, cache, &mut [0.0; 8], &mut out).expect("finite scores");
    out
}

#[test]
fn softmax_of_one_score_is_one() {
    for score in [-1e30, 0.0, 3.5, f32::MAX] {
        let mut scores = [score];
        softmax(&mut scores).expect("finite");
        assert_eq!(scores, [1.0]);
    }
}

#[test]
fn softmax_matches_vector_computed_elsewhere() {
    let score = |i: i32| (i * 17 % 43 - 21) as f32 / 5.0;
    let mut p: Vec<f32> = (0..40).map(score).collect();
    let max = p.iter().fold(f32::MIN, |m, &s| m.max(s));
    let terms: Vec<f32> = p.iter().map(|&s| exp(s - max)).collect();
    // Added left to right the sum would be 0x40a742ee.
    assert_eq!(sum16(&terms).to_bits(), 0x40a7_42f0);
    softmax(&mut p).expect("finite");
    let largest = p.iter().fold(0.0f32, |m, &p| m.max(p));
    assert_eq!(
        bits(&[p[0], p[39], largest]),
        [0x3834_7175, 0x3ace_5f36, 0x3e43_e8a9]
    );
    let total: f64 = p.iter().map(|&p| f64::from(p)).sum();
    assert!((total - 1.0).abs() < 1e-6);
}

#[test]
fn softmax_finds_the_maximum_anywhere() {
    for at in 0..3 {
        let mut scores = [-200.0; 3];
        scores[at] = 200.0;
        softmax(&mut scores).expect("finite");
        assert_eq!(scores[at], 1.0);
    }
}

#[test]
fn attention_over_one_position_returns_its_value() {
    let value = [1.5, -2.25, 1e-20, 7.0];
    let cache = filled(KvType::F32, &[&[0.3, 5.0, -1.0, 2.0]], &[&value]);
    assert_same_bits(&attended(&[1.0, 2.0, 3.0, 4.0], 4, &cache), &value);
}

#[test]
fn query_heads_share_kv_heads_in_order() {
    let mut cache = cache(KvType::F32, 4);
    cache
        .stage(&[1.0; 4], &[1.0, 2.0, 3.0, 4.0])
        .expect("finite");
    let out = attended(&[0.5; 12], 2, &cache);
    assert_eq!(out[..6], [1.0, 2.0, 1.0, 2.0, 1.0, 2.0]);
    assert_eq!(out[6..], [3.0, 4.0, 3.0, 4.0, 3.0, 4.0]);
}

#[test]
fn each_query_head_scores_against_its_own_kv_head() {
    let mut cache = cache(KvType::F32, 4);
    // Head 0 attends to position 0 and head 1 to position 1, each almost exclusively.
    cache
        .stage(&[90.0, 0.0, 0.0, 0.0], &[1.0, 2.0, 3.0, 4.0])
        .expect("finite");
    cache.commit();
    cache
        .stage(&[0.0, 0.0, 90.0, 0.0], &[5.0, 6.0, 7.0, 8.0])
        .expect("finite");
    let out = attended(&[2.0, 0.0, 2.0, 0.0], 2, &cache);
    let expected = [1.0, 2.0, 7.0, 8.0];
    assert!(
        out.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-5),
        "{out:?}"
    );
}

#[test]
fn scores_are_divided_by_the_root_of_the_head_dimension() {
    let cache = filled(
        KvType::F32,
        &[&[1.0; 4], &[0.0; 4]],
        &[&[1.0; 4], &[0.0; 4]],
    );
    // dot 2, scale 1/2: weights are softmax(1, 0).
    let expected = 1.0 / (1.0 + (-1.0f64).exp());
    for out in attended(&[0.5; 4], 4, &cache) {
        assert!((f64::from(out) - expected).abs() < 1e-7);
    }
}

#[test]
fn values_are_added_in_ascending_order() {
    let big = 4.0 * 16_777_216.0;
    let values: [&[f32]; 4] = [&[big, 4.0], &[4.0, -big], &[-big, 4.0], &[4.0, big]];
    let keys: [&[f32]; 4] = [&[0.0; 2]; 4];
    let cache = filled(KvType::F32, &keys, &values);
    // Four equal weights of 1/4: 2^24 + 1 - 2^24 + 1, where the first 1 is lost.
    assert_eq!(attended(&[1.0; 2], 2, &cache), [1.0, 2.0]);
}

#[test]
fn an_f16_cache_rounds_keys_and_values_of_the_current_position_too() {
    let between = 1.0 + 2f32.powi(-12);
    let cache = filled(KvType::F16, &[&[0.0; 2]], &[&[between, -0.1]]);
    assert_eq!(attended(&[1.0; 2], 2, &cache), [1.0, -0.099_975_586]);
    let keys: [&[f32]; 2] = [&[1000.0, 0.0], &[1000.25, 0.0]];
    let cache = filled(KvType::F16, &keys, &[&[0.0; 2], &[1.0; 2]]);
    // Both keys round to 1000.
    assert_eq!(attended(&[8.0, 0.0], 2, &cache), [0.5, 0.5]);
}

#[test]
fn an_f16_cache_refuses_what_it_cannot_hold() {
    let mut half = cache(KvType::F16, 2);
    let fault = half
        .stage(&[1.0, 65_520.0], &[0.0; 2])
        .expect_err("overflow");
    assert_eq!((fault.quantity, fault.index), ("key in an f16 cache", 1));
    let fault = half
        .stage(&[0.0; 2], &[f32::NAN, 1.0])
        .expect_err("not a number");
    assert_eq!((fault.quantity, fault.index), ("value in an f16 cache", 0));
    cache(KvType::F32, 2)
        .stage(&[1.0, 65_520.0], &[0.0; 2])
        .expect("f32 holds it");
}

#[test]
fn a_staged_row_counts_only_once_committed() {
    let mut cache = cache(KvType::F32, 2);
    cache.stage(&[1.0; 2], &[5.0; 2]).expect("finite");
    assert!(cache.is_empty());
    cache.stage(&[1.0; 2], &[6.0; 2]).expect("finite");
    assert_eq!(attended(&[1.0; 2], 2, &cache), [6.0; 2]);
    cache.commit();
    assert_eq!(cache.len(), 1);
}

#[test]
fn a_score_that_is_not_finite_names_its_position() {
    let keys: [&[f32]; 2] = [&[1.0; 2], &[1e30; 2]];
    let cache = filled(KvType::F32, &keys, &[&[1.0; 2], &[1.0; 2]]);
    let fault = attend(&[1e30; 2], 2, &cache, &mut [0.0; 8], &mut [0.0; 2]).expect_err("overflow");
    assert_eq!(
        (fault.quantity, fault.index),
        ("attention score of position", 1)
    );
}
