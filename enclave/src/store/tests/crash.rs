// SPDX-License-Identifier: Apache-2.0
//! The machine stops at every write that a step does, and any part of what was not synced survives:
//! what was answered is there after the next start, and no step is there by half.

use std::{collections::BTreeSet, future::Future};

use redb::TableDefinition;

use super::*;
use crate::store::{testing::Disk, Place};

/// What was answered with success before the machine stopped.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Answered {
    Stored(RecordKey),
    Viewed(NftId),
    Activated(RecordKey),
    Confirmed(RecordKey),
    Scanned,
    Fetched(RecordKey),
}

async fn on(disk: &Disk) -> Result<(Store, Task), StoreError> {
    Store::open_on(Box::new(disk.clone()), &seal_key(), &ACCOUNT, GENESIS)
}

/// The file after a first start and `prepare`.
async fn prepared<F: Future>(prepare: impl FnOnce(Store) -> F) -> Vec<u8> {
    let disk = Disk::default();
    let (store, task) = on(&disk).await.unwrap();
    prepare(store).await;
    in_time(task).await.unwrap().unwrap();
    disk.content()
}

/// Which of the unsynced changes survive.
fn survivors(count: usize) -> Vec<Box<dyn Fn(usize) -> bool>> {
    let mut all: Vec<Box<dyn Fn(usize) -> bool>> = vec![
        Box::new(|_| false),
        Box::new(|_| true),
        Box::new(move |index| index < count / 2),
        Box::new(move |index| index >= count / 2),
        Box::new(move |index| index + 1 < count),
        Box::new(move |index| index + 1 == count),
    ];
    for seed in 1..=4u64 {
        all.push(Box::new(move |index| {
            let mixed = (index as u64 + 1).wrapping_mul(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15));
            mixed >> 63 == 0
        }));
    }
    all
}

/// The keys of a table as they stand in the file, before the store looks at it.
fn keys<K: redb::Key + 'static, V: redb::Value + 'static, T: Ord>(
    transaction: &ReadTransaction,
    table: TableDefinition<'_, K, V>,
    of: impl Fn(K::SelfType<'_>, V::SelfType<'_>) -> T,
) -> BTreeSet<T> {
    let table = match transaction.open_table(table) {
        Err(redb::TableError::TableDoesNotExist(_)) => return BTreeSet::new(),
        table => table.unwrap(),
    };
    let entries = table.iter().unwrap().map(|entry| {
        let (key, value) = entry.unwrap();
        of(key.value(), value.value())
    });
    entries.collect()
}

/// What stands in the file: records, and the records that the outbox and the undecided versions
/// stand for; how long the log is.
struct Found {
    records: BTreeSet<Vec<u8>>,
    outbox: BTreeSet<Vec<u8>>,
    unsynced: BTreeSet<Vec<u8>>,
    log: BTreeSet<u64>,
}

fn look(disk: &Disk) -> Found {
    let (database, _) = inside(disk);
    let transaction = redb::ReadableDatabase::begin_read(&database).unwrap();
    let found = Found {
        records: keys(&transaction, schema::RECORDS, |key, _| key.to_vec()),
        outbox: keys(&transaction, schema::OUTBOX, |_, key| key.to_vec()),
        unsynced: keys(&transaction, schema::UNSYNCED, |key, _| key.to_vec()),
        log: keys(&transaction, schema::LOG, |key, _| key),
    };
    drop(transaction);
    found
}

/// Stops the machine at each call of `act`, on a disk that holds `content`, and checks each of what
/// may be found afterwards.
async fn at_every_call<F: Future<Output = Vec<Answered>>>(
    content: &[u8],
    act: impl Fn(Store) -> F,
    check: impl Fn(&Found, &Store, &[Answered]),
) {
    let mut stop = 1;
    loop {
        let disk = Disk::holding(content.to_vec());
        disk.stop_at(stop);
        let answered = match on(&disk).await {
            Ok((store, task)) => {
                let answered = act(store).await;
                in_time(task).await.unwrap().unwrap();
                answered
            }
            Err(error) => {
                assert!(!error.is_loss(), "{error}");
                Vec::new()
            }
        };
        for survives in survivors(disk.unsynced()) {
            let after = disk.after_power_loss(survives);
            let found = look(&after);
            let (store, task) = on(&after).await.unwrap();
            check(&found, &store, &answered);
            close(store, task).await;
        }
        if !disk.has_stopped() {
            assert!(stop > 5, "the disk was written to");
            return;
        }
        stop += 1;
    }
}

fn nft_of(key: &[u8]) -> &[u8] {
    &key[..VersionKey::LEN]
}

