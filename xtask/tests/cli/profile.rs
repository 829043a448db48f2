//! What a benchmark prints beside its receipt: bytes read, and the time of every operation.

use serde_json::Value;

use crate::process::Workspace;

/// The column `µs per step` of each table.
fn tables(stdout: &str) -> Vec<Vec<(String, f64)>> {
    let mut tables: Vec<Vec<_>> = Vec::new();
    for line in stdout.lines() {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        if cells.len() == 8 && cells[3] == "µs per step" {
            tables.push(Vec::new());
        } else if let (8, Some(table)) = (cells.len(), tables.last_mut())
            && let Ok(us) = cells[3].parse()
        {
            table.push((cells[1].to_owned(), us));
        }
    }
    tables
}

#[test]
fn the_rows_of_a_profile_add_up_to_the_step() {
    let workspace = Workspace::new();
    let ran = workspace.benchmark("--profile --threads 2").exits(0);
    let tables = tables(&ran.stdout);
    assert_eq!(tables.len(), 2, "{}", ran.stdout);
    for table in tables {
        let [rows @ .., (name, total)] = &table[..] else {
            panic!("{}", ran.stdout);
        };
        assert_eq!(name, "total");
        assert!(rows.iter().any(|(name, _)| name == "ffn_down"));
        let (rest, _) = &rows[rows.len() - 1];
        assert_eq!(rest, "synchronisation and the rest");
        let sum: f64 = rows.iter().map(|(_, us)| us).sum();
        // Every row is rounded to a tenth.
        let rounding = 0.05 * table.len() as f64 + 1e-6;
        assert!((sum - total).abs() <= rounding, "{sum}: {}", ran.stdout);
    }
    let rows = ran.stdout.lines().filter(|l| l.starts_with('|'));
    let longest = rows.map(|row| row.chars().count()).max();
    assert!(longest <= Some(100), "{}", ran.stdout);
}

#[test]
fn a_profile_for_programs_stands_beside_the_receipt() {
    let workspace = Workspace::new();
    let ran = workspace.benchmark("--profile --format json").exits(0);
    let shown = ran.json();
    assert_eq!(shown["receipt"], workspace.receipt_json());
    for (kind, steps) in [("prefill", 1), ("decode", 2)] {
        let profile = &shown["profile"][kind];
        assert_eq!(profile["steps"], steps);
        let ns = |value: &Value| value.as_u64().unwrap();
        let ops = profile["ops"].as_array().unwrap();
        let sum: u64 = ops.iter().map(|op| ns(&op["ns"])).sum();
        assert_eq!(sum + ns(&profile["rest_ns"]), ns(&profile["wall_ns"]));
    }
    let one = workspace.benchmark("--profile --format json --tokens 1");
    assert_eq!(one.exits(0).json()["profile"]["decode"], Value::Null);
}

#[test]
fn a_benchmark_says_what_decoding_reads() {
    let workspace = Workspace::new();
    let ran = workspace.benchmark("").exits(0);
    let line = ran.stdout.lines().find(|l| l.starts_with("memory:"));
    let line = line.unwrap_or_else(|| panic!("{}", ran.stdout));
    assert!(line.contains(" MB a decoded token, "), "{line}");
    assert!(line.ends_with(" GB/s, from cache"), "{line}");
    let one = workspace.benchmark("--tokens 1").exits(0);
    assert!(!one.stdout.contains("memory:"), "{}", one.stdout);
}
