// SPDX-License-Identifier: Apache-2.0
//! Bound requests, against enclaves that answer for themselves, for others, or wrongly.

use std::sync::Mutex;

use axum::{body::Bytes, http::Uri, Router};
use base64::{engine::general_purpose::STANDARD, Engine};
use codec::Encode;
use subxt_signer::sr25519::dev;
use tee_primitives::{
    keyshare::{KeyshareKind, SyncedKeyshare},
    packet::{
        answer::{given_info, signed_hash, GivenShare, Receipt, SignedResponse},
        bound::{BoundRetrieve, BoundStore},
        sealed,
    },
    Hash,
};

use super::*;
use crate::packets::KeyVersion;

const GENESIS: Hash = [0x6e; 32];
const SALT: [u8; 32] = [5; 32];
const OF: KeyVersion =
    KeyVersion { genesis_hash: GENESIS, kind: KeyshareKind::Secret, nft_id: NFT, version: 1 };

/// What is done to an answer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Lie {
    None,
    /// The signature is left out.
    Unsigned,
    /// Somebody else has signed.
    OtherSigner,
    /// It is the answer to another request.
    OtherRequest,
    /// What was signed is changed.
    Changed,
    /// It is signed with this status, as a refusal.
    Refusal,
    /// The share, or the receipt, is another one.
    Junk,
    /// It is of another version.
    OtherVersion,
    /// It is of another slot.
    OtherSlot,
    /// It is sealed to a key that anybody has.
    OtherKey,
    /// What is sealed is no share.
    NoShare,
}

struct Liar {
    lie: Lie,
    slot_id: SlotId,
    pair: Keypair,
    secret: [u8; 32],
    /// What it was given, opened.
    share: Mutex<Option<String>>,
    split: Mutex<[u8; 16]>,
}

impl Liar {
    fn receipt(&self, packet: &StoreKeysharePacket) -> (u32, Hash, Option<String>) {
        let data = BoundStore::parse(&packet.data).unwrap();
        assert_eq!(data.enclave, ss58(&self.pair.public_key().0));
        let owner = dev::alice().public_key().0;
        let sealed = STANDARD.decode(data.sealed).unwrap();
        let info = data.info(&owner, &packet.signer_address);
        let share = sealed::open(&self.secret, &info, &sealed).unwrap();
        *self.share.lock().unwrap() = Some(String::from_utf8(share.to_vec()).unwrap());
        *self.split.lock().unwrap() = data.target.split;
        let receipt = Receipt {
            version: data.target.version + u32::from(self.lie == Lie::OtherVersion),
            split: if self.lie == Lie::Junk { [0; 16] } else { data.target.split },
            slot_id: self.slot_id + u32::from(self.lie == Lie::OtherSlot),
            commitment: [0; 32],
            decided_at: 1,
        };
        let receipt = match self.lie {
            Lie::NoShare => vec![1, 2, 3],
            _ => receipt.encode(),
        };
        (data.target.nft_id, packet.request_hash(), Some(STANDARD.encode(receipt)))
    }

    fn given(&self) -> GivenShare {
        let share = self.share.lock().unwrap().clone().unwrap();
        GivenShare {
            share: share.into_bytes(),
            salt: SALT,
            version: 1,
            split: *self.split.lock().unwrap(),
            slot_id: self.slot_id,
            decided_at: 1,
        }
    }

    fn share(&self, packet: &RetrieveKeysharePacket) -> (u32, Hash, Option<String>) {
        let data = BoundRetrieve::parse(&packet.data).unwrap();
        assert_eq!(data.enclave, ss58(&self.pair.public_key().0));
        let mut given = self.given();
        match self.lie {
            // A share of another key that is well-formed by itself.
            Lie::Junk => {
                let [junk, ..] = split(&MediaKey::generate().unwrap()).unwrap();
                given.share = junk.as_str().as_bytes().to_vec();
            }
            Lie::OtherVersion => given.version = 2,
            Lie::OtherSlot => given.slot_id += 1,
            _ => (),
        }
        let encoded = if self.lie == Lie::NoShare { vec![1, 2, 3] } else { given.encode() };
        let key = match self.lie {
            Lie::OtherKey => sealed::public_key(&[1; 32]).unwrap(),
            _ => data.one_time_key,
        };
        let hash = packet.request_hash();
        let info = given_info(&self.pair.public_key().0, &hash);
        let sealed = sealed::seal(&key, &info, &encoded, &[9; 32]).unwrap();
        (data.nft_id, hash, Some(STANDARD.encode(sealed)))
    }

