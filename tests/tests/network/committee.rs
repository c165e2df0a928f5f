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
    devnet::{setup, Devnet, EnclaveConfig, EnclaveProcess},
    keys,
};
use tee_primitives::RawAccountId;
use tee_tests::{fail, passed, succeed, tee, tells, LIMIT, MEMBERS};
use tee_wallet::{
    chain::{calls, WaitFor},
    packets::ss58,
};

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

/// An enclave of an operator, beside the network's five, with money.
async fn started(devnet: &Devnet, uri: &str) -> anyhow::Result<EnclaveProcess> {
    let config = EnclaveConfig {
        name: format!("enclave-of-{}", uri.trim_start_matches('/')),
        port: 0,
        operator: Keypair::from_uri(&SecretUri::from_str(uri)?)?,
        machine: 99,
        measurement: None,
        isv_svn: None,
        next_abi: None,
        rpc_url: None,
        push: true,
    };
    let enclave = devnet.start_enclave(config).await?;
    let transfer = setup::fund_enclave(&account_of(devnet, &enclave).await?);
    devnet.chain().submit(&transfer, &dev::alice(), WaitFor::Inclusion, LIMIT).await?;
    Ok(enclave)
}

async fn account_of(devnet: &Devnet, enclave: &EnclaveProcess) -> anyhow::Result<RawAccountId> {
    let health = devnet.http().health(enclave.url()).await?;
    keys::account(&health.enclave_address)
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

    // An enclave that runs, and one that nobody runs.
    let eve = started(devnet, "//Eve").await?;
    let enclave = ss58(&account_of(devnet, &eve).await?);
    let operator = ss58(&eve.operator().public_key().0);
    let command = ["operator", "register", "--url", eve.url(), "--suri", "//Eve"];
    tells(&succeed(devnet, &command)?, "once it has attested, the committee can assign it")?;
    setup::wait_until_attested(devnet, &eve).await?;
    let status = succeed(devnet, &["operator", "status", "--operator", &operator])?;
    tells(&status, &format!("registered, waits for the committee: enclave {enclave}"))?;
    tells(&status, "attested (simulated), UpToDate, expires in ")?;

    let assign = ["committee", "assign", "--operator", &operator, "--cluster", &cluster];
    let refused = fail(devnet, &[&assign[..], &["--slot", "7"], &MEMBERS].concat())?;
    tells(&refused, "A slot with this number does not exist in a cluster.")?;
    let assign = ["assign", "--operator", &operator, "--cluster", &cluster, "--slot", "3"];
    let place = format!("assigned to slot 3 of cluster {cluster}");
    tells(&passed(devnet, &assign)?, &format!("enclave {enclave} of operator {operator} {place}"))?;

    let [other, _] = registered(devnet, "//Dave")?;
    let assign = ["committee", "assign", "--operator", &other, "--cluster", &cluster];
    let refused = fail(devnet, &[&assign[..], &["--slot", "2"], &MEMBERS].concat())?;
    tells(&refused, "NOT attested (simulated): the enclave has not attested")?;
    tells(&refused, "The enclave has no live attestation")?;
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
    tells(&refused, "The enclave has no live attestation")?;
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

pub async fn decisions_about_attestation_are_told_and_shown(
    devnet: &mut Devnet,
) -> anyhow::Result<()> {
    // Of code and a machine that nobody has.
    let measurement = format!("0x{}", "a7".repeat(32));
    let signer = "a8".repeat(32);
    let allow = ["allow-measurement", "--mr-enclave", &measurement, "--mr-signer", &signer];
    let told = passed(devnet, &[&allow[..], &["--min-isv-svn", "3"]].concat())?;
    tells(&told, &format!("measurement {measurement} is allowed; it counts from block #"))?;
    let again = fail(devnet, &[&["committee"], &allow[..], &MEMBERS].concat())?;
    tells(&again, "Attestation::MeasurementAlreadyAllowed")?;
    let status = succeed(devnet, &["status"])?;
    tells(&status, &format!("{measurement}, signed by 0x{signer}, product 0, security version 3"))?;
    let revoke = ["revoke-measurement", "--mr-enclave", &measurement];
    tells(&passed(devnet, &revoke)?, &format!("measurement {measurement} is revoked"))?;
    let again = fail(devnet, &[&["committee"], &revoke[..], &MEMBERS].concat())?;
    tells(&again, "Attestation::MeasurementNotAllowed")?;

    let platform = format!("0x{}", "a9".repeat(32));
    let told = passed(devnet, &["ban-platform", "--platform", &platform])?;
    tells(&told, &format!("machine {platform} is banned"))?;
    let told = passed(devnet, &["unban-platform", "--platform", &platform])?;
    tells(&told, &format!("machine {platform} is no longer banned"))?;

    let policy = ["set-policy", "--max-patch-age", "30", "--reviewed-advisory", "INTEL-SA-00334"];
    let told = passed(devnet, &policy)?;
    tells(&told, "advisories reviewed: INTEL-SA-00334, missing patches accepted for 30 d")?;
    tells(&told, "max_patch_age: 2592000")?;
    tells(&succeed(devnet, &["status"])?, "advisories reviewed: INTEL-SA-00334")?;
    let policy = ["set-policy", "--max-patch-age", "0", "--no-reviewed-advisory"];
    tells(&passed(devnet, &policy)?, "advisories reviewed: none, missing patches not accepted")?;

    let nothing = ["committee", "enact-evaluation", "--qe-identity"];
    let refused = fail(devnet, &[&nothing[..], &MEMBERS].concat())?;
    tells(&refused, "Attestation::NothingIsWaiting")?;

    let status: serde_json::Value =
        serde_json::from_slice(&tee(devnet, &["status", "--json"])?.output()?.stdout)?;
    ensure!(status["root"]["kind"] == "simulated", "{status}");
    ensure!(status["collateral_problem"].is_null(), "{status}");
    let slots = status["clusters"][0]["slots"].as_array().context("no slots")?;
    ensure!(slots.len() == 5, "{status}");
    for slot in slots {
        let attestation = &slot["attestation"];
        ensure!(attestation["live"] == true && attestation["problem"].is_null(), "{slot}");
        ensure!(attestation["tcb_status"] == "UpToDate", "{slot}");
        ensure!(slot["health"]["attestation"]["live"] == true, "{slot}");
    }
    Ok(())
}
