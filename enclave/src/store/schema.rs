// SPDX-License-Identifier: Apache-2.0
//! The store's tables, and how older ones become like them.
//!
//! | schema | what it brought |
//! |---|---|
//! | 1 | records, outbox, undecided versions |
//! | 2 | the view log and its index, wanted versions |
//! | 3 | copies of other enclaves' view logs; the index of the own one may lack the newest entries |
//! | 4 | a record says whether it was stored in a bound request |
//!
//! A step from one schema to the next is part of the transaction in which the store is opened: after
//! a crash the store is as before it or as after it. A newer schema than this software knows is
//! refused; it is no loss.

use redb::{
    Database, ReadableDatabase, ReadableTable, ReadableTableMetadata, TableDefinition, TableHandle,
    WriteTransaction,
};
use tee_primitives::{BlockNumber, RawAccountId};

use super::{
    log::{self, LogState},
    others, rules,
    writer::Tables,
    Inner, RecordKey, StoreError, VersionKey,
};
pub(super) const SCHEMA: u32 = 4;

pub(super) const META: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("meta");
pub(super) const RECORDS: TableDefinition<'_, &[u8; RecordKey::LEN], &[u8]> =
    TableDefinition::new("records");
pub(super) const OUTBOX: TableDefinition<'_, u64, &[u8; RecordKey::LEN]> =
    TableDefinition::new("outbox");
pub(super) const UNSYNCED: TableDefinition<'_, &[u8; VersionKey::LEN], BlockNumber> =
    TableDefinition::new("unsynced");
pub(super) const WANTED: TableDefinition<'_, &[u8; VersionKey::LEN], BlockNumber> =
    TableDefinition::new("wanted");
pub(super) const LOG: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("log");
pub(super) const LOG_OF_NFT: TableDefinition<'_, (u32, u64), ()> =
    TableDefinition::new("log of nft");

pub(super) const OTHERS: TableDefinition<'_, &others::Key, &[u8]> =
    TableDefinition::new("logs of others");
pub(super) const OTHERS_OF_NFT: TableDefinition<'_, &others::KeyOfNft, ()> =
    TableDefinition::new("logs of others of nft");
pub(super) const TIPS: TableDefinition<'_, &RawAccountId, &[u8]> =
    TableDefinition::new("tips of others");

const META_SCHEMA: &str = "schema";
pub(super) const META_COUNTER: &str = "counter";
/// Until which finalized block nothing is stored or confirmed. Absent, there is no pause.
pub(super) const META_PAUSE: &str = "pause";
/// Entries of the view log, from its beginning, that were made before the enclave had its present slot.
pub(super) const META_LOG_BEGIN: &str = "log begin";
/// Entries of the view log, from its beginning, that are in its index.
pub(super) const META_INDEXED: &str = "indexed";
/// How far the slot was synchronised. Absent, it begins anew.
pub(super) const META_SYNC: &str = "sync";

/// Makes the tables of a new store, or brings an older one to this schema.
pub(super) fn prepare(database: &Database) -> Result<(), StoreError> {
    let transaction = database.begin_write()?;
    if transaction.list_tables()?.next().is_none() {
        create(&transaction)?;
        transaction.commit()?;
        return Ok(());
    }
    let found = {
        let meta = transaction.open_table(META)?;
        u32::from_be_bytes(
            fixed(&meta, META_SCHEMA)?.ok_or(StoreError::Corrupt("no schema version"))?,
        )
    };
    match found {
        SCHEMA => (),
        1 => {
            step_from_1(&transaction)?;
            step_from_2(&transaction)?;
            step_from_3(&transaction)?;
        }
        2 => {
            step_from_2(&transaction)?;
            step_from_3(&transaction)?;
        }
        3 => step_from_3(&transaction)?,
        0 => return Err(StoreError::Corrupt("a schema that never was")),
        _ => return Err(StoreError::Schema { found }),
    }
    all_there(&transaction)?;
    transaction.commit()?;
    Ok(())
}

fn create(transaction: &WriteTransaction) -> Result<(), StoreError> {
    transaction.open_table(META)?.insert(META_SCHEMA, SCHEMA.to_be_bytes().as_slice())?;
    transaction.open_table(RECORDS)?;
    transaction.open_table(OUTBOX)?;
    transaction.open_table(UNSYNCED)?;
    create_of_2(transaction)?;
    create_of_3(transaction)
}

fn create_of_2(transaction: &WriteTransaction) -> Result<(), StoreError> {
    transaction.open_table(WANTED)?;
    transaction.open_table(LOG)?;
    transaction.open_table(LOG_OF_NFT)?;
    Ok(())
}

fn create_of_3(transaction: &WriteTransaction) -> Result<(), StoreError> {
    transaction.open_table(OTHERS)?;
    transaction.open_table(OTHERS_OF_NFT)?;
    transaction.open_table(TIPS)?;
    Ok(())
}

/// Records stay as they are. What was stored and viewed before was not logged: the log begins here.
fn step_from_1(transaction: &WriteTransaction) -> Result<(), StoreError> {
    create_of_2(transaction)
}

/// Every entry of the view log was in its index.
fn step_from_2(transaction: &WriteTransaction) -> Result<(), StoreError> {
    create_of_3(transaction)?;
    let count = transaction.open_table(LOG)?.len()?.to_be_bytes();
    transaction.open_table(META)?.insert(META_INDEXED, count.as_slice())?;
    Ok(())
}

/// Records stay as they are, and are read as ones that were not stored in bound requests.
fn step_from_3(transaction: &WriteTransaction) -> Result<(), StoreError> {
    transaction.open_table(META)?.insert(META_SCHEMA, SCHEMA.to_be_bytes().as_slice())?;
    tracing::info!("the store is brought to schema {SCHEMA}");
    Ok(())
}

/// Opening a table makes it: one that somebody has taken out would be replaced by an empty one.
fn all_there(transaction: &WriteTransaction) -> Result<(), StoreError> {
    let names = [
        META.name(),
        RECORDS.name(),
        OUTBOX.name(),
        UNSYNCED.name(),
        WANTED.name(),
        LOG.name(),
        LOG_OF_NFT.name(),
        OTHERS.name(),
        OTHERS_OF_NFT.name(),
        TIPS.name(),
    ];
    let found: Vec<String> =
        transaction.list_tables()?.map(|table| table.name().to_owned()).collect();
    let is_there = |name: &str| found.iter().any(|found| found == name);
    if names.into_iter().all(is_there) {
        Ok(())
    } else {
        Err(StoreError::Corrupt("a table is gone"))
    }
}

/// Puts into the outbox what should be there: the newest record of each undecided version. The
/// confirmation of one that the chain shows already is taken out again without being sent. Where
/// the log ends.
pub(super) fn mend(inner: &Inner, database: &Database) -> Result<LogState, StoreError> {
    let state = log::state(inner, &database.begin_read()?)?;
    let transaction = database.begin_write()?;
    let changed = {
        let mut tables = Tables::open(&transaction, state)?;
        rules::mend_outbox(inner, &mut tables)?
    };
    if changed {
        transaction.commit()?;
    } else {
        transaction.abort()?;
    }
    Ok(state)
}

/// A value of fixed length in `meta`.
pub(super) fn fixed<const N: usize>(
    meta: &impl ReadableTable<&'static str, &'static [u8]>,
    name: &str,
) -> Result<Option<[u8; N]>, StoreError> {
    meta.get(name)?
        .map(|value| {
            value.value().try_into().map_err(|_| StoreError::Corrupt("a value of another length"))
        })
        .transpose()
}
