// SPDX-License-Identifier: Apache-2.0
//! Stores of other schemas.

use redb::ReadableDatabase;

use super::*;
use crate::store::testing::Disk;

/// A store as schema 1 wrote it, with a share that is synced and one that waits.
pub(super) fn schema_1() -> Vec<u8> {
    let disk = Disk::default();
    let (database, data_key) = inside(&disk);
    let transaction = database.begin_write().unwrap();
    {
        let mut meta = transaction.open_table(schema::META).unwrap();
        let mut put = |name: &str, value: &[u8]| {
            meta.insert(name, value).unwrap();
        };
        put("schema", &1u32.to_be_bytes());
        put("counter", &2u64.to_be_bytes());
        let mut records = transaction.open_table(schema::RECORDS).unwrap();
        for (nft_id, synced_at) in [(7, Some(20)), (8, None)] {
            let record = Record {
                share: SHARE.to_vec(),
                salt: [nft_id as u8; 32],
                owner: [4; 32],
                slot_id: 2,
                token_block: 10,
                stored_at: 10,
                order: u64::from(nft_id) - 7,
                synced_at,
                is_bound: false,
                committed: None,
            };
            let sealer = Sealer::new(&data_key);
            let sealed = record::seal_of_1(&sealer, &GENESIS, &key(nft_id, 1), &record);
            records.insert(&key(nft_id, 1).to_bytes(), sealed.as_slice()).unwrap();
        }
        let mut outbox = transaction.open_table(schema::OUTBOX).unwrap();
        outbox.insert(1, &key(8, 1).to_bytes()).unwrap();
        let mut unsynced = transaction.open_table(schema::UNSYNCED).unwrap();
        unsynced.insert(&version(8, 1).to_bytes(), 10).unwrap();
    }
    transaction.commit().unwrap();
    drop(database);
    disk.content()
}

/// Everything of [`schema_1`] is there.
pub(super) fn is_migrated(store: &Store) {
    let synced = store.record(&key(7, 1)).unwrap().unwrap();
    assert_eq!((synced.share.as_slice(), synced.synced_at), (SHARE, Some(20)));
    let waiting = store.record(&key(8, 1)).unwrap().unwrap();
    assert_eq!(waiting.share, SHARE);
    assert!(!synced.is_bound && !waiting.is_bound);
    assert_eq!(store.outbox(10).unwrap(), [(1, key(8, 1))]);
    assert_eq!(store.unsynced(None, 10).unwrap(), [(version(8, 1), 10)]);
    assert_eq!(store.wanted(None, 10).unwrap(), []);
    assert_eq!(store.log_head(), LogHead::default());
}

fn open_on(disk: &Disk) -> Result<(Store, Task), StoreError> {
    Store::open_on(Box::new(disk.clone()), &seal_key(), &ACCOUNT, GENESIS)
}

fn schema_of(disk: &Disk) -> Vec<u8> {
    let (database, _) = inside(disk);
    let transaction = database.begin_read().unwrap();
    let meta = transaction.open_table(schema::META).unwrap();
    let found = meta.get("schema").unwrap().unwrap().value().to_vec();
    found
}

#[tokio::test]
async fn a_store_of_schema_1_is_brought_to_this_one_and_goes_on() {
    let disk = Disk::holding(schema_1());
    let (store, task) = open_on(&disk).unwrap();
    is_migrated(&store);
    store.store(new(key(9, 1), 30)).await.unwrap().unwrap();
    assert_eq!(store.record(&key(9, 1)).unwrap().unwrap().order, 2);
    assert_eq!(store.log_head().count, 1);
    close(store, task).await;
    assert_eq!(schema_of(&disk), 4u32.to_be_bytes());
    let (store, task) = open_on(&disk).unwrap();
    assert_eq!(store.log_head().count, 1);
    close(store, task).await;
}

/// Older software must not touch what newer software has written, and must not take it for lost.
#[tokio::test]
async fn a_newer_schema_is_refused_and_left_alone() {
    let disk = Disk::default();
    let (store, task) = open_on(&disk).unwrap();
    let newer = 5u32.to_be_bytes();
    store.store(new(key(7, 1), 10)).await.unwrap().unwrap();
    store
        .writer
        .write(move |tables| {
            tables.meta.insert("schema", newer.as_slice())?;
            Ok(())
        })
        .await
        .unwrap();
    close(store, task).await;
    for _ in 0..2 {
        let error = open_on(&disk).err().unwrap();
        assert!(matches!(error, StoreError::Schema { found: 5 }) && !error.is_loss(), "{error}");
        assert_eq!(schema_of(&disk), newer);
    }
}
