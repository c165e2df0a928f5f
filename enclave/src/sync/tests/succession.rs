// SPDX-License-Identifier: Apache-2.0
//! A successor takes over: the predecessor hands over what the chain has not decided about, and
//! neither stores nor confirms meanwhile.

use super::*;
use crate::{chain::scripted::attesting::Sent, store::StoreRefusal};

const LAST: BlockNumber = 10_000;

/// The giver's operator has an approved successor; the taker's cluster plays no part.
struct Migration {
    world: World,
    successor: Node,
    syncer: Syncer,
    progress: watch::Receiver<Progress>,
}

fn pending(nft_id: NftId, split: u8) -> RecordKey {
    let version = VersionKey { nft_id, kind: KeyshareKind::Secret, version: 1 };
    RecordKey { version, split: [split; 16] }
}

fn new(key: RecordKey, stored_at: BlockNumber, slot_id: SlotId) -> NewShare {
    let share = Zeroizing::new(SHARE.to_vec());
    let is_bound = is_bound(key.version.nft_id);
    NewShare { key, share, owner: [7; 32], slot_id, token_block: 1, stored_at, time: 1, is_bound }
}

impl Migration {
    async fn new() -> Self {
        let world = World::new().await;
        let operator = world.giver.own.operator;
        let successor = Node::of(&world.chain, 4, world.giver.operator.clone());
        let facts = successor.attest(&world.chain);
        let api_uri = b"http://127.0.0.1:1".to_vec();
        let enclave = Enclave { enclave_address: successor.own.account, api_uri };
        let migration = tee_primitives::cluster::Migration { enclave, facts, until: LAST };
        world.chain.set(storage::migration(&operator), migration);
        let (syncer, progress) = successor.syncer(&world.chain);
        Self { world, successor, syncer, progress }
    }

    /// The predecessor answers from now on.
    async fn serve(&mut self) -> JoinHandle<()> {
        let (url, server) = serve(self.world.giver.router(&self.world.chain)).await;
        self.world.giver.join(&self.world.chain, ClusterType::Public, SLOT, &url);
        server
    }

    async fn step(&mut self, block: BlockNumber) {
        self.world.chain.finalize(block);
        self.world.giver.view(block).await;
        let view = self.successor.view(block).await;
        in_time(async { while self.syncer.step(&view).await.unwrap() {} }).await;
    }

    /// What the successor has asked the chain for.
    fn asked(&self) -> Vec<u64> {
        let sent = self.world.chain.sent();
        let cursors = sent.iter().map(|sent| match sent {
            Sent::TakingOver(operator, cursor) => {
                assert_eq!(*operator, self.world.giver.own.operator);
                *cursor
            }
            sent => panic!("it takes over: {sent:?}"),
        });
        cursors.collect()
    }

    async fn store(&self, key: RecordKey, at: BlockNumber) -> Result<(), StoreRefusal> {
        self.world.giver.store.store(new(key, at, SLOT)).await.unwrap().map(drop)
    }
}

