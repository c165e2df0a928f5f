// SPDX-License-Identifier: Apache-2.0
//! `tee demo` as its user runs it: it ends with matching hashes, and leaves nothing running, also
//! when it is interrupted.

use std::{
    fs,
    io::{BufRead, BufReader, Read},
    path::Path,
    process::{Child, Command, Stdio},
};

use anyhow::{ensure, Context};
use tee_cli::devnet::Binaries;
use tee_tests::until;

fn demo(dir: &Path, file: Option<&Path>, more: &[&str]) -> anyhow::Result<Child> {
    let node = Binaries::beside_this()?.node;
    let program = node.parent().context("the programs are in a folder")?.join("tee");
    let mut command = Command::new(program);
    command.arg("demo").arg("--dir").arg(dir).args(more);
    if let Some(file) = file {
        command.arg("--file").arg(file);
    }
    Ok(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?)
}

/// The programs that run with this folder on their command line, or in it.
fn running_in(dir: &Path) -> anyhow::Result<Vec<String>> {
    let folder = dir.to_string_lossy();
    let mut running = Vec::new();
    for process in fs::read_dir("/proc")? {
        let process = process?.path();
        let Ok(command) = fs::read(process.join("cmdline")) else { continue };
        let command = String::from_utf8_lossy(&command).replace('\0', " ");
        let is_in = fs::read_link(process.join("cwd")).is_ok_and(|cwd| cwd.starts_with(dir));
        if is_in || command.contains(&*folder) {
            running.push(command);
        }
    }
    Ok(running)
}

#[test]
fn a_file_outlives_two_of_its_five_enclaves() -> anyhow::Result<()> {
    outlives(&[], "http://")
}

/// No authority vouches for the enclaves' certificates: the wallet finds their keys on the chain.
#[test]
fn a_file_outlives_two_of_its_five_enclaves_over_tls() -> anyhow::Result<()> {
    outlives(&["--tls"], "https://")
}

fn outlives(more: &[&str], scheme: &str) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let (dir, file) = (folder.path().join("net"), folder.path().join("file"));
    let content: Vec<u8> = (0..70_000u32).flat_map(u32::to_le_bytes).collect();
    fs::write(&file, &content)?;

    let output = demo(&dir, Some(&file), more)?.wait_with_output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{text}\n{errors}");
    for step in 1..=6 {
        ensure!(text.contains(&format!("[{step}/6]")), "step {step} is missing:\n{text}");
    }
    ensure!(text.contains("attested by the chain (simulated hardware)"), "{text}");
    ensure!(text.matches(&format!("{scheme}127.0.0.1:")).count() == 5, "{text}");
    let hashes: Vec<&str> = text
        .lines()
        .filter(|line| line.contains("sha256"))
        .filter_map(|line| line.split_whitespace().last())
        .collect();
    ensure!(hashes.len() == 2 && hashes[0] == hashes[1], "{hashes:?}");
    ensure!(fs::read(dir.join("recovered"))? == content, "another file came back");
    let left = running_in(&dir)?;
    ensure!(left.is_empty(), "left running: {left:?}");
    Ok(())
}

/// Ends a demo by a signal once its enclaves run; returns whether it says that it succeeded.
fn end_by(signal: &str, dir: &Path) -> anyhow::Result<bool> {
    let mut demo = demo(dir, None, &[])?;
    let mut lines = BufReader::new(demo.stdout.take().context("no output")?).lines();
    let enclaves_run = lines.find(|line| line.as_ref().map_or(true, |line| line.contains("[2/6]")));
    enclaves_run.context("it ended before its enclaves ran")??;
    let running = running_in(dir)?;
    ensure!(running.len() == 8, "not itself, a node, a PCCS and five enclaves: {running:?}");
    ensure!(Command::new("kill").args([signal, &demo.id().to_string()]).status()?.success());
    Ok(demo.wait()?.success())
}

#[test]
fn an_interrupted_demo_leaves_nothing_running() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let dir = folder.path().join("net");
    ensure!(!end_by("-INT", &dir)?, "an interrupted demo did not show what it should");
    let left = running_in(&dir)?;
    ensure!(left.is_empty(), "left running: {left:?}");
    Ok(())
}

#[tokio::test]
async fn a_killed_demo_leaves_nothing_running() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let dir = folder.path().join("net");
    ensure!(!end_by("-KILL", &dir)?);
    // The system ends them a moment later.
    until("the end of the processes", || async { Ok(running_in(&dir)?.is_empty()) }).await
}

#[test]
fn a_missing_file_is_named_and_nothing_is_started() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let (dir, file) = (folder.path().join("net"), folder.path().join("absent"));
    let mut demo = demo(&dir, Some(&file), &[])?;
    let mut errors = String::new();
    demo.stderr.take().context("no errors")?.read_to_string(&mut errors)?;
    ensure!(!demo.wait()?.success());
    ensure!(errors.contains("absent is not a file"), "{errors}");
    ensure!(!dir.exists(), "a network was begun");
    Ok(())
}
