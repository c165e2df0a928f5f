// SPDX-License-Identifier: Apache-2.0
//! Enclaves in this process over one scripted chain: honest ones, and peers on either side that lie.

use axum::{extract::State, response::IntoResponse, routing::post, Json, Router};
use base64::{engine::general_purpose::STANDARD, Engine};
use tee_dcap::{
    verify_pck_crl, verify_qe_identity, verify_root_crl, verify_tcb_info, Evaluated, Quote,
};
use tee_primitives::{
    attestation::{AttestationPayload, LogHead, PeerRole, Purpose},
    cluster::{Cluster, Enclave, SlotId},
    keyshare::KeyshareStatus,
    nft::NftState,
    packet::{AuthToken, KeyshareResponse},
};
use tee_simulator::{Authority, CollateralOptions, EnclaveIdentity, Machine};
use tempfile::TempDir;
use tokio::{net::TcpListener, task::JoinHandle};
use tower::ServiceExt;

use super::{
    channel::{Channel, Ends, Keys},
    evidence::{EvidenceError, Expected, Untrusted},
    message::{Answer, Ask, Evidence},
    pull::{SlotSyncPacket, NO_CHANNEL},
    serve::Channels,
    *,
};
use crate::{
    account::Account,
    api::{self, ApiLimits, Context},
    chain::scripted::{attesting, Scripted, GENESIS, NOW},
    identity::Identity,
    park::{Park, ParkLimits},
    platform::{Platform, PlatformError},
    quotes::Quotes,
    seal::Sealer,
    store::{LogEntry, NewShare, RecordKey},
    view,
};

const SLOT: SlotId = 2;
const DEADLINE: Duration = Duration::from_secs(30);
const SHARE: &[u8] = b"a share of sufficient length";

struct Simulated(Machine, EnclaveIdentity);

impl Platform for Simulated {
    fn kind(&self) -> &'static str {
        "simulated"
    }

    fn measurement(&self) -> [u8; 32] {
        self.1.mr_enclave
    }

    fn root(&self) -> &[u8] {
        &[]
    }

    fn seal_key(&self) -> Result<Zeroizing<[u8; 32]>, PlatformError> {
        Ok(Zeroizing::new([1; 32]))
    }

    fn quote(&self, report_data: &[u8; 64]) -> Result<Vec<u8>, PlatformError> {
        Ok(self.0.quote(&self.1, report_data))
    }
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
    store: Store,
    quotes: Quotes,
    machine: Machine,
    cluster_id: ClusterId,
    outlook: watch::Receiver<Outlook>,
}

