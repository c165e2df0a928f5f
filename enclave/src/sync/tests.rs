// SPDX-License-Identifier: Apache-2.0
//! Enclaves in this process over one scripted chain: honest ones, and peers on either side that lie.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use axum::{extract::State, http::StatusCode, response::IntoResponse, routing::post, Json, Router};
use base64::{engine::general_purpose::STANDARD, Engine};
use subxt_signer::sr25519::Keypair;
use tee_dcap::{
    verify_pck_crl, verify_qe_identity, verify_root_crl, verify_tcb_info, Evaluated, Quote,
};
use tee_primitives::{
    attestation::{AttestationPayload, LogHead, PeerRole, Purpose},
    cluster::{Cluster, Enclave, SlotId},
    keyshare::{KeyshareKind, KeyshareStatus},
    nft::{NftId, NftState},
    packet::{AuthToken, KeyshareResponse},
    traits::AttestationFacts,
};
use tee_simulator::{Authority, CollateralOptions, EnclaveIdentity, Machine};
use tempfile::TempDir;
use tokio::{net::TcpListener, task::JoinHandle};
use tower::ServiceExt;

use super::{
    channel::{Channel, Ends, Keys},
    evidence::{EvidenceError, Expected, Untrusted},
    fill::{self, PATIENCE_BLOCKS},
    message::{Answer, Ask, Evidence, Item},
    pull::{PullError, SlotSyncPacket, NO_CHANNEL},
    serve::Channels,
    *,
};
use crate::{
    account::Account,
    api::{self, ApiLimits, Context},
    archive::Archives,
    chain::scripted::{attesting, Scripted, GENESIS, NOW},
    identity::Identity,
    park::{Park, ParkLimits},
    platform::testing,
    quotes::Quotes,
    seal::Sealer,
    store::{LogEntry, NewShare, RecordKey},
    verifier::Verifier,
    view,
};

mod archives;
mod asking;
mod bench;
mod hostile;
mod kinds;
mod logs;
mod succession;

const SLOT: SlotId = 2;
const DEADLINE: Duration = Duration::from_secs(30);
const SHARE: &[u8] = b"a share of sufficient length";

/// A simulated machine on which the code runs that the scripted chain allows.
fn platform_of(machine: &Machine) -> Arc<testing::Machine> {
    let (machine, code) = (machine.clone(), code(attesting::MEASUREMENT));
    testing::Machine::new(code.mr_enclave, move |report_data| Ok(machine.quote(&code, report_data)))
}

fn code(measurement: [u8; 32]) -> EnclaveIdentity {
    let mr_signer = attesting::SIGNER;
    EnclaveIdentity { mr_enclave: measurement, mr_signer, isv_prod_id: 0, isv_svn: 0 }
}

fn machine(number: u32) -> Machine {
    Authority::development().machine(number)
}

/// The chain's name for a machine, as its verifier gives it.
fn platform(machine: &Machine) -> [u8; 32] {
    let collateral = Stored::new();
    let quote = machine.quote(&code(attesting::MEASUREMENT), &[0; 64]);
    let quote = Quote::parse(&quote).unwrap();
    let collateral = tee_dcap::Collateral {
        root_crl: &collateral.root_crl,
        pck_crl: &collateral.pck_crl,
        tcb_info: &collateral.tcb_info,
        qe_identity: &collateral.qe_identity,
    };
    tee_dcap::verify_quote(&quote, &attesting::root(), &collateral, NOW).unwrap().platform
}

/// Collateral as the chain keeps it.
struct Stored {
    ca: tee_dcap::PckCa,
    root_crl: tee_dcap::Crl,
    pck_crl: tee_dcap::Crl,
    tcb_info: tee_dcap::TcbInfo,
    qe_identity: tee_dcap::QeIdentity,
}

