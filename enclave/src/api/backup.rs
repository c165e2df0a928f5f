// SPDX-License-Identifier: Apache-2.0
//! `POST /api/backup`: a cold backup, page by page, for the enclave's operator
//! (`docs/protocols/backup.md`).
//!
//! An archive holds what the finalized chain has synced for this slot, and nothing else. Who can open
//! it is decided when it is begun, by the finalized chain: this enclave, and in a public cluster those
//! of the same slot in the other public clusters, whose attestation counts.

use std::sync::Arc;

use axum::{
    extract::{rejection::JsonRejection, State},
    response::Response,
    Json,
};
use codec::{DecodeAll, Encode};
use tee_primitives::{
    archive::{
        BackupAnswer, BackupAsk, Header, OperatorPacket, Origin, Purpose, MAX_CHUNKS,
        MAX_RECIPIENTS,
    },
    cluster::ClusterType,
    BlockNumber,
};

use super::{
    failure::{Failure, Status},
    operator::{self, Asked},
    Context,
};
use crate::{
    archive::{Archive, ArchiveKey, MAX_SHARES_LEN},
    chain::facts::Assignment,
    store::{Place, RecordKey, StoreError, VersionKey},
    sync::{
        message::{Item, SharedRecord},
        peers, serve,
    },
    view::View,
};

/// For so many blocks an archive is added to: after that, those that may open it are chosen anew.
const MAX_AGE: BlockNumber = 3_600;

/// Versions of one page.
const VERSIONS: usize = 32;

/// Records that are looked at for one page. A version has up to three until one is synced.
const HELD: usize = 2 * VERSIONS;

/// What the encoding of a list takes besides its items, in bytes.
const LIST_LEN: usize = 4;

/// Handles the request.
pub async fn handle(
    State(context): State<Arc<Context>>,
    body: Result<Json<OperatorPacket>, JsonRejection>,
) -> Response {
    let answered = match operator::asked(&context, body, Purpose::Backup) {
        Ok(asked) => back_up(&context, asked).await,
        Err(failure) => Err(failure),
    };
    operator::answer(&context, Purpose::Backup, answered)
}

async fn back_up(context: &Context, asked: Asked<BackupAsk>) -> Result<BackupAnswer, Failure> {
    let Asked { view, ask, .. } = asked;
    let assignment = view.service().ok_or(Status::NotInService)?;
    let _permit = context.archives.permit().ok_or(Status::Busy)?;
    match ask {
        BackupAsk::Begin => begin(context, &view, assignment).await,
        BackupAsk::Page { header, ticket, index, after } => {
            let header = Header::read(&header).ok_or(Status::InvalidArchive)?;
            let archive = Archive::redeem(header, &ticket, &context.account, Purpose::Backup)
                .filter(|archive| is_current(&archive.header.origin, &view, assignment))
                .ok_or(Status::UnknownArchive)?;
            page(context, &view, assignment, &archive, index, after).await
        }
    }
}

fn is_public(assignment: Assignment) -> bool {
    assignment.cluster_type == ClusterType::Public
}

/// Whether an archive of this origin can still be added to.
fn is_current(origin: &Origin, view: &View, assignment: Assignment) -> bool {
    origin.slot_id == assignment.slot_id
        && origin.is_shared == is_public(assignment)
        && view.finalized.number <= origin.begun_at.saturating_add(MAX_AGE)
}

async fn begin(
    context: &Context,
    view: &View,
    assignment: Assignment,
) -> Result<BackupAnswer, Failure> {
    let Assignment { cluster_id, slot_id, .. } = assignment;
    let (chain, account) = (&*context.archives.chain, &context.account);
    let is_shared = is_public(assignment);
    let mut recipients = vec![(account.id(), account.encryption_key())];
    if is_shared {
        let clusters = peers::clusters(chain, view).await?;
        let others = peers::others(chain, view, Place { cluster_id, slot_id }, &clusters).await?;
        recipients.extend(others.live.iter().map(|peer| (peer.account, peer.encryption_key)));
        recipients.truncate(MAX_RECIPIENTS);
    }
    let key = ArchiveKey::random()?;
    let origin = Origin {
        genesis_hash: view.chain.genesis_hash,
        slot_id,
        account: account.id(),
        is_shared,
        begun_at: view.finalized.number,
        key_hash: key.hash(),
    };
    let archive = Archive::new(key, origin, &recipients)?;
    tracing::info!(recipients = recipients.len(), "a backup is begun");
    Ok(BackupAnswer::Begun {
        header: archive.header.encode(),
        ticket: archive.ticket(account, Purpose::Backup)?,
        missing: context.store.count_wanted()?,
    })
}

/// The next versions that are held after one, and whether there are no others.
fn versions_after(
    context: &Context,
    after: Option<VersionKey>,
) -> Result<(Vec<VersionKey>, bool), StoreError> {
    // Behind every record of that version.
    let after = after.map(|version| RecordKey { version, split: [0xff; 16] });
    let held = context.store.held_after(after, HELD)?;
    let mut versions: Vec<_> = held.iter().map(|held| held.key.version).collect();
    versions.dedup();
    let is_all = held.len() < HELD && versions.len() <= VERSIONS;
    versions.truncate(VERSIONS);
    Ok((versions, is_all))
}

