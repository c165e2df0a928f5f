// SPDX-License-Identifier: Apache-2.0
//! A requester that lies: what the API gives, and to whom.

use super::*;

/// A requester, step by step.
struct Asker<'a> {
    world: &'a World,
    router: Router,
}

impl Asker<'_> {
    async fn post(&self, data: String) -> Result<(String, Vec<u8>), String> {
        let taker = &self.world.taker;
        let packet = SlotSyncPacket {
            requester_address: taker.account.address().into(),
            signature: format!("0x{}", hex::encode(taker.account.sign(data.as_bytes()))),
            data,
        };
        self.send(&packet).await
    }

    async fn send(&self, packet: &SlotSyncPacket) -> Result<(String, Vec<u8>), String> {
        let request = axum::http::Request::post(pull::ROUTE)
            .header("content-type", "application/json")
            .body(axum::body::Body::from(serde_json::to_vec(packet).unwrap()))
            .unwrap();
        let response = in_time(self.router.clone().oneshot(request)).await.unwrap();
        let bytes = axum::body::to_bytes(response.into_body(), 1 << 20).await.unwrap();
        let mut answer: KeyshareResponse = serde_json::from_slice(&bytes).unwrap();
        let Some(data) = answer.keyshare_data.take() else { return Err(answer.status.clone()) };
        let (id, message) = data.split_once('_').unwrap();
        Ok((id.to_owned(), STANDARD.decode(message).unwrap()))
    }

    fn ends(&self) -> Ends {
        Ends {
            genesis_hash: GENESIS,
            slot_id: SLOT,
            requester: self.world.taker.own.account,
            responder: self.world.giver.own.account,
        }
    }

    fn token(&self) -> AuthToken {
        AuthToken { block_number: self.world.chain.finalized(), validity: 15 }
    }

    async fn begin(&self) -> Result<(String, Channel), String> {
        let secret = self.world.taker.account.encryption_secret();
        let keys = Keys { own: &secret, other: &self.world.giver.own.encryption_key };
        let (begun, first) = channel::begin(&self.ends(), &keys).unwrap();
        let (id, second) =
            self.post(format!("{NO_CHANNEL}_{}_{}", STANDARD.encode(first), self.token())).await?;
        Ok((id, begun.finish(&second).unwrap()))
    }

    async fn say(
        &self,
        id: &str,
        channel: &mut Channel,
        message: &impl codec::Encode,
    ) -> Result<Vec<u8>, String> {
        let sealed = channel.seal(&message::encode(message)).unwrap();
        let (_, answer) =
            self.post(format!("{id}_{}_{}", STANDARD.encode(sealed), self.token())).await?;
        Ok(channel.open(&answer).unwrap().to_vec())
    }

    fn purpose(&self, handshake_hash: [u8; 32]) -> Purpose {
        let peer = self.world.giver.own.account;
        Purpose::PeerSync { role: PeerRole::Requester, peer, handshake_hash }
    }
}

