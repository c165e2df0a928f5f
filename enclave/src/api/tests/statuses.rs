// SPDX-License-Identifier: Apache-2.0
//! Every status, by a request that gets it.

use super::*;

/// Changes one field of a good packet without signing anew.
fn tampered(change: impl FnOnce(&mut StoreKeysharePacket)) -> StoreKeysharePacket {
    let mut packet = store_packet(NFT, SHARE, 100);
    change(&mut packet);
    packet
}

/// A packet whose data is this text, well signed.
fn with_data(data: &str) -> StoreKeysharePacket {
    tampered(|packet| {
        packet.data = data.into();
        packet.signature = sign(&dev::bob(), data);
    })
}

/// A packet whose signer's address is this text, well signed.
fn with_signer(signer_address: &str) -> StoreKeysharePacket {
    tampered(|packet| {
        packet.signer_address = signer_address.into();
        packet.signersig = sign(&owner(), signer_address);
    })
}

fn with_tokens(signer: AuthToken, data: AuthToken) -> StoreKeysharePacket {
    store_packet_of(&owner(), &dev::bob(), NFT, SHARE, signer, data)
}

#[tokio::test]
async fn store_refuses_with_the_status_for_each_fault() {
    // What would wait for another block is decided at once.
    let park = ParkLimits { wait: Duration::ZERO, ..Default::default() };
    let enclave = Enclave::start_with(Setup { park, ..Default::default() }).await;
    let alice = owner().public_key().0;
    let secret = NftState { is_secret: true, ..Default::default() };
    enclave.chain.mint_with(30, alice, NftState::default());
    enclave.chain.mint_with(31, alice, secret);
    enclave.finalize(101).await;
    let bob = address_of(&dev::bob());
    let too_long = AuthToken { block_number: 100, validity: 21 };
    let longest_share = "s".repeat(3001);

    let cases = [
        (400, "INVALIDOWNERADDRESS", tampered(|packet| packet.owner_address = "5x".into())),
        (400, "INVALIDSIGNERADDRESS", with_signer("")),
        (400, "INVALIDSIGNERADDRESS", with_signer(&bob)),
        (400, "INVALIDSIGNERADDRESS", with_signer("nobody_100_15")),
        (400, "INVALIDSIGNERADDRESS", with_signer(&format!("{bob}_x_15"))),
        (400, "INVALIDSIGNERADDRESS", with_signer(&format!("{bob}_100_15_1"))),
        (400, "EXPIREDSIGNER", with_tokens(token(85), token(100))),
        (400, "EXPIREDSIGNER", with_tokens(token(107), token(100))),
        (400, "EXPIREDSIGNER", with_tokens(too_long, token(100))),
        (400, "EXPIREDREQUEST", with_tokens(token(100), token(85))),
        (400, "EXPIREDREQUEST", with_tokens(token(100), token(107))),
        (400, "EXPIREDREQUEST", with_tokens(token(100), too_long)),
        (400, "INVALIDSIGNERSIGNATURE", tampered(|packet| packet.signersig = "0x00".into())),
        (
            400,
            "INVALIDSIGNERSIGNATURE",
            tampered(|packet| packet.signersig = packet.signersig.replacen("0x", "", 1)),
        ),
        (
            400,
            "INVALIDSIGNERSIGNATURE",
            tampered(|packet| packet.signersig = format!("0x{}", "é".repeat(64))),
        ),
        (400, "INVALIDDATASIGNATURE", tampered(|packet| packet.signature.push('0'))),
        (
            400,
            "SIGNERSIGVERIFICATIONFAILED",
            tampered(|packet| packet.owner_address = address_of(&dev::dave())),
        ),
        (
            400,
            "SIGNERSIGVERIFICATIONFAILED",
            tampered(|packet| packet.signersig = format!("0x{}", "00".repeat(64))),
        ),
        (
            400,
            "DATASIGVERIFICATIONFAILED",
            tampered(|packet| packet.data = packet.data.replace(SHARE, "a share of another owner")),
        ),
        (400, "INVALIDDATAFORMAT", with_data("")),
        (400, "INVALIDDATAFORMAT", with_data("7_share_with_more_parts_100_15")),
        (400, "INVALIDNFTID", with_data(&format!("x_{SHARE}_100_15"))),
        (400, "INVALIDNFTID", store_packet(99, SHARE, 100)),
        (400, "INVALIDKEYSHARE", with_data("7__100_15")),
        (400, "KEYSHAREISTOOSHORT", with_data("7_short_100_15")),
        (400, "KEYSHAREISTOOLONG", with_data(&format!("7_{longest_share}_100_15"))),
        (400, "INVALIDAUTHTOKEN", with_data(&format!("7_{SHARE}_x_15"))),
        (400, "IDISNOTASECRETNFT", store_packet(30, SHARE, 100)),
        (403, "NOTSYNCING", store_packet(31, SHARE, 100)),
        (
            401,
            "OWNERSHIPVERIFICATIONFAILED",
            store_packet_of(&dev::dave(), &dev::bob(), NFT, SHARE, token(100), token(100)),
        ),
    ];
    for (code, status, packet) in cases {
        enclave.store(&packet).await.is(code, status);
    }
    assert_eq!(enclave.context.store.held(NFT, KeyshareKind::Secret).unwrap(), None);
    // The same packet without a fault.
    enclave.store(&tampered(|_| ())).await.is(200, "STORESUCCESS");
}

