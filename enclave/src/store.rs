// SPDX-License-Identifier: Apache-2.0
//! What the enclave holds: one record per NFT, kind, version and split, the outbox of confirmations
//! that the chain has not shown yet, and the log of who has stored and viewed what.
//!
//! | table | key | value |
//! |---|---|---|
//! | `meta` | name | schema version, how much of the log is in its index, where the present slot's part of it begins, the counter, the pause, the sealed [`SyncState`] |
//! | `records` | NFT, kind, version, split | sealed [`Record`] |
//! | `outbox` | order of storing | key of the record to confirm |
//! | `unsynced` | NFT, kind, version | the finalized block at which a share of it was last stored |
//! | `wanted` | NFT, kind, version | the finalized block at which its share was found missing |
//! | `log` | place in the log | sealed [`LogEntry`], with the hash of the one before |
//! | `log of nft` | NFT, place in the log: the log's index, without the newest entries | – |
//! | `logs of others` | account, place in its log, half its hash | sealed entry of another enclave's log |
//! | `logs of others of nft` | NFT, key in `logs of others` | – |
//! | `tips of others` | account | where the copy of its log was continued last; how many entries |
//!
//! A version is in `unsynced` while the chain has not decided between its splits, and in `wanted`
//! while the chain has it synced and its share is not here.
//!
//! Values are sealed under a random data key, which is wrapped by the platform's seal key in the
//! file's header. A record's context is its key and the genesis hash: it cannot be moved to another
//! place. The database itself is encrypted block by block, so that nobody else can make one that
//! looks well-formed.
//!
//! **Order of durable steps.** Each step is one transaction, and a crash leaves all of it or nothing.
//! One thread writes; it commits whatever is waiting in one transaction, and then tells that the
//! outbox grew, also if whoever asked for it has gone. The file's name is durable before the first
//! write.
//!
//! | step | in one transaction | only then |
//! |---|---|---|
//! | a share is stored | record, outbox entry, `unsynced` entry, log entry | the request is answered |
//! | it is confirmed | the outbox entry goes | – ; the chain has shown it before |
//! | its version is synced | the record becomes active; the version's other records, and those of older versions, go, with all that belongs to them | – ; until then the older version is served |
//! | a share is viewed | log entry | the share leaves the enclave |
//! | the sync log is read | what of it is missing is wanted, and the cursor moves on | the next part is read |
//! | another enclave gives a share | the record, active; it is no longer wanted; log entry | – |
//! | the slot is handed over | the pause | undecided shares are given to the successor |
//! | a predecessor hands a share over | record, outbox entry, `unsynced` entry, log entry | the slot is taken over |
//! | another enclave's log is copied | its entries, and where the copy ends | more is asked for |
//! | the chain disagrees | what is wrong goes, what is missing is wanted | – |
//!
//! **What can go wrong with the disk.** One that fails or is full makes requests fail, and the store
//! is opened again until that works. What is no store any more, by [`StoreError::is_loss`], is for
//! whoever starts the enclave to put aside. That the whole store was replaced by an older copy of
//! itself cannot be seen here: the log's head and the records are compared with the chain.

