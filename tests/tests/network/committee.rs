// SPDX-License-Identifier: Apache-2.0
//! `tee committee` and `tee operator` as their users run them. Cluster 0 stays as it was.

use std::str::FromStr;

use anyhow::{bail, ensure, Context};
use subxt_signer::{
    sr25519::{dev, Keypair},
    SecretUri,
};
use tee_cli::{
    committee::{pass, Outcome},
    devnet::Devnet,
};
use tee_wallet::{chain::calls, packets::ss58};

use super::command_line::{said, tee};

const MEMBERS: [&str; 4] = ["--suri", "//Alice", "--suri", "//Bob"];

/// What a command printed that succeeded.
fn succeed(devnet: &Devnet, command: &[&str]) -> anyhow::Result<String> {
    let output = tee(devnet, command)?.output()?;
    ensure!(output.status.success(), "{command:?}: {}", said(&output));
    Ok(said(&output))
}

/// What a command printed that failed.
fn fail(devnet: &Devnet, command: &[&str]) -> anyhow::Result<String> {
    let output = tee(devnet, command)?.output()?;
    ensure!(!output.status.success(), "{command:?}: {}", said(&output));
    Ok(said(&output))
}

fn tells(text: &str, sentence: &str) -> anyhow::Result<()> {
    ensure!(text.contains(sentence), "{sentence:?} is not in:\n{text}");
    Ok(())
}

/// The hash of a motion in what was printed about it.
fn motion_in(text: &str) -> anyhow::Result<&str> {
    let (_, after) = text.split_once("--motion ").context("no motion is named")?;
    after.split_whitespace().next().context("the motion's hash is missing")
}

/// A motion that Alice proposed and voted for.
fn proposed(devnet: &Devnet, motion: &[&str]) -> anyhow::Result<String> {
    let told = succeed(devnet, &[&["committee"], motion, &["--suri", "//Alice"]].concat())?;
    tells(&told, "needs 1 more vote")?;
    Ok(motion_in(&told)?.to_owned())
}

/// A motion that two members pass; what was printed.
fn passed(devnet: &Devnet, motion: &[&str]) -> anyhow::Result<String> {
    let told = succeed(devnet, &[&["committee"], motion, &MEMBERS].concat())?;
    tells(&told, "carried out in block #")?;
    Ok(told)
}

/// Registers an enclave that nobody runs; the operator's and the enclave's address.
fn registered(devnet: &Devnet, uri: &str) -> anyhow::Result<[String; 2]> {
    let address = |uri: &str| -> anyhow::Result<String> {
        let key = Keypair::from_uri(&SecretUri::from_str(uri)?)?;
        Ok(ss58(&key.public_key().0))
    };
    let [operator, enclave] = [address(uri)?, address(&format!("{uri}//enclave"))?];
    let url = "http://127.0.0.1:9";
    let command = ["operator", "register", "--enclave", &enclave, "--url", url, "--suri", uri];
    let told = succeed(devnet, &command)?;
    tells(&told, &format!("enclave {enclave} of operator {operator} registered at {url:?}"))?;
    tells(&told, &format!("operator {operator} bonded"))?;
    Ok([operator, enclave])
}

