// SPDX-License-Identifier: Apache-2.0
//! View logs and removal, as clients see them.

use tee_primitives::attestation::LogHead;

use super::*;

impl Enclave {
    async fn log(&self, nft_id: NftId, query: &str) -> Answer {
        self.get(&format!("/api/secret-nft/get-views-log/{nft_id}{query}")).await
    }

    async fn remove(&self, body: Value) -> Answer {
        self.send(post("/api/secret-nft/remove-keyshare", &body)).await
    }

    /// A synced share of NFT 7, viewed so often; the block.
    async fn viewed(&self, times: u32) -> BlockNumber {
        let packet = store_packet(NFT, SHARE, 100);
        self.store(&packet).await.is(200, "STORESUCCESS");
        in_time(self.chain.batch(0)).await;
        self.sync(&packet, 110).await;
        for _ in 0..times {
            let answer = self.retrieve(&retrieve_packet(&owner(), NFT, 110)).await;
            answer.is(200, "RETRIEVESUCCESS");
        }
        110
    }
}

#[tokio::test]
async fn the_history_of_an_nft_has_the_form_of_the_specification() {
    let enclave = Enclave::start().await;
    enclave.viewed(1).await;
    let answer = enclave.log(NFT, "").await;
    assert_eq!(answer.code, StatusCode::OK);
    let enclave_account = enclave.context.account.address();
    let by_owner = json!({"address": address_of(&owner()), "role": "OWNER"});
    let event = |event: &str, block: BlockNumber| {
        json!({
            // The scripted chain's time.
            "date": "2027-01-15 08:00:00",
            "block": block,
            "account": by_owner,
            "event": event,
            "enclave": enclave_account,
        })
    };
    let expected = json!({
        "enclave_account": enclave_account,
        "nft_id": NFT,
        "log": {
            "secret_nft": {"0": event("STORE", 100), "1": event("VIEW", 110)},
            "capsule": {},
        },
        "description": "Successful",
    });
    assert_eq!(answer.body, expected);
}

/// In parts, and with what other enclaves have logged: nothing is left out, nothing comes twice.
#[tokio::test]
async fn a_long_history_comes_in_parts() {
    let enclave = Enclave::start().await;
    enclave.viewed(6).await;
    // The log of another enclave of the slot.
    let other = Enclave::start().await;
    other.viewed(4).await;
    let rows = other.context.store.log_rows(LogHead::default(), 60_000).unwrap().unwrap();
    let origin = other.context.account.id();
    enclave.context.store.copy_log(origin, rows, true).await.unwrap().unwrap();

    let whole = enclave.log(NFT, "").await.body["log"]["secret_nft"].clone();
    assert_eq!(whole.as_object().unwrap().len(), 7 + 5);
    for limit in [1, 2, 5, 7, 11, 12, 200] {
        let (mut events, mut query) = (Vec::new(), format!("?limit={limit}"));
        loop {
            let answer = enclave.log(NFT, &query).await;
            assert_eq!(answer.code, StatusCode::OK, "{query}");
            let part = answer.body["log"]["secret_nft"].as_object().unwrap().clone();
            assert!(part.len() <= limit);
            events.extend(part.into_values());
            let Some(next) = answer.body["next"].as_str() else { break };
            query = format!("?limit={limit}&after={next}");
        }
        assert_eq!(events.len(), 7 + 5, "{limit} at a time");
        let of = |account: &str| events.iter().filter(|it| it["enclave"] == account).count();
        assert_eq!(of(enclave.context.account.address()), 7);
        assert_eq!(of(other.context.account.address()), 5);
    }
}

