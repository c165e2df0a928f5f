// SPDX-License-Identifier: Apache-2.0
//! Every enclave of a cluster is replaced by another build, and then the runtime by one whose
//! interface only that build knows, while somebody views and somebody mints all the time.

use std::{
    collections::BTreeSet,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use anyhow::{ensure, Context};
use sp_crypto_hashing::blake2_256;
use subxt_signer::sr25519::{dev, Keypair};
use tee_cli::{
    devnet::{setup, Devnet, DevnetConfig, EnclaveConfig, EnclaveProcess},
    keys,
    report::Report,
};
use tee_primitives::{
    abi::ENCLAVE_ABI, attestation::Measurement, nft::NftId, packet::RequesterType, RawAccountId,
};
use tee_tests::{
    confirmed_by, create_synced, keyshares, passed, post, post_store, succeed, tells, until,
    until_within, upgrade, wait_blocks, wait_confirmed, wait_synced, Unsynced, LIMIT,
};
use tee_wallet::{
    chain::{Chain, WaitFor},
    cluster,
    enclave::EnclaveClient,
    packets::{retrieve_packet, ss58},
};

/// What every simulated enclave is signed by, and the build that all of them run at first.
const SIGNER: &[u8] = b"tee-enclave-simulated signer";
const OLD_BUILD: &[u8] = b"tee-enclave-simulated";

/// Shares that recover a key.
const THRESHOLD: usize = 3;

/// Owners that mint at the same time.
const MINTERS: usize = 3;

/// How long an approved successor may take for the slot.
const TAKING_OVER: Duration = Duration::from_secs(120);

#[tokio::test(flavor = "multi_thread")]
async fn every_slot_is_migrated_and_the_interface_changed_under_load() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let config = DevnetConfig::new(folder.path().join("net"))?;
    let mut devnet = Devnet::start(config, Report::quiet()).await?;
    let tried = try_all(&mut devnet).await;
    if tried.is_err() {
        eprintln!("logs: {}", folder.keep().display());
    }
    tried?;
    devnet.down().await
}

async fn try_all(devnet: &mut Devnet) -> anyhow::Result<()> {
    let chain = devnet.chain().clone();
    let kept = create_synced(devnet, &dev::dave()).await?;
    // Four slots have their share of this one, and the chain their confirmations; the fifth gets its
    // share when nobody is left that was there at first.
    let pending = Unsynced::create(&chain, &dev::dave(), WaitFor::Finality).await?;
    for (enclave, packet) in devnet.enclaves.iter().zip(&pending.packets).take(4) {
        post_store(enclave.url(), packet).await?.expect(200, "STORESUCCESS")?;
    }
    wait_confirmed(&chain, pending.nft_id, &[0, 1, 2, 3]).await?;

    let measurement = blake2_256(b"the build before the upgrade");
    let (hex, signer) = (hex::encode(measurement), hex::encode(blake2_256(SIGNER)));
    let allow = ["allow-measurement", "--mr-enclave", &hex, "--mr-signer", &signer];
    tells(&passed(devnet, &allow)?, &format!("measurement 0x{hex} is allowed"))?;

    let is_over = AtomicBool::new(false);
    let viewing = view_all_the_time(&chain, kept.nft_id, &is_over);
    let minting = futures::future::join_all(
        [dev::dave(), dev::eve(), dev::ferdie()]
            .into_iter()
            .take(MINTERS)
            .map(|owner| mint_all_the_time(&chain, owner, &is_over)),
    );
    let migrating = async {
        let migrated = migrate_and_upgrade(devnet, measurement, kept.nft_id).await;
        is_over.store(true, Ordering::Relaxed);
        migrated
    };
    let (views, minted, old) = tokio::join!(viewing, minting, migrating);
    let (views, old) = (views?, old?);
    let minted = minted.into_iter().collect::<anyhow::Result<Vec<_>>>()?;
    let (stored, left): (Vec<_>, Vec<_>) = minted.into_iter().flatten().partition(|it| it.2);
    println!("{views} views; {} NFTs stored at once, {} later", stored.len(), left.len());
    ensure!(views > 20 && stored.len() > MINTERS, "there was hardly any load");

    // No share is lost: neither of what was synced, nor of what waited all the time.
    for (nft, owner, _) in &stored {
        wait_synced(devnet, nft.nft_id).await?;
        served_by_all(devnet, owner, nft.nft_id).await?;
    }
    let devnet = &*devnet;
    let again = left.iter().map(|(nft, owner, _)| store_again(devnet, owner, nft));
    futures::future::try_join_all(again).await?;
    served_by_all(devnet, &dev::dave(), kept.nft_id).await?;
    what_waited_is_synced_by_the_successors(devnet, &pending).await?;

    // Whoever was not replaced says what is needed, and has lost nothing.
    let health = devnet.http().health(old.url()).await?;
    ensure!(health.sync_state.is_empty(), "{health:?}");
    tells(&health.description, "needs another build")?;
    Ok(())
}