use std::{
    fmt,
    ops::Bound,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use redb::{ReadTransaction, ReadableDatabase, ReadableTable, ReadableTableMetadata};
use tee_primitives::{
    attestation::LogHead,
    cluster::SlotId,
    keyshare::{Commitment, KeyshareKind, Version},
    nft::NftId,
    BlockNumber, Hash, RawAccountId,
};
use tokio::{
    sync::{watch, Notify},
    task::JoinHandle,
};
use zeroize::Zeroizing;

use crate::seal::Sealer;

mod database;
mod error;
mod handover;
mod header;
mod log;
mod others;
mod pages;
mod record;
mod rules;
mod schema;
mod sync;
#[cfg(test)]
pub(crate) mod testing;
mod writer;

pub use database::exists;
#[cfg(test)]
pub(crate) use database::CACHE;
pub(crate) use database::FILES;
pub use error::StoreError;
pub use log::{Access, LogEntry, LogState, Received, Rollbacks};
pub use others::{Copied, Key as CopyKey, LogRow, NotKept};
pub use record::{Record, RecordKey, VersionKey};
pub use rules::{Correction, NewShare, StoreRefusal, Stored, MAX_SPLITS};
pub use sync::{Fetched, Place, SyncState};

use database::{Folder, Medium, Slot};
use header::Owner;
use log::Unindexed;
use schema::{META, OUTBOX, RECORDS, TIPS, UNSYNCED, WANTED};
use writer::Writer;

struct Inner {
    medium: Box<dyn Medium>,
    database: Slot,
    data_key: Zeroizing<[u8; 32]>,
    sealer: Sealer,
    genesis: Hash,
    outbox_grew: Notify,
    /// Where the log ends on the disk.
    log_state: watch::Sender<LogState>,
    /// What is in the log and may not be in its index.
    unindexed: Mutex<Unindexed>,
}

impl Inner {
    /// Never held while anything waits for the disk.
    fn unindexed(&self) -> MutexGuard<'_, Unindexed> {
        self.unindexed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads again what is known of a database that was opened.
    fn know(&self, database: &redb::Database, state: LogState) -> Result<(), StoreError> {
        *self.unindexed() = log::unindexed(self, &database.begin_read()?)?;
        self.log_state.send_replace(state);
        Ok(())
    }

    fn open_record(&self, key: &RecordKey, sealed: &[u8]) -> Result<Record, StoreError> {
        record::open(&self.sealer, &self.genesis, key, sealed)
    }

    /// A record that does not open is lost: it is reported and otherwise treated as not there.
    fn open_or_report(&self, key: &RecordKey, sealed: &[u8]) -> Option<Record> {
        match self.open_record(key, sealed) {
            Ok(record) => Some(record),
            Err(error) => {
                let VersionKey { nft_id, kind, version } = key.version;
                tracing::error!(nft_id, ?kind, version, %error, "a record is lost");
                None
            }
        }
    }

    fn seal_record(&self, key: &RecordKey, record: &Record) -> Result<Vec<u8>, StoreError> {
        record::seal(&self.sealer, &self.genesis, key, record)
    }

    /// Opens the database again after its disk has failed. What was answered must be in it.
    fn open_again(&self) -> Result<(), StoreError> {
        let database = database::open_again(&*self.medium, &self.data_key)?;
        let before = self.log_state.borrow().head;
        error::guarded(|| {
            let state = schema::mend(self, &database)?;
            match log::leads_to_head(self, &database, before)? {
                true => self.know(&database, state),
                false => Err(StoreError::Corrupt("what was durable is gone")),
            }
        })?;
        self.database.fill(database);
        Ok(())
    }
}

/// A record, without its secrets.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Held {
    /// Which.
    pub key: RecordKey,
    /// What is known of it; `None` if it does not open.
    pub facts: Option<HeldFacts>,
}

/// What is known of a record.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct HeldFacts {
    /// The slot that its share was given to.
    pub slot_id: SlotId,
    /// Its share's commitment.
    pub commitment: Commitment,
    /// The finalized block at which storing it was decided.
    pub stored_at: BlockNumber,
    /// The block in which its version became synced with this split.
    pub synced_at: Option<BlockNumber>,
}

/// The enclave's store. Clones share it.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
    writer: Writer,
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Store")
    }
}

impl Store {
    /// Opens the store in `folder`, which belongs to `account` and to the chain with this genesis
    /// hash; makes one if there is none. The task ends with an error when the store turns out to be
    /// corrupt, and without one when all clones of the store are dropped.
    ///
    /// Must be called within a tokio runtime. Takes a time that grows with the store: all of it is
    /// read.
    pub fn open(
        folder: &Path,
        seal_key: &Sealer,
        account: &RawAccountId,
        genesis: Hash,
    ) -> Result<(Self, JoinHandle<Result<(), StoreError>>), StoreError> {
        Self::open_on(Box::new(Folder(folder.into())), seal_key, account, genesis)
    }

    pub(crate) fn open_on(
        medium: Box<dyn Medium>,
        seal_key: &Sealer,
        account: &RawAccountId,
        genesis: Hash,
    ) -> Result<(Self, JoinHandle<Result<(), StoreError>>), StoreError> {
        let owner = Owner { seal_key, account, genesis: &genesis };
        let (database, data_key) = database::open(&*medium, &owner)?;
        error::guarded(|| schema::prepare(&database))?;
        medium.sync_name().map_err(StoreError::Folder)?;
        let inner = Inner {
            medium,
            database: Slot::new(database),
            sealer: Sealer::new(&data_key),
            data_key,
            genesis,
            outbox_grew: Notify::new(),
            log_state: watch::Sender::default(),
            unindexed: Mutex::default(),
        };
        inner.database.with(|database| {
            let state = schema::mend(&inner, database)?;
            inner.know(database, state)
        })?;
        let inner = Arc::new(inner);
        let (writer, task) = Writer::start(inner.clone());
        Ok((Self { inner, writer }, task))
    }

