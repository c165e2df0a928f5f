// SPDX-License-Identifier: Apache-2.0
//! What enclaves refuse, each with its status, and that a refusal leaves nothing on the chain.

use anyhow::ensure;
use subxt_signer::sr25519::{dev, Keypair};
use tee_cli::devnet::Devnet;
use tee_primitives::{
    nft::NftId,
    packet::{signer_address, AuthToken, RequesterType},
};
use tee_tests::{
    confirmed_slots, create_synced, post, post_store, wait_blocks, Answer, Unsynced, LIMIT,
};
use tee_wallet::{
    chain::{calls, Chain, WaitFor},
    media::MediaKey,
    packets::{retrieve_packet, ss58, StoreAttempt},
};

const RETRIEVE: &str = "/api/secret-nft/retrieve-keyshare";

/// Refused by all five enclaves in the same way.
async fn all_refuse(
    devnet: &Devnet,
    nft: &Unsynced,
    code: u16,
    status: &str,
) -> anyhow::Result<()> {
    let sent = devnet.enclaves.iter().zip(&nft.packets).map(|(e, p)| post_store(e.url(), p));
    for answer in futures::future::join_all(sent).await {
        answer?.expect(code, status)?;
    }
    nothing_confirmed(devnet.chain(), nft.nft_id).await
}

async fn nothing_confirmed(chain: &Chain, nft_id: NftId) -> anyhow::Result<()> {
    wait_blocks(chain, 2).await?;
    let slots = confirmed_slots(&chain.finalized().await?, nft_id).await?;
    ensure!(slots.is_empty(), "slots {slots:?} confirmed");
    Ok(())
}

pub async fn who_does_not_own_the_nft_cannot_store(devnet: &mut Devnet) -> anyhow::Result<()> {
    let chain = devnet.chain();
    let nft = Unsynced::create(chain, &dev::alice(), WaitFor::Finality).await?;
    let stolen = nft.split_again(chain, &dev::eve()).await?;
    all_refuse(devnet, &stolen, 401, "OWNERSHIPVERIFICATIONFAILED").await
}

/// The same requests, with a token made at this block.
fn at_block(nft: &Unsynced, owner: &Keypair, block_number: u32) -> anyhow::Result<Unsynced> {
    let attempt = StoreAttempt::new(owner, nft.nft_id, &nft.key, block_number)?;
    let packets = attempt.packets().collect();
    Ok(Unsynced { nft_id: nft.nft_id, key: nft.key.clone(), attempt, packets })
}

pub async fn an_expired_token_is_refused(devnet: &mut Devnet) -> anyhow::Result<()> {
    let (chain, owner) = (devnet.chain(), dev::alice());
    let nft = Unsynced::create(chain, &owner, WaitFor::Finality).await?;
    chain
        .wait_for("a block past a token's validity", LIMIT, |block| async move {
            Ok((block.number() > 30).then_some(()))
        })
        .await?;
    let expired = at_block(&nft, &owner, chain.finalized().await?.number() - 25)?;
    all_refuse(devnet, &expired, 400, "EXPIREDSIGNER").await?;

    let finalized = chain.finalized().await?.number();
    let packet = retrieve_packet(&owner, RequesterType::Owner, nft.nft_id, finalized - 25);
    post(devnet.enclaves[0].url(), RETRIEVE, &packet).await?.expect(400, "EXPIREDREQUEST")
}

pub async fn a_token_too_far_ahead_is_refused(devnet: &mut Devnet) -> anyhow::Result<()> {
    let (chain, owner) = (devnet.chain(), dev::alice());
    let nft = Unsynced::create(chain, &owner, WaitFor::Finality).await?;
    let ahead = at_block(&nft, &owner, chain.finalized().await?.number() + 1_000)?;
    all_refuse(devnet, &ahead, 400, "EXPIREDSIGNER").await
}

pub async fn a_wrong_signature_is_refused(devnet: &mut Devnet) -> anyhow::Result<()> {
    let (chain, owner) = (devnet.chain(), dev::alice());
    let nft = Unsynced::create(chain, &owner, WaitFor::Finality).await?;
    let url = devnet.enclaves[0].url();
    let good = &nft.packets[0];

    // The signer is somebody whom the owner did not approve.
    let mut packet = good.clone();
    let token = AuthToken { block_number: chain.finalized().await?.number(), validity: 20 };
    packet.signer_address = signer_address(&ss58(&dev::eve().public_key().0), token);
    post_store(url, &packet).await?.expect(400, "SIGNERSIGVERIFICATIONFAILED")?;

    // The data is another than the signed one.
    let mut packet = good.clone();
    packet.data = nft.packets[1].data.clone();
    post_store(url, &packet).await?.expect(400, "DATASIGVERIFICATIONFAILED")?;

    // No signatures at all.
    let mut packet = good.clone();
    packet.signersig = String::from("0x00");
    post_store(url, &packet).await?.expect(400, "INVALIDSIGNERSIGNATURE")?;
    let mut packet = good.clone();
    packet.signature = String::from("none");
    post_store(url, &packet).await?.expect(400, "INVALIDDATASIGNATURE")?;
    nothing_confirmed(chain, nft.nft_id).await
}

