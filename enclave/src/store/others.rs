// SPDX-License-Identifier: Apache-2.0
//! Copies of the view logs of the slot's other enclaves: who has viewed what stays known when the
//! machine that has shown it is gone, or its log was taken back.
//!
//! An entry is named by its origin's account, its place, and its hash, and is kept only if the one
//! whose hash it holds is: so a copy leads back to the origin's first entry, and merging two copies is a
//! union. An origin whose disk was taken back goes on from an older place; both ways on are kept. The
//! *tip* is where the copy was continued last.

use std::{collections::BTreeSet, ops::Bound};

use codec::{Decode, DecodeAll, Encode};
use redb::{ReadTransaction, ReadableTable, ReadableTableMetadata};
use tee_primitives::{attestation::LogHead, nft::NftId, Hash, RawAccountId};

use super::{
    log::{self, LogEntry, Row},
    schema::{LOG, META, OTHERS, OTHERS_OF_NFT, TIPS},
    writer::Tables,
    Inner, StoreError,
};

const CONTEXT: &[u8; 16] = b"TIP500-ANOTHER/1";

/// Most origins whose logs are kept: the slot's enclaves in all clusters, and those before them.
pub const MAX_ORIGINS: u64 = 4096;

/// Most ways on that are kept of a log from one place: each stands for a disk that was taken back.
pub const MAX_WAYS: usize = 16;

/// Names an entry: origin, place, and the first half of the hash.
pub type Key = [u8; 56];

/// NFT, and the key of an entry about it.
pub(super) type KeyOfNft = [u8; 60];

fn key(origin: &RawAccountId, seq: u64, hash: &Hash) -> Key {
    let mut key = [0; 56];
    let parts = [&origin[..], &seq.to_be_bytes(), &hash[..16]].concat();
    key.copy_from_slice(&parts);
    key
}

fn key_of_nft(nft_id: NftId, key: &Key) -> KeyOfNft {
    let mut of_nft = [0; 60];
    of_nft.copy_from_slice(&[&nft_id.to_be_bytes()[..], key].concat());
    of_nft
}

fn context(genesis: &Hash, key: &Key) -> Vec<u8> {
    (CONTEXT, genesis, key).encode()
}

/// An entry of a log as it travels.
#[derive(Clone, Debug, Decode, Encode, Eq, PartialEq)]
pub struct LogRow {
    /// Its place in the log.
    pub seq: u64,
    /// With the hash of the one before it.
    pub(super) row: Row,
}

/// What is held of another enclave's log.
#[derive(Clone, Copy, Debug, Decode, Default, Encode, Eq, PartialEq)]
pub struct Copied {
    /// Where it was continued last.
    pub tip: LogHead,
    /// Entries, on all ways.
    pub count: u64,
}

/// Why entries of another enclave's log were not kept.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum NotKept {
    /// One of them does not continue what is held.
    NoChain,
    /// Logs of [`MAX_ORIGINS`] are held.
    TooManyOrigins,
    /// The log goes on in [`MAX_WAYS`] ways from one place.
    TooManyWays,
}

fn opened(inner: &Inner, key: &Key, sealed: &[u8]) -> Result<Row, StoreError> {
    let malformed = StoreError::Corrupt("an entry of another enclave's log does not open");
    let Ok(encoded) = inner.sealer.open(&context(&inner.genesis, key), sealed) else {
        return Err(malformed);
    };
    Row::decode_all(&mut encoded.as_slice()).map_err(|_| malformed)
}

/// What is held of a log.
pub(super) fn copied(
    tips: &impl ReadableTable<&'static RawAccountId, &'static [u8]>,
    origin: &RawAccountId,
) -> Result<Copied, StoreError> {
    tips.get(origin)?.map_or(Ok(Copied::default()), |tip| decoded(tip.value()))
}

fn decoded(mut copied: &[u8]) -> Result<Copied, StoreError> {
    Copied::decode_all(&mut copied).map_err(|_| StoreError::Corrupt("a tip of no form"))
}

/// Adds to the copy of a log, all of these entries or none. How many of them are new. `is_first` if the
/// first of them is the first that whoever gave them has: it may continue what nobody has.
pub(super) fn append(
    inner: &Inner,
    tables: &mut Tables<'_>,
    origin: &RawAccountId,
    rows: &[LogRow],
    is_first: bool,
) -> Result<Result<u64, NotKept>, StoreError> {
    if tables.tips.get(origin)?.is_none() && tables.tips.len()? >= MAX_ORIGINS {
        return Ok(Err(NotKept::TooManyOrigins));
    }
    // Each continues one that is held, or one before it.
    let mut before = BTreeSet::new();
    let mut hashes = Vec::with_capacity(rows.len());
    for LogRow { seq, row } in rows {
        let previous = seq.checked_sub(1);
        let is_held = match previous {
            Some(_) if is_first && hashes.is_empty() => true,
            None => row.previous == Hash::default(),
            Some(seq) if before.contains(&(seq, row.previous)) => true,
            Some(seq) => {
                let key = key(origin, seq, &row.previous);
                match tables.others.get(&key)? {
                    None => false,
                    Some(sealed) => {
                        let held = opened(inner, &key, sealed.value())?;
                        held.hash(&inner.genesis, seq) == row.previous
                    }
                }
            }
        };
        let hash = row.hash(&inner.genesis, *seq);
        if !is_held || *seq == u64::MAX {
            return Ok(Err(NotKept::NoChain));
        }
        if tables.others.get(&key(origin, *seq, &hash))?.is_none() {
            let (first, last) = (key(origin, *seq, &[0; 32]), key(origin, *seq, &[0xff; 32]));
            if tables.others.range::<&Key>(&first..=&last)?.count() >= MAX_WAYS {
                return Ok(Err(NotKept::TooManyWays));
            }
        }
        before.insert((*seq, hash));
        hashes.push(hash);
    }
    let mut copied = copied(&tables.tips, origin)?;
    let mut new = 0;
    for (LogRow { seq, row }, hash) in rows.iter().zip(hashes) {
        let key = key(origin, *seq, &hash);
        if tables.others.get(&key)?.is_none() {
            let sealed = inner
                .sealer
                .seal(&context(&inner.genesis, &key), &row.encode())
                .map_err(StoreError::Value)?;
            tables.others.insert(&key, sealed.as_slice())?;
            if let Some(nft_id) = row.entry.nft_id() {
                tables.others_of_nft.insert(&key_of_nft(nft_id, &key), ())?;
            }
            new += 1;
        }
        copied.tip = LogHead { count: seq.saturating_add(1), hash };
    }
    copied.count = copied.count.saturating_add(new);
    if !rows.is_empty() {
        tables.tips.insert(origin, copied.encode().as_slice())?;
    }
    Ok(Ok(new))
}