    /// Stores a share. The result tells what was decided; it is durable when this returns.
    pub async fn store(&self, new: NewShare) -> Result<Result<Stored, StoreRefusal>, StoreError> {
        let inner = self.inner.clone();
        self.writer.write(move |tables| rules::store(&inner, tables, &new)).await
    }

    /// The synced split of a version is known: its record becomes active; the version's other
    /// records and those of older versions are wiped.
    pub async fn activate(&self, key: RecordKey, synced_at: BlockNumber) -> Result<(), StoreError> {
        let inner = self.inner.clone();
        self.writer.write(move |tables| rules::activate(&inner, tables, &key, synced_at)).await
    }

    /// Wipes a version whose shares can never be served.
    pub async fn wipe(&self, version: VersionKey) -> Result<(), StoreError> {
        let inner = self.inner.clone();
        self.writer.write(move |tables| rules::wipe(&inner, tables, &version)).await
    }

    /// The same, if the version is still among the undecided ones. It stays wanted if it is.
    pub async fn wipe_undecided(&self, version: VersionKey) -> Result<(), StoreError> {
        let inner = self.inner.clone();
        self.writer
            .write(move |tables| {
                let is_undecided = tables.unsynced.get(&version.to_bytes())?.is_some();
                if is_undecided {
                    rules::wipe_records(&inner, tables, &version)?;
                }
                Ok(())
            })
            .await
    }

    /// Wipes all versions of an NFT's shares of a kind, which cannot be served at a finalized block,
    /// except what has come after it. Whether there were any.
    pub async fn wipe_all(
        &self,
        nft_id: NftId,
        kind: KeyshareKind,
        decided_at: BlockNumber,
    ) -> Result<bool, StoreError> {
        let found = self.read(|transaction| {
            let (unsynced, wanted) =
                (transaction.open_table(UNSYNCED)?, transaction.open_table(WANTED)?);
            let records = transaction.open_table(RECORDS)?;
            rules::versions_of(&records, [&unsynced, &wanted], nft_id, kind)
        })?;
        if found.is_empty() {
            return Ok(false);
        }
        let inner = self.inner.clone();
        self.writer
            .write(move |tables| rules::wipe_all(&inner, tables, nft_id, kind, decided_at))
            .await?;
        Ok(true)
    }

    /// Takes entries out of the outbox.
    pub async fn confirmed(&self, entries: Vec<u64>) -> Result<(), StoreError> {
        if entries.is_empty() {
            return Ok(());
        }
        self.writer
            .write(move |tables| {
                for entry in &entries {
                    tables.outbox.remove(*entry)?;
                }
                Ok(())
            })
            .await
    }

    /// Writes down that somebody is given a share. It must not leave before this returns.
    pub async fn log_view(&self, access: Access) -> Result<(), StoreError> {
        let inner = self.inner.clone();
        self.writer.write(move |tables| log::append(&inner, tables, LogEntry::Viewed(access))).await
    }

    /// Compares the log with the head that the chain has of it. Whether entries are gone that were
    /// attested, and that was not known yet: it is written down in the log.
    pub async fn check_log(&self, attested: LogHead) -> Result<bool, StoreError> {
        let inner = self.inner.clone();
        self.writer.write(move |tables| log::check(&inner, tables, attested)).await
    }

    /// Length and hash of the log.
    pub fn log_head(&self) -> LogHead {
        self.inner.log_state.borrow().head
    }

    /// How often the log was found not to lead to an attested head.
    pub fn log_rollbacks(&self) -> u64 {
        self.inner.log_state.borrow().rollbacks.map_or(0, |rollbacks| rollbacks.count)
    }

    /// Where the log ends, whenever that changes. What it says is durable.
    pub fn log_state(&self) -> watch::Receiver<LogState> {
        self.inner.log_state.subscribe()
    }

