// SPDX-License-Identifier: Apache-2.0
//! What metrics servers ask.

use rand::{rngs::StdRng, Rng, SeedableRng};
use sp_crypto_hashing::sha2_256;
use tee_primitives::{cluster::MetricsServer, keyshare::SyncLogEntry};

use super::*;
use crate::api::metric::{IntervalPacket, MAX_ENTRIES};

const ROUTE: &str = "/api/metric/interval-nft-list";
const SECRET: KeyshareKind = KeyshareKind::Secret;
const CAPSULE: KeyshareKind = KeyshareKind::Capsule;

fn server() -> Keypair {
    dev::charlie()
}

/// As published clients make it.
fn packet(key: &Keypair, interval: &str, block: BlockNumber) -> IntervalPacket {
    let data_hash = hex::encode(sha2_256(interval.as_bytes()));
    let auth_token = format!(
        "{{\"block_number\":{block},\"block_validation\":15,\"data_hash\":\"{data_hash}\"}}"
    );
    IntervalPacket {
        metric_account: address_of(key),
        block_interval: interval.into(),
        signature: sign(key, &auth_token),
        auth_token,
    }
}

impl Enclave {
    /// The chain has this metrics server, and no other.
    pub(super) fn name_metrics_server(&self, key: &Keypair) {
        let servers = vec![MetricsServer {
            metrics_server_address: key.public_key().0,
            supported_cluster_type: ClusterType::Public,
        }];
        self.chain.set(storage::metrics_servers(), servers);
    }

    fn sync_log(&self, entries: &[SyncLogEntry]) {
        for (index, entry) in (0u64..).zip(entries) {
            self.chain.set(storage::sync_log(index), entry);
        }
        self.chain.set(storage::sync_count(), entries.len() as u64);
    }

    async fn ask(&self, packet: &IntervalPacket) -> Answer {
        self.send(post(ROUTE, packet)).await
    }

    async fn list(&self, interval: &str) -> Answer {
        let now = self.chain.finalized();
        self.ask(&packet(&server(), interval, now)).await
    }

    /// The list of an interval, by as many answers as it takes.
    async fn lists(&self, interval: &str) -> (Vec<u64>, usize) {
        let (mut found, mut answers) = (Vec::new(), 0);
        let mut interval = interval.to_owned();
        loop {
            let answer = self.list(&interval).await;
            assert_eq!(answer.code, StatusCode::OK, "{answer:?}");
            let list = answer.body["nftid"].as_array().unwrap();
            found.extend(list.iter().map(|id| id.as_u64().unwrap()));
            answers += 1;
            match answer.body["next"].as_str() {
                Some(next) => interval = next.into(),
                None => return (found, answers),
            }
        }
    }

    /// A share that the chain has synced and that is held. At which block.
    async fn sync_of_kind(&self, kind: KeyshareKind, nft_id: NftId, version: u32) -> SyncLogEntry {
        if version == 1 {
            self.mint_of(kind, nft_id);
        } else {
            self.chain.pending_of(kind, nft_id, version);
        }
        let block_number = self.put(kind, nft_id, version, SHARE).await;
        in_time(async {
            while self.context.store.held(nft_id, kind).unwrap() != Some(block_number) {
                tokio::task::yield_now().await;
            }
        })
        .await;
        SyncLogEntry { nft_id, kind, version, cluster_id: CLUSTER, block_number }
    }
}

/// A sync of an NFT that is not held here.
fn missing(nft_id: NftId, block_number: BlockNumber) -> SyncLogEntry {
    SyncLogEntry { nft_id, kind: SECRET, version: 1, cluster_id: CLUSTER, block_number }
}

/// F8 let everybody in but metrics servers, and let them move what the enclave had seen of the chain.
#[tokio::test]
async fn f8_only_metrics_servers_are_answered_and_nobody_moves_the_enclave() {
    let enclave = Enclave::start().await;
    let strangers = [owner(), dev::ferdie(), dev::eve()];
    for key in strangers.iter().chain([&server()]) {
        enclave.ask(&packet(key, "[1,200]", 100)).await.is(403, "NOTAMETRICSSERVER");
    }
    enclave.name_metrics_server(&server());
    // Not before it is final.
    enclave.ask(&packet(&server(), "[1,200]", 100)).await.is(403, "NOTAMETRICSSERVER");
    enclave.finalize(101).await;
    assert_eq!(enclave.ask(&packet(&server(), "[1,200]", 101)).await.code, StatusCode::OK);
    for key in &strangers {
        enclave.ask(&packet(key, "[1,200]", 101)).await.is(403, "NOTAMETRICSSERVER");
    }
    // In another's name.
    let mut forged = packet(&owner(), "[1,200]", 101);
    forged.metric_account = address_of(&server());
    enclave.ask(&forged).await.is(400, "SIGNERSIGVERIFICATIONFAILED");
    enclave.chain.remove(&storage::metrics_servers());
    enclave.finalize(102).await;
    enclave.ask(&packet(&server(), "[1,200]", 102)).await.is(403, "NOTAMETRICSSERVER");

    let before = enclave.get("/api/health").await.body;
    for route in ["/api/metric/set-crawl-block", "/api/metric"] {
        let body = json!({"metric_account": address_of(&owner()), "block_number": "0"});
        enclave.send(post(route, &body)).await.is(404, "NOTFOUND");
    }
    assert_eq!(enclave.get("/api/health").await.body, before);
}