impl Node {
    fn new(chain: &Arc<Scripted>, number: u8) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let sealer = Sealer::new(&[number; 32]);
        let account = Arc::new(Account::load_or_create(folder.path(), &sealer).unwrap());
        let own = Identity::new(&account, [number; 32], attesting::MEASUREMENT);
        let (store, _) = Store::open(folder.path(), &sealer, &own.account, GENESIS).unwrap();
        let machine = machine(number.into());
        let simulated = Simulated(machine.clone(), code(attesting::MEASUREMENT));
        let platform = Arc::new(simulated);
        let (quotes, _) = Quotes::start(account.clone(), own, platform, store.log_state());
        let cluster_id = ClusterId::from(number) - 1;
        let (sender, outlook) = watch::channel(Outlook::default());
        let node =
            Self { _folder: folder, account, own, store, quotes, machine, cluster_id, outlook };
        node.join(chain, ClusterType::Public, SLOT, "http://127.0.0.1:1");
        let view = view::follow(chain.clone(), own, attesting::root(), view::MAX_LAG, sender);
        tokio::spawn(view);
        node
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
        let mut record = attesting::record(&self.own, 1);
        record.facts.platform = platform(&self.machine);
        chain.set(storage::attestation(&account), record);
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
        let simulated = Simulated(self.machine.clone(), code(attesting::MEASUREMENT));
        let context = Context {
            account: self.account.clone(),
            platform: Arc::new(simulated),
            chain: chain.clone(),
            store: self.store.clone(),
            outlook: self.outlook.clone(),
            park: Park::new(ParkLimits::default()),
            quotes: self.quotes.clone(),
            problem: watch::channel(None).1,
            sync: watch::channel(Progress::default()).1,
            channels: Channels::default(),
            losses: 0,
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

    /// NFTs that the giver's cluster has synced, and whose shares it holds.
    async fn synced(&self, nfts: std::ops::Range<NftId>) -> Vec<VersionKey> {
        let mut versions = Vec::new();
        for nft_id in nfts {
            let version = VersionKey { nft_id, kind: KeyshareKind::Secret, version: 1 };
            let key = RecordKey { version, split: [nft_id as u8; 16] };
            let new = NewShare {
                key,
                share: Zeroizing::new(SHARE.to_vec()),
                owner: [7; 32],
                slot_id: SLOT,
                token_block: 1,
                stored_at: 1,
            };
            self.giver.store.store(new).await.unwrap().unwrap();
            self.giver.store.activate(key, 9).await.unwrap();
            let record = self.giver.store.record(&key).unwrap().unwrap();
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
            for (key, mut record) in self.giver.store.records(version).unwrap() {
                shares.push(SharedRecord {
                    key,
                    share: std::mem::take(&mut record.share),
                    salt: record.salt,
                    owner: record.owner,
                    token_block: record.token_block,
                });
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
    };
    assert!(world.taker.store.store(new).await.unwrap().is_err());
    world.taker.store.wipe_undecided(versions[0]).await.unwrap();
    assert!(world.taker.store.is_wanted(&versions[0]).unwrap());
}

/// What a responder does wrong.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Fault {
    /// Its quote is of code that is not allowed.
    OtherCode,
    /// Its quote is of another machine.
    OtherMachine,
    /// Its quote was made for the chain.
    ForTheChain,
    /// Its quote was made for another handshake.
    OtherHandshake,
    /// It has the static key, and no quote.
    NoQuote,
    /// It does not have the static key.
    NoKey,
    /// A share is another than the chain's.
    Poisoned,
    /// A share is another NFT's.
    Swapped,
    /// It answers more than was asked for.
    TooMany,
    /// It answers nothing.
    Nothing,
    /// Its answer is cut.
    Truncated,
    /// Its answer does not end.
    Endless,
    /// It does not answer.
    Silent,
    /// It leaves everything out.
    Omitted,
    /// It says that it knows of nothing yet.
    Early,
}

struct Hostile {
    fault: Fault,
    node: (Arc<Account>, Identity, Machine, [u8; 32], RawAccountId),
    good: Vec<SharedRecord>,
    channel: std::sync::Mutex<Option<(Channel, bool)>>,
}

fn hostile_quote(hostile: &Hostile, handshake_hash: [u8; 32]) -> Evidence {
    let (account, own, machine, _, peer) = &hostile.node;
    let role = PeerRole::Responder;
    let purpose = match hostile.fault {
        Fault::ForTheChain => Purpose::Chain,
        Fault::OtherHandshake => Purpose::PeerSync { role, peer: *peer, handshake_hash: [9; 32] },
        _ => Purpose::PeerSync { role, peer: *peer, handshake_hash },
    };
    let head = crate::chain::Head { number: 1, hash: [0; 32] };
    let mut payload = own.payload(purpose, GENESIS, head, LogHead::default());
    if hostile.fault == Fault::OtherCode {
        payload.mrenclave = [0xbd; 32];
    }
    let report_data = account.sign(&payload.message());
    let other = tee_simulator::Authority::development().machine(77);
    let machine = if hostile.fault == Fault::OtherMachine { &other } else { machine };
    let mut quote = machine.quote(&code(payload.mrenclave), &report_data);
    if hostile.fault == Fault::NoQuote {
        quote.clear();
    }
    Evidence { payload, quote }
}

enum Reply {
    Message(Vec<u8>),
    Endless,
    Silent,
}

fn reply(hostile: &Hostile, packet: &SlotSyncPacket) -> Reply {
    let parts: Vec<_> = packet.data.split('_').collect();
    let (id, sealed) = (parts[0], STANDARD.decode(parts[1]).unwrap());
    let (account, own, _, other, peer) = &hostile.node;
    let mut guard = hostile.channel.lock().unwrap();
    if id == NO_CHANNEL {
        let (requester, responder) = (*peer, own.account);
        let ends = Ends { genesis_hash: GENESIS, slot_id: SLOT, requester, responder };
        let secret = account.encryption_secret();
        let secret = if hostile.fault == Fault::NoKey { &[5; 32] } else { &*secret };
        return Reply::Message(
            match channel::answer(&ends, &Keys { own: secret, other }, &sealed) {
                Ok((channel, second)) => {
                    *guard = Some((channel, false));
                    second
                }
                Err(_) => vec![0; 48],
            },
        );
    }
    let (channel, is_proven) = guard.as_mut().unwrap();
    let opened = channel.open(&sealed).unwrap();
    if !*is_proven {
        *is_proven = true;
        let evidence = hostile_quote(hostile, channel.handshake_hash);
        return Reply::Message(channel.seal(&message::encode(&evidence)).unwrap());
    }
    let Ask::Shares(asked) = message::decode(&opened).unwrap();
    let find = |version: &VersionKey| {
        hostile.good.iter().find(|share| share.key.version == *version).cloned()
    };
    let mut shares: Vec<_> = asked.iter().map(find).map(Option::unwrap).collect();
    match hostile.fault {
        Fault::Poisoned => shares[0].share[3] ^= 1,
        Fault::Swapped => shares.reverse(),
        _ => (),
    }
    let mut shares: Vec<_> = shares.into_iter().map(Item::Given).collect();
    match hostile.fault {
        Fault::TooMany => shares.push(Item::Lacks),
        Fault::Nothing => shares.clear(),
        Fault::Omitted => shares.iter_mut().for_each(|share| *share = Item::Lacks),
        Fault::Early => shares.iter_mut().for_each(|share| *share = Item::NotYet),
        Fault::Endless => return Reply::Endless,
        Fault::Silent => return Reply::Silent,
        _ => (),
    }
    let mut sealed = channel.seal(&message::encode(&Answer::Shares(shares))).unwrap();
    if hostile.fault == Fault::Truncated {
        sealed.pop();
    }
    Reply::Message(sealed)
}

async fn misbehave(
    State(hostile): State<Arc<Hostile>>,
    Json(packet): Json<SlotSyncPacket>,
) -> axum::response::Response {
    let message = match reply(&hostile, &packet) {
        Reply::Message(message) => message,
        Reply::Endless => {
            let forever =
                futures::stream::repeat_with(|| Ok::<_, std::io::Error>(vec![b'x'; 9000]));
            return axum::body::Body::from_stream(forever).into_response();
        }
        Reply::Silent => return std::future::pending().await,
    };
    Json(KeyshareResponse {
        status: "SYNCSUCCESS".into(),
        nft_id: 0,
        enclave_account: String::new(),
        keyshare_data: Some(format!("{}_{}", "ab".repeat(16), STANDARD.encode(message))),
        description: String::new(),
    })
    .into_response()
}

/// Nothing wrong is stored, nobody waits for ever, and what is wrong is said.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hostile_peer_can_withhold_and_no_more() {
    use Fault::*;
    let cases = [
        (OtherCode, 0, "of other code"),
        (OtherMachine, 0, "of another machine"),
        (ForTheChain, 0, "made for something else"),
        (OtherHandshake, 0, "made for something else"),
        (NoQuote, 0, "cannot be read"),
        (NoKey, 0, "does not open"),
        (Poisoned, 3, "a share is not the chain's"),
        (Swapped, 0, "a share is not the chain's"),
        (TooMany, 0, "another number of shares"),
        (Nothing, 0, "another number of shares"),
        (Truncated, 0, "does not open"),
        (Endless, 0, "longer than allowed"),
        (Silent, 0, "not in time"),
        (Omitted, 0, ""),
        (Early, 0, ""),
    ];
    let tried = cases.map(|(fault, kept, named)| async move {
        let mut world = World::new().await;
        let versions = world.synced(0..4).await;
        let good = world.shares(&versions);
        let (giver, taker) = (&world.giver, world.taker.own);
        let node = (
            giver.account.clone(),
            giver.own,
            giver.machine.clone(),
            taker.encryption_key,
            taker.account,
        );
        let hostile = Hostile { fault, node, good, channel: Default::default() };
        let router =
            Router::new().route(pull::ROUTE, post(misbehave)).with_state(Arc::new(hostile));
        let (url, _server) = serve(router).await;
        world.giver.join(&world.chain, ClusterType::Public, SLOT, &url);
        world.chain.finalize(11);

        let view = world.taker.view(11).await;
        let dialer = world.taker.dialer(&world.chain);
        let peers = peers::clusters(&*world.chain, &view).await.unwrap();
        let peers = peers::others(&*world.chain, &view, world.taker.place(), &peers).await;
        let peer = peers.unwrap().live.pop().expect("the chain names it");
        let asked = ask(&dialer, &view, world.taker.place(), &peer, None, versions).await;
        let said = match &asked.session {
            Err(error) => error.to_string(),
            Ok(_) if kept > 0 || fault == Swapped => "a share is not the chain's".into(),
            Ok(_) => String::new(),
        };
        assert!(said.contains(named), "{fault:?}: {said}");

        let (mut syncer, progress) = world.taker.syncer(&world.chain);
        world.step(&mut syncer, 12).await;
        assert_eq!(world.held(), kept, "{fault:?}");
        for held in world.taker.store.held_after(None, 10).unwrap() {
            let of = held.key.version;
            let synced: KeyshareStatus =
                world.chain.get(&storage::keyshares(of.nft_id, of.kind)).unwrap();
            let expected = synced.synced.unwrap().commitments[SLOT as usize];
            assert_eq!(held.facts.unwrap().commitment, expected, "{fault:?}");
        }
        // Who leaves out is believed to lack; who fails may have it.
        let known = progress.borrow().clone();
        assert_eq!(known.state.is_filled, fault == Omitted, "{fault:?}: {known:?}");
        assert!(known.problem.is_some_and(|it| it.contains("missing")), "{fault:?}");
    });
    futures::future::join_all(tried).await;
}

/// A requester, step by step.
struct Asker<'a> {
    world: &'a World,
    router: Router,
}

