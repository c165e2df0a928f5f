// SPDX-License-Identifier: Apache-2.0
//! Tests of what the documents say of the code, as far as a program can tell.

use std::{
    collections::{BTreeMap, HashSet},
    fs,
    path::{Path, PathBuf},
};

use crate::config::production;

/// Flaws of the existing enclave that concern this one's service: each has a row in docs/flaws.md.
const FLAWS: [&str; 30] = [
    "F3", "F4", "F5", "F6", "F7", "F8", "F9", "F10", "F11", "F22", "F26", "F27", "F28", "F29",
    "F31", "F38", "F39", "F40", "F41", "F42", "F43", "F44", "F45", "F46", "F47", "F48", "G1", "G3",
    "G6", "G8",
];

/// Folders with sources of tests.
const SOURCES: [&str; 10] = [
    "attestation",
    "cli",
    "enclave",
    "node-template",
    "pallets",
    "primitives",
    "runtime",
    "tests",
    "tls",
    "wallet",
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn document(name: &str) -> String {
    fs::read_to_string(root().join("docs").join(name)).unwrap_or_else(|_| panic!("no {name}"))
}

/// Names of the functions in all sources that are marked as tests.
fn tests() -> HashSet<String> {
    let mut folders: Vec<_> = SOURCES.iter().map(|name| root().join(name)).collect();
    let mut found = HashSet::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap();
            if path.is_dir() {
                if !["target", "node_modules", "fuzz"].contains(&name) {
                    folders.push(path);
                }
            } else if name.ends_with(".rs") {
                of_source(&fs::read_to_string(&path).unwrap(), &mut found);
            }
        }
    }
    found
}

fn of_source(source: &str, found: &mut HashSet<String>) {
    let mut is_test = false;
    for line in source.lines().map(str::trim_start) {
        // End-to-end tests are named in a list, or are functions of a network that is given to them.
        if line.starts_with("#[test]") || line.starts_with("#[tokio::test") {
            is_test = true;
        } else if let Some((before, rest)) = line.split_once("fn ") {
            let is_of_network = before.ends_with("async ") && rest.contains("-> anyhow::Result");
            if is_test || is_of_network {
                let name = rest.split(['(', '<']).next().unwrap_or_default();
                found.insert(name.to_owned());
            }
            is_test = false;
        }
    }
}

/// The parts of a line that stand between two marks.
fn between<'a>(text: &'a str, open: &str, close: char) -> Vec<&'a str> {
    text.split(open).skip(1).filter_map(|rest| rest.split(close).next()).collect()
}

/// The flaws, and in what their rows say that they went.
fn rows(document: &str) -> BTreeMap<&str, &str> {
    let mut rows = BTreeMap::new();
    for line in document.lines().filter(|line| line.starts_with("| F") || line.starts_with("| G")) {
        let mut cells = line.trim_matches('|').splitn(3, '|').map(str::trim);
        let (name, row) = (cells.next().unwrap(), cells.nth(1).unwrap());
        assert_eq!(rows.insert(name, row), None, "{name} twice");
    }
    rows
}

#[test]
fn every_flaw_has_a_test_that_exists_or_a_decision() {
    let document = document("flaws.md");
    let (rows, tests) = (rows(&document), tests());
    assert!(tests.contains("every_flaw_has_a_test_that_exists_or_a_decision"));
    assert!(!tests.contains("of_source"));
    for flaw in FLAWS {
        let row = rows.get(flaw).unwrap_or_else(|| panic!("{flaw} has no row"));
        let names: Vec<_> =
            row.split('`').skip(1).step_by(2).filter(|name| name.contains('_')).collect();
        for name in &names {
            assert!(tests.contains(*name), "{flaw}: there is no test {name}");
        }
        let decisions = between(row, "](decisions/", ')');
        for file in &decisions {
            assert!(root().join("docs/decisions").join(file).exists(), "{flaw}: no {file}");
        }
        assert!(!names.is_empty() || !decisions.is_empty(), "{flaw} has neither");
    }
    assert_eq!(rows.len(), FLAWS.len());
}

/// What operators may set is what both documents describe.
#[test]
fn every_key_of_the_configuration_is_described() {
    let (operators, security) = (document("operators.md"), document("security.md"));
    for key in production::KEYS {
        let described = |text: &str| {
            let mut rows = text.lines().filter_map(|line| line.strip_prefix("| `"));
            rows.any(|row| {
                let names = row.split('|').next().unwrap_or_default();
                names.split(['`', ',', ' ']).any(|name| name == key)
            })
        };
        assert!(described(&operators), "operators.md: {key}");
        assert!(described(&security), "security.md: {key}");
    }
}

/// Every decision has a row, and no row leads nowhere.
#[test]
fn every_decision_is_listed() {
    let list = document("decisions/README.md");
    let listed: HashSet<_> = between(&list, "](", ')').into_iter().map(str::to_owned).collect();
    let files = fs::read_dir(root().join("docs/decisions")).unwrap();
    let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
    let written: HashSet<_> = names.filter(|name| name != "README.md").collect();
    assert_eq!(listed, written);
}
