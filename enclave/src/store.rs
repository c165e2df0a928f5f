// SPDX-License-Identifier: Apache-2.0
//! What the enclave holds: one record per NFT, kind, version and split, and the outbox of
//! confirmations that the chain has not shown yet.
//!
//! | table | key | value |
//! |---|---|---|
//! | `meta` | name | schema version, genesis hash, account, the wrapped data key, the counter |
//! | `records` | NFT, kind, version, split | sealed [`Record`] |
//! | `outbox` | order of storing | key of the record to confirm |
//! | `unsynced` | NFT, kind, version | the finalized block at which a share of it was last stored |
//!
//! A version is in `unsynced` while the chain has not decided between its splits.
//!
//! Values are sealed under a random data key, which is wrapped by the platform's seal key. A
//! record's context is its key and the genesis hash: it cannot be moved to another place.
//!
//! **Order of durable steps.** Record, outbox entry and `unsynced` entry are one transaction; a
//! request is answered after it is committed. The outbox entry goes only when the finalized chain
//! shows the confirmation or makes it pointless, and that too is one transaction with everything
//! else that it changes. One thread writes; it commits whatever is waiting in one transaction, and
//! then tells that the outbox grew, also if whoever asked for it has gone. The file's name is durable
//! before the first write.

use std::{fmt, io, ops::Bound, path::Path, sync::Arc};

use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition};
use tee_primitives::{
    keyshare::{KeyshareKind, Version},
    nft::NftId,
    BlockNumber, Hash, RawAccountId,
};
use tokio::{sync::Notify, task::JoinHandle};
use zeroize::Zeroizing;

use crate::seal::{self, SealError, Sealer};

mod record;
mod rules;
mod writer;

pub use record::{Record, RecordKey, VersionKey};
pub use rules::{NewShare, StoreRefusal, Stored, MAX_SPLITS};
use writer::Writer;

const FILE_NAME: &str = "store.redb";
const SCHEMA: u32 = 1;

/// Memory that the database may use for pages, in bytes.
const CACHE: usize = 64 * 1024 * 1024;

const META: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("meta");
const RECORDS: TableDefinition<'_, &[u8; RecordKey::LEN], &[u8]> = TableDefinition::new("records");
const OUTBOX: TableDefinition<'_, u64, &[u8; RecordKey::LEN]> = TableDefinition::new("outbox");
const UNSYNCED: TableDefinition<'_, &[u8; VersionKey::LEN], BlockNumber> =
    TableDefinition::new("unsynced");

const META_SCHEMA: &str = "schema";
const META_GENESIS: &str = "genesis";
const META_ACCOUNT: &str = "account";
const META_DATA_KEY: &str = "data key";
const META_COUNTER: &str = "counter";

const DATA_KEY_CONTEXT: &[u8] = b"TIP500-DATA-KEY/1";

/// Why the store cannot do what it was asked for.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database failed.
    #[error("the store's database failed: {0}")]
    Database(Box<redb::Error>),
    /// The database's file cannot be made durable.
    #[error("the store's folder cannot be made durable: {0}")]
    Folder(io::Error),
    /// The store was written by another version of the software.
    #[error("the store has schema {found}, this software reads schema {SCHEMA}")]
    Schema {
        /// The store's schema.
        found: u32,
    },
    /// The store belongs to another account.
    #[error("the store was made for another enclave account than the one in its folder")]
    AnotherAccount,
    /// The store belongs to another chain.
    #[error("the store was made for another chain than the one this enclave serves")]
    AnotherChain,
    /// The data key does not open with this machine's seal key.
    #[error("the store's data key cannot be unwrapped: {0}")]
    DataKey(SealError),
    /// A value cannot be sealed or opened.
    #[error("a value of the store cannot be sealed or opened: {0}")]
    Value(SealError),
    /// A value is not what it should be.
    #[error("the store is corrupt: {0}")]
    Corrupt(&'static str),
    /// The store is closed, because of an earlier failure or because the enclave stops.
    #[error("the store is closed")]
    Closed,
}

macro_rules! database_errors {
    ($($error:ty),*) => {
        $(impl From<$error> for StoreError {
            fn from(error: $error) -> Self {
                Self::Database(Box::new(error.into()))
            }
        })*
    };
}

database_errors!(
    redb::CommitError,
    redb::DatabaseError,
    redb::StorageError,
    redb::TableError,
    redb::TransactionError
);

struct Inner {
    database: Database,
    sealer: Sealer,
    genesis: Hash,
    outbox_grew: Notify,
}

impl Inner {
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
}

