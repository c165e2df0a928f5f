// SPDX-License-Identifier: Apache-2.0
//! Two clusters: what one syncs, the other serves; what a disk loses or takes back comes from the
//! other; and a cluster that comes later is filled.

use std::{fs, path::Path};

use anyhow::{ensure, Context};
use subxt_signer::sr25519::dev;
use tee_cli::{
    devnet::{Devnet, DevnetConfig, DevnetTls},
    keys,
    report::Report,
};
use tee_primitives::{cluster::SlotId, packet::RequesterType, BlockNumber};
use tee_tests::{create_synced, post, succeed, until, Unsynced, LIMIT};
use tee_wallet::{
    cluster,
    packets::{retrieve_packet, StoreAttempt},
};

/// The store's file in an enclave's data folder.
const STORE: &str = "store.redb";

/// So many blocks after the sync, the other cluster serves.
const SOON: BlockNumber = 5;

/// The share in an answer, and the block that decided it.
fn parts(data: &str) -> Option<(&str, BlockNumber)> {
    let mut parts = data.split('_');
    let (_, share, block) = (parts.next()?, parts.next()?, parts.next()?);
    Some((share, block.parse().ok()?))
}

/// What was given to slot n.
fn stored(attempt: &StoreAttempt, slot: usize) -> Option<String> {
    let packet = attempt.packets().nth(slot)?;
    packet.data.split('_').nth(1).map(str::to_owned)
}

/// Waits until an enclave gives its share, which must be that of its slot; the block at which it
/// decided.
async fn serves(devnet: &Devnet, index: usize, nft: &Unsynced) -> anyhow::Result<BlockNumber> {
    let decided = std::sync::Mutex::new(None);
    until(&format!("the share from enclave {index}"), || async {
        let now = devnet.chain().finalized().await?.number();
        let packet = retrieve_packet(&dev::dave(), RequesterType::Owner, nft.nft_id, now);
        let url = devnet.enclaves[index].url();
        let Ok(answer) = post(url, "/api/secret-nft/retrieve-keyshare", &packet).await else {
            return Ok(false);
        };
        if !answer.code.is_success() {
            return Ok(false);
        }
        let data = answer.body["keyshare_data"].as_str().context("no share")?;
        let (share, block) = parts(data).context("no share")?;
        ensure!(
            Some(share) == stored(&nft.attempt, index % 5).as_deref(),
            "another share: {index}"
        );
        *decided.lock().map_err(|_| anyhow::anyhow!("poisoned"))? = Some(block);
        Ok(true)
    })
    .await?;
    let decided = decided.lock().map_err(|_| anyhow::anyhow!("poisoned"))?.take();
    decided.context("not decided")
}

async fn wait_in_service(devnet: &Devnet, index: usize) -> anyhow::Result<()> {
    until(&format!("the service of enclave {index}"), || async {
        Ok(devnet.health(index).await.is_ok_and(|it| it.sync_state.parse::<u32>().is_ok()))
    })
    .await
}