#[tokio::test]
async fn histories_that_there_are_not() {
    let enclave = Enclave::start().await;
    enclave.viewed(1).await;
    enclave.log(99, "").await.is(400, "INVALIDNFTID");
    let capsule = enclave.get(&format!("/api/capsule-nft/get-views-log/{NFT}")).await;
    capsule.is(400, "IDISNOTACAPSULE");
    for path in ["x", "-1", "4294967296"] {
        let answer = enclave.get(&format!("/api/secret-nft/get-views-log/{path}")).await;
        answer.is(400, "INVALIDNFTID");
    }
    for query in ["?limit=0", "?limit=201", "?limit=x", "?after=", "?after=xyz", "?after=-1"] {
        enclave.log(NFT, query).await.is(400, "INVALIDPARAMETERS");
    }
    // Somebody else's place is no place in this history.
    let after = format!("?after=x{}", "ff".repeat(56));
    let answer = enclave.log(NFT, &after).await;
    assert_eq!(answer.body["log"]["secret_nft"], json!({}));
    enclave.sees_another_runtime().await;
    assert_eq!(enclave.log(NFT, "").await.code, StatusCode::SERVICE_UNAVAILABLE);
}

/// F10: removal never worked, whoever asked.
#[tokio::test]
async fn f10_a_share_is_removed_when_its_nft_is_burnt_and_not_before() {
    let enclave = Enclave::start().await;
    enclave.viewed(0).await;
    let plain = json!({"requester_address": address_of(&dev::eve()), "nft_id": NFT});
    let data = format!("<Bytes>{}</Bytes>", retrieve_data(NFT, token(110)));
    let signed = json!({
        "requester_address": address_of(&dev::eve()),
        "signature": sign(&dev::eve(), &data),
        "data": data,
    });
    for body in [&plain, &signed] {
        enclave.remove(body.clone()).await.is(400, "NOTBURNT");
    }
    assert!(enclave.context.store.held(NFT, KeyshareKind::Secret).unwrap().is_some());
    let unminted = json!({"requester_address": address_of(&dev::eve()), "nft_id": 4_000_000});
    enclave.remove(unminted).await.is(400, "INVALIDNFTID");

    enclave.chain.remove(&storage::nft(NFT));
    enclave.chain.set(storage::next_nft_id(), NFT + 1);
    enclave.finalize(111).await;
    let mut descriptions = Vec::new();
    for body in [&plain, &signed] {
        let answer = enclave.remove(body.clone()).await;
        descriptions.push(answer.is(200, "REMOVESUCCESS").body["description"].clone());
        assert!(enclave.context.store.held(NFT, KeyshareKind::Secret).unwrap().is_none());
    }
    assert_eq!(descriptions[1], "NFT Keyshare was not available already");
}

#[tokio::test]
async fn requests_for_removal_that_are_none() {
    let enclave = Enclave::start().await;
    let requester = address_of(&dev::eve());
    let data = retrieve_data(NFT, token(100));
    let good = sign(&dev::eve(), &data);
    let old = retrieve_data(NFT, token(10));
    let cases = [
        (json!({"requester_address": "x", "nft_id": NFT}), 400, "INVALIDREQUESTERADDRESS"),
        (json!({"requester_address": requester}), 422, "INVALIDFIELDS"),
        (json!({"requester_address": requester, "data": data}), 422, "INVALIDFIELDS"),
        (
            json!({"requester_address": requester, "nft_id": NFT, "signature": good}),
            422,
            "INVALIDFIELDS",
        ),
        (json!({"requester_address": requester, "nft_id": -1}), 422, "INVALIDFIELDS"),
        (
            json!({"requester_address": requester, "data": "7_100", "signature": good}),
            400,
            "INVALIDDATAFORMAT",
        ),
        (
            json!({"requester_address": requester, "data": old, "signature": sign(&dev::eve(), &old)}),
            400,
            "EXPIREDREQUEST",
        ),
        (
            json!({"requester_address": requester, "data": data, "signature": "0x12"}),
            400,
            "INVALIDSIGNERSIGNATURE",
        ),
        (
            json!({"requester_address": requester, "data": data, "signature": sign(&dev::bob(), &data)}),
            400,
            "SIGNERSIGVERIFICATIONFAILED",
        ),
    ];
    for (body, code, status) in cases {
        enclave.remove(body).await.is(code, status);
    }
}
