// SPDX-License-Identifier: Apache-2.0
//! What a write does, inside its transaction.

use std::{collections::BTreeSet, iter::Peekable, ops::Bound};

use redb::{Range, ReadableTable, Table};
use tee_primitives::{
    authorisation::Role,
    cluster::SlotId,
    keyshare::{Commitment, KeyshareKind, Version},
    nft::NftId,
    BlockNumber, RawAccountId,
};
use zeroize::Zeroizing;

use super::{
    handover,
    log::{self, Access, LogEntry},
    schema::{fixed, META_COUNTER},
    writer::Tables,
    Inner, Record, RecordKey, StoreError, VersionKey,
};
use crate::seal;

/// Most splits that are kept of one version until the chain decides between them.
pub const MAX_SPLITS: usize = 3;

/// A share to be stored.
pub struct NewShare {
    /// Where it belongs.
    pub key: RecordKey,
    /// The share.
    pub share: Zeroizing<Vec<u8>>,
    /// Who stores it.
    pub owner: RawAccountId,
    /// The slot it was given to.
    pub slot_id: SlotId,
    /// Block of the token with which the owner approved the splitting.
    pub token_block: BlockNumber,
    /// The finalized block at which storing it was decided.
    pub stored_at: BlockNumber,
    /// The chain's time in that block, in seconds since the Unix epoch.
    pub time: u64,
    /// Whether it came in a bound request.
    pub is_bound: bool,
}

/// How a share came to be held.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Stored {
    /// It was not held before.
    New,
    /// The same share of the same split was held.
    Already,
}

/// Why a share is not stored.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum StoreRefusal {
    /// Another share of the same split is held, or the same one that came in the other form.
    AnotherShare,
    /// The version is synced.
    Synced,
    /// A split that was approved later is held.
    NewerSplit,
    /// [`MAX_SPLITS`] splits are held.
    TooManySplits,
    /// The slot is being handed over to a successor.
    HandingOver,
}

/// The records of a version, at most [`MAX_SPLITS`], without lost ones.
pub(super) fn records(
    inner: &Inner,
    table: &impl ReadableTable<&'static [u8; RecordKey::LEN], &'static [u8]>,
    version: &VersionKey,
) -> Result<Vec<(RecordKey, Record)>, StoreError> {
    let (first, last) = version.record_range();
    let mut records = Vec::new();
    for entry in table.range::<&[u8; RecordKey::LEN]>(&first..=&last)? {
        let (key, sealed) = entry?;
        let key = RecordKey::from_bytes(key.value())?;
        records.extend(inner.open_or_report(&key, sealed.value()).map(|record| (key, record)));
    }
    Ok(records)
}

type Entries<'a> = Peekable<Range<'a, &'static [u8; RecordKey::LEN], &'static [u8]>>;

/// Finds the records of many versions. Of versions that follow each other, as in a list that is sorted, no
/// page is read twice: what is behind one is where the next begins.
pub(super) struct Finder<'a, T> {
    inner: &'a Inner,
    table: &'a T,
    /// What follows the version that was asked for last.
    place: Option<(VersionKey, Entries<'a>)>,
}

impl<'a, T> Finder<'a, T>
where
    T: ReadableTable<&'static [u8; RecordKey::LEN], &'static [u8]>,
{
    pub(super) fn new(inner: &'a Inner, table: &'a T) -> Self {
        Self { inner, table, place: None }
    }

    /// The record of a version whose share has this commitment.
    pub(super) fn record_of(
        &mut self,
        version: &VersionKey,
        commitment: Option<&Commitment>,
    ) -> Result<Option<(RecordKey, Record)>, StoreError> {
        let (first, last) = version.record_range();
        let mut entries = match self.place.take() {
            Some((before, mut entries)) if before.to_bytes() < version.to_bytes() => {
                match entries.peek() {
                    // Nothing between: nothing was passed over that is asked for.
                    Some(Ok((key, _))) if *key.value() >= first => entries,
                    None => entries,
                    _ => self.table.range::<&[u8; RecordKey::LEN]>(&first..)?.peekable(),
                }
            }
            _ => self.table.range::<&[u8; RecordKey::LEN]>(&first..)?.peekable(),
        };
        let mut found = None;
        // What is behind it may be on another page, and is not looked at in vain.
        while found.is_none() {
            let Some(entry) =
                entries.next_if(|entry| !matches!(entry, Ok((key, _)) if *key.value() > last))
            else {
                break;
            };
            let (key, sealed) = entry?;
            let key = RecordKey::from_bytes(key.value())?;
            let record = self.inner.open_or_report(&key, sealed.value());
            found = record
                .filter(|record| commitment == Some(&record.commitment(self.inner.genesis, &key)))
                .map(|record| (key, record));
        }
        self.place = Some((*version, entries));
        Ok(found)
    }
}