    fn answer(&self, path: &str, body: &[u8]) -> Answer {
        let is_store = path.ends_with("store-keyshare");
        let (nft_id, mut hash, keyshare_data) = if is_store {
            self.receipt(&serde_json::from_slice(body).unwrap())
        } else {
            self.share(&serde_json::from_slice(body).unwrap())
        };
        let (http, status) = match (self.lie, is_store) {
            (Lie::Refusal, _) => (StatusCode::FORBIDDEN, "BOUNDONLY"),
            (_, true) => (StatusCode::OK, STORE_SUCCESS),
            (_, false) => (StatusCode::OK, RETRIEVE_SUCCESS),
        };
        let mut response = KeyshareResponse {
            status: status.to_owned(),
            nft_id,
            enclave_account: ss58(&self.pair.public_key().0),
            keyshare_data,
            description: String::from("described"),
        };
        if self.lie == Lie::OtherRequest {
            hash = [1; 32];
        }
        let signer = if self.lie == Lie::OtherSigner { dev::eve() } else { self.pair.clone() };
        let signature = signer.sign(&signed_hash(&hash, http.as_u16(), &response)).0;
        let signature = Some(format!("0x{}", hex::encode(signature)));
        if self.lie == Lie::Changed {
            response.nft_id += 1;
        }
        let signature = signature.filter(|_| self.lie != Lie::Unsigned);
        (http, serde_json::to_string(&SignedResponse { response, signature }).unwrap())
    }
}

async fn route(State(liar): State<Arc<Liar>>, uri: Uri, body: Bytes) -> Answer {
    liar.answer(uri.path(), &body)
}

struct World {
    members: Members,
    enclaves: Vec<Arc<Liar>>,
    key: MediaKey,
}

impl World {
    /// A cluster that was given shares of a key, one of whose enclaves lies.
    async fn start(slot: SlotId, lie: Lie) -> (Self, StoreReport) {
        let mut members =
            Members { cluster_id: 0, cluster_type: ClusterType::Public, enclaves: Vec::new() };
        let mut enclaves = Vec::new();
        for slot_id in 0..5u32 {
            let seed = 10 + u8::try_from(slot_id).unwrap();
            let liar = Arc::new(Liar {
                lie: if slot_id == slot { lie } else { Lie::None },
                slot_id,
                pair: Keypair::from_secret_key([seed; 32]).unwrap(),
                secret: [seed; 32],
                share: Mutex::default(),
                split: Mutex::default(),
            });
            let router = Router::new().fallback(route).with_state(liar.clone());
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            let url = format!("http://{}", listener.local_addr().unwrap());
            tokio::spawn(async move { axum::serve(listener, router).await });
            members.enclaves.push(Member {
                slot_id,
                operator: [0; 32],
                enclave_account: liar.pair.public_key().0,
                url,
                tls_spki_hash: [0; 32],
                encryption_key: sealed::public_key(&liar.secret),
            });
            enclaves.push(liar);
        }
        let key = MediaKey::generate().unwrap();
        let world = Self { members, enclaves, key };
        let attempt = StoreAttempt::bound(&dev::alice(), &OF, &world.key, 100).unwrap();
        let deadline = Instant::now() + LONG;
        let report = store(&client(), &world.members, &attempt, deadline).await.unwrap();
        (world, report)
    }

    /// What the chain has synced: every enclave has stored what it was given.
    fn wanted(&self) -> Wanted {
        let commitments = self
            .enclaves
            .iter()
            .map(|enclave| enclave.given().commitment(GENESIS, NFT, KeyshareKind::Secret, true));
        let commitments: Vec<_> = commitments.collect();
        Wanted {
            genesis_hash: GENESIS,
            kind: KeyshareKind::Secret,
            nft_id: NFT,
            role: RequesterType::Owner,
            synced: SyncedKeyshare {
                version: 1,
                cluster_id: 0,
                block_number: 100,
                commitments: commitments.try_into().unwrap(),
            },
            finalized: 100,
        }
    }

    /// Asks those in these slots alone.
    async fn retrieve(&self, slots: &[SlotId]) -> Result<MediaKey, NotRecovered> {
        let mut members = self.members.clone();
        members.enclaves.retain(|member| slots.contains(&member.slot_id));
        let opens = |found: &MediaKey| found.as_bytes() == self.key.as_bytes();
        let deadline = Instant::now() + LONG;
        retrieve(&client(), &members, &dev::alice(), &self.wanted(), opens, deadline).await
    }
}

fn client() -> EnclaveClient {
    EnclaveClient::new().unwrap()
}

const ALL: [SlotId; 5] = [0, 1, 2, 3, 4];

#[tokio::test]
async fn a_key_is_stored_and_comes_back_by_bound_requests() {
    let (world, report) = World::start(0, Lie::None).await;
    assert!(report.is_complete(), "{report}");
    assert_eq!(world.retrieve(&ALL).await.unwrap().as_bytes(), world.key.as_bytes());
    assert!(world.retrieve(&[0, 2, 4]).await.is_ok());
    let failed = world.retrieve(&[0, 2]).await.unwrap_err();
    assert!(failed.slots.iter().all(|slot| slot.result.is_ok()));
}

