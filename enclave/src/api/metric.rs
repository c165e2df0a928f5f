// SPDX-License-Identifier: Apache-2.0
//! `POST /api/metric/interval-nft-list`: which keyshares that became synced in an interval of blocks
//! are held here. TIP-500 has metrics servers and no words for this route; published clients send what
//! is described here.
//!
//! The chain's sync log says what became synced when, in the order of blocks, and the store says what
//! of it is held, so neither needs another index. An answer is about [`MAX_ENTRIES`] syncs at most;
//! `next` of one that is not complete is the `block_interval` to ask for then.
//!
//! Checks, cheap before costly: form of the fields; that the token is for this interval, and valid now;
//! by the finalized chain, whether the account is a metrics server; the signature.

use std::{collections::BTreeSet, sync::Arc};

use axum::{
    extract::{rejection::JsonRejection, State},
    response::{IntoResponse, Response},
    Json,
};
use serde::{Deserialize, Serialize};
use sp_crypto_hashing::sha2_256;
use tee_primitives::{
    keyshare::SyncLogEntry,
    nft::NftId,
    packet::{unwrap_bytes, AuthToken},
    BlockNumber,
};
use tokio::sync::{Semaphore, SemaphorePermit};
use utoipa::ToSchema;

use super::{
    failure::{Failure, Status},
    request, Context,
};
use crate::{
    account,
    chain::{facts, At, Chain, ChainError},
    store::{StoreError, VersionKey},
};

/// Entries of the sync log that are looked at for one answer, and at once.
pub const MAX_ENTRIES: u64 = 4_096;
const PAGE: u64 = 256;

/// Entries that are read at once to find the first one of an interval.
const PROBES: u64 = 32;

/// Lists that are made at the same time.
const AT_ONCE: usize = 2;

/// The request.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct IntervalPacket {
    /// The metrics server's account, SS58.
    pub metric_account: String,
    /// JSON in a string: the first and the last block, `[100,200]`; or an answer's `next`.
    pub block_interval: String,
    /// JSON in a string, see [`Token`].
    pub auth_token: String,
    /// The server's signature over `auth_token`: `0x` and 128 hexadecimal digits.
    pub signature: String,
}

/// What a metrics server signs, as JSON.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Token {
    /// The block from which on it is valid.
    pub block_number: BlockNumber,
    /// For how many blocks.
    pub block_validation: u32,
    /// SHA-256 of `block_interval` as sent, 64 hexadecimal digits.
    pub data_hash: String,
}

/// The answer.
#[derive(Debug, Serialize, ToSchema)]
pub struct IntervalList {
    /// NFTs with a keyshare that became synced in the interval and is held here, ascending, each once.
    #[schema(value_type = Vec<u32>)]
    pub nftid: Vec<NftId>,
    /// This enclave's account, SS58.
    pub enclave_account: String,
    /// The newest finalized block: later syncs are not known.
    #[schema(value_type = u32)]
    pub block_number: BlockNumber,
    /// `block_interval` of the request for the rest, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    pub next: Option<String>,
}

/// Bounds how many lists are made at the same time.
pub struct Lists(Semaphore);

impl Default for Lists {
    fn default() -> Self {
        Self(Semaphore::new(AT_ONCE))
    }
}

impl Lists {
    fn permit(&self) -> Option<SemaphorePermit<'_>> {
        self.0.try_acquire().ok()
    }
}

/// An interval of blocks, both ends included.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Interval {
    first: BlockNumber,
    last: BlockNumber,
    /// Entry of the sync log to go on with.
    entry: Option<u64>,
}

impl Interval {
    fn parse(text: &str) -> Option<Self> {
        let numbers: Vec<u64> = serde_json::from_str(text).ok()?;
        let (first, last, entry) = match numbers[..] {
            [first, last] => (first, last, None),
            [first, last, entry] => (first, last, Some(entry)),
            _ => return None,
        };
        let (first, last) = (first.try_into().ok()?, last.try_into().ok()?);
        (first <= last).then_some(Self { first, last, entry })
    }

    fn next(self, entry: u64) -> String {
        format!("[{},{},{entry}]", self.first, self.last)
    }
}

