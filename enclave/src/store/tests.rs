// SPDX-License-Identifier: Apache-2.0

use super::*;
use std::time::Duration;

use futures::{future::join_all, FutureExt};
use redb::Database;
use tee_primitives::authorisation::Role;
use tokio::time;
use zeroize::Zeroizing;

mod crash;
mod damage;
mod full;
mod hostile;
mod migration;

const GENESIS: Hash = [1; 32];
const ACCOUNT: RawAccountId = [2; 32];
const SHARE: &[u8] = b"a share of sufficient length";

fn seal_key() -> Sealer {
    Sealer::new(&[3; 32])
}

/// The database in a store's file, and the data key. Nobody else can look into it, or write one.
fn inside(medium: &dyn Medium) -> (Database, Zeroizing<[u8; 32]>) {
    let owner = Owner { seal_key: &seal_key(), account: &ACCOUNT, genesis: &GENESIS };
    database::open(medium, &owner).unwrap()
}

async fn in_time<T>(future: impl std::future::Future<Output = T>) -> T {
    time::timeout(Duration::from_secs(20), future).await.expect("in time")
}

type Task = JoinHandle<Result<(), StoreError>>;

async fn open(folder: &Path) -> (Store, Task) {
    let (store, task) = Store::open(folder, &seal_key(), &ACCOUNT, GENESIS).unwrap();
    (store, task)
}

async fn close(store: Store, task: Task) {
    drop(store);
    task.await.unwrap().unwrap();
}

fn version(nft_id: NftId, version: Version) -> VersionKey {
    VersionKey { nft_id, kind: KeyshareKind::Secret, version }
}

fn key(nft_id: NftId, split: u8) -> RecordKey {
    RecordKey { version: version(nft_id, 1), split: [split; 16] }
}

fn new(key: RecordKey, token_block: BlockNumber) -> NewShare {
    NewShare {
        key,
        share: Zeroizing::new(SHARE.to_vec()),
        owner: [4; 32],
        slot_id: 2,
        token_block,
        stored_at: token_block,
        time: 1,
        is_bound: false,
    }
}

#[tokio::test]
async fn record_and_outbox_outlive_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let (store, task) = open(folder.path()).await;
    assert_eq!(store.store(new(key(7, 1), 10)).await.unwrap(), Ok(Stored::New));
    let before = store.record(&key(7, 1)).unwrap().unwrap();

    close(store, task).await;
    let (store, _task) = open(folder.path()).await;
    let record = store.record(&key(7, 1)).unwrap().unwrap();
    assert_eq!(record, before);
    assert_eq!(record.share, SHARE);
    assert_eq!(store.outbox(10).unwrap(), [(record.order, key(7, 1))]);
    assert_eq!(store.unsynced(None, 10).unwrap(), [(version(7, 1), 10)]);
    // The order goes on where it was.
    assert_eq!(store.store(new(key(8, 1), 10)).await.unwrap(), Ok(Stored::New));
    assert!(store.record(&key(8, 1)).unwrap().unwrap().order > record.order);
}

#[tokio::test]
async fn the_same_share_again_is_the_same_success_and_confirmed_once() {
    let folder = tempfile::tempdir().unwrap();
    let (store, _task) = open(folder.path()).await;
    store.store(new(key(7, 1), 10)).await.unwrap().unwrap();
    assert_eq!(store.store(new(key(7, 1), 10)).await.unwrap(), Ok(Stored::Already));
    let outbox = store.outbox(10).unwrap();
    assert_eq!(outbox.len(), 1);
    store.confirmed(vec![outbox[0].0]).await.unwrap();
    assert_eq!(store.store(new(key(7, 1), 10)).await.unwrap(), Ok(Stored::Already));
    assert!(store.outbox(10).unwrap().is_empty());
}

#[tokio::test]
async fn the_outbox_is_told_to_have_grown_when_the_request_was_given_up() {
    let folder = tempfile::tempdir().unwrap();
    let (store, _task) = open(folder.path()).await;
    // The write is handed over; the client does not wait for its end.
    let _ = store.store(new(key(7, 1), 10)).now_or_never();
    time::timeout(Duration::from_secs(20), store.outbox_grew()).await.expect("in time");
    assert_eq!(store.outbox(10).unwrap().len(), 1);
}

