// SPDX-License-Identifier: Apache-2.0
//! `POST /api/restore`: an archive of a cold backup, chunk by chunk, from the enclave's operator
//! (`docs/protocols/backup.md`).
//!
//! An enclave opens an archive that is wrapped for it. Otherwise it asks those that the chain names
//! and the archive is wrapped for, over the channel of slot synchronisation. Whoever made the archive
//! is believed nothing: a share is kept only if it is wanted and its commitment is the chain's.

use std::{sync::Arc, time::Duration};

use axum::{
    extract::{rejection::JsonRejection, State},
    response::Response,
    Json,
};
use codec::Encode;
use rand::{rng, seq::SliceRandom};
use tee_primitives::{
    abi::storage,
    archive::{Chunk, Header, OperatorPacket, Purpose, RestoreAnswer, RestoreAsk, Restored},
    cluster::ClusterType,
    RawAccountId,
};
use tokio::time::{self, Instant};

use super::{
    failure::{Failure, Status},
    operator::{self, Asked},
    Context,
};
use crate::{
    account,
    archive::{self, Archive},
    chain::{facts, At},
    sync::{
        self,
        peers::{self, Mission, Peer},
    },
    view::View,
};

/// How long one enclave may take to give a key, and all of them.
const PEER_LIMIT: Duration = Duration::from_secs(8);
const LIMIT: Duration = Duration::from_secs(20);

/// Handles the request.
pub async fn handle(
    State(context): State<Arc<Context>>,
    body: Result<Json<OperatorPacket>, JsonRejection>,
) -> Response {
    let answered = match operator::asked(&context, body, Purpose::Restore) {
        Ok(asked) => restore(&context, asked).await,
        Err(failure) => Err(failure),
    };
    operator::answer(&context, Purpose::Restore, answered)
}

async fn restore(context: &Context, asked: Asked<RestoreAsk>) -> Result<RestoreAnswer, Failure> {
    let Asked { view, operator, ask } = asked;
    let _permit = context.archives.permit().ok_or(Status::Busy)?;
    let (chain, own) = (&*context.archives.chain, context.account.id());
    // Of the clusters no more is asked than whether the own one is public now.
    let mission = peers::mission(chain, &view, &own, &operator, &[]).await?;
    let mission = mission.ok_or(Status::NotInService)?;
    let (RestoreAsk::Open { header } | RestoreAsk::Chunk { header, .. }) = &ask;
    let header = Header::read(header).ok_or(Status::InvalidArchive)?;
    let is_ours = header.origin.genesis_hash == view.chain.genesis_hash
        && header.origin.slot_id == mission.place.slot_id;
    if !is_ours {
        return Err(Status::OtherArchive.into());
    }
    match ask {
        RestoreAsk::Open { .. } => open(context, &view, &mission, &operator, header).await,
        RestoreAsk::Chunk { ticket, chunk, .. } => {
            let account = &context.account;
            let archive = Archive::redeem(header, &ticket, account, Purpose::Restore);
            keep(context, &view, &mission, &archive.ok_or(Status::UnknownArchive)?, &chunk).await
        }
    }
}

async fn open(
    context: &Context,
    view: &View,
    mission: &Mission,
    operator: &RawAccountId,
    header: Header,
) -> Result<RestoreAnswer, Failure> {
    if !knows_what_it_lacks(context, view, mission).await? {
        return Err(Status::NotReady.into());
    }
    let own = context.account.id();
    let (archive, by) = if header.wrapped_for(&own).is_some() {
        let key = archive::unwrap(&context.account, &header).ok_or(Status::InvalidArchive)?;
        (Archive::with_key(header, key).ok_or(Status::InvalidArchive)?, own)
    } else {
        ask_others(context, view, mission, operator, header).await?
    };
    let ticket = archive.ticket(&context.account, Purpose::Restore)?;
    tracing::info!(by = account::address(&by), "an archive was opened");
    Ok(RestoreAnswer::Opened { ticket, by })
}

