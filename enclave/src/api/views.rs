// SPDX-License-Identifier: Apache-2.0
//! `GET /api/secret-nft/get-views-log/{nft id}`, and the same under `/api/capsule-nft` (TIP-500
//! "View logs of secret-nft"): who has stored and viewed, by this enclave's log and by its copies of
//! the logs of the slot's other enclaves.
//!
//! Everybody may ask: it is for whoever thinks of buying. Both maps are always there, as an NFT's
//! secret and its capsule have one history. Parameters beyond TIP-500, for long histories:
//!
//! | parameter | value |
//! |---|---|
//! | `limit` | entries in one answer, 1 to 200; 200 if not given |
//! | `after` | the `next` of the answer before |
//!
//! The entries of one answer are in the order of time. An answer without `next` is the last. Long
//! histories come by enclave, this one's first.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    extract::{
        rejection::{PathRejection, QueryRejection},
        Path, Query, State,
    },
    response::{IntoResponse, Response},
    Json,
};
use chrono::DateTime;
use serde::{Deserialize, Serialize};
use tee_primitives::{
    authorisation::Role, keyshare::KeyshareKind, nft::NftId, BlockNumber, RawAccountId,
};
use utoipa::ToSchema;

use super::{
    failure::{Failure, Status},
    request, Context,
};
use crate::{
    account,
    chain::{facts, At},
    store::{Access, CopyKey, LogEntry},
};

/// Entries in one answer, at most.
pub const MAX_ENTRIES: usize = 200;

/// Which part of a history is asked for.
#[derive(Debug, Default, Deserialize)]
pub struct Part {
    after: Option<String>,
    limit: Option<usize>,
}

/// The answer.
#[derive(Debug, Serialize, ToSchema)]
pub struct ViewsLog {
    /// This enclave's account, SS58.
    pub enclave_account: String,
    /// The NFT.
    #[schema(value_type = u32)]
    pub nft_id: NftId,
    /// Its history, or a part of it.
    pub log: Histories,
    /// For people.
    pub description: &'static str,
    /// `after` of the next part, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    pub next: Option<String>,
}

/// What happened to an NFT's shares, by number from 0 in the order of time.
#[derive(Debug, Default, Serialize, ToSchema)]
pub struct Histories {
    /// To those of its secret.
    #[schema(value_type = BTreeMap<String, Event>)]
    pub secret_nft: BTreeMap<usize, Event>,
    /// To those of its capsule.
    #[schema(value_type = BTreeMap<String, Event>)]
    pub capsule: BTreeMap<usize, Event>,
}

/// That a share was stored or viewed.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Event {
    /// The chain's time when it was decided, UTC.
    #[schema(pattern = "^[0-9]{4,}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}$")]
    pub date: String,
    /// The finalized block at which it was decided.
    #[schema(value_type = u32)]
    pub block: BlockNumber,
    /// Who it was.
    pub account: Who,
    /// `STORE` or `VIEW`.
    #[schema(pattern = "^(STORE|VIEW)$")]
    pub event: &'static str,
    /// The enclave that has logged it, SS58.
    pub enclave: String,
}

/// An account in a role.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Who {
    /// SS58.
    pub address: String,
    /// `OWNER`, `DELEGATEE` or `RENTEE`.
    #[schema(pattern = "^(OWNER|DELEGATEE|RENTEE)$")]
    pub role: &'static str,
}

type Asked = (Result<Path<NftId>, PathRejection>, Result<Query<Part>, QueryRejection>);

/// Handles the request for a secret's history.
pub async fn secret(
    State(context): State<Arc<Context>>,
    nft_id: Result<Path<NftId>, PathRejection>,
    part: Result<Query<Part>, QueryRejection>,
) -> Response {
    handle(KeyshareKind::Secret, &context, (nft_id, part)).await
}

/// Handles the request for a capsule's history.
pub async fn capsule(
    State(context): State<Arc<Context>>,
    nft_id: Result<Path<NftId>, PathRejection>,
    part: Result<Query<Part>, QueryRejection>,
) -> Response {
    handle(KeyshareKind::Capsule, &context, (nft_id, part)).await
}

async fn handle(kind: KeyshareKind, context: &Context, (nft_id, part): Asked) -> Response {
    let Ok(Path(nft_id)) = nft_id else {
        return Failure::from(Status::InvalidNftId).answer(context, None, 0);
    };
    let history = async {
        let Query(part) = part.map_err(|_| Status::InvalidParameters)?;
        history(context, kind, nft_id, part).await
    };
    match history.await {
        Ok(log) => Json(log).into_response(),
        Err(failure) => failure.answer(context, None, nft_id),
    }
}

