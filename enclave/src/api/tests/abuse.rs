// SPDX-License-Identifier: Apache-2.0
//! What requests do that somebody has crafted or recorded, and what they cost.

use super::*;

/// An enclave that decides at once what would wait for another block.
async fn start() -> Enclave {
    let park = ParkLimits { wait: Duration::ZERO, ..Default::default() };
    Enclave::start_with(Setup { park, ..Default::default() }).await
}

const STORE: &str = "/api/secret-nft/store-keyshare";
const RETRIEVE: &str = "/api/secret-nft/retrieve-keyshare";
const REMOVE: &str = "/api/secret-nft/remove-keyshare";

/// Texts that programs break on.
fn nasty() -> Vec<String> {
    let mut texts: Vec<String> = [
        "",
        "_",
        "__",
        "___",
        "____",
        "\0",
        "\u{feff}",
        "\u{202e}7",
        "é",
        "７",
        "🦀",
        "\n",
        "%s%n",
        "<Bytes>",
        "</Bytes>",
        "<Bytes></Bytes>",
        "<Bytes><Bytes>7</Bytes></Bytes>",
        "0x",
        "0X",
        "-0",
        "-1",
        "+7",
        " 7",
        "7 ",
        "07",
        "0x7",
        "1e3",
        "7.0",
        "NaN",
        "null",
        "4294967295",
        "4294967296",
        "18446744073709551616",
        "99999999999999999999999999999999999999999",
        "5C4hrfjw9DjXZTzV3MwzrrAr9P1MJhSrvWGWqi1eSuyUpnhM",
        "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY",
        "[1,2,3]",
        "{}",
        "\"",
        "\\u0000",
    ]
    .into_iter()
    .map(str::to_owned)
    .collect();
    texts.extend(["7", "é", "🦀", "_", "0x"].map(|text| text.repeat(500)));
    texts
}

/// A panic would be answered with 500.
#[tokio::test]
async fn f22_crafted_requests_are_refused_and_break_nothing() {
    let enclave = start().await;
    let signer = dev::bob();
    let wrap = |text: &str| [text.to_owned(), format!("<Bytes>{text}</Bytes>")];
    let mut requests = Vec::new();
    for text in nasty() {
        // In the place of each part of each signed text, well signed; and of the whole.
        let parts = |parts: &[&str]| {
            let mut texts = vec![text.clone()];
            for place in 0..parts.len() {
                let mut parts: Vec<&str> = parts.to_vec();
                parts[place] = &text;
                texts.push(parts.join("_"));
            }
            texts.iter().flat_map(|text| wrap(text)).collect::<Vec<_>>()
        };
        for approval in parts(&[&address_of(&signer), "100", "15"]) {
            let mut packet = store_packet(NFT, SHARE, 100);
            packet.signersig = sign(&owner(), &approval);
            packet.signer_address = approval;
            requests.push((STORE, json!(packet)));
        }
        for data in parts(&["7", SHARE, "100", "15"]) {
            let mut packet = store_packet(NFT, SHARE, 100);
            packet.signature = sign(&signer, &data);
            packet.data = data;
            requests.push((STORE, json!(packet)));
        }
        for data in parts(&["7", "100", "15"]) {
            let signature = sign(&owner(), &data);
            let packet = retrieve_packet(&owner(), NFT, 100);
            requests.push((RETRIEVE, json!(RetrieveKeysharePacket { data, signature, ..packet })));
        }
        // In the place of each field.
        let store = json!(store_packet(NFT, SHARE, 100));
        let retrieve = json!(retrieve_packet(&owner(), NFT, 100));
        let mut operator = retrieve.clone();
        operator["operator_address"] = retrieve["requester_address"].clone();
        for (path, body) in [
            (STORE, &store),
            (RETRIEVE, &retrieve),
            (REMOVE, &retrieve),
            ("/api/capsule-nft/set-keyshare", &store),
            ("/api/slot-sync", &retrieve),
            ("/api/backup", &operator),
            ("/api/restore", &operator),
        ] {
            for field in body.as_object().unwrap().keys() {
                let mut body = body.clone();
                body[field] = json!(text);
                requests.push((path, body));
            }
        }
    }
    let mut granted = 0;
    for (path, body) in requests {
        let answer = enclave.send(post(path, &body)).await;
        match answer.code.as_u16() {
            200 => granted += 1,
            400..=499 => (),
            _ => panic!("{path} {body}: {answer:?}"),
        }
    }
    // Some are good: a validity of 7, or an address of its own in the place of the address.
    assert!(granted < 100, "{granted}");
    // Nothing is broken: it still stores, and what it has stored was well formed.
    enclave.chain.mint(8, owner().public_key().0);
    enclave.finalize(110).await;
    enclave.store(&store_packet(8, SHARE, 110)).await.is(200, "STORESUCCESS");
    for held in enclave.context.store.held_after(None, 1000).unwrap() {
        let record = enclave.context.store.record(&held.key).unwrap().unwrap();
        assert!((16..=3000).contains(&record.share.len()));
    }
}