#[tokio::test]
async fn another_share_of_the_same_split_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (store, _task) = open(folder.path()).await;
    store.store(new(key(7, 1), 10)).await.unwrap().unwrap();
    let other = NewShare { share: Zeroizing::new(vec![9; 30]), ..new(key(7, 1), 11) };
    assert_eq!(store.store(other).await.unwrap(), Err(StoreRefusal::AnotherShare));
    assert_eq!(store.record(&key(7, 1)).unwrap().unwrap().share, SHARE);
}

#[tokio::test]
async fn a_later_split_is_kept_beside_and_confirmed_in_place_of_the_earlier() {
    let folder = tempfile::tempdir().unwrap();
    let (store, _task) = open(folder.path()).await;
    store.store(new(key(7, 1), 10)).await.unwrap().unwrap();
    assert_eq!(store.store(new(key(7, 2), 9)).await.unwrap(), Err(StoreRefusal::NewerSplit));
    assert_eq!(store.store(new(key(7, 2), 10)).await.unwrap(), Ok(Stored::New));
    assert_eq!(store.store(new(key(7, 3), 12)).await.unwrap(), Ok(Stored::New));
    let confirmed: Vec<_> = store.outbox(10).unwrap().into_iter().map(|(_, key)| key).collect();
    assert_eq!(confirmed, [key(7, 3)]);
    assert_eq!(store.records(&version(7, 1)).unwrap().len(), MAX_SPLITS);
    assert_eq!(store.store(new(key(7, 4), 13)).await.unwrap(), Err(StoreRefusal::TooManySplits));
    // What is held already is not one too many.
    assert_eq!(store.store(new(key(7, 1), 10)).await.unwrap(), Ok(Stored::Already));
}

#[tokio::test]
async fn at_sync_one_split_becomes_active_and_the_others_are_wiped() {
    let folder = tempfile::tempdir().unwrap();
    let (store, _task) = open(folder.path()).await;
    let old = RecordKey { version: version(7, 0), split: [9; 16] };
    store.store(new(old, 5)).await.unwrap().unwrap();
    store.store(new(key(7, 1), 10)).await.unwrap().unwrap();
    store.store(new(key(7, 2), 11)).await.unwrap().unwrap();
    store.store(new(key(8, 1), 10)).await.unwrap().unwrap();
    assert_eq!(store.held(7, KeyshareKind::Secret).unwrap(), Some(0));

    store.activate(key(7, 1), 20).await.unwrap();
    let records = store.records(&version(7, 1)).unwrap();
    assert_eq!(records.len(), 1);
    assert_eq!(records[0].0, key(7, 1));
    assert_eq!(records[0].1.synced_at, Some(20));
    assert!(store.record(&old).unwrap().is_none());
    assert_eq!(store.held(7, KeyshareKind::Secret).unwrap(), Some(20));
    // The neighbour is untouched.
    let outbox: Vec<_> = store.outbox(10).unwrap().into_iter().map(|(_, key)| key).collect();
    assert_eq!(outbox, [key(8, 1)]);
    assert_eq!(store.unsynced(None, 10).unwrap(), [(version(8, 1), 10)]);
    assert_eq!(store.store(new(key(7, 3), 30)).await.unwrap(), Err(StoreRefusal::Synced));
    assert_eq!(store.store(new(key(7, 1), 30)).await.unwrap(), Ok(Stored::Already));
    // A newer version that is not synced yet does not hide the synced one.
    let next = RecordKey { version: version(7, 2), split: [1; 16] };
    store.store(new(next, 30)).await.unwrap().unwrap();
    assert_eq!(store.held(7, KeyshareKind::Secret).unwrap(), Some(20));
}

#[tokio::test]
async fn a_wiped_version_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let (store, _task) = open(folder.path()).await;
    for split in 1..=3 {
        store.store(new(key(7, split), 10)).await.unwrap().unwrap();
    }
    store.wipe(version(7, 1)).await.unwrap();
    assert_eq!(store.records(&version(7, 1)).unwrap(), []);
    assert_eq!(store.outbox(10).unwrap(), []);
    assert_eq!(store.unsynced(None, 10).unwrap(), []);
    assert_eq!(store.held(7, KeyshareKind::Secret).unwrap(), None);
    assert_eq!(store.store(new(key(7, 1), 11)).await.unwrap(), Ok(Stored::New));
}

