// SPDX-License-Identifier: Apache-2.0
//! A machine is lost with its account, its store and its place, and the other cluster's enclave of that
//! slot has lost its store: a cold backup is what brings the shares to the successor, and the other
//! enclave opens it.

use std::{fs, path::Path};

use anyhow::{ensure, Context};
use subxt_signer::sr25519::dev;
use tee_cli::{
    devnet::{setup, Devnet, DevnetConfig, EnclaveConfig, EnclaveProcess},
    keys,
    report::Report,
};
use tee_primitives::packet::RequesterType;
use tee_tests::{create_synced, fail, passed, post, succeed, tells, until, Unsynced, LIMIT};
use tee_wallet::{
    chain::WaitFor,
    packets::{retrieve_packet, ss58},
};

/// The slot whose enclave is lost, in cluster 0; five further on is the same slot of cluster 1.
const SLOT: usize = 2;
const REPLICA: usize = SLOT + 5;

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_machines_shares_come_back_from_its_backup() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let config = DevnetConfig { clusters: 2, ..DevnetConfig::new(folder.path().join("net"))? };
    let mut devnet = Devnet::start(config, Report::quiet()).await?;
    let tried = try_all(&mut devnet, folder.path()).await;
    if tried.is_err() {
        eprintln!("logs: {}", folder.keep().display());
    }
    tried?;
    devnet.down().await
}

async fn try_all(devnet: &mut Devnet, folder: &Path) -> anyhow::Result<()> {
    let nfts =
        [create_synced(devnet, &dev::dave()).await?, create_synced(devnet, &dev::dave()).await?];
    let file = folder.join("slot.backup");
    let file = file.to_str().context("the folder's name is no text")?;
    let lost = devnet.account(SLOT).await?;
    is_backed_up_for_both_clusters(devnet, file).await?;

    devnet.enclaves[SLOT].wipe()?;
    devnet.enclaves[REPLICA].kill()?;
    fs::remove_file(devnet.enclaves[REPLICA].data_dir().join("store.redb"))?;
    devnet.enclaves[REPLICA].restart().await?;
    setup::wait_until_attested(devnet, &devnet.enclaves[REPLICA]).await?;
    let successor = a_successor_on_another_machine_gets_nothing_by_itself(devnet).await?;
    let restore = ["operator", "restore", "--url", successor.url(), "--file", file];
    let told = fail(devnet, &[&restore[..], &["--suri", "//Operator1"]].concat())?;
    tells(&told, "NOTTHEOPERATOR")?;
    let key = format!("//Operator{}", SLOT + 1);
    let told = succeed(devnet, &[&restore[..], &["--suri", &key]].concat())?;
    let replica = ss58(&devnet.account(REPLICA).await?);
    tells(&told, &format!("2 kept, 0 skipped, 0 refused (opened by enclave {replica})"))?;

    takes_the_slot_over(devnet, successor, &lost).await?;
    for nft in &nfts {
        serves(devnet, nft).await?;
    }
    Ok(())
}

async fn is_backed_up_for_both_clusters(devnet: &Devnet, file: &str) -> anyhow::Result<()> {
    let url = devnet.enclaves[SLOT].url();
    let key = format!("//Operator{}", SLOT + 1);
    let command = ["operator", "backup", "--url", url, "--out", file];
    let told = fail(devnet, &[&command[..], &["--suri", "//Alice"]].concat())?;
    tells(&told, "NOTTHEOPERATOR")?;
    ensure!(!Path::new(file).exists(), "a stranger got a file");
    let told = succeed(devnet, &[&command[..], &["--suri", &key]].concat())?;
    tells(&told, "2 shares, whose key is wrapped for")?;
    for index in [SLOT, REPLICA] {
        tells(&told, &ss58(&devnet.account(index).await?))?;
    }
    ensure!(!told.contains("WARNING"), "{told}");
    let told = fail(devnet, &[&command[..], &["--suri", &key]].concat())?;
    tells(&told, "exists already and is not overwritten")
}

/// Its predecessor is gone, and nobody else has the shares.
async fn a_successor_on_another_machine_gets_nothing_by_itself(
    devnet: &Devnet,
) -> anyhow::Result<EnclaveProcess> {
    let operator = devnet.enclaves[SLOT].operator().clone();
    let address = ss58(&operator.public_key().0);
    let config = EnclaveConfig {
        name: String::from("successor"),
        port: 0,
        operator,
        machine: 42,
        measurement: None,
        isv_svn: None,
        next_abi: None,
        rpc_url: None,
        push: true,
    };
    let successor = devnet.start_enclave(config).await?;
    let health = devnet.http().health(successor.url()).await?;
    let funding = setup::fund_enclave(&keys::account(&health.enclave_address)?);
    devnet.chain().submit(&funding, &dev::alice(), WaitFor::Inclusion, LIMIT).await?;
    let key = format!("//Operator{}", SLOT + 1);
    succeed(devnet, &["operator", "update", "--url", successor.url(), "--suri", &key])?;
    setup::wait_until_attested(devnet, &successor).await?;
    passed(devnet, &["approve-update", "--operator", &address])?;
    until("what the successor lacks", || async {
        let health = devnet.http().health(successor.url()).await?;
        Ok(health.store.is_some_and(|store| store.wanted == Some(2)))
    })
    .await?;
    Ok(successor)
}

async fn takes_the_slot_over(
    devnet: &mut Devnet,
    successor: EnclaveProcess,
    lost: &[u8; 32],
) -> anyhow::Result<()> {
    devnet.enclaves[SLOT] = successor;
    let account = devnet.account(SLOT).await?;
    ensure!(account != *lost, "it is the account that was lost");
    let chain = devnet.chain();
    until("the successor in the slot", || async {
        let members = chain.finalized().await?.members(0).await?;
        Ok(members.enclaves[SLOT].enclave_account == account)
    })
    .await
}

/// Waits until the enclave in the slot gives its share, which must be what it was given.
async fn serves(devnet: &Devnet, nft: &Unsynced) -> anyhow::Result<()> {
    let packet = nft.packets.get(SLOT).context("nothing was given to the slot")?;
    let share = packet.data.split('_').nth(1).context("the packet has no share")?;
    until("the share from the successor", || async {
        let now = devnet.chain().finalized().await?.number();
        let packet = retrieve_packet(&dev::dave(), RequesterType::Owner, nft.nft_id, now);
        let url = devnet.enclaves[SLOT].url();
        let answer = post(url, "/api/secret-nft/retrieve-keyshare", &packet).await?;
        if !answer.code.is_success() {
            return Ok(false);
        }
        let data = answer.body["keyshare_data"].as_str().context("no share")?;
        ensure!(data.split('_').nth(1) == Some(share), "it gives another share");
        Ok(true)
    })
    .await
}
