//! Calls out of order or out of range are refused, and the run continues as if they had not been
//! made.

use guest_reference::attention::KvType;
use guest_reference::error::Result;

use crate::support::bits::bits;
use crate::support::host::{Host, Trace};
use crate::support::model::{N_VOCAB, small};
use crate::support::rejection::assert_misuse;

fn host() -> Host {
    Host::new(small().bytes(), KvType::F16, 3)
}

/// Two positions through both layers and the head, with `disturb` between all steps.
fn run(mut disturb: impl FnMut(&mut Host)) -> Result<Trace> {
    let mut host = Host::new(small().bytes(), KvType::F16, 4);
    let mut trace = Trace::default();
    for position in 0..2 {
        disturb(&mut host);
        host.embed(position, 4 + position)?;
        for layer in 0..2 {
            host.load_layer(layer)?;
            disturb(&mut host);
            host.runner.layer(position)?;
            disturb(&mut host);
        }
        host.head(position, &mut trace)?;
    }
    Ok(trace)
}

#[test]
fn nothing_runs_before_it_is_loaded() {
    let mut host = host();
    assert_misuse(host.runner.staging(), &["nothing has been planned"]);
    assert_misuse(host.runner.load_range(0), &["nothing has been planned"]);
    assert_misuse(host.runner.embed(0), &["no embedding row has been loaded"]);
    assert_misuse(host.runner.layer(0), &["no layer has been loaded"]);
    assert_misuse(host.runner.head_norm(0), &["no chunk of the output matrix"]);
    assert_misuse(host.runner.head_rows(0), &["no chunk of the output matrix"]);
}

#[test]
fn a_new_plan_undoes_the_load_of_its_kind_only() {
    let mut host = host();
    host.load_embedding(1).expect("sound");
    host.load_layer(0).expect("sound");
    host.load_head(0).expect("sound");
    host.runner.plan_embed(2).expect("in range");
    assert_misuse(host.runner.embed(0), &["no embedding row has been loaded"]);
    host.runner.plan_layer(1).expect("in range");
    assert_misuse(host.runner.layer(0), &["no layer has been loaded"]);
    host.runner.head_norm(0).expect("the head is still loaded");
    host.runner.plan_head(0).expect("in range");
    assert_misuse(host.runner.head_norm(0), &["no chunk of the output matrix"]);
}

#[test]
fn a_failed_load_leaves_nothing_loaded() {
    let mut host = host();
    host.embed(0, 1).expect("sound");
    host.load_layer(0).expect("sound");
    host.runner.plan_layer(1).expect("in range");
    host.load(4).expect("norms");
    host.copy(4).expect("in range");
    host.runner
        .staging()
        .expect("planned")
        .destination(4)
        .expect("in range")[0] = 0xff;
    assert!(host.runner.load_range(4).is_err());
    assert_misuse(host.runner.layer(0), &["no layer has been loaded"]);
    assert_misuse(host.runner.load_range(4), &["nothing has been planned"]);
    host.load_layer(1).expect("planned and copied again");
    host.runner.layer(0).expect("finite");
}

#[test]
fn ranges_come_in_order_and_once() {
    let mut host = host();
    let n_ranges = host.runner.plan_layer(0).expect("in range");
    // Four norms; codes and trailer of seven projections.
    assert_eq!(n_ranges, 18);
    assert_misuse(host.runner.load_range(1), &["range 1; 0 of 18 are loaded"]);
    assert_misuse(
        host.runner.load_range(18),
        &["range 18; the last plan has 18"],
    );
    host.load(17).expect("sound");
    assert_misuse(
        host.runner.load_range(16),
        &["range 16; 17 of 18 are loaded"],
    );
    assert_misuse(host.runner.layer(0), &["no layer has been loaded"]);
    host.copy(17).expect("in range");
    host.runner.load_range(17).expect("sound");
    host.embed(0, 1).expect("sound");
    host.runner.layer(0).expect("finite");
}

#[test]
fn all_ranges_share_one_place_of_their_own_length() {
    let mut host = host();
    let n_ranges = host.runner.plan_layer(0).expect("in range");
    let staging = host.runner.staging().expect("planned");
    let place = staging.destination(0).expect("in range").as_ptr();
    for i in 0..n_ranges {
        let len = staging.file_range(i).expect("in range").len;
        let found = staging.destination(i).expect("in range");
        assert_eq!((found.as_ptr(), found.len() as u64), (place, len));
    }
    assert_misuse(staging.file_range(n_ranges), &["range 18"]);
    assert_misuse(staging.destination(n_ranges), &["range 18"]);
}

