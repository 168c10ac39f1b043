//! Who reads the output may stop, and what is large may flow.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use crate::session::shell;

#[test]
fn a_closed_pipe_is_not_a_panic() {
    let folder = tempfile::tempdir().unwrap();
    for command in ["lockgate explain", "lockgate --help", "lockgate explain --json"] {
        // `head` of nothing closes the pipe at once.
        let output = shell(&format!("{command} | true; echo ended"), folder.path()).output().unwrap();
        let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert_eq!((out.trim(), err.trim()), ("ended", ""), "{command}");
    }
}

#[test]
fn a_large_answer_streams_in_bounded_memory() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("lockgate.yml"), "name: large\nengine: { memory: 64MB, threads: 1 }\n").unwrap();
    let digits = "(select 0 as d union all select 1 union all select 2 union all select 3 union all select 4 union all \
                  select 5 union all select 6 union all select 7 union all select 8 union all select 9)";
    let tables: Vec<String> = (0..6).map(|index| format!("{digits} t{index}")).collect();
    let sql = format!(
        "select t0.d, t1.d as e, repeat('a text that takes room', 20) as f from {}",
        tables.join(" cross join ")
    );
    let line = format!("lockgate query \"{sql}\" --format csv");
    let mut child = shell(&format!("exec {line}"), folder.path()).stdout(Stdio::piped()).spawn().unwrap();
    let id = child.id();
    let mut lines = 0_u64;
    let mut peak_kib = 0;
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        line.unwrap();
        lines += 1;
        if lines.is_multiple_of(100_000) {
            let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
            let peak =
                status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.parse().ok());
            peak_kib = peak.unwrap_or(peak_kib);
        }
    }
    assert!(child.wait().unwrap().success());
    assert_eq!(lines, 1_000_001);
    // The answer is 440 MB of text; what a debug build maps of itself is most of this.
    assert!(peak_kib < 400 << 10, "peak memory {peak_kib} KiB");
}