    /// The entries of the log about an NFT, at most `limit`, oldest first, with their places in the
    /// log; those after the place `after`.
    pub fn log_of(
        &self,
        nft_id: NftId,
        after: Option<u64>,
        limit: usize,
    ) -> Result<Vec<(u64, LogEntry)>, StoreError> {
        // Before the transaction begins, so that none is in neither of them.
        let unindexed = {
            let entries = self.inner.unindexed();
            entries.iter().filter(|entry| entry.0 == nft_id).map(|entry| entry.1).collect()
        };
        self.read(|transaction| {
            log::of_nft(&self.inner, transaction, nft_id, unindexed, after, limit)
        })
    }

    /// The entry of the own log at a place.
    pub fn log_entry(&self, place: u64) -> Result<Option<LogEntry>, StoreError> {
        self.read(|transaction| log::entry(&self.inner, transaction, place))
    }

    /// Entries of the own log after `after`, as many as `room` bytes take; `None` if it does not lead
    /// there.
    pub fn log_rows(&self, after: LogHead, room: usize) -> Result<Option<Vec<LogRow>>, StoreError> {
        self.read(|transaction| others::own_rows(&self.inner, transaction, after, room))
    }

    /// Entries that are held of another enclave's log, from a place on, as many as `room` bytes take.
    pub fn copied_rows(
        &self,
        origin: &RawAccountId,
        from: u64,
        room: usize,
    ) -> Result<Vec<LogRow>, StoreError> {
        self.read(|transaction| others::copied_rows(&self.inner, transaction, origin, from, room))
    }

    /// What is held of another enclave's log.
    pub fn copied(&self, origin: &RawAccountId) -> Result<Copied, StoreError> {
        self.read(|transaction| others::copied(&transaction.open_table(TIPS)?, origin))
    }

    /// Whose logs are held, at most `limit`, and how much of each.
    pub fn log_origins(&self, limit: usize) -> Result<Vec<(RawAccountId, Copied)>, StoreError> {
        self.read(|transaction| others::origins(transaction, limit))
    }

    /// Adds to the copy of another enclave's log, all of these entries or none. How many are new.
    /// `is_first` if the first of them is the first that whoever gave them has.
    pub async fn copy_log(
        &self,
        origin: RawAccountId,
        rows: Vec<LogRow>,
        is_first: bool,
    ) -> Result<Result<u64, NotKept>, StoreError> {
        let inner = self.inner.clone();
        self.writer
            .write(move |tables| others::append(&inner, tables, &origin, &rows, is_first))
            .await
    }

    /// Entries of other enclaves' logs about an NFT, at most `limit`, by origin, oldest first: name,
    /// origin and place of each; those after the one named `after`.
    pub fn others_log_of(
        &self,
        nft_id: NftId,
        after: Option<CopyKey>,
        limit: usize,
    ) -> Result<Vec<(CopyKey, RawAccountId, u64, LogEntry)>, StoreError> {
        self.read(|transaction| others::of_nft(&self.inner, transaction, nft_id, after, limit))
    }

    /// Corrects what was found wrong at a finalized block.
    pub async fn correct(
        &self,
        corrections: Vec<Correction>,
        decided_at: BlockNumber,
    ) -> Result<(), StoreError> {
        if corrections.is_empty() {
            return Ok(());
        }
        let inner = self.inner.clone();
        self.writer
            .write(move |tables| {
                corrections.iter().try_for_each(|it| rules::correct(&inner, tables, it, decided_at))
            })
            .await
    }

    /// The record of a version whose share has this commitment, which names its slot too.
    pub fn record_of(
        &self,
        version: &VersionKey,
        commitment: Option<&Commitment>,
    ) -> Result<Option<(RecordKey, Record)>, StoreError> {
        self.read(|transaction| {
            let table = transaction.open_table(RECORDS)?;
            let found = rules::Finder::new(&self.inner, &table).record_of(version, commitment)?;
            Ok(found)
        })
    }

    /// How far the slot was synchronised.
    pub fn sync_state(&self) -> Result<SyncState, StoreError> {
        self.read(|transaction| sync::read(&self.inner, &transaction.open_table(META)?))
    }

    /// Writes down how far the slot is synchronised, and wants what is missing, as of a finalized
    /// block.
    pub async fn scanned(
        &self,
        missing: Vec<Correction>,
        state: SyncState,
        decided_at: BlockNumber,
    ) -> Result<(), StoreError> {
        let inner = self.inner.clone();
        self.writer
            .write(move |tables| sync::scanned(&inner, tables, &missing, &state, decided_at))
            .await
    }