#[test]
fn indices_out_of_range() {
    let mut host = host();
    for token in [N_VOCAB as usize, usize::MAX] {
        assert_misuse(
            host.runner.plan_embed(token),
            &["token", "out of range; 0 to 39"],
        );
    }
    for layer in [2, usize::MAX] {
        assert_misuse(
            host.runner.plan_layer(layer),
            &["layer", "out of range; 0 to 1"],
        );
        assert_misuse(
            host.runner.release_layer(layer),
            &["layer", "out of range; 0 to 1"],
        );
    }
    assert_misuse(
        host.runner.plan_head(1),
        &["chunk 1 is out of range; 0 to 0"],
    );
    for position in [3, usize::MAX] {
        let needles = ["position", "out of range; 0 to 2"];
        assert_misuse(host.runner.embed(position), &needles);
        assert_misuse(host.runner.layer(position), &needles);
        assert_misuse(host.runner.head_norm(position), &needles);
        assert_misuse(host.runner.head_rows(position), &needles);
        assert_misuse(host.runner.choice(position), &needles);
        assert_misuse(host.runner.residual(position), &needles);
        assert_misuse(host.runner.hidden(position), &needles);
    }
}

#[test]
fn a_layer_takes_positions_once_and_in_order() {
    let mut host = host();
    host.embed(0, 1).expect("finite");
    host.load_layer(0).expect("sound");
    assert_misuse(
        host.runner.layer(1),
        &["layer 0: position 1", "holds 0 positions"],
    );
    host.runner.layer(0).expect("finite");
    let left = bits(host.runner.residual(0).expect("in range"));
    assert_misuse(
        host.runner.layer(0),
        &["layer 0: position 0", "holds 1 positions"],
    );
    assert_misuse(
        host.runner.layer(2),
        &["layer 0: position 2", "holds 1 positions"],
    );
    assert_eq!(bits(host.runner.residual(0).expect("in range")), left);
}

#[test]
fn a_released_layer_is_planned_again_before_it_runs() {
    let mut host = host();
    host.embed(0, 1).expect("finite");
    host.load_layer(0).expect("sound");
    host.runner.release_layer(0).expect("in range");
    assert_misuse(
        host.runner.layer(0),
        &["layer 0: its KV cache was released"],
    );
    host.load_layer(0).expect("sound");
    host.runner.layer(0).expect("finite");
}

#[test]
fn logits_follow_the_final_norm_once() {
    let mut host = host();
    host.embed(0, 1).expect("finite");
    host.load_head(0).expect("sound");
    assert_misuse(
        host.runner.head_rows(0),
        &["chunk 0 for position 0", "head_norm"],
    );
    assert_misuse(
        host.runner.choice(0),
        &["position 0 has not seen every chunk"],
    );
    host.runner.head_norm(0).expect("finite");
    assert_misuse(
        host.runner.choice(0),
        &["position 0 has not seen every chunk"],
    );
    host.runner.head_rows(0).expect("finite");
    let choice = host.runner.choice(0).expect("complete");
    assert_misuse(
        host.runner.head_rows(0),
        &["chunk 0 for position 0", "ascending order"],
    );
    assert_eq!(host.runner.choice(0).expect("still complete"), choice);
    assert_misuse(
        host.runner.choice(1),
        &["position 1 has not seen every chunk"],
    );
    host.runner.head_norm(0).expect("finite");
    assert_misuse(
        host.runner.choice(0),
        &["position 0 has not seen every chunk"],
    );
}

#[test]
fn refused_calls_leave_no_trace() {
    let undisturbed = run(|_| {}).expect("finite");
    let disturbed = run(|host| {
        assert!(host.runner.plan_layer(9).is_err());
        assert!(host.runner.plan_embed(N_VOCAB as usize).is_err());
        assert!(host.runner.plan_head(1).is_err());
        assert!(host.runner.layer(3).is_err());
        assert!(host.runner.head_rows(2).is_err());
        assert!(host.runner.embed(4).is_err());
        assert!(host.runner.release_layer(2).is_err());
    });
    assert_eq!(disturbed.expect("finite"), undisturbed);
}