/// Every record has its entries, and every entry its record.
fn whole(found: &Found) {
    let versions: BTreeSet<_> = found.records.iter().map(|key| nft_of(key).to_vec()).collect();
    assert_eq!(found.outbox, found.records);
    assert_eq!(found.unsynced, versions);
}

fn has_log_of(store: &Store, nft_id: NftId, what: impl Fn(&LogEntry) -> bool) -> usize {
    let log = store.log_of(nft_id, None, 100).unwrap();
    log.iter().filter(|(_, entry)| what(entry)).count()
}

fn stored(entry: &LogEntry) -> bool {
    matches!(entry, LogEntry::Stored(_))
}

fn viewed(entry: &LogEntry) -> bool {
    matches!(entry, LogEntry::Viewed(_))
}

fn view_of(nft_id: NftId) -> Access {
    Access { version: version(nft_id, 1), account: [4; 32], role: Role::Owner, block: 11, time: 1 }
}

/// The first start writes the file's tables.
#[tokio::test]
async fn a_first_start_that_broke_off_is_begun_again() {
    at_every_call(
        &[],
        |_| async { Vec::new() },
        |found, store, _| {
            assert!(found.log.is_empty());
            assert_eq!(store.log_head(), LogHead::default());
            assert_eq!(store.held_after(None, 1).unwrap(), []);
        },
    )
    .await;
}

#[tokio::test]
async fn f33_an_answered_share_is_there_with_all_that_belongs_to_it_or_nothing_is() {
    let content = prepared(|store| async move {
        store.store(new(key(1, 1), 10)).await.unwrap().unwrap();
    })
    .await;
    // Several at once: they share a transaction.
    let act = |store: Store| async move {
        let stores = (2..5).map(|nft_id| {
            let store = store.clone();
            async move { (nft_id, store.store(new(key(nft_id, 1), 10)).await) }
        });
        let done = join_all(stores).await.into_iter();
        done.filter(|(_, stored)| matches!(stored, Ok(Ok(Stored::New))))
            .map(|(nft_id, _)| Answered::Stored(key(nft_id, 1)))
            .collect()
    };
    at_every_call(&content, act, |found, store, answered| {
        whole(found);
        assert_eq!(found.log.len(), found.records.len());
        assert!(found.records.contains(key(1, 1).to_bytes().as_slice()));
        for answered in answered {
            let Answered::Stored(key) = answered else { panic!("only stores") };
            assert_eq!(store.record(key).unwrap().unwrap().share, SHARE);
            assert!(store.outbox(10).unwrap().iter().any(|(_, offered)| offered == key));
            assert_eq!(has_log_of(store, key.version.nft_id, stored), 1);
        }
    })
    .await;
}

#[tokio::test]
async fn f32_no_view_is_answered_that_is_not_in_the_log_after_a_crash() {
    let content = prepared(|store| async move {
        store.store(new(key(1, 1), 10)).await.unwrap().unwrap();
        store.log_view(view_of(1)).await.unwrap();
    })
    .await;
    // Views and a store at once, twice.
    let act = |store: Store| async move {
        let mut answered = Vec::new();
        for round in 0..2 {
            let view = |nft_id| {
                let store = store.clone();
                async move { store.log_view(view_of(nft_id)).await.map(|()| Answered::Viewed(nft_id)) }
            };
            let new = store.store(new(key(7, round), 10 + u32::from(round)));
            let (first, second, stored) = tokio::join!(view(1), view(2), new);
            answered.extend(first.into_iter().chain(second));
            if matches!(stored, Ok(Ok(_))) {
                answered.push(Answered::Stored(key(7, round)));
            }
        }
        answered
    };
    at_every_call(&content, act, |found, store, answered| {
        let count = |what: &Answered| answered.iter().filter(|it| *it == what).count();
        for (nft_id, before) in [(1, 1), (2, 0)] {
            let logged = has_log_of(store, nft_id, viewed);
            assert!(logged >= before + count(&Answered::Viewed(nft_id)), "{nft_id}");
            assert!(logged <= before + 2);
        }
        for round in 0..2 {
            let held = store.record(&key(7, round)).unwrap().is_some();
            assert!(held || count(&Answered::Stored(key(7, round))) == 0);
        }
        // The chain of hashes is one: what is not there is at its end.
        assert_eq!(found.log.len() as u64, store.log_head().count);
        let records = found.records.iter().filter(|key| **key != super::key(1, 1).to_bytes());
        assert_eq!(records.count(), has_log_of(store, 7, stored));
    })
    .await;
}

