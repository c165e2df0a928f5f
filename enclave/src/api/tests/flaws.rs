// SPDX-License-Identifier: Apache-2.0
//! Flaws of the existing enclave that are the API's as a whole: docs/flaws.md.

use super::*;

/// F8, F26, F27: administrators could have all shares in plain, put shares and accounts in, and move
/// the enclave's position; of whom each was, the enclave had no good idea.
#[tokio::test]
async fn f8_f26_f27_there_are_no_routes_for_administrators() {
    let enclave = Enclave::start().await;
    let token = json!({
        "admin_address": address_of(&dev::alice()),
        "admin_account": address_of(&dev::alice()),
        "metric_account": address_of(&dev::alice()),
        "auth_token": "{\"block_number\":100,\"block_validation\":15}",
        "block_number": "0",
        "nftid_vec": "[]",
        "data": "100_15",
        "signature": sign(&dev::alice(), "100_15"),
    });
    let before = enclave.get("/api/health").await.body;
    for route in [
        "fetch-id",
        "push-id",
        "fetch-bulk",
        "push-bulk",
        "sync-keyshare",
        "set-crawl-block",
        "is-keyshare-available",
    ] {
        let path = format!("/api/backup/{route}");
        enclave.send(post(&path, &token)).await.is(404, "NOTFOUND");
        enclave.get(&path).await.is(404, "NOTFOUND");
    }
    assert_eq!(enclave.get("/api/health").await.body, before);
}

/// G6: a token is a window of blocks and no more. What a plain request can give within it, its own
/// requester could have too: each time is logged, and with the token it ends.
#[tokio::test]
async fn g6_each_replay_is_logged_and_they_end_with_the_token() {
    let enclave = Enclave::start().await;
    let stored = store_packet(NFT, SHARE, 100);
    enclave.store(&stored).await.is(200, "STORESUCCESS");
    in_time(enclave.chain.batch(0)).await;
    enclave.sync(&stored, 110).await;
    let packet = retrieve_packet(&owner(), NFT, 110);
    let views = || enclave.context.store.log_of(NFT, None, 100).unwrap().len() - 1;
    for times in 1..=3 {
        enclave.retrieve(&packet).await.is(200, "RETRIEVESUCCESS");
        assert_eq!(views(), times);
    }
    // The last block of its token, and the one after it.
    enclave.finalize(125).await;
    enclave.retrieve(&packet).await.is(200, "RETRIEVESUCCESS");
    enclave.finalize(126).await;
    enclave.retrieve(&packet).await.is(400, "EXPIREDREQUEST");
    enclave.store(&stored).await.is(400, "EXPIREDSIGNER");
    assert_eq!(views(), 4);
    // A new owner makes the old one's requests worthless before that.
    let packet = retrieve_packet(&owner(), NFT, 126);
    enclave.retrieve(&packet).await.is(200, "RETRIEVESUCCESS");
    enclave.chain.mint(NFT, dev::eve().public_key().0);
    enclave.finalize(127).await;
    enclave.retrieve(&packet).await.is(400, "REQUESTERVERIFICATIONFAILED");
}

/// G8: who was to have a share removed could have its history removed as well.
#[tokio::test]
async fn g8_a_removal_leaves_the_log_as_it_is() {
    let enclave = Enclave::start().await;
    let stored = store_packet(NFT, SHARE, 100);
    enclave.store(&stored).await.is(200, "STORESUCCESS");
    in_time(enclave.chain.batch(0)).await;
    enclave.sync(&stored, 110).await;
    enclave.retrieve(&retrieve_packet(&owner(), NFT, 110)).await.is(200, "RETRIEVESUCCESS");
    let log = || enclave.context.store.log_of(NFT, None, 100).unwrap();
    let (before, head) = (log(), enclave.context.store.log_head());
    assert_eq!(before.len(), 2);

    enclave.chain.remove(&storage::nft(NFT));
    enclave.chain.set(storage::next_nft_id(), NFT + 1);
    enclave.finalize(111).await;
    // Anybody may ask: that the NFT is burnt is the chain's word.
    let removal = json!({"requester_address": address_of(&dev::eve()), "nft_id": NFT});
    enclave.send(post("/api/secret-nft/remove-keyshare", &removal)).await.is(200, "REMOVESUCCESS");
    assert_eq!(enclave.context.store.held(NFT, KeyshareKind::Secret).unwrap(), None);
    assert_eq!(log(), before);
    let after = enclave.context.store.log_head();
    assert!(after.count >= head.count, "{after:?}");
}
