//! `bandwidth`: a row for each number of threads.

use crate::process::{Ran, Workspace};

#[test]
fn every_number_of_threads_has_a_row() {
    let workspace = Workspace::new();
    let small = "bandwidth --bytes 8388608";
    let mut command = workspace.command(small);
    command.args(["--threads", "1, 1"]);
    let ran = Ran::of(command.output().unwrap(), small).exits(0);
    let rows: Vec<&str> = ran.stdout.lines().skip(2).take(2).collect();
    for row in rows {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        assert_eq!(cells[2], "1", "{}", ran.stdout);
        let [median, lowest, highest] = [3, 4, 5].map(|i| cells[i].parse::<f64>().unwrap());
        assert!(
            0.0 < lowest && lowest <= median && median <= highest,
            "{row}"
        );
    }
    let report = workspace.run(&format!("{small} --format json")).exits(0);
    let report = report.json();
    assert_eq!(report["bytes"], 8_388_608);
    assert_eq!(report["rows"][0]["threads"], 1);
    assert!(report["rows"][0]["median_gb_per_s"].as_f64().unwrap() > 0.0);
}

#[test]
fn what_cannot_be_measured_is_refused() {
    let workspace = Workspace::new();
    for (words, parts) in [
        ("--threads 0", &["--threads", "found 0"][..]),
        ("--threads 1,4096", &["--threads", "found 4096"]),
        ("--bytes 1099511627776", &["memory", "needs about 1099.51"]),
    ] {
        workspace.run(&format!("bandwidth {words}")).fails(2, parts);
    }
    for (words, parts) in [
        ("--threads two", &["--threads"][..]),
        ("--threads 1,", &["--threads"]),
        ("--bytes 0", &["--bytes"]),
        ("--kernel sse", &["--kernel"]),
    ] {
        workspace
            .run(&format!("bandwidth {words}"))
            .refuses_words(parts);
    }
}
