// SPDX-License-Identifier: Apache-2.0
//! Files that the database finds nothing wrong with, and that are not as the store left them. Nobody
//! without the data key can write one; they are survived nevertheless.

use redb::{MultimapTableDefinition, TableDefinition};

use super::*;
use crate::store::testing::Disk;

fn open_on(disk: &Disk) -> Result<(Store, Task), StoreError> {
    Store::open_on(Box::new(disk.clone()), &seal_key(), &ACCOUNT, GENESIS)
}

/// A store with three shares that wait, whose file somebody has then changed by the book.
async fn changed(change: impl FnOnce(&redb::WriteTransaction)) -> Disk {
    let disk = Disk::default();
    let (store, task) = open_on(&disk).unwrap();
    for nft_id in 1..=3 {
        store.store(new(key(nft_id, 1), 10)).await.unwrap().unwrap();
    }
    close(store, task).await;
    let database = inside(&disk).0;
    let transaction = database.begin_write().unwrap();
    change(&transaction);
    transaction.commit().unwrap();
    drop(database);
    disk
}

#[tokio::test]
async fn an_outbox_that_was_emptied_is_filled_again() {
    let disk = changed(|transaction| {
        let mut outbox = transaction.open_table(schema::OUTBOX).unwrap();
        outbox.retain(|_, _| false).unwrap();
        // The order would begin again at what is in use.
        let mut meta = transaction.open_table(schema::META).unwrap();
        meta.remove("counter").unwrap();
    })
    .await;
    let (store, _task) = open_on(&disk).unwrap();
    let keys = |store: &Store| -> Vec<_> {
        store.outbox(10).unwrap().iter().map(|(_, key)| key.version.nft_id).collect()
    };
    assert_eq!(keys(&store), [1, 2, 3]);
    store.store(new(key(4, 1), 10)).await.unwrap().unwrap();
    assert_eq!(keys(&store), [1, 2, 3, 4]);
}

/// What is not among the undecided versions is found by the comparison with the chain.
#[tokio::test]
async fn a_version_that_nobody_watches_is_watched_again() {
    let disk = changed(|transaction| {
        transaction.open_table(schema::OUTBOX).unwrap().retain(|_, _| false).unwrap();
        transaction.open_table(schema::UNSYNCED).unwrap().retain(|_, _| false).unwrap();
    })
    .await;
    let (store, _task) = open_on(&disk).unwrap();
    assert!(store.outbox(10).unwrap().is_empty());
    store.correct(vec![Correction::Watch(version(2, 1))], 10).await.unwrap();
    assert_eq!(store.unsynced(None, 10).unwrap(), [(version(2, 1), 10)]);
    let order = store.record(&key(2, 1)).unwrap().unwrap().order;
    assert_eq!(store.outbox(10).unwrap(), [(order, key(2, 1))]);
}

#[tokio::test]
async fn an_outbox_and_versions_without_records_are_bounded_work() {
    let disk = changed(|transaction| {
        let mut outbox = transaction.open_table(schema::OUTBOX).unwrap();
        let mut unsynced = transaction.open_table(schema::UNSYNCED).unwrap();
        for nft_id in 100..20_100 {
            outbox.insert(u64::from(nft_id), &key(nft_id, 1).to_bytes()).unwrap();
            unsynced.insert(&version(nft_id, 1).to_bytes(), 10).unwrap();
        }
    })
    .await;
    let (store, _task) = in_time(async { open_on(&disk).unwrap() }).await;
    assert_eq!(store.outbox(256).unwrap().len(), 256);
    for nft_id in 1..=3 {
        assert!(store.record(&key(nft_id, 1)).unwrap().is_some());
    }
    store.store(new(key(4, 1), 10)).await.unwrap().unwrap();
}

/// An order after which none can come: nothing can be stored, which is lost, not a loop.
#[tokio::test]
async fn the_last_order_of_all_is_a_loss() {
    let disk = changed(|transaction| {
        let mut outbox = transaction.open_table(schema::OUTBOX).unwrap();
        outbox.insert(u64::MAX, &key(1, 1).to_bytes()).unwrap();
    })
    .await;
    let (store, task) = open_on(&disk).unwrap();
    assert!(store.store(new(key(4, 1), 10)).await.is_err());
    assert!(in_time(task).await.unwrap().unwrap_err().is_loss());
    drop(store);
    assert!(open_on(&disk).err().unwrap().is_loss());
}

#[tokio::test]
async fn values_that_are_far_too_large_are_records_that_do_not_open() {
    let disk = changed(|transaction| {
        let mut records = transaction.open_table(schema::RECORDS).unwrap();
        records.insert(&key(2, 1).to_bytes(), vec![0x55; 16 << 20].as_slice()).unwrap();
        records.insert(&key(9, 1).to_bytes(), [].as_slice()).unwrap();
    })
    .await;
    let (store, _task) = open_on(&disk).unwrap();
    for nft_id in [2, 9] {
        assert_eq!(store.record(&key(nft_id, 1)).unwrap(), None);
    }
    let held = store.held_after(None, 10).unwrap();
    assert_eq!(held.iter().filter(|held| held.facts.is_some()).count(), 2);
    assert_eq!(store.store(new(key(2, 1), 11)).await.unwrap(), Ok(Stored::New));
    store.wipe(version(9, 1)).await.unwrap();
    assert_eq!(store.held_after(None, 10).unwrap().len(), 3);
}