#[tokio::test]
async fn who_has_not_proven_what_it_is_gets_nothing() {
    let mut world = World::new().await;
    let versions = world.synced(0..2).await;
    world.chain.finalize(11);
    world.giver.view(11).await;
    let world = world;
    let asker = Asker { router: world.giver.router(&world.chain), world: &world };
    let ask = Ask::Shares(versions);

    // The honest way.
    let (id, mut channel) = asker.begin().await.unwrap();
    let purpose = asker.purpose(channel.handshake_hash);
    let evidence = world.taker.evidence(purpose, |_| ());
    let proof = asker.say(&id, &mut channel, &evidence).await.unwrap();
    assert!(message::decode::<Evidence>(&proof).is_some());
    let shares = asker.say(&id, &mut channel, &ask).await.unwrap();
    let Some(Answer::Shares(shares)) = message::decode(&shares) else { panic!("no shares") };
    assert_eq!(shares.iter().filter(|item| matches!(item, Item::Given(_))).count(), 2);

    // With the stolen static key alone.
    let (id, mut channel) = asker.begin().await.unwrap();
    assert_eq!(asker.say(&id, &mut channel, &ask).await.unwrap_err(), "INVALIDSYNCMESSAGE");
    assert_eq!(asker.say(&id, &mut channel, &ask).await.unwrap_err(), "UNKNOWNCHANNEL");
    // With a quote for another handshake, for the other side, for the chain, of other code.
    type Change = fn(&mut AttestationPayload);
    let changes: [Change; 5] = [
        |payload| payload.mrenclave = [0xbd; 32],
        |payload| payload.session = [0; 32],
        |payload| payload.genesis_hash = [0; 32],
        |payload| payload.purpose = Purpose::Chain,
        |payload| match &mut payload.purpose {
            Purpose::PeerSync { handshake_hash, .. } => *handshake_hash = [0; 32],
            Purpose::Chain => unreachable!(),
        },
    ];
    for change in changes {
        let (id, mut channel) = asker.begin().await.unwrap();
        let purpose = asker.purpose(channel.handshake_hash);
        let evidence = world.taker.evidence(purpose, change);
        let refused = asker.say(&id, &mut channel, &evidence).await.unwrap_err();
        assert_eq!(refused, "UNTRUSTEDPEER");
        assert_eq!(asker.say(&id, &mut channel, &ask).await.unwrap_err(), "UNKNOWNCHANNEL");
    }

    // A beginning that is said again begins a channel that only its first sender could use.
    let secret = world.taker.account.encryption_secret();
    let keys = Keys { own: &secret, other: &world.giver.own.encryption_key };
    let (begun, first) = channel::begin(&asker.ends(), &keys).unwrap();
    let data = format!("{NO_CHANNEL}_{}_{}", STANDARD.encode(&first), asker.token());
    let (_, second) = asker.post(data.clone()).await.unwrap();
    let (replayed, _) = asker.post(data).await.unwrap();
    let mut channel = begun.finish(&second).unwrap();
    let purpose = asker.purpose(channel.handshake_hash);
    let evidence = world.taker.evidence(purpose, |_| ());
    let refused = asker.say(&replayed, &mut channel, &evidence).await.unwrap_err();
    assert_eq!(refused, "INVALIDSYNCMESSAGE");

    // Not its own signature.
    let mut packet = SlotSyncPacket {
        requester_address: world.taker.account.address().into(),
        data: format!("{NO_CHANNEL}_AAAA_{}", asker.token()),
        signature: format!("0x{}", "00".repeat(64)),
    };
    assert_eq!(asker.send(&packet).await.unwrap_err(), "SIGNERSIGVERIFICATIONFAILED");
    // What was recorded long ago.
    let old = asker.post(format!("{NO_CHANNEL}_{}_1_5", STANDARD.encode(&first))).await;
    assert_eq!(old.unwrap_err(), "EXPIREDREQUEST");
    for data in ["", "x", "0_!", "zz_AAAA", "ab_AAAA", "0_AAAA", "0_AAAA_10", "0_AAAA_10_x"] {
        packet.data = data.into();
        assert!(asker.send(&packet).await.is_err(), "{data}");
    }
}

