// SPDX-License-Identifier: Apache-2.0
//! `POST /api/secret-nft/store-keyshare` and `POST /api/capsule-nft/set-keyshare` (TIP-500 "Store
//! secret to enclave").
//!
//! Checks, cheap before costly: form of the fields, tokens, signatures, then at one finalized
//! block: attestation and assignment, NFT, kind, pending version, owner. The answer `STORESUCCESS` means that the
//! share and the intention to confirm it are durable. A client that lost the answer and repeats its
//! request gets the same one, also if the version has become synced meanwhile.

use std::sync::Arc;

use axum::{
    extract::{rejection::JsonRejection, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    Json,
};
use tee_primitives::{
    authorisation::{self, Refusal},
    cluster::SlotId,
    keyshare::{split_of_signer, KeyshareKind, Version},
    nft::NftId,
    packet::{KeyshareResponse, SignerAddress, StoreData, StoreKeysharePacket},
    BlockNumber, RawAccountId,
};
use zeroize::Zeroizing;

use super::{
    failure::{of_refusal, Failure, Status},
    kind::words,
    request, Context,
};
use crate::{
    account,
    chain::{
        facts::{self, NftFacts},
        At,
    },
    park::Patience,
    store::{NewShare, RecordKey, StoreError, VersionKey},
    view::View,
};

/// Handles the request for a secret.
pub async fn secret(
    context: State<Arc<Context>>,
    body: Result<Json<StoreKeysharePacket>, JsonRejection>,
) -> Response {
    handle(KeyshareKind::Secret, context, body).await
}

/// Handles the request for a capsule.
pub async fn capsule(
    context: State<Arc<Context>>,
    body: Result<Json<StoreKeysharePacket>, JsonRejection>,
) -> Response {
    handle(KeyshareKind::Capsule, context, body).await
}

async fn handle(
    kind: KeyshareKind,
    State(context): State<Arc<Context>>,
    body: Result<Json<StoreKeysharePacket>, JsonRejection>,
) -> Response {
    let packet = match request::body(body) {
        Ok(packet) => packet,
        Err(failure) => return failure.answer(&context, Some(words(kind).store), 0),
    };
    let nft_id = StoreData::parse(&packet.data).map_or(0, |data| data.nft_id);
    match store(&context, kind, &packet).await {
        Ok(()) => success(&context, kind, nft_id),
        Err(failure) => failure.answer(&context, Some(words(kind).store), nft_id),
    }
}

fn success(context: &Context, kind: KeyshareKind, nft_id: NftId) -> Response {
    let body = Json(KeyshareResponse {
        status: "STORESUCCESS".into(),
        nft_id,
        enclave_account: context.account.address().into(),
        keyshare_data: None,
        description: words(kind).stored.into(),
    });
    (StatusCode::OK, body).into_response()
}

/// What is to be done with a share.
enum Decision {
    /// It may be stored for the pending version.
    Store { version: Version, slot_id: SlotId, decided_at: BlockNumber, time: u64 },
    /// It is the one that is held of the synced version.
    Held,
}

/// What the chain's state permits.
enum Permission {
    Store(Version),
    Held,
}

async fn store(
    context: &Context,
    kind: KeyshareKind,
    packet: &StoreKeysharePacket,
) -> Result<(), Failure> {
    let owner = account::parse_address(&packet.owner_address).ok_or(Status::InvalidOwnerAddress)?;
    let approved =
        SignerAddress::parse(&packet.signer_address).map_err(|_| Status::InvalidSignerAddress)?;
    let signer =
        account::parse_address(approved.signer_ss58).ok_or(Status::InvalidSignerAddress)?;
    let data = StoreData::parse(&packet.data)?;
    let arrival = request::arrival(context)?;

    let tokens = |finalized| {
        request::token(approved.token, finalized, Status::ExpiredSigner)?;
        request::token(data.token, finalized, Status::ExpiredRequest)
    };
    request::unless_final(tokens(arrival.view.finalized.number))?;
    verify(context, packet, &owner, &signer).await?;

    let split = split_of_signer(&packet.signer_address);
    let key =
        |version| RecordKey { version: VersionKey { nft_id: data.nft_id, kind, version }, split };
    let held = |facts: &NftFacts| is_held(context, facts, &owner, key, &data);
    let permitted = |at| async move {
        let facts = facts::nft(&*context.chain, at, data.nft_id, kind).await?;
        match authorisation::store(kind, facts.nft.as_ref(), &facts.keyshares, &owner) {
            Ok(version) => Ok(Permission::Store(version)),
            Err(Refusal::NotSyncing) if held(&facts)? => Ok(Permission::Held),
            Err(refusal) => Err(of_refusal(kind, refusal, Status::OwnershipVerificationFailed)),
        }
    };
    let decide = |view: View| async move {
        tokens(view.finalized.number)?;
        let serves = context.service(&view).filter(|it| it.cluster_type.takes_keyshares());
        let assignment = serves.ok_or(Status::NotInService)?;
        Ok::<_, Failure>(match permitted(At::Finalized(view.finalized.hash)).await? {
            Permission::Held => Decision::Held,
            Permission::Store(version) => Decision::Store {
                version,
                slot_id: assignment.slot_id,
                decided_at: view.finalized.number,
                time: view.now,
            },
        })
    };
    let shown = || async { permitted(At::Best).await.is_ok() };
    let decision =
        context.park.decide(owner, Patience::NewerBlocks, arrival, decide, shown).await?;
    let Decision::Store { version, slot_id, decided_at, time } = decision else { return Ok(()) };

    let new = NewShare {
        key: key(version),
        share: Zeroizing::new(data.share.as_bytes().to_vec()),
        owner,
        slot_id,
        token_block: approved.token.block_number,
        stored_at: decided_at,
        time,
    };
    context.store.store(new).await??;
    Ok(())
}

/// Whether this very share of this very split is held of the synced version, and its owner asks.
fn is_held(
    context: &Context,
    facts: &NftFacts,
    owner: &RawAccountId,
    key: impl Fn(Version) -> RecordKey,
    data: &StoreData<'_>,
) -> Result<bool, StoreError> {
    let (Some(nft), Some(synced)) = (&facts.nft, &facts.keyshares.synced) else { return Ok(false) };
    let record = context.store.record(&key(synced.version))?;
    Ok(nft.owner == *owner && record.is_some_and(|held| held.share == data.share.as_bytes()))
}

async fn verify(
    context: &Context,
    packet: &StoreKeysharePacket,
    owner: &RawAccountId,
    signer: &RawAccountId,
) -> Result<(), Failure> {
    let approval = request::signature(&packet.signersig, Status::InvalidSignerSignature)?;
    let signature = request::signature(&packet.signature, Status::InvalidDataSignature)?;
    let (approved, sent) = tokio::join!(
        context.verifier.verify(&approval, &packet.signer_address, owner),
        context.verifier.verify(&signature, &packet.data, signer),
    );
    if !approved {
        return Err(Status::SignerSigVerificationFailed.into());
    }
    if !sent {
        return Err(Status::DataSigVerificationFailed.into());
    }
    Ok(())
}
