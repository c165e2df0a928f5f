// SPDX-License-Identifier: Apache-2.0
//! `POST /api/secret-nft/retrieve-keyshare` (TIP-500 "Retrieve secret from enclave").
//!
//! Checks, cheap before costly: form of the fields, token, signature, then at one finalized block:
//! attestation and assignment, NFT, kind, synced version, role. The share that is given is the one whose commitment
//! the chain has for this slot.

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
    BlockNumber, Hash,
};
use zeroize::Zeroizing;

use super::{
    failure::{of_refusal, Failure, Status},
    request, Context,
};
use crate::{
    account,
    chain::{facts, At},
    confirm::commitment_of_slot,
    park::Patience,
    store::VersionKey,
    view::View,
};

const CALL: &str = "NFTRETRIEVE";
const KIND: KeyshareKind = KeyshareKind::Secret;

/// Validity of the token in the answer, in blocks.
const ANSWER_VALIDITY: u32 = 15;

/// Handles the request.
pub async fn handle(
    State(context): State<Arc<Context>>,
    body: Result<Json<RetrieveKeysharePacket>, JsonRejection>,
) -> Response {
    let packet = match request::body(body) {
        Ok(packet) => packet,
        Err(failure) => return failure.answer(&context, Some(CALL), 0),
    };
    let nft_id = RetrieveData::parse(&packet.data).map_or(0, |data| data.nft_id);
    match retrieve(&context, &packet).await {
        Ok(response) => (StatusCode::OK, Json(response)).into_response(),
        Err(failure) => failure.answer(&context, Some(CALL), nft_id),
    }
}

/// Which share may be given.
struct Permission {
    synced: SyncedKeyshare,
    slot_id: SlotId,
    genesis_hash: Hash,
    decided_at: BlockNumber,
}

async fn retrieve(
    context: &Context,
    packet: &RetrieveKeysharePacket,
) -> Result<KeyshareResponse, Failure> {
    let requester =
        account::parse_address(&packet.requester_address).ok_or(Status::InvalidRequesterAddress)?;
    let data = RetrieveData::parse(&packet.data)?;
    let arrival = request::arrival(context)?;
    let token = |finalized| request::token(data.token, finalized, Status::ExpiredRequest);
    request::unless_final(token(arrival.view.finalized.number))?;
    let signature = request::signature(&packet.signature, Status::InvalidSignerSignature)?;
    if !account::verify(&signature, &packet.data, &requester) {
        return Err(Status::SignerSigVerificationFailed.into());
    }

    let role = packet.requester_type.into();
    let permitted = |at| async move {
        let facts = facts::nft(&*context.chain, at, data.nft_id, KIND).await?;
        // This enclave serves owners only: it does not read delegations and rentals.
        let viewers = Viewers { delegatee: None, rentee: None };
        let nft = facts.nft.as_ref();
        authorisation::retrieve(KIND, nft, &viewers, &facts.keyshares, &requester, role)
            .copied()
            .map_err(|refusal| of_refusal(refusal, Status::RequesterVerificationFailed))
    };
    let decide = |view: View| async move {
        token(view.finalized.number)?;
        let assignment = view.service().ok_or(Status::NotInService)?;
        Ok::<_, Failure>(Permission {
            synced: permitted(At::Finalized(view.finalized.hash)).await?,
            slot_id: assignment.slot_id,
            genesis_hash: view.chain.genesis_hash,
            decided_at: view.finalized.number,
        })
    };
    let shown = || async { permitted(At::Best).await.is_ok() };
    let permission =
        context.park.decide(requester, Patience::PresentBlock, arrival, decide, shown).await?;

    let share = share(context, data.nft_id, &permission)?;
    let token = AuthToken { block_number: permission.decided_at, validity: ANSWER_VALIDITY };
    Ok(KeyshareResponse {
        status: "RETRIEVESUCCESS".into(),
        nft_id: data.nft_id,
        enclave_account: context.account.address().into(),
        keyshare_data: Some(keyshare_data(data.nft_id, &share, token)),
        description: "TEE Key-share NFTRETRIEVE: Success retrieving nft_id key-share.".into(),
    })
}

/// The share whose commitment the chain has for this slot.
fn share(
    context: &Context,
    nft_id: u32,
    permission: &Permission,
) -> Result<Zeroizing<String>, Failure> {
    let Permission { synced, slot_id, genesis_hash, .. } = permission;
    let commitment = commitment_of_slot(&synced.commitments, *slot_id);
    let version = VersionKey { nft_id, kind: KIND, version: synced.version };
    let (_, mut record) = context
        .store
        .records(&version)?
        .into_iter()
        .find(|(key, record)| commitment == Some(&record.commitment(*genesis_hash, key)))
        .ok_or(Status::KeyNotExist)?;
    String::from_utf8(std::mem::take(&mut record.share))
        .map(Zeroizing::new)
        .map_err(|_| Status::KeyNotReadable.into())
}