async fn page(
    context: &Context,
    view: &View,
    assignment: Assignment,
    archive: &Archive,
    index: u32,
    after: Option<Vec<u8>>,
) -> Result<BackupAnswer, Failure> {
    let after = after.map(|bytes| VersionKey::decode_all(&mut bytes.as_slice())).transpose();
    let after = after.map_err(|_| Status::InvalidDataFormat)?;
    let (versions, is_all) = versions_after(context, after)?;
    let (chain, store) = (&*context.archives.chain, &context.store);
    let is_shared = archive.header.origin.is_shared;
    let items = serve::items(chain, view, store, assignment, !is_shared, &versions).await?;

    let (mut lists, looked_at) = pack(items);
    let is_last = is_all && looked_at == versions.len();
    // The last chunk there must be, whatever is in it.
    lists.retain(|list| is_last || !list.is_empty());
    let last = looked_at.checked_sub(1).and_then(|index| versions.get(index));
    let next = last.filter(|_| !is_last).map(Encode::encode);
    let shares: usize = lists.iter().map(Vec::len).sum();
    let mut chunks = Vec::new();
    for (place, list) in (0u32..).zip(&lists) {
        let place = index.checked_add(place).ok_or(Status::InvalidDataFormat)?;
        let is_last = is_last && chunks.len().saturating_add(1) == lists.len();
        chunks.push(archive.seal(place, is_last, list)?);
    }
    let shares = u32::try_from(shares).unwrap_or(u32::MAX);
    Ok(BackupAnswer::Page { chunks, shares, next })
}

/// Puts shares into the lists of at most [`MAX_CHUNKS`] chunks, at least one, and says how many of
/// the items were looked at.
fn pack(items: Vec<Item>) -> (Vec<Vec<SharedRecord>>, usize) {
    let mut lists = Vec::new();
    let (mut list, mut length, mut looked_at) = (Vec::new(), LIST_LEN, 0usize);
    for item in items {
        if let Item::Given(shared) = item {
            let size = shared.encoded_size();
            if LIST_LEN.saturating_add(size) > MAX_SHARES_LEN {
                // The store takes no share that is so long.
                let version = &shared.key.version;
                tracing::error!(?version, "a share is too long for an archive");
                looked_at = looked_at.saturating_add(1);
                continue;
            }
            if length.saturating_add(size) > MAX_SHARES_LEN {
                lists.push(std::mem::take(&mut list));
                length = LIST_LEN;
                if lists.len() == MAX_CHUNKS {
                    return (lists, looked_at);
                }
            }
            length = length.saturating_add(size);
            list.push(shared);
        }
        looked_at = looked_at.saturating_add(1);
    }
    lists.push(list);
    (lists, looked_at)
}

#[cfg(test)]
mod tests {
    use tee_primitives::{
        archive::MAX_CHUNK_LEN,
        keyshare::{KeyshareKind, MAX_SHARE_LEN},
    };

    use super::*;

    fn given(nft_id: u32, length: usize) -> Item {
        let version = VersionKey { nft_id, kind: KeyshareKind::Secret, version: 1 };
        Item::Given(SharedRecord {
            key: RecordKey { version, split: [2; 16] },
            share: vec![b's'; length],
            salt: [3; 32],
            owner: [4; 32],
            token_block: 5,
            is_bound: true,
        })
    }

    #[test]
    fn chunks_are_bounded_and_nothing_is_left_out_of_them() {
        for length in [10, 100, 2_700, MAX_SHARE_LEN] {
            let mut left: Vec<_> = (0..VERSIONS as u32).map(|id| given(id, length)).collect();
            let mut packed = Vec::new();
            while !left.is_empty() {
                let (lists, looked_at) = pack(left.clone());
                assert!((1..=MAX_CHUNKS).contains(&lists.len()) && looked_at > 0);
                let sealed = lists.iter().map(|list| list.encoded_size() + 40);
                assert!({ sealed }.all(|length| length <= MAX_CHUNK_LEN));
                packed.extend(lists.into_iter().flatten().map(|shared| shared.key.version.nft_id));
                left.drain(..looked_at);
            }
            assert_eq!(packed, (0..VERSIONS as u32).collect::<Vec<_>>(), "{length} bytes");
        }
    }

    #[test]
    fn what_is_lacking_or_too_long_is_passed_over() {
        let (lists, looked_at) = pack(vec![Item::Lacks, given(1, 10), Item::NotYet]);
        assert_eq!((lists[0].len(), lists.len(), looked_at), (1, 1, 3));
        let (lists, looked_at) = pack(vec![given(1, 9_000), given(2, 10)]);
        assert_eq!((lists[0].len(), lists.len(), looked_at), (1, 1, 2));
        assert_eq!(pack(Vec::new()), (vec![Vec::new()], 0));
    }
}