/// The entries of the own log after `after`, as many as `room` bytes take, and at least one if there
/// is any; `None` if the log does not lead there.
pub(super) fn own_rows(
    inner: &Inner,
    transaction: &ReadTransaction,
    after: LogHead,
    mut room: usize,
) -> Result<Option<Vec<LogRow>>, StoreError> {
    let table = transaction.open_table(LOG)?;
    let begin = log::begin(&transaction.open_table(META)?)?;
    // From another slot's time nothing is told: who asks begins where the present one does.
    let is_told = after == LogHead::default() || after.count > begin;
    if !is_told || !log::leads_to(inner, &table, after)? {
        return Ok(None);
    }
    let mut rows = Vec::new();
    for entry in table.range(after.count.max(begin)..)? {
        let (seq, sealed) = entry?;
        let seq = seq.value();
        let row = LogRow { seq, row: log::open(inner, seq, sealed.value())? };
        if !fits(&row, &mut room, rows.is_empty()) {
            break;
        }
        rows.push(row);
    }
    Ok(Some(rows))
}

/// The entries of another's log from a place on, in the order of places, on all ways: those of one
/// place together, else as many as `room` bytes take.
pub(super) fn copied_rows(
    inner: &Inner,
    transaction: &ReadTransaction,
    origin: &RawAccountId,
    from: u64,
    mut room: usize,
) -> Result<Vec<LogRow>, StoreError> {
    let table = transaction.open_table(OTHERS)?;
    let (first, last) = (key(origin, from, &[0; 32]), key(origin, u64::MAX, &[0xff; 32]));
    let mut rows: Vec<LogRow> = Vec::new();
    for entry in table.range::<&Key>(&first..=&last)? {
        let (key, sealed) = entry?;
        let key = key.value();
        let seq = place(key)?;
        let row = LogRow { seq, row: opened(inner, key, sealed.value())? };
        let is_same_place = rows.last().is_none_or(|last| last.seq == seq);
        if !fits(&row, &mut room, is_same_place) {
            break;
        }
        rows.push(row);
    }
    Ok(rows)
}

fn place(key: &Key) -> Result<u64, StoreError> {
    let place = key.get(32..40).and_then(|place| place.try_into().ok());
    place.map(u64::from_be_bytes).ok_or(StoreError::Corrupt("an entry that has no place"))
}

/// Whether there is room for a row, or it needs none.
fn fits(row: &LogRow, room: &mut usize, needs_none: bool) -> bool {
    let left = room.checked_sub(row.encoded_size());
    *room = left.unwrap_or(0);
    left.is_some() || needs_none
}

/// Whose logs are held, and how much.
pub(super) fn origins(
    transaction: &ReadTransaction,
    limit: usize,
) -> Result<Vec<(RawAccountId, Copied)>, StoreError> {
    let tips = transaction.open_table(TIPS)?;
    let entries = tips.iter()?.take(limit);
    entries
        .map(|entry| {
            let (origin, copied) = entry?;
            Ok((*origin.value(), decoded(copied.value())?))
        })
        .collect()
}

/// Entries of others' logs about an NFT, by origin, oldest first, with their places; those after the
/// one with the key `after`.
pub(super) fn of_nft(
    inner: &Inner,
    transaction: &ReadTransaction,
    nft_id: NftId,
    after: Option<Key>,
    limit: usize,
) -> Result<Vec<(Key, RawAccountId, u64, LogEntry)>, StoreError> {
    let others = transaction.open_table(OTHERS)?;
    let index = transaction.open_table(OTHERS_OF_NFT)?;
    let (first, last) = (after.unwrap_or([0; 56]), [0xff; 56]);
    let (first, last) = (key_of_nft(nft_id, &first), key_of_nft(nft_id, &last));
    let start = after.map_or(Bound::Included(&first), |_| Bound::Excluded(&first));
    let mut entries = Vec::new();
    for place in index.range::<&KeyOfNft>((start, Bound::Included(&last)))?.take(limit) {
        let place = place?.0;
        let gone = || StoreError::Corrupt("an entry of another enclave's log is gone");
        let key: &Key = place.value().last_chunk().ok_or_else(gone)?;
        let sealed = others.get(key)?.ok_or_else(gone)?;
        let origin: &RawAccountId = key.first_chunk().ok_or_else(gone)?;
        entries.push((*key, *origin, self::place(key)?, opened(inner, key, sealed.value())?.entry));
    }
    Ok(entries)
}
