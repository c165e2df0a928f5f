// SPDX-License-Identifier: Apache-2.0
//! Somebody on the way, an evil enclave, a leaked signer, and what each of them gets.

use super::*;

fn contains(message: &[u8], secret: &[u8]) -> bool {
    message.windows(secret.len()).any(|window| window == secret)
}

/// F3: whoever gets a request can send it to the other enclaves.
#[tokio::test]
async fn f3_a_captured_request_is_worth_nothing_to_the_other_four_enclaves() {
    let world = World::start().await;
    let (key, _, wanted) = world.synced().await;
    world.retrieve(&wanted, &key).await.unwrap();
    // The wallet stops listening once three have answered.
    in_time(async {
        while world.ways.iter().any(|way| way.requests().len() < 2) {
            let _ = world.retrieve(&wanted, &key).await;
        }
    })
    .await;
    let mut tried = 0;
    for (slot, way) in world.ways.iter().enumerate() {
        for request in way.requests() {
            let others = world.enclaves.iter().enumerate().filter(|(other, _)| *other != slot);
            for (_, enclave) in others {
                let answer = sent(&enclave.router, &request).await;
                assert_eq!((answer.code, status(&answer).as_str()), (400, "NOTMEANT"));
                tried += 1;
            }
        }
    }
    assert!(tried >= 2 * 5 * 4, "{tried}");
}

/// The same with the form that published clients send: one request opens all five.
#[tokio::test]
async fn f3_a_captured_plain_request_opens_every_enclave() {
    let world = World::start().await;
    let key = MediaKey::generate().unwrap();
    let attempt = StoreAttempt::new(&owner(), NFT, &key, 100).unwrap();
    assert!(world.store(&attempt).await.is_complete());
    let wanted = world.sync(NFT, attempt.split()).await;
    let asked = Message {
        path: String::from("/api/secret-nft/retrieve-keyshare"),
        code: 0,
        body: serde_json::to_vec(&retrieve_packet(&owner(), NFT, wanted.finalized)).unwrap(),
    };
    sent(&world.ways[0].router, &asked).await;
    // Enclave 0 sends on what it was sent.
    let mut recovery = Recovery::new(|found: &MediaKey| found.as_bytes() == key.as_bytes());
    let mut found = None;
    for enclave in &world.enclaves {
        let answer = sent(&enclave.router, &asked).await;
        let body: Value = serde_json::from_slice(&answer.body).unwrap();
        let data = body["keyshare_data"].as_str().unwrap();
        let share = StoreData::parse(data).unwrap().share;
        let share = tee_wallet::split::Share::parse(share).unwrap();
        found = found.or(recovery.add(&share).unwrap());
    }
    assert!(found.is_some(), "a single enclave has the key");
}

/// G6: there is no nonce, and none is needed: what is repeated gives nothing to anybody else.
#[tokio::test]
async fn g6_a_repeated_request_gives_nothing_to_whoever_repeats_it() {
    let world = World::start().await;
    let (key, attempt, wanted) = world.synced().await;
    world.retrieve(&wanted, &key).await.unwrap();
    let way = world.ways.iter().find(|way| way.requests().len() > 1).unwrap();
    let [store, retrieve] = &way.requests()[..2] else { panic!() };
    let stored = sent(&way.router, store).await;
    assert_eq!((stored.code, status(&stored).as_str()), (200, "STORESUCCESS"));
    let given = sent(&way.router, retrieve).await;
    assert_eq!((given.code, status(&given).as_str()), (200, "RETRIEVESUCCESS"));
    let body: Value = serde_json::from_slice(&given.body).unwrap();
    let sealed = STANDARD.decode(body["keyshare_data"].as_str().unwrap()).unwrap();
    for share in attempt.shares() {
        for seen in [&stored.body, &given.body, &sealed] {
            assert!(!contains(seen, share.as_str().as_bytes()));
        }
    }
}