pub(super) fn store(
    inner: &Inner,
    tables: &mut Tables<'_>,
    new: &NewShare,
) -> Result<Result<Stored, StoreRefusal>, StoreError> {
    // Synced by another cluster: what is stored now could never be served.
    if tables.wanted.get(&new.key.version.to_bytes())?.is_some() {
        return Ok(Err(StoreRefusal::Synced));
    }
    let held = records(inner, &tables.records, &new.key.version)?;
    if let Some((_, record)) = held.iter().find(|(key, _)| *key == new.key) {
        let same = record.share == *new.share && record.is_bound == new.is_bound;
        return Ok(if same { Ok(Stored::Already) } else { Err(StoreRefusal::AnotherShare) });
    }
    if held.iter().any(|(_, record)| record.synced_at.is_some()) {
        return Ok(Err(StoreRefusal::Synced));
    }
    if held.len() >= MAX_SPLITS {
        return Ok(Err(StoreRefusal::TooManySplits));
    }
    if held.iter().any(|(_, record)| record.token_block > new.token_block) {
        return Ok(Err(StoreRefusal::NewerSplit));
    }
    if new.stored_at < handover::paused_until(&tables.meta)? {
        return Ok(Err(StoreRefusal::HandingOver));
    }

    let record = Record {
        share: new.share.to_vec(),
        salt: *seal::random().map_err(StoreError::Value)?,
        owner: new.owner,
        slot_id: new.slot_id,
        token_block: new.token_block,
        stored_at: new.stored_at,
        order: next_orders(tables, 1)?,
        synced_at: None,
        is_bound: new.is_bound,
        committed: None,
    };
    insert_undecided(inner, tables, &new.key, &record, &held)?;
    let access = Access {
        version: new.key.version,
        account: new.owner,
        role: Role::Owner,
        block: new.stored_at,
        time: new.time,
    };
    log::append(inner, tables, LogEntry::Stored(access))?;
    Ok(Ok(Stored::New))
}

/// Keeps a share that the chain has not decided about. The newest split of a version is confirmed in
/// place of the older ones, `held`.
pub(super) fn insert_undecided(
    inner: &Inner,
    tables: &mut Tables<'_>,
    key: &RecordKey,
    record: &Record,
    held: &[(RecordKey, Record)],
) -> Result<(), StoreError> {
    let sealed = inner.seal_record(key, record)?;
    tables.records.insert(&key.to_bytes(), sealed.as_slice())?;
    for (_, older) in held {
        tables.outbox.remove(older.order)?;
    }
    tables.outbox.insert(record.order, &key.to_bytes())?;
    tables.outbox_grew = true;
    tables.unsynced.insert(&key.version.to_bytes(), record.stored_at)?;
    Ok(())
}

pub(super) fn activate(
    inner: &Inner,
    tables: &mut Tables<'_>,
    key: &RecordKey,
    synced_at: BlockNumber,
) -> Result<(), StoreError> {
    supersede(inner, tables, key, true)?;
    let record = tables
        .records
        .get(&key.to_bytes())?
        .and_then(|sealed| inner.open_or_report(key, sealed.value()));
    if let Some(mut record) = record {
        tables.wanted.remove(&key.version.to_bytes())?;
        record.synced_at = Some(synced_at);
        let sealed = inner.seal_record(key, &record)?;
        tables.records.insert(&key.to_bytes(), sealed.as_slice())?;
        tables.outbox.remove(record.order)?;
    }
    Ok(())
}

