// SPDX-License-Identifier: Apache-2.0
//! `POST /api/secret-nft/retrieve-keyshare` and `POST /api/capsule-nft/retrieve-keyshare` (TIP-500
//! "Retrieve secret from enclave"), in the plain form and in the [bound](super::bound) one.
//!
//! Checks, cheap before costly: form of the fields, whether a bound request is for this enclave, token,
//! signature, then at one finalized block: attestation and assignment, NFT, kind, synced version, and
//! whether the requester is the owner, whom the NFT is delegated to, or who rents it in that block. The
//! share that is given is the one whose commitment the chain has for this slot; one that came in a bound
//! request is given for such a request only. That it is given is durable in the view log before it
//! leaves: if it cannot be logged, it is not given.

use std::sync::Arc;

use axum::{
    extract::{rejection::JsonRejection, State},
    response::Response,
    Json,
};
use tee_primitives::{
    authorisation::{self, Viewers},
    cluster::SlotId,
    keyshare::{KeyshareKind, SyncedKeyshare},
    nft::NftId,
    packet::{
        answer::GivenShare, bound::is_bound, keyshare_data, AuthToken, KeyshareResponse,
        RetrieveData, RetrieveKeysharePacket,
    },
    BlockNumber, Hash,
};

use super::{
    bound,
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
    store::{Access, Correction, Record, RecordKey, VersionKey},
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
    let request = is_bound(&packet.data).then(|| packet.request_hash());
    let (nft_id, is_astray) = match request {
        Some(_) => bound::named(kind, &packet.data),
        None => (RetrieveData::parse(&packet.data).map_or(0, |data| data.nft_id), false),
    };
    let outcome = retrieve(&context, kind, &packet, request.as_ref()).await;
    let signed_for = request.as_ref().filter(|_| !is_astray);
    bound::answer(&context, signed_for, words(kind).retrieve, nft_id, outcome)
}

/// What a request says, in either form.
pub(super) struct RetrieveRequest {
    pub(super) nft_id: NftId,
    /// When it holds.
    pub(super) token: AuthToken,
    /// To which the answer to a bound one is sealed.
    pub(super) one_time_key: Option<[u8; 32]>,
}

impl RetrieveRequest {
    fn plain(packet: &RetrieveKeysharePacket) -> Result<Self, Failure> {
        let RetrieveData { nft_id, token } = RetrieveData::parse(&packet.data)?;
        Ok(Self { nft_id, token, one_time_key: None })
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
    bound_as: Option<&Hash>,
) -> Result<KeyshareResponse, Failure> {
    let requester =
        account::parse_address(&packet.requester_address).ok_or(Status::InvalidRequesterAddress)?;
    let data = match bound_as {
        Some(_) => bound::retrieve_request(context, kind, packet)?,
        None => RetrieveRequest::plain(packet)?,
    };
    let (nft_id, data_token) = (data.nft_id, data.token);
    let arrival = request::arrival(context)?;
    let token = |finalized| request::token(data_token, finalized, Status::ExpiredRequest);
    request::unless_final(token(arrival.view.finalized.number))?;
    let signature = request::signature(&packet.signature, Status::InvalidSignerSignature)?;
    if !context.verifier.verify(&signature, &packet.data, &requester).await {
        return Err(Status::SignerSigVerificationFailed.into());
    }

    let role = packet.requester_type.into();
    let permitted = |at, block| async move {
        let facts = facts::viewed(&*context.chain, at, block, nft_id, kind, role).await?;
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

    let version = VersionKey { nft_id, kind, version: permission.synced.version };
    let (key, record) = match record(context, &version, &permission) {
        Err(failure) if failure.status() == Status::KeyNotExist => {
            want(context, version, permission.decided_at).await?;
            return Err(failure);
        }
        record => record?,
    };
    let Permission { decided_at: block, time, .. } = permission;
    let keyshare_data = match (bound_as, data.one_time_key) {
        (Some(request), Some(one_time_key)) => {
            bound::give(context, request, &one_time_key, &given(&key, record, block))?
        }
        _ => plain(nft_id, &record, block)?,
    };
    context.store.log_view(Access { version, account: requester, role, block, time }).await?;
    Ok(KeyshareResponse {
        status: "RETRIEVESUCCESS".into(),
        nft_id,
        enclave_account: context.account.address().into(),
        keyshare_data: Some(keyshare_data),
        description: words(kind).retrieved.into(),
    })
}

/// The record whose commitment the chain has for this slot.
fn record(
    context: &Context,
    version: &VersionKey,
    permission: &Permission,
) -> Result<(RecordKey, Record), Failure> {
    let Permission { synced, slot_id, .. } = permission;
    let commitment = commitment_of_slot(&synced.commitments, *slot_id);
    Ok(context.store.record_of(version, commitment)?.ok_or(Status::KeyNotExist)?)
}

/// A share as published clients read it. One that came in a bound request was never to be seen by
/// whoever is on the way.
fn plain(nft_id: NftId, record: &Record, decided_at: BlockNumber) -> Result<String, Failure> {
    if record.is_bound {
        return Err(Status::BoundOnly.into());
    }
    let share = std::str::from_utf8(&record.share).map_err(|_| Status::KeyNotReadable)?;
    let token = AuthToken { block_number: decided_at, validity: ANSWER_VALIDITY };
    Ok(keyshare_data(nft_id, share, token))
}

/// A share with what opens its commitment.
fn given(key: &RecordKey, mut record: Record, decided_at: BlockNumber) -> GivenShare {
    GivenShare {
        share: std::mem::take(&mut record.share),
        salt: record.salt,
        version: key.version.version,
        split: key.split,
        slot_id: record.slot_id,
        decided_at,
    }
}

/// What the chain has synced and is not here is to be fetched.
async fn want(context: &Context, version: VersionKey, block: BlockNumber) -> Result<(), Failure> {
    if !context.store.is_wanted(&version)? {
        context.store.correct(vec![Correction::Want(version)], block).await?;
    }
    Ok(())
}