/// Handles the request.
pub async fn handle(
    State(context): State<Arc<Context>>,
    body: Result<Json<IntervalPacket>, JsonRejection>,
) -> Response {
    let answered = match request::body(body) {
        Ok(packet) => list(&context, &packet).await,
        Err(failure) => Err(failure),
    };
    match answered {
        Ok(list) => Json(list).into_response(),
        Err(failure) => failure.answer(&context, Some("INTERVALNFTLIST"), 0),
    }
}

async fn list(context: &Context, packet: &IntervalPacket) -> Result<IntervalList, Failure> {
    let server =
        account::parse_address(&packet.metric_account).ok_or(Status::InvalidRequesterAddress)?;
    let token: Token = serde_json::from_str(unwrap_bytes(&packet.auth_token))
        .map_err(|_| Status::InvalidAuthToken)?;
    let interval = Interval::parse(&packet.block_interval).ok_or(Status::InvalidInterval)?;
    if token.data_hash != hex::encode(sha2_256(packet.block_interval.as_bytes())) {
        return Err(Status::DataHashMismatch.into());
    }
    let signature = request::signature(&packet.signature, Status::InvalidSignerSignature)?;
    let view = request::view(context)?;
    let validity = token.block_validation;
    let token = AuthToken { block_number: token.block_number, validity };
    request::token(token, view.finalized.number, Status::ExpiredRequest)?;
    let at = At::Finalized(view.finalized.hash);
    let (is_named, count) = facts::metrics_server(&*context.chain, at, &server).await?;
    if !is_named {
        return Err(Status::NotAMetricsServer.into());
    }
    if !context.verifier.verify(&signature, &packet.auth_token, &server).await {
        return Err(Status::SignerSigVerificationFailed.into());
    }

    let _permit = context.lists.permit().ok_or(Status::Busy)?;
    let (held, next) = held(context, at, interval, count).await?;
    Ok(IntervalList {
        nftid: held.into_iter().collect(),
        enclave_account: context.account.address().into(),
        block_number: view.finalized.number,
        next: next.map(|entry| interval.next(entry)),
    })
}

/// What is held of an interval's syncs, and the entry to go on with if these are not all.
async fn held(
    context: &Context,
    at: At,
    interval: Interval,
    count: u64,
) -> Result<(BTreeSet<NftId>, Option<u64>), Failure> {
    // What is read once need not be kept.
    let chain = &*context.archives.chain;
    let mut place = match interval.entry {
        Some(entry) => entry.min(count),
        None => first_since(chain, at, count, interval.first).await?,
    };
    let end = count.min(place.saturating_add(MAX_ENTRIES));
    let mut held = BTreeSet::new();
    while place < end {
        let page = place..end.min(place.saturating_add(PAGE));
        place = page.end;
        for entry in facts::sync_log(chain, at, page).await? {
            if entry.block_number > interval.last {
                return Ok((held, None));
            }
            if entry.block_number >= interval.first && is_held(context, &entry)? {
                held.insert(entry.nft_id);
            }
        }
    }
    Ok((held, (end < count).then_some(end)))
}

/// The first of so many entries of the sync log that is of this block or a later one; their number if
/// there is none. No entry is of an earlier block than the one before it.
pub(super) async fn first_since(
    chain: &dyn Chain,
    at: At,
    count: u64,
    first: BlockNumber,
) -> Result<u64, ChainError> {
    // Entries before `begin` are of earlier blocks, and those from `end` on are not.
    let (mut begin, mut end) = (0, count);
    while begin < end {
        let step = usize::try_from((end - begin).div_ceil(PROBES)).unwrap_or(usize::MAX);
        let probes: Vec<u64> = (begin..end).step_by(step).collect();
        let entries = facts::sync_log(chain, at, probes.iter().copied()).await?;
        let earlier = entries.partition_point(|entry| entry.block_number < first);
        if let Some(last) = earlier.checked_sub(1).and_then(|index| probes.get(index)) {
            begin = last.saturating_add(1);
        }
        end = probes.get(earlier).copied().unwrap_or(end);
    }
    Ok(begin)
}

/// Whether the share of the version that became synced is held.
fn is_held(context: &Context, entry: &SyncLogEntry) -> Result<bool, StoreError> {
    let SyncLogEntry { nft_id, kind, version, .. } = *entry;
    let records = context.store.records(&VersionKey { nft_id, kind, version })?;
    Ok(records.iter().any(|(_, record)| record.synced_at.is_some()))
}