impl Asker<'_> {
    async fn post(&self, data: String) -> Result<(String, Vec<u8>), String> {
        let taker = &self.world.taker;
        let packet = SlotSyncPacket {
            requester_address: taker.account.address().into(),
            signature: format!("0x{}", hex::encode(taker.account.sign(data.as_bytes()))),
            data,
        };
        self.send(&packet).await
    }

    async fn send(&self, packet: &SlotSyncPacket) -> Result<(String, Vec<u8>), String> {
        let request = axum::http::Request::post(pull::ROUTE)
            .header("content-type", "application/json")
            .body(axum::body::Body::from(serde_json::to_vec(packet).unwrap()))
            .unwrap();
        let response = in_time(self.router.clone().oneshot(request)).await.unwrap();
        let bytes = axum::body::to_bytes(response.into_body(), 1 << 20).await.unwrap();
        let mut answer: KeyshareResponse = serde_json::from_slice(&bytes).unwrap();
        let Some(data) = answer.keyshare_data.take() else { return Err(answer.status.clone()) };
        let (id, message) = data.split_once('_').unwrap();
        Ok((id.to_owned(), STANDARD.decode(message).unwrap()))
    }

    fn ends(&self) -> Ends {
        Ends {
            genesis_hash: GENESIS,
            slot_id: SLOT,
            requester: self.world.taker.own.account,
            responder: self.world.giver.own.account,
        }
    }

    fn token(&self) -> AuthToken {
        AuthToken { block_number: self.world.chain.finalized(), validity: 15 }
    }

    async fn begin(&self) -> Result<(String, Channel), String> {
        let secret = self.world.taker.account.encryption_secret();
        let keys = Keys { own: &secret, other: &self.world.giver.own.encryption_key };
        let (begun, first) = channel::begin(&self.ends(), &keys).unwrap();
        let (id, second) =
            self.post(format!("{NO_CHANNEL}_{}_{}", STANDARD.encode(first), self.token())).await?;
        Ok((id, begun.finish(&second).unwrap()))
    }

    async fn say(
        &self,
        id: &str,
        channel: &mut Channel,
        message: &impl codec::Encode,
    ) -> Result<Vec<u8>, String> {
        let sealed = channel.seal(&message::encode(message)).unwrap();
        let (_, answer) =
            self.post(format!("{id}_{}_{}", STANDARD.encode(sealed), self.token())).await?;
        Ok(channel.open(&answer).unwrap().to_vec())
    }

    fn purpose(&self, handshake_hash: [u8; 32]) -> Purpose {
        let peer = self.world.giver.own.account;
        Purpose::PeerSync { role: PeerRole::Requester, peer, handshake_hash }
    }
}