/// Wipes what the synced split of a version takes the place of: the version's other records, those of
/// older versions, and that these are wanted. Its own record as well, unless that stays.
pub(super) fn supersede(
    inner: &Inner,
    tables: &mut Tables<'_>,
    key: &RecordKey,
    stays: bool,
) -> Result<(), StoreError> {
    let oldest = VersionKey { version: 0, ..key.version };
    let (first, _) = oldest.record_range();
    let (_, last) = key.version.record_range();
    let mut superseded = Vec::new();
    for entry in tables.records.range::<&[u8; RecordKey::LEN]>(&first..=&last)? {
        let (found, _) = entry?;
        let found = RecordKey::from_bytes(found.value())?;
        if !stays || found != *key {
            superseded.push(found);
        }
    }
    for found in superseded {
        remove(inner, tables, &found)?;
        tables.unsynced.remove(&found.version.to_bytes())?;
        if found.version != key.version {
            tables.wanted.remove(&found.version.to_bytes())?;
        }
    }
    // Older versions that are wanted have no records.
    let (oldest, newest) = (oldest.to_bytes(), key.version.to_bytes());
    let mut outdated = Vec::new();
    for entry in tables.wanted.range::<&[u8; VersionKey::LEN]>(&oldest..&newest)? {
        outdated.push(*entry?.0.value());
    }
    for version in outdated {
        tables.wanted.remove(&version)?;
    }
    tables.unsynced.remove(&key.version.to_bytes())?;
    Ok(())
}

pub(super) fn wipe(
    inner: &Inner,
    tables: &mut Tables<'_>,
    version: &VersionKey,
) -> Result<(), StoreError> {
    wipe_records(inner, tables, version)?;
    tables.wanted.remove(&version.to_bytes())?;
    Ok(())
}

/// The versions of an NFT's shares of a kind that anything is held of, or wanted.
pub(super) fn versions_of(
    records: &impl ReadableTable<&'static [u8; RecordKey::LEN], &'static [u8]>,
    others: [&impl ReadableTable<&'static [u8; VersionKey::LEN], BlockNumber>; 2],
    nft_id: NftId,
    kind: KeyshareKind,
) -> Result<BTreeSet<VersionKey>, StoreError> {
    let of = |version| VersionKey { nft_id, kind, version };
    let (oldest, newest) = (of(0), of(Version::MAX));
    let (first, last) = (oldest.record_range().0, newest.record_range().1);
    let mut versions = BTreeSet::new();
    for entry in records.range::<&[u8; RecordKey::LEN]>(&first..=&last)? {
        versions.insert(RecordKey::from_bytes(entry?.0.value())?.version);
    }
    let (first, last) = (oldest.to_bytes(), newest.to_bytes());
    for table in others {
        for entry in table.range::<&[u8; VersionKey::LEN]>(&first..=&last)? {
            versions.insert(VersionKey::from_bytes(entry?.0.value())?);
        }
    }
    Ok(versions)
}

/// Wipes every version of an NFT's shares of a kind, except what has come after the finalized block at
/// which that was decided.
pub(super) fn wipe_all(
    inner: &Inner,
    tables: &mut Tables<'_>,
    nft_id: NftId,
    kind: KeyshareKind,
    decided_at: BlockNumber,
) -> Result<(), StoreError> {
    let others = [&tables.unsynced, &tables.wanted];
    let versions = versions_of(&tables.records, others, nft_id, kind)?;
    for version in versions {
        let since = |table: &Table<'_, _, BlockNumber>| {
            Ok::<_, StoreError>(table.get(&version.to_bytes())?.map_or(0, |since| since.value()))
        };
        if since(&tables.unsynced)?.max(since(&tables.wanted)?) <= decided_at {
            correct(inner, tables, &Correction::Wipe(version), decided_at)?;
        }
    }
    Ok(())
}

pub(super) fn wipe_records(
    inner: &Inner,
    tables: &mut Tables<'_>,
    version: &VersionKey,
) -> Result<(), StoreError> {
    let (first, last) = version.record_range();
    let mut found = Vec::new();
    for entry in tables.records.range::<&[u8; RecordKey::LEN]>(&first..=&last)? {
        found.push(RecordKey::from_bytes(entry?.0.value())?);
    }
    for key in found {
        remove(inner, tables, &key)?;
    }
    tables.unsynced.remove(&version.to_bytes())?;
    Ok(())
}

/// What a comparison with the chain has shown to be wrong.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Correction {
    /// The version's shares can never be served.
    Wipe(VersionKey),
    /// The chain has the version synced, and its share is not here: what is held of it is wiped, and
    /// it is to be fetched.
    Want(VersionKey),
    /// The record is the synced one, since this block.
    Activate(RecordKey, BlockNumber),
    /// The version waits for the chain: it must be watched, and its newest record confirmed.
    Watch(VersionKey),
}

