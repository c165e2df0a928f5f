// SPDX-License-Identifier: Apache-2.0
//! The file of a configuration: TOML, whose keys are the names of flags with `_` for `-`. Whoever
//! writes it is not trusted with more than what the values themselves can do.

use std::{fs::File, io::Read, path::Path};

use clap::{Arg, Command};
use toml::{Table, Value};

use super::ConfigError;

/// Largest file, in bytes.
pub(super) const MAX_LEN: u64 = 64 * 1024;

/// Most values of one key.
const MAX_VALUES: usize = 16;

/// A key and its values, as a flag takes them.
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) values: Vec<String>,
}

impl Entry {
    /// What the flag would be on a command line.
    pub(super) fn arguments(&self) -> impl Iterator<Item = String> + '_ {
        let flag = flag(&self.key);
        self.values.iter().map(move |value| format!("--{flag}={value}"))
    }
}

/// The name of the flag for a key.
fn flag(key: &str) -> String {
    key.replace('_', "-")
}

/// The key for a flag; `None` for what has no name or cannot be set.
pub(super) fn key(argument: &Arg) -> Option<String> {
    argument.get_long().map(|long| long.replace('-', "_"))
}

/// The flag of `command` that a key sets.
pub(super) fn argument<'a>(command: &'a Command, key: &str) -> Option<&'a Arg> {
    // A key with `-` in it is another spelling of none.
    if key.contains('-') {
        return None;
    }
    let flag = flag(key);
    command.get_arguments().find(|argument| argument.get_long() == Some(flag.as_str()))
}

/// Reads the file. Whether there are such keys is for the caller to say.
pub(super) fn read(path: &Path) -> Result<Vec<Entry>, ConfigError> {
    let unreadable = |error| ConfigError::Unreadable { path: path.into(), error };
    let mut text = String::new();
    // It may grow, or never end: one byte more than it may have is enough to know.
    let file = File::open(path).map_err(unreadable)?;
    file.take(MAX_LEN.saturating_add(1)).read_to_string(&mut text).map_err(unreadable)?;
    if u64::try_from(text.len()).unwrap_or(u64::MAX) > MAX_LEN {
        return Err(ConfigError::TooLarge { path: path.into() });
    }
    parse(path, &text)
}

fn parse(path: &Path, text: &str) -> Result<Vec<Entry>, ConfigError> {
    let table: Table = toml::from_str(text).map_err(|error| {
        // The error's own words repeat the line.
        let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
        let line = before.matches('\n').count().saturating_add(1);
        ConfigError::NotToml { path: path.into(), line, reason: error.message().into() }
    })?;
    let entries = table.into_iter().map(|(key, value)| match values(value) {
        Ok(values) => Ok(Entry { key, values }),
        Err(reason) => Err(ConfigError::Value { path: path.into(), key, reason: reason.into() }),
    });
    entries.collect()
}

fn values(value: Value) -> Result<Vec<String>, &'static str> {
    let values = match value {
        Value::Array(values) if values.is_empty() => return Err("the list is empty"),
        Value::Array(values) => values.into_iter().map(single).collect::<Result<_, _>>()?,
        value => vec![single(value)?],
    };
    // A comma separates values, as it does in an environment variable.
    let count = values.iter().flat_map(|value: &String| value.split(',')).count();
    if count > MAX_VALUES {
        return Err("the list is too long: at most 16 values");
    }
    Ok(values)
}

fn single(value: Value) -> Result<String, &'static str> {
    match value {
        // Parsers of URLs drop some of them, so that what is checked is not what is used.
        Value::String(text) if text.chars().any(char::is_control) => {
            Err("the text has a control character")
        }
        Value::String(text) => Ok(text),
        Value::Integer(number) => Ok(number.to_string()),
        Value::Boolean(truth) => Ok(truth.to_string()),
        Value::Float(_) | Value::Datetime(_) | Value::Array(_) | Value::Table(_) => {
            Err("the value must be text, a whole number, true or false, or a list of them")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        parse(Path::new("f.toml"), text).map(|_| ()).unwrap_err().to_string()
    }

    #[test]
    fn values_become_flags() {
        let text = "listen = '127.0.0.1:1'\nrate_limit = 7\nrpc_url = ['ws://a', 'ws://b']\n";
        let entries = parse(Path::new("f"), text).unwrap();
        let arguments: Vec<_> = entries.iter().flat_map(Entry::arguments).collect();
        assert_eq!(
            arguments,
            ["--listen=127.0.0.1:1", "--rate-limit=7", "--rpc-url=ws://a", "--rpc-url=ws://b"]
        );
    }

    #[test]
    fn what_is_no_value_of_a_flag_is_named_and_not_repeated() {
        for value in ["1.5", "1979-05-27", "{ secret = 1 }", "[['secret']]", "[]", "'a\tsecret'"] {
            let said = error(&format!("listen = {value}"));
            assert!(said.starts_with("f.toml: listen: ") && !said.contains("secret"), "{said}");
        }
        assert!(error("[tls]\nsecret = 1").starts_with("f.toml: tls: "));
    }

    #[test]
    fn a_syntax_error_is_placed_and_the_line_not_repeated() {
        let said = error("\n\nrpc_url = wss://user:secret@node\n");
        assert!(said.starts_with("f.toml: line 3: "), "{said}");
        assert!(!said.contains("user") && !said.contains("secret"), "{said}");
        assert!(error("listen = 'a'\nlisten = 'b'").contains("duplicate key"));
    }

    #[test]
    fn a_file_is_bounded_also_if_it_has_no_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.toml");
        let comment = |len: usize| format!("#{}", "x".repeat(len.saturating_sub(1)));
        let most = usize::try_from(MAX_LEN).unwrap();
        std::fs::write(&path, comment(most)).unwrap();
        assert!(read(&path).unwrap().is_empty());
        std::fs::write(&path, comment(most + 1)).unwrap();
        assert!(matches!(read(&path), Err(ConfigError::TooLarge { .. })));
        assert!(matches!(read(Path::new("/dev/zero")), Err(ConfigError::TooLarge { .. })));
        std::fs::write(&path, [0xff, 0xfe]).unwrap();
        assert!(matches!(read(&path), Err(ConfigError::Unreadable { .. })));
        assert!(matches!(read(folder.path()), Err(ConfigError::Unreadable { .. })));
    }

    #[test]
    fn nested_lists_do_not_exhaust_the_stack() {
        let deep = format!("listen = {}", "[".repeat(60_000));
        assert!(matches!(parse(Path::new("f"), &deep), Err(ConfigError::NotToml { .. })));
    }
}
