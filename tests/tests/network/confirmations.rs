// SPDX-License-Identifier: Apache-2.0
//! What stands on the finalized chain once an NFT is synced.

use std::collections::BTreeSet;

use anyhow::{ensure, Context};
use subxt_signer::sr25519::dev;
use tee_cli::devnet::Devnet;
use tee_primitives::cluster::CLUSTER_SIZE;
use tee_tests::{create_synced, until, SECRET};
use tee_wallet::chain::history::sync_history;

pub async fn five_enclaves_are_five_processes(devnet: &mut Devnet) -> anyhow::Result<()> {
    let ids: BTreeSet<u32> = devnet.enclaves.iter().map(|e| e.process().id()).collect();
    ensure!(ids.len() == CLUSTER_SIZE as usize, "processes: {ids:?}");
    for id in ids {
        let program = std::fs::read_link(format!("/proc/{id}/exe"))?;
        ensure!(program.ends_with("tee-enclave-simulated"), "process {id} is {program:?}");
    }
    Ok(())
}

pub async fn five_accounts_confirm_and_the_last_one_syncs(
    devnet: &mut Devnet,
) -> anyhow::Result<()> {
    let chain = devnet.chain();
    let first = chain.finalized().await?.number();
    let nft = create_synced(devnet, &dev::alice()).await?;
    let finalized = chain.finalized().await?;

    let history = sync_history(chain, nft.nft_id, SECRET, first..=finalized.number()).await?;
    ensure!(history.confirmations.len() == 5, "confirmations: {:?}", history.confirmations);
    let members = finalized.members(0).await?;
    let expected: BTreeSet<_> = members.enclaves.iter().map(|m| m.enclave_account).collect();
    let signers: BTreeSet<_> = history.confirmations.iter().map(|c| c.signer).collect();
    ensure!(signers == expected, "not signed by the five enclaves");
    for confirmation in &history.confirmations {
        let member = &members.enclaves[confirmation.event.slot_id as usize];
        ensure!(confirmation.signer == member.enclave_account, "signed for another slot");
        ensure!(confirmation.signer == confirmation.event.enclave, "signed for another account");
        ensure!(confirmation.event.split == nft.attempt.split(), "another split");
    }

    let last = history.confirmations.last().context("no confirmation")?;
    let (block_number, event) = history.synced.context("KeyshareSynced is missing")?;
    ensure!(block_number == last.block_number, "synced in #{block_number}, last in {last:?}");
    ensure!((event.version, event.cluster_id) == (1, 0), "{event:?}");

    let synced = finalized.keyshares(nft.nft_id, SECRET).await?.synced.context("not synced")?;
    ensure!(synced.block_number == block_number, "{synced:?}");
    for confirmation in &history.confirmations {
        let slot = confirmation.event.slot_id as usize;
        ensure!(synced.commitments[slot] == confirmation.event.commitment, "slot {slot}");
    }
    let stored = finalized.nft(nft.nft_id).await?.context("the NFT is gone")?;
    ensure!(!stored.state.is_syncing_secret, "the NFT still waits");
    Ok(())
}

pub async fn the_enclaves_get_their_fees_back(devnet: &mut Devnet) -> anyhow::Result<()> {
    let chain = devnet.chain();
    let members = chain.finalized().await?.members(0).await?;
    let balances = || async {
        let block = chain.finalized().await?;
        let mut balances = Vec::new();
        for member in &members.enclaves {
            balances.push(block.free_balance(&member.enclave_account).await?);
        }
        anyhow::Ok(balances)
    };
    let before = balances().await?;
    create_synced(devnet, &dev::alice()).await?;
    until("the enclaves' balances", || async { Ok(balances().await? == before) }).await
}
