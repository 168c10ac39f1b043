//! The settings of a session: those that tools set and ask for. None of them reaches the engine.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::codes;
use crate::failure::Failure;

/// The version of PostgreSQL whose manners this port has; tools choose their catalogue queries by it.
pub(crate) const SERVER_VERSION: &str = "15.0";
const SERVER_VERSION_NUMBER: &str = "150000";

/// What a session begins with. Their names as PostgreSQL writes them.
const DEFAULTS: &[(&str, &str)] = &[
    ("application_name", ""),
    ("bytea_output", "hex"),
    ("client_encoding", "UTF8"),
    ("client_min_messages", "notice"),
    ("DateStyle", "ISO, MDY"),
    ("default_transaction_isolation", "repeatable read"),
    ("default_transaction_read_only", "on"),
    ("extra_float_digits", "1"),
    ("idle_in_transaction_session_timeout", "0"),
    ("IntervalStyle", "postgres"),
    ("lock_timeout", "0"),
    ("row_security", "on"),
    ("search_path", "public"),
    ("standard_conforming_strings", "on"),
    ("statement_timeout", "0"),
    ("synchronous_commit", "on"),
    ("TimeZone", "UTC"),
    ("xmloption", "content"),
];

/// What can be asked for and not set.
const FIXED: &[(&str, &str)] = &[
    ("block_size", "8192"),
    ("in_hot_standby", "off"),
    ("integer_datetimes", "on"),
    ("is_superuser", "off"),
    ("lc_collate", "C"),
    ("lc_ctype", "C"),
    ("max_identifier_length", "63"),
    ("max_index_keys", "32"),
    ("server_encoding", "UTF8"),
    ("server_version", SERVER_VERSION),
    ("server_version_num", SERVER_VERSION_NUMBER),
    ("ssl", "off"),
    ("transaction_isolation", "repeatable read"),
    ("transaction_read_only", "on"),
];

/// Told to the client at the start, and when they change.
const TOLD: &[&str] = &[
    "application_name",
    "client_encoding",
    "DateStyle",
    "default_transaction_read_only",
    "in_hot_standby",
    "integer_datetimes",
    "IntervalStyle",
    "is_superuser",
    "server_encoding",
    "server_version",
    "standard_conforming_strings",
    "TimeZone",
];

#[derive(Debug, Default)]
pub(crate) struct Settings {
    /// Those that differ from what a session begins with.
    own: BTreeMap<&'static str, String>,
}

fn known(name: &str) -> Option<(&'static str, &'static str)> {
    DEFAULTS.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).copied()
}

impl Settings {
    /// `None` when there is no such setting; its name as PostgreSQL writes it, and its value.
    pub(crate) fn get(&self, name: &str) -> Option<(&'static str, &str)> {
        if let Some((name, value)) = known(name) {
            return Some((name, self.own.get(name).map_or(value, String::as_str)));
        }
        FIXED.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(name, value)| (*name, *value))
    }

    /// All of them, in no order.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&'static str, &str)> {
        DEFAULTS.iter().chain(FIXED).filter_map(|(name, _)| self.get(name))
    }

    /// The new value when the client is to be told.
    pub(crate) fn set(&mut self, name: &str, value: &str) -> Result<Option<(&'static str, &str)>, Failure> {
        let Some((name, default)) = known(name) else {
            if FIXED.iter().any(|(fixed, _)| fixed.eq_ignore_ascii_case(name)) {
                return Err(Failure::new("55P02", &codes::SETTING, format!("parameter \"{name}\" cannot be changed")));
            }
            let message = format!("unrecognized configuration parameter \"{name}\"");
            return Err(Failure::new("42704", &codes::SETTING, message)
                .hint("limits of the engine are the project's: engine: in lockgate.yml"));
        };
        let value = if value.eq_ignore_ascii_case("default") { default } else { value.trim() };
        let refuse = |only: &str| {
            let message = format!("\"{name}\" is {only} here, not \"{value}\"");
            Err(Failure::new("22023", &codes::SETTING, message))
        };
        match name {
            "client_encoding" => {
                let plain: String = value.chars().filter(char::is_ascii_alphanumeric).collect();
                // `SQL_ASCII` means: as it comes.
                if !["utf8", "unicode", "sqlascii"].contains(&plain.to_ascii_lowercase().as_str()) {
                    return refuse("UTF8");
                }
                return Ok(Some((name, "UTF8")));
            }
            "standard_conforming_strings" if !is_on(value) => return refuse("on"),
            "bytea_output" if !value.eq_ignore_ascii_case("hex") => return refuse("hex"),
            "DateStyle" if !value.to_ascii_lowercase().contains("iso") => return refuse("ISO"),
            "IntervalStyle" if !value.eq_ignore_ascii_case("postgres") => return refuse("postgres"),
            "statement_timeout" if duration(value).is_none() => return refuse("a time such as 500, 5s or 2min"),
            "statement_timeout" => {}
            // Times are told in UTC, with their offset: what a client makes of them is the same.
            "TimeZone" | "DateStyle" | "default_transaction_read_only" | "default_transaction_isolation" => {
                return Ok(None);
            }
            _ => {}
        }
        self.own.insert(name, value.chars().take(256).collect());
        Ok(TOLD.contains(&name).then(|| self.get(name)).flatten())
    }

    pub(crate) fn reset(&mut self, name: Option<&str>) {
        match name {
            Some(name) => self.own.retain(|known, _| !known.eq_ignore_ascii_case(name)),
            None => self.own.clear(),
        }
    }

    pub(crate) fn told(&self) -> impl Iterator<Item = (&'static str, &str)> {
        TOLD.iter().filter_map(|name| self.get(name))
    }

    /// `None` when the client has no wish.
    pub(crate) fn statement_timeout(&self) -> Option<Duration> {
        self.get("statement_timeout").and_then(|(_, value)| duration(value)).filter(|time| !time.is_zero())
    }
}

fn is_on(value: &str) -> bool {
    ["on", "true", "yes", "1"].iter().any(|on| value.eq_ignore_ascii_case(on))
}

/// Milliseconds when no unit is said.
fn duration(text: &str) -> Option<Duration> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let number: u64 = text[..digits].parse().ok()?;
    let milliseconds = match text[digits..].trim() {
        "us" => return Some(Duration::from_micros(number)),
        "" | "ms" => 1,
        "s" => 1_000,
        "min" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    Some(Duration::from_millis(number.saturating_mul(milliseconds)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a test that cannot go on should say where

    use super::*;

    #[test]
    fn only_harmless_settings_are_set() {
        let mut settings = Settings::default();
        assert_eq!(settings.set("Application_Name", "psql").unwrap(), Some(("application_name", "psql")));
        assert_eq!(settings.set("statement_timeout", "2min").unwrap(), None);
        assert_eq!(settings.statement_timeout(), Some(Duration::from_secs(120)));
        assert!(settings.set("statement_timeout", "soon").is_err());
        assert!(settings.set("datafusion.execution.batch_size", "1").is_err());
        assert!(settings.set("role", "admin").is_err());
        assert!(settings.set("server_version", "9").is_err());
        assert!(settings.set("client_encoding", "latin1").is_err());
        assert!(settings.set("standard_conforming_strings", "off").is_err());
        settings.reset(None);
        assert_eq!(settings.statement_timeout(), None);
    }
}