impl Stored {
    fn new() -> Self {
        let root = attesting::root();
        let signed = Authority::development().collateral(&CollateralOptions::new(NOW - 100));
        let root_crl = verify_root_crl(&root, &signed.root_crl, NOW).unwrap();
        let chain = signed.pck_crl_issuer_chain.as_bytes();
        let (ca, pck_crl) = verify_pck_crl(&root, &root_crl, &signed.pck_crl, chain, NOW).unwrap();
        let (json, chain) = (signed.tcb_info.as_bytes(), signed.tcb_info_issuer_chain.as_bytes());
        let signature = &signed.tcb_info_signature;
        let tcb_info = verify_tcb_info(&root, &root_crl, json, signature, chain, NOW).unwrap();
        let json = signed.qe_identity.as_bytes();
        let chain = signed.qe_identity_issuer_chain.as_bytes();
        let signature = &signed.qe_identity_signature;
        let qe_identity =
            verify_qe_identity(&root, &root_crl, json, signature, chain, NOW).unwrap();
        Self { ca, root_crl, pck_crl, tcb_info, qe_identity }
    }

    fn put(self, chain: &Scripted, fmspc: [u8; 6]) {
        chain.set(storage::root_crl(), self.root_crl);
        chain.set(storage::pck_crl(self.ca), self.pck_crl);
        chain.set(storage::tcb_info(&fmspc), Evaluated { current: self.tcb_info, next: None });
        chain.set(storage::qe_identity(), Evaluated { current: self.qe_identity, next: None });
    }
}

/// Two public clusters with one enclave each, in the same slot.
struct World {
    chain: Arc<Scripted>,
    giver: Node,
    taker: Node,
}

/// An enclave.
struct Node {
    _folder: TempDir,
    account: Arc<Account>,
    own: Identity,
    operator: Keypair,
    store: Store,
    quotes: Quotes,
    machine: Machine,
    cluster_id: ClusterId,
    outlook: watch::Receiver<Outlook>,
}

/// An operator.
fn keypair(number: u8) -> Keypair {
    Keypair::from_secret_key([number; 32]).unwrap()
}

impl Node {
    fn new(chain: &Arc<Scripted>, number: u8) -> Self {
        let node = Self::of(chain, number, keypair(number));
        node.join(chain, ClusterType::Public, SLOT, "http://127.0.0.1:1");
        node
    }

    /// An enclave that works for an operator, and has no slot.
    fn of(chain: &Arc<Scripted>, number: u8, operator: Keypair) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let sealer = Sealer::new(&[number; 32]);
        let account = Arc::new(Account::load_or_create(folder.path(), &sealer).unwrap());
        let own = Identity::new(&account, operator.public_key().0, attesting::MEASUREMENT);
        let (store, _) = Store::open(folder.path(), &sealer, &own.account, GENESIS).unwrap();
        let machine = machine(number.into());
        let platform = platform_of(&machine);
        let (quotes, _) = Quotes::start(account.clone(), own, platform, store.log_state());
        let cluster_id = ClusterId::from(number) - 1;
        let (sender, outlook) = watch::channel(Outlook::default());
        let view = view::follow(chain.clone(), own, attesting::build(), view::MAX_LAG, sender);
        tokio::spawn(view);
        Self {
            _folder: folder,
            account,
            own,
            operator,
            store,
            quotes,
            machine,
            cluster_id,
            outlook,
        }
    }

    /// Puts the enclave into a slot, attested.
    fn join(&self, chain: &Scripted, cluster_type: ClusterType, slot: SlotId, url: &str) {
        let Identity { account, operator, .. } = self.own;
        chain.set(storage::enclave_account_operator(&account), operator);
        chain.set(storage::enclave_cluster_id(&operator), self.cluster_id);
        let enclaves = vec![(operator, slot)];
        chain.set(storage::cluster_data(self.cluster_id), Cluster { enclaves, cluster_type });
        let api_uri = url.as_bytes().to_vec();
        chain.set(storage::enclave_data(&operator), Enclave { enclave_address: account, api_uri });
        self.attest(chain);
    }

    fn attest(&self, chain: &Scripted) -> AttestationFacts {
        let mut record = attesting::record(&self.own, 1);
        record.facts.platform = platform(&self.machine);
        let facts = record.facts;
        chain.set(storage::attestation(&self.own.account), record);
        facts
    }

    async fn view(&mut self, block: BlockNumber) -> View {
        let known = self
            .outlook
            .wait_for(|outlook| outlook.known().is_some_and(|view| view.finalized.number >= block));
        in_time(known).await.unwrap().known().unwrap().clone()
    }

    fn place(&self) -> Place {
        Place { cluster_id: self.cluster_id, slot_id: SLOT }
    }

    fn dialer(&self, chain: &Arc<Scripted>) -> Dialer {
        let (account, quotes) = (self.account.clone(), self.quotes.clone());
        Dialer::new(chain.clone(), account, self.own, quotes).unwrap()
    }

    fn syncer(&self, chain: &Arc<Scripted>) -> (Syncer, watch::Receiver<Progress>) {
        let (sender, progress) = watch::channel(Progress::default());
        let (submitter, _) = Submitter::start(chain.clone());
        let ids = (self.own.account, self.own.operator);
        let (store, dialer) = (self.store.clone(), self.dialer(chain));
        (Syncer::new(chain.clone(), store, dialer, submitter, ids, sender), progress)
    }

    /// The API that is asked.
    fn router(&self, chain: &Arc<Scripted>) -> Router {
        let context = Context {
            account: self.account.clone(),
            platform: platform_of(&self.machine),
            chain: chain.clone(),
            store: self.store.clone(),
            outlook: self.outlook.clone(),
            verifier: Verifier::default(),
            park: Park::new(ParkLimits::default()),
            quotes: self.quotes.clone(),
            problem: watch::channel(None).1,
            sync: watch::channel(Progress::default()).1,
            channels: Channels::default(),
            archives: Archives::new(chain.clone(), self.dialer(chain)),
            lists: api::metric::Lists::default(),
            losses: 0,
            metrics: Default::default(),
        };
        api::router(Arc::new(context), &ApiLimits::default())
    }

    /// A payload for a purpose, signed into a quote.
    fn evidence(&self, purpose: Purpose, change: impl FnOnce(&mut AttestationPayload)) -> Evidence {
        let head = crate::chain::Head { number: 1, hash: [0; 32] };
        let mut payload = self.own.payload(purpose, GENESIS, head, LogHead::default());
        change(&mut payload);
        let report_data = self.account.sign(&payload.message());
        let quote = self.machine.quote(&code(payload.mrenclave), &report_data);
        Evidence { payload, quote }
    }
}

