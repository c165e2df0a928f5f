// SPDX-License-Identifier: Apache-2.0
//! `GET /api/quote` (TIP-500 "Attestation Quote").
//!
//! A quote is made at most once per finalized block, however often it is asked for.

use std::{fmt, sync::Arc};

use axum::{
    extract::State,
    response::{IntoResponse, Response},
    Json,
};
use codec::Encode;
use serde::Serialize;
use tee_primitives::{
    attestation::{AttestationPayload, LogHead, Purpose, PAYLOAD_VERSION},
    BlockNumber,
};
use tokio::sync::Mutex;

use super::{
    failure::{Failure, Status},
    request, Context,
};
use crate::{chain::Head, view::View};

/// The answer.
#[derive(Clone, Debug, Serialize)]
pub struct Quote {
    /// The block in the payload.
    pub block_number: BlockNumber,
    /// Hexadecimal: the machine's quote, if it makes one, and the SCALE-encoded
    /// [`AttestationPayload`].
    pub data: String,
    /// `0x` and hexadecimal: the account's signature over [`AttestationPayload::message`]. It is
    /// also the quote's report data.
    pub signature: String,
}

/// The newest quote, and the block that it was made at.
#[derive(Default)]
pub struct QuoteCache(Mutex<Option<(Head, Quote)>>);

impl fmt::Debug for QuoteCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("QuoteCache")
    }
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
    // Others wait here while one quote is made: a machine makes them one at a time.
    let mut cache = context.quotes.0.lock().await;
    match &*cache {
        Some((head, quote)) if *head == view.finalized => Ok(quote.clone()),
        _ => {
            let quote = make(context, &view)?;
            *cache = Some((view.finalized, quote.clone()));
            Ok(quote)
        }
    }
}

fn make(context: &Context, view: &View) -> Result<Quote, Failure> {
    let payload = AttestationPayload {
        version: PAYLOAD_VERSION,
        purpose: Purpose::Chain,
        genesis_hash: view.chain.genesis_hash,
        mrenclave: context.platform.measurement(),
        block_number: view.finalized.number,
        block_hash: view.finalized.hash,
        account: context.account.id(),
        operator: context.operator,
        encryption_key: context.account.encryption_key(),
        tls_spki_hash: [0; 32],
        session: context.account.session(),
        log_head: LogHead::default(),
    };
    let signature = context.account.sign(&payload.message());
    let mut data = context
        .platform
        .quote(&signature)
        .map_err(|error| {
            tracing::error!(%error, "no quote could be made");
            Status::QuoteFailure
        })?
        .unwrap_or_default();
    payload.encode_to(&mut data);
    Ok(Quote {
        block_number: payload.block_number,
        data: hex::encode(data),
        signature: format!("0x{}", hex::encode(signature)),
    })
}