#[tokio::test]
async fn what_is_held_of_an_interval_is_listed_and_nothing_else() {
    let enclave = Enclave::start().await;
    enclave.name_metrics_server(&server());
    let a = enclave.sync_of_kind(SECRET, 20, 1).await;
    let b = enclave.sync_of_kind(CAPSULE, 21, 1).await;
    let c = enclave.sync_of_kind(CAPSULE, 22, 1).await;
    let d = enclave.sync_of_kind(SECRET, 19, 1).await;
    // Its first version is held no longer.
    let e = enclave.sync_of_kind(CAPSULE, 22, 2).await;
    let at = |entry: &SyncLogEntry| entry.block_number;
    let log = [a, missing(30, at(&a)), b, c, missing(31, at(&d)), d, e];
    enclave.sync_log(&log);
    let now = enclave.chain.finalized() + 1;
    enclave.finalize(now).await;

    let answer = enclave.list(&format!("[{},{}]", at(&a), at(&d))).await;
    assert_eq!(
        answer.body,
        json!({
            "nftid": [19, 20, 21],
            "enclave_account": enclave.context.account.address(),
            "block_number": now,
        })
    );
    // Both ends belong to it.
    for (first, last, expected) in [
        (0, u32::MAX, vec![19, 20, 21, 22]),
        (at(&a), at(&a), vec![20]),
        (at(&a) + 1, at(&b), vec![21]),
        (at(&c), at(&c), vec![]),
        (at(&d), at(&e), vec![19, 22]),
        (at(&e) + 1, u32::MAX, vec![]),
        (0, at(&a) - 1, vec![]),
    ] {
        let (found, answers) = enclave.lists(&format!("[{first},{last}]")).await;
        assert_eq!((found, answers), (expected, 1), "[{first},{last}]");
    }
    // A share that is no longer held.
    enclave.context.store.wipe_all(20, SECRET, now).await.unwrap();
    let (found, _) = enclave.lists("[0, 4294967295]").await;
    assert_eq!(found, [19, 21, 22]);
}