#[tokio::test]
async fn pages_are_bounded_and_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let (store, _task) = open(folder.path()).await;
    let stores = (0..50).map(|nft_id| store.store(new(key(nft_id, 1), 10)));
    for stored in join_all(stores).await {
        assert_eq!(stored.unwrap(), Ok(Stored::New));
    }
    assert_eq!(store.outbox(20).unwrap().len(), 20);
    let mut seen = Vec::new();
    let mut after = None;
    loop {
        let page = store.unsynced(after, 20).unwrap();
        let Some((last, _)) = page.last() else { break };
        after = Some(*last);
        assert!(page.len() <= 20);
        seen.extend(page.iter().map(|(version, _)| version.nft_id));
    }
    assert_eq!(seen, (0..50).collect::<Vec<_>>());
}

#[tokio::test]
async fn many_concurrent_stores_are_all_durable() {
    let folder = tempfile::tempdir().unwrap();
    let (store, task) = open(folder.path()).await;
    let tasks = (0..500).map(|nft_id| {
        let store = store.clone();
        tokio::spawn(async move { store.store(new(key(nft_id, 1), 10)).await.unwrap() })
    });
    for stored in join_all(tasks).await {
        assert_eq!(stored.unwrap(), Ok(Stored::New));
    }
    close(store, task).await;
    let (store, _task) = open(folder.path()).await;
    for nft_id in 0..500 {
        assert_eq!(store.record(&key(nft_id, 1)).unwrap().unwrap().share, SHARE);
    }
}

#[tokio::test]
async fn a_store_serves_one_chain_one_account_and_one_seal_key() {
    let folder = tempfile::tempdir().unwrap();
    let (store, task) = open(folder.path()).await;
    close(store, task).await;
    let (store, task) = Store::open(folder.path(), &seal_key(), &ACCOUNT, GENESIS).unwrap();
    let twice = Store::open(folder.path(), &seal_key(), &ACCOUNT, GENESIS).err().unwrap();
    assert!(twice.to_string().contains("already open"), "{twice}");
    close(store, task).await;
    assert!(matches!(
        Store::open(folder.path(), &Sealer::new(&[9; 32]), &ACCOUNT, GENESIS),
        Err(StoreError::DataKey(crate::seal::SealError::DoesNotOpen))
    ));
    assert!(matches!(
        Store::open(folder.path(), &seal_key(), &[9; 32], GENESIS),
        Err(StoreError::AnotherAccount)
    ));
    let elsewhere = || Store::open(folder.path(), &seal_key(), &ACCOUNT, [9; 32]);
    assert!(matches!(elsewhere(), Err(StoreError::AnotherChain)));
    // Whoever changes the hash in the file gets no further.
    let path = folder.path().join(FILES[0]);
    let mut file = std::fs::read(&path).unwrap();
    assert_eq!(file[40..72], GENESIS);
    file[40..72].fill(9);
    std::fs::write(path, file).unwrap();
    assert!(matches!(elsewhere(), Err(StoreError::DataKey(crate::seal::SealError::DoesNotOpen))));
}

#[tokio::test]
async fn shares_are_sealed_and_a_moved_or_changed_record_is_lost_not_served() {
    let folder = tempfile::tempdir().unwrap();
    let (store, _task) = open(folder.path()).await;
    store.store(new(key(7, 1), 10)).await.unwrap().unwrap();
    store.store(new(key(8, 1), 10)).await.unwrap().unwrap();
    let file = std::fs::read(folder.path().join(FILES[0])).unwrap();
    assert!(!file.windows(SHARE.len()).any(|window| window == SHARE));

    // The host swaps two records and changes a third.
    store.store(new(key(9, 1), 10)).await.unwrap().unwrap();
    store
        .writer
        .write(|tables| {
            let [a, b, c] = [key(7, 1), key(8, 1), key(9, 1)]
                .map(|key| tables.records.get(&key.to_bytes()).unwrap().unwrap().value().to_vec());
            let mut changed = c;
            changed[30] ^= 1;
            tables.records.insert(&key(7, 1).to_bytes(), b.as_slice())?;
            tables.records.insert(&key(8, 1).to_bytes(), a.as_slice())?;
            tables.records.insert(&key(9, 1).to_bytes(), changed.as_slice())?;
            Ok(())
        })
        .await
        .unwrap();
    for nft_id in [7, 8, 9] {
        assert!(store.record(&key(nft_id, 1)).unwrap().is_none());
        assert_eq!(store.held(nft_id, KeyshareKind::Secret).unwrap(), None);
        // It can be stored again.
        assert_eq!(store.store(new(key(nft_id, 1), 11)).await.unwrap(), Ok(Stored::New));
        assert_eq!(store.record(&key(nft_id, 1)).unwrap().unwrap().share, SHARE);
    }
}

