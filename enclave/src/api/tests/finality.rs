// SPDX-License-Identifier: Apache-2.0
//! Requests that come before finality shows what they are about.

use super::*;

const MINTED: NftId = 8;

/// Sends a request in the background.
fn send(enclave: &Enclave, packet: &StoreKeysharePacket) -> JoinHandle<Answer> {
    let request = post("/api/secret-nft/store-keyshare", packet);
    let router = enclave.router.clone();
    tokio::spawn(async move { answer(router.oneshot(request).await.unwrap()).await })
}

/// Lets the other tasks go on until nothing is left for them to do: every read of the scripted
/// chain is ready at once.
async fn settle() {
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_share_sent_right_after_inclusion_is_stored_when_finality_shows_the_nft() {
    let enclave = Enclave::start().await;
    enclave.chain.mint(MINTED, owner().public_key().0);
    enclave.chain.author(102);
    let request = send(&enclave, &store_packet(MINTED, SHARE, 100));
    settle().await;
    assert!(!request.is_finished());
    enclave.finalize(101).await;
    in_time(request).await.unwrap().is(200, "STORESUCCESS");
}

#[tokio::test]
async fn a_share_sent_before_the_node_has_the_block_waits_for_that_block() {
    for behind in 1..=3 {
        let enclave = Enclave::start().await;
        enclave.chain.author(101);
        let request = send(&enclave, &store_packet(MINTED, SHARE, 100));
        settle().await;
        for block in 1..behind {
            enclave.chain.author(101 + block);
            settle().await;
        }
        enclave.chain.mint(MINTED, owner().public_key().0);
        enclave.chain.author(101 + behind);
        settle().await;
        assert!(!request.is_finished());
        enclave.finalize(101 + behind).await;
        in_time(request).await.unwrap().is(200, "STORESUCCESS");
    }
}

#[tokio::test]
async fn what_three_newer_blocks_do_not_show_is_refused_then() {
    let enclave = Enclave::start().await;
    let request = send(&enclave, &store_packet(MINTED, SHARE, 100));
    for block in 101..=103 {
        settle().await;
        assert!(!request.is_finished());
        enclave.chain.author(block);
    }
    in_time(request).await.unwrap().is(400, "INVALIDNFTID");
}

#[tokio::test]
async fn a_refusal_says_what_is_wrong_once_the_block_of_its_arrival_is_final() {
    let enclave = Enclave::start().await;
    enclave.chain.mint(MINTED, dev::eve().public_key().0);
    enclave.chain.author(101);
    let request = send(&enclave, &store_packet(MINTED, SHARE, 100));
    for block in 102..=104 {
        settle().await;
        enclave.chain.author(block);
    }
    settle().await;
    assert!(!request.is_finished());
    enclave.finalize(101).await;
    in_time(request).await.unwrap().is(401, "OWNERSHIPVERIFICATIONFAILED");
}

#[tokio::test]
async fn a_token_a_little_ahead_waits_and_one_far_ahead_does_not() {
    let enclave = Enclave::start().await;
    enclave.store(&store_packet(NFT, SHARE, 106)).await.is(400, "EXPIREDSIGNER");
    let request = send(&enclave, &store_packet(NFT, SHARE, 105));
    settle().await;
    assert!(!request.is_finished());
    enclave.finalize(102).await;
    settle().await;
    assert!(!request.is_finished());
    enclave.finalize(103).await;
    in_time(request).await.unwrap().is(200, "STORESUCCESS");
}

#[tokio::test]
async fn a_retrieval_waits_for_the_finality_of_a_sync() {
    let enclave = Enclave::start().await;
    let packet = store_packet(NFT, SHARE, 100);
    enclave.store(&packet).await.is(200, "STORESUCCESS");
    let key = key_of(&packet);
    let commitment = enclave.context.store.record(&key).unwrap().unwrap().commitment(GENESIS, &key);
    // The confirmation of the share has made newer blocks.
    in_time(enclave.chain.batch(0)).await;
    let block = enclave.chain.finalized() + 1;
    enclave.chain.sync(NFT, block, commitment);
    enclave.chain.author(block);
    let packet = retrieve_packet(&owner(), NFT, 100);
    let request = post("/api/secret-nft/retrieve-keyshare", &packet);
    let router = enclave.router.clone();
    let request = tokio::spawn(async move { answer(router.oneshot(request).await.unwrap()).await });
    settle().await;
    assert!(!request.is_finished());
    enclave.finalize(block).await;
    in_time(request).await.unwrap().is(200, "RETRIEVESUCCESS");
}

#[tokio::test]
async fn f2_finality_and_not_the_best_block_decides() {
    let enclave = Enclave::start().await;
    let packet = store_packet(NFT, SHARE, 100);
    enclave.store(&packet).await.is(200, "STORESUCCESS");
    in_time(enclave.chain.batch(0)).await;
    let block = enclave.chain.finalized() + 1;
    enclave.sync(&packet, block).await;
    // Bob is the owner in a block that is never finalized.
    let synced = NftState { is_secret: true, ..Default::default() };
    enclave.chain.mint_with(NFT, dev::bob().public_key().0, synced);
    enclave.chain.author(block + 1);
    let stolen = retrieve_packet(&dev::bob(), NFT, block);
    let request = post("/api/secret-nft/retrieve-keyshare", &stolen);
    let router = enclave.router.clone();
    let request = tokio::spawn(async move { answer(router.oneshot(request).await.unwrap()).await });
    settle().await;
    // The chain goes on without that block.
    enclave.chain.mint_with(NFT, owner().public_key().0, synced);
    for number in block + 1..block + 25 {
        enclave.finalize(number).await;
        settle().await;
    }
    in_time(request).await.unwrap().is(400, "EXPIREDREQUEST");
    let answer = enclave.retrieve(&retrieve_packet(&owner(), NFT, block + 24)).await;
    answer.is(200, "RETRIEVESUCCESS");
}

#[tokio::test]
async fn a_full_park_is_busy_and_a_dropped_request_frees_its_place() {
    let park = ParkLimits { places: 2, places_per_account: 1, ..Default::default() };
    let enclave = Enclave::start_with(Setup { park, ..Default::default() }).await;
    let owners = [dev::alice(), dev::charlie(), dev::dave()];
    for (nft_id, owner) in (20..).zip(&owners) {
        enclave.chain.mint(nft_id, owner.public_key().0);
    }
    enclave.chain.author(101);
    let packet = |index: usize| {
        let nft_id = 20 + index as NftId;
        store_packet_of(&owners[index], &dev::bob(), nft_id, SHARE, token(100), token(100))
    };
    let first = send(&enclave, &packet(0));
    settle().await;
    let own = enclave.store(&packet(0)).await;
    own.is(503, "BUSY");
    assert_eq!(own.headers[header::RETRY_AFTER], "6");
    let second = send(&enclave, &packet(1));
    settle().await;
    enclave.store(&packet(2)).await.is(503, "BUSY");
    second.abort();
    assert!(second.await.is_err());
    let third = send(&enclave, &packet(2));
    settle().await;
    assert!(!third.is_finished());
    enclave.finalize(101).await;
    in_time(first).await.unwrap().is(200, "STORESUCCESS");
    in_time(third).await.unwrap().is(200, "STORESUCCESS");
}

#[tokio::test]
async fn requests_for_nfts_that_do_not_exist_do_not_fill_the_park() {
    let park = ParkLimits { places: 1, latecomers: 2, ..Default::default() };
    let enclave = Enclave::start_with(Setup { park, ..Default::default() }).await;
    let late: Vec<_> =
        (50..52).map(|nft_id| send(&enclave, &store_packet(nft_id, SHARE, 100))).collect();
    settle().await;
    // Of more of them it is not known whether they are late: they are not refused for good.
    let busy = enclave.store(&store_packet(52, SHARE, 100)).await;
    busy.is(503, "BUSY");
    assert_eq!(busy.headers[header::RETRY_AFTER], "6");
    // Whoever has an NFT gets the place.
    enclave.chain.mint(MINTED, owner().public_key().0);
    let honest = send(&enclave, &store_packet(MINTED, SHARE, 100));
    settle().await;
    enclave.finalize(101).await;
    in_time(honest).await.unwrap().is(200, "STORESUCCESS");
    for block in 102..=103 {
        settle().await;
        enclave.chain.author(block);
    }
    for request in late {
        in_time(request).await.unwrap().is(400, "INVALIDNFTID");
    }
}

#[tokio::test]
async fn waiting_ends_when_finality_does_not_come() {
    let park = ParkLimits { wait: Duration::from_millis(20), ..Default::default() };
    let enclave = Enclave::start_with(Setup { park, ..Default::default() }).await;
    enclave.chain.mint(MINTED, owner().public_key().0);
    enclave.store(&store_packet(MINTED, SHARE, 100)).await.is(400, "INVALIDNFTID");
    enclave.store(&store_packet(99, SHARE, 100)).await.is(400, "INVALIDNFTID");
}
