// SPDX-License-Identifier: Apache-2.0

use std::{collections::HashSet, io, path::Path, time::Duration};

use axum::{
    body::{to_bytes, Body},
    http::{header, HeaderMap, Method, Request, StatusCode},
    response::Response,
};
use serde_json::{json, Value};
use subxt_signer::sr25519::{dev, Keypair};
use tee_primitives::{
    abi::{storage, ENCLAVE_ABI},
    cluster::ClusterType,
    keyshare::{split_of_signer, KeyshareKind},
    nft::{NftId, NftState},
    packet::{
        retrieve_data, signer_address, store_data, AuthToken, RequesterType,
        RetrieveKeysharePacket, StoreData, StoreKeysharePacket,
    },
    BlockNumber, RawAccountId,
};
use tempfile::TempDir;
use tokio::{task::JoinHandle, time};
use tower::ServiceExt;
use zeroize::Zeroizing;

use super::{failure::Status, *};
use crate::{
    account,
    attest::Problem,
    chain::scripted::{attesting, Scripted, CLUSTER, GENESIS, NOW, SLOT},
    confirm,
    identity::Identity,
    park::ParkLimits,
    platform::{testing::Machine, PlatformError},
    seal::Sealer,
    store::{testing::Disk, NewShare, Place, RecordKey, SyncState, VersionKey},
    submit::Submitter,
    sync::pull::Dialer,
    view::{self, View},
};

mod abuse;
mod attestation;
mod bench;
mod bound;
mod conformance;
mod contract;
mod finality;
mod flaws;
mod history;
mod hybrid;
mod malformed;
mod metric;
mod security;
mod service;
mod statuses;
mod vectors;
mod viewing;

const NFT: NftId = 7;
const SHARE: &str = "a share of sufficient length";
const DEADLINE: Duration = Duration::from_secs(20);

/// What the machine does when it is asked for a quote.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Quoting {
    Works,
    Fails,
    Panics,
}

impl Quoting {
    fn machine(self) -> Arc<Machine> {
        Machine::new(attesting::MEASUREMENT, move |report_data| match self {
            Self::Works => Ok(attesting::quote(attesting::MEASUREMENT, report_data)),
            Self::Fails => Err(PlatformError("made to fail".into())),
            Self::Panics => panic!("made to panic"),
        })
    }
}

struct Setup {
    park: ParkLimits,
    api: ApiLimits,
    quoting: Quoting,
    /// Where the store is, if not in the folder.
    disk: Option<Disk>,
    /// Whether all that the slot must hold was fetched.
    is_filled: bool,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            park: ParkLimits::default(),
            api: ApiLimits::default(),
            quoting: Quoting::Works,
            disk: None,
            is_filled: true,
        }
    }
}

/// Among an enclave's tasks, the one that confirms.
const CONFIRMING: usize = 1;

/// An enclave in this process, over a scripted chain.
struct Enclave {
    folder: TempDir,
    chain: Arc<Scripted>,
    own: Identity,
    problem: watch::Sender<Option<Problem>>,
    context: Arc<Context>,
    router: Router,
    tasks: Vec<JoinHandle<()>>,
    store_task: JoinHandle<Result<(), crate::store::StoreError>>,
}

fn owner() -> Keypair {
    dev::alice()
}

fn operator() -> RawAccountId {
    dev::ferdie().public_key().0
}

fn account_in(folder: &Path) -> Account {
    Account::load_or_create(folder, &Sealer::new(&[1; 32])).unwrap()
}

impl Enclave {
    /// Assigned, at block 100, where the owner has an NFT whose keyshares are pending.
    async fn start() -> Self {
        Self::start_with(Setup::default()).await
    }