#[tokio::test]
async fn who_has_not_proven_what_it_is_gets_nothing() {
    let mut world = World::new().await;
    let versions = world.synced(0..2).await;
    world.chain.finalize(11);
    world.giver.view(11).await;
    let world = world;
    let asker = Asker { router: world.giver.router(&world.chain), world: &world };
    let ask = Ask::Shares(versions);

    // The honest way.
    let (id, mut channel) = asker.begin().await.unwrap();
    let purpose = asker.purpose(channel.handshake_hash);
    let evidence = world.taker.evidence(purpose, |_| ());
    let proof = asker.say(&id, &mut channel, &evidence).await.unwrap();
    assert!(message::decode::<Evidence>(&proof).is_some());
    let shares = asker.say(&id, &mut channel, &ask).await.unwrap();
    let Answer::Shares(shares) = message::decode(&shares).unwrap();
    assert_eq!(shares.iter().filter(|item| matches!(item, Item::Given(_))).count(), 2);

    // With the stolen static key alone.
    let (id, mut channel) = asker.begin().await.unwrap();
    assert_eq!(asker.say(&id, &mut channel, &ask).await.unwrap_err(), "INVALIDSYNCMESSAGE");
    assert_eq!(asker.say(&id, &mut channel, &ask).await.unwrap_err(), "UNKNOWNCHANNEL");
    // With a quote for another handshake, for the other side, for the chain, of other code.
    type Change = fn(&mut AttestationPayload);
    let changes: [Change; 5] = [
        |payload| payload.mrenclave = [0xbd; 32],
        |payload| payload.session = [0; 32],
        |payload| payload.genesis_hash = [0; 32],
        |payload| payload.purpose = Purpose::Chain,
        |payload| match &mut payload.purpose {
            Purpose::PeerSync { handshake_hash, .. } => *handshake_hash = [0; 32],
            Purpose::Chain => unreachable!(),
        },
    ];
    for change in changes {
        let (id, mut channel) = asker.begin().await.unwrap();
        let purpose = asker.purpose(channel.handshake_hash);
        let evidence = world.taker.evidence(purpose, change);
        let refused = asker.say(&id, &mut channel, &evidence).await.unwrap_err();
        assert_eq!(refused, "UNTRUSTEDPEER");
        assert_eq!(asker.say(&id, &mut channel, &ask).await.unwrap_err(), "UNKNOWNCHANNEL");
    }

    // A beginning that is said again begins a channel that only its first sender could use.
    let secret = world.taker.account.encryption_secret();
    let keys = Keys { own: &secret, other: &world.giver.own.encryption_key };
    let (begun, first) = channel::begin(&asker.ends(), &keys).unwrap();
    let data = format!("{NO_CHANNEL}_{}_{}", STANDARD.encode(&first), asker.token());
    let (first_id, second) = asker.post(data.clone()).await.unwrap();
    let (replayed, _) = asker.post(data).await.unwrap();
    let mut channel = begun.finish(&second).unwrap();
    let purpose = asker.purpose(channel.handshake_hash);
    let evidence = world.taker.evidence(purpose, |_| ());
    let refused = asker.say(&replayed, &mut channel, &evidence).await.unwrap_err();
    assert_eq!(refused, "INVALIDSYNCMESSAGE");
    let _ = first_id;

    // Not its own signature.
    let mut packet = SlotSyncPacket {
        requester_address: world.taker.account.address().into(),
        data: format!("{NO_CHANNEL}_AAAA_{}", asker.token()),
        signature: format!("0x{}", "00".repeat(64)),
    };
    assert_eq!(asker.send(&packet).await.unwrap_err(), "SIGNERSIGVERIFICATIONFAILED");
    // What was recorded long ago.
    let old = asker.post(format!("{NO_CHANNEL}_{}_1_5", STANDARD.encode(&first))).await;
    assert_eq!(old.unwrap_err(), "EXPIREDREQUEST");
    for data in ["", "x", "0_!", "zz_AAAA", "ab_AAAA", "0_AAAA", "0_AAAA_10", "0_AAAA_10_x"] {
        packet.data = data.into();
        assert!(asker.send(&packet).await.is_err(), "{data}");
    }
}