#[tokio::test]
async fn f4_an_answer_that_the_enclave_has_not_signed_for_this_request_counts_for_nothing() {
    for lie in [Lie::Unsigned, Lie::OtherSigner, Lie::OtherRequest, Lie::Changed] {
        let (world, report) = World::start(2, lie).await;
        let [a, b, liar, c, d] = &report.slots[..] else { panic!("{report}") };
        assert!([a, b, c, d].iter().all(|slot| slot.result.is_ok()), "{lie:?}: {report}");
        assert!(
            matches!(liar.result, Err(EnclaveError::Unsigned { http: 200, .. })),
            "{lie:?}: {report}"
        );
        assert_eq!(report.next(true), Next::GiveUp);
        // Three others suffice for viewing; with two of them it is named.
        assert!(world.retrieve(&ALL).await.is_ok());
        let failed = world.retrieve(&[0, 1, 2]).await.unwrap_err();
        let liar = &failed.slots[2].result;
        assert!(matches!(liar, Err(EnclaveError::Unsigned { .. })), "{lie:?}: {failed}");
    }
}

#[tokio::test]
async fn a_signed_refusal_is_one() {
    let (world, report) = World::start(2, Lie::Refusal).await;
    for result in
        [&report.slots[2].result, &world.retrieve(&[2]).await.unwrap_err().slots[0].result]
    {
        let Err(EnclaveError::Refused { http: 403, status, .. }) = result else {
            panic!("{result:?}")
        };
        assert_eq!(status, "BOUNDONLY");
    }
}

#[tokio::test]
async fn a_receipt_for_another_share_is_none() {
    for lie in [Lie::Junk, Lie::OtherVersion, Lie::OtherSlot, Lie::NoShare] {
        let (_, report) = World::start(2, lie).await;
        let result = &report.slots[2].result;
        assert!(matches!(result, Err(EnclaveError::Unproven(_))), "{lie:?}: {report}");
    }
}

#[tokio::test]
async fn g3_a_share_without_the_chains_commitment_is_dropped_and_its_giver_named() {
    for lie in [Lie::Junk, Lie::OtherVersion, Lie::OtherSlot, Lie::OtherKey, Lie::NoShare] {
        let (world, _) = World::start(2, lie).await;
        assert!(world.retrieve(&ALL).await.is_ok(), "{lie:?}");
        let failed = world.retrieve(&[0, 1, 2]).await.unwrap_err();
        let [first, second, liar] = &failed.slots[..] else { panic!("{failed}") };
        assert!(first.result.is_ok() && second.result.is_ok(), "{failed}");
        assert!(matches!(liar.result, Err(EnclaveError::BadShare(_))), "{lie:?}: {failed}");
        assert!(failed.to_string().contains("slot 2: the enclave answered with an unusable share"));
    }
}

#[tokio::test]
async fn nothing_is_sent_to_an_enclave_whose_attestation_does_not_count() {
    let (mut world, _) = World::start(0, Lie::None).await;
    world.members.enclaves[3].encryption_key = None;
    let attempt = StoreAttempt::bound(&dev::alice(), &OF, &world.key, 100).unwrap();
    let before = world.enclaves[3].share.lock().unwrap().clone();
    let deadline = Instant::now() + LONG;
    let report = store(&client(), &world.members, &attempt, deadline).await.unwrap();
    assert!(matches!(report.slots[3].result, Err(EnclaveError::NotAttested)), "{report}");
    assert_eq!(*world.enclaves[3].share.lock().unwrap(), before);
    assert_eq!(report.next(true), Next::SameAgain);
}

/// What somebody on the way sees of a store request and of the answer to a retrieve request.
#[tokio::test]
async fn f4_no_share_is_seen_on_the_way() {
    let (world, _) = World::start(0, Lie::None).await;
    let attempt = StoreAttempt::bound(&dev::alice(), &OF, &world.key, 100).unwrap();
    let target = attempt.target().unwrap();
    for (member, share) in world.members.enclaves.iter().zip(attempt.shares()) {
        let packet = crate::bound::store_packet(&attempt, target, share, member).unwrap();
        let seen = serde_json::to_string(&packet).unwrap();
        let text = share.as_str();
        for secret in [text, &STANDARD.encode(text), &hex::encode(text)] {
            assert!(!seen.contains(secret));
        }
        // Each time it is sealed anew.
        let again = crate::bound::store_packet(&attempt, target, share, member).unwrap();
        assert_ne!(again.data, packet.data);
        assert_eq!(again.signer_address, packet.signer_address);
    }
}
