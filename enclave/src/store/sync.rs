// SPDX-License-Identifier: Apache-2.0
//! How far the slot was synchronised, and what came from other enclaves.
//!
//! The state is sealed: a machine's owner who could move the cursor could make shares be missed
//! without anybody noticing. Taken out, it begins anew.

use std::{cmp::Reverse, ops::Bound};

use codec::{Decode, DecodeAll, Encode};
use redb::{CursorError, ReadableTable, Table};
use tee_primitives::{
    cluster::{ClusterId, ClusterType, SlotId},
    keyshare::Commitment,
    BlockNumber, Hash, RawAccountId,
};
use zeroize::Zeroizing;

use super::{
    log::{self, LogEntry, Received},
    rules::{self, Finder},
    schema::{META_LOG_BEGIN, META_SYNC, RECORDS, WANTED},
    writer::Tables,
    Correction, Inner, Record, RecordKey, Store, StoreError, VersionKey,
};

const CONTEXT: &[u8; 13] = b"TIP500-SYNC/1";

/// Most records that a purge removes in one transaction.
const PURGED_AT_ONCE: usize = 256;

/// The slot of a cluster.
#[derive(Clone, Copy, Debug, Decode, Encode, Eq, PartialEq)]
pub struct Place {
    /// The cluster.
    pub cluster_id: ClusterId,
    /// The slot.
    pub slot_id: SlotId,
}

/// How far the slot was synchronised.
#[derive(Clone, Copy, Debug, Decode, Default, Encode, Eq, PartialEq)]
pub struct SyncState {
    /// The slot that is filled; `None` if there is none yet.
    pub place: Option<Place>,
    /// Whom its cluster serves, on which it depends what belongs into the slot.
    pub cluster_type: Option<ClusterType>,
    /// Entries of the chain's sync log, from its beginning, whose shares are held, wanted, or not
    /// this slot's to hold.
    pub cursor: u64,
    /// Whether all that could be had when the place was taken is held: whether it may be served.
    pub is_filled: bool,
    /// The newest finalized block at which nothing was missing.
    pub complete_at: BlockNumber,
}

/// A share that another enclave gave: one whose commitment is the chain's, or one that the chain has
/// not decided about, from the enclave whose slot is handed over.
pub struct Fetched {
    /// Where it belongs.
    pub key: RecordKey,
    /// The share.
    pub share: Zeroizing<Vec<u8>>,
    /// Hides it in its commitment.
    pub salt: [u8; 32],
    /// Who stored it, by the other enclave's word.
    pub owner: RawAccountId,
    /// The slot.
    pub slot_id: SlotId,
    /// Block of the token with which its owner approved the splitting, by the other's word.
    pub token_block: BlockNumber,
    /// The block in which its version became synced; `None` if it is not.
    pub synced_at: Option<BlockNumber>,
    /// The finalized block at which the commitment was read, or it was asked for.
    pub decided_at: BlockNumber,
    /// Who gave it.
    pub from: RawAccountId,
    /// Whether it was stored in a bound request. Its commitment says the same.
    pub is_bound: bool,
    /// Its commitment, if it was computed to be compared with the chain's.
    pub commitment: Option<Commitment>,
}

impl Fetched {
    /// As it is kept, at a place in the order of storing.
    pub(super) fn into_record(mut self, order: u64) -> Record {
        Record {
            share: std::mem::take(&mut *self.share),
            salt: self.salt,
            owner: self.owner,
            slot_id: self.slot_id,
            token_block: self.token_block,
            stored_at: self.decided_at,
            order,
            synced_at: self.synced_at,
            is_bound: self.is_bound,
            committed: self.commitment,
        }
    }
}

fn context(genesis: &Hash) -> Vec<u8> {
    (CONTEXT, genesis).encode()
}

/// Reads the state. One that does not open is as good as none.
pub(super) fn read(
    inner: &Inner,
    meta: &impl ReadableTable<&'static str, &'static [u8]>,
) -> Result<SyncState, StoreError> {
    let Some(sealed) = meta.get(META_SYNC)? else { return Ok(SyncState::default()) };
    let opened = inner.sealer.open(&context(&inner.genesis), sealed.value());
    let state = opened.ok().and_then(|bytes| SyncState::decode_all(&mut bytes.as_slice()).ok());
    if state.is_none() {
        tracing::error!("how far the slot was synchronised is lost: it begins anew");
    }
    Ok(state.unwrap_or_default())
}

pub(super) fn write(
    inner: &Inner,
    tables: &mut Tables<'_>,
    state: &SyncState,
) -> Result<(), StoreError> {
    let sealed =
        inner.sealer.seal(&context(&inner.genesis), &state.encode()).map_err(StoreError::Value)?;
    tables.meta.insert(META_SYNC, sealed.as_slice())?;
    Ok(())
}

impl Store {
    /// The records with these commitments, as [`Store::record_of`]: of the first versions, until their
    /// shares have more than `room` bytes together; at least of one.
    pub fn records_of(
        &self,
        of: &[(VersionKey, Option<Commitment>)],
        room: usize,
    ) -> Result<Vec<Option<(RecordKey, Record)>>, StoreError> {
        self.read(|transaction| {
            let table = transaction.open_table(RECORDS)?;
            let mut finder = Finder::new(&self.inner, &table);
            let (mut found, mut length) = (Vec::with_capacity(of.len()), 0usize);
            for (version, commitment) in of {
                let record = finder.record_of(version, commitment.as_ref())?;
                length = length.saturating_add(record.as_ref().map_or(0, |(_, it)| it.share.len()));
                found.push(record);
                if length > room {
                    break;
                }
            }
            Ok(found)
        })
    }