pub async fn an_unknown_nft_is_refused(devnet: &mut Devnet) -> anyhow::Result<()> {
    let (chain, owner) = (devnet.chain(), dev::alice());
    let finalized = chain.finalized().await?.number();
    let attempt = StoreAttempt::new(&owner, NftId::MAX, &MediaKey::generate()?, finalized)?;
    let packet = attempt.packets().next().expect("five packets");
    post_store(devnet.enclaves[0].url(), &packet).await?.expect(400, "INVALIDNFTID")
}

pub async fn an_nft_without_secret_is_refused(devnet: &mut Devnet) -> anyhow::Result<()> {
    use subxt::dynamic::Value;

    let (chain, owner) = (devnet.chain(), dev::alice());
    let none = || Value::unnamed_variant("None", []);
    let call = calls::call(
        "NFT",
        "create_nft",
        [Value::from_bytes(b"ipfs://"), Value::u128(0), none(), Value::bool(false)],
    );
    let included = chain.submit(&call, &owner, WaitFor::Finality, LIMIT).await?;
    let nft_id = tee_tests::created_nft(&included)?;
    let finalized = chain.finalized().await?.number();
    let attempt = StoreAttempt::new(&owner, nft_id, &MediaKey::generate()?, finalized)?;
    let packet = attempt.packets().next().expect("five packets");
    post_store(devnet.enclaves[0].url(), &packet).await?.expect(400, "IDISNOTASECRETNFT")
}

/// Asks one enclave for its share.
async fn retrieve(
    devnet: &Devnet,
    nft_id: NftId,
    requester: &Keypair,
    role: RequesterType,
) -> anyhow::Result<Answer> {
    let finalized = devnet.chain().finalized().await?.number();
    let packet = retrieve_packet(requester, role, nft_id, finalized);
    post(devnet.enclaves[1].url(), RETRIEVE, &packet).await
}

pub async fn nobody_retrieves_before_the_sync(devnet: &mut Devnet) -> anyhow::Result<()> {
    let (chain, owner) = (devnet.chain(), dev::alice());
    let nft = Unsynced::create(chain, &owner, WaitFor::Finality).await?;
    post_store(devnet.enclaves[1].url(), &nft.packets[1]).await?.expect(200, "STORESUCCESS")?;
    retrieve(devnet, nft.nft_id, &owner, RequesterType::Owner).await?.expect(403, "NOTSYNCED")
}

pub async fn only_the_owner_retrieves(devnet: &mut Devnet) -> anyhow::Result<()> {
    let (owner, stranger) = (dev::alice(), dev::eve());
    let nft = create_synced(devnet, &owner).await?;
    for role in [RequesterType::Owner, RequesterType::Delegatee, RequesterType::Rentee] {
        retrieve(devnet, nft.nft_id, &stranger, role)
            .await?
            .expect(400, "REQUESTERVERIFICATIONFAILED")?;
    }
    for role in [RequesterType::Delegatee, RequesterType::Rentee] {
        retrieve(devnet, nft.nft_id, &owner, role)
            .await?
            .expect(400, "REQUESTERVERIFICATIONFAILED")?;
    }
    let answer = retrieve(devnet, nft.nft_id, &owner, RequesterType::Owner).await?;
    answer.expect(200, "RETRIEVESUCCESS")?;
    let parts = answer.body["keyshare_data"].as_str().unwrap_or_default().split('_').count();
    ensure!(parts == 4, "published clients split it at `_`: {answer:?}");
    Ok(())
}

pub async fn nothing_is_stored_after_the_sync(devnet: &mut Devnet) -> anyhow::Result<()> {
    let (chain, owner) = (devnet.chain(), dev::alice());
    let nft = create_synced(devnet, &owner).await?;
    // A client that lost the answers and repeats what is held gets them again, while its token is
    // valid: this comes first, as a refusal takes some blocks.
    for (enclave, packet) in devnet.enclaves.iter().zip(&nft.packets) {
        post_store(enclave.url(), packet).await?.expect(200, "STORESUCCESS")?;
    }
    let again = nft.split_again(chain, &owner).await?;
    let sent = devnet.enclaves.iter().zip(&again.packets).map(|(e, p)| post_store(e.url(), p));
    for answer in futures::future::join_all(sent).await {
        answer?.expect(403, "NOTSYNCING")?;
    }
    Ok(())
}
