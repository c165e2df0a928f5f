// SPDX-License-Identifier: Apache-2.0
//! Who gets a share: kinds, roles and states; and that nobody gets one unnoticed.

use tee_primitives::{
    abi::storage,
    attestation::{AttestationPayload, LogHead},
    authorisation::Role,
};

use super::*;
use crate::store::{Access, LogEntry};

pub(super) const KINDS: [KeyshareKind; 2] = [KeyshareKind::Secret, KeyshareKind::Capsule];
const ROLES: [(RequesterType, Role); 3] = [
    (RequesterType::Owner, Role::Owner),
    (RequesterType::Delegatee, Role::Delegatee),
    (RequesterType::Rentee, Role::Rentee),
];

fn delegatee() -> Keypair {
    dev::charlie()
}

fn rentee() -> Keypair {
    dev::dave()
}

fn stranger() -> Keypair {
    dev::eve()
}

pub(super) fn path(kind: KeyshareKind, what: &str) -> String {
    match kind {
        KeyshareKind::Secret => format!("/api/secret-nft/{what}"),
        KeyshareKind::Capsule => format!("/api/capsule-nft/{what}"),
    }
}

pub(super) fn store_path(kind: KeyshareKind) -> String {
    path(kind, if kind == KeyshareKind::Secret { "store-keyshare" } else { "set-keyshare" })
}

fn packet_of(
    requester: &Keypair,
    role: RequesterType,
    nft_id: NftId,
    block: BlockNumber,
) -> RetrieveKeysharePacket {
    RetrieveKeysharePacket { requester_type: role, ..retrieve_packet(requester, nft_id, block) }
}

impl Enclave {
    pub(super) async fn store_of(
        &self,
        kind: KeyshareKind,
        packet: &StoreKeysharePacket,
    ) -> Answer {
        self.send(post(&store_path(kind), packet)).await
    }

    pub(super) async fn retrieve_of(
        &self,
        kind: KeyshareKind,
        packet: &RetrieveKeysharePacket,
    ) -> Answer {
        self.send(post(&path(kind, "retrieve-keyshare"), packet)).await
    }

    /// Mints an NFT of a kind, whose first version is pending.
    pub(super) fn mint_of(&self, kind: KeyshareKind, nft_id: NftId) {
        let state = NftState {
            is_secret: kind == KeyshareKind::Secret,
            is_capsule: kind == KeyshareKind::Capsule,
            ..Default::default()
        };
        self.chain.mint_with(nft_id, owner().public_key().0, state);
        self.chain.pending_of(kind, nft_id, 1);
    }

    /// Stores a share of the pending version and lets the chain sync it. At which block.
    pub(super) async fn put(
        &self,
        kind: KeyshareKind,
        nft_id: NftId,
        version: u32,
        share: &str,
    ) -> u32 {
        let now = self.chain.finalized() + 1;
        self.finalize(now).await;
        let packet = store_packet(nft_id, share, now);
        self.store_of(kind, &packet).await.is(200, "STORESUCCESS");
        let split = split_of_signer(&packet.signer_address);
        let key = RecordKey { version: VersionKey { nft_id, kind, version }, split };
        // Its confirmation makes a block.
        self.confirmed(&key).await;
        let record = self.context.store.record(&key).unwrap().unwrap();
        let now = self.chain.finalized() + 1;
        self.chain.sync_of(kind, nft_id, now, record.commitment(GENESIS, &key));
        self.finalize(now).await;
        now
    }

    /// The share that the owner of NFT 8 gets.
    pub(super) async fn served(&self, kind: KeyshareKind, now: u32) -> String {
        let answer = self.retrieve_of(kind, &retrieve_packet(&owner(), 8, now)).await;
        answer.is(200, "RETRIEVESUCCESS");
        let data = answer.body["keyshare_data"].as_str().unwrap();
        StoreData::parse(data).unwrap().share.to_owned()
    }

