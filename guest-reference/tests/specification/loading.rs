//! What a load refuses: each rule on the bytes of weights, by tensor.

use guest_reference::attention::KvType;
use guest_reference::error::Result;

use crate::support::gguf::{F16, Gguf, Q8_0};
use crate::support::host::Host;
use crate::support::model::{small, untied};
use crate::support::rejection::assert_malformed;

const PROJECTIONS: [&str; 7] = [
    "attn_q",
    "attn_k",
    "attn_v",
    "attn_output",
    "ffn_gate",
    "ffn_up",
    "ffn_down",
];

fn host(file: &Gguf) -> Host {
    Host::new(file.bytes(), KvType::F32, 1)
}

/// Loads layer 1 of the small model after `damage` to the data of one of its tensors.
fn load_damaged(part: &str, damage: impl Fn(&mut Vec<u8>)) -> Result<()> {
    let mut file = small();
    damage(&mut file.tensor(&format!("blk.1.{part}.weight")).data);
    host(&file).load_layer(1)
}

#[test]
fn code_3_in_any_projection() {
    for part in PROJECTIONS {
        let found = load_damaged(part, |data| data[100] = 0b01_11_00_10);
        let row_bytes = if part == "attn_output" {
            64
        } else if part == "ffn_down" {
            96
        } else {
            32
        };
        let (row, byte) = (100 / row_bytes, 100 % row_bytes);
        let name = format!("tensor `blk.1.{part}.weight`: row {row}: byte {byte} (0x72)");
        assert_malformed(found, &[&name, "code 3"]);
    }
}

#[test]
fn scale_of_any_projection() {
    for part in PROJECTIONS {
        for scale in [0.0f32, -1.0, f32::NAN, f32::INFINITY] {
            let found = load_damaged(part, |data| {
                let at = data.len() - 32;
                data[at..at + 4].copy_from_slice(&scale.to_le_bytes());
            });
            let name = format!("tensor `blk.1.{part}.weight`: scale");
            let value = format!("is {scale};");
            assert_malformed(found, &[&name, &value, "finite scale > 0"]);
        }
    }
}

#[test]
fn padding_after_the_scale_is_ignored() {
    for part in PROJECTIONS {
        let found = load_damaged(part, |data| {
            let at = data.len() - 28;
            data[at..].fill(0xff);
        });
        found.expect("padding carries no meaning");
    }
}

#[test]
fn any_norm() {
    for part in ["attn_norm", "attn_sub_norm", "ffn_norm", "ffn_sub_norm"] {
        let found = load_damaged(part, |data| {
            data[20..24].copy_from_slice(&f32::NAN.to_le_bytes());
        });
        assert_malformed(
            found,
            &[&format!(
                "tensor `blk.1.{part}.weight`: row 0, element 5 is NaN;"
            )],
        );
    }
    let mut file = small();
    file.tensor("output_norm.weight").data[..4].copy_from_slice(&f32::INFINITY.to_le_bytes());
    assert_malformed(
        host(&file).load_head(0),
        &["tensor `output_norm.weight`: row 0, element 0 is inf;"],
    );
}

#[test]
fn the_row_of_the_token_asked_for() {
    let mut file = small();
    // Element 3 of row 7 becomes infinite.
    let at = 2 * (7 * 128 + 3);
    file.tensor("token_embd.weight").data[at..at + 2].copy_from_slice(&0x7c00u16.to_le_bytes());
    let mut host = host(&file);
    host.load_embedding(6).expect("another row");
    assert_malformed(
        host.load_embedding(7),
        &["tensor `token_embd.weight`: row 7, element 3 is inf;"],
    );
    assert_malformed(
        host.load_head(0),
        &["tensor `token_embd.weight`: row 7, element 3 is inf;"],
    );
}

#[test]
fn the_output_matrix_by_its_own_name() {
    let mut file = untied();
    file.tensor("output.weight").data[..4].copy_from_slice(&f32::NAN.to_le_bytes());
    let mut host = host(&file);
    host.load_embedding(0).expect("the embedding is sound");
    assert_malformed(
        host.load_head(0),
        &["tensor `output.weight`: row 0, element 0 is NaN;"],
    );
}

#[test]
fn scales_of_q8_0_rows() {
    let mut file = small();
    let embedding = file.tensor("token_embd.weight");
    embedding.type_id = Q8_0;
    embedding.data = vec![0; 40 * 136];
    embedding.data[136 + 34 + 1] = 0x7e;
    let mut host = host(&file);
    host.load_embedding(0).expect("another row");
    let needles = ["tensor `token_embd.weight`: row 1, element 32 is NaN;"];
    assert_malformed(host.load_embedding(1), &needles);
}

#[test]
fn f16_norms_are_widened() {
    let mut file = small();
    let norm = file.tensor("output_norm.weight");
    (norm.type_id, norm.data) = (F16, 0x3800u16.to_le_bytes().repeat(128));
    let mut halved = host(&file);
    let ones = 1.0f32.to_le_bytes().repeat(128);
    file.tensor("output_norm.weight").data = ones;
    file.tensor("output_norm.weight").type_id = 0;
    let mut plain = host(&file);
    for host in [&mut halved, &mut plain] {
        host.embed(0, 5).expect("finite");
        host.load_head(0).expect("finite");
        host.runner.head_norm(0).expect("finite");
    }
    let (halved, plain) = (halved.runner.hidden(0), plain.runner.hidden(0));
    let doubled: Vec<f32> = halved.expect("in range").iter().map(|x| x * 2.0).collect();
    assert_eq!(doubled, plain.expect("in range"));
}