#[tokio::test]
async fn a_channel_ends_with_what_was_proven_for_it() {
    let mut world = World::new().await;
    let versions = world.synced(0..2).await;
    let ask = Ask::Shares(versions);
    type Change = fn(&World);
    let changes: [(Change, &str); 4] = [
        (|_| (), ""),
        // Another start of it has attested.
        (
            |world| {
                let own = Identity { session: [1; 32], ..world.taker.own };
                let mut record = attesting::record(&own, 2);
                record.facts.platform = platform(&world.taker.machine);
                world.chain.set(storage::attestation(&own.account), record);
            },
            "UNKNOWNCHANNEL",
        ),
        // Its code is no longer allowed.
        (
            |world| {
                let allowed = storage::allowed_measurement(&attesting::MEASUREMENT);
                world.chain.remove(&allowed);
            },
            "NOTINSERVICE",
        ),
        (
            |world| world.taker.join(&world.chain, ClusterType::Private, SLOT, "http://e"),
            "NOTAPEER",
        ),
    ];
    let mut block = 11;
    for (change, expected) in changes {
        world.taker.join(&world.chain, ClusterType::Public, SLOT, "http://e");
        let allowed = storage::allowed_measurement(&attesting::MEASUREMENT);
        world.chain.set(allowed, attesting::allowed());
        world.chain.finalize(block);
        world.giver.view(block).await;
        let router = world.giver.router(&world.chain);
        let asker = Asker { router: router.clone(), world: &world };
        let (id, mut channel) = asker.begin().await.unwrap();
        let purpose = asker.purpose(channel.handshake_hash);
        let evidence = world.taker.evidence(purpose, |_| ());
        asker.say(&id, &mut channel, &evidence).await.unwrap();
        asker.say(&id, &mut channel, &ask).await.unwrap();
        change(&world);
        world.chain.finalize(block + 1);
        world.giver.view(block + 1).await;
        let asker = Asker { router, world: &world };
        let said = asker.say(&id, &mut channel, &ask).await.err().unwrap_or_default();
        assert_eq!(said, expected);
        block += 2;
    }
}