    pub(super) async fn confirmed(&self, key: &RecordKey) {
        let VersionKey { nft_id, kind, version } = key.version;
        let place = storage::confirmations(nft_id, kind, version, crate::chain::scripted::CLUSTER);
        in_time(async {
            while self.chain.get::<Vec<u8>>(&place).is_none() {
                tokio::task::yield_now().await;
            }
        })
        .await;
    }
}

/// Everybody asks in every role, for both kinds, in each state of the NFT.
#[tokio::test]
async fn every_role_is_served_only_to_whom_the_chain_names_at_that_block() {
    for kind in KINDS {
        let enclave = Enclave::start().await;
        enclave.mint_of(kind, 8);
        let synced = enclave.put(kind, 8, 1, SHARE).await;
        let people = [owner(), delegatee(), rentee(), stranger()];
        let [_, delegatee, rentee, _] = [0, 1, 2, 3].map(|index| people[index].public_key().0);
        let start = synced + 1;

        // What is true of the NFT; who is served as delegatee, and as rentee.
        type Change = Box<dyn Fn(&Scripted)>;
        let states: Vec<(Change, Option<usize>, Option<usize>)> = vec![
            (Box::new(|_| ()), None, None),
            (Box::new(move |chain| chain.delegate(8, delegatee)), Some(1), None),
            (Box::new(move |chain| chain.rent(8, None, None, 10)), Some(1), None),
            (
                Box::new(move |chain| chain.rent(8, Some(rentee), Some(start), 1000)),
                Some(1),
                Some(2),
            ),
            // It has run to its end, and nobody has cleared it away.
            (Box::new(move |chain| chain.rent(8, Some(rentee), Some(1), 50)), Some(1), None),
            (Box::new(|chain| chain.remove(&storage::delegated_nft(8))), None, None),
            (
                Box::new(move |chain| chain.rent(8, Some(delegatee), Some(start), 1000)),
                None,
                Some(1),
            ),
            (Box::new(|chain| chain.remove(&storage::rent_contract(8))), None, None),
        ];
        for (index, (change, delegated, rented)) in states.into_iter().enumerate() {
            change(&enclave.chain);
            let now = enclave.chain.finalized() + 1;
            enclave.finalize(now).await;
            for (asked, _) in ROLES {
                let served = match asked {
                    RequesterType::Owner => Some(0),
                    RequesterType::Delegatee => delegated,
                    RequesterType::Rentee => rented,
                };
                for (person, key) in people.iter().enumerate() {
                    let answer = enclave.retrieve_of(kind, &packet_of(key, asked, 8, now)).await;
                    let context = format!("{kind:?} {index} {asked:?} {person}");
                    if served == Some(person) {
                        assert_eq!(answer.body["status"], "RETRIEVESUCCESS", "{context}");
                        let data = format!("8_{SHARE}_{now}_15");
                        assert_eq!(answer.body["keyshare_data"], json!(data), "{context}");
                    } else {
                        let status = "REQUESTERVERIFICATIONFAILED";
                        assert_eq!(answer.body["status"], status, "{context}");
                        assert!(answer.body.get("keyshare_data").is_none());
                    }
                }
            }
        }
    }
}

/// The contract's last block is the one before its end, at the very block that decides.
#[tokio::test]
async fn a_rentee_is_served_to_the_last_block_of_the_contract_and_not_after() {
    let enclave = Enclave::start().await;
    enclave.mint_of(KeyshareKind::Secret, 8);
    let start = enclave.put(KeyshareKind::Secret, 8, 1, SHARE).await + 1;
    enclave.chain.rent(8, Some(rentee().public_key().0), Some(start), 3);
    for (block, code, status) in [
        (start, 200, "RETRIEVESUCCESS"),
        (start + 2, 200, "RETRIEVESUCCESS"),
        (start + 3, 400, "REQUESTERVERIFICATIONFAILED"),
    ] {
        enclave.finalize(block).await;
        let packet = packet_of(&rentee(), RequesterType::Rentee, 8, block);
        enclave.retrieve_of(KeyshareKind::Secret, &packet).await.is(code, status);
    }
}