/// Whether all that the chain has synced was looked at, so that what is missing is wanted.
async fn knows_what_it_lacks(
    context: &Context,
    view: &View,
    mission: &Mission,
) -> Result<bool, Failure> {
    let at = At::Finalized(view.finalized.hash);
    let [count] = facts::read(&*context.archives.chain, at, [storage::sync_count()]).await?;
    let count: u64 = facts::decode(count)?.unwrap_or_default();
    let state = context.store.sync_state()?;
    Ok(state.place == Some(mission.place) && state.cursor >= count)
}

/// Those that can open the archive, as far as the chain names them as ones to ask.
async fn key_holders(
    context: &Context,
    view: &View,
    mission: &Mission,
    operator: &RawAccountId,
    header: &Header,
) -> Result<Vec<Peer>, Failure> {
    let chain = &*context.archives.chain;
    let mut live = Vec::new();
    if mission.is_successor {
        live.extend(peers::predecessor(chain, view, operator).await?.live);
    }
    if mission.cluster_type == ClusterType::Public {
        let clusters = peers::clusters(chain, view).await?;
        live.extend(peers::others(chain, view, mission.place, &clusters).await?.live);
    }
    live.retain(|peer| header.wrapped_for(&peer.account).is_some());
    live.shuffle(&mut rng());
    Ok(live)
}

async fn ask_others(
    context: &Context,
    view: &View,
    mission: &Mission,
    operator: &RawAccountId,
    header: Header,
) -> Result<(Archive, RawAccountId), Failure> {
    let holders = key_holders(context, view, mission, operator, &header).await?;
    if holders.is_empty() {
        return Err(Status::NoKeyHolder.into());
    }
    let (dialer, end) = (&context.archives.dialer, Instant::now() + LIMIT);
    for peer in holders {
        let limit = end.min(Instant::now() + PEER_LIMIT);
        let asked = dialer.archive_key(view, mission.place, &peer, header.encode());
        let why = match time::timeout_at(limit, asked).await {
            Ok(Ok(Some(key))) => match Archive::with_key(header.clone(), key) {
                Some(archive) => return Ok((archive, peer.account)),
                None => String::from("the key is another one"),
            },
            Ok(Ok(None)) => String::from("it cannot open it, or may not"),
            Ok(Err(error)) => error.to_string(),
            Err(_) => String::from("it takes too long"),
        };
        let peer = account::address(&peer.account);
        tracing::warn!(peer, why, "an enclave does not open an archive");
    }
    Err(Status::ArchiveShut.into())
}

/// Keeps what is wanted of a chunk.
async fn keep(
    context: &Context,
    view: &View,
    mission: &Mission,
    archive: &Archive,
    chunk: &Chunk,
) -> Result<RestoreAnswer, Failure> {
    let shares = archive.open(chunk).ok_or(Status::InvalidArchive)?;
    let versions = shares.iter().map(|shared| shared.key.version);
    let of = versions.map(|version| (version.nft_id, version.kind));
    let at = At::Finalized(view.finalized.hash);
    let standings = facts::standings(&*context.archives.chain, at, of).await?;
    let (slot_id, from) = (mission.place.slot_id, archive.header.origin.account);
    let (mut good, mut restored) = (Vec::new(), Restored::default());
    for shared in shares {
        let version = shared.key.version;
        let standing = standings.get(&(version.nft_id, version.kind));
        let synced = standing.filter(|standing| !standing.is_gone);
        let synced = synced.and_then(|standing| standing.keyshares.synced);
        match synced.filter(|synced| synced.version == version.version) {
            None => restored.skipped += 1,
            Some(synced) => match sync::checked(view, slot_id, &synced, shared, from) {
                None => restored.refused += 1,
                Some(fetched) => good.push(fetched),
            },
        }
    }
    let fit = u32::try_from(good.len()).unwrap_or(u32::MAX);
    let kept = context.store.fetched(good).await?;
    restored.kept = u32::try_from(kept).unwrap_or(u32::MAX);
    restored.skipped = restored.skipped.saturating_add(fit.saturating_sub(restored.kept));
    Ok(RestoreAnswer::Restored(restored))
}
