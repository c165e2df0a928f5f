// SPDX-License-Identifier: Apache-2.0
//! `POST /api/secret-nft/remove-keyshare` and `POST /api/capsule-nft/remove-keyshare` (TIP-500
//! "Remove secret from enclave").
//!
//! What decides is the finalized chain: a share is removed if its NFT has been minted and is burnt, or
//! no longer carries content of this kind. Then it is of no use, so it does not matter who asks, and
//! enclaves remove such shares by themselves too. TIP-500's body `{requester_address,
//! nft_id}` and the existing clients' `{requester_address, data, signature}` are both taken; a signature
//! that is there must be good.

use std::sync::Arc;

use axum::{
    extract::{rejection::JsonRejection, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    Json,
};
use serde::Deserialize;
use tee_primitives::{
    keyshare::KeyshareKind,
    nft::NftId,
    packet::{KeyshareResponse, RetrieveData},
};

use super::{
    failure::{Failure, Status},
    kind::words,
    request, Context,
};
use crate::{
    account,
    chain::{facts, At},
};

/// The request.
#[derive(Debug, Deserialize)]
pub struct RemovePacket {
    /// Who asks, SS58.
    requester_address: String,
    /// The NFT, in TIP-500's form.
    nft_id: Option<NftId>,
    /// `<NFT id>_<block>_<validity>`, in the signed form.
    data: Option<String>,
    /// The requester's signature over `data`: `0x` and 128 hexadecimal digits.
    signature: Option<String>,
}

/// Handles the request for a secret.
pub async fn secret(
    context: State<Arc<Context>>,
    body: Result<Json<RemovePacket>, JsonRejection>,
) -> Response {
    handle(KeyshareKind::Secret, context, body).await
}

/// Handles the request for a capsule.
pub async fn capsule(
    context: State<Arc<Context>>,
    body: Result<Json<RemovePacket>, JsonRejection>,
) -> Response {
    handle(KeyshareKind::Capsule, context, body).await
}

async fn handle(
    kind: KeyshareKind,
    State(context): State<Arc<Context>>,
    body: Result<Json<RemovePacket>, JsonRejection>,
) -> Response {
    let packet = match request::body(body) {
        Ok(packet) => packet,
        Err(failure) => return failure.answer(&context, Some(words(kind).remove), 0),
    };
    let named = packet.data.as_deref().and_then(|data| RetrieveData::parse(data).ok());
    let nft_id = named.map(|data| data.nft_id).or(packet.nft_id).unwrap_or_default();
    match remove(&context, kind, &packet).await {
        Ok(was_held) => {
            let description = if was_held { words(kind).removed } else { words(kind).was_not_held };
            let body = Json(KeyshareResponse {
                status: "REMOVESUCCESS".into(),
                nft_id,
                enclave_account: context.account.address().into(),
                keyshare_data: None,
                description: description.into(),
            });
            (StatusCode::OK, body).into_response()
        }
        Err(failure) => failure.answer(&context, Some(words(kind).remove), nft_id),
    }
}

/// Whether there was something to remove.
async fn remove(
    context: &Context,
    kind: KeyshareKind,
    packet: &RemovePacket,
) -> Result<bool, Failure> {
    let requester =
        account::parse_address(&packet.requester_address).ok_or(Status::InvalidRequesterAddress)?;
    let view = request::view(context)?;
    let nft_id = match (&packet.data, &packet.signature, packet.nft_id) {
        (Some(data), Some(signature), _) => {
            let parsed = RetrieveData::parse(data)?;
            request::token(parsed.token, view.finalized.number, Status::ExpiredRequest)?;
            let signature = request::signature(signature, Status::InvalidSignerSignature)?;
            if !context.verifier.verify(&signature, data, &requester).await {
                return Err(Status::SignerSigVerificationFailed.into());
            }
            parsed.nft_id
        }
        (None, None, Some(nft_id)) => nft_id,
        _ => return Err(Status::InvalidFields.into()),
    };
    let at = At::Finalized(view.finalized.hash);
    let standings = facts::standings(&*context.chain, at, [(nft_id, kind)].into_iter()).await?;
    if standings.get(&(nft_id, kind)).is_none_or(|standing| !standing.is_gone) {
        let nft = facts::nft(&*context.chain, at, nft_id, kind).await?.nft;
        return Err(nft.map_or(Status::InvalidNftId, |_| Status::NotBurnt).into());
    }
    Ok(context.store.wipe_all(nft_id, kind, view.finalized.number).await?)
}