#[tokio::test]
async fn a_channel_ends_with_what_was_proven_for_it() {
    let mut world = World::new().await;
    let versions = world.synced(0..2).await;
    let ask = Ask::Shares(versions);
    type Change = fn(&World);
    let changes: [(Change, &str); 4] = [
        (|_| (), ""),
        // Another start of it has attested.
        (
            |world| {
                let own = Identity { session: [1; 32], ..world.taker.own };
                let mut record = attesting::record(&own, 2);
                record.facts.platform = platform(&world.taker.machine);
                world.chain.set(storage::attestation(&own.account), record);
            },
            "UNKNOWNCHANNEL",
        ),
        // Its code is no longer allowed.
        (
            |world| {
                let allowed = storage::allowed_measurement(&attesting::MEASUREMENT);
                world.chain.remove(&allowed);
            },
            "NOTINSERVICE",
        ),
        (
            |world| world.taker.join(&world.chain, ClusterType::Private, SLOT, "http://e"),
            "NOTAPEER",
        ),
    ];
    let mut block = 11;
    for (change, expected) in changes {
        world.taker.join(&world.chain, ClusterType::Public, SLOT, "http://e");
        let allowed = storage::allowed_measurement(&attesting::MEASUREMENT);
        world.chain.set(allowed, attesting::allowed());
        world.chain.finalize(block);
        world.giver.view(block).await;
        let router = world.giver.router(&world.chain);
        let asker = Asker { router: router.clone(), world: &world };
        let (id, mut channel) = asker.begin().await.unwrap();
        let purpose = asker.purpose(channel.handshake_hash);
        let evidence = world.taker.evidence(purpose, |_| ());
        asker.say(&id, &mut channel, &evidence).await.unwrap();
        asker.say(&id, &mut channel, &ask).await.unwrap();
        change(&world);
        world.chain.finalize(block + 1);
        world.giver.view(block + 1).await;
        let asker = Asker { router, world: &world };
        let said = asker.say(&id, &mut channel, &ask).await.err().unwrap_or_default();
        assert_eq!(said, expected);
        block += 2;
    }
}

#[tokio::test]
async fn only_what_the_chain_has_synced_for_public_clusters_is_given() {
    let mut world = World::new().await;
    let versions = world.synced(0..4).await;
    // One is another version now, one is burnt, one was synced by a private cluster, one is not
    // synced at the block that is known.
    let key = |nft_id| storage::keyshares(nft_id, KeyshareKind::Secret);
    let change = |nft_id, change: fn(&mut SyncedKeyshare)| {
        let mut status: KeyshareStatus = world.chain.get(&key(nft_id)).unwrap();
        change(status.synced.as_mut().unwrap());
        world.chain.set(key(nft_id), status);
    };
    change(0, |synced| synced.version = 2);
    world.chain.remove(&storage::nft(1));
    let cluster = Cluster {
        enclaves: Vec::<(RawAccountId, SlotId)>::new(),
        cluster_type: ClusterType::Disabled,
    };
    world.chain.set(storage::cluster_data(7), cluster);
    world.chain.set(storage::disabled_cluster(7), ClusterType::Private);
    change(2, |synced| synced.cluster_id = 7);
    world.chain.remove(&key(3));
    world.chain.finalize(11);
    let view = world.giver.view(11).await;
    let own = view.assignment.unwrap();
    let asked = |is_successor| {
        let (chain, store, view) = (&*world.chain, &world.giver.store, &view);
        let versions = &versions;
        async move {
            let items = serve::items(chain, view, store, own, is_successor, versions).await;
            let items = items.unwrap();
            items
                .iter()
                .map(|item| match item {
                    Item::Given(_) => "given",
                    Item::Lacks => "lacks",
                    Item::NotYet => "not yet",
                })
                .collect::<Vec<_>>()
        }
    };
    assert_eq!(asked(false).await, ["lacks", "lacks", "lacks", "not yet"]);
    assert_eq!(asked(true).await, ["lacks", "lacks", "given", "not yet"]);
}

