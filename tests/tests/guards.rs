// SPDX-License-Identifier: Apache-2.0
//! What must never be shipped is not in what is shipped: the simulator and its keys are in no
//! production program, and a live chain does not start with a root of trust that is not Intel's.

use std::{
    env, fs,
    io::BufRead,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use anyhow::{ensure, Context};
use tee_cli::{
    devnet::{spec, Binaries, NodeConfig, NodeProcess},
    process::ProcessError,
};
use tee_simulator::{authority::ROOT_NAME, Authority, DEVELOPMENT_SEED};

/// What is run or linked in production.
const PRODUCTION: [&str; 6] =
    ["tee-runtime", "tee-node", "tee-enclave", "tee-wallet", "tee-cli", "tee-dcap"];

/// Packages that a package is built from, without those of its tests.
fn dependencies(package: &str) -> anyhow::Result<Vec<String>> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["tree", "--locked", "--offline", "--edges", "normal,build", "--prefix", "none"])
        .args(["--format", "{p}", "--package", package])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()?;
    let error = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "cargo tree of {package}: {error}");
    let text = String::from_utf8(output.stdout)?;
    let names = text.lines().filter_map(|line| line.split_whitespace().next());
    Ok(names.map(str::to_owned).collect())
}

#[test]
fn no_production_package_is_built_from_the_simulator() -> anyhow::Result<()> {
    for package in PRODUCTION {
        let packages = dependencies(package)?;
        ensure!(packages.iter().any(|name| name == package), "{package} is not in its own tree");
        for forbidden in ["tee-simulator", "tee-enclave-simulated"] {
            ensure!(
                package == forbidden || !packages.iter().any(|name| name == forbidden),
                "{package} is built from {forbidden}"
            );
        }
    }
    // Were it there, it would be found.
    let simulated = dependencies("tee-enclave-simulated")?;
    ensure!(simulated.iter().any(|name| name == "tee-simulator"), "{simulated:?}");
    Ok(())
}

/// The folder of the built programs.
fn programs() -> anyhow::Result<PathBuf> {
    let node = Binaries::beside_this()?.node;
    Ok(node.parent().context("the programs are in a folder")?.to_owned())
}

/// Whether bytes are somewhere in others.
fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    let Some((first, rest)) = needle.split_first() else { return true };
    let mut unread = haystack;
    // The library's search for a byte is fast also in a test that is not optimized.
    while unread.skip_until(*first).is_ok_and(|skipped| skipped > 0) {
        let end = haystack.len() - unread.len();
        if haystack[end - 1] == *first && unread.starts_with(rest) {
            return true;
        }
    }
    false
}

/// Bytes that may not be in a program, as bytes and in hexadecimal digits.
fn forms(name: &'static str, secret: &[u8]) -> [(&'static str, Vec<u8>); 3] {
    let digits = hex::encode(secret);
    [(name, secret.to_vec()), (name, digits.to_uppercase().into()), (name, digits.into())]
}

fn secrets() -> Vec<(&'static str, Vec<u8>)> {
    let secret = Authority::development().root_secret();
    [forms("seed", &DEVELOPMENT_SEED), forms("private key", &secret)].concat()
}

fn free_of(path: &Path, forbidden: &[(&str, Vec<u8>)]) -> anyhow::Result<()> {
    let program = fs::read(path).with_context(|| format!("{} cannot be read", path.display()))?;
    for (name, bytes) in forbidden {
        ensure!(
            !contains(&program, bytes),
            "{} holds the development root's {name}",
            path.display()
        );
    }
    Ok(())
}

#[test]
fn a_search_finds_what_is_there() {
    let haystack = b"xxabcabd";
    for found in ["x", "xxa", "abd", "cab", "d", "xxabcabd"] {
        assert!(contains(haystack, found.as_bytes()), "{found}");
    }
    for absent in ["abe", "xxx", "dd", "xxabcabdx", "z"] {
        assert!(!contains(haystack, absent.as_bytes()), "{absent}");
    }
}

#[test]
fn no_production_program_holds_the_development_roots_keys() -> anyhow::Result<()> {
    let folder = programs()?;
    let secrets = secrets();
    for program in ["tee-node", "tee"] {
        free_of(&folder.join(program), &secrets)?;
    }

    // The enclave's trusts Intel's root only: the other one's certificate is not in it either.
    let root = Authority::development();
    let certificate = [
        forms("certificate", root.root_der()).to_vec(),
        forms("name", ROOT_NAME.as_bytes()).to_vec(),
    ];
    let more: Vec<_> = secrets.iter().cloned().chain(certificate.concat()).collect();
    free_of(&folder.join("tee-enclave"), &more)?;

    // Were they there, they would be found.
    let simulator = fs::read(folder.join("tee-simulator"))?;
    for bytes in [&DEVELOPMENT_SEED[..], ROOT_NAME.as_bytes()] {
        ensure!(contains(&simulator, bytes), "the simulator does not hold its own root");
    }
    Ok(())
}

#[test]
fn the_runtime_holds_the_development_roots_certificate_and_no_key() -> anyhow::Result<()> {
    // Uncompressed, as the one that is shipped is not.
    let wasm = programs()?.join("wbuild/tee-runtime/tee_runtime.wasm");
    free_of(&wasm, &secrets())?;
    // For the development presets. It also shows that something can be found in it.
    let root = Authority::development();
    ensure!(contains(&fs::read(&wasm)?, root.root_der()), "the presets lack the development root");
    Ok(())
}

/// A node of the development network's specification with these changes.
async fn start(dir: &Path, changes: &[(&str, String)]) -> anyhow::Result<NodeProcess> {
    let program = Binaries::beside_this()?.node;
    let mut chain = spec::export(&program).await?;
    for (name, value) in changes {
        chain.set(name, value)?;
    }
    let chain = chain.write(&dir.join("chain.json"))?;
    let config = NodeConfig {
        program,
        name: String::from("node"),
        dir: dir.to_owned(),
        rpc_port: 0,
        arguments: vec![String::from("--chain"), chain],
    };
    Ok(NodeProcess::spawn(config).await?)
}

#[tokio::test]
async fn a_live_chain_does_not_start_with_another_root_than_intels() -> anyhow::Result<()> {
    let live = [("chainType", String::from("\"Live\""))];
    let folder = tempfile::tempdir()?;
    let error = start(folder.path(), &live).await.err().context("it started")?;
    let ended = error.downcast_ref::<ProcessError>();
    ensure!(
        matches!(ended, Some(ProcessError::Ended { status, .. }) if !status.success()),
        "it did not end with a failure: {error}"
    );
    let text = error.to_string();
    ensure!(text.contains("attestation root is not Intel's"), "{text}");

    // With Intel's it does.
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    let intel = fs::read(manifest.join("../attestation/dcap/src/intel_sgx_root_ca.der"))?;
    let root = ("root", format!("\"0x{}\"", hex::encode(intel)));
    let folder = tempfile::tempdir()?;
    let mut node = start(folder.path(), &[&live[..], &[root]].concat()).await?;
    node.check_running()?;
    node.stop(Duration::from_secs(20)).await?;
    Ok(())
}