/// Every other share came in a bound request.
fn is_bound(nft_id: NftId) -> bool {
    nft_id.is_multiple_of(2)
}

async fn in_time<T>(future: impl std::future::Future<Output = T>) -> T {
    tokio::time::timeout(DEADLINE, future).await.expect("in time")
}

async fn serve(router: Router) -> (String, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    (url, server)
}

impl World {
    async fn new() -> Self {
        let chain = Scripted::new([0; 32]);
        Stored::new().put(&chain, machine(1).fmspc());
        chain.set(storage::next_cluster_id(), 2u32);
        let (mut giver, mut taker) = (Node::new(&chain, 1), Node::new(&chain, 2));
        chain.finalize(10);
        giver.view(10).await;
        taker.view(10).await;
        Self { chain, giver, taker }
    }

    /// The chain has the giver's share of a version synced.
    fn is_synced(&self, version: &VersionKey) {
        let nft_id = version.nft_id;
        let (key, record) = self.giver.store.records(version).unwrap().remove(0);
        let mut commitments = [[0xee; 32]; 5];
        commitments[SLOT as usize] = record.commitment(GENESIS, &key);
        let cluster_id = self.giver.cluster_id;
        let synced = SyncedKeyshare { version: 1, cluster_id, block_number: 9, commitments };
        let state = NftState { is_secret: true, ..Default::default() };
        self.chain.mint_with(nft_id, [7; 32], state);
        let status = KeyshareStatus { synced: Some(synced), pending: None };
        self.chain.set(storage::keyshares(nft_id, KeyshareKind::Secret), status);
        let count: u64 = self.chain.get(&storage::sync_count()).unwrap_or_default();
        let entry = SyncLogEntry {
            nft_id,
            kind: KeyshareKind::Secret,
            version: 1,
            cluster_id,
            block_number: 9,
        };
        self.chain.set(storage::sync_log(count), entry);
        self.chain.set(storage::sync_count(), count + 1);
        self.chain.set(storage::next_nft_id(), nft_id + 1);
    }

    /// NFTs that the giver's cluster has synced, and whose shares it holds.
    async fn synced(&self, nfts: std::ops::Range<NftId>) -> Vec<VersionKey> {
        self.synced_with(nfts, SHARE).await
    }