#[tokio::test]
async fn capsules_are_spoken_of_in_their_own_words() {
    let park = ParkLimits { wait: Duration::ZERO, ..Default::default() };
    let enclave = Enclave::start_with(Setup { park, ..Default::default() }).await;
    let capsule = KeyshareKind::Capsule;
    enclave.mint_of(capsule, 8);
    enclave.finalize(101).await;
    // A secret is no capsule, and the reverse.
    enclave.store_of(capsule, &store_packet(NFT, SHARE, 101)).await.is(400, "IDISNOTACAPSULE");
    enclave.store(&store_packet(8, SHARE, 101)).await.is(400, "IDISNOTASECRETNFT");
    let asked = retrieve_packet(&owner(), NFT, 101);
    let answer = enclave.retrieve_of(capsule, &asked).await;
    answer.is(400, "IDISNOTACAPSULE");
    assert_eq!(
        answer.body["description"],
        json!("TEE Key-share CAPSULERETRIEVE: The nft-id is not a capsule.")
    );
    enclave.retrieve_of(capsule, &retrieve_packet(&owner(), 8, 101)).await.is(403, "NOTSYNCED");

    // Published clients say set, TIP-500 says store.
    let tip = post("/api/capsule-nft/store-keyshare", &store_packet(8, SHARE, 101));
    let stored = enclave.send(tip).await;
    stored.is(200, "STORESUCCESS");
    let words = "Capsule key-share is successfully stored to TEE";
    assert_eq!(stored.body["description"], json!(words));
    let available = path(capsule, "is-keyshare-available/8");
    let held = enclave.get(&available).await;
    assert_eq!((&held.body["exists"], &held.body["block_number"]), (&json!(true), &json!(0)));
    let secret = enclave.get(&path(KeyshareKind::Secret, "is-keyshare-available/8")).await;
    assert_eq!(secret.body["exists"], json!(false));
    let refused = enclave.store_of(capsule, &store_packet(9, SHARE, 50)).await;
    refused.is(400, "EXPIREDSIGNER");
    let description = refused.body["description"].as_str().unwrap().to_owned();
    assert!(description.starts_with("TEE Key-share CAPSULESET: "), "{description}");
}

#[tokio::test]
async fn an_nft_can_carry_both_kinds_and_their_shares_are_never_mixed_up() {
    let enclave = Enclave::start().await;
    let state = NftState { is_secret: true, is_capsule: true, ..Default::default() };
    enclave.chain.mint_with(8, owner().public_key().0, state);
    for kind in KINDS {
        enclave.chain.pending_of(kind, 8, 1);
    }
    enclave.put(KeyshareKind::Secret, 8, 1, "the share of the secret").await;
    let now = enclave.put(KeyshareKind::Capsule, 8, 1, "the share of the capsule").await;
    for (kind, share) in KINDS.into_iter().zip(["the secret", "the capsule"]) {
        let answer = enclave.retrieve_of(kind, &retrieve_packet(&owner(), 8, now)).await;
        let data = format!("8_the share of {share}_{now}_15");
        assert_eq!(answer.body["keyshare_data"], json!(data));
    }
}