    /// Which of these versions are not held with this commitment, and whether they are wanted.
    pub fn lacking(
        &self,
        of: &[(VersionKey, Option<Commitment>)],
    ) -> Result<Vec<(VersionKey, bool)>, StoreError> {
        self.read(|transaction| {
            let records = transaction.open_table(RECORDS)?;
            let wanted = transaction.open_table(WANTED)?;
            let mut finder = Finder::new(&self.inner, &records);
            let mut lacking = Vec::new();
            for (version, commitment) in of {
                if finder.record_of(version, commitment.as_ref())?.is_none() {
                    lacking.push((*version, wanted.get(&version.to_bytes())?.is_some()));
                }
            }
            Ok(lacking)
        })
    }
}

/// Moves the cursor past what was looked at, and wants what of it is missing, in one transaction.
pub(super) fn scanned(
    inner: &Inner,
    tables: &mut Tables<'_>,
    missing: &[Correction],
    state: &SyncState,
    decided_at: BlockNumber,
) -> Result<(), StoreError> {
    for correction in missing {
        rules::correct(inner, tables, correction, decided_at)?;
    }
    write(inner, tables, state)
}

/// Keeps shares that other enclaves gave, as far as they are still wanted, in the slot that is filled.
/// How many were.
pub(super) fn fetched(
    inner: &Inner,
    tables: &mut Tables<'_>,
    mut shares: Vec<Fetched>,
) -> Result<usize, StoreError> {
    let slot_id = read(inner, &tables.meta)?.place.map(|place| place.slot_id);
    let first = rules::next_orders(tables, shares.len() as u64)?;
    // Newer versions first: older ones are not wanted then.
    shares.sort_unstable_by_key(|share| Reverse(share.key.to_bytes()));
    let (mut kept, mut received) = (Vec::new(), Vec::new());
    for (share, order) in shares.into_iter().zip(first..) {
        let Fetched { key, from, decided_at, .. } = share;
        let version = key.version;
        if share.synced_at.is_none()
            || slot_id != Some(share.slot_id)
            || tables.wanted.remove(&version.to_bytes())?.is_none()
        {
            continue;
        }
        // One of the same splitting may be held that waits, or does not open.
        rules::supersede(inner, tables, &key, false)?;
        kept.push((key.to_bytes(), inner.seal_record(&key, &share.into_record(order))?));
        received.push(LogEntry::Received(Received { version, from, block: decided_at }));
    }
    kept.reverse();
    insert_in_order(&mut tables.records, &kept)?;
    log::append_all(inner, tables, received.into_iter().rev())?;
    Ok(kept.len())
}

/// Inserts records that are sorted by their keys, of which none is there: the pages that they fill are
/// made once.
fn insert_in_order(
    table: &mut Table<'_, &'static [u8; RecordKey::LEN], &'static [u8]>,
    records: &[([u8; RecordKey::LEN], Vec<u8>)],
) -> Result<(), StoreError> {
    let mut left = records;
    while let Some((first, _)) = left.first() {
        let mut gap = table.upper_bound_mut(Bound::Included(first))?;
        let mut count = 0;
        for (key, sealed) in left {
            match gap.insert_before(key, sealed.as_slice()) {
                Ok(()) => count += 1,
                // Another record lies between.
                Err(CursorError::UnorderedKey) if count > 0 => break,
                Err(error) => return Err(error.into()),
            }
        }
        gap.close()?;
        left = left.get(count..).unwrap_or_default();
    }
    Ok(())
}

/// Removes some of all that is held. Whether nothing is left.
pub(super) fn purge(tables: &mut Tables<'_>) -> Result<bool, StoreError> {
    let mut keys = Vec::new();
    for entry in tables.records.iter()?.take(PURGED_AT_ONCE) {
        keys.push(*entry?.0.value());
    }
    for key in &keys {
        tables.records.remove(key)?;
    }
    let mut orders = Vec::new();
    for entry in tables.outbox.iter()?.take(PURGED_AT_ONCE) {
        orders.push(entry?.0.value());
    }
    for order in &orders {
        tables.outbox.remove(*order)?;
    }
    let mut is_empty = keys.is_empty() && orders.is_empty();
    // The index first: what it names must be there.
    let is_unnamed = drop_some(&mut tables.others_of_nft)?;
    is_empty &= is_unnamed && drop_some(&mut tables.others)? && drop_some(&mut tables.tips)?;
    for table in [&mut tables.unsynced, &mut tables.wanted] {
        let mut versions = Vec::new();
        for entry in table.iter()?.take(PURGED_AT_ONCE) {
            versions.push(*entry?.0.value());
        }
        for version in &versions {
            table.remove(version)?;
        }
        is_empty &= versions.is_empty();
    }
    if is_empty {
        let count = tables.log_state.head.count.to_be_bytes();
        tables.meta.insert(META_LOG_BEGIN, count.as_slice())?;
    }
    Ok(is_empty)
}

/// Removes some of a table. Whether there was nothing.
fn drop_some<K: redb::Key + 'static, V: redb::Value + 'static>(
    table: &mut redb::Table<'_, K, V>,
) -> Result<bool, StoreError> {
    let mut removed = 0;
    while removed < PURGED_AT_ONCE && table.pop_first()?.is_some() {
        removed += 1;
    }
    Ok(removed == 0)
}
