// SPDX-License-Identifier: Apache-2.0
//! Against enclaves that are small HTTP servers in this process, each behaving in its own way.

use std::sync::{
    atomic::{AtomicUsize, Ordering},
    Arc, Mutex,
};

use axum::{
    extract::State,
    http::StatusCode,
    routing::{get, post},
    Json, Router,
};
use subxt_signer::sr25519::dev;
use tee_primitives::packet::{
    keyshare_data, AuthToken, KeyshareResponse, RequesterType, StoreKeysharePacket,
};

use super::*;
use crate::{
    enclave::{Health, RETRIEVE_SUCCESS, STORE_SUCCESS},
    packets::{retrieve_packet, ss58},
    split::split,
};

mod bound;

const NFT: NftId = 7;
const ENCLAVE: RawAccountId = [9; 32];
const TOKEN: AuthToken = AuthToken { block_number: 100, validity: 20 };

/// How an enclave answers.
#[derive(Clone)]
enum Behaviour {
    /// As it should, with this share.
    Honest(Share),
    /// Refuses so many requests with this HTTP status, then answers as it should.
    RefusesFirst(usize, StatusCode),
    /// Refuses for good.
    Refuses(StatusCode, &'static str),
    /// Never answers.
    Hangs,
    /// Answers with this body.
    Says(String),
}

struct Enclave {
    behaviour: Behaviour,
    requests: AtomicUsize,
    stored: Mutex<Vec<String>>,
}

type Answer = (StatusCode, String);

fn answer(status: &str, keyshare_data: Option<String>) -> String {
    let response = KeyshareResponse {
        status: status.to_owned(),
        nft_id: NFT,
        enclave_account: String::new(),
        keyshare_data,
        description: String::from("described"),
    };
    serde_json::to_string(&response).unwrap()
}

async fn respond(enclave: &Enclave, status: &str, data: Option<String>) -> Answer {
    let earlier = enclave.requests.fetch_add(1, Ordering::SeqCst);
    match &enclave.behaviour {
        Behaviour::Honest(_) => (StatusCode::OK, answer(status, data)),
        Behaviour::RefusesFirst(times, http) if earlier < *times => (*http, answer("BUSY", None)),
        Behaviour::RefusesFirst(..) => (StatusCode::OK, answer(status, data)),
        Behaviour::Refuses(http, reason) => (*http, answer(reason, None)),
        Behaviour::Hangs => std::future::pending().await,
        Behaviour::Says(body) => (StatusCode::OK, body.clone()),
    }
}

async fn store_route(
    State(enclave): State<Arc<Enclave>>,
    Json(packet): Json<StoreKeysharePacket>,
) -> Answer {
    enclave.stored.lock().unwrap().push(packet.data.clone());
    respond(&enclave, STORE_SUCCESS, None).await
}

async fn health_route(State(enclave): State<Arc<Enclave>>) -> Answer {
    let earlier = enclave.requests.fetch_add(1, Ordering::SeqCst);
    let state = match &enclave.behaviour {
        Behaviour::RefusesFirst(times, _) if earlier < *times => "setup",
        Behaviour::Refuses(..) => "",
        _ => "7",
    };
    let health = Health {
        chain: String::new(),
        block_number: 7,
        sync_state: state.to_owned(),
        version: String::new(),
        description: String::new(),
        enclave_address: ss58(&ENCLAVE),
        attestation: None,
        chain_problem: None,
        store: None,
        sync: None,
    };
    (StatusCode::OK, serde_json::to_string(&health).unwrap())
}

async fn retrieve_route(State(enclave): State<Arc<Enclave>>) -> Answer {
    let data = match &enclave.behaviour {
        Behaviour::Honest(share) => Some(keyshare_data(NFT, share.as_str(), TOKEN)),
        _ => None,
    };
    respond(&enclave, RETRIEVE_SUCCESS, data).await
}

struct Cluster {
    members: Members,
    enclaves: Vec<Arc<Enclave>>,
}

impl Cluster {
    async fn start(behaviours: impl IntoIterator<Item = Behaviour>) -> Self {
        let mut members =
            Members { cluster_id: 0, cluster_type: ClusterType::Public, enclaves: Vec::new() };
        let mut enclaves = Vec::new();
        for (slot_id, behaviour) in (0..).zip(behaviours) {
            let enclave = Arc::new(Enclave {
                behaviour,
                requests: AtomicUsize::new(0),
                stored: Mutex::default(),
            });
            let router = Router::new()
                .route("/api/secret-nft/store-keyshare", post(store_route))
                .route("/api/secret-nft/retrieve-keyshare", post(retrieve_route))
                .route("/api/health", get(health_route))
                .with_state(Arc::clone(&enclave));
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            let url = format!("http://{}", listener.local_addr().unwrap());
            tokio::spawn(async move { axum::serve(listener, router).await });
            members.enclaves.push(Member {
                slot_id,
                operator: [0; 32],
                enclave_account: ENCLAVE,
                url,
                tls_spki_hash: [0; 32],
                encryption_key: None,
            });
            enclaves.push(enclave);
        }
        Self { members, enclaves }
    }