#[tokio::test]
async fn what_the_chain_has_not_decided_is_handed_over_before_the_slot_is_asked_for() {
    let mut migration = Migration::new().await;
    migration.world.synced(0..3).await;
    let _server = migration.serve().await;
    for nft_id in 10..110 {
        migration.store(pending(nft_id, 1), 10).await.unwrap();
    }
    // Two splits, the newer one first in the order of keys; and a share of another slot.
    migration.store(pending(110, 9), 10).await.unwrap();
    migration.store(pending(110, 2), 10).await.unwrap();
    let elsewhere = new(pending(111, 1), 10, SLOT + 1);
    migration.world.giver.store.store(elsewhere).await.unwrap().unwrap();

    // Its log first, and then the slot.
    migration.step(11).await;
    assert_eq!(migration.world.giver.store.paused_until().unwrap(), 0);
    migration.step(12).await;
    let held = migration.successor.store.held_after(None, 1000).unwrap();
    assert_eq!(held.len(), 3 + 100 + 2);
    for nft_id in 10..111 {
        let version = pending(nft_id, 1).version;
        let (of, there) = (&migration.world.giver.store, &migration.successor.store);
        for (key, record) in of.records(&version).unwrap() {
            // The same salt: what the chain may still decide names this share too.
            let same = there.record(&key).unwrap().unwrap();
            assert_eq!((&same.share, same.salt), (&record.share, record.salt));
            assert_eq!(same.is_bound, is_bound(version.nft_id));
        }
        assert!(there.is_unsynced(&version).unwrap());
    }
    let outbox = migration.successor.store.outbox(1000).unwrap();
    let last = outbox.last().map(|(_, key)| *key);
    assert_eq!((outbox.len(), last), (101, Some(pending(110, 2))));

    // Only then, and when what was on its way has settled, the chain is asked.
    for block in 13..18 {
        migration.step(block).await;
        assert!(migration.asked().is_empty(), "#{block}");
    }
    migration.step(18).await;
    assert_eq!(migration.asked(), [3]);
    assert!(migration.progress.borrow().state.is_filled);
    // Asked for again, nothing comes twice.
    assert_eq!(migration.successor.store.held_after(None, 1000).unwrap().len(), held.len());
}

#[tokio::test]
async fn a_predecessor_that_hands_over_takes_no_shares_until_its_pause_ends() {
    let mut migration = Migration::new().await;
    let _server = migration.serve().await;
    migration.store(pending(1, 1), 10).await.unwrap();
    migration.step(11).await;
    migration.step(12).await;
    let until = migration.world.giver.store.paused_until().unwrap();
    assert_eq!(until, 12 + 128);
    assert_eq!(migration.store(pending(2, 1), 12).await, Err(StoreRefusal::HandingOver));
    // What is held is the same success as ever.
    migration.store(pending(1, 1), 12).await.unwrap();
    assert_eq!(migration.store(pending(2, 1), until - 1).await, Err(StoreRefusal::HandingOver));
    migration.store(pending(2, 1), until).await.unwrap();
}

/// A successor that the chain never accepts does not keep the cluster from syncing.
#[tokio::test]
async fn a_pause_is_never_made_longer_and_the_next_one_comes_long_after_it() {
    let mut migration = Migration::new().await;
    let _server = migration.serve().await;
    let (mut paused, mut last) = (0, 0);
    for block in 11..900 {
        migration.step(block).await;
        let until = migration.world.giver.store.paused_until().unwrap();
        paused += u32::from(block < until);
        // What it sends cannot be included after the pause.
        if migration.asked().len() > last {
            last = migration.asked().len();
            assert!(block + 64 < until, "asked at #{block}, paused until #{until}");
        }
    }
    assert!(last >= 4, "it asks again and again: {last}");
    assert!((129..300).contains(&paused), "paused for {paused} of 889 blocks");
    // Shares are stored and confirmed again.
    let until = migration.world.giver.store.paused_until().unwrap();
    migration.store(pending(7, 1), until).await.unwrap();
}

/// The chain would not give it the slot.
#[tokio::test]
async fn a_successor_that_is_not_what_was_approved_is_handed_nothing() {
    let mut migration = Migration::new().await;
    let _server = migration.serve().await;
    let mut record = attesting::record(&migration.successor.own, 1);
    record.facts.platform = platform(&migration.successor.machine);
    record.facts.isv_svn += 1;
    migration.world.chain.set(storage::attestation(&migration.successor.own.account), record);
    for block in 11..20 {
        migration.step(block).await;
    }
    assert_eq!(migration.world.giver.store.paused_until().unwrap(), 0);
    assert!(migration.asked().is_empty());
}