/// Asks all five enclaves again and again, as a client does: enough of them answer, always.
async fn view_all_the_time(
    chain: &Chain,
    nft_id: NftId,
    is_over: &AtomicBool,
) -> anyhow::Result<u32> {
    let mut views = 0;
    while !is_over.load(Ordering::Relaxed) {
        let block = chain.finalized().await?;
        let packet = retrieve_packet(&dev::dave(), RequesterType::Owner, nft_id, block.number());
        let members = block.members(0).await?;
        let asked = members.enclaves.iter().map(|member| async {
            let answer = post(&member.url, "/api/secret-nft/retrieve-keyshare", &packet).await;
            answer.is_ok_and(|answer| answer.code.is_success())
        });
        let answers = futures::future::join_all(asked).await;
        let good = answers.iter().filter(|is_good| **is_good).count();
        ensure!(good >= THRESHOLD, "only {good} enclaves gave their share: {answers:?}");
        views += 1;
    }
    Ok(views)
}

/// Creates NFTs and stores their shares: whether all were stored at once.
async fn mint_all_the_time(
    chain: &Chain,
    owner: Keypair,
    is_over: &AtomicBool,
) -> anyhow::Result<Vec<(Unsynced, Keypair, bool)>> {
    let client = EnclaveClient::new()?;
    let mut minted = Vec::new();
    while !is_over.load(Ordering::Relaxed) {
        let nft = Unsynced::create(chain, &owner, WaitFor::Finality).await?;
        let members = chain.finalized().await?.members(0).await?;
        let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
        let report = cluster::store(&client, &members, &nft.attempt, deadline).await?;
        minted.push((nft, owner.clone(), report.is_complete()));
    }
    Ok(minted)
}

/// In the order of an ABI change: the measurement is allowed, every slot migrated, the runtime
/// upgraded, the old measurement revoked. An enclave of the old build that still runs.
async fn migrate_and_upgrade(
    devnet: &mut Devnet,
    measurement: Measurement,
    kept: NftId,
) -> anyhow::Result<EnclaveProcess> {
    let mut old = None;
    // Never more at a time than a client can do without.
    for slots in [&[0][..], &[1, 2], &[3, 4]] {
        let mut successors = Vec::new();
        for slot in slots {
            successors.push((*slot, prepare_successor(devnet, *slot, measurement).await?));
        }
        for (slot, successor) in successors {
            let account = named(devnet, &successor).await?;
            let chain = devnet.chain();
            until_within(TAKING_OVER, "the successor in the slot", || async {
                let members = chain.finalized().await?.members(0).await?;
                Ok(members.enclaves[slot].enclave_account == account)
            })
            .await?;
            old = Some(std::mem::replace(&mut devnet.enclaves[slot], successor));
            wait_in_service(devnet, slot).await?;
            // From now on none fails.
            for _ in 0..5 {
                ensure!(serves(devnet, &dev::dave(), slot, kept).await?, "slot {slot} does not");
            }
        }
    }
    let code = tee_runtime::next_abi::WASM_BINARY.context(
        "the next runtime was not built: it needs a debug build, and SKIP_WASM_BUILD unset",
    )?;
    upgrade(devnet.chain(), code, 2).await?;
    let hex = hex::encode(blake2_256(OLD_BUILD));
    let told = passed(devnet, &["revoke-measurement", "--mr-enclave", &hex])?;
    tells(&told, &format!("measurement 0x{hex} is revoked"))?;
    // Load goes on for some blocks under the new interface.
    wait_blocks(devnet.chain(), 5).await?;
    old.context("there is no old enclave")
}