/// Where in an NFT's history to go on.
#[derive(Clone, Copy)]
enum Place {
    /// After this place in the own log.
    Own(Option<u64>),
    /// After this entry of another's.
    Copied(Option<CopyKey>),
}

impl Place {
    fn parse(after: Option<&str>) -> Result<Self, Status> {
        let Some(after) = after else { return Ok(Self::Own(None)) };
        if let Some(digits) = after.strip_prefix('x') {
            let mut key = [0; 56];
            hex::decode_to_slice(digits, &mut key).map_err(|_| Status::InvalidParameters)?;
            return Ok(Self::Copied(Some(key)));
        }
        after.parse().map(|place| Self::Own(Some(place))).map_err(|_| Status::InvalidParameters)
    }

    fn as_text(&self) -> Option<String> {
        match self {
            Self::Own(place) => place.map(|place| place.to_string()),
            Self::Copied(key) => key.map(|key| format!("x{}", hex::encode(key))),
        }
    }
}

async fn history(
    context: &Context,
    kind: KeyshareKind,
    nft_id: NftId,
    part: Part,
) -> Result<ViewsLog, Failure> {
    let limit = part.limit.unwrap_or(MAX_ENTRIES);
    if !(1..=MAX_ENTRIES).contains(&limit) {
        return Err(Status::InvalidParameters.into());
    }
    let place = Place::parse(part.after.as_deref())?;
    let view = request::view(context)?;
    let at = At::Finalized(view.finalized.hash);
    let nft = facts::nft(&*context.chain, at, nft_id, kind).await?.nft;
    if !nft.ok_or(Status::InvalidNftId)?.state.carries(kind) {
        return Err(match kind {
            KeyshareKind::Secret => Status::IdIsNotASecretNft,
            KeyshareKind::Capsule => Status::IdIsNotACapsule,
        }
        .into());
    }

    let mut found: Vec<(RawAccountId, u64, LogEntry)> = Vec::new();
    let mut next = None;
    let mut copied_after = None;
    match place {
        Place::Own(after) => {
            let own = context.store.log_of(nft_id, after, limit)?;
            next = own.last().filter(|_| own.len() == limit).map(|last| Place::Own(Some(last.0)));
            let account = context.account.id();
            found.extend(own.into_iter().map(|(place, entry)| (account, place, entry)));
        }
        Place::Copied(after) => copied_after = after,
    }
    if next.is_none() {
        let room = limit.saturating_sub(found.len());
        let copied = context.store.others_log_of(nft_id, copied_after, room)?;
        next = copied
            .last()
            .filter(|_| copied.len() == room)
            .map(|(key, ..)| Place::Copied(Some(*key)));
        for (_, origin, place, entry) in copied {
            // Of the own log, others may have what the own disk has lost, and all the rest of it.
            let is_own = origin == context.account.id();
            if !is_own || context.store.log_entry(place)? != Some(entry) {
                found.push((origin, place, entry));
            }
        }
    }
    Ok(ViewsLog {
        enclave_account: context.account.address().into(),
        nft_id,
        log: in_order(found),
        description: "Successful",
        next: next.and_then(|next| next.as_text()),
    })
}

fn in_order(found: Vec<(RawAccountId, u64, LogEntry)>) -> Histories {
    let mut events: Vec<_> = found
        .into_iter()
        .filter_map(|(origin, place, entry)| match entry {
            LogEntry::Stored(access) => Some((access, "STORE", origin, place)),
            LogEntry::Viewed(access) => Some((access, "VIEW", origin, place)),
            LogEntry::RolledBack(_) | LogEntry::Received(_) => None,
        })
        .collect();
    events.sort_by_key(|(access, _, origin, place)| (access.time, access.block, *origin, *place));
    let mut histories = Histories::default();
    for (access, event, origin, _) in events {
        let history = match access.version.kind {
            KeyshareKind::Secret => &mut histories.secret_nft,
            KeyshareKind::Capsule => &mut histories.capsule,
        };
        history.insert(history.len(), describe(&access, event, &origin));
    }
    histories
}

fn describe(access: &Access, event: &'static str, origin: &RawAccountId) -> Event {
    let date = i64::try_from(access.time).ok().and_then(|time| DateTime::from_timestamp(time, 0));
    Event {
        date: date.map(|date| date.format("%Y-%m-%d %H:%M:%S").to_string()).unwrap_or_default(),
        block: access.block,
        account: Who {
            address: account::address(&access.account),
            role: match access.role {
                Role::Owner => "OWNER",
                Role::Delegatee => "DELEGATEE",
                Role::Rentee => "RENTEE",
            },
        },
        event,
        enclave: account::address(origin),
    }
}
