// SPDX-License-Identifier: Apache-2.0
//! `tee` as its user runs it.

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Command, Stdio},
};

use anyhow::{ensure, Context};
use subxt_signer::sr25519::dev;
use tee_cli::devnet::Devnet;
use tee_tests::{said, succeed, tee, tells};
use tee_wallet::{packets::ss58, recovery::RecoveryFile};

const OWNER: &str = "//Ferdie";

fn wallet(devnet: &Devnet, command: &[&str], key: &str) -> anyhow::Result<Command> {
    tee(devnet, &[&["wallet"], command, &["--suri", key]].concat())
}

fn path(path: &Path) -> anyhow::Result<&str> {
    path.to_str().context("the path is text")
}

/// The number after `NFT ` in what a command printed.
fn nft_in(text: &str) -> Option<&str> {
    let (_, after) = text.split_once("NFT ")?;
    after.split(|character: char| !character.is_ascii_digit()).next()
}

pub async fn a_killed_mint_is_resumed_and_viewed(devnet: &mut Devnet) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let [file, sealed, opened] =
        ["file", "file.sealed", "opened"].map(|name| folder.path().join(name));
    std::fs::write(&file, b"what must not be lost")?;

    // Killed as soon as the NFT exists: its key is nowhere but in the recovery file.
    let mint = ["mint", "--file", path(&file)?, "--out", path(&sealed)?];
    let mut minting = wallet(devnet, &mint, OWNER)?.stdout(Stdio::piped()).spawn()?;
    let lines = BufReader::new(minting.stdout.take().context("no output")?).lines();
    let created = lines.map_while(Result::ok).find(|line| line.contains("created in block"));
    minting.kill()?;
    minting.wait()?;
    let created = created.context("it ended before the NFT was created")?;
    let nft_id = nft_in(&created).context("no NFT in its output")?;
    let recovery = RecoveryFile::path_for(&sealed);
    ensure!(recovery.is_file(), "the key is gone");

    // Neither another account nor another NFT costs the key.
    let resume = ["resume", "--recovery", path(&recovery)?];
    ensure!(!wallet(devnet, &resume, "//Eve")?.output()?.status.success());
    let wrong = [&resume[..], &["--nft", "4000000000"]].concat();
    ensure!(!wallet(devnet, &wrong, OWNER)?.output()?.status.success());
    ensure!(recovery.is_file(), "the key is gone");

    let resumed = wallet(devnet, &[&resume[..], &["--nft", nft_id]].concat(), OWNER)?.output()?;
    ensure!(resumed.status.success(), "{}", said(&resumed));
    ensure!(!recovery.exists(), "the key is left on disk");

    let view = ["view", "--nft", nft_id, "--media", path(&sealed)?, "--out", path(&opened)?];
    let stranger = wallet(devnet, &view, "//Eve")?.output()?;
    ensure!(!stranger.status.success() && !opened.exists(), "{}", said(&stranger));
    let viewed = wallet(devnet, &view, OWNER)?.output()?;
    ensure!(viewed.status.success(), "{}", said(&viewed));
    ensure!(std::fs::read(&opened)? == std::fs::read(&file)?, "another file came back");

    // Everybody can see that: the minting looks whether the key comes back, and its owner has viewed it.
    let told = succeed(devnet, &["wallet", "history", "--nft", nft_id])?;
    let owner = ss58(&dev::ferdie().public_key().0);
    tells(&told, &format!("stored by {owner} (owner), by the log of 5 enclave(s)"))?;
    tells(&told, &format!("viewed by {owner} (owner), by the log of "))?;
    let stranger = ss58(&dev::eve().public_key().0);
    ensure!(!told.contains(&stranger), "{told}");
    Ok(())
}
