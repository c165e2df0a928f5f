// SPDX-License-Identifier: Apache-2.0
//! The view log: who has stored and who has viewed which share, in a chain of hashes.
//!
//! Each entry holds the hash of the one before it, so that the log's head, which attestations carry
//! to the chain, names all of it: a log that was cut or replaced does not lead to the head that was
//! attested. Each entry also holds a random salt, so that nobody can find out from two heads on the
//! chain who has viewed what between them.

use std::{collections::BTreeSet, ops::Bound};

use codec::{Decode, DecodeAll, Encode};
use redb::{Database, ReadTransaction, ReadableDatabase, ReadableTable, ReadableTableMetadata};
use sp_crypto_hashing::blake2_256;
use tee_primitives::{
    attestation::LogHead, authorisation::Role, nft::NftId, BlockNumber, Hash, RawAccountId,
};

use super::{
    schema::{fixed, LOG, LOG_OF_NFT, META, META_INDEXED, META_LOG_BEGIN},
    writer::Tables,
    Inner, StoreError, VersionKey,
};
use crate::seal;

const CONTEXT: &[u8; 14] = b"TIP500-ENTRY/1";
const DOMAIN: &[u8; 17] = b"TIP500-VIEW-LOG/1";

/// Somebody's use of a share.
#[derive(Clone, Copy, Debug, Decode, Encode, Eq, PartialEq)]
pub struct Access {
    /// Which share.
    pub version: VersionKey,
    /// Who.
    pub account: RawAccountId,
    /// In which role.
    pub role: Role,
    /// The finalized block at which it was decided.
    pub block: BlockNumber,
    /// The chain's time in that block, in seconds since the Unix epoch.
    pub time: u64,
}

/// An entry of the log.
#[derive(Clone, Copy, Debug, Decode, Encode, Eq, PartialEq)]
pub enum LogEntry {
    /// A share was stored.
    #[codec(index = 0)]
    Stored(Access),
    /// A share was given to somebody; it may have been lost on the way.
    #[codec(index = 1)]
    Viewed(Access),
    /// The log did not lead to this head, which had been attested: entries before this one are gone.
    #[codec(index = 2)]
    RolledBack(LogHead),
    /// A share came from another enclave.
    #[codec(index = 3)]
    Received(Received),
}

/// That a share came from another enclave.
#[derive(Clone, Copy, Debug, Decode, Encode, Eq, PartialEq)]
pub struct Received {
    /// Which share.
    pub version: VersionKey,
    /// The account of the enclave that gave it.
    pub from: RawAccountId,
    /// The finalized block at which its commitment was read.
    pub block: BlockNumber,
}

impl LogEntry {
    /// The NFT that it is about.
    pub(super) fn nft_id(&self) -> Option<NftId> {
        match self {
            Self::Stored(access) | Self::Viewed(access) => Some(access.version.nft_id),
            Self::Received(received) => Some(received.version.nft_id),
            Self::RolledBack(_) => None,
        }
    }
}

/// That the log was found not to lead to attested heads.
#[derive(Clone, Copy, Debug, Decode, Encode, Eq, PartialEq)]
pub struct Rollbacks {
    /// How often.
    pub count: u64,
    /// The head to which it did not lead the last time.
    pub last: LogHead,
}

/// Where the log ends.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct LogState {
    /// Its head.
    pub head: LogHead,
    /// Whether it has ever been found not to lead to an attested head.
    pub rollbacks: Option<Rollbacks>,
}

/// What is sealed of an entry.
#[derive(Clone, Debug, Decode, Encode, Eq, PartialEq)]
pub(super) struct Row {
    salt: [u8; 16],
    pub(super) previous: Hash,
    /// With this entry. It stands in every later one, so that no rollback is forgotten.
    rollbacks: Option<Rollbacks>,
    pub(super) entry: LogEntry,
}

impl Row {
    pub(super) fn hash(&self, genesis: &Hash, seq: u64) -> Hash {
        blake2_256(&(DOMAIN, genesis, seq, self).encode())
    }
}

fn context(genesis: &Hash, seq: u64) -> Vec<u8> {
    (CONTEXT, genesis, seq).encode()
}