/// F4: somebody with a valid certificate for the enclaves' domains sees everything.
#[tokio::test]
async fn f4_who_is_on_the_way_to_all_enclaves_learns_no_share() {
    let world = World::start().await;
    let (key, attempt, wanted) = world.synced().await;
    world.retrieve(&wanted, &key).await.unwrap();
    let mut messages = 0;
    for way in &world.ways {
        for (request, answer) in way.seen.lock().unwrap().iter() {
            for message in [request, answer] {
                messages += 1;
                for share in attempt.shares() {
                    let share = share.as_str();
                    for secret in [share, &STANDARD.encode(share), &hex::encode(share)] {
                        assert!(!contains(&message.body, secret.as_bytes()));
                    }
                }
            }
        }
    }
    assert!(messages >= 2 * (5 + 3), "{messages}");
}

fn change_body(message: &mut Message, change: impl FnOnce(&mut Value)) {
    let mut body = serde_json::from_slice(&message.body).unwrap();
    change(&mut body);
    message.body = serde_json::to_vec(&body).unwrap();
}

/// F4: what is changed on the way to an enclave is refused, and what is changed on the way back is not
/// believed.
#[tokio::test]
async fn f4_who_is_on_the_way_can_change_nothing_unnoticed() {
    let world = World::start().await;
    let way = &world.ways[1];
    let attempt = attempt_of(NFT, 100);
    let outcome = async || {
        let mut report = world.store(&attempt).await;
        report.slots.remove(1).result
    };

    // A share of the attacker's own, sealed to the enclave's real key.
    let (key, address) = (
        world.enclaves[1].own.encryption_key,
        world.enclaves[1].context.account.address().to_owned(),
    );
    let put_in = move |message: &mut Message| {
        let mut packet: StoreKeysharePacket = serde_json::from_slice(&message.body).unwrap();
        let data = BoundStore::parse(&packet.data).unwrap();
        let info = data.info(&owner().public_key().0, &packet.signer_address);
        let sealed = sealed::seal(&key, &info, b"the attacker's own share", &[1; 32]).unwrap();
        let sealed = STANDARD.encode(sealed);
        assert_eq!(data.enclave, address);
        packet.data = BoundStore { sealed: &sealed, ..data }.to_string();
        message.body = serde_json::to_vec(&packet).unwrap();
    };
    way.on_request(put_in);
    // The refusal is to another request than the wallet's: it does not take it for its own.
    let result = outcome().await;
    assert!(matches!(result, Err(EnclaveError::Unsigned { http: 400, .. })), "{result:?}");
    assert_eq!(status(&way.last().1), "DATASIGVERIFICATIONFAILED");
    assert_eq!(world.enclaves[1].context.store.held(NFT, KIND).unwrap(), None);

    // Nothing is passed on, and success is told.
    way.on_request(|message| message.path = String::from("/api/nothing"));
    way.on_answer(|message| {
        message.code = 200;
        change_body(message, |body| {
            body["status"] = json!("STORESUCCESS");
            body["nft_id"] = json!(NFT);
        });
    });
    let result = outcome().await;
    assert!(matches!(result, Err(EnclaveError::Unsigned { http: 200, .. })), "{result:?}");
    assert_eq!(world.enclaves[1].context.store.held(NFT, KIND).unwrap(), None);

    // It is stored, and refusal is told; or another code, NFT, receipt; or another enclave's answer.
    way.leave_alone();
    assert!(outcome().await.is_ok());
    let changes: [fn(&mut Message); 5] = [
        |message| change_body(message, |body| body["status"] = json!("NFTIDEXISTS")),
        |message| change_body(message, |body| body["nft_id"] = json!(NFT + 1)),
        |message| {
            change_body(message, |body| drop(body.as_object_mut().unwrap().remove("signature")))
        },
        |message| change_body(message, |body| body["keyshare_data"] = json!("AAAA")),
        |message| message.code = 201,
    ];
    for change in changes {
        way.on_answer(change);
        let result = outcome().await;
        assert!(matches!(result, Err(EnclaveError::Unsigned { .. })), "{result:?}");
    }
    let other = world.ways[2].last().1;
    way.on_answer(move |message| *message = other.clone());
    let result = outcome().await;
    assert!(matches!(result, Err(EnclaveError::Unsigned { .. })), "{result:?}");
    way.leave_alone();

    // Viewing: somebody on the way to two of them does not matter, and to three only keeps from viewing.
    let key = MediaKey::generate().unwrap();
    let again = StoreAttempt::bound(&owner(), &of(NFT), &key, 100).unwrap();
    assert!(world.store(&again).await.is_complete());
    let wanted = world.sync(NFT, again.split()).await;
    world.retrieve(&wanted, &key).await.unwrap();
    // An answer of before, to the same enclave and requester.
    let old: Vec<Message> = world.ways.iter().map(|way| way.last().1).collect();
    for (slot, old) in old.into_iter().enumerate().take(3) {
        world.ways[slot].on_answer(move |message| *message = old.clone());
        let viewed = world.retrieve(&wanted, &key).await;
        assert_eq!(viewed.is_ok(), slot < 2);
        if let Err(failed) = viewed {
            for outcome in &failed.slots[..3] {
                let is_unsigned = matches!(outcome.result, Err(EnclaveError::Unsigned { .. }));
                assert!(is_unsigned, "{failed}");
            }
        }
    }
}

