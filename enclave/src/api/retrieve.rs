// SPDX-License-Identifier: Apache-2.0
//! `POST /api/secret-nft/retrieve-keyshare` and `POST /api/capsule-nft/retrieve-keyshare` (TIP-500
//! "Retrieve secret from enclave").
//!
//! Checks, cheap before costly: form of the fields, token, signature, then at one finalized block:
//! attestation and assignment, NFT, kind, synced version, and whether the requester is the owner, whom
//! the NFT is delegated to, or who rents it in that block. The share that is given is the one whose
//! commitment the chain has for this slot. That it is given is durable in the view log before it
//! leaves: if it cannot be logged, it is not given.

use std::sync::Arc;

use axum::{
    extract::{rejection::JsonRejection, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    Json,
};
use tee_primitives::{
    authorisation::{self, Viewers},
    cluster::SlotId,
    keyshare::{KeyshareKind, SyncedKeyshare},
    packet::{keyshare_data, AuthToken, KeyshareResponse, RetrieveData, RetrieveKeysharePacket},
    BlockNumber,
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
    confirm::commitment_of_slot,
    park::Patience,
    store::{Access, Correction, VersionKey},
    view::View,
};

/// Validity of the token in the answer, in blocks.
const ANSWER_VALIDITY: u32 = 15;

/// Handles the request for a secret.
pub async fn secret(
    context: State<Arc<Context>>,
    body: Result<Json<RetrieveKeysharePacket>, JsonRejection>,
) -> Response {
    handle(KeyshareKind::Secret, context, body).await
}

/// Handles the request for a capsule.
pub async fn capsule(
    context: State<Arc<Context>>,
    body: Result<Json<RetrieveKeysharePacket>, JsonRejection>,
) -> Response {
    handle(KeyshareKind::Capsule, context, body).await
}

async fn handle(
    kind: KeyshareKind,
    State(context): State<Arc<Context>>,
    body: Result<Json<RetrieveKeysharePacket>, JsonRejection>,
) -> Response {
    let packet = match request::body(body) {
        Ok(packet) => packet,
        Err(failure) => return failure.answer(&context, Some(words(kind).retrieve), 0),
    };
    let nft_id = RetrieveData::parse(&packet.data).map_or(0, |data| data.nft_id);
    match retrieve(&context, kind, &packet).await {
        Ok(response) => (StatusCode::OK, Json(response)).into_response(),
        Err(failure) => failure.answer(&context, Some(words(kind).retrieve), nft_id),
    }
}

/// Which share may be given.
struct Permission {
    synced: SyncedKeyshare,
    slot_id: SlotId,
    decided_at: BlockNumber,
    time: u64,
}

async fn retrieve(
    context: &Context,
    kind: KeyshareKind,
    packet: &RetrieveKeysharePacket,
) -> Result<KeyshareResponse, Failure> {
    let requester =
        account::parse_address(&packet.requester_address).ok_or(Status::InvalidRequesterAddress)?;
    let data = RetrieveData::parse(&packet.data)?;
    let arrival = request::arrival(context)?;
    let token = |finalized| request::token(data.token, finalized, Status::ExpiredRequest);
    request::unless_final(token(arrival.view.finalized.number))?;
    let signature = request::signature(&packet.signature, Status::InvalidSignerSignature)?;
    if !context.verifier.verify(&signature, &packet.data, &requester).await {
        return Err(Status::SignerSigVerificationFailed.into());
    }

    let role = packet.requester_type.into();
    let permitted = |at, block| async move {
        let facts = facts::viewed(&*context.chain, at, block, data.nft_id, kind, role).await?;
        let holder = facts.holder.as_ref();
        // Only the holder of the role that is asked in was read.
        let viewers = Viewers { delegatee: holder, rentee: holder };
        let NftFacts { nft, keyshares } = &facts.nft;
        authorisation::retrieve(kind, nft.as_ref(), &viewers, keyshares, &requester, role)
            .copied()
            .map_err(|refusal| of_refusal(kind, refusal, Status::RequesterVerificationFailed))
    };
    let decide = |view: View| async move {
        token(view.finalized.number)?;
        let assignment = context.service(&view).ok_or(Status::NotInService)?;
        Ok::<_, Failure>(Permission {
            synced: permitted(At::Finalized(view.finalized.hash), view.finalized.number).await?,
            slot_id: assignment.slot_id,
            decided_at: view.finalized.number,
            time: view.now,
        })
    };
    let best = arrival.heads.borrow().as_ref().map_or(0, |heads| heads.best);
    let shown = || async { permitted(At::Best, best).await.is_ok() };
    let permission =
        context.park.decide(requester, Patience::PresentBlock, arrival, decide, shown).await?;

    let version = VersionKey { nft_id: data.nft_id, kind, version: permission.synced.version };
    let share = match share(context, &version, &permission) {
        Err(failure) if failure.status() == Status::KeyNotExist => {
            want(context, version, permission.decided_at).await?;
            return Err(failure);
        }
        share => share?,
    };
    let Permission { decided_at: block, time, .. } = permission;
    context.store.log_view(Access { version, account: requester, role, block, time }).await?;
    let token = AuthToken { block_number: permission.decided_at, validity: ANSWER_VALIDITY };
    Ok(KeyshareResponse {
        status: "RETRIEVESUCCESS".into(),
        nft_id: data.nft_id,
        enclave_account: context.account.address().into(),
        keyshare_data: Some(keyshare_data(data.nft_id, &share, token)),
        description: words(kind).retrieved.into(),
    })
}

/// The share whose commitment the chain has for this slot.
fn share(
    context: &Context,
    version: &VersionKey,
    permission: &Permission,
) -> Result<Zeroizing<String>, Failure> {
    let Permission { synced, slot_id, .. } = permission;
    let commitment = commitment_of_slot(&synced.commitments, *slot_id);
    let (_, mut record) =
        context.store.record_of(version, commitment)?.ok_or(Status::KeyNotExist)?;
    String::from_utf8(std::mem::take(&mut record.share))
        .map(Zeroizing::new)
        .map_err(|_| Status::KeyNotReadable.into())
}

/// What the chain has synced and is not here is to be fetched.
async fn want(context: &Context, version: VersionKey, block: BlockNumber) -> Result<(), Failure> {
    if !context.store.is_wanted(&version)? {
        context.store.correct(vec![Correction::Want(version)], block).await?;
    }
    Ok(())
}