#[tokio::test]
async fn a_file_that_is_no_store_is_a_clear_error() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join(FILES[0]), [0x55; 8192]).unwrap();
    let error = Store::open(folder.path(), &seal_key(), &ACCOUNT, GENESIS).err().unwrap();
    assert!(matches!(error, StoreError::Corrupt(_)), "{error}");
    assert_eq!(std::fs::read(folder.path().join(FILES[0])).unwrap(), [0x55; 8192]);
}

#[tokio::test]
async fn after_a_failure_nothing_is_reported_as_stored() {
    let folder = tempfile::tempdir().unwrap();
    let (store, task) = Store::open(folder.path(), &seal_key(), &ACCOUNT, GENESIS).unwrap();
    store.fail().await;
    assert!(task.await.unwrap().is_err());
    assert!(matches!(store.store(new(key(7, 1), 10)).await, Err(StoreError::Closed)));
    assert!(store.record(&key(7, 1)).is_err());
}

#[test]
fn debug_output_does_not_show_the_share() {
    let record = Record {
        share: SHARE.to_vec(),
        salt: [0xab; 32],
        owner: [4; 32],
        slot_id: 2,
        token_block: 1,
        stored_at: 1,
        order: 1,
        synced_at: None,
        is_bound: true,
        committed: None,
    };
    let shown = format!("{record:?}");
    assert!(!shown.contains("share") && !shown.contains("salt"));
    assert!(!shown.contains("97") && !shown.contains("171"));
}

/// Entries of another enclave's log are kept only as a chain from its first one on.
#[tokio::test]
async fn a_copied_log_is_a_chain_or_is_not_kept() {
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let (origin, _task) = open(folders[0].path()).await;
    let (copy, task) = open(folders[1].path()).await;
    for nft_id in 1..=4 {
        origin.store(new(key(nft_id, 1), 10)).await.unwrap().unwrap();
    }
    let rows = origin.log_rows(LogHead::default(), 1 << 20).unwrap().unwrap();
    assert_eq!(rows.len(), 4);
    let id = [8; 32];
    let kept = |rows: Vec<LogRow>| copy.copy_log(id, rows, false);
    // Not from the middle, not with a gap, not in another order, not with another entry between.
    assert_eq!(kept(rows[1..].to_vec()).await.unwrap(), Err(NotKept::NoChain));
    let gap = vec![rows[0].clone(), rows[2].clone()];
    assert_eq!(kept(gap).await.unwrap(), Err(NotKept::NoChain));
    let swapped = vec![rows[1].clone(), rows[0].clone()];
    assert_eq!(kept(swapped).await.unwrap(), Err(NotKept::NoChain));
    let moved = LogRow { seq: 1, ..rows[0].clone() };
    assert_eq!(kept(vec![rows[0].clone(), moved]).await.unwrap(), Err(NotKept::NoChain));
    assert_eq!(copy.copied(&id).unwrap(), Copied::default());
    assert!(copy.others_log_of(1, None, 10).unwrap().is_empty());

    assert_eq!(kept(rows[..2].to_vec()).await.unwrap(), Ok(2));
    assert_eq!(kept(rows.clone()).await.unwrap(), Ok(2));
    assert_eq!(kept(rows.clone()).await.unwrap(), Ok(0));
    assert_eq!(copy.copied(&id).unwrap(), Copied { tip: origin.log_head(), count: 4 });
    close(copy, task).await;
    let (copy, _task) = open(folders[1].path()).await;
    assert_eq!(copy.log_origins(10).unwrap(), [(id, Copied { tip: origin.log_head(), count: 4 })]);
    let of = |nft_id| copy.others_log_of(nft_id, None, 10).unwrap();
    assert!(matches!(of(3)[..], [(_, origin, 2, LogEntry::Stored(_))] if origin == id));
    // The rest of it, from any entry on; with room for some at a time.
    let some = copy.copied_rows(&id, 1, 1).unwrap();
    assert_eq!(some, rows[1..2]);
    assert_eq!(copy.copied_rows(&id, 1, 1 << 20).unwrap(), rows[1..]);
    // An own log is not continued after what it does not have.
    let elsewhere = LogHead { count: 2, hash: [1; 32] };
    assert_eq!(origin.log_rows(elsewhere, 1 << 20).unwrap(), None);
}