/// Whether there is a store in `folder`.
pub fn exists(folder: &Path) -> io::Result<bool> {
    folder.join(FILE_NAME).try_exists()
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
    /// hash; makes one if there is none. The task ends with an error when
    /// the database fails, and without one when all clones of the store are dropped.
    ///
    /// Must be called within a tokio runtime.
    pub fn open(
        folder: &Path,
        seal_key: &Sealer,
        account: &RawAccountId,
        genesis: Hash,
    ) -> Result<(Self, JoinHandle<Result<(), StoreError>>), StoreError> {
        let database = Database::builder().set_cache_size(CACHE).create(folder.join(FILE_NAME))?;
        let transaction = database.begin_write()?;
        let data_key = {
            let mut meta = transaction.open_table(META)?;
            transaction.open_table(RECORDS)?;
            transaction.open_table(OUTBOX)?;
            transaction.open_table(UNSYNCED)?;
            if meta.get(META_SCHEMA)?.is_none() {
                let data_key = seal::random::<32>().map_err(StoreError::DataKey)?;
                let wrapped = seal_key
                    .seal(&data_key_context(&genesis), &*data_key)
                    .map_err(StoreError::DataKey)?;
                meta.insert(META_SCHEMA, SCHEMA.to_be_bytes().as_slice())?;
                meta.insert(META_ACCOUNT, account.as_slice())?;
                meta.insert(META_GENESIS, genesis.as_slice())?;
                meta.insert(META_DATA_KEY, wrapped.as_slice())?;
            }
            check(&meta, seal_key, account, &genesis)?
        };
        transaction.commit()?;
        // The database makes its file's content durable, and not its name.
        crate::file::sync_folder(folder).map_err(StoreError::Folder)?;

        let inner = Arc::new(Inner {
            database,
            sealer: Sealer::new(&data_key),
            genesis,
            outbox_grew: Notify::new(),
        });
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

    /// The oldest entries of the outbox.
    pub fn outbox(&self, limit: usize) -> Result<Vec<(u64, RecordKey)>, StoreError> {
        let table = self.inner.database.begin_read()?.open_table(OUTBOX)?;
        let entries = table.iter()?.take(limit);
        entries.map(|entry| entry_of(entry?)).collect()
    }

    /// Versions that the chain has not decided about, in order, after `after`; and the finalized
    /// block at which a share of each was last stored.
    pub fn unsynced(
        &self,
        after: Option<VersionKey>,
        limit: usize,
    ) -> Result<Vec<(VersionKey, BlockNumber)>, StoreError> {
        let table = self.inner.database.begin_read()?.open_table(UNSYNCED)?;
        let start = after.map(|key| key.to_bytes());
        let start = start.as_ref().map_or(Bound::Unbounded, Bound::Excluded);
        let entries = table.range::<&[u8; VersionKey::LEN]>((start, Bound::Unbounded))?.take(limit);
        entries
            .map(|entry| {
                let (key, stored_at) = entry?;
                Ok((VersionKey::from_bytes(key.value())?, stored_at.value()))
            })
            .collect()
    }

    /// One record; `None` if it is not held or lost.
    pub fn record(&self, key: &RecordKey) -> Result<Option<Record>, StoreError> {
        let table = self.inner.database.begin_read()?.open_table(RECORDS)?;
        let sealed = table.get(&key.to_bytes())?;
        Ok(sealed.and_then(|sealed| self.inner.open_or_report(key, sealed.value())))
    }

    /// The records of a version, without lost ones.
    pub fn records(&self, version: &VersionKey) -> Result<Vec<(RecordKey, Record)>, StoreError> {
        let table = self.inner.database.begin_read()?.open_table(RECORDS)?;
        rules::records(&self.inner, &table, version)
    }

    /// Since which block the newest synced share of an NFT is; 0 if one is held that is not synced;
    /// `None` if none is held.
    pub fn held(
        &self,
        nft_id: NftId,
        kind: KeyshareKind,
    ) -> Result<Option<BlockNumber>, StoreError> {
        let table = self.inner.database.begin_read()?.open_table(RECORDS)?;
        let of_version = |version: Version| VersionKey { nft_id, kind, version };
        let (first, _) = of_version(0).record_range();
        let (_, last) = of_version(Version::MAX).record_range();
        // The newest version comes last: at most the candidates of one pending version stand before
        // the synced one.
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
    }
}

fn entry_of(
    (order, key): (redb::AccessGuard<'_, u64>, redb::AccessGuard<'_, &[u8; RecordKey::LEN]>),
) -> Result<(u64, RecordKey), StoreError> {
    Ok((order.value(), RecordKey::from_bytes(key.value())?))
}

/// A value of fixed length in `meta`.
fn fixed<const N: usize>(
    meta: &impl ReadableTable<&'static str, &'static [u8]>,
    name: &str,
) -> Result<Option<[u8; N]>, StoreError> {
    meta.get(name)?
        .map(|value| {
            value.value().try_into().map_err(|_| StoreError::Corrupt("a value of another length"))
        })
        .transpose()
}

/// Another chain's store does not open even if the hash beside its data key is changed.
fn data_key_context(genesis: &Hash) -> Vec<u8> {
    [DATA_KEY_CONTEXT, genesis].concat()
}

fn check(
    meta: &impl ReadableTable<&'static str, &'static [u8]>,
    seal_key: &Sealer,
    account: &RawAccountId,
    genesis: &Hash,
) -> Result<Zeroizing<[u8; 32]>, StoreError> {
    let found = u32::from_be_bytes(
        fixed(meta, META_SCHEMA)?.ok_or(StoreError::Corrupt("no schema version"))?,
    );
    if found != SCHEMA {
        return Err(StoreError::Schema { found });
    }
    if fixed(meta, META_ACCOUNT)?.as_ref() != Some(account) {
        return Err(StoreError::AnotherAccount);
    }
    if fixed(meta, META_GENESIS)?.as_ref() != Some(genesis) {
        return Err(StoreError::AnotherChain);
    }
    let wrapped = meta.get(META_DATA_KEY)?.ok_or(StoreError::Corrupt("no data key"))?;
    let data_key =
        seal_key.open(&data_key_context(genesis), wrapped.value()).map_err(StoreError::DataKey)?;
    let data_key = data_key
        .as_slice()
        .try_into()
        .map_err(|_| StoreError::Corrupt("a data key of another length"))?;
    Ok(Zeroizing::new(data_key))
}

#[cfg(test)]
mod tests;
