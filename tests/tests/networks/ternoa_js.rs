// SPDX-License-Identifier: Apache-2.0
//! The published ternoa-js, as its users install it, against networks with cluster 0 in service:
//! `tests/ternoa-js` has the scripts.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{ensure, Context};
use tee_cli::{
    devnet::{Devnet, DevnetConfig, DevnetTls},
    report::Report,
};
use tokio::{process::Command, sync::OnceCell, time::timeout};

/// What decides which packages are installed.
const PACKAGE_FILES: [&str; 3] = ["package.json", "package-lock.json", ".npmrc"];

/// What is run with them.
const SCRIPTS: [&str; 5] = ["main.js", "tls.js", "harness.js", "ipfs.js", "steps"];

const INSTALL_LIMIT: Duration = Duration::from_secs(300);

const SCRIPT_LIMIT: Duration = Duration::from_secs(240);

/// Runs a program to its end; fails with its output unless it succeeds in time.
async fn run(command: &mut Command, limit: Duration, log: &Path) -> anyhow::Result<()> {
    let program = command.as_std().get_program().to_string_lossy().into_owned();
    let output = File::create(log)?;
    command.stdout(output.try_clone()?).stderr(output).kill_on_drop(true);
    let mut child = command.spawn().with_context(|| {
        format!("{program} cannot be started; scripts/setup.sh installs Node.js and npm")
    })?;
    let ended = timeout(limit, child.wait()).await;
    let said = || fs::read_to_string(log).unwrap_or_default();
    let status = ended.with_context(|| format!("{program} did not end in time:\n{}", said()))??;
    ensure!(status.success(), "{program} ended with {status}:\n{}", said());
    Ok(())
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    if !from.is_dir() {
        return fs::copy(from, to).map(|_| ());
    }
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        copy(&entry.path(), &to.join(entry.file_name()))?;
    }
    Ok(())
}

/// A folder with the packages of the lock file: installed once, and again when it changes.
async fn installed(source: &Path, folder: &Path) -> anyhow::Result<PathBuf> {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("ternoa-js");
    let same = |name: &str| match (fs::read(source.join(name)), fs::read(dir.join(name))) {
        (Ok(wanted), Ok(there)) => wanted == there,
        _ => false,
    };
    if PACKAGE_FILES.iter().all(|name| same(name)) {
        return Ok(dir);
    }
    // It gets its name when it is complete.
    let unfinished = dir.with_extension("unfinished");
    for old in [&dir, &unfinished] {
        if old.exists() {
            fs::remove_dir_all(old)?;
        }
    }
    fs::create_dir_all(&unfinished)?;
    for name in PACKAGE_FILES {
        copy(&source.join(name), &unfinished.join(name))?;
    }
    let mut npm = Command::new("npm");
    npm.args(["ci", "--ignore-scripts"]).current_dir(&unfinished);
    run(&mut npm, INSTALL_LIMIT, &folder.join("npm.log")).await?;
    fs::rename(&unfinished, &dir)?;
    Ok(dir)
}

/// A folder with the packages and the scripts: prepared once for all tests.
async fn prepared(folder: &Path) -> anyhow::Result<&'static Path> {
    static PREPARED: OnceCell<PathBuf> = OnceCell::const_new();
    let prepare = || async {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("ternoa-js");
        let dir = installed(&source, folder).await?;
        for name in SCRIPTS {
            copy(&source.join(name), &dir.join(name))?;
        }
        anyhow::Ok(dir)
    };
    Ok(PREPARED.get_or_try_init(prepare).await?)
}

#[tokio::test]
async fn the_published_client_works_unmodified() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let dir = prepared(folder.path()).await?;

    let config = DevnetConfig::new(folder.path().join("net"))?;
    let mut devnet = Devnet::start(config, Report::quiet()).await?;
    let mut node = Command::new("node");
    node.arg("main.js").current_dir(dir).env("TERNOA_ENDPOINT", devnet.ws_url());
    run(&mut node, SCRIPT_LIMIT, &folder.path().join("script.log")).await?;
    devnet.check_running()?;
    devnet.down().await
}

/// It speaks HTTPS only, and believes the machine's authorities. Blocks take 3 seconds: it retries at
/// once and not for long, and its users' blocks take 6.
#[tokio::test]
async fn the_published_client_stores_and_views_over_tls() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let dir = prepared(folder.path()).await?;
    let config = DevnetConfig {
        tls: DevnetTls::Authority,
        periods: BTreeMap::from([("slotDuration", 3000)]),
        ..DevnetConfig::new(folder.path().join("net"))?
    };
    let mut devnet = Devnet::start(config, Report::quiet()).await?;
    let block = devnet.chain().finalized().await?;
    for member in block.members(0).await?.enclaves {
        ensure!(member.url.starts_with("https://"), "an enclave is at {}", member.url);
        // The enclaves' keys are files.
        ensure!(member.tls_spki_hash == [0; 32], "slot {} has attested a key", member.slot_id);
    }
    let script = |ca: &Path| {
        let mut node = Command::new("node");
        node.arg("tls.js").current_dir(dir).env("TERNOA_ENDPOINT", devnet.ws_url());
        node.env("NODE_EXTRA_CA_CERTS", ca);
        node
    };
    // Without the network's authority it believes no enclave.
    let empty = folder.path().join("empty.pem");
    fs::write(&empty, "")?;
    let log = folder.path().join("refused.log");
    let refused = run(&mut script(&empty), SCRIPT_LIMIT, &log).await;
    let refused = format!("{:#}", refused.err().context("an unknown authority was believed")?);
    ensure!(refused.contains("failed  finds every enclave healthy"), "{refused}");

    let ca = devnet.ca().context("the network has no authority")?;
    run(&mut script(ca), SCRIPT_LIMIT, &folder.path().join("script.log")).await?;
    devnet.check_running()?;
    devnet.down().await
}
