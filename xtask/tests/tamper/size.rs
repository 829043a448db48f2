//! The bound that `benchmark` goes by holds for the largest ids and times, and is not far off.

use host::receipt::{
    Discarded, MAX_INTEGER, MAX_RECEIPT_BYTES, Receipt, RepetitionEvidence, Witness,
    largest_receipt_bytes, to_json,
};

use crate::genuine::{GENUINE, verify};

#[test]
fn no_receipt_is_larger_than_the_bound() {
    for (n_prompt, n_tokens, repetitions) in [(1, 1, 1), (900, 1, 700), (3, 2, 500), (7, 800, 9)] {
        let mut receipt: Receipt = serde_json::from_value(GENUINE.clone()).unwrap();
        receipt.run.prompt_ids = vec![u32::MAX; n_prompt];
        receipt.tokens = vec![u32::MAX; n_tokens];
        let (prefill_ns, steps) = (
            vec![MAX_INTEGER; repetitions],
            vec![MAX_INTEGER; n_tokens - 1],
        );
        let decode_ns = vec![steps.clone(); repetitions];
        receipt.samples.discarded = Some(vec![Discarded {
            because: "physics_caching: ".to_owned() + &"x".repeat(983),
            prefill_ns: prefill_ns.clone(),
            decode_ns: decode_ns.clone(),
            control_prefill_ns: MAX_INTEGER,
            control_decode_ns: steps,
        }]);
        receipt.samples.witness = Some(vec![
            Witness {
                wall_ns: MAX_INTEGER,
                cpu_ns: Some(MAX_INTEGER),
                involuntary_switches: Some(MAX_INTEGER),
                instructions: Some(MAX_INTEGER),
                cycles: Some(MAX_INTEGER),
            };
            repetitions
        ]);
        let evidence = receipt.evidence.as_mut().unwrap();
        evidence.repetitions = vec![
            RepetitionEvidence {
                voluntary_switches: Some(MAX_INTEGER),
                minor_faults: Some(MAX_INTEGER),
                major_faults: Some(MAX_INTEGER),
                cache_misses: Some(MAX_INTEGER),
            };
            repetitions
        ];
        receipt.samples.depth_ns = Some(prefill_ns.clone());
        (receipt.samples.prefill_ns, receipt.samples.decode_ns) = (prefill_ns, decode_ns);
        let found = to_json(&receipt).len() as u64;
        let bound = largest_receipt_bytes(n_prompt, n_tokens, repetitions);
        // What is set aside for the rest of a receipt, 64 KiB, less that rest: every id and every
        // time counts with nearly what it takes. A twentieth is for commas behind last elements.
        let slack = bound.checked_sub(found).expect("the bound holds");
        assert!(
            (50 << 10..(63 << 10) + bound / 20).contains(&slack),
            "{slack} of {bound}"
        );
    }
}

/// Prompt ids are the smallest lines but those of tokens, of which each has a time as well.
#[test]
fn what_may_be_run_has_no_more_values_than_a_verifier_counts() {
    let n_prompt = (1..).map(|i| i * 1000);
    let n_prompt = n_prompt.take_while(|&n| largest_receipt_bytes(n, 1, 1) <= MAX_RECEIPT_BYTES);
    let mut receipt: Receipt = serde_json::from_value(GENUINE.clone()).unwrap();
    receipt.run.prompt_ids = vec![0; n_prompt.last().unwrap()];
    assert!(verify(to_json(&receipt).as_bytes()).is_ok());
    receipt.run.prompt_ids.resize(1 << 20, 0);
    let error = verify(to_json(&receipt).as_bytes())
        .unwrap_err()
        .to_string();
    assert!(error.contains("values"), "{error}");
}
