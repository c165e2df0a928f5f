// SPDX-License-Identifier: Apache-2.0

use std::{future::Future, path::Path, time::Duration};

use tee_primitives::{cluster::ClusterType, keyshare::KeyshareKind, nft::NftId};
use tokio::{task::JoinHandle, time};

use super::*;
use crate::{
    chain::{
        scripted::{attesting, Fate, Scripted, GENESIS, NOW, OWN, SLOT},
        Heads,
    },
    seal::Sealer,
    store::{NewShare, Stored},
    view,
};

const ACCOUNT: RawAccountId = OWN.account;
const OPERATOR: RawAccountId = OWN.operator;
const OWNER: RawAccountId = [3; 32];
const DEADLINE: Duration = Duration::from_secs(20);

struct World {
    chain: Arc<Scripted>,
    store: Store,
    outlook: watch::Receiver<Outlook>,
    follow: JoinHandle<()>,
    confirm: JoinHandle<Result<(), StoreError>>,
    store_task: JoinHandle<Result<(), StoreError>>,
}

impl World {
    async fn start(folder: &Path, chain: Arc<Scripted>) -> Self {
        let (store, store_task) =
            Store::open(folder, &Sealer::new(&[7; 32]), &ACCOUNT, GENESIS).unwrap();
        let (sender, outlook) = watch::channel(Outlook::default());
        let (c, s) = (chain.clone(), store.clone());
        let follow = view::follow(c.clone(), OWN, attesting::build(), view::MAX_LAG, sender);
        let follow = tokio::spawn(follow);
        let (submitter, _) = Submitter::start(c.clone());
        let confirm = tokio::spawn(run(c, submitter, s, ACCOUNT, outlook.clone()));
        Self { chain, store, outlook, follow, confirm, store_task }
    }

    async fn stop(self) {
        self.follow.abort();
        self.confirm.abort();
        let _ = self.confirm.await;
        drop(self.store);
        in_time(self.store_task).await.unwrap().unwrap();
    }

    async fn store(&self, nft_id: NftId, split: u8) -> RecordKey {
        let finalized = self.chain.finalized();
        let mut outlook = self.outlook.clone();
        outlook
            .wait_for(|outlook| {
                matches!(outlook, Outlook::Known(view) if view.finalized.number >= finalized)
            })
            .await
            .unwrap();
        let version = VersionKey { nft_id, kind: KeyshareKind::Secret, version: 1 };
        let key = RecordKey { version, split: [split; 16] };
        assert_eq!(self.store.store(share(key, finalized)).await.unwrap(), Ok(Stored::New));
        key
    }

    fn commitment(&self, key: &RecordKey) -> Commitment {
        self.store.record(key).unwrap().unwrap().commitment(GENESIS, key)
    }
}

fn share(key: RecordKey, block: BlockNumber) -> NewShare {
    NewShare {
        key,
        share: b"a share of sufficient length".to_vec().into(),
        owner: OWNER,
        slot_id: SLOT,
        token_block: block,
        stored_at: block,
        time: 1,
        is_bound: false,
    }
}

/// Lets the chain go on until a condition holds.
async fn eventually(chain: &Scripted, condition: impl Fn() -> bool) {
    let reached = time::timeout(DEADLINE, async {
        while !condition() {
            chain.finalize(chain.finalized() + 1);
            time::sleep(Duration::from_millis(5)).await;
        }
    });
    reached.await.expect("the condition holds in time");
}

async fn in_time<T>(future: impl Future<Output = T>) -> T {
    time::timeout(DEADLINE, future).await.expect("in time")
}

#[tokio::test]
async fn a_stored_share_is_confirmed_once() {
    let folder = tempfile::tempdir().unwrap();
    let chain = Scripted::at(10, &OWN);
    chain.mint(7, OWNER);
    chain.finalize(11);
    let world = World::start(folder.path(), chain.clone()).await;
    let key = world.store(7, 1).await;
    let batch = in_time(chain.batch(0)).await;
    assert_eq!(
        batch,
        [KeyshareConfirmation {
            nft_id: 7,
            kind: KeyshareKind::Secret,
            version: 1,
            split: [1; 16],
            commitment: world.commitment(&key),
        }]
    );
    eventually(&chain, || world.store.outbox(1).unwrap().is_empty()).await;
    assert_eq!(chain.batches(), 1);
    world.stop().await;
}