/// F24 deleted the old share when the new one came; F61 served neither meanwhile.
#[tokio::test]
async fn f24_a_capsule_is_served_in_its_old_version_until_the_chain_has_the_new_one() {
    let enclave = Enclave::start().await;
    let capsule = KeyshareKind::Capsule;
    enclave.mint_of(capsule, 8);
    enclave.put(capsule, 8, 1, "the first version's share").await;
    // An update that its owner takes back.
    enclave.chain.pending_of(capsule, 8, 2);
    let now = enclave.chain.finalized() + 1;
    enclave.finalize(now).await;
    let packet = store_packet(8, "the second version's share", now);
    enclave.store_of(capsule, &packet).await.is(200, "STORESUCCESS");
    assert_eq!(enclave.served(capsule, now).await, "the first version's share");
    let split = split_of_signer(&packet.signer_address);
    let second = RecordKey { version: VersionKey { nft_id: 8, kind: capsule, version: 2 }, split };
    enclave.confirmed(&second).await;
    enclave.chain.cancel_of(capsule, 8);
    let now = enclave.chain.finalized() + 1;
    enclave.finalize(now).await;
    in_time(async {
        while enclave.context.store.record(&second).unwrap().is_some() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert_eq!(enclave.served(capsule, now).await, "the first version's share");

    // One that is begun again, and then is synced.
    for version in [3, 4] {
        enclave.chain.pending_of(capsule, 8, version);
        let now = enclave.chain.finalized() + 1;
        enclave.finalize(now).await;
        let share = format!("the share of version {version}");
        let answer = enclave.store_of(capsule, &store_packet(8, &share, now)).await;
        answer.is(200, "STORESUCCESS");
        assert_eq!(enclave.served(capsule, now).await, "the first version's share");
    }
    let enclave = enclave.restart().await;
    let now = enclave.chain.finalized();
    assert_eq!(enclave.served(capsule, now).await, "the first version's share");
    let packet = store_packet(8, "another share of version 4", now);
    let split = split_of_signer(&packet.signer_address);
    enclave.store_of(capsule, &packet).await.is(200, "STORESUCCESS");
    let fourth = RecordKey { version: VersionKey { nft_id: 8, kind: capsule, version: 4 }, split };
    enclave.confirmed(&fourth).await;
    let record = enclave.context.store.record(&fourth).unwrap().unwrap();
    let now = enclave.chain.finalized() + 1;
    enclave.chain.sync_of(capsule, 8, now, record.commitment(GENESIS, &fourth));
    enclave.finalize(now).await;
    assert_eq!(enclave.served(capsule, now).await, "another share of version 4");
    // Nothing is left of the other versions.
    in_time(async {
        while enclave.context.store.held_after(None, 10).unwrap().len() > 1 {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

/// F32 lost entries when two views came at once, and gave shares that it could not log.
#[tokio::test]
async fn f32_every_view_is_logged_before_the_share_leaves_also_many_at_once() {
    let enclave = Enclave::start().await;
    let secret = KeyshareKind::Secret;
    enclave.mint_of(secret, 8);
    let now = enclave.put(secret, 8, 1, SHARE).await;
    let views = (0..50).map(|_| {
        let packet = retrieve_packet(&owner(), 8, now);
        let enclave = &enclave;
        async move { enclave.retrieve_of(secret, &packet).await.code }
    });
    for code in futures::future::join_all(views).await {
        assert_eq!(code, StatusCode::OK);
    }
    let log = enclave.context.store.log_of(8, None, 100).unwrap();
    let version = VersionKey { nft_id: 8, kind: secret, version: 1 };
    let account = owner().public_key().0;
    let time = enclave.chain.time();
    let viewed = LogEntry::Viewed(Access { version, account, role: Role::Owner, block: now, time });
    assert!(matches!(log[0].1, LogEntry::Stored(access) if access.version == version));
    assert_eq!(log.iter().filter(|(_, entry)| *entry == viewed).count(), 50);
    assert_eq!(log.len(), 51);
    // Pages of another NFT's and of this one's.
    assert_eq!(enclave.context.store.log_of(9, None, 100).unwrap(), []);
    let page = enclave.context.store.log_of(8, Some(log[1].0), 10).unwrap();
    assert_eq!(page, log[2..12]);

    // Refused, and so not logged.
    let refused = retrieve_packet(&stranger(), 8, now);
    enclave.retrieve_of(secret, &refused).await.is(400, "REQUESTERVERIFICATIONFAILED");
    assert_eq!(enclave.context.store.log_of(8, None, 100).unwrap().len(), 51);
    // What cannot be logged is not given.
    enclave.context.store.fail().await;
    let answer = enclave.retrieve_of(secret, &retrieve_packet(&owner(), 8, now)).await;
    assert!(answer.code.is_server_error());
    assert!(answer.body.get("keyshare_data").is_none());
}

/// The host brings back the capsule's key of before, which a later owner never had.
#[tokio::test]
async fn f25_an_older_disk_serves_nothing_that_the_chain_has_replaced() {
    let capsule = KeyshareKind::Capsule;
    let disk = Disk::default();
    let setup = Setup { disk: Some(disk.clone()), ..Default::default() };
    let enclave = Enclave::start_with(setup).await;
    enclave.mint_of(capsule, 8);
    enclave.put(capsule, 8, 1, "the first version's share").await;
    // Active: nobody looks after it any more.
    in_time(async {
        while enclave.context.store.held(8, capsule).unwrap() == Some(0) {
            tokio::task::yield_now().await;
        }
    })
    .await;
    let older = Disk::holding(disk.content());
    enclave.chain.pending_of(capsule, 8, 2);
    let now = enclave.put(capsule, 8, 2, "the second version's share").await;
    enclave
        .retrieve_of(capsule, &retrieve_packet(&owner(), 8, now))
        .await
        .is(200, "RETRIEVESUCCESS");

    let Enclave { folder, chain, tasks, .. } = enclave;
    for task in tasks {
        task.abort();
    }
    let setup = Setup { disk: Some(older), ..Default::default() };
    let enclave = Enclave::open(folder, chain, setup);
    enclave.sees(now).await;
    let first = VersionKey { nft_id: 8, kind: capsule, version: 1 };
    assert_eq!(enclave.context.store.records(&first).unwrap().len(), 1);
    let answer = enclave.retrieve_of(capsule, &retrieve_packet(&owner(), 8, now)).await;
    answer.is(404, "KEYNOTEXIST");
    assert!(answer.body.get("keyshare_data").is_none());
    let second = VersionKey { version: 2, ..first };
    assert!(enclave.context.store.is_wanted(&second).unwrap());
}

/// A share that the chain has for this slot, and that is not here: an older disk, or one that was
/// changed.
#[tokio::test]
async fn what_should_be_held_and_is_not_is_remembered_as_wanted() {
    let enclave = Enclave::start().await;
    enclave.chain.mint(8, owner().public_key().0);
    enclave.chain.sync(8, 101, [0xaa; 32]);
    enclave.finalize(101).await;
    let wanted = || enclave.context.store.wanted(None, 10).unwrap();
    // Only who may have it makes the enclave look for it.
    let stranger = retrieve_packet(&stranger(), 8, 101);
    enclave.retrieve(&stranger).await.is(400, "REQUESTERVERIFICATIONFAILED");
    assert_eq!(wanted(), []);
    for _ in 0..2 {
        enclave.retrieve(&retrieve_packet(&owner(), 8, 101)).await.is(404, "KEYNOTEXIST");
        let version = VersionKey { nft_id: 8, kind: KeyshareKind::Secret, version: 1 };
        assert_eq!(wanted(), [(version, 101)]);
    }
    assert_eq!(enclave.get("/api/health").await.body["store"]["wanted"], json!(1));
    assert_eq!(enclave.context.store.log_of(8, None, 10).unwrap(), []);
}

#[tokio::test]
async fn quotes_carry_the_head_of_the_log() {
    let enclave = Enclave::start().await;
    let head = |quote: Answer| {
        let data = hex::decode(quote.body["data"].as_str().unwrap()).unwrap();
        let length = codec::Encode::encode(&enclave.own.payload(
            tee_primitives::attestation::Purpose::Chain,
            GENESIS,
            enclave.chain.heads().borrow().as_ref().unwrap().finalized,
            LogHead::default(),
        ))
        .len();
        let payload = &data[data.len() - length..];
        <AttestationPayload as codec::DecodeAll>::decode_all(&mut &payload[..]).unwrap().log_head
    };
    assert_eq!(head(enclave.get("/api/quote").await), LogHead::default());
    enclave.store(&store_packet(NFT, SHARE, 100)).await.is(200, "STORESUCCESS");
    in_time(enclave.chain.batch(0)).await;
    let now = enclave.chain.finalized() + 10;
    enclave.finalize(now).await;
    let attested = head(enclave.get("/api/quote").await);
    assert_eq!(attested, enclave.context.store.log_head());
    assert_eq!(attested.count, 1);
}

/// F15 forgot the share of a request that was given up after it was written.
#[tokio::test]
async fn f15_a_share_whose_request_was_given_up_is_held_and_confirmed_once() {
    let enclave = Enclave::start().await;
    let packet = store_packet(NFT, SHARE, 100);
    // The client goes away at each point at which the handler waits for something.
    for polls in 1..20 {
        let request = post("/api/secret-nft/store-keyshare", &packet);
        let mut handler = std::pin::pin!(enclave.router.clone().oneshot(request));
        for _ in 0..polls {
            if futures::poll!(handler.as_mut()).is_ready() {
                break;
            }
            tokio::task::yield_now().await;
        }
    }
    enclave.store(&packet).await.is(200, "STORESUCCESS");
    in_time(enclave.chain.batch(0)).await;
    assert_eq!(enclave.chain.batch(0).await.len(), 1);
    assert_eq!(enclave.context.store.log_head().count, 1);
    let record = enclave.context.store.record(&key_of(&packet)).unwrap().unwrap();
    let confirmed = enclave.chain.confirmed(NFT).unwrap();
    assert_eq!(confirmed.commitment, record.commitment(GENESIS, &key_of(&packet)));
}

/// F31 measured lengths modulo 65,536.
#[tokio::test]
async fn f31_no_length_of_a_share_wraps_around() {
    let enclave = Enclave::start().await;
    for length in [3001, 4096, 15_000] {
        let packet = store_packet(NFT, &"s".repeat(length), 100);
        enclave.store(&packet).await.is(400, "KEYSHAREISTOOLONG");
    }
    for length in [65_536 + 16, 65_536 + 2700, 131_072 + 100] {
        let share = "s".repeat(length);
        enclave.store(&store_packet(NFT, &share, 100)).await.is(413, "BODYTOOLARGE");
        assert!(StoreData::parse(&store_data(NFT, &share, token(100))).is_err());
    }
    assert_eq!(enclave.context.store.held(NFT, KeyshareKind::Secret).unwrap(), None);
}

/// Its process lives on, says what is the matter, and works again when there is space.
#[tokio::test]
async fn a_full_disk_is_told_and_forgotten_when_there_is_space_again() {
    let disk = Disk::default();
    let setup = Setup { disk: Some(disk.clone()), ..Default::default() };
    let enclave = Enclave::start_with(setup).await;
    enclave.mint_of(KeyshareKind::Secret, 8);
    let now = enclave.put(KeyshareKind::Secret, 8, 1, SHARE).await;
    disk.limit(Some(0));
    let answer = enclave.store(&store_packet(NFT, SHARE, now)).await;
    answer.is(503, "STOREUNAVAILABLE");
    assert_eq!(answer.headers[header::RETRY_AFTER], "6");
    let view = enclave.retrieve(&retrieve_packet(&owner(), 8, now)).await;
    view.is(503, "STOREUNAVAILABLE");
    assert!(view.body.get("keyshare_data").is_none());
    in_time(async {
        while enclave.get("/api/health").await.body["store"]["available"] != json!(false) {
            enclave.store(&store_packet(NFT, SHARE, now)).await;
        }
    })
    .await;
    disk.limit(None);
    in_time(async {
        while enclave.get("/api/health").await.body["store"]["available"] != json!(true) {
            time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
    enclave.store(&store_packet(NFT, SHARE, now)).await.is(200, "STORESUCCESS");
    enclave.retrieve(&retrieve_packet(&owner(), 8, now)).await.is(200, "RETRIEVESUCCESS");
    assert!(enclave.tasks.iter().all(|task| !task.is_finished()));
}