pub async fn a_session_by_hand_tells_what_it_did_on_chain(
    devnet: &mut Devnet,
) -> anyhow::Result<()> {
    let id = devnet.chain().best().await?.next_cluster_id().await?;
    let cluster = id.to_string();

    // Each member by itself: one proposes, everybody sees it, the other one's vote carries it.
    let hash = proposed(devnet, &["create-cluster", "--type", "admin"])?;
    let open = succeed(devnet, &["committee", "motions"])?;
    tells(&open, &hash)?;
    tells(&open, "TEE.create_cluster(cluster_type: admin)")?;
    tells(&open, "1 of 2 votes")?;
    let again = ["committee", "vote", "--motion", &hash, "--suri", "//Alice"];
    tells(&fail(devnet, &again)?, "Duplicate vote ignored")?;
    let early = ["committee", "close", "--motion", &hash, "--suri", "//Alice"];
    tells(&fail(devnet, &early)?, "too early")?;
    let voted = succeed(devnet, &["committee", "vote", "--motion", &hash, "--suri", "//Bob"])?;
    tells(&voted, &format!("cluster {cluster} created (admin)"))?;
    tells(&voted, "carried out in block #")?;
    tells(&succeed(devnet, &["committee", "motions"])?, "no motion is open")?;

    let [operator, enclave] = registered(devnet, "//Eve")?;
    let assign = ["assign", "--operator", &operator, "--cluster", &cluster, "--slot", "3"];
    let place = format!("assigned to slot 3 of cluster {cluster}");
    tells(&passed(devnet, &assign)?, &format!("enclave {enclave} of operator {operator} {place}"))?;

    let [other, _] = registered(devnet, "//Dave")?;
    let assign = ["committee", "assign", "--operator", &other, "--cluster", &cluster];
    let refused = fail(devnet, &[&assign[..], &["--slot", "3"], &MEMBERS].concat())?;
    tells(&refused, "The slot is taken by another enclave.")?;
    let removed = passed(devnet, &["remove-registration", "--operator", &other])?;
    tells(&removed, &format!("registration of operator {other} removed"))?;

    let removed = passed(devnet, &["remove-enclave", "--operator", &operator])?;
    tells(&removed, &format!("enclave of operator {operator} removed"))?;
    let early = fail(devnet, &["operator", "withdraw", "--suri", "//Eve"])?;
    tells(&early, "The bonding period is not over yet.")?;
    let removed = passed(devnet, &["remove-cluster", "--cluster", &cluster])?;
    tells(&removed, &format!("cluster {cluster} removed"))?;
    ensure!(devnet.chain().best().await?.cluster(id).await?.is_none(), "it is there");

    Ok(())
}

pub async fn a_motion_that_fails_on_chain_tells_the_pallets_sentence(
    devnet: &mut Devnet,
) -> anyhow::Result<()> {
    let [operator, _] = registered(devnet, "//Dave")?;
    let before = devnet.chain().best().await?.cluster(0).await?;
    let motion = ["committee", "assign", "--operator", &operator, "--cluster", "0", "--slot", "2"];
    let refused = fail(devnet, &[&motion[..], &MEMBERS].concat())?;
    tells(&refused, "All slots of the cluster are taken.")?;
    ensure!(devnet.chain().best().await?.cluster(0).await? == before, "cluster 0 changed");
    let left = succeed(devnet, &["operator", "unregister", "--suri", "//Dave"])?;
    tells(&left, &format!("registration of operator {operator} removed"))
}

pub async fn a_mandate_whose_call_fails_is_told_as_a_failure(
    devnet: &mut Devnet,
) -> anyhow::Result<()> {
    let call = calls::remove_cluster(4_000_000_000).into_value();
    let mandate = calls::call("Mandate", "mandate", [call]);
    // The same key twice is one vote.
    let outcome = pass(devnet.chain(), &[dev::alice(), dev::alice()], mandate).await?;
    let Outcome::Waiting { motion, missing: 1 } = outcome else { bail!("{outcome:?}") };
    let hash = format!("0x{}", hex::encode(motion.hash));
    let told = fail(devnet, &["committee", "vote", "--motion", &hash, "--suri", "//Bob"])?;
    tells(&told, "There is no cluster with this id.")?;
    tells(&succeed(devnet, &["committee", "motions"])?, "no motion is open")
}

pub async fn a_motion_that_most_vote_against_is_rejected(
    devnet: &mut Devnet,
) -> anyhow::Result<()> {
    let before = devnet.chain().best().await?.staking_amount().await?;
    let hash = proposed(devnet, &["set-stake", "--amount", "0.5"])?;
    let vote = ["committee", "vote", "--nay", "--motion", &hash];
    let against = ["--suri", "//Bob", "--suri", "//Charlie"];
    let told = succeed(devnet, &[&vote[..], &against].concat())?;
    tells(&told, "rejected in block #")?;
    ensure!(devnet.chain().best().await?.staking_amount().await? == before, "the stake changed");
    Ok(())
}