pub(super) fn open(inner: &Inner, seq: u64, sealed: &[u8]) -> Result<Row, StoreError> {
    let malformed = StoreError::Corrupt("an entry of the view log does not open");
    let Ok(encoded) = inner.sealer.open(&context(&inner.genesis, seq), sealed) else {
        return Err(malformed);
    };
    Row::decode_all(&mut encoded.as_slice()).map_err(|_| malformed)
}

/// Reads where the log ends.
pub(super) fn state(inner: &Inner, transaction: &ReadTransaction) -> Result<LogState, StoreError> {
    let log = transaction.open_table(LOG)?;
    let state = match log.last()? {
        None => LogState::default(),
        Some((seq, sealed)) => {
            let seq = seq.value();
            let row = open(inner, seq, sealed.value())?;
            let count = seq.checked_add(1).ok_or(StoreError::Corrupt("the log has no end"))?;
            let head = LogHead { count, hash: row.hash(&inner.genesis, seq) };
            LogState { head, rollbacks: row.rollbacks }
        }
    };
    if log.len()? != state.head.count {
        return Err(StoreError::Corrupt("the view log has gaps"));
    }
    Ok(state)
}

/// Adds an entry.
pub(super) fn append(
    inner: &Inner,
    tables: &mut Tables<'_>,
    entry: LogEntry,
) -> Result<(), StoreError> {
    let (seq, sealed) = next(inner, &mut tables.log_state, entry)?;
    tables.log.insert(seq, sealed.as_slice())?;
    tables.unindexed.extend(entry.nft_id().map(|nft_id| (nft_id, seq)));
    Ok(())
}

/// Adds many entries, at less cost than one by one: the pages that they fill are made once.
pub(super) fn append_all(
    inner: &Inner,
    tables: &mut Tables<'_>,
    entries: impl IntoIterator<Item = LogEntry>,
) -> Result<(), StoreError> {
    let mut end = tables.log.upper_bound_mut(Bound::<u64>::Unbounded)?;
    for entry in entries {
        let (seq, sealed) = next(inner, &mut tables.log_state, entry)?;
        end.insert_before(seq, sealed.as_slice())?;
        tables.unindexed.extend(entry.nft_id().map(|nft_id| (nft_id, seq)));
    }
    end.close()?;
    Ok(())
}

/// Makes the next entry of a log that ends like this: its place, and what is stored there.
fn next(
    inner: &Inner,
    state: &mut LogState,
    entry: LogEntry,
) -> Result<(u64, Vec<u8>), StoreError> {
    let LogState { head: LogHead { count: seq, hash: previous }, rollbacks } = *state;
    let salt = *seal::random().map_err(StoreError::Value)?;
    let row = Row { salt, previous, rollbacks, entry };
    let sealed = inner
        .sealer
        .seal_encoded(&context(&inner.genesis, seq), &row)
        .map_err(StoreError::Value)?;
    let count = seq.checked_add(1).ok_or(StoreError::Corrupt("the log has reached its end"))?;
    state.head = LogHead { count, hash: row.hash(&inner.genesis, seq) };
    Ok((seq, sealed))
}

/// Compares the log with a head that was attested. Whether it does not lead there, which is then
/// noted in the log, once.
pub(super) fn check(
    inner: &Inner,
    tables: &mut Tables<'_>,
    attested: LogHead,
) -> Result<bool, StoreError> {
    if leads_to(inner, &tables.log, attested)? {
        return Ok(false);
    }
    let before = tables.log_state.rollbacks;
    if before.is_some_and(|rollbacks| rollbacks.last == attested) {
        return Ok(false);
    }
    let count = before.map_or(0, |rollbacks| rollbacks.count).saturating_add(1);
    tables.log_state.rollbacks = Some(Rollbacks { count, last: attested });
    append(inner, tables, LogEntry::RolledBack(attested))?;
    Ok(true)
}