#[tokio::test]
async fn whom_the_chain_does_not_name_cannot_even_begin() {
    let mut world = World::new().await;
    world.synced(0..2).await;
    type Change = fn(&World);
    let changes: [(&str, Change); 7] = [
        ("another slot", |world| {
            world.taker.join(&world.chain, ClusterType::Public, SLOT + 1, "http://e")
        }),
        ("a private cluster", |world| {
            world.taker.join(&world.chain, ClusterType::Private, SLOT, "http://e")
        }),
        ("a disabled cluster", |world| {
            world.taker.join(&world.chain, ClusterType::Disabled, SLOT, "http://e")
        }),
        ("no attestation", |world| {
            world.chain.remove(&storage::attestation(&world.taker.own.account))
        }),
        ("another account", |world| {
            let operator = world.taker.own.operator;
            let seat = Enclave { enclave_address: [0u8; 32], api_uri: b"http://e".to_vec() };
            world.chain.set(storage::enclave_data(&operator), seat)
        }),
        ("a banned machine", |world| {
            let platform = platform(&world.taker.machine);
            world.chain.set(storage::banned_platform(&platform), ())
        }),
        ("not assigned", |world| {
            world.chain.remove(&storage::enclave_account_operator(&world.taker.own.account))
        }),
    ];
    let mut block = 11;
    for (name, change) in changes {
        world.taker.join(&world.chain, ClusterType::Public, SLOT, "http://e");
        world.chain.finalize(block);
        world.giver.view(block).await;
        let router = world.giver.router(&world.chain);
        let asker = Asker { router: router.clone(), world: &world };
        assert!(asker.begin().await.is_ok(), "before: {name}");
        change(&world);
        world.chain.finalize(block + 1);
        world.giver.view(block + 1).await;
        let asker = Asker { router, world: &world };
        assert_eq!(asker.begin().await.err().as_deref(), Some("NOTAPEER"), "{name}");
        world.chain.remove(&storage::banned_platform(&platform(&world.taker.machine)));
        block += 2;
    }
}

#[tokio::test]
async fn each_reason_not_to_trust_a_peer() {
    let mut world = World::new().await;
    let view = world.giver.view(10).await;
    let clusters = peers::clusters(&*world.chain, &view).await.unwrap();
    let place = world.giver.place();
    let peer = peers::others(&*world.chain, &view, place, &clusters).await.unwrap().live.remove(0);
    let own = world.giver.own.account;
    let handshake_hash = [4; 32];
    let expected = Expected { peer: &peer, role: PeerRole::Requester, own: &own, handshake_hash };
    let purpose = Purpose::PeerSync { role: PeerRole::Requester, peer: own, handshake_hash };
    let check = |evidence: Evidence| {
        let (chain, view, expected) = (&*world.chain, &view, &expected);
        async move { evidence::check(chain, view, expected, &evidence).await }
    };
    assert_eq!(check(world.taker.evidence(purpose, |_| ())).await, Ok(()));

    type Change = fn(&mut AttestationPayload);
    let cases: [(Change, Untrusted); 7] = [
        (|it| it.version += 1, Untrusted::Version),
        (|it| it.purpose = Purpose::Chain, Untrusted::Purpose),
        (|it| it.genesis_hash = [0; 32], Untrusted::Chain),
        (|it| it.operator = [0; 32], Untrusted::Identity),
        (|it| it.encryption_key = [0; 32], Untrusted::Identity),
        (|it| it.session = [0; 32], Untrusted::Session),
        (|it| it.mrenclave = [0xbd; 32], Untrusted::Measurement),
    ];
    for (change, why) in cases {
        let found = check(world.taker.evidence(purpose, change)).await;
        assert_eq!(found, Err(EvidenceError::Untrusted(why)));
    }
    let other = world.giver.evidence(purpose, |_| ());
    let mut stolen = world.taker.evidence(purpose, |_| ());
    stolen.quote = other.quote;
    let found = check(stolen).await;
    assert_eq!(found, Err(EvidenceError::Untrusted(Untrusted::ReportData)));
    let mut cut = world.taker.evidence(purpose, |_| ());
    cut.quote.pop();
    assert!(matches!(check(cut).await, Err(EvidenceError::Untrusted(Untrusted::Layout(_)))));
    let mut changed = world.taker.evidence(purpose, |_| ());
    // Within the platform's enclave report, which the quote's other signature covers.
    changed.quote[700] ^= 1;
    assert!(matches!(check(changed).await, Err(EvidenceError::Untrusted(Untrusted::Quote(_)))));
}