/// A ciphertext is put into a request for an NFT of the attacker's own, which could then view it.
#[tokio::test]
async fn f4_a_ciphertext_opens_in_no_other_request() {
    let enclave = enclave_in(SLOT).await;
    let (thief, signer) = (dev::dave(), dev::eve());
    enclave.chain.mint(8, thief.public_key().0);
    enclave.finalize(101).await;
    let captured = bound_store(&enclave, &attempt_of(NFT, 100));
    let sealed = BoundStore::parse(&captured.data).unwrap();
    let stolen = |target: Target, owner: &Keypair| {
        let approval =
            Approval { target, signer: &address_of(&signer), token: sealed.token }.to_string();
        let data = BoundStore { target, ..sealed }.to_string();
        StoreKeysharePacket {
            owner_address: address_of(owner),
            signersig: sign(owner, &approval),
            signature: sign(&signer, &data),
            signer_address: approval,
            data,
        }
    };
    let own = Target { nft_id: 8, ..sealed.target };
    let answer = enclave.store(&stolen(own, &thief)).await;
    answer.is(400, "KEYSHARENOTOPENED");
    // Also for the same NFT: it was sealed for what its owner has signed.
    enclave.store(&stolen(sealed.target, &thief)).await.is(400, "KEYSHARENOTOPENED");
    enclave.store(&stolen(sealed.target, &owner())).await.is(400, "KEYSHARENOTOPENED");
    enclave.store(&captured).await.is(200, "STORESUCCESS");
}

/// F28: what is signed for one purpose, kind or chain is worth nothing for another.
#[tokio::test]
async fn f28_a_signed_string_is_good_for_one_purpose_kind_and_chain() {
    let enclave = enclave_in(SLOT).await;
    let packet = bound_retrieve(&enclave, &owner(), |_| ());
    // It is understood here, and refused for what the chain says.
    enclave.retrieve(&packet).await.is(403, "NOTSYNCED");
    let capsule = enclave.send(post("/api/capsule-nft/retrieve-keyshare", &packet)).await;
    capsule.is(400, "NOTMEANT");
    let remove = json!({
        "requester_address": packet.requester_address,
        "data": packet.data,
        "signature": packet.signature,
    });
    let removed = enclave.send(post("/api/secret-nft/remove-keyshare", &remove)).await;
    assert_eq!(removed.code, StatusCode::BAD_REQUEST, "{removed:?}");
    let as_store = StoreKeysharePacket {
        owner_address: packet.requester_address.clone(),
        signer_address: packet.data.clone(),
        signersig: packet.signature.clone(),
        data: packet.data.clone(),
        signature: packet.signature.clone(),
    };
    enclave.store(&as_store).await.is(400, "INVALIDSIGNERADDRESS");
    let elsewhere = bound_retrieve(&enclave, &owner(), |data| data.genesis_hash = [0x6f; 32]);
    enclave.retrieve(&elsewhere).await.is(400, "NOTMEANT");

    // The plain string says nothing of what it is for: one signature opens secret and capsule.
    let plain = retrieve_packet(&owner(), NFT, 100);
    enclave.retrieve(&plain).await.is(403, "NOTSYNCED");
    let capsule = enclave.send(post("/api/capsule-nft/retrieve-keyshare", &plain)).await;
    capsule.is(400, "IDISNOTACAPSULE");
}