/// While the slot is handed over: what is synced then, the successor must have seen.
#[tokio::test]
async fn nothing_is_confirmed_in_a_pause_and_everything_after_it() {
    let folder = tempfile::tempdir().unwrap();
    let chain = Scripted::at(10, &OWN);
    chain.mint(7, OWNER);
    chain.finalize(11);
    // Nothing is confirmed before the node can be reached.
    chain.unreachable(true);
    let world = World::start(folder.path(), chain.clone()).await;
    let version = VersionKey { nft_id: 7, kind: KeyshareKind::Secret, version: 1 };
    let key = RecordKey { version, split: [1; 16] };
    world.store.store(share(key, 11)).await.unwrap().unwrap();
    let until = world.store.pause(11).await.unwrap().unwrap();
    chain.unreachable(false);
    let mut outlook = world.outlook.clone();
    for block in 12..until {
        chain.finalize(block);
        let is_seen =
            |outlook: &Outlook| outlook.known().is_some_and(|view| view.finalized.number >= block);
        in_time(outlook.wait_for(is_seen)).await.unwrap();
        assert_eq!(chain.batches(), 0, "#{block}");
    }
    // The last of them may still be looked at.
    assert_eq!(chain.batches(), 0);
    chain.finalize(until);
    eventually(&chain, || chain.batches() == 1).await;
    world.stop().await;
}

#[tokio::test]
async fn shares_that_wait_are_confirmed_together() {
    let folder = tempfile::tempdir().unwrap();
    let chain = Scripted::new(ACCOUNT);
    chain.attest(&OWN, 0);
    for nft_id in 0..20 {
        chain.mint(nft_id, OWNER);
    }
    chain.finalize(10);
    let world = World::start(folder.path(), chain.clone()).await;
    for nft_id in 0..20 {
        world.store(nft_id, 1).await;
    }
    // Not assigned: nothing is sent, nothing is lost.
    eventually(&chain, || chain.finalized() > 20).await;
    assert_eq!(chain.batches(), 0);
    assert_eq!(world.store.outbox(100).unwrap().len(), 20);
    chain.assign(OPERATOR, ClusterType::Public);
    chain.finalize(chain.finalized() + 1);
    assert_eq!(in_time(chain.batch(0)).await.len(), 20);
    eventually(&chain, || world.store.outbox(1).unwrap().is_empty()).await;
    assert_eq!(chain.batches(), 1);
    world.stop().await;
}

#[tokio::test]
async fn nothing_is_sent_while_the_cluster_takes_no_keyshares() {
    let folder = tempfile::tempdir().unwrap();
    let chain = Scripted::at(10, &OWN);
    chain.mint(7, OWNER);
    chain.assign(OPERATOR, ClusterType::Disabled);
    chain.finalize(11);
    let world = World::start(folder.path(), chain.clone()).await;
    world.store(7, 1).await;
    eventually(&chain, || chain.finalized() > 20).await;
    assert_eq!(chain.batches(), 0);
    assert_eq!(world.store.outbox(1).unwrap().len(), 1);
    chain.assign(OPERATOR, ClusterType::Private);
    eventually(&chain, || world.store.outbox(1).unwrap().is_empty()).await;
    assert_eq!(chain.batches(), 1);
    assert!(chain.confirmed(7).is_some());
    world.stop().await;
}

/// The chain would refuse the transaction, and keep its fee.
#[tokio::test]
async fn confirmations_wait_while_the_attestation_does_not_count_and_go_on_then() {
    let folder = tempfile::tempdir().unwrap();
    let chain = Scripted::at(10, &OWN);
    chain.mint(7, OWNER);
    chain.set_time(NOW + attesting::VALIDITY);
    chain.finalize(11);
    let world = World::start(folder.path(), chain.clone()).await;
    world.store(7, 1).await;
    eventually(&chain, || chain.finalized() > 20).await;
    assert_eq!(chain.batches(), 0);
    assert_eq!(world.store.outbox(1).unwrap().len(), 1);
    chain.attest(&OWN, 20);
    eventually(&chain, || world.store.outbox(1).unwrap().is_empty()).await;
    assert_eq!(chain.batches(), 1);
    assert!(chain.confirmed(7).is_some());
    world.stop().await;
}

