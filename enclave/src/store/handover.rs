// SPDX-License-Identifier: Apache-2.0
//! What the enclave that has a slot leaves to its approved successor: the shares that the chain has
//! not decided about yet. They have no commitment there by which anybody else could give them.
//!
//! So that none comes after the last one was handed over, nothing new is stored and nothing confirmed
//! until some block: the pause. It is durable, and begins in the order of writes: a share is stored
//! before it, and handed over, or refused.

use redb::ReadableTable;
use tee_primitives::{cluster::SlotId, BlockNumber, RawAccountId};
use zeroize::Zeroizing;

use super::{
    log::{self, LogEntry, Received},
    rules,
    schema::{fixed, META_PAUSE},
    writer::Tables,
    Inner, Record, RecordKey, StoreError,
};

/// A share that the chain has not decided about, from the enclave that has the slot.
pub struct HandedOver {
    /// Where it belongs.
    pub key: RecordKey,
    /// The share.
    pub share: Zeroizing<Vec<u8>>,
    /// Hides it in its commitment, which stays the same.
    pub salt: [u8; 32],
    /// Who stored it.
    pub owner: RawAccountId,
    /// The slot.
    pub slot_id: SlotId,
    /// Block of the token with which its owner approved the splitting.
    pub token_block: BlockNumber,
    /// The finalized block at which it was asked for.
    pub decided_at: BlockNumber,
    /// Who gave it.
    pub from: RawAccountId,
}

/// Until which finalized block nothing is stored or confirmed.
pub(super) fn paused_until(
    meta: &impl ReadableTable<&'static str, &'static [u8]>,
) -> Result<BlockNumber, StoreError> {
    Ok(fixed(meta, META_PAUSE)?.map_or(0, BlockNumber::from_be_bytes))
}

/// Lets the pause last until a finalized block, or longer if it does.
pub(super) fn pause(tables: &mut Tables<'_>, until: BlockNumber) -> Result<(), StoreError> {
    if paused_until(&tables.meta)? < until {
        tables.meta.insert(META_PAUSE, until.to_be_bytes().as_slice())?;
    }
    Ok(())
}

/// Keeps a share that was handed over, unless something is held in its place. Whether it was kept.
/// Of one version, they must come in the order in which they were stored.
pub(super) fn take(
    inner: &Inner,
    tables: &mut Tables<'_>,
    handed: &HandedOver,
) -> Result<bool, StoreError> {
    let version = handed.key.version;
    let held = rules::records(inner, &tables.records, &version)?;
    if tables.wanted.get(&version.to_bytes())?.is_some()
        || held.len() >= rules::MAX_SPLITS
        || held.iter().any(|(key, record)| *key == handed.key || record.synced_at.is_some())
    {
        return Ok(false);
    }
    let record = Record {
        share: handed.share.to_vec(),
        salt: handed.salt,
        owner: handed.owner,
        slot_id: handed.slot_id,
        token_block: handed.token_block,
        stored_at: handed.decided_at,
        order: rules::next_order(tables)?,
        synced_at: None,
    };
    rules::insert_undecided(inner, tables, &handed.key, &record, &held)?;
    let received = Received { version, from: handed.from, block: handed.decided_at };
    log::append(inner, tables, LogEntry::Received(received))?;
    Ok(true)
}
