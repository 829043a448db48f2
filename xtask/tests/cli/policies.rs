//! `verify-receipt --policy`: what a verifier demands beyond the rules.

use crate::verify_receipt::{line, with_receipt};

#[test]
fn a_policy_decides_what_counts() {
    let workspace = with_receipt();
    let policy = "require = { min_tokens = 3, parity = 'replayed' }";
    workspace.write("p.toml", policy);
    let run = |flags: &str| workspace.run(&format!("verify-receipt --policy p.toml {flags}"));
    run("").exits(0);
    run("--check-parity").exits(0);
    for less in ["--no-replay", "--sample 100%", "--layers 0..6"] {
        let ran = run(less).exits(3);
        let open = line(&ran, "  open policy_parity: ");
        assert!(open.contains("leave out --no-replay"), "{open}");
    }
    // Layers that were named are no audit that anybody has to believe.
    workspace.write("p.toml", "require.parity = 'audited'");
    line(&run("--layers 0..6").exits(3), "  open policy_parity: ");
    line(&run("--no-replay").exits(3), "  open policy_parity: ");
    run("--sample 5%").exits(0);
    run("").exits(0);
    workspace.write("p.toml", "require.min_tokens = 4");
    let ran = run("").exits(1);
    line(
        &ran,
        "  FAIL policy_min_tokens: found 3, the policy requires 4",
    );
    // Without a demand any replay will do, and none will not.
    workspace.write("p.toml", "require.min_tokens = 3");
    run("--layers 0..1").exits(0);
    run("--no-replay").exits(3);
}

#[test]
fn a_policy_that_is_none_is_bad_input() {
    let workspace = with_receipt();
    let run = || workspace.run("verify-receipt --policy p.toml");
    run().fails(5, &["p.toml"]);
    workspace.write("p.toml", "require.min_token = 4");
    run().fails(4, &["p.toml: line 1: ", "min_token"]);
    // What was claimed is not required by anybody: there is no such demand any more.
    workspace.write("p.toml", "require.parity = 'claimed'");
    run().fails(4, &["p.toml: line 1: ", "unknown variant `claimed`"]);
    workspace.write("p.toml", vec![b' '; (1 << 20) + 1]);
    run().fails(4, &["p.toml", "at most 1048576"]);
}