#[tokio::test]
async fn both_kinds_of_one_nft_are_one_entry() {
    let enclave = Enclave::start().await;
    enclave.name_metrics_server(&server());
    let secret = enclave.sync_of_kind(SECRET, 20, 1).await;
    let state = NftState { is_secret: true, is_capsule: true, ..Default::default() };
    enclave.chain.mint_with(20, owner().public_key().0, state);
    enclave.chain.pending_of(CAPSULE, 20, 1);
    let block_number = enclave.put(CAPSULE, 20, 1, SHARE).await;
    let capsule = SyncLogEntry { kind: CAPSULE, block_number, ..secret };
    enclave.sync_log(&[secret, capsule]);
    let now = enclave.chain.finalized() + 1;
    enclave.finalize(now).await;
    in_time(async {
        while enclave.context.store.held(20, CAPSULE).unwrap() != Some(block_number) {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert_eq!(enclave.lists("[0,1000]").await.0, [20]);
    assert_eq!(enclave.lists(&format!("[{block_number},1000]")).await.0, [20]);
}

#[tokio::test]
async fn long_lists_come_in_parts() {
    let enclave = Enclave::start().await;
    enclave.name_metrics_server(&server());
    let held = [
        enclave.sync_of_kind(SECRET, 20, 1).await,
        enclave.sync_of_kind(SECRET, 21, 1).await,
        enclave.sync_of_kind(SECRET, 22, 1).await,
    ];
    // So many in the block of each that no answer is about one block.
    let many = MAX_ENTRIES as usize + 10;
    let mut log = Vec::new();
    for entry in held {
        log.extend((0..many as u32).map(|id| missing(1_000 + id, entry.block_number)));
        log.push(entry);
    }
    enclave.sync_log(&log);
    let now = enclave.chain.finalized() + 1;
    enclave.finalize(now).await;
    let (found, answers) = enclave.lists("[0,1000]").await;
    assert_eq!(found, [20, 21, 22]);
    assert_eq!(answers, log.len().div_ceil(MAX_ENTRIES as usize));
    let middle = held[1].block_number;
    let (found, answers) = enclave.lists(&format!("[{middle},{middle}]")).await;
    assert_eq!((found, answers), (vec![21], 2));
    // A place behind the end.
    let (found, answers) = enclave.lists("[0,1000,18446744073709551615]").await;
    assert_eq!((found, answers), (vec![], 1));
}

#[tokio::test]
async fn the_beginning_of_an_interval_is_found_in_any_log() {
    let enclave = Enclave::start().await;
    let mut rng = StdRng::seed_from_u64(29);
    for length in [0, 1, 2, 31, 32, 33, 1_000, 5_000] {
        let (mut log, mut block) = (Vec::new(), 10);
        for nft_id in 0..length {
            // Many in one block, and blocks without any.
            if rng.random_ratio(1, 3) {
                block += rng.random_range(1..20);
            }
            log.push(missing(nft_id, block));
        }
        enclave.sync_log(&log);
        let now = enclave.chain.finalized() + 1;
        enclave.finalize(now).await;
        let hash = enclave.sees(now).await.finalized.hash;
        let chain = &*enclave.context.chain;
        for first in [0, 10, 11, block / 2, block, block + 1, u32::MAX] {
            let count = log.len() as u64;
            let at = crate::chain::At::Finalized(hash);
            let found = crate::api::metric::first_since(chain, at, count, first).await.unwrap();
            let expected = log.partition_point(|entry| entry.block_number < first);
            assert_eq!(found, expected as u64, "#{first} of {length}");
        }
    }
}

#[tokio::test]
async fn each_fault_of_a_request_has_its_status() {
    let enclave = Enclave::start().await;
    enclave.name_metrics_server(&server());
    enclave.finalize(101).await;
    let good = || packet(&server(), "[1,200]", 101);
    let tampered = |change: &dyn Fn(&mut IntervalPacket)| {
        let mut packet = good();
        change(&mut packet);
        packet
    };
    let with_token = |token: &str| {
        tampered(&|packet| {
            packet.auth_token = token.into();
            packet.signature = sign(&server(), token);
        })
    };
    let hash = hex::encode(sha2_256(b"[1,200]"));
    let token = |block: &str, validity: &str, hash: &str| {
        with_token(&format!(
            "{{\"block_number\":{block},\"block_validation\":{validity},\"data_hash\":{hash}}}"
        ))
    };
    let quoted = format!("\"{hash}\"");
    let cases = [
        (400, "INVALIDREQUESTERADDRESS", tampered(&|packet| packet.metric_account = "5x".into())),
        (400, "INVALIDAUTHTOKEN", with_token("")),
        (400, "INVALIDAUTHTOKEN", with_token("101_15")),
        (400, "INVALIDAUTHTOKEN", with_token("[]")),
        (400, "INVALIDAUTHTOKEN", with_token("{\"block_number\":101,\"block_validation\":15}")),
        (400, "INVALIDAUTHTOKEN", token("-1", "15", &quoted)),
        (400, "INVALIDAUTHTOKEN", token("4294967296", "15", &quoted)),
        (400, "INVALIDAUTHTOKEN", token("\"101\"", "15", &quoted)),
        (400, "INVALIDAUTHTOKEN", token("101", "15", "null")),
        // A token for something else is none for this.
        (400, "INVALIDAUTHTOKEN", token("101", "15,\"quote_hash\":\"\"", &quoted)),
        (400, "EXPIREDREQUEST", token("85", "15", &quoted)),
        (400, "EXPIREDREQUEST", token("104", "15", &quoted)),
        (400, "EXPIREDREQUEST", token("101", "21", &quoted)),
        (400, "DATAHASHMISMATCH", token("101", "15", "\"\"")),
        (400, "DATAHASHMISMATCH", token("101", "15", &quoted.to_uppercase())),
        (400, "DATAHASHMISMATCH", tampered(&|packet| packet.block_interval = "[1,201]".into())),
        (400, "INVALIDSIGNERSIGNATURE", tampered(&|packet| packet.signature.clear())),
        (400, "INVALIDSIGNERSIGNATURE", tampered(&|packet| packet.signature.push('0'))),
        (
            400,
            "SIGNERSIGVERIFICATIONFAILED",
            tampered(&|packet| packet.signature = sign(&server(), "[1,200]")),
        ),
    ];
    for (code, status, packet) in cases {
        enclave.ask(&packet).await.is(code, status);
    }
    for interval in [
        "",
        "1,200",
        "[]",
        "[1]",
        "[200,1]",
        "[1,2,3,4]",
        "[-1,2]",
        "[1,4294967296]",
        "[1.5,2]",
        "[\"1\",\"2\"]",
        "[1,2,18446744073709551616]",
        "{}",
        "null",
        "[1,2]x",
    ] {
        enclave.list(interval).await.is(400, "INVALIDINTERVAL");
    }
    // As browser wallets sign.
    let wrapped = format!("<Bytes>{}</Bytes>", good().auth_token);
    assert_eq!(enclave.ask(&with_token(&wrapped)).await.code, StatusCode::OK);
    assert_eq!(enclave.ask(&good()).await.code, StatusCode::OK);
    enclave.chain.unreachable(true);
    enclave.ask(&good()).await.is(503, "CHAINUNAVAILABLE");
}
