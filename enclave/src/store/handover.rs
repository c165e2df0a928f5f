// SPDX-License-Identifier: Apache-2.0
//! What the enclave that has a slot leaves to its approved successor: the shares that the chain has
//! not decided about yet. They have no commitment there by which anybody else could give them.
//!
//! So that none comes after the last one was handed over, nothing new is stored and nothing confirmed
//! until some block: the pause. It is not made longer, and the next one comes only long after it. It is durable, and begins in the order of writes: a share is stored
//! before it, and handed over, or refused.

use redb::ReadableTable;
use tee_primitives::BlockNumber;

use super::{
    log::{self, LogEntry, Received},
    rules,
    schema::{fixed, META_PAUSE},
    writer::Tables,
    Fetched, Inner, StoreError,
};

/// How long a pause lasts, in finalized blocks. Whoever was told of it must be able to bring a
/// transaction to the chain that cannot be included after its end.
const PAUSE: BlockNumber = 128;

/// How long there is no other pause after one, in finalized blocks: a successor that never takes the
/// slot over does not keep the cluster from syncing.
const BETWEEN: BlockNumber = 512;

/// Until which finalized block nothing is stored or confirmed.
pub(super) fn paused_until(
    meta: &impl ReadableTable<&'static str, &'static [u8]>,
) -> Result<BlockNumber, StoreError> {
    Ok(fixed(meta, META_PAUSE)?.map_or(0, BlockNumber::from_be_bytes))
}

/// The end of the pause that there is, or of one that begins; `None` if the last one was not long ago.
pub(super) fn pause(
    tables: &mut Tables<'_>,
    now: BlockNumber,
) -> Result<Option<BlockNumber>, StoreError> {
    let until = paused_until(&tables.meta)?;
    if now < until {
        return Ok(Some(until));
    }
    if until > 0 && now < until.saturating_add(BETWEEN) {
        return Ok(None);
    }
    let until = now.saturating_add(PAUSE);
    tables.meta.insert(META_PAUSE, until.to_be_bytes().as_slice())?;
    Ok(Some(until))
}

/// Keeps a share that was handed over, unless something is held in its place. Whether it was kept.
/// Of one version, they must come in the order in which they were stored.
pub(super) fn take(
    inner: &Inner,
    tables: &mut Tables<'_>,
    handed: Fetched,
) -> Result<bool, StoreError> {
    let version = handed.key.version;
    let held = rules::records(inner, &tables.records, &version)?;
    if handed.synced_at.is_some()
        || tables.wanted.get(&version.to_bytes())?.is_some()
        || held.len() >= rules::MAX_SPLITS
        || held.iter().any(|(key, record)| *key == handed.key || record.synced_at.is_some())
    {
        return Ok(false);
    }
    let Fetched { key, from, decided_at, .. } = handed;
    let record = handed.into_record(rules::next_orders(tables, 1)?);
    rules::insert_undecided(inner, tables, &key, &record, &held)?;
    let received = Received { version, from, block: decided_at };
    log::append(inner, tables, LogEntry::Received(received))?;
    Ok(true)
}