/// Each makes the store another one than was written; none is taken for it.
#[tokio::test]
async fn what_is_gone_or_of_another_form_is_a_loss_at_the_start_or_when_it_is_met() {
    type Change = fn(&redb::WriteTransaction);
    let changes: [(&str, Change); 12] = [
        ("no meta", |it| assert!(it.delete_table(schema::META).unwrap())),
        ("no records", |it| assert!(it.delete_table(schema::RECORDS).unwrap())),
        ("no outbox", |it| assert!(it.delete_table(schema::OUTBOX).unwrap())),
        ("no log", |it| assert!(it.delete_table(schema::LOG).unwrap())),
        ("no index", |it| assert!(it.delete_table(schema::LOG_OF_NFT).unwrap())),
        ("no wanted", |it| assert!(it.delete_table(schema::WANTED).unwrap())),
        ("no schema", |it| drop(it.open_table(schema::META).unwrap().remove("schema").unwrap())),
        ("schema 0", |it| {
            let mut meta = it.open_table(schema::META).unwrap();
            meta.insert("schema", 0u32.to_be_bytes().as_slice()).unwrap();
        }),
        ("records of another type", |it| {
            it.delete_table(schema::RECORDS).unwrap();
            let other: TableDefinition<'_, u64, u64> = TableDefinition::new("records");
            it.open_table(other).unwrap().insert(1, 1).unwrap();
        }),
        ("records that are a multimap", |it| {
            it.delete_table(schema::RECORDS).unwrap();
            let other: MultimapTableDefinition<'_, u64, u64> =
                MultimapTableDefinition::new("records");
            it.open_multimap_table(other).unwrap().insert(1, 1).unwrap();
        }),
        ("an entry of the log in another's place", |it| {
            let mut log = it.open_table(schema::LOG).unwrap();
            let first = log.get(0).unwrap().unwrap().value().to_vec();
            log.insert(2, first.as_slice()).unwrap();
        }),
        ("a gap in the log", |it| drop(it.open_table(schema::LOG).unwrap().remove(1).unwrap())),
    ];
    for (what, change) in changes {
        let disk = changed(change).await;
        let error = open_on(&disk).err().unwrap_or_else(|| panic!("{what}: it opens"));
        assert!(error.is_loss(), "{what}: {error}");
    }
    // These are met later.
    let unknown: [(&str, Change); 2] = [
        ("a record of no kind", |it| {
            let mut records = it.open_table(schema::RECORDS).unwrap();
            records.insert(&[0xff; RecordKey::LEN], [1].as_slice()).unwrap();
        }),
        ("an outbox entry of no kind", |it| {
            let mut outbox = it.open_table(schema::OUTBOX).unwrap();
            outbox.insert(77, &[0xff; RecordKey::LEN]).unwrap();
        }),
    ];
    for (what, change) in unknown {
        let disk = changed(change).await;
        let (store, task) = open_on(&disk).unwrap();
        let met = (store.held_after(None, 10).is_err(), store.outbox(10).is_err());
        assert!(met.0 || met.1, "{what}");
        assert!(in_time(task).await.unwrap().unwrap_err().is_loss(), "{what}");
        drop(store);
        assert!(open_on(&disk).err().unwrap().is_loss(), "{what}");
    }
}

/// The newest entries are cut off by the book: only what was attested can tell.
#[tokio::test]
async fn a_log_that_was_cut_does_not_lead_to_its_attested_head() {
    let disk = Disk::default();
    let (store, task) = open_on(&disk).unwrap();
    let mut heads = vec![store.log_head()];
    for nft_id in 1..=3 {
        store.store(new(key(nft_id, 1), 10)).await.unwrap().unwrap();
        heads.push(store.log_head());
    }
    for head in &heads {
        assert!(!store.check_log(*head).await.unwrap());
    }
    assert_eq!(store.log_head(), heads[3]);
    let other = LogHead { count: 0, hash: [1; 32] };
    close(store, task).await;
    let database = inside(&disk).0;
    let transaction = database.begin_write().unwrap();
    transaction.open_table(schema::LOG).unwrap().remove(2).unwrap();
    transaction.open_table(schema::LOG_OF_NFT).unwrap().remove((3, 2)).unwrap();
    transaction.commit().unwrap();
    drop(database);

    let (store, task) = open_on(&disk).unwrap();
    assert!(!store.check_log(heads[2]).await.unwrap());
    assert!(store.check_log(heads[3]).await.unwrap());
    assert!(!store.check_log(heads[3]).await.unwrap());
    assert_eq!(store.log_rollbacks(), 1);
    // The entry that says so has the place of the one that is gone, and another hash.
    assert_eq!(store.log_head().count, 3);
    assert_ne!(store.log_head(), heads[3]);
    assert!(store.check_log(other).await.unwrap());
    close(store, task).await;
    let (store, _task) = open_on(&disk).unwrap();
    assert_eq!(store.log_rollbacks(), 2);
    // It is not forgotten with the entries that come after it.
    store
        .log_view(Access {
            version: version(1, 1),
            account: [4; 32],
            role: Role::Owner,
            block: 11,
            time: 1,
        })
        .await
        .unwrap();
    assert_eq!(store.log_rollbacks(), 2);
    let entries = store.log_of(1, None, 10).unwrap();
    assert_eq!(entries.iter().map(|(place, _)| *place).collect::<Vec<_>>(), [0, 4]);
}

/// Heads stand on the chain: from two of them nobody can guess what was viewed in between.
#[tokio::test]
async fn the_same_entries_make_other_heads_in_another_store() {
    let mut heads = Vec::new();
    for _ in 0..2 {
        let (store, task) = open_on(&Disk::default()).unwrap();
        store.store(new(key(1, 1), 10)).await.unwrap().unwrap();
        heads.push(store.log_head());
        close(store, task).await;
    }
    assert_eq!(heads[0].count, heads[1].count);
    assert_ne!(heads[0].hash, heads[1].hash);
}