/// The index of the log may lack the newest entries: they are found all the same, also after a restart.
#[tokio::test]
async fn entries_that_are_not_indexed_yet_are_found() {
    let folder = tempfile::tempdir().unwrap();
    let (mut store, mut task) = open(folder.path()).await;
    let view = |nft_id, viewer: u64, store: &Store| {
        let account = [viewer as u8; 32];
        let access =
            Access { version: version(nft_id, 1), account, role: Role::Owner, block: 11, time: 1 };
        let store = store.clone();
        async move { store.log_view(access).await.unwrap() }
    };
    let count = 2 * log::INDEXED_AT_ONCE as u64 + 300;
    for round in 0..count {
        // NFT 1 is viewed at each hundredth view, others at the others.
        let nft_id = if round % 100 == 0 { 1 } else { 2 + (round % 50) as NftId };
        view(nft_id, round, &store).await;
        if round % 700 == 699 {
            close(store, task).await;
            (store, task) = open(folder.path()).await;
        }
        if round % 97 == 0 {
            let expected: Vec<u64> = (0..=round).filter(|place| place % 100 == 0).collect();
            let found = store.log_of(1, None, 1000).unwrap();
            assert_eq!(found.iter().map(|(place, _)| *place).collect::<Vec<_>>(), expected);
        }
    }
    let held: usize = (1..60).map(|nft_id| store.log_of(nft_id, None, 5000).unwrap().len()).sum();
    assert_eq!(held as u64, count);
    let part = store.log_of(1, Some(500), 3).unwrap();
    assert_eq!(part.iter().map(|(place, _)| *place).collect::<Vec<_>>(), [600, 700, 800]);
    assert!(store.inner.unindexed().len() < log::INDEXED_AT_ONCE);
}

/// Shares of other enclaves come in any order, between others that are held, and with older versions.
#[tokio::test]
async fn what_other_enclaves_give_is_kept_in_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let (store, task) = open(folder.path()).await;
    for nft_id in [0, 4, 5, 9] {
        store.store(new(key(nft_id, 1), 10)).await.unwrap().unwrap();
    }
    let place = Some(Place { cluster_id: 1, slot_id: 2 });
    let state = SyncState { place, ..Default::default() };
    let newer = RecordKey { version: version(6, 2), split: [7; 16] };
    let wanted: Vec<_> = [8, 1, 2, 3, 6, 7].map(|nft_id| version(nft_id, 1)).into();
    let wants = wanted.iter().copied().chain([newer.version]).map(Correction::Want).collect();
    store.scanned(wants, state, 20).await.unwrap();
    let fetched = |key: RecordKey| Fetched {
        key,
        share: Zeroizing::new([SHARE, &key.to_bytes()].concat()),
        salt: [8; 32],
        owner: [3; 32],
        slot_id: 2,
        token_block: 9,
        synced_at: Some(9),
        decided_at: 20,
        from: [6; 32],
        is_bound: false,
        commitment: None,
    };
    let given = [8, 1, 2, 3, 6, 7, 1, 5].map(|nft_id| key(nft_id, 2));
    let given = given.into_iter().chain([newer]).map(fetched).collect();
    // Twice the same, one that is not wanted, and one whose newer version came with it.
    assert_eq!(store.fetched(given).await.unwrap(), 6);
    assert_eq!(store.count_wanted().unwrap(), 0);
    let expected = [key(0, 1), key(1, 2), key(2, 2), key(3, 2), key(4, 1), key(5, 1), newer];
    let expected = expected.into_iter().chain([key(7, 2), key(8, 2), key(9, 1)]);
    let expected: Vec<_> = expected.collect();
    let held = store.held_after(None, 100).unwrap();
    assert_eq!(held.iter().map(|held| held.key).collect::<Vec<_>>(), expected);
    let of = |nft_id, split| (version(nft_id, 1), commitment(&store, &key(nft_id, split)));
    let of = [of(1, 2), (version(1, 1), Some([0; 32])), of(4, 1), (version(2, 1), None)];
    let found = store.records_of(&of, usize::MAX).unwrap();
    let found: Vec<_> = found.into_iter().map(|found| found.map(|(key, _)| key)).collect();
    assert_eq!(found, [Some(key(1, 2)), None, Some(key(4, 1)), None]);
    // As much as there is room for, and the one that exceeds it.
    assert_eq!(store.records_of(&of, 1).unwrap().len(), 1);
    assert_eq!(store.records_of(&of, SHARE.len() + RecordKey::LEN).unwrap().len(), 3);
    let lacking = store.lacking(&of).unwrap();
    assert_eq!(lacking, [(version(1, 1), false), (version(2, 1), false)]);
    let log = store.log_of(8, None, 10).unwrap();
    assert!(matches!(log[..], [(_, LogEntry::Received(_))]), "{log:?}");
    assert_eq!(store.log_head().count, 10);

    // The log and the order of storing go on after them.
    close(store, task).await;
    let (store, _task) = open(folder.path()).await;
    assert_eq!(store.held_after(None, 100).unwrap().len(), expected.len());
    store.store(new(key(20, 1), 10)).await.unwrap().unwrap();
    let last = store.record(&key(20, 1)).unwrap().unwrap().order;
    for key in &expected {
        assert!(store.record(key).unwrap().unwrap().order < last);
    }
    assert_eq!(store.log_head().count, 11);
}