#[tokio::test]
async fn retrieve_refuses_with_the_status_for_each_fault() {
    let enclave = Enclave::start().await;
    let packet = store_packet(NFT, SHARE, 100);
    enclave.store(&packet).await.is(200, "STORESUCCESS");
    in_time(enclave.chain.batch(0)).await;
    let now = enclave.chain.finalized() + 1;
    let alice = owner().public_key().0;
    enclave.chain.mint_with(30, alice, NftState::default());
    enclave.chain.mint(31, alice);
    // Synced by a cluster whose share of this slot is not here.
    enclave.chain.mint(32, alice);
    enclave.chain.sync(32, now, [0xaa; 32]);
    enclave.sync(&packet, now).await;

    let good = || retrieve_packet(&owner(), NFT, now);
    let tampered = |change: fn(&mut RetrieveKeysharePacket)| {
        let mut packet = good();
        change(&mut packet);
        packet
    };
    let with_data = |data: &str| RetrieveKeysharePacket {
        data: data.into(),
        signature: sign(&owner(), data),
        ..good()
    };
    let cases = [
        (400, "INVALIDREQUESTERADDRESS", tampered(|packet| packet.requester_address.clear())),
        (400, "INVALIDDATAFORMAT", with_data("7")),
        (400, "INVALIDNFTID", with_data(&format!("x_{now}_15"))),
        (400, "INVALIDNFTID", retrieve_packet(&owner(), 99, now)),
        (400, "INVALIDAUTHTOKEN", with_data("7_x_15")),
        (400, "EXPIREDREQUEST", retrieve_packet(&owner(), NFT, now - 16)),
        (400, "EXPIREDREQUEST", retrieve_packet(&owner(), NFT, now + 6)),
        (400, "EXPIREDREQUEST", with_data(&format!("7_{now}_21"))),
        (400, "INVALIDSIGNERSIGNATURE", tampered(|packet| packet.signature.clear())),
        (
            400,
            "SIGNERSIGVERIFICATIONFAILED",
            tampered(|packet| packet.requester_address = address_of(&dev::dave())),
        ),
        (400, "IDISNOTASECRETNFT", retrieve_packet(&owner(), 30, now)),
        (403, "NOTSYNCED", retrieve_packet(&owner(), 31, now)),
        (400, "REQUESTERVERIFICATIONFAILED", retrieve_packet(&dev::dave(), NFT, now)),
        (
            400,
            "REQUESTERVERIFICATIONFAILED",
            tampered(|packet| packet.requester_type = RequesterType::Delegatee),
        ),
        (
            400,
            "REQUESTERVERIFICATIONFAILED",
            tampered(|packet| packet.requester_type = RequesterType::Rentee),
        ),
        (404, "KEYNOTEXIST", retrieve_packet(&owner(), 32, now)),
    ];
    for (code, status, packet) in cases {
        let answer = enclave.retrieve(&packet).await;
        answer.is(code, status);
        assert!(answer.body.get("keyshare_data").is_none());
    }
    enclave.retrieve(&good()).await.is(200, "RETRIEVESUCCESS");
}

#[tokio::test]
async fn f34_without_the_chain_nothing_is_decided() {
    let folder = tempfile::tempdir().unwrap();
    let chain = Scripted::new(account_in(folder.path()).id());
    let enclave = Enclave::open(folder, chain, Setup::default());
    let both = |block| (store_packet(NFT, SHARE, block), retrieve_packet(&owner(), NFT, block));
    let (store, retrieve) = both(100);
    for _ in 0..2 {
        let answer = enclave.store(&store).await;
        answer.is(503, "CHAINUNAVAILABLE");
        assert_eq!(answer.headers[header::RETRY_AFTER], "6");
        enclave.retrieve(&retrieve).await.is(503, "CHAINUNAVAILABLE");
        if *enclave.context.outlook.borrow() == Outlook::Unknown {
            enclave.get("/api/quote").await.is(503, "CHAINUNAVAILABLE");
            // A failure to read is not "there is no such NFT".
            enclave.chain.assign(operator(), ClusterType::Public);
            enclave.finalize(100).await;
            enclave.chain.unreachable(true);
        }
    }
}