/// The newer version is stored, and then becomes the active one.
#[tokio::test]
async fn f24_a_capsule_update_that_broke_off_leaves_a_version_to_serve() {
    let capsule = |number| RecordKey {
        version: VersionKey { nft_id: 7, kind: KeyshareKind::Capsule, version: number },
        split: [number as u8; 16],
    };
    let (old, next) = (capsule(1), capsule(2));
    let content = prepared(|store| async move {
        store.store(new(old, 10)).await.unwrap().unwrap();
        store.activate(old, 12).await.unwrap();
    })
    .await;
    let act = |store: Store| async move {
        let mut answered = Vec::new();
        if let Ok(Ok(Stored::New)) = store.store(new(next, 20)).await {
            answered.push(Answered::Stored(next));
            if store.activate(next, 22).await.is_ok() {
                answered.push(Answered::Activated(next));
            }
        }
        answered
    };
    at_every_call(&content, act, |found, store, answered| {
        let synced = |key| store.record(&key).unwrap().map(|record| record.synced_at);
        let state = (synced(old), synced(next));
        match state {
            (Some(Some(12)), None) => assert!(answered.is_empty()),
            (Some(Some(12)), Some(None)) => {
                assert!(!answered.contains(&Answered::Activated(next)));
                assert!(found.outbox.contains(next.to_bytes().as_slice()));
                assert!(found.unsynced.contains(next.version.to_bytes().as_slice()));
            }
            (None, Some(Some(22))) => {
                assert!(answered.contains(&Answered::Stored(next)));
                assert!(found.outbox.is_empty() && found.unsynced.is_empty());
            }
            other => panic!("half an update: {other:?}"),
        }
        if answered.contains(&Answered::Activated(next)) {
            assert_eq!(state.1, Some(Some(22)));
        }
    })
    .await;
}

/// What was taken out of the outbox may be offered again, and is never lost.
#[tokio::test]
async fn a_confirmation_that_broke_off_loses_no_share() {
    let content = prepared(|store| async move {
        for nft_id in 1..4 {
            store.store(new(key(nft_id, 1), 10)).await.unwrap().unwrap();
        }
    })
    .await;
    let act = |store: Store| async move {
        let entries = store.outbox(2).unwrap_or_default();
        let orders = entries.iter().map(|(order, _)| *order).collect();
        match store.confirmed(orders).await {
            Ok(()) => entries.iter().map(|(_, key)| Answered::Confirmed(*key)).collect(),
            Err(_) => Vec::new(),
        }
    };
    at_every_call(&content, act, |found, store, answered| {
        assert_eq!((found.records.len(), found.unsynced.len()), (3, 3));
        // Both or none.
        let left = found.outbox.len();
        assert!(left == 1 || (left == 3 && answered.is_empty()), "{left}");
        assert_eq!(store.outbox(10).unwrap().len(), 3);
        assert!(store.record(&key(3, 1)).unwrap().is_some());
    })
    .await;
}

#[tokio::test]
async fn the_step_from_schema_1_that_broke_off_is_done_again() {
    let content = super::migration::schema_1();
    at_every_call(
        &content,
        |_| async { Vec::new() },
        |found, store, _| {
            super::migration::is_migrated(store);
            assert!(found.log.is_empty());
        },
    )
    .await;
}

#[tokio::test]
async fn what_is_missing_is_wanted_until_it_has_come() {
    let content = prepared(|_| async {}).await;
    let act = |store: Store| async move {
        let mut answered = Vec::new();
        let place = Some(Place { cluster_id: 1, slot_id: 2 });
        let state = SyncState { place, cursor: 3, ..Default::default() };
        if store.scanned(vec![Correction::Want(version(1, 1))], state, 10).await.is_ok() {
            answered.push(Answered::Scanned);
        }
        let share = Fetched {
            key: key(1, 1),
            share: Zeroizing::new(SHARE.to_vec()),
            salt: [8; 32],
            owner: [3; 32],
            slot_id: 2,
            token_block: 9,
            synced_at: Some(9),
            decided_at: 10,
            from: [6; 32],
            is_bound: true,
            commitment: None,
        };
        if matches!(store.fetched(vec![share]).await, Ok(1)) {
            answered.push(Answered::Fetched(key(1, 1)));
        }
        answered
    };
    at_every_call(&content, act, |_, store, answered| {
        let cursor = store.sync_state().unwrap().cursor;
        let is_wanted = store.is_wanted(&version(1, 1)).unwrap();
        let record = store.record(&key(1, 1)).unwrap();
        assert_eq!(cursor == 3, is_wanted || record.is_some(), "the cursor and what it has passed");
        assert!(!(is_wanted && record.is_some()));
        let received = has_log_of(store, 1, |entry| matches!(entry, LogEntry::Received(_)));
        assert_eq!(received, usize::from(record.is_some()));
        assert!(record.iter().all(|record| record.synced_at == Some(9)));
        assert!(!answered.contains(&Answered::Scanned) || cursor == 3);
        assert!(!answered.contains(&Answered::Fetched(key(1, 1))) || record.is_some());
    })
    .await;
}