/// F39 asked a node for whoever had a key. What is not signed well asks the chain nothing.
#[tokio::test]
async fn f39_the_chain_is_asked_little_for_strangers_and_nothing_for_what_is_not_well_signed() {
    let enclave = start().await;
    let stranger = dev::eve();
    let remove = |data: &str, signature: &str| {
        let address = address_of(&stranger);
        json!({"requester_address": address, "data": data, "signature": signature})
    };
    let of_stranger =
        |nft_id| store_packet_of(&stranger, &dev::bob(), nft_id, SHARE, token(100), token(100));
    let tampered = |mut packet: StoreKeysharePacket| {
        packet.data.insert(8, '1');
        packet
    };
    let get = |path: &str| Request::get(path).body(Body::empty()).unwrap();
    let old = retrieve_data(NFT, token(10));
    let now = retrieve_data(NFT, token(100));
    let forged = retrieve_packet(&stranger, NFT, 100);
    let forged = RetrieveKeysharePacket { requester_address: address_of(&owner()), ..forged };
    let plain =
        |nft_id: NftId| json!({"requester_address": address_of(&stranger), "nft_id": nft_id});
    // What is sent, and how often the chain is asked for it.
    let costs = [
        ("garbage", 0, post(STORE, &json!([1, 2, 3]))),
        ("an unknown route", 0, get("/api/nothing")),
        ("health", 0, get("/api/health")),
        ("availability", 0, get("/api/secret-nft/is-keyshare-available/7")),
        ("a quote", 0, get("/api/quote")),
        ("a share with an old token", 0, post(STORE, &store_packet(NFT, SHARE, 10))),
        ("a share that was changed", 0, post(STORE, &tampered(store_packet(NFT, SHARE, 100)))),
        ("an old request for a share", 0, post(RETRIEVE, &retrieve_packet(&stranger, NFT, 10))),
        ("a forged request for a share", 0, post(RETRIEVE, &forged)),
        ("an old removal", 0, post(REMOVE, &remove(&old, &sign(&stranger, &old)))),
        ("a forged removal", 0, post(REMOVE, &remove(&now, &sign(&owner(), &now)))),
        ("a history", 1, get("/api/secret-nft/get-views-log/7")),
        ("a history that there is not", 1, get("/api/secret-nft/get-views-log/99")),
        ("a removal", 2, post(REMOVE, &plain(NFT))),
        // At the finalized block and at the best one.
        (
            "a share that is not for this one",
            2,
            post(RETRIEVE, &retrieve_packet(&stranger, NFT, 100)),
        ),
        ("a share of nothing", 2, post(RETRIEVE, &retrieve_packet(&stranger, 99, 100))),
        // And at the finalized block again, when the best one of the arrival is final.
        ("a share of another's NFT", 3, post(STORE, &of_stranger(NFT))),
        ("a share of no NFT", 3, post(STORE, &of_stranger(99))),
    ];
    for (what, most, request) in costs {
        let before = enclave.chain.reads();
        let answer = enclave.send(request).await;
        let asked = enclave.chain.reads() - before;
        assert!(asked <= most, "{what}: asked {asked} times: {answer:?}");
        assert_eq!(most > 0, asked > 0, "{what}: asked {asked} times: {answer:?}");
    }
    assert_eq!(enclave.context.store.held(NFT, KeyshareKind::Secret).unwrap(), None);
}

/// G6: a token is good for some blocks, and there is nothing in it that is used up. So what is
/// repeated must do no more than what it repeats.
#[tokio::test]
async fn g6_what_was_recorded_does_nothing_new_in_its_time_and_nothing_at_all_after_it() {
    let enclave = start().await;
    let store = &enclave.context.store;
    let first = store_packet_of(&owner(), &dev::bob(), NFT, SHARE, token(100), token(100));
    enclave.store(&first).await.is(200, "STORESUCCESS");
    in_time(enclave.chain.batch(0)).await;
    let held = store.held_after(None, 10).unwrap();
    let log = store.log_head();
    for _ in 0..5 {
        enclave.store(&first).await.is(200, "STORESUCCESS");
    }
    assert_eq!((store.held_after(None, 10).unwrap(), store.log_head()), (held, log));

    // The owner splits the key anew. What was recorded of the first splitting does not come back in
    // front of it.
    let share = "a share of the second splitting";
    let second = store_packet_of(&owner(), &dev::charlie(), NFT, share, token(101), token(101));
    enclave.store(&second).await.is(200, "STORESUCCESS");
    in_time(enclave.chain.batch(1)).await;
    enclave.store(&first).await.is(200, "STORESUCCESS");
    let split = split_of_signer(&second.signer_address);
    let confirmed = enclave.chain.confirmed(NFT).unwrap();
    assert_eq!((confirmed.split, store.log_head().count), (split, 2));
    assert!(store.outbox(10).unwrap().iter().all(|(_, key)| key.split == split));

    // Each time that a share is given it is in the log, whoever sends the request.
    enclave.sync(&second, 105).await;
    let view = retrieve_packet(&owner(), NFT, 105);
    for times in 1..=3 {
        enclave.retrieve(&view).await.is(200, "RETRIEVESUCCESS");
        assert_eq!(store.log_head().count, 2 + times);
    }
    // Once the NFT is sold it is worth nothing, nor after its time.
    let sold = NftState { is_secret: true, ..Default::default() };
    enclave.chain.mint_with(NFT, dev::eve().public_key().0, sold);
    enclave.finalize(106).await;
    enclave.retrieve(&view).await.is(400, "REQUESTERVERIFICATIONFAILED");
    enclave.store(&second).await.is(403, "NOTSYNCING");
    enclave.chain.mint_with(NFT, owner().public_key().0, sold);
    enclave.finalize(120).await;
    enclave.retrieve(&view).await.is(200, "RETRIEVESUCCESS");
    enclave.finalize(121).await;
    enclave.retrieve(&view).await.is(400, "EXPIREDREQUEST");
    enclave.store(&second).await.is(400, "EXPIREDSIGNER");
    assert_eq!(store.log_head().count, 6);
}
