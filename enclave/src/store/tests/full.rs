// SPDX-License-Identifier: Apache-2.0
//! A disk that is full.

use super::*;
use crate::store::testing::Disk;

fn open_on(disk: &Disk) -> (Store, Task) {
    Store::open_on(Box::new(disk.clone()), &seal_key(), &ACCOUNT, GENESIS).unwrap()
}

/// Stores until that fails. How many were stored.
async fn fill(store: &Store, from: NftId) -> NftId {
    let mut nft_id = from;
    loop {
        let share = Zeroizing::new(vec![b's'; 3000]);
        match store.store(NewShare { share, ..new(key(nft_id, 1), 10) }).await {
            Ok(stored) => assert_eq!(stored, Ok(Stored::New)),
            Err(error) => {
                assert!(matches!(error, StoreError::Unavailable), "{error}");
                return nft_id;
            }
        }
        nft_id += 1;
    }
}

/// Waits until a share is stored.
async fn until_stored(store: &Store, nft_id: NftId) {
    in_time(async {
        while !matches!(store.store(new(key(nft_id, 1), 10)).await, Ok(Ok(_))) {
            time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_full_disk_refuses_loses_nothing_and_works_again_without_a_restart() {
    let disk = Disk::default();
    let (store, task) = open_on(&disk);
    store.store(new(key(0, 1), 10)).await.unwrap().unwrap();
    let mut next = 1;
    for _ in 0..2 {
        // It does not grow; and then it takes nothing at all, not even to be opened again.
        disk.limit(Some(disk.content().len()));
        let full = fill(&store, next).await;
        disk.limit(Some(0));
        for _ in 0..3 {
            let refused = store.store(new(key(full, 1), 10)).await;
            assert!(matches!(refused, Err(StoreError::Unavailable)), "{refused:?}");
        }
        assert!(!task.is_finished());
        disk.limit(None);
        until_stored(&store, full).await;
        assert!(store.is_available());
        for nft_id in 0..full {
            assert!(store.record(&key(nft_id, 1)).unwrap().is_some(), "{nft_id}");
        }
        assert_eq!(store.log_head().count, u64::from(full) + 1);
        next = full + 1;
    }
    close(store, task).await;
    let (store, _task) = open_on(&disk);
    assert_eq!(store.log_head().count, u64::from(next));
    assert_eq!(store.held_after(None, 10_000).unwrap().len(), next as usize);
}

/// Somebody takes the file away while its disk is full, and puts an older one there.
#[tokio::test]
async fn what_was_durable_before_the_disk_was_full_must_be_there_after() {
    let disk = Disk::default();
    let (store, task) = open_on(&disk);
    store.store(new(key(1, 1), 10)).await.unwrap().unwrap();
    close(store, task).await;
    let older = disk.content();
    let (store, task) = open_on(&disk);
    store.store(new(key(2, 1), 10)).await.unwrap().unwrap();
    disk.limit(Some(0));
    store.store(new(key(3, 1), 10)).await.unwrap_err();
    disk.replace(older);
    disk.limit(None);
    let error = in_time(task).await.unwrap().unwrap_err();
    assert!(error.is_loss(), "{error}");
    assert!(store.store(new(key(3, 1), 10)).await.is_err());
}
