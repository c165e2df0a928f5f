// SPDX-License-Identifier: Apache-2.0
//! Chain specifications that differ from the development network's in a few values.
//!
//! They are changed as text: amounts of money in them are larger than JSON libraries keep exactly.

use std::{collections::BTreeMap, path::Path, process::Command};

use anyhow::{ensure, Context};

use super::node::COMMAND_LIMIT;
use crate::process::run_to_end;

/// A chain specification, as JSON.
#[derive(Clone, Debug)]
pub struct Spec(String);

/// The development network's, as the node's program writes it.
pub async fn export(node: &Path) -> anyhow::Result<Spec> {
    Ok(Spec(run_export(node, &["--chain", "dev"]).await?))
}

/// Writes the raw form of the specification that `chain` names on the node's command line: what
/// enclaves trust.
pub async fn export_raw(node: &Path, chain: &str, path: &Path) -> anyhow::Result<()> {
    let exported = run_export(node, &["--raw", "--chain", chain]).await?;
    std::fs::write(path, exported).with_context(|| format!("cannot write {}", path.display()))
}

async fn run_export(node: &Path, arguments: &[&str]) -> anyhow::Result<String> {
    let mut command = Command::new(node);
    command.arg("export-chain-spec").args(arguments);
    let exported = run_to_end(command, COMMAND_LIMIT).await;
    exported.context("the chain's specification cannot be exported")
}

impl Spec {
    /// Sets periods, by their names.
    pub fn set_periods(&mut self, periods: &BTreeMap<&'static str, u64>) -> anyhow::Result<()> {
        for (name, period) in periods {
            self.set(name, &period.to_string())?;
        }
        Ok(())
    }

    /// Sets a value; `value` is JSON, and replaces a number or a string.
    pub fn set(&mut self, name: &str, value: &str) -> anyhow::Result<()> {
        let Self(text) = self;
        let key = format!("\"{name}\":");
        let mut places = text.match_indices(&key).map(|(at, _)| at + key.len());
        let begin = places.next();
        let begin = begin.with_context(|| format!("the specification has no {name}"))?;
        ensure!(places.next().is_none(), "the specification has {name} more than once");
        let length = text[begin..].find([',', '\n', '}']);
        let length = length.context("the specification ends too early")?;
        text.replace_range(begin..begin + length, &format!(" {value}"));
        Ok(())
    }

    /// Writes it to a file, whose path names the chain on the node's command line.
    pub fn write(&self, path: &Path) -> anyhow::Result<String> {
        std::fs::write(path, &self.0)
            .with_context(|| format!("cannot write {}", path.display()))?;
        let path = path.to_str().context("the folder's name is not text")?;
        Ok(path.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPEC: &str = r#"{
  "name": "Development",
  "chainType": "Development",
  "balances": [100000000000000000000000000],
  "periods": {
    "attestationValidity": 600,
    "measurementDelay": 10
  }
}"#;

    #[test]
    fn only_what_is_set_is_changed() {
        let mut spec = Spec(SPEC.to_owned());
        spec.set_periods(&BTreeMap::from([("attestationValidity", 45), ("measurementDelay", 0)]))
            .unwrap();
        spec.set("chainType", "\"Live\"").unwrap();
        let expected = SPEC
            .replace("\"attestationValidity\": 600", "\"attestationValidity\": 45")
            .replace("\"measurementDelay\": 10", "\"measurementDelay\": 0")
            .replace("\"chainType\": \"Development\"", "\"chainType\": \"Live\"");
        assert_eq!(spec.0, expected);
    }

    #[test]
    fn what_is_not_there_or_there_twice_is_an_error() {
        let mut spec = Spec(SPEC.to_owned());
        assert!(spec.set("sessionLength", "1").is_err());
        let mut twice = Spec([SPEC, SPEC].concat());
        assert!(twice.set("measurementDelay", "1").is_err());
    }
}
