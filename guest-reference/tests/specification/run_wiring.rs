//! Every tensor of a layer reaches the operation of its name, and nothing before it.

use guest_reference::attention::KvType;
use guest_reference::op::{OPS, OpView};

use crate::support::bits::bits;
use crate::support::gguf::{Gguf, I2_S};
use crate::support::host::Host;
use crate::support::model::{as_architecture, small};

/// The bits of every operation's output in layer 0 at position 1.
fn outputs(file: &Gguf) -> Vec<Vec<u32>> {
    let mut host = Host::new(file.bytes(), KvType::F16, 2);
    host.load_layer(0).expect("sound");
    for position in 0..2 {
        host.embed(position, 20 + position).expect("finite");
        host.runner.layer(position).expect("finite");
    }
    let view = |(op, _)| match host.runner.outputs().view(op) {
        OpView::F32(values) => bits(values),
        OpView::I8(values) => values
            .iter()
            .map(|&q| u32::from(q.cast_unsigned()))
            .collect(),
    };
    OPS.into_iter().map(view).collect()
}

/// Doubles all of a norm, or the scale of a projection.
fn double(file: &mut Gguf, name: &str) {
    let tensor = file.tensor(name);
    let len = tensor.data.len();
    let floats = match tensor.type_id {
        I2_S => &mut tensor.data[len - 32..len - 28],
        _ => &mut tensor.data[..],
    };
    for word in floats.as_chunks_mut::<4>().0 {
        *word = (2.0 * f32::from_le_bytes(*word)).to_le_bytes();
    }
}

#[test]
fn the_first_output_that_changes_is_the_tensors_own() {
    for (architecture, parts) in [("bitnet-b1.58", 4 + 7), ("llama", 2 + 7), ("qwen3", 4 + 7)] {
        let file = as_architecture(small(), architecture);
        assert_eq!(check_parts(&file), parts, "norms and projections");
    }
}

/// Doubles each tensor of layer 0 by itself; returns how many there are.
fn check_parts(model: &Gguf) -> usize {
    let plain = outputs(model);
    let mut parts = 0;
    for (op, part) in OPS {
        let name = format!("blk.0.{part}.weight");
        let mut file = model.clone();
        if !file.tensors.iter().any(|t| t.name == name.as_bytes()) {
            continue;
        }
        double(&mut file, &name);
        let changed = outputs(&file);
        let first = (0..OPS.len()).find(|&i| changed[i] != plain[i]);
        assert_eq!(first, Some(op as usize), "{name}");
        parts += 1;
    }
    parts
}