fn copy(from: &Path, to: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        if entry.file_type()?.is_file() {
            fs::copy(entry.path(), to.join(entry.file_name()))?;
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_slots_of_two_clusters_hold_the_same() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    // Enclaves find each other's TLS keys on the chain.
    let config = DevnetConfig {
        clusters: 2,
        tls: DevnetTls::SelfSigned,
        ..DevnetConfig::new(folder.path().join("net"))?
    };
    let mut devnet = Devnet::start(config, Report::quiet()).await?;
    let tried = try_all(&mut devnet, folder.path()).await;
    if tried.is_err() {
        eprintln!("logs: {}", folder.keep().display());
    }
    tried?;
    devnet.down().await
}

async fn try_all(devnet: &mut Devnet, folder: &Path) -> anyhow::Result<()> {
    let first = what_one_cluster_syncs_the_other_serves(devnet).await?;
    let disk = devnet.enclaves[6].data_dir();
    let old = folder.join("old");
    devnet.enclaves[6].kill()?;
    copy(&disk, &old)?;
    devnet.enclaves[6].restart().await?;
    wait_in_service(devnet, 6).await?;
    let second = what_one_cluster_syncs_the_other_serves(devnet).await?;
    let both = [&first, &second];
    // With this start it attests a log that the older disk does not have.
    devnet.restart_enclave(6).await?;

    // One disk is emptied, one is taken back, and one machine has another seal key.
    for enclave in &mut devnet.enclaves[5..8] {
        enclave.kill()?;
    }
    fs::remove_file(devnet.enclaves[5].data_dir().join(STORE))?;
    copy(&old, &disk)?;
    fs::remove_file(devnet.enclaves[7].data_dir().join("seal-key"))?;
    for enclave in &mut devnet.enclaves[5..8] {
        enclave.restart().await?;
    }
    serves_all(devnet, 5, &both).await?;
    what_was_taken_back_refills(devnet, 6, &both).await?;
    what_lost_its_key_refills_under_another_account(devnet, 7, &both).await
}

async fn what_one_cluster_syncs_the_other_serves(devnet: &Devnet) -> anyhow::Result<Unsynced> {
    let chain = devnet.chain();
    let nft = create_synced(devnet, &dev::dave()).await?;
    let synced = chain.finalized().await?.keyshares(nft.nft_id, tee_tests::SECRET).await?.synced;
    let synced = synced.context("not synced")?.block_number;
    for index in 5..10 {
        let decided = serves(devnet, index, &nft).await?;
        println!("enclave {index} serves {} blocks after the sync", decided - synced);
        ensure!(decided <= synced + SOON, "enclave {index}: #{decided}, synced in #{synced}");
    }
    let block = chain.finalized().await?;
    let packet = retrieve_packet(&dev::dave(), RequesterType::Owner, nft.nft_id, block.number());
    let deadline = tokio::time::Instant::now() + LIMIT;
    let opens = |key: &tee_wallet::media::MediaKey| key.as_bytes() == nft.key.as_bytes();
    let members = block.members(1).await?;
    let client = devnet.http();
    cluster::retrieve_plain(client, &members, nft.nft_id, &packet, opens, deadline)
        .await
        .map_err(|error| anyhow::anyhow!("{error}"))?;
    Ok(nft)
}

async fn serves_all(devnet: &Devnet, index: usize, nfts: &[&Unsynced]) -> anyhow::Result<()> {
    for nft in nfts {
        serves(devnet, index, nft).await?;
    }
    wait_in_service(devnet, index).await
}

async fn what_was_taken_back_refills(
    devnet: &Devnet,
    index: usize,
    nfts: &[&Unsynced],
) -> anyhow::Result<()> {
    serves_all(devnet, index, nfts).await?;
    let answer = tee_tests::get(devnet.enclaves[index].url(), "/api/health").await?;
    let rollbacks = answer.body["store"]["log_rollbacks"].as_u64();
    ensure!(rollbacks == Some(1), "health does not tell of the older disk: {}", answer.body);
    Ok(())
}

async fn what_lost_its_key_refills_under_another_account(
    devnet: &Devnet,
    index: usize,
    nfts: &[&Unsynced],
) -> anyhow::Result<()> {
    let chain = devnet.chain();
    let enclave = &devnet.enclaves[index];
    let health = devnet.health(index).await?;
    let account = keys::account(&health.enclave_address)?;
    ensure!(health.sync_state.is_empty(), "it serves without being named: {health:?}");
    let answer = tee_tests::get(enclave.url(), "/api/health").await?;
    ensure!(
        answer.body["store"]["losses"] == 1,
        "health does not tell of the loss: {}",
        answer.body
    );
    let funding = tee_cli::devnet::setup::fund_enclave(&account);
    let wait = tee_wallet::chain::WaitFor::Finality;
    chain.submit(&funding, &dev::alice(), wait, LIMIT).await?;
    let key = format!("//Operator{}", index + 1);
    succeed(devnet, &["operator", "update", "--url", enclave.url(), "--suri", &key])?;
    serves_all(devnet, index, nfts).await?;
    let members = chain.finalized().await?.members(1).await?;
    let slot = SlotId::try_from(index % 5)?;
    let member = members.enclaves.iter().find(|member| member.slot_id == slot);
    ensure!(member.is_some_and(|it| it.enclave_account == account), "another account has the slot");
    Ok(())
}