/// In whatever order many are asked for, with gaps, several times, with several splittings of one, and with
/// commitments that none has: each is found as if it were asked for alone.
#[tokio::test]
async fn many_records_are_found_as_each_alone() {
    let folder = tempfile::tempdir().unwrap();
    let (store, _task) = open(folder.path()).await;
    let held = [(0, 1), (1, 3), (2, 2), (3, 1), (7, 3), (8, 1), (9, 1), (15, 2)];
    for (nft_id, splits) in held {
        for split in 1..=splits {
            store.store(new(key(nft_id, split), 10 + u32::from(split))).await.unwrap().unwrap();
        }
    }
    let all: Vec<_> = (0..18)
        .flat_map(|nft_id| (0..4).map(move |split| key(nft_id, split)))
        .map(|key| (key, (key.version, commitment(&store, &key).or(Some([key.split[0]; 32])))))
        .collect();
    let is_held = |key: &RecordKey| {
        let of = |(nft_id, _): &&(NftId, u8)| *nft_id == key.version.nft_id;
        held.iter().find(of).is_some_and(|(_, splits)| (1..=*splits).contains(&key.split[0]))
    };
    let mut state = 1u64;
    let mut below = |bound: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 33) as usize % bound
    };
    let sorted = |mut places: Vec<usize>| {
        places.sort_unstable();
        places
    };
    let mut lists = vec![(0..all.len()).collect(), (0..all.len()).rev().collect()];
    for _ in 0..200 {
        let places: Vec<_> = (0..1 + below(20)).map(|_| below(all.len())).collect();
        lists.extend([sorted(places.clone()), places]);
    }
    for places in lists {
        let asked: Vec<_> = places.iter().map(|place| all[*place]).collect();
        let of: Vec<_> = asked.iter().map(|(_, of)| *of).collect();
        let found = store.records_of(&of, usize::MAX).unwrap();
        let found: Vec<_> = found.into_iter().map(|it| it.map(|(key, _)| key)).collect();
        let expected = asked.iter().map(|(key, _)| is_held(key).then_some(*key));
        assert_eq!(found, expected.collect::<Vec<_>>(), "{places:?}");
        let lacking = asked.iter().filter(|(key, _)| !is_held(key));
        let lacking: Vec<_> = lacking.map(|(key, _)| (key.version, false)).collect();
        assert_eq!(store.lacking(&of).unwrap(), lacking, "{places:?}");
    }
}

fn commitment(store: &Store, key: &RecordKey) -> Option<Commitment> {
    store.record(key).unwrap().map(|record| record.commitment(GENESIS, key))
}
