//! Records how the engine is optimised: a slow build explains a slow run.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let level = std::env::var("OPT_LEVEL").unwrap_or_default();
    println!("cargo::rustc-env=ENGINE_OPT_LEVEL={level}");
}