    async fn start_with(setup: Setup) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let chain = Scripted::new(account_in(folder.path()).id());
        chain.assign(operator(), ClusterType::Public);
        chain.mint(NFT, owner().public_key().0);
        chain.finalize(100);
        let enclave = Self::open(folder, chain, setup);
        enclave.sees(100).await;
        enclave
    }

    /// Another start, whose attestation the chain has at the newest block already.
    fn open(folder: TempDir, chain: Arc<Scripted>, setup: Setup) -> Self {
        let account = Arc::new(account_in(folder.path()));
        let own = Identity::new(&account, operator(), attesting::MEASUREMENT);
        chain.attest(&own, 1);
        let newest = chain.heads().borrow().as_ref().map(|heads| heads.finalized.number);
        if let Some(newest) = newest {
            chain.finalize(newest);
        }
        let id = account.id();
        let sealer = Sealer::new(&[1; 32]);
        let (store, store_task) = match setup.disk {
            Some(disk) => Store::open_on(Box::new(disk), &sealer, &id, GENESIS),
            None => Store::open(folder.path(), &sealer, &id, GENESIS),
        }
        .unwrap();
        let (sender, outlook) = watch::channel(Outlook::default());
        let view = view::follow(chain.clone(), own, attesting::build(), view::MAX_LAG, sender);
        let (submitter, _) = Submitter::start(chain.clone());
        let confirm = confirm::run(chain.clone(), submitter, store.clone(), id, outlook.clone());
        let platform = setup.quoting.machine();
        let (quotes, _) = Quotes::start(account.clone(), own, platform.clone(), store.log_state());
        let place = Some(Place { cluster_id: CLUSTER, slot_id: chain.slot() });
        let state = SyncState { place, is_filled: setup.is_filled, ..Default::default() };
        let (_, sync) = watch::channel(Progress { state, ..Default::default() });
        let (problem_sender, problem) = watch::channel(None);
        let tasks = vec![tokio::spawn(view), tokio::spawn(async { drop(confirm.await) })];
        let dialer = Dialer::new(chain.clone(), account.clone(), own, quotes.clone()).unwrap();
        let context = Arc::new(Context {
            account,
            platform,
            chain: chain.clone(),
            store,
            outlook,
            verifier: Verifier::default(),
            park: Park::new(setup.park),
            quotes,
            problem,
            sync,
            channels: Channels::default(),
            archives: Archives::new(chain.clone(), dialer),
            lists: crate::api::metric::Lists::default(),
            losses: 0,
            metrics: Metrics::default(),
        });
        let router = router(context.clone(), &setup.api);
        let problem = problem_sender;
        Self { folder, chain, own, problem, context, router, tasks, store_task }
    }

    async fn restart(self) -> Self {
        let Self { folder, chain, context, router, tasks, store_task, .. } = self;
        drop(router);
        drop(context);
        for task in tasks {
            task.abort();
            let _ = task.await;
        }
        in_time(store_task).await.unwrap().unwrap();
        let finalized = chain.finalized();
        let enclave = Self::open(folder, chain, Setup::default());
        enclave.sees(finalized).await;
        enclave
    }

    /// Waits until the enclave knows a finalized block.
    async fn sees(&self, number: BlockNumber) -> View {
        let mut outlook = self.context.outlook.clone();
        in_time(async {
            loop {
                match outlook.borrow_and_update().clone() {
                    Outlook::Known(view) if view.finalized.number >= number => return view,
                    _ => (),
                }
                outlook.changed().await.unwrap();
            }
        })
        .await
    }

    async fn finalize(&self, number: BlockNumber) {
        self.chain.finalize(number);
        self.sees(number).await;
    }

    /// The runtime is another one from block 200 on.
    async fn sees_another_runtime(&self) {
        self.chain.set(storage::enclave_abi(), ENCLAVE_ABI + 1);
        self.chain.finalize(200);
        let mut outlook = self.context.outlook.clone();
        in_time(outlook.wait_for(|outlook| matches!(outlook, Outlook::AnotherAbi { .. })))
            .await
            .unwrap();
    }

    async fn send(&self, request: Request<Body>) -> Answer {
        answer(in_time(self.router.clone().oneshot(request)).await.unwrap()).await
    }

    async fn get(&self, path: &str) -> Answer {
        self.send(Request::get(path).body(Body::empty()).unwrap()).await
    }

    async fn store(&self, packet: &StoreKeysharePacket) -> Answer {
        self.send(post("/api/secret-nft/store-keyshare", packet)).await
    }

    async fn retrieve(&self, packet: &RetrieveKeysharePacket) -> Answer {
        self.send(post("/api/secret-nft/retrieve-keyshare", packet)).await
    }

    /// Makes what was stored with this packet the synced share, as of a block.
    async fn sync(&self, packet: &StoreKeysharePacket, block: BlockNumber) {
        let key = key_of(packet);
        let record = self.context.store.record(&key).unwrap().unwrap();
        self.chain.sync(NFT, block, record.commitment(GENESIS, &key));
        self.finalize(block).await;
    }
}