#[tokio::test]
async fn availability_is_told_also_without_the_chain_and_on_another() {
    let absent = |answer: Answer, block: BlockNumber| {
        assert_eq!(answer.code, StatusCode::OK);
        assert_eq!(answer.body["exists"], json!(false));
        assert_eq!(answer.body["block_number"], json!(block));
    };
    let path = "/api/secret-nft/is-keyshare-available/8";
    let folder = tempfile::tempdir().unwrap();
    let chain = Scripted::new(account_in(folder.path()).id());
    let enclave = Enclave::open(folder, chain, Setup::default());
    absent(enclave.get(path).await, 0);
    enclave.finalize(100).await;
    absent(enclave.get(path).await, 100);
    enclave.sees_another_runtime().await;
    absent(enclave.get(path).await, 0);
}

/// F20, F21: what is assigned is read from the state of each final block, and not from events.
#[tokio::test]
async fn an_enclave_serves_only_where_it_is_assigned() {
    let enclave = Enclave::start().await;
    let packet = store_packet(NFT, SHARE, 100);
    enclave.store(&packet).await.is(200, "STORESUCCESS");
    in_time(enclave.chain.batch(0)).await;
    let mut now = enclave.chain.finalized() + 1;
    enclave.sync(&packet, now).await;
    enclave.chain.mint(8, owner().public_key().0);

    for (cluster_type, code, status) in [
        (ClusterType::Public, 200, "STORESUCCESS"),
        (ClusterType::Private, 200, "STORESUCCESS"),
        (ClusterType::Disabled, 503, "NOTINSERVICE"),
        (ClusterType::Admin, 503, "NOTINSERVICE"),
    ] {
        enclave.chain.assign(operator(), cluster_type);
        now = enclave.chain.finalized() + 1;
        enclave.finalize(now).await;
        enclave.store(&store_packet(8, SHARE, now)).await.is(code, status);
        let now = enclave.chain.finalized();
        enclave.retrieve(&retrieve_packet(&owner(), NFT, now)).await.is(200, "RETRIEVESUCCESS");
    }
    enclave.chain.unassign();
    now = enclave.chain.finalized() + 1;
    enclave.finalize(now).await;
    enclave.store(&store_packet(8, SHARE, now)).await.is(503, "NOTINSERVICE");
    enclave.retrieve(&retrieve_packet(&owner(), NFT, now)).await.is(503, "NOTINSERVICE");

    // Assigned, but for an operator that this enclave does not work for.
    enclave.chain.assign([0x77; 32], ClusterType::Public);
    enclave.finalize(now + 1).await;
    enclave.retrieve(&retrieve_packet(&owner(), NFT, now)).await.is(503, "NOTINSERVICE");
}

#[tokio::test]
async fn a_runtime_that_needs_another_build_is_not_served_and_nothing_is_lost() {
    let enclave = Enclave::start().await;
    enclave.sees_another_runtime().await;
    enclave.store(&store_packet(NFT, SHARE, 200)).await.is(503, "NOTINSERVICE");
    enclave.get("/api/quote").await.is(503, "NOTINSERVICE");
    let health = enclave.get("/api/health").await;
    assert_eq!((health.code, &health.body["sync_state"]), (StatusCode::OK, &json!("")));
    // Back to the one that this build is for.
    enclave.chain.set(storage::enclave_abi(), ENCLAVE_ABI);
    enclave.finalize(201).await;
    enclave.store(&store_packet(NFT, SHARE, 201)).await.is(200, "STORESUCCESS");
}

#[tokio::test]
async fn too_many_requests_are_shed_but_health_is_answered() {
    let api = ApiLimits { concurrent: 1, ..Default::default() };
    let enclave = Enclave::start_with(Setup { api, ..Default::default() }).await;
    enclave.chain.mint(8, owner().public_key().0);
    let request = post("/api/secret-nft/store-keyshare", &store_packet(8, SHARE, 100));
    let router = enclave.router.clone();
    let parked = tokio::spawn(async move { answer(router.oneshot(request).await.unwrap()).await });
    // Answered at once if there is capacity, so it never has the place itself.
    let cheap = format!("/api/secret-nft/is-keyshare-available/{NFT}");
    in_time(async {
        while enclave.get(&cheap).await.code == StatusCode::OK {
            tokio::task::yield_now().await;
        }
    })
    .await;
    let busy = enclave.store(&store_packet(NFT, SHARE, 100)).await;
    busy.is(503, "BUSY");
    assert_eq!(busy.headers[header::RETRY_AFTER], "6");
    assert_eq!(enclave.get("/api/health").await.code, StatusCode::OK);
    enclave.finalize(101).await;
    in_time(parked).await.unwrap().is(200, "STORESUCCESS");
    assert_eq!(enclave.get(&cheap).await.code, StatusCode::OK);
}