/// Corrects what was found wrong at a finalized block. What was stored at a newer one is left alone:
/// the older state of the chain says nothing about it.
pub(super) fn correct(
    inner: &Inner,
    tables: &mut Tables<'_>,
    correction: &Correction,
    decided_at: BlockNumber,
) -> Result<(), StoreError> {
    let (Correction::Wipe(version)
    | Correction::Want(version)
    | Correction::Watch(version)
    | Correction::Activate(RecordKey { version, .. }, _)) = correction;
    let held = records(inner, &tables.records, version)?;
    if held.iter().any(|(_, record)| record.stored_at > decided_at) {
        return Ok(());
    }
    // It has come from another enclave since: the state that was looked at says nothing about it.
    let is_want = matches!(correction, Correction::Want(_));
    if is_want && held.iter().any(|(_, it)| it.synced_at.is_some() && it.stored_at >= decided_at) {
        return Ok(());
    }
    match correction {
        Correction::Wipe(version) => wipe(inner, tables, version),
        Correction::Want(version) => {
            wipe(inner, tables, version)?;
            tables.wanted.insert(&version.to_bytes(), decided_at)?;
            Ok(())
        }
        Correction::Activate(key, synced_at) => activate(inner, tables, key, *synced_at),
        Correction::Watch(version) => {
            let Some((key, newest)) = newest(&held) else { return Ok(()) };
            tables.unsynced.insert(&version.to_bytes(), newest.stored_at)?;
            offer(tables, key, newest.order)?;
            Ok(())
        }
    }
}

/// Puts into the outbox the newest record of each undecided version, and lets the order of storing go
/// on after all of them. Whether anything was missing.
pub(super) fn mend_outbox(inner: &Inner, tables: &mut Tables<'_>) -> Result<bool, StoreError> {
    let mut missing = false;
    let mut next = u64::from_be_bytes(fixed(&tables.meta, META_COUNTER)?.unwrap_or_default());
    let counted = next;
    if let Some((last, _)) = tables.outbox.last()? {
        next = next.max(last.value().saturating_add(1));
    }
    let mut cursor: Option<[u8; VersionKey::LEN]> = None;
    loop {
        let start = cursor.as_ref().map_or(Bound::Unbounded, Bound::Excluded);
        let entry = tables.unsynced.range::<&[u8; VersionKey::LEN]>((start, Bound::Unbounded))?;
        let Some(version) = entry.map(|entry| entry.map(|(key, _)| *key.value())).next() else {
            break;
        };
        let version = version?;
        let held = records(inner, &tables.records, &VersionKey::from_bytes(&version)?)?;
        if let Some((key, newest)) = newest(&held) {
            missing |= offer(tables, key, newest.order)?;
            next = next.max(newest.order.saturating_add(1));
        }
        cursor = Some(version);
    }
    if next > counted {
        tables.meta.insert(META_COUNTER, next.to_be_bytes().as_slice())?;
        missing = true;
    }
    Ok(missing)
}

fn newest(held: &[(RecordKey, Record)]) -> Option<&(RecordKey, Record)> {
    held.iter().max_by_key(|(_, record)| record.order)
}

/// Puts a record into the outbox. Whether it was not there.
fn offer(tables: &mut Tables<'_>, key: &RecordKey, order: u64) -> Result<bool, StoreError> {
    let bytes = key.to_bytes();
    let is_there = tables.outbox.get(order)?.is_some_and(|found| *found.value() == bytes);
    if !is_there {
        tables.outbox.insert(order, &bytes)?;
        tables.outbox_grew = true;
    }
    Ok(!is_there)
}

/// Removes a record and its entry in the outbox. The entry of one that does not open is left to be
/// taken out when its turn comes.
fn remove(inner: &Inner, tables: &mut Tables<'_>, key: &RecordKey) -> Result<(), StoreError> {
    let order = match tables.records.remove(&key.to_bytes())? {
        Some(sealed) => inner.open_or_report(key, sealed.value()).map(|record| record.order),
        None => None,
    };
    if let Some(order) = order {
        tables.outbox.remove(order)?;
    }
    Ok(())
}

/// Takes so many places in the order of storing: the first of them.
pub(super) fn next_orders(tables: &mut Tables<'_>, count: u64) -> Result<u64, StoreError> {
    let order = u64::from_be_bytes(fixed(&tables.meta, META_COUNTER)?.unwrap_or_default());
    let next =
        order.checked_add(count).ok_or(StoreError::Corrupt("the counter has reached its end"))?;
    tables.meta.insert(META_COUNTER, next.to_be_bytes().as_slice())?;
    Ok(order)
}
