//! Files as people have them: what is accepted although it is odd, and what is refused by its name.

use xtask::make_model::gguf_writer::{GgufHeader, TensorInfo, Value};
use xtask::make_model::{Recipe, Shape, model_header, to_vec};

use crate::process::Workspace;

/// A small model, in the parts that are changed.
struct File {
    header: GgufHeader,
    data: Vec<u8>,
}

impl File {
    fn new() -> Self {
        let shape = Shape {
            n_vocab: 258,
            n_embd: 128,
            n_layers: 1,
            n_heads: 2,
            n_kv_heads: 1,
            head_dim: 64,
            n_ff: 256,
            context_length: 64,
            rope_base: 10_000.0,
            rms_epsilon: 1e-5,
        };
        let recipe = Recipe::from(&shape);
        let header = model_header(&recipe, "small").unwrap();
        let file = to_vec(recipe, "small", 5).unwrap();
        let data = file[header.to_bytes().len()..].to_vec();
        Self { header, data }
    }

    fn with(mut self, key: &str, value: Value) -> Self {
        self.header.keys.retain(|(found, _)| found != key);
        self.header.push_key(key, value);
        self
    }

    fn without(mut self, key: &str) -> Self {
        self.header.keys.retain(|(found, _)| found != key);
        self
    }

    fn with_type(mut self, name: &str, type_id: u32) -> Self {
        let is_it = |tensor: &&mut TensorInfo| tensor.name == name;
        let found = self.header.tensors.iter_mut().find(is_it);
        found.expect("a tensor").type_id = type_id;
        self
    }

    fn write(&self, workspace: &Workspace, name: &str) {
        let bytes = [self.header.to_bytes(), self.data.clone()].concat();
        workspace.write(name, bytes);
    }
}

fn text(text: &[u8]) -> Value {
    let bytes = [&(text.len() as u64).to_le_bytes()[..], text].concat();
    Value::Raw { type_id: 8, bytes }
}

const RUN: &str = "benchmark --tokens 2 --prompt-tokens 3 --parity off --quiet --model";

#[test]
fn what_has_no_meaning_is_no_reason_to_refuse() {
    let workspace = Workspace::new();
    File::new()
        .with("general.name", text(b"caf\xe9"))
        .with("bitnet-b1.58.tensor_data_layout", text(b"reference"))
        .with("bitnet-b1.58.expert_count", Value::U32(0))
        .with("tokenizer.chat_template", text(&vec![b'x'; (16 << 20) + 1]))
        .write(&workspace, "odd.gguf");
    let shown = workspace.run("inspect odd.gguf").exits(0).stdout;
    assert!(shown.contains("caf\u{fffd}"), "{shown}");
    workspace.run(&format!("{RUN} odd.gguf")).exits(0);
}

#[test]
fn a_rope_base_that_is_left_out_is_the_formats() {
    let workspace = Workspace::new();
    let key = "bitnet-b1.58.rope.freq_base";
    File::new().without(key).write(&workspace, "without.gguf");
    let ten_thousand = Value::F32(10_000.0);
    File::new()
        .with(key, ten_thousand)
        .write(&workspace, "with.gguf");
    let shown = |file: &str| workspace.run(&format!("inspect {file}")).exits(0).stdout;
    let default = "base 10000 (the format's default: the file names none)";
    assert!(shown("without.gguf").contains(default));
    assert!(!shown("with.gguf").contains("the format's default"));
    let json = workspace
        .run("inspect -o json without.gguf")
        .exits(0)
        .json();
    assert_eq!(json["model"]["rope_base_is_default"], true);
    assert_eq!(json["model"]["arithmetic"], "BitLinear");
    let logits = |file: &str| {
        let words = format!("logits --model {file} --prompt-ids 1,2,3 --output {file}.npy");
        workspace.run(&words).exits(0);
        workspace.read(format!("{file}.npy"))
    };
    assert_eq!(logits("without.gguf"), logits("with.gguf"));
}

#[test]
fn inspect_says_which_arithmetic_a_file_gets() {
    let workspace = Workspace::new();
    File::new().write(&workspace, "bitnet.gguf");
    let shown = workspace.run("inspect bitnet.gguf").exits(0).stdout;
    assert!(shown.contains("BitLinear, because each projection has one scale"));
    assert!(shown.contains("per token, as in the training of these models\n"));
    assert!(!shown.contains("norms of query"), "{shown}");
    workspace
        .run("make-model qwen3-tiny --weights ptq1_0 --output grouped.gguf")
        .exits(0);
    let shown = workspace.run("inspect grouped.gguf").exits(0).stdout;
    assert!(shown.contains("grouped ternary, because each group of weights has a scale"));
    let norms = "RMS, epsilon 1e-6, no sub-norms, norms of query and key heads\n";
    assert!(shown.contains(norms), "{shown}");
}

#[test]
fn what_is_refused_is_named() {
    let workspace = Workspace::new();
    let refused = |file: File, parts: &[&str]| {
        file.write(&workspace, "refused.gguf");
        for command in ["inspect", RUN] {
            let ran = workspace.run(&format!("{command} refused.gguf"));
            ran.ends(4, parts);
        }
    };
    let number = |key: &str, n| File::new().with(key, Value::U32(n));
    refused(
        number("split.count", 2),
        &["file 1 of the 2 files", "llama-gguf-split --merge"],
    );
    refused(
        number("prism.hadamard.block_size", 1024),
        &["Hadamard transform", "Bonsai-2"],
    );
    let projection = "blk.0.attn_q.weight";
    for (type_id, parts) in [
        (
            38,
            &["TL1 of bitnet.cpp", "convert the original model to I2_S"][..],
        ),
        (39, &["TL2 of bitnet.cpp", "MXFP4 of llama.cpp"]),
        (41, &["Q1_0", "not ternary"]),
        (135, &["IQ2_BN", "convert the original model"]),
    ] {
        refused(File::new().with_type(projection, type_id), parts);
    }
    let architecture = |name: &str| File::new().with("general.architecture", text(name.as_bytes()));
    refused(architecture("qwen35"), &["gated delta-net layers"]);
    refused(architecture("maple"), &["mixture of experts"]);
    let mut scale = File::new();
    scale.header.push_tensor("blk.0.attn_q.scale", &[1], 0, 4);
    scale.data.resize(scale.header.data_bytes() as usize, 0);
    refused(
        scale,
        &["blk.0.attn_q.scale", "scale in a tensor of its own"],
    );
    let mut longer = File::new();
    longer.data.resize(longer.data.len() + 32, 0);
    refused(longer, &["32 bytes after", "belong to no tensor"]);
}