fn key_of(packet: &StoreKeysharePacket) -> RecordKey {
    let version = VersionKey { nft_id: NFT, kind: KeyshareKind::Secret, version: 1 };
    RecordKey { version, split: split_of_signer(&packet.signer_address) }
}

#[derive(Debug)]
struct Answer {
    code: StatusCode,
    headers: HeaderMap,
    body: Value,
}

impl Answer {
    #[track_caller]
    fn is(&self, code: u16, status: &str) -> &Self {
        assert_eq!((self.code.as_u16(), &self.body["status"]), (code, &json!(status)), "{self:?}");
        self
    }
}

async fn answer(response: Response) -> Answer {
    let (parts, body) = response.into_parts();
    let body = to_bytes(body, 1 << 20).await.unwrap();
    let body = serde_json::from_slice(&body)
        .unwrap_or_else(|_| panic!("{} without JSON: {body:?}", parts.status));
    Answer { code: parts.status, headers: parts.headers, body }
}

async fn in_time<T>(future: impl std::future::Future<Output = T>) -> T {
    time::timeout(DEADLINE, future).await.expect("in time")
}

fn post(path: &str, body: &impl serde::Serialize) -> Request<Body> {
    Request::post(path)
        .header(header::CONTENT_TYPE, "application/json")
        .body(Body::from(serde_json::to_vec(body).unwrap()))
        .unwrap()
}

fn sign(key: &Keypair, message: &str) -> String {
    format!("0x{}", hex::encode(key.sign(message.as_bytes()).0))
}

fn address_of(key: &Keypair) -> String {
    account::address(&key.public_key().0)
}

fn token(block_number: BlockNumber) -> AuthToken {
    AuthToken { block_number, validity: 15 }
}

/// What published clients send: a temporary signer, both strings wrapped.
fn store_packet(nft_id: NftId, share: &str, block: BlockNumber) -> StoreKeysharePacket {
    store_packet_of(&owner(), &dev::bob(), nft_id, share, token(block), token(block))
}

fn store_packet_of(
    owner: &Keypair,
    signer: &Keypair,
    nft_id: NftId,
    share: &str,
    signer_token: AuthToken,
    data_token: AuthToken,
) -> StoreKeysharePacket {
    let signer_address =
        format!("<Bytes>{}</Bytes>", signer_address(&address_of(signer), signer_token));
    let data = format!("<Bytes>{}</Bytes>", store_data(nft_id, share, data_token));
    StoreKeysharePacket {
        owner_address: address_of(owner),
        signersig: sign(owner, &signer_address),
        signature: sign(signer, &data),
        signer_address,
        data,
    }
}

fn retrieve_packet(
    requester: &Keypair,
    nft_id: NftId,
    block: BlockNumber,
) -> RetrieveKeysharePacket {
    let data = format!("<Bytes>{}</Bytes>", retrieve_data(nft_id, token(block)));
    RetrieveKeysharePacket {
        requester_address: address_of(requester),
        requester_type: RequesterType::Owner,
        signature: sign(requester, &data),
        data,
    }
}

