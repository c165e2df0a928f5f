// SPDX-License-Identifier: Apache-2.0
//! What depends on the own attestation: the service, health, and quotes.

use codec::DecodeAll;
use tee_primitives::attestation::{AttestationPayload, Purpose};

use super::*;

impl Enclave {
    /// Whether it stores and gives shares back.
    async fn serves(&self, stored: &StoreKeysharePacket) -> bool {
        let now = self.sees(0).await.finalized.number;
        let retrieved = self.retrieve(&retrieve_packet(&owner(), NFT, now)).await;
        let stored = self.store(stored).await;
        if retrieved.code == StatusCode::OK {
            stored.is(200, "STORESUCCESS");
            return true;
        }
        for answer in [&retrieved, &stored] {
            answer.is(503, "NOTINSERVICE");
            assert_eq!(answer.headers[header::RETRY_AFTER], "6");
            assert!(answer.body.get("keyshare_data").is_none());
        }
        false
    }

    /// Holds a synced share at this block.
    async fn holding(block: BlockNumber) -> (Self, StoreKeysharePacket) {
        let enclave = Self::start().await;
        let packet = store_packet(NFT, SHARE, 100);
        enclave.store(&packet).await.is(200, "STORESUCCESS");
        in_time(enclave.chain.batch(0)).await;
        enclave.sync(&packet, block).await;
        assert!(enclave.serves(&packet).await);
        (enclave, packet)
    }

    async fn health(&self) -> Value {
        let health = self.get("/api/health").await;
        assert_eq!(health.code, StatusCode::OK);
        health.body
    }

    /// Out of service for this reason, and health says so.
    async fn is_out(&self, packet: &StoreKeysharePacket, why: &str) {
        assert!(!self.serves(packet).await, "{why}");
        let health = self.health().await;
        assert_eq!((&health["description"], &health["sync_state"]), (&json!(why), &json!("")));
        assert_eq!(health["attestation"]["live"], json!(false));
        assert_eq!(health["attestation"]["problem"], json!(why));
    }
}

#[tokio::test]
async fn an_enclave_serves_only_while_its_attestation_counts() {
    let (enclave, packet) = Enclave::holding(102).await;
    let chain = &enclave.chain;

    chain.set_time(NOW + attesting::VALIDITY);
    enclave.finalize(103).await;
    enclave.is_out(&packet, "The enclave's attestation has expired.").await;
    let health = enclave.health().await;
    assert_eq!(health["attestation"]["expires_at"], json!(NOW + attesting::VALIDITY));
    assert_eq!(health["attestation"]["tcb_status"], json!("UpToDate"));

    chain.attest(&enclave.own, 103);
    enclave.finalize(104).await;
    assert!(enclave.serves(&packet).await);

    chain.ban_platform(true);
    enclave.finalize(105).await;
    enclave.is_out(&packet, "The chain has banned this enclave's machine.").await;
    chain.ban_platform(false);

    chain.remove(&tee_primitives::abi::storage::allowed_measurement(&attesting::MEASUREMENT));
    enclave.finalize(106).await;
    enclave.is_out(&packet, "The chain does not allow this enclave's measurement.").await;
    chain.set(
        tee_primitives::abi::storage::allowed_measurement(&attesting::MEASUREMENT),
        attesting::allowed(),
    );

    chain.set_policy(tee_primitives::attestation::tcb::TcbPolicy {
        min_evaluation_number: 1_000,
        ..Default::default()
    });
    enclave.finalize(107).await;
    let why = "The enclave's machine is not as up to date as the chain demands.";
    enclave.is_out(&packet, why).await;
    chain.set_policy(Default::default());

    chain.attest(&Identity { operator: [9; 32], ..enclave.own }, 107);
    enclave.finalize(108).await;
    enclave.is_out(&packet, "The enclave has not attested.").await;
    chain.forget_attestation();
    enclave.finalize(109).await;
    enclave.is_out(&packet, "The enclave has not attested.").await;

    chain.attest(&enclave.own, 109);
    enclave.finalize(110).await;
    assert!(enclave.serves(&packet).await);
    // What is held can be told also by one that does not serve.
    chain.forget_attestation();
    enclave.finalize(111).await;
    let available = format!("/api/secret-nft/is-keyshare-available/{NFT}");
    assert_eq!(enclave.get(&available).await.body["exists"], json!(true));
}

#[tokio::test]
async fn a_second_copy_of_the_disk_ends_the_service_of_the_first() {
    let (first, packet) = Enclave::holding(102).await;
    let copy = Identity { session: [0xc0; 32], ..first.own };
    first.chain.attest(&copy, 102);
    first.finalize(103).await;
    let why = "Another start of this enclave has attested since: this one has ended its service.";
    first.is_out(&packet, why).await;
    assert_eq!(first.health().await["attestation"]["expires_at"], json!(null));
    // It gives nobody a quote with which the chain would have it again.
    first.get("/api/quote").await.is(503, "NOTINSERVICE");
    first.chain.attest(&first.own, 103);
    first.finalize(104).await;
    first.is_out(&packet, why).await;
}

