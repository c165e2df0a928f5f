// SPDX-License-Identifier: Apache-2.0
//! View logs travel to the slot's other enclaves.

use super::*;
use crate::store::Access;
use tee_primitives::authorisation::Role;

impl Node {
    async fn views(&self, nft_id: NftId, viewer: u8) {
        let version = VersionKey { nft_id, kind: KeyshareKind::Secret, version: 1 };
        let access =
            Access { version, account: [viewer; 32], role: Role::Owner, block: 9, time: 1 };
        self.store.log_view(access).await.unwrap();
    }

    /// Its log is attested as it is now, and its API is at this address.
    fn attests(&self, chain: &Scripted, url: &str) {
        self.join(chain, ClusterType::Public, SLOT, url);
        let mut record = attesting::record(&self.own, 1);
        record.facts.platform = platform(&self.machine);
        record.log_head = self.store.log_head();
        chain.set(storage::attestation(&self.own.account), record);
    }
}

/// Who has viewed, by what an enclave has copied of others' logs.
fn viewers(node: &Node, nft_id: NftId) -> Vec<(RawAccountId, u8)> {
    let entries = node.store.others_log_of(nft_id, None, 1000).unwrap();
    let viewed = entries.into_iter().filter_map(|(_, origin, _, entry)| match entry {
        LogEntry::Viewed(access) => Some((origin, access.account[0])),
        _ => None,
    });
    viewed.collect()
}

#[tokio::test]
async fn a_log_is_copied_and_continued_where_the_copy_ends() {
    let mut world = World::new().await;
    let (url, _server) = serve(world.giver.router(&world.chain)).await;
    let origin = world.giver.own.account;
    // More than one message takes.
    for viewer in 0..200 {
        world.giver.views(viewer.into(), viewer).await;
        world.giver.views(7, viewer).await;
        world.giver.views(7, viewer).await;
    }
    world.giver.attests(&world.chain, &url);
    let (mut syncer, _progress) = world.taker.syncer(&world.chain);
    world.chain.finalize(11);
    world.giver.view(11).await;
    world.step(&mut syncer, 12).await;
    let copied = world.taker.store.copied(&origin).unwrap();
    assert_eq!((copied.tip, copied.count), (world.giver.store.log_head(), 600));
    assert_eq!(viewers(&world.taker, 7).len(), 401);
    assert_eq!(viewers(&world.taker, 8), [(origin, 8)]);

    // Not more often than once a minute.
    world.giver.views(8, 77).await;
    world.step(&mut syncer, 13).await;
    assert_eq!(world.taker.store.copied(&origin).unwrap(), copied);
    syncer.copying = Default::default();
    world.step(&mut syncer, 14).await;
    assert_eq!(viewers(&world.taker, 8), [(origin, 8), (origin, 77)]);
}

#[tokio::test]
async fn without_a_channel_or_news_nobody_is_asked() {
    let mut world = World::new().await;
    let (url, _server) = serve(world.giver.router(&world.chain)).await;
    world.giver.views(1, 1).await;
    // The chain has not attested that entry.
    world.giver.join(&world.chain, ClusterType::Public, SLOT, &url);
    let (mut syncer, _progress) = world.taker.syncer(&world.chain);
    world.chain.finalize(11);
    world.giver.view(11).await;
    world.step(&mut syncer, 12).await;
    assert!(viewers(&world.taker, 1).is_empty());
}

/// The origin is gone, and its log comes from somebody who has a copy.
#[tokio::test]
async fn what_an_enclave_that_is_gone_has_shown_comes_from_who_has_a_copy() {
    let mut world = World::new().await;
    let gone = Node::of(&world.chain, 9, keypair(9));
    for viewer in 1..=3 {
        gone.views(5, viewer).await;
    }
    let rows = gone.store.log_rows(LogHead::default(), 60_000).unwrap().unwrap();
    world.giver.store.copy_log(gone.own.account, rows, true).await.unwrap().unwrap();
    world.giver.views(5, 4).await;
    let (url, _server) = serve(world.giver.router(&world.chain)).await;
    world.giver.attests(&world.chain, &url);
    let (mut syncer, _progress) = world.taker.syncer(&world.chain);
    world.chain.finalize(11);
    world.giver.view(11).await;
    world.step(&mut syncer, 12).await;
    let mut found = viewers(&world.taker, 5);
    found.sort_by_key(|(_, viewer)| *viewer);
    let (gone, giver) = (gone.own.account, world.giver.own.account);
    assert_eq!(found, [(gone, 1), (gone, 2), (gone, 3), (giver, 4)]);
}

/// An origin whose disk was taken back goes on from an older place: both ways on are kept, and it
/// gets back what its own disk has lost.
#[tokio::test]
async fn both_ways_on_of_a_log_that_was_taken_back_are_kept() {
    let mut world = World::new().await;
    let origin = world.giver.own.account;
    // What it had shown before: with the present log, two ways on from the beginning.
    let before = Node::of(&world.chain, 9, keypair(9));
    for viewer in 1..=3 {
        before.views(5, viewer).await;
    }
    let rows = before.store.log_rows(LogHead::default(), 60_000).unwrap().unwrap();
    world.taker.store.copy_log(origin, rows, true).await.unwrap().unwrap();
    for viewer in 11..=14 {
        world.giver.views(5, viewer).await;
    }
    let (url, _server) = serve(world.giver.router(&world.chain)).await;
    world.giver.attests(&world.chain, &url);
    let (mut syncer, _progress) = world.taker.syncer(&world.chain);
    world.chain.finalize(11);
    world.giver.view(11).await;
    world.step(&mut syncer, 12).await;
    let mut found: Vec<u8> = viewers(&world.taker, 5).iter().map(|(_, viewer)| *viewer).collect();
    found.sort_unstable();
    assert_eq!(found, [1, 2, 3, 11, 12, 13, 14]);
    let copied = world.taker.store.copied(&origin).unwrap();
    assert_eq!((copied.tip, copied.count), (world.giver.store.log_head(), 7));

    // The other way round: the giver knows that its log was taken back, and asks for it.
    let (url, _server) = serve(world.taker.router(&world.chain)).await;
    world.taker.views(6, 1).await;
    world.taker.attests(&world.chain, &url);
    assert!(world.giver.store.check_log(LogHead { count: 3, hash: [1; 32] }).await.unwrap());
    let (mut syncer, _progress) = world.giver.syncer(&world.chain);
    world.chain.finalize(13);
    world.taker.view(13).await;
    let view = world.giver.view(13).await;
    in_time(async { while syncer.step(&view).await.unwrap() {} }).await;
    let own = viewers(&world.giver, 5);
    assert!((1..=3).all(|viewer| own.contains(&(origin, viewer))), "{own:?}");
}
