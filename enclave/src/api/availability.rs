// SPDX-License-Identifier: Apache-2.0
//! `GET /api/secret-nft/is-keyshare-available/{nft id}`, and the same under `/api/capsule-nft`
//! (TIP-500 "Availability of a secret-nft on an enclave").

use std::sync::Arc;

use axum::{
    extract::{rejection::PathRejection, Path, State},
    response::{IntoResponse, Response},
    Json,
};
use serde::Serialize;
use tee_primitives::{keyshare::KeyshareKind, nft::NftId, BlockNumber};
use utoipa::ToSchema;

use super::{
    failure::{Failure, Status},
    request, Context,
};

/// The answer.
#[derive(Debug, Serialize, ToSchema)]
pub struct Availability {
    /// This enclave's account, SS58.
    pub enclave_account: String,
    /// If a share is held, the block at which it became synced, 0 before that; otherwise the newest
    /// finalized block, 0 if none is known of the chain that the enclave serves.
    #[schema(value_type = u32)]
    pub block_number: BlockNumber,
    /// The NFT.
    #[schema(value_type = u32)]
    pub nft_id: NftId,
    /// Whether a share is held.
    pub exists: bool,
}

/// Handles the request for a secret.
pub async fn secret(
    context: State<Arc<Context>>,
    nft_id: Result<Path<NftId>, PathRejection>,
) -> Response {
    handle(KeyshareKind::Secret, context, nft_id)
}

/// Handles the request for a capsule.
pub async fn capsule(
    context: State<Arc<Context>>,
    nft_id: Result<Path<NftId>, PathRejection>,
) -> Response {
    handle(KeyshareKind::Capsule, context, nft_id)
}

fn handle(
    kind: KeyshareKind,
    State(context): State<Arc<Context>>,
    nft_id: Result<Path<NftId>, PathRejection>,
) -> Response {
    let Ok(Path(nft_id)) = nft_id else {
        return Failure::from(Status::InvalidNftId).answer(&context, None, 0);
    };
    match availability(&context, kind, nft_id) {
        Ok(availability) => Json(availability).into_response(),
        Err(failure) => failure.answer(&context, None, nft_id),
    }
}

fn availability(
    context: &Context,
    kind: KeyshareKind,
    nft_id: NftId,
) -> Result<Availability, Failure> {
    let held = context.store.held(nft_id, kind)?;
    let block_number = match held {
        Some(block_number) => block_number,
        None => request::view(context).map_or(0, |view| view.finalized.number),
    };
    Ok(Availability {
        enclave_account: context.account.address().into(),
        block_number,
        nft_id,
        exists: held.is_some(),
    })
}
