//! The words after a command's name: `--option VALUE`, `--flag`, and plain ones.

use anyhow::{Context, Result, bail};

/// Taken apart as they are asked for; `finish` refuses what nobody asked for.
#[derive(Debug)]
pub(crate) struct Words(Vec<String>);

impl Words {
    pub(crate) fn new(words: &[String]) -> Self {
        Words(words.to_vec())
    }

    /// `--name VALUE`.
    pub(crate) fn option(&mut self, name: &str) -> Result<Option<String>> {
        let Some(index) = self.0.iter().position(|word| word == name) else {
            return Ok(None);
        };
        self.0.remove(index);
        if index >= self.0.len() {
            bail!("`{name}` needs a value");
        }
        Ok(Some(self.0.remove(index)))
    }

    /// `--name NUMBER`.
    pub(crate) fn number(&mut self, name: &str, default: u32) -> Result<u32> {
        match self.option(name)? {
            None => Ok(default),
            Some(text) => text.parse().with_context(|| format!("`{name} {text}` is not a number")),
        }
    }

    /// A plain word, one of `known`.
    pub(crate) fn one_of(&mut self, known: &[&'static str]) -> Option<&'static str> {
        let index = self.0.iter().position(|word| known.contains(&word.as_str()))?;
        let word = self.0.remove(index);
        known.iter().find(|name| **name == word).copied()
    }

    pub(crate) fn finish(self, usage: &str) -> Result<()> {
        match self.0.first() {
            None => Ok(()),
            Some(word) => bail!("`{word}` is not understood here\n\nusage: {usage}"),
        }
    }
}
