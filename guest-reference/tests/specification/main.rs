//! Tests of the executable specification, natively and call by call.
//!
//! Expected values never come from the code under test: they are `f64` formulas, vectors computed
//! with another language's single-precision arithmetic, or the rules, written out again.

mod attention;
mod fast_twins;
mod float;
mod grouped_product;
mod grouped_types;
mod half;
mod head;
mod loading;
mod neutral_keys;
mod ops;
mod q2_0_blocks;
mod reading_prefixes;
mod refused_headers;
mod refused_hyperparameters;
mod refused_rope_scaling;
mod refused_tensors;
mod rope;
mod rows;
mod run_architectures;
mod run_faults;
mod run_grouped;
mod run_misuse;
mod run_order;
mod run_types;
mod run_wiring;
mod session;
mod support;
mod ternary;
mod ternary_types;
mod yarn;
