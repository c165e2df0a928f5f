// SPDX-License-Identifier: Apache-2.0
//! Secrets and capsules of the same NFT.

use super::*;

const NFT: NftId = 4;

fn share_of(kind: KeyshareKind) -> &'static [u8] {
    match kind {
        KeyshareKind::Secret => b"the share of the secret",
        KeyshareKind::Capsule => b"the share of the capsule",
    }
}

impl World {
    /// The giver holds a share of this kind, and the chain has it synced.
    async fn synced_of(&self, kind: KeyshareKind, block: BlockNumber) -> VersionKey {
        let version = VersionKey { nft_id: NFT, kind, version: 1 };
        let key = RecordKey { version, split: [kind as u8; 16] };
        let new = NewShare {
            key,
            share: Zeroizing::new(share_of(kind).to_vec()),
            owner: [7; 32],
            slot_id: SLOT,
            token_block: 1,
            stored_at: 1,
            time: 1,
            is_bound: false,
        };
        self.giver.store.store(new).await.unwrap().unwrap();
        self.giver.store.activate(key, block).await.unwrap();
        let record = self.giver.store.record(&key).unwrap().unwrap();
        let mut commitments = [[0xee; 32]; 5];
        commitments[SLOT as usize] = record.commitment(GENESIS, &key);
        let cluster_id = self.giver.cluster_id;
        let synced = SyncedKeyshare { version: 1, cluster_id, block_number: block, commitments };
        let status = KeyshareStatus { synced: Some(synced), pending: None };
        self.chain.set(storage::keyshares(NFT, kind), status);
        let count: u64 = self.chain.get(&storage::sync_count()).unwrap_or_default();
        let (nft_id, block_number) = (NFT, block);
        let entry = SyncLogEntry { nft_id, kind, version: 1, cluster_id, block_number };
        self.chain.set(storage::sync_log(count), entry);
        self.chain.set(storage::sync_count(), count + 1);
        version
    }

    async fn pass(&mut self, syncer: &mut Syncer, block: BlockNumber) {
        self.chain.finalize(block);
        self.giver.view(block).await;
        self.step(syncer, block + 1).await;
    }

    fn holds(&self, version: &VersionKey, block: BlockNumber) {
        let records = self.taker.store.records(version).unwrap();
        let [(_, record)] = &records[..] else { panic!("{version:?}: {}", records.len()) };
        assert_eq!(record.share, share_of(version.kind));
        assert_eq!(record.synced_at, Some(block));
    }
}

/// F11 took one for the other, or neither.
#[tokio::test]
async fn f11_both_kinds_of_one_nft_are_fetched_in_any_order() {
    let (secret, capsule) = (KeyshareKind::Secret, KeyshareKind::Capsule);
    for (first, second, apart) in
        [(secret, capsule, true), (capsule, secret, true), (secret, capsule, false)]
    {
        let mut world = World::new().await;
        let (url, _server) = serve(world.giver.router(&world.chain)).await;
        world.giver.join(&world.chain, ClusterType::Public, SLOT, &url);
        let state = NftState { is_secret: true, is_capsule: true, ..Default::default() };
        world.chain.mint_with(NFT, [7; 32], state);
        world.chain.set(storage::next_nft_id(), NFT + 1);
        let (mut syncer, progress) = world.taker.syncer(&world.chain);
        let one = world.synced_of(first, 9).await;
        if apart {
            world.pass(&mut syncer, 11).await;
            assert_eq!(world.held(), 1);
            world.holds(&one, 9);
        }
        let other = world.synced_of(second, 12).await;
        world.pass(&mut syncer, 13).await;
        assert_eq!(world.held(), 2);
        world.holds(&one, 9);
        world.holds(&other, 12);
        let known = progress.borrow().clone();
        assert!(known.state.is_filled && !known.is_behind, "{known:?}");
    }
}