#[tokio::test]
async fn only_what_the_chain_has_synced_for_public_clusters_is_given() {
    let mut world = World::new().await;
    let versions = world.synced(0..4).await;
    // One is another version now, one is burnt, one was synced by a private cluster, one is not
    // synced at the block that is known.
    let key = |nft_id| storage::keyshares(nft_id, KeyshareKind::Secret);
    let change = |nft_id, change: fn(&mut SyncedKeyshare)| {
        let mut status: KeyshareStatus = world.chain.get(&key(nft_id)).unwrap();
        change(status.synced.as_mut().unwrap());
        world.chain.set(key(nft_id), status);
    };
    change(0, |synced| synced.version = 2);
    world.chain.remove(&storage::nft(1));
    let cluster = Cluster {
        enclaves: Vec::<(RawAccountId, SlotId)>::new(),
        cluster_type: ClusterType::Disabled,
    };
    world.chain.set(storage::cluster_data(7), cluster);
    world.chain.set(storage::disabled_cluster(7), ClusterType::Private);
    change(2, |synced| synced.cluster_id = 7);
    world.chain.remove(&key(3));
    world.chain.finalize(11);
    let view = world.giver.view(11).await;
    let own = view.assignment.unwrap();
    let asked = |is_successor| {
        let (chain, store, view) = (&*world.chain, &world.giver.store, &view);
        let versions = &versions;
        async move {
            let answer = serve::shares(chain, view, store, own, is_successor, versions).await;
            let Answer::Shares(items) = answer.unwrap();
            items
                .iter()
                .map(|item| match item {
                    Item::Given(_) => "given",
                    Item::Lacks => "lacks",
                    Item::NotYet => "not yet",
                })
                .collect::<Vec<_>>()
        }
    };
    assert_eq!(asked(false).await, ["lacks", "lacks", "lacks", "not yet"]);
    assert_eq!(asked(true).await, ["lacks", "lacks", "given", "not yet"]);
}

