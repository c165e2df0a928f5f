// SPDX-License-Identifier: Apache-2.0
//! What enclaves tell about themselves and about what they hold.

use anyhow::{ensure, Context};
use codec::DecodeAll;
use subxt_signer::sr25519::{self, dev};
use tee_cli::devnet::Devnet;
use tee_primitives::attestation::{AttestationPayload, Purpose};
use tee_tests::{get, post_store, until, wait_synced, Unsynced};
use tee_wallet::{chain::WaitFor, packets::ss58};

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
        ensure!(body["attestation"] == "none", "{body}");
        let block_number = body["block_number"].as_u64().context("block_number")?;
        ensure!(block_number + 4 >= u64::from(finalized.number()), "{body}");
        let sync_state = body["sync_state"].as_str().context("sync_state")?;
        ensure!(sync_state.parse::<u32>().is_ok(), "{body}");
        ensure!(body["version"].is_string() && body["description"].is_string(), "{body}");
    }
    Ok(())
}

pub async fn the_quote_is_signed_by_the_account(devnet: &mut Devnet) -> anyhow::Result<()> {
    let chain = devnet.chain();
    let members = chain.finalized().await?.members(0).await?;
    for (enclave, member) in devnet.enclaves.iter().zip(&members.enclaves) {
        let answer = get(enclave.url(), "/api/quote").await?;
        ensure!(answer.code == 200, "{answer:?}");
        let bytes = hex::decode(answer.body["data"].as_str().context("data")?)?;
        let payload = AttestationPayload::decode_all(&mut &bytes[..])?;
        ensure!(payload.account == member.enclave_account, "another account");
        ensure!(payload.operator == member.operator, "another operator");
        ensure!(payload.genesis_hash == chain.genesis_hash(), "another chain");
        ensure!(payload.purpose == Purpose::Chain, "another purpose");
        ensure!(answer.body["block_number"] == payload.block_number, "another block");
        let block = chain.finalized_block(payload.block_number).await?;
        ensure!(block.hash() == payload.block_hash, "the block's hash is another");

        let signature = answer.body["signature"].as_str().context("signature")?;
        let signature = hex::decode(signature.trim_start_matches("0x"))?;
        let signature = <[u8; 64]>::try_from(signature).ok().context("64 bytes")?;
        ensure!(
            sr25519::verify(
                &sr25519::Signature(signature),
                payload.message(),
                &sr25519::PublicKey(payload.account)
            ),
            "the signature is not the account's"
        );
    }
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
