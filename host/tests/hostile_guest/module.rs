//! A module with all exports that the host calls, each of which returns 0 unless a test says otherwise.

use std::collections::BTreeMap;

/// Names, parameters and results, as in `sandbox/abi.rs`.
const FUNCTIONS: [(&str, &str, &str); 30] = [
    ("abi_version", "", "i32"),
    ("header_buffer", "i64", "i64"),
    ("header_parse", "i64 i64", "i64"),
    ("shape", "i32", "i64"),
    ("configure", "i32 i32 i64", "i32"),
    ("plan_embed", "i64", "i64"),
    ("plan_layer", "i64", "i64"),
    ("plan_head", "i64", "i64"),
    ("range_offset", "i64", "i64"),
    ("range_len", "i64", "i64"),
    ("range_dest", "i64", "i64"),
    ("load_range", "i64", "i32"),
    ("embed", "i64", "i32"),
    ("layer", "i64", "i32"),
    ("release_layer", "i64", "i32"),
    ("head_norm", "i64", "i32"),
    ("head_rows", "i64", "i32"),
    ("head_first_row", "", "i64"),
    ("head_n_rows", "", "i64"),
    ("choice_token", "i64", "i64"),
    ("choice_logit_bits", "i64", "i64"),
    ("residual_ptr", "i64", "i64"),
    ("hidden_ptr", "i64", "i64"),
    ("logits_ptr", "", "i64"),
    ("op_count", "", "i32"),
    ("op_ptr", "i32", "i64"),
    ("op_len", "i32", "i64"),
    ("op_width", "i32", "i32"),
    ("error_ptr", "", "i64"),
    ("error_len", "", "i64"),
];

/// A module in the text format.
pub struct Module {
    first: String,
    memory: String,
    bodies: BTreeMap<&'static str, String>,
    rest: String,
}

impl Module {
    /// A guest of the right version, with two pages of memory, that accepts everything.
    pub fn idle() -> Self {
        let zero = |(name, _, result): (&'static str, &str, &str)| match name {
            "abi_version" => (name, "(i32.const 4)".to_owned()),
            "op_count" => (name, "(i32.const 23)".to_owned()),
            "shape" => (name, "(i64.const 1)".to_owned()),
            _ => (name, format!("({result}.const 0)")),
        };
        Self {
            first: String::new(),
            memory: "(memory (export \"memory\") 2)".into(),
            bodies: FUNCTIONS.into_iter().map(zero).collect(),
            rest: String::new(),
        }
    }

    /// With another body of a function.
    pub fn with(mut self, name: &'static str, body: &str) -> Self {
        self.bodies.insert(name, body.into());
        self
    }

    /// Without an export.
    pub fn without(mut self, name: &str) -> Self {
        if name == "memory" {
            self.memory = "(memory 2)".into();
        }
        self.bodies.remove(name);
        self
    }

    /// With another memory.
    pub fn memory(mut self, memory: &str) -> Self {
        self.memory = memory.into();
        self
    }

    /// With something at the beginning.
    pub fn first(mut self, first: &str) -> Self {
        self.first = first.into();
        self
    }

    /// With something more at the end.
    pub fn and(mut self, more: &str) -> Self {
        self.rest += more;
        self
    }

    /// The module's bytes.
    pub fn wasm(&self) -> Vec<u8> {
        let functions = FUNCTIONS.iter().filter_map(|(name, params, result)| {
            let body = self.bodies.get(name)?;
            let head = format!("(func ${name} (export \"{name}\")");
            Some(format!(
                "{head} (param {params}) (result {result}) {body})\n"
            ))
        });
        let functions: String = functions.collect();
        let (first, memory, rest) = (&self.first, &self.memory, &self.rest);
        wat::parse_str(format!("(module {first}\n{memory}\n{functions}{rest})")).unwrap()
    }
}