    async fn synced_with(&self, nfts: std::ops::Range<NftId>, share: &[u8]) -> Vec<VersionKey> {
        let mut versions = Vec::new();
        for nft_id in nfts {
            let version = VersionKey { nft_id, kind: KeyshareKind::Secret, version: 1 };
            let key = RecordKey { version, split: [nft_id as u8; 16] };
            let new = NewShare {
                key,
                share: Zeroizing::new(share.to_vec()),
                owner: [7; 32],
                slot_id: SLOT,
                token_block: 1,
                stored_at: 1,
                time: 1,
                is_bound: is_bound(nft_id),
            };
            self.giver.store.store(new).await.unwrap().unwrap();
            self.giver.store.activate(key, 9).await.unwrap();
            self.is_synced(&version);
            versions.push(version);
        }
        versions
    }

    /// The next block, at which the taker works until there is nothing more to do.
    async fn step(&mut self, syncer: &mut Syncer, block: BlockNumber) {
        self.chain.finalize(block);
        let view = self.taker.view(block).await;
        in_time(async { while syncer.step(&view).await.unwrap() {} }).await;
    }

    /// What the giver gives.
    fn shares(&self, versions: &[VersionKey]) -> Vec<SharedRecord> {
        let mut shares = Vec::new();
        for version in versions {
            for (key, record) in self.giver.store.records(version).unwrap() {
                shares.push(SharedRecord::new(key, record));
            }
        }
        shares
    }

    fn held(&self) -> usize {
        self.taker.store.held_after(None, 10_000).unwrap().len()
    }
}

#[tokio::test]
async fn a_new_enclave_is_filled_and_then_opens() {
    let mut world = World::new().await;
    let versions = world.synced(0..300).await;
    let (url, _server) = serve(world.giver.router(&world.chain)).await;
    world.giver.join(&world.chain, ClusterType::Public, SLOT, &url);
    let (mut syncer, progress) = world.taker.syncer(&world.chain);
    assert!(!progress.borrow().state.is_filled);
    world.chain.finalize(11);
    world.giver.view(11).await;
    world.step(&mut syncer, 12).await;
    assert_eq!(world.held(), 300);
    let known = progress.borrow().clone();
    assert!(known.state.is_filled && !known.is_behind && known.problem.is_none(), "{known:?}");
    assert_eq!((known.state.cursor, known.count), (300, 300));
    for version in &versions {
        let records = world.taker.store.records(version).unwrap();
        let (_, record) = &records[0];
        assert_eq!((&record.share[..], record.synced_at), (SHARE, Some(9)));
        assert_eq!(record.is_bound, is_bound(version.nft_id));
        let log = world.taker.store.log_of(version.nft_id, None, 10).unwrap();
        assert!(matches!(log[..], [(_, LogEntry::Received(_))]), "{log:?}");
    }

    // Each later sync is fetched at the cost of what was missed.
    world.synced(300..301).await;
    world.chain.finalize(13);
    world.giver.view(13).await;
    world.step(&mut syncer, 14).await;
    assert_eq!(world.held(), 301);
}

/// Counts the channels that are begun, and refuses more than these.
fn with_channels(router: Router, most: usize) -> (Router, Arc<AtomicUsize>) {
    let begun = Arc::new(AtomicUsize::new(0));
    let counted = begun.clone();
    let router = router.layer(axum::middleware::from_fn(
        move |request: axum::extract::Request, next: axum::middleware::Next| {
            let counted = counted.clone();
            async move {
                let (parts, body) = request.into_parts();
                let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
                let packet: SlotSyncPacket = serde_json::from_slice(&bytes).unwrap();
                let begins = packet.data.starts_with(&format!("{NO_CHANNEL}_"));
                if begins && counted.fetch_add(1, Ordering::Relaxed) >= most {
                    let refusal = KeyshareResponse {
                        status: "BUSY".into(),
                        nft_id: 0,
                        enclave_account: String::new(),
                        keyshare_data: None,
                        description: String::new(),
                    };
                    return (StatusCode::SERVICE_UNAVAILABLE, Json(refusal)).into_response();
                }
                next.run(axum::extract::Request::from_parts(parts, bytes.into())).await
            }
        },
    ));
    (router, begun)
}

