//! What test runners say of themselves.

/// How many went how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
}

impl Tally {
    pub(crate) fn add(&mut self, other: Tally) {
        self.passed += other.passed;
        self.failed += other.failed;
    }
}

/// `     Summary [   4.2s] 23 tests run: 21 passed (1 slow), 1 failed, 1 timed out, 0 skipped`.
pub(crate) fn of_nextest(line: &str) -> Option<Tally> {
    let counts = line.trim_start().strip_prefix("Summary [")?.split_once("run: ")?.1;
    let mut tally = Tally::default();
    for part in counts.split(", ") {
        let Some((number, word)) = part.split_once(' ') else { continue };
        let Ok(number) = number.parse::<u64>() else { continue };
        match word.split(' ').next() {
            Some("passed") => tally.passed += number,
            Some("failed" | "timed" | "exec") => tally.failed += number,
            _ => {}
        }
    }
    Some(tally)
}

/// `test result: FAILED. 21 passed; 2 failed; 0 ignored; …`.
pub(crate) fn of_cargo(line: &str) -> Option<Tally> {
    let counts = line.strip_prefix("test result: ")?.split_once(". ")?.1;
    let number =
        |word: &str| counts.split("; ").find_map(|part| part.strip_suffix(word)?.trim().parse().ok()).unwrap_or(0);
    Some(Tally { passed: number("passed"), failed: number("failed") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nextest() {
        let line = "     Summary [   4.210s] 24 tests run: 21 passed (1 slow), 2 failed, 1 timed out, 3 skipped";
        assert_eq!(of_nextest(line), Some(Tally { passed: 21, failed: 3 }));
        assert_eq!(of_nextest("        PASS [   0.012s] lockgate"), None);
    }

    #[test]
    fn cargo() {
        let line = "test result: FAILED. 21 passed; 2 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.05s";
        assert_eq!(of_cargo(line), Some(Tally { passed: 21, failed: 2 }));
        assert_eq!(of_cargo("running 3 tests"), None);
    }
}
