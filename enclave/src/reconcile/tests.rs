// SPDX-License-Identifier: Apache-2.0

use std::path::Path;

use tee_primitives::{
    abi::storage, attestation::tcb::TcbStatus, authorisation::Role, nft::NftState,
};
use tokio::task::JoinHandle;

use super::*;
use crate::{
    chain::scripted::{attesting, Scripted, GENESIS, NOW, OWN, SLOT},
    seal::Sealer,
    store::{Access, LogEntry, NewShare, Stored},
    view::{Live, Why},
};

const OWNER: [u8; 32] = [3; 32];
const KIND: KeyshareKind = KeyshareKind::Secret;

fn open(folder: &Path) -> (Store, JoinHandle<Result<(), StoreError>>) {
    Store::open(folder, &Sealer::new(&[7; 32]), &OWN.account, GENESIS).unwrap()
}

fn key(nft_id: NftId) -> RecordKey {
    RecordKey { version: VersionKey { nft_id, kind: KIND, version: 1 }, split: [1; 16] }
}

async fn put(store: &Store, key: RecordKey, block: BlockNumber) {
    let new = NewShare {
        key,
        share: b"a share of sufficient length".to_vec().into(),
        owner: OWNER,
        slot_id: SLOT,
        token_block: block,
        stored_at: block,
        time: 1,
        is_bound: false,
    };
    assert_eq!(store.store(new).await.unwrap(), Ok(Stored::New));
}

fn commitment(store: &Store, key: &RecordKey) -> [u8; 32] {
    store.record(key).unwrap().unwrap().commitment(GENESIS, key)
}

/// Lets the chain finalize a block, and the task look at it.
async fn look(task: &mut Reconciler, chain: &Scripted, block: BlockNumber, attested: LogHead) {
    let live = Live { expires_at: u64::MAX, tcb_status: TcbStatus::UpToDate };
    look_when(task, chain, block, attested, Ok(live)).await;
}

async fn look_when(
    task: &mut Reconciler,
    chain: &Scripted,
    block: BlockNumber,
    attested: LogHead,
    attestation: Result<Live, Why>,
) {
    chain.finalize(block);
    let heads = chain.heads().borrow().clone().unwrap();
    let mut record = attesting::record(&OWN, block);
    record.log_head = attested;
    let view = View {
        chain: heads.chain,
        finalized: heads.finalized,
        now: NOW,
        assignment: None,
        record: Some(Arc::new(record)),
        measurement: None,
        is_platform_banned: false,
        attestation,
    };
    task.step(&view).await.unwrap();
}

fn wanted(store: &Store) -> Vec<NftId> {
    store.wanted(None, 100).unwrap().iter().map(|(version, _)| version.nft_id).collect()
}

#[tokio::test]
async fn what_the_chain_has_otherwise_is_wiped_activated_wanted_or_watched() {
    let folder = tempfile::tempdir().unwrap();
    let (store, _task) = open(folder.path());
    let chain = Scripted::at(10, &OWN);
    for nft_id in 1..=8 {
        chain.mint(nft_id, OWNER);
        put(&store, key(nft_id), 10).await;
    }
    chain.set(storage::next_nft_id(), 100u32);
    // 1 is synced with what is here, 2 with something else, 3 was burnt, 4 is no secret any more,
    // 5 is superseded, 6 was given up, 7 is pending, 8 was stored after this block.
    chain.sync(1, 11, commitment(&store, &key(1)));
    chain.sync(2, 11, [0xaa; 32]);
    for nft_id in [3, 8] {
        chain.remove(&storage::nft(nft_id));
        chain.remove(&storage::keyshares(nft_id, KIND));
    }
    chain.mint_with(4, OWNER, NftState::default());
    chain.pending(5, 2);
    chain.sync(5, 11, [0xbb; 32]);
    chain.cancel_of(KIND, 6);
    let newer = RecordKey { split: [2; 16], ..key(8) };
    put(&store, newer, 30).await;

    let mut task = Reconciler::new(chain.clone(), store.clone());
    look(&mut task, &chain, 12, LogHead::default()).await;
    let left: Vec<_> = store.held_after(None, 100).unwrap();
    let left: Vec<_> =
        left.iter().map(|held| (held.key.version.nft_id, held.facts.unwrap().synced_at)).collect();
    assert_eq!(left, [(1, Some(11)), (7, None), (8, None), (8, None)]);
    assert_eq!(wanted(&store), [2]);
    let confirmed: Vec<_> =
        store.outbox(100).unwrap().iter().map(|(_, key)| key.version.nft_id).collect();
    assert_eq!(confirmed, [7, 8]);
}

#[tokio::test]
async fn an_nft_that_is_not_minted_yet_is_not_taken_for_a_burnt_one() {
    let folder = tempfile::tempdir().unwrap();
    let (store, _task) = open(folder.path());
    let chain = Scripted::at(10, &OWN);
    chain.set(storage::next_nft_id(), 7u32);
    chain.pending(7, 1);
    put(&store, key(7), 10).await;
    let mut task = Reconciler::new(chain.clone(), store.clone());
    look(&mut task, &chain, 11, LogHead::default()).await;
    assert!(store.record(&key(7)).unwrap().is_some());
}