    /// Keeps shares that other enclaves gave, as far as they are still wanted, in the slot that they
    /// are of. How many were.
    pub async fn fetched(&self, shares: Vec<Fetched>) -> Result<usize, StoreError> {
        if shares.is_empty() {
            return Ok(0);
        }
        let inner = self.inner.clone();
        self.writer.write(move |tables| sync::fetched(&inner, tables, shares)).await
    }

    /// Stores and confirms nothing for some finalized blocks: until which. What is stored when this
    /// returns is all that there will be until then. `None` if the last pause was not long ago.
    pub async fn pause(&self, now: BlockNumber) -> Result<Option<BlockNumber>, StoreError> {
        self.writer.write(move |tables| handover::pause(tables, now)).await
    }

    /// Until which finalized block nothing is stored or confirmed.
    pub fn paused_until(&self) -> Result<BlockNumber, StoreError> {
        self.read(|transaction| handover::paused_until(&transaction.open_table(META)?))
    }

    /// Keeps undecided shares that the enclave with the slot has handed over. How many.
    pub async fn take_over(&self, shares: Vec<Fetched>) -> Result<usize, StoreError> {
        let inner = self.inner.clone();
        self.writer
            .write(move |tables| {
                let mut kept = 0;
                for share in shares {
                    kept += usize::from(handover::take(&inner, tables, share)?);
                }
                Ok(kept)
            })
            .await
    }

    /// Removes everything that is held, and what belongs to it, and the copies of others' logs. The own
    /// log stays, and is told to nobody any more.
    pub async fn purge(&self) -> Result<(), StoreError> {
        while !self.writer.write(sync::purge).await? {}
        Ok(())
    }

    /// Makes the database fail.
    #[cfg(test)]
    pub(crate) async fn fail(&self) {
        let failed: Result<(), _> =
            self.writer.write(|_| Err(StoreError::Corrupt("made to fail"))).await;
        assert!(failed.is_err());
        self.writer.ended().await;
    }

    /// Waits until something was put into the outbox since the last call.
    pub async fn outbox_grew(&self) {
        self.inner.outbox_grew.notified().await;
    }

    /// Reads at one state of the store. Whoever writes is told when that fails.
    fn read<T>(
        &self,
        read: impl FnOnce(&ReadTransaction) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.inner.database.read(read).map_err(|error| {
            if !matches!(error, StoreError::Unavailable) {
                tracing::error!(%error, "the store could not be read");
                self.writer.suspect(&error);
            }
            error.or_unavailable()
        })
    }

    /// Hash of the first block of the chain that the store belongs to.
    pub fn genesis_hash(&self) -> Hash {
        self.inner.genesis
    }

    /// Whether the store can be used. It cannot while its disk fails or is full.
    pub fn is_available(&self) -> bool {
        self.inner.database.with(|_| Ok(())).is_ok()
    }

    /// The oldest entries of the outbox.
    pub fn outbox(&self, limit: usize) -> Result<Vec<(u64, RecordKey)>, StoreError> {
        self.read(|transaction| {
            let table = transaction.open_table(OUTBOX)?;
            let entries = table.iter()?.take(limit);
            entries.map(|entry| entry_of(entry?)).collect()
        })
    }

    /// Versions that the chain has not decided about, in order, after `after`; and the finalized
    /// block at which a share of each was last stored.
    pub fn unsynced(
        &self,
        after: Option<VersionKey>,
        limit: usize,
    ) -> Result<Vec<(VersionKey, BlockNumber)>, StoreError> {
        self.read(|transaction| versions(&transaction.open_table(UNSYNCED)?, after, limit))
    }

    /// Versions that the chain has synced and whose shares are missing here, in order, after
    /// `after`; and the finalized block at which that was found.
    pub fn wanted(
        &self,
        after: Option<VersionKey>,
        limit: usize,
    ) -> Result<Vec<(VersionKey, BlockNumber)>, StoreError> {
        self.read(|transaction| versions(&transaction.open_table(WANTED)?, after, limit))
    }

    /// Whether a version is among the wanted ones.
    pub fn is_wanted(&self, version: &VersionKey) -> Result<bool, StoreError> {
        self.read(|transaction| {
            Ok(transaction.open_table(WANTED)?.get(&version.to_bytes())?.is_some())
        })
    }

    /// How many records are held.
    pub fn count_records(&self) -> Result<u64, StoreError> {
        self.read(|transaction| Ok(transaction.open_table(RECORDS)?.len()?))
    }