async fn named(devnet: &Devnet, successor: &EnclaveProcess) -> anyhow::Result<RawAccountId> {
    let health = devnet.http().health(successor.url()).await?;
    keys::account(&health.enclave_address)
}

/// Starts a successor that knows the next interface too, names it, and has it approved.
async fn prepare_successor(
    devnet: &Devnet,
    slot: usize,
    measurement: Measurement,
) -> anyhow::Result<EnclaveProcess> {
    let operator = devnet.enclaves[slot].operator().clone();
    let successor = EnclaveConfig {
        name: format!("successor-{slot}"),
        port: 0,
        operator: operator.clone(),
        machine: 40 + u32::try_from(slot)?,
        measurement: Some(measurement),
        isv_svn: None,
        next_abi: Some(ENCLAVE_ABI + 1),
        rpc_url: None,
        push: true,
    };
    let successor = devnet.start_enclave(successor).await?;
    let transfer = setup::fund_enclave(&named(devnet, &successor).await?);
    devnet.chain().submit(&transfer, &dev::alice(), WaitFor::Inclusion, LIMIT).await?;
    let key = format!("//Operator{}", slot + 1);
    succeed(devnet, &["operator", "update", "--url", successor.url(), "--suri", &key])?;
    setup::wait_until_attested(devnet, &successor).await?;
    let address = ss58(&operator.public_key().0);
    let told = passed(devnet, &["approve-update", "--operator", &address])?;
    tells(&told, "can take the slot over until")?;
    Ok(successor)
}

async fn wait_in_service(devnet: &Devnet, slot: usize) -> anyhow::Result<()> {
    until(&format!("the service of slot {slot}"), || async {
        Ok(devnet.health(slot).await.is_ok_and(|it| it.sync_state.parse::<u32>().is_ok()))
    })
    .await
}

/// Whether the enclave of a slot gives its share.
async fn serves(
    devnet: &Devnet,
    owner: &Keypair,
    slot: usize,
    nft_id: NftId,
) -> anyhow::Result<bool> {
    let now = devnet.chain().finalized().await?.number();
    let packet = retrieve_packet(owner, RequesterType::Owner, nft_id, now);
    let url = devnet.enclaves[slot].url();
    let answer = post(url, "/api/secret-nft/retrieve-keyshare", &packet).await?;
    Ok(answer.code.is_success())
}

async fn served_by_all(devnet: &Devnet, owner: &Keypair, nft_id: NftId) -> anyhow::Result<()> {
    for slot in 0..5 {
        until(&format!("the share of NFT {nft_id} from slot {slot}"), || {
            serves(devnet, owner, slot, nft_id)
        })
        .await?;
    }
    Ok(())
}

/// The predecessors' shares of an NFT that was never synced are with the successors, which have
/// confirmed them in their own name.
async fn what_waited_is_synced_by_the_successors(
    devnet: &Devnet,
    pending: &Unsynced,
) -> anyhow::Result<()> {
    let chain = devnet.chain();
    ensure!(keyshares(chain, pending.nft_id).await?.synced.is_none(), "it was synced by four");
    let accounts: BTreeSet<_> = {
        let members = chain.finalized().await?.members(0).await?;
        members.enclaves.iter().map(|member| member.enclave_account).collect()
    };
    until("the successors' confirmations", || async {
        let block = chain.finalized().await?;
        let by = confirmed_by(&block, pending.nft_id).await?;
        Ok(by.len() == 4 && by.iter().all(|account| accounts.contains(account)))
    })
    .await?;
    // Its owner's approval of that splitting has expired meanwhile.
    store_again(devnet, &dev::dave(), pending).await
}

/// Splits the key anew and stores all shares.
async fn store_again(devnet: &Devnet, owner: &Keypair, nft: &Unsynced) -> anyhow::Result<()> {
    let chain = devnet.chain();
    let again = nft.split_again(chain, owner).await?;
    let members = chain.finalized().await?.members(0).await?;
    let deadline = tokio::time::Instant::now() + LIMIT;
    let report = cluster::store(&EnclaveClient::new()?, &members, &again.attempt, deadline).await?;
    ensure!(report.is_complete(), "{report}");
    wait_synced(devnet, nft.nft_id).await?;
    served_by_all(devnet, owner, nft.nft_id).await
}