/// The only peer is asked over three channels when the first one stands. Where others are refused, what
/// was to come over them comes over the first, one block later.
#[tokio::test]
async fn more_channels_are_used_where_they_are_allowed() {
    for (most, blocks) in [(usize::MAX, 1), (1, 2)] {
        let mut world = World::new().await;
        let versions = world.synced(0..fill::PAGE as NftId + 300).await;
        let (router, begun) = with_channels(world.giver.router(&world.chain), most);
        let (url, _server) = serve(router).await;
        world.giver.join(&world.chain, ClusterType::Public, SLOT, &url);
        let (mut syncer, progress) = world.taker.syncer(&world.chain);
        world.chain.finalize(11);
        world.giver.view(11).await;
        for block in 12..12 + blocks {
            assert!(!progress.borrow().state.is_filled);
            world.step(&mut syncer, block).await;
        }
        let known = progress.borrow().clone();
        assert!(known.state.is_filled && known.problem.is_none(), "{known:?}");
        assert_eq!(world.held(), versions.len());
        assert_eq!(begun.load(Ordering::Relaxed), 3);
    }
}

/// What an answer has no room for is asked for again, by the same channel.
#[tokio::test]
async fn shares_of_any_length_come_over_one_channel() {
    let mut world = World::new().await;
    let long = vec![b'x'; MAX_SHARE];
    let mut versions = world.synced_with(0..40, &long).await;
    versions.extend(world.synced(40..80).await);
    versions.extend(world.synced_with(80..100, &long[..9_000]).await);
    let (router, begun) = with_channels(world.giver.router(&world.chain), usize::MAX);
    let (url, _server) = serve(router).await;
    world.giver.join(&world.chain, ClusterType::Public, SLOT, &url);
    let (mut syncer, progress) = world.taker.syncer(&world.chain);
    world.chain.finalize(11);
    world.giver.view(11).await;
    world.step(&mut syncer, 12).await;
    assert_eq!(begun.load(Ordering::Relaxed), 1);
    assert!(progress.borrow().state.is_filled && progress.borrow().problem.is_none());
    assert_eq!(world.held(), versions.len());
    assert_eq!(world.shares(&versions).len(), versions.len());
    for version in &versions {
        let [given, taken] = [&world.giver, &world.taker]
            .map(|node| node.store.records(version).unwrap().remove(0).1.share.clone());
        assert!(given == taken, "{version:?}");
    }
}

#[tokio::test]
async fn f16_f18_peers_that_fail_are_never_the_end() {
    let mut world = World::new().await;
    world.synced(0..3).await;
    let (mut syncer, progress) = world.taker.syncer(&world.chain);
    for block in 11..20 {
        world.step(&mut syncer, block).await;
        let known = progress.borrow().clone();
        assert!(!known.state.is_filled && known.is_behind, "{known:?}");
    }
    assert_eq!(world.taker.store.count_wanted().unwrap(), 3);
}

#[tokio::test]
async fn one_dead_peer_keeps_it_shut_for_long_but_not_for_ever() {
    let mut world = World::new().await;
    world.synced(0..3).await;
    let mut empty = Node::new(&world.chain, 3);
    world.chain.set(storage::next_cluster_id(), 3u32);
    let (url, _server) = serve(empty.router(&world.chain)).await;
    empty.join(&world.chain, ClusterType::Public, SLOT, &url);
    let (mut syncer, progress) = world.taker.syncer(&world.chain);
    let mut opened = None;
    for block in 11..200 {
        // Others sync meanwhile, and what they sync is lost as well.
        if block % 10 == 0 {
            world.synced(block..block + 1).await;
        }
        world.chain.finalize(block);
        empty.view(block).await;
        world.step(&mut syncer, block).await;
        if progress.borrow().state.is_filled {
            opened = Some(block);
            break;
        }
    }
    let opened = opened.expect("it opens");
    assert!(opened >= 11 + PATIENCE_BLOCKS, "#{opened}");
    assert!(progress.borrow().problem.is_some() && world.held() == 0);
}