/// Another transaction of the account is not a failure of this one, and neither gets lost.
#[tokio::test]
async fn what_else_the_account_sends_does_not_hold_confirmations_up() {
    let folder = tempfile::tempdir().unwrap();
    let (store, _task) =
        Store::open(folder.path(), &Sealer::new(&[7; 32]), &ACCOUNT, GENESIS).unwrap();
    let chain = Scripted::at(10, &OWN);
    chain.mint(7, OWNER);
    let version = VersionKey { nft_id: 7, kind: KeyshareKind::Secret, version: 1 };
    store.store(share(RecordKey { version, split: [1; 16] }, 11)).await.unwrap().unwrap();
    let (submitter, _) = Submitter::start(chain.clone());
    let mut task = Confirmer::new(chain.clone(), submitter.clone(), store.clone(), ACCOUNT);
    let at = |chain: &Scripted| chain.heads().borrow().as_ref().unwrap().finalized;
    let before = at(&chain);
    submitter.submit(calls::confirm_keyshares(&[]), before, GENESIS).await.unwrap();
    // It still works with the block before.
    let view = view_at(&chain, before).await;
    task.step(&view).await.unwrap();
    assert_eq!((chain.batches(), task.failures), (1, 0));
    assert_eq!(step_at(&mut task, &chain, 12).await, 1);
    assert_eq!(chain.batch(1).await.len(), 1);
}

#[tokio::test]
async fn f13_shares_are_stored_while_a_transaction_is_on_its_way() {
    let folder = tempfile::tempdir().unwrap();
    let chain = Scripted::at(10, &OWN);
    for nft_id in 7..20 {
        chain.mint(nft_id, OWNER);
    }
    chain.finalize(11);
    chain.fate(Fate::Hangs);
    let world = World::start(folder.path(), chain.clone()).await;
    world.store(7, 1).await;
    in_time(chain.batch(0)).await;
    for nft_id in 8..20 {
        in_time(world.store(nft_id, 1)).await;
    }
    assert_eq!((chain.batches(), chain.included()), (1, 0));
    world.stop().await;
}

#[tokio::test]
async fn a_lost_reply_does_not_confirm_twice() {
    let folder = tempfile::tempdir().unwrap();
    let chain = Scripted::at(10, &OWN);
    chain.mint(7, OWNER);
    chain.finalize(11);
    chain.fate(Fate::ReplyLost);
    let world = World::start(folder.path(), chain.clone()).await;
    world.store(7, 1).await;
    eventually(&chain, || world.store.outbox(1).unwrap().is_empty()).await;
    assert_eq!(chain.batches(), 1);
    assert!(chain.confirmed(7).is_some());
    world.stop().await;
}

/// A transaction that is in a block has not done what it should unless the finalized state says so.
#[tokio::test]
async fn f12_what_did_not_work_is_sent_again_after_growing_pauses() {
    for fate in [Fate::Refused, Fate::FailsOnChain] {
        let folder = tempfile::tempdir().unwrap();
        let chain = Scripted::at(10, &OWN);
        chain.mint(7, OWNER);
        chain.finalize(11);
        chain.fate(fate);
        let world = World::start(folder.path(), chain.clone()).await;
        world.store(7, 1).await;
        let mut blocks = Vec::new();
        for attempt in 0..4 {
            eventually(&chain, || chain.batches() > attempt).await;
            blocks.push(chain.finalized());
        }
        assert!(blocks[3] - blocks[2] > blocks[1] - blocks[0], "{fate:?}: {blocks:?}");
        chain.fate(Fate::Works);
        eventually(&chain, || world.store.outbox(1).unwrap().is_empty()).await;
        assert!(chain.confirmed(7).is_some());
        world.stop().await;
    }
}