#[tokio::test]
async fn repeating_a_request_after_the_sync_is_the_same_success() {
    // What would wait for another block is decided at once.
    let park = ParkLimits { wait: Duration::ZERO, ..Default::default() };
    let enclave = Enclave::start_with(Setup { park, ..Default::default() }).await;
    let packet = store_packet(NFT, SHARE, 100);
    enclave.store(&packet).await.is(200, "STORESUCCESS");
    enclave.sync(&packet, 101).await;
    enclave.store(&packet).await.is(200, "STORESUCCESS");

    // Another share, or the same share of another split, is not the same request.
    let other = store_packet(NFT, "another share, long enough", 100);
    enclave.store(&other).await.is(403, "NOTSYNCING");
    let split = store_packet(NFT, SHARE, 101);
    enclave.store(&split).await.is(403, "NOTSYNCING");
}

#[tokio::test]
async fn a_share_is_stored_synced_and_given_back_to_the_owner() {
    let enclave = Enclave::start().await;
    let available = format!("/api/secret-nft/is-keyshare-available/{NFT}");
    let account = enclave.context.account.address().to_owned();
    let absent = enclave.get(&available).await;
    assert_eq!(absent.code, StatusCode::OK);
    assert_eq!(
        absent.body,
        json!({"enclave_account": account, "block_number": 100, "nft_id": NFT, "exists": false})
    );

    let packet = store_packet(NFT, SHARE, 100);
    let stored = enclave.store(&packet).await;
    assert_eq!(stored.code, StatusCode::OK);
    assert_eq!(
        stored.body,
        json!({
            "status": "STORESUCCESS",
            "nft_id": NFT,
            "enclave_account": account,
            "description": "Keyshare is successfully stored to TEE",
        })
    );
    let held = enclave.get(&available).await;
    assert_eq!((&held.body["exists"], &held.body["block_number"]), (&json!(true), &json!(0)));

    // Its confirmation makes a newer block: without waiting for it the number below may differ.
    in_time(enclave.chain.batch(0)).await;
    enclave.sync(&packet, 110).await;
    let answer = enclave.retrieve(&retrieve_packet(&owner(), NFT, 110)).await;
    assert_eq!(answer.code, StatusCode::OK);
    assert_eq!(
        answer.body,
        json!({
            "status": "RETRIEVESUCCESS",
            "nft_id": NFT,
            "enclave_account": account,
            "keyshare_data": format!("{NFT}_{SHARE}_110_15"),
            "description":
                "TEE Key-share NFTRETRIEVE: Success retrieving nft_id key-share.",
        })
    );
    in_time(async {
        while enclave.get(&available).await.body["block_number"] != json!(110) {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_restart_loses_nothing() {
    let enclave = Enclave::start().await;
    let account = enclave.context.account.id();
    let packet = store_packet(NFT, SHARE, 100);
    enclave.store(&packet).await.is(200, "STORESUCCESS");
    let enclave = enclave.restart().await;
    assert_eq!(enclave.context.account.id(), account);
    enclave.store(&packet).await.is(200, "STORESUCCESS");
    enclave.sync(&packet, 110).await;
    let enclave = enclave.restart().await;
    let answer = enclave.retrieve(&retrieve_packet(&owner(), NFT, 110)).await;
    answer.is(200, "RETRIEVESUCCESS");
    let data = answer.body["keyshare_data"].as_str().unwrap();
    assert_eq!(StoreData::parse(data).unwrap().share, SHARE);
}

#[tokio::test]
async fn a_key_split_again_is_kept_until_the_chain_decides() {
    let enclave = Enclave::start().await;
    let signers = [dev::bob(), dev::charlie(), dev::dave(), dev::eve()];
    let packets: Vec<_> = signers
        .iter()
        .enumerate()
        .map(|(index, signer)| {
            let share = format!("{SHARE} {index}");
            store_packet_of(&owner(), signer, NFT, &share, token(100), token(100))
        })
        .collect();
    for packet in &packets[..3] {
        enclave.store(packet).await.is(200, "STORESUCCESS");
    }
    enclave.store(&packets[3]).await.is(409, "NFTIDEXISTS");
    // Another share under a split that is held.
    let other = store_packet_of(
        &owner(),
        &dev::bob(),
        NFT,
        "another share, as long",
        token(100),
        token(100),
    );
    enclave.store(&other).await.is(409, "NFTIDEXISTS");
    // The chain takes the second.
    enclave.sync(&packets[1], 110).await;
    let answer = enclave.retrieve(&retrieve_packet(&owner(), NFT, 110)).await;
    assert_eq!(answer.body["keyshare_data"], json!(format!("{NFT}_{SHARE} 1_110_15")));
}

#[tokio::test]
async fn health_tells_the_state_and_is_always_200() {
    let folder = tempfile::tempdir().unwrap();
    let account = account_in(folder.path());
    let chain = Scripted::new(account.id());
    let enclave = Enclave::open(folder, chain, Setup::default());
    let health = enclave.get("/api/health").await;
    assert_eq!(health.code, StatusCode::OK);
    assert_eq!(
        health.body,
        json!({
            "chain": "",
            "block_number": 0,
            "sync_state": "",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "The enclave waits for its first connection to the chain.",
            "enclave_address": account.address(),
            "attestation": {
                "kind": "simulated",
                "measurement": "3e".repeat(32),
                "live": false,
                "expires_at": null,
                "tcb_status": null,
                "problem": null,
            },
            "store": { "available": true, "losses": 0, "log_rollbacks": 0, "wanted": 0 },
            "sync": { "count": 0, "cursor": 0, "problem": null },
        })
    );
    enclave.finalize(5).await;
    let health = enclave.get("/api/health").await.body;
    assert_eq!(health["chain"], json!("scripted"));
    assert_eq!((&health["block_number"], &health["sync_state"]), (&json!(5), &json!("")));
    enclave.chain.assign(operator(), ClusterType::Public);
    enclave.finalize(6).await;
    let health = enclave.get("/api/health").await.body;
    assert_eq!((&health["block_number"], &health["sync_state"]), (&json!(6), &json!("6")));
    assert_eq!(health["description"], json!("The enclave is in service."));
    enclave.chain.unreachable(true);
    let health = enclave.get("/api/health").await;
    assert_eq!(health.code, StatusCode::OK);
    assert_eq!(health.body["description"], json!("The enclave cannot reach the chain."));
    assert_eq!((&health.body["block_number"], &health.body["sync_state"]), (&json!(6), &json!("")));
    enclave.chain.unreachable(false);
    assert_eq!(enclave.get("/api/health").await.body["sync_state"], json!("6"));
    enclave.chain.unassign();
    enclave.finalize(7).await;
    assert_eq!(enclave.get("/api/health").await.body["sync_state"], json!(""));
}

#[tokio::test]
async fn every_origin_may_ask() {
    let enclave = Enclave::start().await;
    let preflight = Request::builder()
        .method(Method::OPTIONS)
        .uri("/api/secret-nft/store-keyshare")
        .header(header::ORIGIN, "https://dapp.example")
        .header(header::ACCESS_CONTROL_REQUEST_METHOD, "POST")
        .header(header::ACCESS_CONTROL_REQUEST_HEADERS, "content-type")
        .body(Body::empty())
        .unwrap();
    let response = enclave.router.clone().oneshot(preflight).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers()[header::ACCESS_CONTROL_ALLOW_ORIGIN], "*");
    assert_eq!(response.headers()[header::ACCESS_CONTROL_ALLOW_METHODS], "GET,POST");
    // Also on what is refused: otherwise a browser hides the answer.
    let refused = enclave.get("/api/nothing").await;
    assert_eq!(refused.headers[header::ACCESS_CONTROL_ALLOW_ORIGIN], "*");
}
