// SPDX-License-Identifier: Apache-2.0
//! NFTs that carry a secret and a capsule.

use super::{
    viewing::{path, KINDS},
    *,
};

const BOTH: NftId = 8;

fn share_of(kind: KeyshareKind) -> &'static str {
    match kind {
        KeyshareKind::Secret => "the share of the secret",
        KeyshareKind::Capsule => "the share of the capsule",
    }
}

fn carrying(kinds: &[KeyshareKind]) -> NftState {
    NftState {
        is_secret: kinds.contains(&KeyshareKind::Secret),
        is_capsule: kinds.contains(&KeyshareKind::Capsule),
        ..Default::default()
    }
}

/// How far the share of one kind has come.
#[derive(Clone, Copy, Debug, Default)]
struct Stage {
    stored: Option<RecordKey>,
    synced: Option<BlockNumber>,
    views: usize,
    gone: bool,
}

impl Enclave {
    async fn keep(&self, kind: KeyshareKind) -> RecordKey {
        let now = self.chain.finalized() + 1;
        self.finalize(now).await;
        let packet = store_packet(BOTH, share_of(kind), now);
        self.store_of(kind, &packet).await.is(200, "STORESUCCESS");
        let version = VersionKey { nft_id: BOTH, kind, version: 1 };
        let key = RecordKey { version, split: split_of_signer(&packet.signer_address) };
        self.confirmed(&key).await;
        key
    }

    async fn sync_kind(&self, key: &RecordKey) -> BlockNumber {
        let record = self.context.store.record(key).unwrap().unwrap();
        let now = self.chain.finalized() + 1;
        self.chain.sync_of(key.version.kind, BOTH, now, record.commitment(GENESIS, key));
        self.finalize(now).await;
        in_time(async {
            while self.context.store.held(BOTH, key.version.kind).unwrap() != Some(now) {
                tokio::task::yield_now().await;
            }
        })
        .await;
        now
    }

    async fn remove_of(&self, kind: KeyshareKind) -> Answer {
        let body = json!({"requester_address": address_of(&dev::eve()), "nft_id": BOTH});
        self.send(post(&path(kind, "remove-keyshare"), &body)).await
    }

    /// Each kind is exactly as far as it has come itself.
    async fn check(&self, stages: &mut [Stage; 2]) {
        let now = self.chain.finalized();
        for (kind, stage) in KINDS.into_iter().zip(stages.iter_mut()) {
            let available = path(kind, &format!("is-keyshare-available/{BOTH}"));
            let available = self.get(&available).await.body;
            let exists = stage.stored.is_some() && !stage.gone;
            assert_eq!(available["exists"], json!(exists), "{kind:?} {stage:?}");
            if exists {
                assert_eq!(available["block_number"], json!(stage.synced.unwrap_or(0)));
            }
            let answer = self.retrieve_of(kind, &retrieve_packet(&owner(), BOTH, now)).await;
            if stage.gone {
                assert_eq!(answer.code, StatusCode::BAD_REQUEST);
            } else if stage.synced.is_some() {
                answer.is(200, "RETRIEVESUCCESS");
                let data = format!("{BOTH}_{}_{now}_15", share_of(kind));
                assert_eq!(answer.body["keyshare_data"], json!(data));
                stage.views += 1;
            } else {
                answer.is(403, "NOTSYNCED");
            }
        }
        // Both routes tell the history of both, and none of one's events is the other's.
        for (kind, stage) in KINDS.into_iter().zip(*stages) {
            if stage.gone {
                continue;
            }
            let log = self.get(&path(kind, &format!("get-views-log/{BOTH}"))).await;
            assert_eq!(log.code, StatusCode::OK);
            for (name, stage) in ["secret_nft", "capsule"].into_iter().zip(*stages) {
                let events = log.body["log"][name].as_object().unwrap();
                let expected = usize::from(stage.stored.is_some()) + stage.views;
                assert_eq!(events.len(), expected, "{name} {stage:?}");
                let stores = events.values().filter(|event| event["event"] == "STORE").count();
                assert_eq!(stores, usize::from(stage.stored.is_some()));
            }
        }
    }
}

/// F11 kept one entry for both: after the second came, neither was served.
#[tokio::test]
async fn f11_a_secret_and_a_capsule_of_one_nft_go_their_own_ways() {
    // Which of the two takes its next step: stored, then synced.
    for order in ["0011", "0101", "0110", "1001", "1010", "1100"] {
        let enclave = Enclave::start().await;
        enclave.chain.mint_with(BOTH, owner().public_key().0, carrying(&KINDS));
        for kind in KINDS {
            enclave.chain.pending_of(kind, BOTH, 1);
        }
        let mut stages = [Stage::default(); 2];
        for step in order.bytes() {
            let index = usize::from(step - b'0');
            match stages[index].stored {
                None => stages[index].stored = Some(enclave.keep(KINDS[index]).await),
                Some(key) => stages[index].synced = Some(enclave.sync_kind(&key).await),
            }
            enclave.check(&mut stages).await;
        }
        for kind in KINDS {
            enclave.remove_of(kind).await.is(400, "NOTBURNT");
        }
        let enclave = enclave.restart().await;
        enclave.check(&mut stages).await;
    }
}

#[tokio::test]
async fn f11_what_is_left_of_an_nft_stays_when_its_other_content_goes() {
    for (index, gone) in KINDS.into_iter().enumerate() {
        let enclave = Enclave::start().await;
        enclave.chain.mint_with(BOTH, owner().public_key().0, carrying(&KINDS));
        enclave.chain.set(storage::next_nft_id(), BOTH + 1);
        let mut stages = [Stage::default(); 2];
        for (kind, stage) in KINDS.into_iter().zip(&mut stages) {
            enclave.chain.pending_of(kind, BOTH, 1);
            let key = enclave.keep(kind).await;
            stage.stored = Some(key);
            stage.synced = Some(enclave.sync_kind(&key).await);
        }
        let left = KINDS[1 - index];
        enclave.chain.mint_with(BOTH, owner().public_key().0, carrying(&[left]));
        let now = enclave.chain.finalized() + 1;
        enclave.finalize(now).await;
        enclave.remove_of(left).await.is(400, "NOTBURNT");
        enclave.remove_of(gone).await.is(200, "REMOVESUCCESS");
        stages[index].gone = true;
        enclave.check(&mut stages).await;
        // And the other one when the NFT is burnt.
        enclave.chain.remove(&storage::nft(BOTH));
        let now = enclave.chain.finalized() + 1;
        enclave.finalize(now).await;
        enclave.remove_of(left).await.is(200, "REMOVESUCCESS");
        assert_eq!(enclave.context.store.held_after(None, 10).unwrap().len(), 0);
    }
}