#[tokio::test]
async fn what_an_earlier_start_attested_does_not_count() {
    let (enclave, packet) = Enclave::holding(102).await;
    let earlier = enclave.own;
    let enclave = enclave.restart().await;
    assert!(enclave.serves(&packet).await);
    assert_ne!(enclave.own.session, earlier.session);

    // Before the new start has attested. The view is a new one: the old has seen its own session.
    let (sender, mut outlook) = watch::channel(Outlook::default());
    enclave.chain.attest(&earlier, 102);
    enclave.chain.finalize(103);
    let chain = enclave.chain.clone();
    let follow = view::follow(chain, enclave.own, attesting::build(), view::MAX_LAG, sender);
    let follow = tokio::spawn(follow);
    let known = |outlook: &Outlook| matches!(outlook, Outlook::Known(_));
    let Outlook::Known(view) = in_time(outlook.wait_for(known)).await.unwrap().clone() else {
        panic!("known")
    };
    assert_eq!(view.attestation, Err(view::Why::AnotherSession));
    assert_eq!((view.service(), view.assignment.is_some()), (None, true));
    follow.abort();
}

#[tokio::test]
async fn a_chain_with_another_root_is_not_served() {
    let (enclave, packet) = Enclave::holding(102).await;
    enclave.chain.set_root(Some(tee_dcap::INTEL_ROOT_CA));
    enclave.chain.finalize(103);
    let mut outlook = enclave.context.outlook.clone();
    let is_another = |outlook: &Outlook| matches!(outlook, Outlook::AnotherRoot { .. });
    drop(in_time(outlook.wait_for(is_another)).await.unwrap());
    enclave.store(&packet).await.is(503, "NOTINSERVICE");
    enclave.retrieve(&retrieve_packet(&owner(), NFT, 103)).await.is(503, "NOTINSERVICE");
    enclave.get("/api/quote").await.is(503, "NOTINSERVICE");
    let health = enclave.health().await;
    let why = json!("The chain trusts another root of attestation than this enclave.");
    assert_eq!((&health["description"], &health["sync_state"]), (&why, &json!("")));
    assert_eq!(health["attestation"]["problem"], why);
}

#[tokio::test]
async fn health_shows_the_attestation_and_what_is_wrong_with_it() {
    let enclave = Enclave::start().await;
    let live = json!({
        "kind": "simulated",
        "measurement": "3e".repeat(32),
        "live": true,
        "expires_at": NOW + attesting::VALIDITY,
        "tcb_status": "UpToDate",
        "problem": null,
    });
    assert_eq!(enclave.health().await["attestation"], live);
    // What the task says comes first: it says what to do.
    enclave.problem.send_replace(Some(Problem::NotNamed));
    let problem = "The operator has not named this enclave in a registration or an update.";
    let health = enclave.health().await;
    assert_eq!(health["attestation"]["problem"], json!(problem));
    assert_eq!(health["attestation"]["live"], json!(true));
    assert_eq!(health["description"], json!("The enclave is in service."));
    // The slot comes before the attestation.
    enclave.chain.unassign();
    enclave.chain.forget_attestation();
    enclave.finalize(101).await;
    let description = "The enclave is not assigned to a cluster.";
    assert_eq!(enclave.health().await["description"], json!(description));
    assert_eq!(enclave.health().await["attestation"]["problem"], json!(problem));
}

#[tokio::test]
async fn the_quote_carries_the_signed_payload_and_lasts_some_blocks() {
    let enclave = Enclave::start().await;
    let view = enclave.sees(100).await;
    let first = enclave.get("/api/quote").await;
    assert_eq!(first.code, StatusCode::OK);
    assert_eq!(first.body["block_number"], json!(100));
    let data = hex::decode(first.body["data"].as_str().unwrap()).unwrap();
    let (quote, payload) = data.split_at(tee_dcap::quote_len(&data).unwrap());
    let payload = AttestationPayload::decode_all(&mut &payload[..]).unwrap();
    let own = enclave.own;
    assert_eq!(payload.purpose, Purpose::Chain);
    assert_eq!(payload.genesis_hash, GENESIS);
    assert_eq!((payload.block_number, payload.block_hash), (100, view.finalized.hash));
    assert_eq!((payload.account, payload.operator), (own.account, own.operator));
    assert_eq!((payload.encryption_key, payload.session), (own.encryption_key, own.session));
    assert_eq!(payload.mrenclave, attesting::MEASUREMENT);

    let signature = first.body["signature"].as_str().unwrap().strip_prefix("0x").unwrap();
    let signature: [u8; 64] = hex::decode(signature).unwrap().try_into().unwrap();
    let report = tee_dcap::Quote::parse(quote).unwrap().report().clone();
    assert_eq!((report.report_data, report.mr_enclave), (signature, attesting::MEASUREMENT));
    let account = subxt_signer::sr25519::PublicKey(payload.account);
    let signature = subxt_signer::sr25519::Signature(signature);
    assert!(subxt_signer::sr25519::verify(&signature, payload.message(), &account));

    // sr25519 signatures are randomised: the same one means that nothing was signed.
    enclave.finalize(104).await;
    assert_eq!(enclave.get("/api/quote").await.body, first.body);
    // The chain has it: whoever wants to renew needs a newer one.
    enclave.chain.attest(&own, 100);
    enclave.finalize(105).await;
    assert_eq!(enclave.get("/api/quote").await.body["block_number"], json!(105));
}

/// Before anything is on the chain, somebody must be able to bring the first one.
#[tokio::test]
async fn an_enclave_that_does_not_serve_gives_quotes() {
    let enclave = Enclave::start().await;
    enclave.chain.unassign();
    enclave.chain.forget_attestation();
    enclave.finalize(101).await;
    let quote = enclave.get("/api/quote").await;
    assert_eq!((quote.code, &quote.body["block_number"]), (StatusCode::OK, &json!(101)));
}
