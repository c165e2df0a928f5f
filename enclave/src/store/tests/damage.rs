// SPDX-License-Identifier: Apache-2.0
//! A file that is not as it was written: it is lost, or what is in it is what was put there.

use std::time::Instant;

use super::*;
use crate::store::testing::Disk;

const RECORDS: NftId = 40;

/// A page of the database.
const PAGE: usize = 4096;

/// Longest time that a damaged file may take.
const PATIENCE: Duration = Duration::from_secs(5);

fn share_of(nft_id: NftId) -> Vec<u8> {
    format!("the share of {nft_id}, which is long enough ").repeat(3).into_bytes()
}

fn open_on(disk: &Disk) -> Result<(Store, Task), StoreError> {
    Store::open_on(Box::new(disk.clone()), &seal_key(), &ACCOUNT, GENESIS)
}

/// A store with records, undecided and synced ones, views, and what removals leave behind.
async fn filled() -> Vec<u8> {
    let disk = Disk::default();
    let (store, task) = open_on(&disk).unwrap();
    for nft_id in 0..RECORDS {
        let share = Zeroizing::new(share_of(nft_id));
        store.store(NewShare { share, ..new(key(nft_id, 1), 10) }).await.unwrap().unwrap();
        if nft_id % 3 == 0 {
            store.activate(key(nft_id, 1), 20).await.unwrap();
        }
    }
    for nft_id in 30..35 {
        store.wipe(version(nft_id, 1)).await.unwrap();
    }
    close(store, task).await;
    disk.content()
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Outcome {
    Lost,
    Opened,
}

/// Opens a file, reads and writes everything, and opens it again. What is read is what was written,
/// or it is not there.
async fn survive(content: Vec<u8>, what: &str) -> Outcome {
    let begin = Instant::now();
    let disk = Disk::holding(content);
    let mut outcome = Outcome::Opened;
    for start in 0..2 {
        let (store, task) = match open_on(&disk) {
            Ok(opened) => opened,
            Err(error) => {
                assert!(error.is_loss(), "{what}: {error}");
                outcome = Outcome::Lost;
                break;
            }
        };
        // What was written into a damaged file, if anything, does not make it worse.
        if start > 0 {
            close(store, task).await;
            break;
        }
        for nft_id in 0..RECORDS {
            if let Ok(Some(record)) = store.record(&key(nft_id, 1)) {
                assert_eq!(record.share, share_of(nft_id), "{what}");
            }
        }
        let _ = (store.outbox(256), store.unsynced(None, 256), store.held_after(None, 256));
        let _ = (store.log_of(7, None, 256), store.held(7, KeyshareKind::Secret));
        let _ = store.store(new(key(1000, 1), 10)).await;
        let _ = store.check_log(LogHead { count: 3, hash: [1; 32] }).await;
        let _ = store.wipe(version(1000, 1)).await;
        drop(store);
        // Corrupt or not: the task ends by itself.
        let ended = in_time(task).await.unwrap();
        assert!(ended.as_ref().err().is_none_or(StoreError::is_loss), "{what}: {ended:?}");
    }
    assert!(begin.elapsed() < PATIENCE, "{what} took {:?}", begin.elapsed());
    outcome
}

#[tokio::test]
async fn a_byte_that_was_changed_anywhere_is_found_out_or_changes_nothing() {
    let content = filled().await;
    // The headers, the store's and the database's, where each byte has a meaning of its own; then
    // all over the file.
    let headers = || (0..160).chain(PAGE..PAGE + 320);
    let header = headers().map(|position| (position, 1 << (position % 8)));
    let high = headers().step_by(3).map(|position| (position, 0xff));
    let rest = (PAGE + 320..content.len()).step_by((content.len() / 300).max(1) | 1);
    let rest = rest.map(|position| (position, 0x40));
    let mut lost = 0;
    for (position, mask) in header.chain(high).chain(rest) {
        let mut changed = content.clone();
        changed[position] ^= mask;
        let outcome = survive(changed, &format!("byte {position} changed by {mask:#x}")).await;
        lost += u32::from(outcome == Outcome::Lost);
    }
    assert!(lost > 50, "the damage did something: {lost}");
}

#[tokio::test]
async fn a_file_that_was_cut_or_grew_is_found_out_or_changes_nothing() {
    let content = filled().await;
    let length = content.len();
    let around = |place: usize| [place.saturating_sub(1), place, place + 1];
    let places = [0, 8, 72, 144, 512, PAGE, PAGE + 320, 2 * PAGE, 3 * PAGE, length / 2];
    let ends = (1..16).map(|pages| length.saturating_sub(pages * PAGE));
    for cut in places.into_iter().flat_map(around).chain(ends).chain(around(length)) {
        let mut changed = content.clone();
        changed.resize(cut, 0);
        let outcome = survive(changed, &format!("{cut} of {length} bytes")).await;
        assert!(cut > PAGE || cut == 0 || outcome == Outcome::Lost, "{cut} bytes are no store");
    }
    let mut longer = content.clone();
    longer.resize(length + 1000 * PAGE, 0xff);
    survive(longer, "much longer").await;
}

/// Pages that point to themselves, to each other's place, or to nothing.
#[tokio::test]
async fn pages_that_were_dropped_doubled_or_put_in_a_circle_are_found_out() {
    let content = filled().await;
    let pages = content.len() / PAGE;
    let used: Vec<usize> = (1..pages)
        .filter(|page| content[page * PAGE..][..PAGE].iter().any(|byte| *byte != 0))
        .collect();
    let mut lost = 0;
    for (index, page) in used.iter().enumerate() {
        let at = page * PAGE..(page + 1) * PAGE;
        let other = used[(index + 1) % used.len()] * PAGE;
        let mut dropped = content.clone();
        dropped[at.clone()].fill(0);
        let mut doubled = content.clone();
        doubled.copy_within(other..other + PAGE, at.start);
        let mut swapped = doubled.clone();
        swapped[other..other + PAGE].copy_from_slice(&content[at]);
        let damaged = [("dropped", dropped), ("doubled", doubled), ("swapped", swapped)];
        for (what, damaged) in damaged {
            let outcome = survive(damaged, &format!("page {page} {what}")).await;
            lost += usize::from(outcome == Outcome::Lost);
        }
    }
    assert!(lost > used.len() / 2, "{lost} of {}", used.len());
}

/// Pages as they were before, each for itself and every second one: the pages above them, or what is
/// in them, are others.
#[tokio::test]
async fn pages_that_were_taken_back_are_found_out_or_change_nothing() {
    let disk = Disk::default();
    let (store, task) = open_on(&disk).unwrap();
    let mut older = Vec::new();
    for nft_id in 0..RECORDS {
        let share = Zeroizing::new(share_of(nft_id));
        store.store(NewShare { share, ..new(key(nft_id, 1), 10) }).await.unwrap().unwrap();
        if nft_id % 8 == 0 {
            older.push(disk.content());
        }
    }
    close(store, task).await;
    let content = disk.content();
    let mut lost = 0;
    for older in &older {
        let pages = 0..older.len().min(content.len()) / PAGE;
        let differ = |page: &usize| {
            let at = page * PAGE..(page + 1) * PAGE;
            older[at.clone()] != content[at]
        };
        let differing: Vec<usize> = pages.filter(differ).collect();
        let each = differing.iter().map(|page| vec![*page]);
        let half = differing.iter().copied().step_by(2).collect();
        for taken_back in each.chain([half]) {
            let mut changed = content.clone();
            for page in &taken_back {
                let at = page * PAGE..(page + 1) * PAGE;
                changed[at.clone()].copy_from_slice(&older[at]);
            }
            let outcome = survive(changed, &format!("pages {taken_back:?} taken back")).await;
            lost += usize::from(outcome == Outcome::Lost);
        }
    }
    assert!(lost > 0, "taking pages back did something");
}

/// A well-formed database is as far as anybody without the key gets, whatever is in it.
#[tokio::test]
async fn a_database_that_somebody_else_has_made_is_none() {
    let made = Disk::default();
    let database = redb::Database::builder().create_with_backend(made.clone()).unwrap();
    let transaction = database.begin_write().unwrap();
    transaction
        .open_table(schema::META)
        .unwrap()
        .insert("schema", [0, 0, 0, 2].as_slice())
        .unwrap();
    transaction.commit().unwrap();
    drop(database);
    let plain = made.content();
    assert_eq!(survive(plain.clone(), "a database in the clear").await, Outcome::Lost);
    let own = filled().await;
    let below_header = [&own[..PAGE], &plain].concat();
    assert_eq!(survive(below_header, "one below the header").await, Outcome::Lost);
    // Nothing of the own one is in the clear: neither the database's mark nor a table's name.
    for secret in [b"redb".as_slice(), b"records", b"unsynced", &plain[..9]] {
        assert!(!own[PAGE..].windows(secret.len()).any(|window| window == secret));
    }
    // Another store of the same enclave has another key.
    let mut other = filled().await;
    other[..PAGE].copy_from_slice(&own[..PAGE]);
    assert_eq!(survive(other, "another store below the header").await, Outcome::Lost);
}
