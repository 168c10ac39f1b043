//! With a real `python3`.

#![allow(clippy::unwrap_used)]

use super::*;

fn model(text: &str) -> (tempfile::TempDir, Result<Arc<PythonModel>, Diagnostic>) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mine.py");
    std::fs::write(&file, text).unwrap();
    let model = PythonModel::start(&file);
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