/// An old state of the chain that a node proves to an enclave that has just started.
#[tokio::test]
async fn before_this_start_has_attested_nothing_is_removed() {
    let folder = tempfile::tempdir().unwrap();
    let (store, _task) = open(folder.path());
    let chain = Scripted::at(10, &OWN);
    put(&store, key(7), 10).await;
    let mut task = Reconciler::new(chain.clone(), store.clone());
    let why = Err(Why::AnotherSession);
    look_when(&mut task, &chain, 11, LogHead::default(), why).await;
    assert!(store.record(&key(7)).unwrap().is_some());
    chain.set(storage::next_nft_id(), 8u32);
    look(&mut task, &chain, 12, LogHead::default()).await;
    assert!(store.record(&key(7)).unwrap().is_none());
}

/// 300 records are more than a page.
#[tokio::test]
async fn every_record_is_looked_at_in_pages_and_again_in_the_next_round() {
    let folder = tempfile::tempdir().unwrap();
    let (store, _task) = open(folder.path());
    let chain = Scripted::at(10, &OWN);
    let puts = (0..300).map(|nft_id| {
        chain.mint(nft_id, OWNER);
        put(&store, key(nft_id), 10)
    });
    futures::future::join_all(puts).await;
    let mut task = Reconciler::new(chain.clone(), store.clone());
    look(&mut task, &chain, 11, LogHead::default()).await;
    chain.cancel_of(KIND, 299);
    look(&mut task, &chain, 12, LogHead::default()).await;
    assert!(store.record(&key(299)).unwrap().is_none());
    // The next round finds what has changed meanwhile.
    chain.cancel_of(KIND, 0);
    look(&mut task, &chain, 13, LogHead::default()).await;
    assert!(store.record(&key(0)).unwrap().is_some());
    look(&mut task, &chain, 11 + ROUND, LogHead::default()).await;
    assert!(store.record(&key(0)).unwrap().is_none());
}

#[tokio::test]
async fn what_is_no_longer_the_chains_is_not_wanted_any_more() {
    let folder = tempfile::tempdir().unwrap();
    let (store, _task) = open(folder.path());
    let chain = Scripted::at(10, &OWN);
    chain.set(storage::next_nft_id(), 100u32);
    for nft_id in 1..=3 {
        chain.mint(nft_id, OWNER);
        chain.sync(nft_id, 10, [0xaa; 32]);
    }
    let missing = (1..=3).map(|nft_id| Correction::Want(key(nft_id).version)).collect();
    store.correct(missing, 10).await.unwrap();
    chain.remove(&storage::nft(1));
    chain.pending(2, 2);
    chain.sync(2, 11, [0xbb; 32]);
    let mut task = Reconciler::new(chain.clone(), store.clone());
    look(&mut task, &chain, 12, LogHead::default()).await;
    assert_eq!(wanted(&store), [3]);
}

/// The host lets a capsule's key change, and puts the disk of before back.
#[tokio::test]
async fn f25_an_older_copy_of_the_disk_is_found_out() {
    let folder = tempfile::tempdir().unwrap();
    let (store, task) = open(folder.path());
    let chain = Scripted::at(10, &OWN);
    chain.set(storage::next_nft_id(), 100u32);
    chain.mint(7, OWNER);
    put(&store, key(7), 10).await;
    chain.sync(7, 11, commitment(&store, &key(7)));
    let mut reconciler = Reconciler::new(chain.clone(), store.clone());
    look(&mut reconciler, &chain, 11, store.log_head()).await;
    drop((store, reconciler));
    task.await.unwrap().unwrap();
    let file = folder.path().join(crate::store::FILES[0]);
    let older = std::fs::read(&file).unwrap();

    let (store, task) = open(folder.path());
    let access =
        Access { version: key(7).version, account: OWNER, role: Role::Owner, block: 12, time: 1 };
    store.log_view(access).await.unwrap();
    let next = RecordKey { version: VersionKey { version: 2, ..key(7).version }, split: [2; 16] };
    chain.pending(7, 2);
    put(&store, next, 12).await;
    chain.sync(7, 13, commitment(&store, &next));
    store.activate(next, 13).await.unwrap();
    let attested = store.log_head();
    assert_eq!(attested.count, 3);
    drop(store);
    task.await.unwrap().unwrap();
    std::fs::write(&file, older).unwrap();

    let (store, task) = open(folder.path());
    assert!(store.record(&key(7)).unwrap().is_some());
    let mut reconciler = Reconciler::new(chain.clone(), store.clone());
    look(&mut reconciler, &chain, 14, attested).await;
    // The older share is gone, and the log says what has happened.
    assert!(store.record(&key(7)).unwrap().is_none());
    assert_eq!(store.log_rollbacks(), 1);
    assert_eq!(store.log_head().count, 2);
    // It is said once, also after another start.
    look(&mut reconciler, &chain, 15, attested).await;
    drop((store, reconciler));
    task.await.unwrap().unwrap();
    let (store, _task) = open(folder.path());
    let mut reconciler = Reconciler::new(chain.clone(), store.clone());
    look(&mut reconciler, &chain, 16, attested).await;
    assert_eq!((store.log_rollbacks(), store.log_head().count), (1, 2));
    // Two disks that grow from one: as long, and another one.
    store.log_view(access).await.unwrap();
    assert_eq!(store.log_head().count, attested.count);
    let other = LogHead { hash: [9; 32], ..attested };
    look(&mut reconciler, &chain, 17, other).await;
    assert_eq!(store.log_rollbacks(), 2);
    look(&mut reconciler, &chain, 18, store.log_head()).await;
    assert_eq!(store.log_rollbacks(), 2);
    let entries = store.log_of(7, None, 10).unwrap();
    assert_eq!(entries.len(), 2);
    assert!(matches!(entries[1].1, LogEntry::Viewed(it) if it == access));
}