pub(super) fn leads_to(
    inner: &Inner,
    log: &impl ReadableTable<u64, &'static [u8]>,
    attested: LogHead,
) -> Result<bool, StoreError> {
    let Some(seq) = attested.count.checked_sub(1) else {
        return Ok(attested == LogHead::default());
    };
    let Some(sealed) = log.get(seq)? else { return Ok(false) };
    let hash = open(inner, seq, sealed.value()).map(|row| row.hash(&inner.genesis, seq));
    Ok(hash.is_ok_and(|hash| hash == attested.hash))
}

/// Whether the log of a database leads to a head.
pub(super) fn leads_to_head(
    inner: &Inner,
    database: &Database,
    head: LogHead,
) -> Result<bool, StoreError> {
    leads_to(inner, &database.begin_read()?.open_table(LOG)?, head)
}

/// The place of the first entry that is told to others: those before it are of a slot that the enclave
/// had before.
pub(super) fn begin(
    meta: &impl ReadableTable<&'static str, &'static [u8]>,
) -> Result<u64, StoreError> {
    Ok(fixed(meta, META_LOG_BEGIN)?.map_or(0, u64::from_be_bytes))
}

/// The entry at a place.
pub(super) fn entry(
    inner: &Inner,
    transaction: &ReadTransaction,
    seq: u64,
) -> Result<Option<LogEntry>, StoreError> {
    let log = transaction.open_table(LOG)?;
    let sealed = log.get(seq)?;
    sealed.map(|sealed| Ok(open(inner, seq, sealed.value())?.entry)).transpose()
}

/// Entries that the index lacks: NFT and place.
pub(super) type Unindexed = Vec<(NftId, u64)>;

/// So many entries are put into the index at once. Each for itself would cost a page: entries come in
/// the order of time, the index is in that of NFTs.
pub(super) const INDEXED_AT_ONCE: usize = 1024;

/// Puts entries into the index: those from before this transaction, and its own.
pub(super) fn index(tables: &mut Tables<'_>, before: Unindexed) -> Result<(), StoreError> {
    let mut entries = before;
    entries.append(&mut tables.unindexed);
    entries.sort_unstable();
    for entry in entries {
        tables.log_of_nft.insert(entry, ())?;
    }
    let count = tables.log_state.head.count.to_be_bytes();
    tables.meta.insert(META_INDEXED, count.as_slice())?;
    Ok(())
}

/// Finds out which entries the index lacks.
pub(super) fn unindexed(
    inner: &Inner,
    transaction: &ReadTransaction,
) -> Result<Unindexed, StoreError> {
    let indexed = fixed(&transaction.open_table(META)?, META_INDEXED)?;
    let indexed = indexed.map_or(0, u64::from_be_bytes);
    let mut entries = Unindexed::new();
    for entry in transaction.open_table(LOG)?.range(indexed..)? {
        let (seq, sealed) = entry?;
        let row = open(inner, seq.value(), sealed.value())?;
        entries.extend(row.entry.nft_id().map(|nft_id| (nft_id, seq.value())));
    }
    Ok(entries)
}

/// The entries about an NFT after `after`, oldest first, with their places in the log. `unindexed`
/// are places that the index may lack, from before the transaction.
pub(super) fn of_nft(
    inner: &Inner,
    transaction: &ReadTransaction,
    nft_id: NftId,
    unindexed: Vec<u64>,
    after: Option<u64>,
    limit: usize,
) -> Result<Vec<(u64, LogEntry)>, StoreError> {
    let Some(first) = after.map_or(Some(0), |after| after.checked_add(1)) else {
        return Ok(Vec::new());
    };
    let first = first.max(begin(&transaction.open_table(META)?)?);
    let log = transaction.open_table(LOG)?;
    let index = transaction.open_table(LOG_OF_NFT)?;
    let mut places = BTreeSet::new();
    for place in index.range((nft_id, first)..=(nft_id, u64::MAX))?.take(limit) {
        places.insert(place?.0.value().1);
    }
    places.extend(unindexed.into_iter().filter(|seq| *seq >= first));
    let mut entries = Vec::new();
    for seq in places.into_iter().take(limit) {
        let sealed =
            log.get(seq)?.ok_or(StoreError::Corrupt("an entry of the view log is gone"))?;
        entries.push((seq, open(inner, seq, sealed.value())?.entry));
    }
    Ok(entries)
}
