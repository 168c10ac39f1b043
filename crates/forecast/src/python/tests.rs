//! With a real `python3`.

#![allow(clippy::unwrap_used)]

use super::*;

fn model(text: &str) -> (tempfile::TempDir, Result<Arc<PythonModel>, Diagnostic>) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mine.py");
    std::fs::write(&file, text).unwrap();
    let model = PythonModel::start(&file, &CancellationToken::new());
    (folder, model)
}

const INPUT: Input<'static> = Input { values: &[1.0, 2.0, 4.0], seasons: &[2], horizon: 3, known: None };

#[test]
fn what_it_says_is_the_forecast() {
    let text = "print('not an answer')\ndef forecast(values, horizon, seasons):\n    print('nor this')\n    \
                return [values[-1] + seasons[0] * step for step in range(horizon)]\n";
    let (_folder, model) = model(text);
    let model = model.unwrap();
    assert_eq!((model.name(), model.fit(&INPUT).unwrap().forecast), ("mine", vec![4.0, 6.0, 8.0]));
    assert!(model.warning().is_none());
}

#[test]
fn what_goes_wrong_concerns_one_series() {
    let text = "import os\ndef forecast(values, horizon, seasons):\n    n = len(values)\n    if n == 1: raise ValueError('too short')\n    \
                if n == 2: os._exit(3)\n    if n == 3: return [float('nan')] * horizon\n    return [1] * horizon\n";
    let (_folder, model) = model(text);
    let model = model.unwrap();
    for count in 1..=3 {
        let input = Input { values: &[1.0; 4][..count], ..INPUT };
        assert!(matches!(model.fit(&input), Err(Unfit::Unsuited { .. })), "{count}");
    }
    assert_eq!(model.fit(&Input { values: &[1.0; 4], ..INPUT }).unwrap().forecast, [1.0; 3]);
    let warning = model.warning().unwrap();
    assert_eq!(warning.message, "the model had no answer for 3 forecasts; first: ValueError: too short");
}

#[cfg(target_os = "linux")]
#[test]
fn one_that_takes_too_long_is_asked_no_more_and_leaves_no_process() {
    let folder = tempfile::tempdir().unwrap();
    let (file, pids) = (folder.path().join("mine.py"), folder.path().join("pids"));
    // It begins another process, as `uv` does.
    let text = format!(
        "import subprocess, time\ndef forecast(values, horizon, seasons):\n    \
         child = subprocess.Popen(['sleep', '600'])\n    open({:?}, 'a').write(str(child.pid) + '\\n')\n    time.sleep(600)\n",
        pids.to_str().unwrap()
    );
    std::fs::write(&file, text).unwrap();
    let model = PythonModel::patient(&file, Duration::from_secs(2), &CancellationToken::new()).unwrap();
    for _ in 0..20 {
        assert!(model.fit(&INPUT).is_err());
    }
    let warning = model.warning().unwrap().message;
    assert_eq!(
        warning,
        "the model had no answer for 20 forecasts; first: it took longer than 2s; it took too long 3 times and was asked no more"
    );
    let begun = std::fs::read_to_string(&pids).unwrap();
    assert_eq!(begun.lines().count(), 3);
    for pid in begun.lines() {
        let lives = || match std::fs::read_to_string(format!("/proc/{pid}/stat")) {
            Ok(stat) => !stat.contains(") Z "),
            Err(_) => false,
        };
        let ended = (0..50).any(|_| {
            std::thread::sleep(Duration::from_millis(20));
            !lives()
        });
        assert!(ended, "{pid} lives on");
    }
}

#[test]
fn one_that_does_not_start_says_why() {
    for (text, why) in [
        ("import nowhere_to_be_found\n", "No module named 'nowhere_to_be_found'"),
        ("def fit(values): pass\n", "it defines no forecast(values, horizon, seasons)"),
        ("def forecast(:\n", "SyntaxError"),
    ] {
        let (_folder, model) = model(text);
        let error = model.unwrap_err();
        assert!(error.message.contains(why), "{}", error.message);
    }
}

#[test]
fn a_header_is_found() {
    assert_eq!(pep_723("# /// script\n# dependencies = [\"numpy\"]\n# ///\nimport numpy\n").lines().count(), 3);
    assert_eq!(pep_723("import json\n"), "");
    assert_eq!(pep_723("# /// script\nimport json\n"), "");
}