    fn requests(&self, slot: usize) -> usize {
        self.enclaves[slot].requests.load(Ordering::SeqCst)
    }

    async fn wait_in_service(&self, limit: Duration) -> Result<(), NotInService> {
        let client = EnclaveClient::new().unwrap();
        wait_in_service(&client, &self.members, 7, Instant::now() + limit).await
    }

    async fn store(&self, attempt: &StoreAttempt, limit: Duration) -> StoreReport {
        let client = EnclaveClient::new().unwrap();
        store(&client, &self.members, attempt, Instant::now() + limit).await.unwrap()
    }

    async fn retrieve(&self, key: &MediaKey, limit: Duration) -> Result<MediaKey, NotRecovered> {
        let client = EnclaveClient::new().unwrap();
        let packet = retrieve_packet(&dev::alice(), RequesterType::Owner, NFT, 100);
        let opens = |found: &MediaKey| found.as_bytes() == key.as_bytes();
        let deadline = Instant::now() + limit;
        retrieve_plain(&client, &self.members, NFT, &packet, opens, deadline).await
    }
}

const LONG: Duration = Duration::from_secs(20);
const SHORT: Duration = Duration::from_millis(700);

fn honest() -> [Behaviour; 5] {
    let key = MediaKey::generate().unwrap();
    split(&key).unwrap().map(Behaviour::Honest)
}

fn attempt() -> StoreAttempt {
    StoreAttempt::new(&dev::alice(), NFT, &MediaKey::generate().unwrap(), 100).unwrap()
}

#[tokio::test]
async fn a_cluster_is_waited_for_until_all_its_enclaves_serve() {
    let mut behaviours = honest();
    behaviours[2] = Behaviour::RefusesFirst(2, StatusCode::OK);
    let cluster = Cluster::start(behaviours).await;
    cluster.wait_in_service(LONG).await.unwrap();
    assert_eq!(cluster.requests(2), 3);
}

#[tokio::test]
async fn a_cluster_with_an_enclave_that_does_not_serve_is_given_up() {
    let mut behaviours = honest();
    behaviours[2] = Behaviour::Refuses(StatusCode::OK, "");
    let mut cluster = Cluster::start(behaviours).await;
    cluster.members.enclaves[4].enclave_account = [8; 32];
    let failed = cluster.wait_in_service(SHORT).await.unwrap_err();
    for slot in &failed.slots {
        assert_eq!(slot.result.is_ok(), ![2, 4].contains(&slot.slot_id));
    }
}

#[tokio::test]
async fn each_slot_gets_its_own_share() {
    let cluster = Cluster::start(honest()).await;
    let attempt = attempt();
    assert!(cluster.store(&attempt, LONG).await.is_complete());
    for (enclave, packet) in cluster.enclaves.iter().zip(attempt.packets()) {
        assert_eq!(enclave.stored.lock().unwrap().as_slice(), std::slice::from_ref(&packet.data));
    }
}

#[tokio::test]
async fn what_may_pass_is_repeated_with_the_same_share() {
    let mut behaviours = honest();
    behaviours[1] = Behaviour::RefusesFirst(2, StatusCode::SERVICE_UNAVAILABLE);
    let cluster = Cluster::start(behaviours).await;
    assert!(cluster.store(&attempt(), LONG).await.is_complete());
    assert_eq!(cluster.requests(1), 3);
    let stored = cluster.enclaves[1].stored.lock().unwrap().clone();
    assert!(stored.iter().all(|data| *data == stored[0]));
}

#[tokio::test]
async fn a_refusal_is_not_repeated_and_does_not_hide_the_other_slots() {
    let mut behaviours = honest();
    behaviours[3] = Behaviour::Refuses(StatusCode::CONFLICT, "NFTIDEXISTS");
    let cluster = Cluster::start(behaviours).await;
    let report = cluster.store(&attempt(), LONG).await;
    assert_eq!(report.next(false), Next::GiveUp);
    assert_eq!(cluster.requests(3), 1);
    for slot in &report.slots {
        assert_eq!(slot.result.is_ok(), slot.slot_id != 3);
    }
    assert!(report
        .to_string()
        .starts_with("slots 0, 1, 2, 4: stored; slot 3: the enclave refused"));
}

#[tokio::test]
async fn an_expired_attempt_is_followed_by_another() {
    let mut behaviours = honest();
    behaviours[0] = Behaviour::Refuses(StatusCode::BAD_REQUEST, "EXPIREDSIGNER");
    let report = Cluster::start(behaviours).await.store(&attempt(), LONG).await;
    assert_eq!(report.next(true), Next::SplitAgain);
}

#[tokio::test]
async fn what_finality_may_lift_ends_nothing_before_the_nft_is_final() {
    for status in ["INVALIDNFTID", "OWNERSHIPVERIFICATIONFAILED", "NOTSYNCING", "IDISNOTASECRETNFT"]
    {
        let mut behaviours = honest();
        behaviours[2] = Behaviour::Refuses(StatusCode::BAD_REQUEST, status);
        let report = Cluster::start(behaviours).await.store(&attempt(), LONG).await;
        assert_eq!(report.next(false), Next::SameAgain, "{status}");
        assert_eq!(report.next(true), Next::GiveUp, "{status}");
    }
}

#[tokio::test]
async fn a_cluster_whose_chain_stands_still_is_not_in_service() {
    let cluster = Cluster::start(honest()).await;
    let client = EnclaveClient::new().unwrap();
    let wait =
        |finalized| wait_in_service(&client, &cluster.members, finalized, Instant::now() + SHORT);
    // The enclaves know block 7.
    assert!(wait(11).await.is_ok());
    assert!(wait(12).await.unwrap_err().slots.iter().all(|slot| slot.result.is_err()));
}

#[test]
fn only_public_and_private_clusters_take_shares() {
    use ClusterType::{Admin, Disabled, Private, Public};
    for (cluster_type, takes) in
        [(Disabled, false), (Admin, false), (Public, true), (Private, true)]
    {
        let members = Members { cluster_id: 3, cluster_type, enclaves: Vec::new() };
        assert_eq!(members.check_type().is_ok(), takes);
    }
}

#[tokio::test]
async fn storing_ends_at_its_deadline_when_an_enclave_hangs_or_is_down() {
    let mut behaviours = honest();
    behaviours[2] = Behaviour::Hangs;
    let mut cluster = Cluster::start(behaviours).await;
    // A port that was free a moment ago.
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    cluster.members.enclaves[4].url = format!("http://{free}");
    let begun = Instant::now();
    let report = cluster.store(&attempt(), SHORT).await;
    assert!(begun.elapsed() < LONG);
    for slot in &report.slots {
        assert_eq!(slot.result.is_ok(), ![2, 4].contains(&slot.slot_id));
    }
    assert_eq!(report.next(true), Next::SameAgain);
}

#[tokio::test]
async fn an_incomplete_cluster_gets_nothing() {
    let mut cluster = Cluster::start(honest()).await;
    cluster.members.enclaves.remove(2);
    let client = EnclaveClient::new().unwrap();
    let stored = store(&client, &cluster.members, &attempt(), Instant::now() + LONG).await;
    assert_eq!(stored.unwrap_err(), IncompleteCluster { cluster_id: 0, found: 4 });
    assert!((0..5).all(|slot| cluster.requests(slot) == 0));
}

fn shares_of(key: &MediaKey) -> [Behaviour; 5] {
    split(key).unwrap().map(Behaviour::Honest)
}

#[tokio::test]
async fn the_key_comes_back_although_one_enclave_lies_and_one_hangs() {
    let key = MediaKey::generate().unwrap();
    let mut behaviours = shares_of(&key);
    let [lie, ..] = split(&MediaKey::generate().unwrap()).unwrap();
    behaviours[0] = Behaviour::Honest(lie);
    behaviours[1] = Behaviour::Hangs;
    let cluster = Cluster::start(behaviours).await;
    let begun = Instant::now();
    let found = cluster.retrieve(&key, LONG).await.unwrap();
    assert_eq!(found.as_bytes(), key.as_bytes());
    assert!(begun.elapsed() < LONG, "three right shares are enough");
}

#[tokio::test]
async fn the_key_comes_back_although_two_answers_are_junk() {
    let key = MediaKey::generate().unwrap();
    let mut behaviours = shares_of(&key);
    let Behaviour::Honest(share) = behaviours[2].clone() else { unreachable!() };
    behaviours[2] =
        Behaviour::Says(answer(RETRIEVE_SUCCESS, Some(keyshare_data(8, share.as_str(), TOKEN))));
    behaviours[4] = Behaviour::Says("x".repeat(1_000_000));
    let cluster = Cluster::start(behaviours).await;
    assert!(cluster.retrieve(&key, LONG).await.is_ok());
}

#[tokio::test]
async fn shares_of_another_key_do_not_prove_that_a_key_is_held() {
    let key = MediaKey::generate().unwrap();
    let cluster = Cluster::start(honest()).await;
    let failed = cluster.retrieve(&key, LONG).await.unwrap_err();
    assert!(failed.slots.iter().all(|slot| slot.result.is_ok()), "{failed}");
}

#[tokio::test]
async fn every_answer_is_reported_when_the_key_does_not_come_back() {
    let key = MediaKey::generate().unwrap();
    let mut behaviours = shares_of(&key);
    behaviours[0] = Behaviour::Refuses(StatusCode::NOT_FOUND, "KEYNOTEXIST");
    behaviours[1] = Behaviour::Says(String::from("{}"));
    behaviours[2] = Behaviour::Says("x".repeat(1_000_000));
    let failed = Cluster::start(behaviours).await.retrieve(&key, LONG).await.unwrap_err();
    let [one, two, three, four, five] = &failed.slots[..] else { panic!("{failed}") };
    assert!(matches!(one.result, Err(EnclaveError::Refused { http: 404, .. })));
    assert!(matches!(two.result, Err(EnclaveError::Malformed { .. })));
    assert!(matches!(three.result, Err(EnclaveError::TooLong)));
    assert!(four.result.is_ok() && five.result.is_ok());
}
