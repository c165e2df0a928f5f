// SPDX-License-Identifier: Apache-2.0
//! Where the programs of a network are.

use std::{
    env,
    path::{Path, PathBuf},
};

use anyhow::Context;

/// Environment variable that names the node's program.
pub const NODE_VARIABLE: &str = "TEE_NODE_BIN";

/// Environment variable that names the simulated enclave's program.
pub const ENCLAVE_VARIABLE: &str = "TEE_ENCLAVE_BIN";

/// Environment variable that names the simulator's program.
pub const SIMULATOR_VARIABLE: &str = "TEE_SIMULATOR_BIN";

const NODE: &str = "tee-node";
const ENCLAVE: &str = "tee-enclave-simulated";
const SIMULATOR: &str = "tee-simulator";

/// The programs.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Binaries {
    /// `tee-node`.
    pub node: PathBuf,
    /// `tee-enclave-simulated`.
    pub enclave: PathBuf,
    /// `tee-simulator`, which serves the collateral of the simulated hardware.
    pub simulator: PathBuf,
}

impl Binaries {
    /// Each program, in this order: the path given, the environment variable, the folder of the
    /// running program, and its parent, where cargo puts programs when the running one is a test.
    pub fn find(
        node: Option<PathBuf>,
        enclave: Option<PathBuf>,
        simulator: Option<PathBuf>,
    ) -> anyhow::Result<Self> {
        let own = env::current_exe().context("cannot find the folder of this program")?;
        let folders: Vec<&Path> = own.ancestors().skip(1).take(2).collect();
        let program = |named: Option<PathBuf>, program, option, variable_name| {
            let named = named.or_else(|| variable(variable_name));
            find(named, program, &folders)
                .with_context(|| not_found(program, option, variable_name))
        };
        Ok(Self {
            node: program(node, NODE, "--node-bin", NODE_VARIABLE)?,
            enclave: program(enclave, ENCLAVE, "--enclave-bin", ENCLAVE_VARIABLE)?,
            simulator: program(simulator, SIMULATOR, "--simulator-bin", SIMULATOR_VARIABLE)?,
        })
    }

    /// The programs found without being told.
    pub fn beside_this() -> anyhow::Result<Self> {
        Self::find(None, None, None)
    }
}

fn variable(name: &str) -> Option<PathBuf> {
    env::var_os(name).map(PathBuf::from)
}

fn find(named: Option<PathBuf>, program: &str, folders: &[&Path]) -> Option<PathBuf> {
    let candidates = match named {
        Some(path) => vec![path],
        None => folders.iter().map(|folder| folder.join(program)).collect(),
    };
    candidates.into_iter().find(|path| path.is_file())
}

fn not_found(program: &str, option: &str, variable: &str) -> String {
    format!(
        "{program} was not found: build it with `cargo build --workspace`, or say where it is with \
         {option} or {variable}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_found_where_it_was_named_or_beside_this_one() {
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("deps");
        std::fs::create_dir(&inner).unwrap();
        let program = folder.path().join(NODE);
        assert_eq!(find(None, NODE, &[&inner, folder.path()]), None);
        std::fs::write(&program, "").unwrap();
        assert_eq!(find(None, NODE, &[&inner, folder.path()]), Some(program.clone()));
        assert_eq!(find(Some(program.clone()), NODE, &[]), Some(program));
        assert_eq!(find(Some(inner.join("absent")), NODE, &[folder.path()]), None);
    }
}