#[tokio::test]
async fn a_request_that_takes_too_long_is_ended() {
    let api = ApiLimits { time: Duration::from_millis(20), ..Default::default() };
    let enclave = Enclave::start_with(Setup { api, ..Default::default() }).await;
    enclave.chain.mint(8, owner().public_key().0);
    enclave.store(&store_packet(8, SHARE, 100)).await.is(408, "TIMEOUT");
}

/// A body that comes slowly, or not at all, keeps no other request from its place.
#[tokio::test]
async fn slow_bodies_hold_no_places() {
    let api = ApiLimits { concurrent: 1, ..Default::default() };
    let enclave = Enclave::start_with(Setup { api, ..Default::default() }).await;
    let mut slow = Vec::new();
    for _ in 0..10 {
        let never = futures::stream::pending::<Result<&str, io::Error>>();
        let request = Request::post("/api/secret-nft/store-keyshare")
            .header(header::CONTENT_TYPE, "application/json")
            .body(Body::from_stream(never))
            .unwrap();
        let mut answer = Box::pin(enclave.router.clone().oneshot(request));
        assert!(futures::poll!(&mut answer).is_pending());
        slow.push(answer);
    }
    enclave.store(&store_packet(NFT, SHARE, 100)).await.is(200, "STORESUCCESS");
    drop(slow);
}

#[tokio::test]
async fn a_body_that_comes_too_slowly_is_refused() {
    let api = ApiLimits { body_start: Duration::from_millis(50), ..Default::default() };
    let enclave = Enclave::start_with(Setup { api, ..Default::default() }).await;
    let never = futures::stream::pending::<Result<&str, io::Error>>();
    let request = Request::post("/api/secret-nft/store-keyshare")
        .header(header::CONTENT_TYPE, "application/json")
        .body(Body::from_stream(never))
        .unwrap();
    in_time(enclave.send(request)).await.is(408, "TIMEOUT");
}

#[tokio::test]
async fn a_body_that_breaks_off_is_refused() {
    let enclave = Enclave::start().await;
    let broken = futures::stream::iter([Ok("{"), Err(io::Error::other("gone"))]);
    let request = Request::post("/api/secret-nft/store-keyshare")
        .header(header::CONTENT_TYPE, "application/json")
        .body(Body::from_stream(broken))
        .unwrap();
    enclave.send(request).await.is(400, "BODYBROKEOFF");
}

#[tokio::test]
async fn what_breaks_inside_is_answered_and_the_next_request_works() {
    let panics = Setup { quoting: Quoting::Panics, ..Default::default() };
    let enclave = Enclave::start_with(panics).await;
    enclave.get("/api/quote").await.is(500, "INTERNALERROR");
    enclave.get("/api/quote").await.is(500, "INTERNALERROR");
    let fails = Setup { quoting: Quoting::Fails, ..Default::default() };
    let enclave = Enclave::start_with(fails).await;
    enclave.get("/api/quote").await.is(500, "QUOTEFAILURE");

    // A share that no store request can have brought.
    let packet = store_packet(NFT, SHARE, 100);
    let new = NewShare {
        key: key_of(&packet),
        share: Zeroizing::new(vec![0xff; 20]),
        owner: owner().public_key().0,
        slot_id: SLOT,
        token_block: 100,
        stored_at: 100,
        time: 1,
        is_bound: false,
    };
    enclave.context.store.store(new).await.unwrap().unwrap();
    in_time(enclave.chain.batch(0)).await;
    let now = enclave.chain.finalized() + 1;
    enclave.sync(&packet, now).await;
    enclave.retrieve(&retrieve_packet(&owner(), NFT, now)).await.is(500, "KEYNOTREADABLE");

    let enclave = Enclave::start().await;
    enclave.context.store.fail().await;
    enclave.store(&packet).await.is(500, "DATABASEFAILURE");
}

/// Clients and operators look a status up by its name.
#[test]
fn status_names_are_unique() {
    let names: HashSet<_> = Status::ALL.iter().map(|status| status.name()).collect();
    assert_eq!(names.len(), Status::ALL.len());
}