#[tokio::test]
async fn the_outbox_is_sent_after_a_restart_and_after_the_chain_was_away() {
    let folder = tempfile::tempdir().unwrap();
    let chain = Scripted::at(10, &OWN);
    chain.mint(7, OWNER);
    chain.finalize(11);
    let world = World::start(folder.path(), chain.clone()).await;
    chain.fate(Fate::Refused);
    let key = world.store(7, 1).await;
    in_time(chain.batch(0)).await;
    let commitment = world.commitment(&key);
    world.stop().await;

    chain.fate(Fate::Works);
    chain.unreachable(true);
    let before = chain.batches();
    let world = World::start(folder.path(), chain.clone()).await;
    for block in 20..25 {
        chain.finalize(block);
        tokio::task::yield_now().await;
    }
    assert_eq!(chain.batches(), before);
    chain.unreachable(false);
    eventually(&chain, || world.store.outbox(1).unwrap().is_empty()).await;
    assert_eq!(chain.confirmed(7).unwrap().commitment, commitment);
    world.stop().await;
}

#[tokio::test]
async fn a_later_split_replaces_the_confirmation_of_the_earlier() {
    let folder = tempfile::tempdir().unwrap();
    let chain = Scripted::at(10, &OWN);
    chain.mint(7, OWNER);
    chain.finalize(11);
    let world = World::start(folder.path(), chain.clone()).await;
    world.store(7, 1).await;
    eventually(&chain, || world.store.outbox(1).unwrap().is_empty()).await;
    let second = world.store(7, 2).await;
    eventually(&chain, || world.store.outbox(1).unwrap().is_empty()).await;
    assert_eq!(chain.confirmed(7).unwrap().commitment, world.commitment(&second));
    assert_eq!(chain.batches(), 2);
    // The first one is kept: the chain may still sync it.
    assert_eq!(world.store.records(&second.version).unwrap().len(), 2);
    world.stop().await;
}

#[tokio::test]
async fn the_split_that_the_chain_synced_becomes_active() {
    let folder = tempfile::tempdir().unwrap();
    let chain = Scripted::at(10, &OWN);
    chain.mint(7, OWNER);
    chain.finalize(11);
    let world = World::start(folder.path(), chain.clone()).await;
    let first = world.store(7, 1).await;
    world.store(7, 2).await;
    chain.sync(7, 15, world.commitment(&first));
    eventually(&chain, || world.store.held(7, KeyshareKind::Secret).unwrap() == Some(15)).await;
    let records = world.store.records(&first.version).unwrap();
    assert_eq!(records.len(), 1);
    assert_eq!(records[0].0, first);
    assert!(world.store.outbox(1).unwrap().is_empty());
    assert!(world.store.unsynced(None, 1).unwrap().is_empty());
    world.stop().await;
}

#[tokio::test]
async fn what_can_never_be_served_is_wiped() {
    let folder = tempfile::tempdir().unwrap();
    let chain = Scripted::at(10, &OWN);
    for nft_id in 1..=3 {
        chain.mint(nft_id, OWNER);
    }
    chain.finalize(11);
    let world = World::start(folder.path(), chain.clone()).await;
    let mut keys = Vec::new();
    for nft_id in 1..=3 {
        keys.push(world.store(nft_id, 1).await);
    }
    // One was synced by another cluster, one was burnt, one was started again.
    chain.sync(1, 15, [0xaa; 32]);
    chain.remove(&storage::keyshares(2, KeyshareKind::Secret));
    chain.pending(3, 2);
    eventually(&chain, || world.store.unsynced(None, 1).unwrap().is_empty()).await;
    for key in keys {
        assert!(world.store.record(&key).unwrap().is_none());
    }
    assert!(world.store.outbox(1).unwrap().is_empty());
    world.stop().await;
}