/// F29: somebody has the temporary signer's key, and all that was sent.
#[tokio::test]
async fn f29_a_leaked_signer_is_good_for_one_key_version_and_splitting() {
    let enclave = enclave_in(SLOT).await;
    enclave.chain.mint(8, owner().public_key().0);
    enclave.finalize(101).await;
    let leaked = dev::bob();
    let address = address_of(&leaked);
    let target =
        Target { genesis_hash: GENESIS, kind: KIND, nft_id: NFT, version: 1, split: [4; 16] };
    let approval = Approval { target, signer: &address, token: token(100) }.to_string();
    let signersig = sign(&owner(), &approval);
    let junk = |signer_address: &str, target: Target| {
        let data = BoundStore {
            target,
            enclave: enclave.context.account.address(),
            sealed: "",
            token: token(100),
        };
        let info = data.info(&owner().public_key().0, signer_address);
        let key = enclave.own.encryption_key;
        let sealed = sealed::seal(&key, &info, b"junk of sufficient length", &[1; 32]).unwrap();
        let data = BoundStore { sealed: &STANDARD.encode(sealed), ..data }.to_string();
        StoreKeysharePacket {
            owner_address: address_of(&owner()),
            signer_address: signer_address.to_owned(),
            signersig: signersig.clone(),
            signature: sign(&leaked, &data),
            data,
        }
    };
    let others = [
        Target { nft_id: 8, ..target },
        Target { kind: KeyshareKind::Capsule, ..target },
        Target { version: 2, ..target },
        Target { split: [5; 16], ..target },
        Target { genesis_hash: [0x6f; 32], ..target },
    ];
    for other in others {
        enclave.store(&junk(&approval, other)).await.is(400, "NOTMEANT");
        // Nor can the approval be changed.
        let forged = Approval { target: other, signer: &address, token: token(100) }.to_string();
        let status = match other {
            Target { kind: KeyshareKind::Capsule, .. } => "NOTMEANT",
            Target { genesis_hash, .. } if genesis_hash != GENESIS => "NOTMEANT",
            _ => "SIGNERSIGVERIFICATIONFAILED",
        };
        enclave.store(&junk(&forged, other)).await.is(400, status);
    }
    assert_eq!(enclave.context.store.held(8, KIND).unwrap(), None);

    // A plain approval is good for everything that the owner has pending.
    let mut plain = store_packet_of(&owner(), &leaked, NFT, SHARE, token(100), token(100));
    let data = format!("<Bytes>{}</Bytes>", store_data(8, "junk of sufficient length", token(100)));
    plain.signature = sign(&leaked, &data);
    plain.data = data;
    enclave.store(&plain).await.is(200, "STORESUCCESS");
}

/// A share of an older version, sent again when the next one waits for shares.
#[tokio::test]
async fn f29_a_captured_store_request_is_not_taken_for_the_next_version() {
    let enclave = enclave_in(SLOT).await;
    let packet = bound_store(&enclave, &attempt_of(NFT, 100));
    enclave.store(&packet).await.is(200, "STORESUCCESS");
    enclave.chain.pending(NFT, 2);
    let now = enclave.chain.finalized() + 1;
    enclave.finalize(now).await;
    let answer = enclave.store(&packet).await;
    answer.is(403, "NOTSYNCING");
    assert!(is_own(&enclave, &packet.request_hash(), &answer));
    let next = VersionKey { nft_id: NFT, kind: KIND, version: 2 };
    assert!(enclave.context.store.records(&next).unwrap().is_empty());

    // Plain ones are for whatever waits.
    let plain = store_packet(NFT, SHARE, 100);
    enclave.store(&plain).await.is(200, "STORESUCCESS");
    enclave.chain.pending(NFT, 3);
    let now = enclave.chain.finalized() + 1;
    enclave.finalize(now).await;
    enclave.store(&plain).await.is(200, "STORESUCCESS");
}