#[tokio::test]
async fn whom_the_chain_does_not_name_cannot_even_begin() {
    let mut world = World::new().await;
    world.synced(0..2).await;
    type Change = fn(&World);
    let changes: [(&str, Change); 7] = [
        ("another slot", |world| {
            world.taker.join(&world.chain, ClusterType::Public, SLOT + 1, "http://e")
        }),
        ("a private cluster", |world| {
            world.taker.join(&world.chain, ClusterType::Private, SLOT, "http://e")
        }),
        ("a disabled cluster", |world| {
            world.taker.join(&world.chain, ClusterType::Disabled, SLOT, "http://e")
        }),
        ("no attestation", |world| {
            world.chain.remove(&storage::attestation(&world.taker.own.account))
        }),
        ("another account", |world| {
            let operator = world.taker.own.operator;
            let seat = Enclave { enclave_address: [0u8; 32], api_uri: b"http://e".to_vec() };
            world.chain.set(storage::enclave_data(&operator), seat)
        }),
        ("a banned machine", |world| {
            let platform = platform(&world.taker.machine);
            world.chain.set(storage::banned_platform(&platform), ())
        }),
        ("not assigned", |world| {
            world.chain.remove(&storage::enclave_account_operator(&world.taker.own.account))
        }),
    ];
    let mut block = 11;
    for (name, change) in changes {
        world.taker.join(&world.chain, ClusterType::Public, SLOT, "http://e");
        world.chain.finalize(block);
        world.giver.view(block).await;
        let router = world.giver.router(&world.chain);
        let asker = Asker { router: router.clone(), world: &world };
        assert!(asker.begin().await.is_ok(), "before: {name}");
        change(&world);
        world.chain.finalize(block + 1);
        world.giver.view(block + 1).await;
        let asker = Asker { router, world: &world };
        assert_eq!(asker.begin().await.err().as_deref(), Some("NOTAPEER"), "{name}");
        world.chain.remove(&storage::banned_platform(&platform(&world.taker.machine)));
        block += 2;
    }
}

#[tokio::test]
async fn each_reason_not_to_trust_a_peer() {
    let mut world = World::new().await;
    let view = world.giver.view(10).await;
    let clusters = peers::clusters(&*world.chain, &view).await.unwrap();
    let place = world.giver.place();
    let peer = peers::others(&*world.chain, &view, place, &clusters).await.unwrap().live.remove(0);
    let own = world.giver.own.account;
    let handshake_hash = [4; 32];
    let expected = Expected { peer: &peer, role: PeerRole::Requester, own: &own, handshake_hash };
    let purpose = Purpose::PeerSync { role: PeerRole::Requester, peer: own, handshake_hash };
    let check = |evidence: Evidence| {
        let (chain, view, expected) = (&*world.chain, &view, &expected);
        async move { evidence::check(chain, view, expected, &evidence).await }
    };
    assert_eq!(check(world.taker.evidence(purpose, |_| ())).await, Ok(()));

    type Change = fn(&mut AttestationPayload);
    let cases: [(Change, Untrusted); 7] = [
        (|it| it.version += 1, Untrusted::Version),
        (|it| it.purpose = Purpose::Chain, Untrusted::Purpose),
        (|it| it.genesis_hash = [0; 32], Untrusted::Chain),
        (|it| it.operator = [0; 32], Untrusted::Identity),
        (|it| it.encryption_key = [0; 32], Untrusted::Identity),
        (|it| it.session = [0; 32], Untrusted::Session),
        (|it| it.mrenclave = [0xbd; 32], Untrusted::Measurement),
    ];
    for (change, why) in cases {
        let found = check(world.taker.evidence(purpose, change)).await;
        assert_eq!(found, Err(EvidenceError::Untrusted(why)));
    }
    let other = world.giver.evidence(purpose, |_| ());
    let mut stolen = world.taker.evidence(purpose, |_| ());
    stolen.quote = other.quote;
    let found = check(stolen).await;
    assert_eq!(found, Err(EvidenceError::Untrusted(Untrusted::ReportData)));
    let mut cut = world.taker.evidence(purpose, |_| ());
    cut.quote.pop();
    assert!(matches!(check(cut).await, Err(EvidenceError::Untrusted(Untrusted::Layout(_)))));
    let mut changed = world.taker.evidence(purpose, |_| ());
    // Within the platform's enclave report, which the quote's other signature covers.
    changed.quote[700] ^= 1;
    assert!(matches!(check(changed).await, Err(EvidenceError::Untrusted(Untrusted::Quote(_)))));
}