/// A share can be stored at a newer finalized block than the one that this task works with, where
/// the version was not pending yet.
#[tokio::test]
async fn an_older_state_of_the_chain_does_not_wipe_a_newer_record() {
    let folder = tempfile::tempdir().unwrap();
    let (store, _) = Store::open(folder.path(), &Sealer::new(&[7; 32]), &ACCOUNT, GENESIS).unwrap();
    let chain = Scripted::at(10, &OWN);
    let (sender, mut outlook) = watch::channel(Outlook::default());
    let follow = view::follow(chain.clone(), OWN, attesting::build(), view::MAX_LAG, sender);
    let follow = tokio::spawn(follow);
    in_time(outlook.wait_for(|outlook| matches!(outlook, Outlook::Known(_)))).await.unwrap();
    let Outlook::Known(view) = outlook.borrow().clone() else { panic!("known") };

    let version = VersionKey { nft_id: 7, kind: KeyshareKind::Secret, version: 1 };
    let key = RecordKey { version, split: [1; 16] };
    store.store(share(key, 11)).await.unwrap().unwrap();
    let (submitter, _) = Submitter::start(chain.clone());
    let mut task = Confirmer::new(chain.clone(), submitter, store.clone(), ACCOUNT);
    task.step(&view).await.unwrap();
    assert!(store.record(&key).unwrap().is_some());
    assert_eq!(store.outbox(1).unwrap().len(), 1);
    assert_eq!(chain.batches(), 0);
    follow.abort();
}

/// Lets the chain finalize a block, and the task look at it. How many confirmations it sent.
async fn step_at(task: &mut Confirmer, chain: &Scripted, block: BlockNumber) -> usize {
    let before = chain.batches();
    chain.finalize(block);
    let finalized = chain.heads().borrow().as_ref().unwrap().finalized;
    task.step(&view_at(chain, finalized).await).await.unwrap();
    chain.batches() - before
}

async fn view_at(chain: &Scripted, finalized: Head) -> View {
    let Heads { chain: info, .. } = chain.heads().borrow().clone().unwrap();
    let at = At::Finalized(finalized.hash);
    let assignment = facts::assignment(chain, at, &ACCOUNT, &OPERATOR).await.unwrap();
    let facts = facts::attestation(chain, at, &OWN, None).await.unwrap();
    View {
        chain: info,
        finalized,
        now: NOW,
        assignment,
        attestation: view::attestation::judge(&OWN, &facts, finalized.number),
        record: facts.record.map(Arc::new),
        measurement: facts.measurement,
        is_platform_banned: false,
    }
}

#[tokio::test]
async fn the_confirmation_of_a_version_that_stays_pending_is_repeated_rarely() {
    let folder = tempfile::tempdir().unwrap();
    let (store, _task) =
        Store::open(folder.path(), &Sealer::new(&[7; 32]), &ACCOUNT, GENESIS).unwrap();
    let chain = Scripted::at(10, &OWN);
    for nft_id in [7, 8] {
        chain.mint(nft_id, OWNER);
        let version = VersionKey { nft_id, kind: KeyshareKind::Secret, version: 1 };
        store.store(share(RecordKey { version, split: [1; 16] }, 11)).await.unwrap().unwrap();
    }
    let (submitter, _) = Submitter::start(chain.clone());
    let mut task = Confirmer::new(chain.clone(), submitter, store.clone(), ACCOUNT);
    assert_eq!(step_at(&mut task, &chain, 11).await, 1);
    assert_eq!(step_at(&mut task, &chain, 13).await, 0);
    assert!(store.outbox(1).unwrap().is_empty());

    let mut last = 11;
    for pause in [64, 128, 256, 512, 1024, 2048, 4096, 4096] {
        assert_eq!(step_at(&mut task, &chain, last + pause - 1).await, 0);
        assert_eq!(step_at(&mut task, &chain, last + pause).await, 1);
        // Also when something else wakes the task.
        assert_eq!(step_at(&mut task, &chain, last + pause).await, 0);
        last += pause;
    }
    let first = chain.batch(0).await;
    assert_eq!(first.len(), 2);
    assert_eq!(chain.batch(1).await, first);

    // One that could not be sent is sent soon, and what is decided is not repeated.
    let key = storage::keyshares(8, KeyshareKind::Secret);
    chain.remove(&key);
    chain.fate(Fate::Refused);
    assert_eq!(step_at(&mut task, &chain, last + 4096).await, 1);
    chain.fate(Fate::Works);
    assert_eq!(step_at(&mut task, &chain, last + 4097).await, 1);
    assert_eq!(chain.batch(chain.batches() - 1).await, first[..1]);
    assert_eq!(step_at(&mut task, &chain, last + 4099).await, 0);
    assert_eq!(task.repeats.len(), 1);
}
