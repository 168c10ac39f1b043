//! Names of assets, and the small newtypes that must not be mixed up.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// `schema.table`; each part is `[a-z][a-z0-9_]*` without `__` (which is kept for tables that belong to an
/// asset, such as its rejects).
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AssetName {
    schema: String,
    table: String,
}

/// Why a text is not an asset's name. Each variant says what was wrong and with which part.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    #[error("a name is `schema.table`, but `{0}` has {1} part(s)")]
    Parts(String, usize),
    #[error("`{0}` is not a name: it starts with a lowercase letter, then come lowercase letters, digits and `_`")]
    Characters(String),
    #[error("`{0}` has `__`, which is kept for tables that belong to an asset")]
    DoubleUnderscore(String),
}

impl AssetName {
    /// Checks both parts.
    pub fn new(schema: &str, table: &str) -> Result<Self, NameError> {
        for part in [schema, table] {
            Self::check_part(part)?;
        }
        Ok(AssetName { schema: schema.to_owned(), table: table.to_owned() })
    }

    /// The rule for one part (a folder's or a file's name).
    pub fn check_part(part: &str) -> Result<(), NameError> {
        let mut bytes = part.bytes();
        let starts_well = bytes.next().is_some_and(|b| b.is_ascii_lowercase());
        if !starts_well || !bytes.all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_') {
            return Err(NameError::Characters(part.to_owned()));
        }
        if part.contains("__") {
            return Err(NameError::DoubleUnderscore(part.to_owned()));
        }
        Ok(())
    }

    pub fn schema(&self) -> &str {
        &self.schema
    }

    pub fn table(&self) -> &str {
        &self.table
    }

    /// The table that receives this asset's rejected rows, `schema.table__rejects`. It is the only way to a
    /// name with `__`, so that no asset can collide with it.
    pub fn rejects(&self) -> AssetName {
        AssetName { schema: self.schema.clone(), table: format!("{}__rejects", self.table) }
    }

    /// Whether this is a rejects table, and of which asset.
    pub fn rejects_of(&self) -> Option<AssetName> {
        let table = self.table.strip_suffix("__rejects")?;
        Some(AssetName { schema: self.schema.clone(), table: table.to_owned() })
    }
}

impl fmt::Display for AssetName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.schema, self.table)
    }
}

impl FromStr for AssetName {
    type Err = NameError;

    /// Accepts names of assets and of their rejects tables.
    fn from_str(text: &str) -> Result<Self, NameError> {
        let parts: Vec<&str> = text.split('.').collect();
        let [schema, table] = parts[..] else {
            return Err(NameError::Parts(text.to_owned(), parts.len()));
        };
        match table.strip_suffix("__rejects") {
            Some(of) => Ok(AssetName::new(schema, of)?.rejects()),
            None => AssetName::new(schema, table),
        }
    }
}

impl TryFrom<String> for AssetName {
    type Error = NameError;

    fn try_from(text: String) -> Result<Self, NameError> {
        text.parse()
    }
}

impl From<AssetName> for String {
    fn from(name: AssetName) -> String {
        name.to_string()
    }
}

/// Who did it: a person, a token, or a schedule.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Actor(pub String);

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A BLAKE3 hash, in hex, of everything that shapes an asset's result: canonical SQL, vars used, functions,
/// load, layout, contract. Formatting, comments, checks, tags, owners and prose are not in it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fingerprint(pub String);

impl Fingerprint {
    /// Hashes the parts with their lengths, so that moving a byte from one part to the next changes the hash.
    pub fn of<'a>(parts: impl IntoIterator<Item = &'a str>) -> Self {
        let mut hasher = blake3::Hasher::new();
        for part in parts {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part.as_bytes());
        }
        Fingerprint(hasher.finalize().to_hex().to_string())
    }

    /// The first 12 hex digits, for people.
    pub fn short(&self) -> &str {
        self.0.get(..12).unwrap_or(&self.0)
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
