// SPDX-License-Identifier: Apache-2.0
//! What enclaves tell about themselves and about what they hold.

use std::collections::BTreeSet;

use anyhow::{ensure, Context};
use subxt_signer::sr25519::{self, dev};
use tee_cli::devnet::Devnet;
use tee_primitives::attestation::Purpose;
use tee_tests::{get, post_store, until, wait_synced, Unsynced};
use tee_wallet::{chain::WaitFor, enclave::Quote, packets::ss58};

pub async fn health_tells_the_chain_and_the_account(devnet: &mut Devnet) -> anyhow::Result<()> {
    let chain = devnet.chain();
    let finalized = chain.finalized().await?;
    let members = finalized.members(0).await?;
    for (enclave, member) in devnet.enclaves.iter().zip(&members.enclaves) {
        let answer = get(enclave.url(), "/api/health").await?;
        ensure!(answer.code == 200, "{answer:?}");
        let body = &answer.body;
        ensure!(body["chain"] == chain.name().await?, "{body}");
        ensure!(body["enclave_address"] == ss58(&member.enclave_account), "{body}");
        let attestation = &body["attestation"];
        ensure!(attestation["kind"] == "simulated", "{body}");
        ensure!(attestation["live"] == true && attestation["problem"].is_null(), "{body}");
        ensure!(attestation["tcb_status"] == "UpToDate", "{body}");
        let record = finalized.attestation(&member.enclave_account).await?.context("no record")?;
        let measurement = hex::encode(record.facts.measurement);
        ensure!(attestation["measurement"] == measurement, "{body}");
        ensure!(attestation["expires_at"] == record.expires_at, "{body}");
        let block_number = body["block_number"].as_u64().context("block_number")?;
        ensure!(block_number + 4 >= u64::from(finalized.number()), "{body}");
        let sync_state = body["sync_state"].as_str().context("sync_state")?;
        ensure!(sync_state.parse::<u32>().is_ok(), "{body}");
        ensure!(body["version"].is_string() && body["description"].is_string(), "{body}");
    }
    Ok(())
}

pub async fn the_quote_is_signed_by_the_account(devnet: &mut Devnet) -> anyhow::Result<()> {
    /// Where the report data are in a quote ("Intel SGX ECDSA QuoteLibReference DCAP API",
    /// appendix A).
    const REPORT_DATA: std::ops::Range<usize> = 368..432;
    let chain = devnet.chain();
    let members = chain.finalized().await?.members(0).await?;
    let mut platforms = BTreeSet::new();
    for (enclave, member) in devnet.enclaves.iter().zip(&members.enclaves) {
        let Quote { payload, quote } = devnet.http().quote(enclave.url()).await?;
        ensure!(payload.account == member.enclave_account, "another account");
        ensure!(payload.operator == member.operator, "another operator");
        ensure!(payload.genesis_hash == chain.genesis_hash(), "another chain");
        ensure!(payload.purpose == Purpose::Chain, "another purpose");
        let block = chain.finalized_block(payload.block_number).await?;
        ensure!(block.hash() == payload.block_hash, "the block's hash is another");

        let signature = quote.get(REPORT_DATA).context("the quote is too short")?;
        let signature = <[u8; 64]>::try_from(signature)?;
        ensure!(
            sr25519::verify(
                &sr25519::Signature(signature),
                payload.message(),
                &sr25519::PublicKey(payload.account)
            ),
            "the signature is not the account's"
        );

        // What the chain keeps is of the same start and the same keys.
        let record = chain.finalized().await?.attestation(&payload.account).await?;
        let record = record.context("the chain has no attestation")?;
        ensure!(record.session == payload.session, "another start");
        ensure!(record.encryption_key == payload.encryption_key, "another key");
        ensure!(record.facts.measurement == payload.mrenclave, "another measurement");
        platforms.insert(record.facts.platform);
    }
    ensure!(platforms.len() == members.enclaves.len(), "enclaves share a machine");
    Ok(())
}

pub async fn availability_follows_the_share(devnet: &mut Devnet) -> anyhow::Result<()> {
    let (chain, owner) = (devnet.chain(), dev::alice());
    let nft = Unsynced::create(chain, &owner, WaitFor::Finality).await?;
    let url = devnet.enclaves[0].url();
    let route = format!("/api/secret-nft/is-keyshare-available/{}", nft.nft_id);

    let before = chain.finalized().await?.number();
    let absent = get(url, &route).await?;
    ensure!(absent.code == 200 && absent.body["exists"] == false, "{absent:?}");
    ensure!(absent.body["nft_id"] == nft.nft_id, "{absent:?}");
    let block_number = absent.body["block_number"].as_u64().context("block_number")?;
    ensure!(block_number + 4 >= u64::from(before), "not the current block: {absent:?}");

    post_store(url, &nft.packets[0]).await?.expect(200, "STORESUCCESS")?;
    let stored = get(url, &route).await?;
    ensure!(stored.body["exists"] == true && stored.body["block_number"] == 0, "{stored:?}");

    for (enclave, packet) in devnet.enclaves.iter().zip(&nft.packets).skip(1) {
        post_store(enclave.url(), packet).await?.expect(200, "STORESUCCESS")?;
    }
    let synced = wait_synced(devnet, nft.nft_id).await?;
    until("the block of the sync", || async {
        let answer = get(url, &route).await?;
        Ok(answer.body["exists"] == true && answer.body["block_number"] == synced.block_number)
    })
    .await
}