#[tokio::test]
async fn without_a_peer_it_opens_and_names_what_nobody_can_give() {
    let mut world = World::new().await;
    world.synced(0..3).await;
    for (cluster_type, slot) in [(ClusterType::Private, SLOT), (ClusterType::Public, SLOT + 1)] {
        world.giver.join(&world.chain, cluster_type, slot, "http://127.0.0.1:1");
        let (mut syncer, progress) = world.taker.syncer(&world.chain);
        world.chain.set(storage::sync_count(), 3u64);
        let block = 20 + slot + u32::from(cluster_type == ClusterType::Public);
        world.step(&mut syncer, block).await;
        let known = progress.borrow().clone();
        assert!(known.state.is_filled && !known.is_behind, "{known:?}");
    }
}

#[tokio::test]
async fn what_a_private_cluster_has_synced_is_not_wanted() {
    let mut world = World::new().await;
    world.synced(0..3).await;
    world.giver.join(&world.chain, ClusterType::Private, SLOT, "http://127.0.0.1:1");
    let (mut syncer, progress) = world.taker.syncer(&world.chain);
    world.step(&mut syncer, 11).await;
    assert!(progress.borrow().state.is_filled);
    assert_eq!(world.taker.store.count_wanted().unwrap(), 0);
}

#[tokio::test]
async fn in_another_slot_nothing_is_kept() {
    let mut world = World::new().await;
    world.synced(0..3).await;
    let (url, _server) = serve(world.giver.router(&world.chain)).await;
    world.giver.join(&world.chain, ClusterType::Public, SLOT, &url);
    let (mut syncer, _progress) = world.taker.syncer(&world.chain);
    world.chain.finalize(11);
    world.giver.view(11).await;
    world.step(&mut syncer, 12).await;
    assert_eq!(world.held(), 3);
    world.taker.join(&world.chain, ClusterType::Public, SLOT + 1, "http://127.0.0.1:1");
    world.step(&mut syncer, 13).await;
    assert_eq!(world.held(), 0);
}

#[tokio::test]
async fn what_one_peer_lacks_each_other_is_asked_for() {
    for round in 0..4 {
        let mut world = World::new().await;
        world.synced(0..100).await;
        let mut empty = Node::new(&world.chain, 3);
        world.chain.set(storage::next_cluster_id(), 3u32);
        let (url, _server) = serve(world.giver.router(&world.chain)).await;
        let (other, _other) = serve(empty.router(&world.chain)).await;
        world.giver.join(&world.chain, ClusterType::Public, SLOT, &url);
        empty.join(&world.chain, ClusterType::Public, SLOT, &other);
        let (mut syncer, progress) = world.taker.syncer(&world.chain);
        world.chain.finalize(11);
        world.giver.view(11).await;
        empty.view(11).await;
        world.step(&mut syncer, 12).await;
        assert_eq!(world.held(), 100, "round {round}");
        assert!(progress.borrow().state.is_filled);
    }
}

#[tokio::test]
async fn what_the_chain_no_longer_has_is_no_longer_wanted() {
    let mut world = World::new().await;
    world.synced(0..3).await;
    let (mut syncer, progress) = world.taker.syncer(&world.chain);
    world.step(&mut syncer, 11).await;
    assert_eq!(world.taker.store.count_wanted().unwrap(), 3);
    for nft_id in 0..3 {
        world.chain.remove(&storage::nft(nft_id));
    }
    for block in 12..14 {
        world.step(&mut syncer, block).await;
    }
    assert_eq!(world.taker.store.count_wanted().unwrap(), 0);
    assert!(progress.borrow().state.is_filled);
}

#[tokio::test]
async fn a_share_that_comes_late_for_a_wanted_version_is_refused() {
    let mut world = World::new().await;
    let versions = world.synced(0..1).await;
    let (mut syncer, _progress) = world.taker.syncer(&world.chain);
    world.step(&mut syncer, 11).await;
    let new = NewShare {
        key: RecordKey { version: versions[0], split: [9; 16] },
        share: Zeroizing::new(SHARE.to_vec()),
        owner: [7; 32],
        slot_id: SLOT,
        token_block: 1,
        stored_at: 10,
        time: 1,
        is_bound: false,
    };
    assert!(world.taker.store.store(new).await.unwrap().is_err());
    world.taker.store.wipe_undecided(versions[0]).await.unwrap();
    assert!(world.taker.store.is_wanted(&versions[0]).unwrap());
}