/// With its predecessor gone, it has what other clusters hold.
#[tokio::test]
async fn a_successor_of_a_machine_that_is_gone_is_filled_by_other_clusters() {
    let mut migration = Migration::new().await;
    migration.world.synced(0..5).await;
    // The other cluster has them all.
    for nft_id in 0..5 {
        let version = VersionKey { nft_id, kind: KeyshareKind::Secret, version: 1 };
        let (key, record) = migration.world.giver.store.records(&version).unwrap().remove(0);
        let fetched = Fetched {
            key,
            share: Zeroizing::new(record.share.clone()),
            salt: record.salt,
            owner: record.owner,
            slot_id: SLOT,
            token_block: 1,
            synced_at: Some(9),
            decided_at: 10,
            from: [0; 32],
            is_bound: record.is_bound,
            commitment: None,
        };
        let taker = &migration.world.taker.store;
        taker.correct(vec![Correction::Want(version)], 9).await.unwrap();
        let state = SyncState { place: Some(migration.world.taker.place()), ..Default::default() };
        taker.scanned(Vec::new(), state, 9).await.unwrap();
        assert_eq!(taker.fetched(vec![fetched]).await.unwrap(), 1);
    }
    let (url, _server) = serve(migration.world.taker.router(&migration.world.chain)).await;
    migration.world.taker.join(&migration.world.chain, ClusterType::Public, SLOT, &url);
    migration.world.chain.remove(&storage::attestation(&migration.world.giver.own.account));
    for block in 11..80 {
        migration.world.chain.finalize(block);
        migration.world.taker.view(block).await;
        let view = migration.successor.view(block).await;
        in_time(async { while migration.syncer.step(&view).await.unwrap() {} }).await;
    }
    assert_eq!(migration.successor.store.held_after(None, 10).unwrap().len(), 5);
    assert!(!migration.asked().is_empty());
}

/// As while the own cluster syncs: the predecessor stores until it is asked, and no longer.
#[tokio::test]
async fn every_share_is_either_handed_over_or_refused() {
    let mut migration = Migration::new().await;
    let _server = migration.serve().await;
    let store = migration.world.giver.store.clone();
    let storing = tokio::spawn(async move {
        let mut stored = Vec::new();
        for nft_id in 1.. {
            match store.store(new(pending(nft_id, 1), 10, SLOT)).await.unwrap() {
                Ok(_) => stored.push(nft_id),
                Err(refusal) => return (stored, refusal),
            }
        }
        unreachable!("there are more NFTs than that")
    });
    migration.step(11).await;
    migration.step(12).await;
    let (stored, refusal) = in_time(storing).await.unwrap();
    assert_eq!(refusal, StoreRefusal::HandingOver);
    assert!(!stored.is_empty(), "nothing was stored before the pause");
    for nft_id in stored {
        let handed = migration.successor.store.record(&pending(nft_id, 1)).unwrap();
        assert!(handed.is_some(), "the share of {nft_id} is lost");
    }
}

#[tokio::test]
async fn a_predecessor_that_is_gone_is_waited_for_in_vain_only_so_long() {
    let mut migration = Migration::new().await;
    let mut asked_at = None;
    for block in 11..80 {
        migration.step(block).await;
        if !migration.asked().is_empty() {
            asked_at = Some(block);
            break;
        }
    }
    let asked_at = asked_at.expect("it asks for the slot");
    assert!((11 + 32..60).contains(&asked_at), "#{asked_at}");
}

#[tokio::test]
async fn only_the_successor_is_handed_anything() {
    let mut world = World::new().await;
    let (url, _server) = serve(world.giver.router(&world.chain)).await;
    world.giver.join(&world.chain, ClusterType::Public, SLOT, &url);
    world.giver.store.store(new(pending(1, 1), 10, SLOT)).await.unwrap().unwrap();
    world.chain.finalize(11);
    world.giver.view(11).await;
    let view = world.taker.view(11).await;
    let place = world.giver.place();
    let known = peers::clusters(&*world.chain, &view).await.unwrap();
    let named = peers::others(&*world.chain, &view, world.taker.place(), &known).await.unwrap();
    let dialer = world.taker.dialer(&world.chain);
    let asked = dialer.say(&view, place, &named.live[0], None, &Ask::HandOver(None)).await;
    assert_eq!(asked.err(), Some(PullError::Refused("NOTAPEER".into())));
    assert_eq!(world.giver.store.paused_until().unwrap(), 0);
}
