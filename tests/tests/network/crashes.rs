// SPDX-License-Identifier: Apache-2.0
//! What a crash costs: nothing that was answered with success.

use anyhow::{bail, ensure};
use subxt_signer::sr25519::dev;
use tee_cli::devnet::Devnet;
use tee_primitives::packet::RequesterType;
use tee_tests::{
    confirmed_slots, post, post_store, wait_blocks, wait_confirmed, wait_synced, Unsynced, SECRET,
};
use tee_wallet::{
    chain::{history::sync_history, WaitFor},
    packets::retrieve_packet,
};

/// How often a kill may come too late, that is after the confirmation was sent.
const TRIES: usize = 10;

pub async fn an_enclave_killed_before_it_confirms_still_confirms_once(
    devnet: &mut Devnet,
) -> anyhow::Result<()> {
    let (chain, owner) = (devnet.chain().clone(), dev::dave());
    let slot = 3;
    for _ in 0..TRIES {
        let nft = Unsynced::create(&chain, &owner, WaitFor::Finality).await?;
        let first = chain.finalized().await?.number();
        post_store(devnet.enclaves[slot].url(), &nft.packets[slot])
            .await?
            .expect(200, "STORESUCCESS")?;
        devnet.enclaves[slot].kill()?;

        // Had it been sent, it would be included by now.
        wait_blocks(&chain, 4).await?;
        let confirmed = confirmed_slots(&chain.finalized().await?, nft.nft_id).await?;
        devnet.restart_enclave(slot).await?;
        if !confirmed.is_empty() {
            continue;
        }

        wait_confirmed(&chain, nft.nft_id, &[slot as u32]).await?;
        wait_blocks(&chain, 3).await?;
        let last = chain.finalized().await?.number();
        let history = sync_history(&chain, nft.nft_id, SECRET, first..=last).await?;
        ensure!(history.confirmations.len() == 1, "{:?}", history.confirmations);
        return Ok(());
    }
    bail!("each of {TRIES} kills came after the confirmation was sent")
}

pub async fn stored_shares_survive_a_kill(devnet: &mut Devnet) -> anyhow::Result<()> {
    let (chain, owner) = (devnet.chain().clone(), dev::dave());
    let nft = Unsynced::create(&chain, &owner, WaitFor::Finality).await?;
    for (enclave, packet) in devnet.enclaves.iter().zip(&nft.packets) {
        post_store(enclave.url(), packet).await?.expect(200, "STORESUCCESS")?;
    }
    for enclave in &mut devnet.enclaves {
        enclave.kill()?;
    }
    for slot in 0..devnet.enclaves.len() {
        devnet.restart_enclave(slot).await?;
    }
    wait_synced(devnet, nft.nft_id).await?;

    for (enclave, packet) in devnet.enclaves.iter().zip(&nft.packets) {
        let share = packet.data.split('_').nth(1).unwrap_or_default();
        let finalized = chain.finalized().await?.number();
        let request = retrieve_packet(&owner, RequesterType::Owner, nft.nft_id, finalized);
        let answer = post(enclave.url(), "/api/secret-nft/retrieve-keyshare", &request).await?;
        answer.expect(200, "RETRIEVESUCCESS")?;
        let data = answer.body["keyshare_data"].as_str().unwrap_or_default();
        ensure!(data.split('_').nth(1) == Some(share), "another share came back");
    }
    Ok(())
}
