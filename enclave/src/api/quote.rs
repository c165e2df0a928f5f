// SPDX-License-Identifier: Apache-2.0
//! `GET /api/quote` (TIP-500 "Attestation Quote").
//!
//! For whoever wants to bring the enclave's attestation to the chain: a quote that is newer than the
//! one the chain has. One that was superseded gives none, so that nobody can bring it back.

use std::sync::Arc;

use axum::{
    extract::State,
    response::{IntoResponse, Response},
    Json,
};
use codec::Encode;
use serde::Serialize;
use tee_primitives::BlockNumber;
use utoipa::ToSchema;

use super::{
    failure::{Failure, Status},
    request, Context,
};
use crate::view::Why;

/// The answer.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Quote {
    /// The block in the payload.
    #[schema(value_type = u32)]
    pub block_number: BlockNumber,
    /// Hexadecimal: the machine's quote, and behind it the attestation's payload in SCALE.
    #[schema(pattern = "^([0-9a-f]{2})+$")]
    pub data: String,
    /// `0x` and hexadecimal: the account's signature over the payload's message. It is also the
    /// quote's report data.
    #[schema(pattern = "^0x[0-9a-f]{128}$")]
    pub signature: String,
}

/// Handles the request.
pub async fn handle(State(context): State<Arc<Context>>) -> Response {
    match quote(&context).await {
        Ok(quote) => Json(quote).into_response(),
        Err(failure) => failure.answer(&context, None, 0),
    }
}

async fn quote(context: &Context) -> Result<Quote, Failure> {
    let view = request::view(context)?;
    if view.attestation == Err(Why::Superseded) {
        return Err(Status::NotInService.into());
    }
    let made = context.quotes.try_get(&view).await?;
    let mut data = made.bytes.clone();
    made.payload.encode_to(&mut data);
    Ok(Quote {
        block_number: made.payload.block_number,
        data: hex::encode(data),
        signature: format!("0x{}", hex::encode(made.signature)),
    })
}