    /// How many versions are wanted.
    pub fn count_wanted(&self) -> Result<u64, StoreError> {
        self.read(|transaction| Ok(transaction.open_table(WANTED)?.len()?))
    }

    /// Whether a version is among the undecided ones.
    pub fn is_unsynced(&self, version: &VersionKey) -> Result<bool, StoreError> {
        self.read(|transaction| {
            Ok(transaction.open_table(UNSYNCED)?.get(&version.to_bytes())?.is_some())
        })
    }

    /// Records in order, after `after`, also those that do not open.
    pub fn held_after(
        &self,
        after: Option<RecordKey>,
        limit: usize,
    ) -> Result<Vec<Held>, StoreError> {
        self.read(|transaction| {
            let table = transaction.open_table(RECORDS)?;
            let start = after.map(|key| key.to_bytes());
            let start = start.as_ref().map_or(Bound::Unbounded, Bound::Excluded);
            let range = table.range::<&[u8; RecordKey::LEN]>((start, Bound::Unbounded))?;
            let held = range.take(limit).map(|entry| {
                let (key, sealed) = entry?;
                let key = RecordKey::from_bytes(key.value())?;
                let record = self.inner.open_record(&key, sealed.value()).ok();
                let facts = record.map(|record| HeldFacts {
                    slot_id: record.slot_id,
                    commitment: record.commitment(self.inner.genesis, &key),
                    stored_at: record.stored_at,
                    synced_at: record.synced_at,
                });
                Ok(Held { key, facts })
            });
            held.collect()
        })
    }

    /// One record; `None` if it is not held or lost.
    pub fn record(&self, key: &RecordKey) -> Result<Option<Record>, StoreError> {
        self.read(|transaction| {
            let table = transaction.open_table(RECORDS)?;
            let sealed = table.get(&key.to_bytes())?;
            Ok(sealed.and_then(|sealed| self.inner.open_or_report(key, sealed.value())))
        })
    }

    /// The records of a version, without lost ones.
    pub fn records(&self, version: &VersionKey) -> Result<Vec<(RecordKey, Record)>, StoreError> {
        self.read(|transaction| {
            rules::records(&self.inner, &transaction.open_table(RECORDS)?, version)
        })
    }

    /// Since which block the newest synced share of an NFT is; 0 if one is held that is not synced;
    /// `None` if none is held.
    pub fn held(
        &self,
        nft_id: NftId,
        kind: KeyshareKind,
    ) -> Result<Option<BlockNumber>, StoreError> {
        let of_version = |version: Version| VersionKey { nft_id, kind, version };
        let (first, _) = of_version(0).record_range();
        let (_, last) = of_version(Version::MAX).record_range();
        self.read(|transaction| {
            let table = transaction.open_table(RECORDS)?;
            // The newest version comes last: at most the candidates of one pending version stand
            // before the synced one.
            let mut held = None;
            let range = table.range::<&[u8; RecordKey::LEN]>(&first..=&last)?;
            for entry in range.rev().take(rules::MAX_SPLITS + 1) {
                let (key, sealed) = entry?;
                let key = RecordKey::from_bytes(key.value())?;
                match self.inner.open_or_report(&key, sealed.value()) {
                    Some(Record { synced_at: Some(block), .. }) => return Ok(Some(block)),
                    Some(_) => held = Some(0),
                    None => (),
                }
            }
            Ok(held)
        })
    }
}

fn entry_of(
    (order, key): (redb::AccessGuard<'_, u64>, redb::AccessGuard<'_, &[u8; RecordKey::LEN]>),
) -> Result<(u64, RecordKey), StoreError> {
    Ok((order.value(), RecordKey::from_bytes(key.value())?))
}

fn versions(
    table: &impl ReadableTable<&'static [u8; VersionKey::LEN], BlockNumber>,
    after: Option<VersionKey>,
    limit: usize,
) -> Result<Vec<(VersionKey, BlockNumber)>, StoreError> {
    let start = after.map(|key| key.to_bytes());
    let start = start.as_ref().map_or(Bound::Unbounded, Bound::Excluded);
    let entries = table.range::<&[u8; VersionKey::LEN]>((start, Bound::Unbounded))?.take(limit);
    entries
        .map(|entry| {
            let (key, block) = entry?;
            Ok((VersionKey::from_bytes(key.value())?, block.value()))
        })
        .collect()
}

#[cfg(test)]
mod tests;
