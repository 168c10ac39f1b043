//! A line that is longer than memory: a reject in bounded memory. `LOCKGATE_LINE_MB` makes it longer: the nightly script
//! asks for 1,000.

#![cfg(target_os = "linux")]

use std::io::{Seek, SeekFrom, Write};
use std::process::Stdio;
use std::time::Duration;

use crate::session::shell;

#[test]
fn a_line_longer_than_memory_is_a_reject() {
    let megabytes: u64 = std::env::var("LOCKGATE_LINE_MB").map_or(200, |text| text.parse().unwrap());
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in [
        ("lockgate.yml", "name: long\nengine: { memory: 64MB, threads: 2 }\n"),
        (
            "assets/raw/lines.yml",
            "kind: source\nread: { path: data/lines.csv }\ncolumns: { id: bigint, word: string }\nrejects: 1\n",
        ),
    ] {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    // A hole in the file: a gigabyte of nothing takes no room on the disk.
    std::fs::create_dir(folder.path().join("data")).unwrap();
    let mut file = std::fs::File::create(folder.path().join("data/lines.csv")).unwrap();
    file.write_all(b"id,word\n1,one\n2,").unwrap();
    file.seek(SeekFrom::Current(i64::try_from(megabytes * 1_000_000).unwrap())).unwrap();
    file.write_all(b"\n3,three\n").unwrap();
    drop(file);

    let child =
        shell("exec lockgate run", folder.path()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // The highest that it was until now, as the kernel counts it; it only rises.
    let status = format!("/proc/{}/status", child.id());
    let waiting = std::thread::spawn(move || child.wait_with_output().unwrap());
    let mut peak_kb = 0;
    while !waiting.is_finished() {
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        let peak = text.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.parse().ok());
        peak_kb = peak_kb.max(peak.unwrap_or(0));
        std::thread::sleep(Duration::from_millis(5));
    }
    let output = waiting.join().unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(peak_kb > 10_000 && peak_kb < 200_000, "{peak_kb} kB at most");
    let query = "lockgate query 'select _line, _reason from raw.lines__rejects' --format csv";
    let rejects = shell(query, folder.path()).output().unwrap();
    let length = megabytes * 1_000_000 + 3;
    assert_eq!(
        String::from_utf8_lossy(&rejects.stdout),
        format!("_line,_reason\n3,\"the line is {length} bytes long, max_line is 16000000\"\n"),
        "{}",
        String::from_utf8_lossy(&rejects.stderr)
    );
}
