// SPDX-License-Identifier: Apache-2.0
//! Bound requests of the wallet's client to five enclaves, over sockets, with somebody on the way.

use std::sync::Mutex;

use axum::{
    body::Bytes,
    extract::State,
    http::{request::Parts, Uri},
    response::IntoResponse,
};
use base64::{engine::general_purpose::STANDARD, Engine};
use codec::DecodeAll;
use tee_primitives::{
    keyshare::KeyshareStatus,
    packet::{
        answer::{Receipt, SignedResponse},
        bound::{Approval, BoundRetrieve, BoundStore, Target},
        sealed,
    },
    Hash,
};
use tee_wallet::{
    bound::{is_signed, store_packet as wallet_packet, Wanted},
    cluster::{self, Member, Members, StoreReport},
    enclave::{EnclaveClient, EnclaveError},
    media::MediaKey,
    packets::{KeyVersion, StoreAttempt},
    split::Recovery,
};

use super::*;

mod hostile;
mod refusals;

const KIND: KeyshareKind = KeyshareKind::Secret;

/// The secret of the requester's one-time key, where a test makes the request itself.
const ONE_TIME: [u8; 32] = [0x0e; 32];

fn of(nft_id: NftId) -> KeyVersion {
    KeyVersion { genesis_hash: GENESIS, kind: KIND, nft_id, version: 1 }
}

fn client() -> EnclaveClient {
    EnclaveClient::new().unwrap()
}

fn in_twenty_seconds() -> time::Instant {
    time::Instant::now() + DEADLINE
}

/// A request or an answer, as it passes.
#[derive(Clone, Debug)]
struct Message {
    path: String,
    code: u16,
    body: Vec<u8>,
}

/// What somebody on the way does with each request and each answer.
type Alter = Box<dyn Fn(&mut Message) + Send + Sync>;

/// Somebody between the wallet and one enclave, who has a valid certificate for its domain: sees all,
/// and changes what it likes.
struct OnTheWay {
    router: Router,
    seen: Mutex<Vec<(Message, Message)>>,
    request: Mutex<Alter>,
    answer: Mutex<Alter>,
}

impl OnTheWay {
    fn requests(&self) -> Vec<Message> {
        self.seen.lock().unwrap().iter().map(|(request, _)| request.clone()).collect()
    }

    fn last(&self) -> (Message, Message) {
        self.seen.lock().unwrap().last().unwrap().clone()
    }

    fn on_request(&self, alter: impl Fn(&mut Message) + Send + Sync + 'static) {
        *self.request.lock().unwrap() = Box::new(alter);
    }

    fn on_answer(&self, alter: impl Fn(&mut Message) + Send + Sync + 'static) {
        *self.answer.lock().unwrap() = Box::new(alter);
    }

    fn leave_alone(&self) {
        self.on_request(|_| ());
        self.on_answer(|_| ());
    }
}

async fn pass_on(
    State(way): State<Arc<OnTheWay>>,
    Parts { uri, .. }: Parts,
    body: Bytes,
) -> Response {
    let mut asked = Message { path: uri.path().to_owned(), code: 0, body: body.to_vec() };
    way.request.lock().unwrap()(&mut asked);
    let mut said = sent(&way.router, &asked).await;
    let seen = (asked, said.clone());
    way.seen.lock().unwrap().push(seen);
    way.answer.lock().unwrap()(&mut said);
    let json = [(header::CONTENT_TYPE, "application/json")];
    (StatusCode::from_u16(said.code).unwrap(), json, said.body).into_response()
}

/// Sends a captured request.
async fn sent(router: &Router, asked: &Message) -> Message {
    let request = Request::post(asked.path.parse::<Uri>().unwrap())
        .header(header::CONTENT_TYPE, "application/json")
        .body(Body::from(asked.body.clone()))
        .unwrap();
    let response = in_time(router.clone().oneshot(request)).await.unwrap();
    let code = response.status().as_u16();
    let body = to_bytes(response.into_body(), 1 << 20).await.unwrap().to_vec();
    Message { path: asked.path.clone(), code, body }
}

fn status(message: &Message) -> String {
    let body: Value = serde_json::from_slice(&message.body).unwrap();
    body["status"].as_str().unwrap().to_owned()
}

/// Five enclaves of a cluster, each on a chain of its own that says the same, and somebody on the way to
/// each of them.
struct World {
    enclaves: Vec<Enclave>,
    ways: Vec<Arc<OnTheWay>>,
    members: Members,
}

impl World {
    async fn start() -> Self {
        let mut members = Members {
            cluster_id: CLUSTER,
            cluster_type: ClusterType::Public,
            enclaves: Vec::new(),
        };
        let (mut enclaves, mut ways) = (Vec::new(), Vec::new());
        for slot_id in 0..5 {
            let enclave = enclave_in(slot_id).await;
            let way = Arc::new(OnTheWay {
                router: enclave.router.clone(),
                seen: Mutex::default(),
                request: Mutex::new(Box::new(|_| ())),
                answer: Mutex::new(Box::new(|_| ())),
            });
            let router = Router::new().fallback(pass_on).with_state(way.clone());
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            let url = format!("http://{}", listener.local_addr().unwrap());
            tokio::spawn(async move { axum::serve(listener, router).await });
            members.enclaves.push(Member {
                slot_id,
                operator: operator(),
                enclave_account: enclave.own.account,
                url,
                tls_spki_hash: [0; 32],
                encryption_key: Some(enclave.own.encryption_key),
            });
            enclaves.push(enclave);
            ways.push(way);
        }
        Self { enclaves, ways, members }
    }

    async fn store(&self, attempt: &StoreAttempt) -> StoreReport {
        let deadline = in_twenty_seconds();
        cluster::store(&client(), &self.members, attempt, deadline).await.unwrap()
    }

    /// Makes what is held of an NFT's splitting the synced one, on all chains.
    async fn sync(&self, nft_id: NftId, split: [u8; 16]) -> Wanted {
        let version = VersionKey { nft_id, kind: KIND, version: 1 };
        let key = RecordKey { version, split };
        let mut commitments = [[0; 32]; 5];
        for (enclave, commitment) in self.enclaves.iter().zip(&mut commitments) {
            let record = enclave.context.store.record(&key).unwrap().unwrap();
            *commitment = record.commitment(GENESIS, &key);
            // Its confirmation makes newer blocks.
            in_time(async {
                while enclave.chain.confirmed(nft_id).is_none_or(|it| it.split != split) {
                    time::sleep(Duration::from_millis(10)).await;
                }
            })
            .await;
        }
        let now = self.enclaves.iter().map(|it| it.chain.finalized()).max().unwrap() + 1;
        for enclave in &self.enclaves {
            enclave.chain.sync_all(KIND, nft_id, now, commitments);
            enclave.finalize(now).await;
        }
        self.wanted(nft_id)
    }

    fn wanted(&self, nft_id: NftId) -> Wanted {
        let chain = &self.enclaves[0].chain;
        let status: KeyshareStatus = chain.get(&storage::keyshares(nft_id, KIND)).unwrap();
        Wanted {
            genesis_hash: GENESIS,
            kind: KIND,
            nft_id,
            role: RequesterType::Owner,
            synced: status.synced.unwrap(),
            finalized: self.enclaves.iter().map(|it| it.chain.finalized()).min().unwrap(),
        }
    }

    async fn retrieve(
        &self,
        wanted: &Wanted,
        key: &MediaKey,
    ) -> Result<MediaKey, cluster::NotRecovered> {
        let opens = |found: &MediaKey| found.as_bytes() == key.as_bytes();
        let deadline = in_twenty_seconds();
        cluster::retrieve(&client(), &self.members, &owner(), wanted, opens, deadline).await
    }

    /// A key whose shares are stored by bound requests, and synced.
    async fn synced(&self) -> (MediaKey, StoreAttempt, Wanted) {
        let key = MediaKey::generate().unwrap();
        let attempt = StoreAttempt::bound(&owner(), &of(NFT), &key, 100).unwrap();
        let report = self.store(&attempt).await;
        assert!(report.is_complete(), "{report}");
        let wanted = self.sync(NFT, attempt.split()).await;
        (key, attempt, wanted)
    }
}

/// Assigned to a slot, at block 100, where the owner has an NFT whose keyshares are pending.
async fn enclave_in(slot_id: u32) -> Enclave {
    let folder = tempfile::tempdir().unwrap();
    let chain = Scripted::in_slot(account_in(folder.path()).id(), slot_id);
    chain.assign(operator(), ClusterType::Public);
    chain.mint(NFT, owner().public_key().0);
    chain.finalize(100);
    let park = ParkLimits { wait: Duration::ZERO, ..Default::default() };
    let enclave = Enclave::open(folder, chain, Setup { park, ..Default::default() });
    enclave.sees(100).await;
    enclave
}

/// An enclave as the wallet knows it.
fn member(enclave: &Enclave) -> Member {
    Member {
        slot_id: enclave.chain.slot(),
        operator: operator(),
        enclave_account: enclave.own.account,
        url: String::new(),
        tls_spki_hash: [0; 32],
        encryption_key: Some(enclave.own.encryption_key),
    }
}

/// The wallet's request to store a share.
fn bound_store(enclave: &Enclave, attempt: &StoreAttempt) -> StoreKeysharePacket {
    let member = member(enclave);
    let target = attempt.target().unwrap();
    let share = &attempt.shares()[member.slot_id as usize];
    wallet_packet(attempt, target, share, &member).unwrap()
}

fn attempt_of(nft_id: NftId, block: BlockNumber) -> StoreAttempt {
    let key = MediaKey::generate().unwrap();
    StoreAttempt::bound(&owner(), &of(nft_id), &key, block).unwrap()
}

/// A request for a share, to which [`ONE_TIME`] opens the answer.
pub(super) fn bound_retrieve(
    enclave: &Enclave,
    requester: &Keypair,
    change: impl FnOnce(&mut BoundRetrieve<'_>),
) -> RetrieveKeysharePacket {
    let address = enclave.context.account.address();
    let mut data = BoundRetrieve {
        genesis_hash: GENESIS,
        kind: KIND,
        nft_id: NFT,
        enclave: address,
        role: RequesterType::Owner,
        one_time_key: sealed::public_key(&ONE_TIME).unwrap(),
        token: token(enclave.chain.finalized()),
    };
    change(&mut data);
    signed_retrieve(requester, data.role, data.to_string())
}

fn signed_retrieve(
    requester: &Keypair,
    requester_type: RequesterType,
    data: String,
) -> RetrieveKeysharePacket {
    RetrieveKeysharePacket {
        requester_address: address_of(requester),
        requester_type,
        signature: sign(requester, &data),
        data,
    }
}

/// Whether the enclave has signed an answer to the request with this hash.
fn is_own(enclave: &Enclave, request: &Hash, answer: &Answer) -> bool {
    let signed: SignedResponse = serde_json::from_value(answer.body.clone()).unwrap();
    is_signed(&enclave.own.account, request, answer.code.as_u16(), &signed)
}

#[tokio::test]
async fn a_key_is_stored_and_comes_back_by_bound_requests_over_sockets() {
    let world = World::start().await;
    let (key, attempt, wanted) = world.synced().await;
    assert_eq!(world.retrieve(&wanted, &key).await.unwrap().as_bytes(), key.as_bytes());
    for (enclave, way) in world.enclaves.iter().zip(&world.ways) {
        let request = way.requests().remove(0);
        let packet: StoreKeysharePacket = serde_json::from_slice(&request.body).unwrap();
        assert_eq!(BoundStore::parse(&packet.data).unwrap().target.split, attempt.split());
        let log = enclave.context.store.log_of(NFT, None, 10).unwrap();
        assert!(!log.is_empty());
    }
}

#[tokio::test]
async fn storing_tells_what_is_held_and_repeating_it_is_the_same_success() {
    let enclave = enclave_in(3).await;
    let attempt = attempt_of(NFT, 100);
    let packet = bound_store(&enclave, &attempt);
    let mut receipts = Vec::new();
    // The same request again, and the same attempt sealed anew.
    for packet in [packet.clone(), packet.clone(), bound_store(&enclave, &attempt)] {
        let answer = enclave.store(&packet).await;
        answer.is(200, "STORESUCCESS");
        assert!(is_own(&enclave, &packet.request_hash(), &answer));
        let receipt = STANDARD.decode(answer.body["keyshare_data"].as_str().unwrap()).unwrap();
        receipts.push(Receipt::decode_all(&mut receipt.as_slice()).unwrap());
    }
    let version = VersionKey { nft_id: NFT, kind: KIND, version: 1 };
    let held = enclave.context.store.records(&version).unwrap();
    let [(key, record)] = &held[..] else { panic!("{held:?}") };
    assert_eq!((key.split, record.is_bound, record.slot_id), (attempt.split(), true, 3));
    assert_eq!(record.share, attempt.shares()[3].as_str().as_bytes());
    for receipt in receipts {
        assert_eq!((receipt.version, receipt.split, receipt.slot_id), (1, attempt.split(), 3));
        assert_eq!(receipt.commitment, record.commitment(GENESIS, key));
        assert!(receipt.decided_at >= 100);
    }
    // Also when the version is synced meanwhile.
    let commitment = record.commitment(GENESIS, key);
    in_time(enclave.chain.batch(0)).await;
    let now = enclave.chain.finalized() + 1;
    enclave.chain.sync(NFT, now, commitment);
    enclave.finalize(now).await;
    enclave.store(&packet).await.is(200, "STORESUCCESS");
    // Another share of the same splitting is not the same request.
    let other = {
        let (target, share) = (attempt.target().unwrap(), &attempt.shares()[1]);
        wallet_packet(&attempt, target, share, &member(&enclave)).unwrap()
    };
    enclave.store(&other).await.is(403, "NOTSYNCING");
}

#[tokio::test]
async fn what_was_stored_bound_is_never_given_plain() {
    let enclave = enclave_in(SLOT).await;
    let attempt = attempt_of(NFT, 100);
    enclave.store(&bound_store(&enclave, &attempt)).await.is(200, "STORESUCCESS");
    let version = VersionKey { nft_id: NFT, kind: KIND, version: 1 };
    let key = RecordKey { version, split: attempt.split() };
    let record = enclave.context.store.record(&key).unwrap().unwrap();
    in_time(enclave.chain.batch(0)).await;
    let now = enclave.chain.finalized() + 1;
    enclave.chain.sync(NFT, now, record.commitment(GENESIS, &key));
    enclave.finalize(now).await;

    let enclave = enclave.restart().await;
    let views = |enclave: &Enclave| enclave.context.store.log_of(NFT, None, 10).unwrap().len();
    let before = views(&enclave);
    let refused = enclave.retrieve(&retrieve_packet(&owner(), NFT, now)).await;
    refused.is(403, "BOUNDONLY");
    assert!(refused.body.get("keyshare_data").is_none() && refused.body.get("signature").is_none());
    assert_eq!(views(&enclave), before, "nobody has viewed it");
    // Who may not see it is told nothing of that.
    let stranger = enclave.retrieve(&retrieve_packet(&dev::dave(), NFT, now)).await;
    stranger.is(400, "REQUESTERVERIFICATIONFAILED");

    let packet = bound_retrieve(&enclave, &owner(), |_| ());
    let given = enclave.retrieve(&packet).await;
    given.is(200, "RETRIEVESUCCESS");
    assert!(is_own(&enclave, &packet.request_hash(), &given));
    assert_eq!(views(&enclave), before + 1);
}

#[tokio::test]
async fn what_was_stored_plain_is_given_in_either_form() {
    let enclave = enclave_in(SLOT).await;
    let packet = store_packet(NFT, SHARE, 100);
    enclave.store(&packet).await.is(200, "STORESUCCESS");
    in_time(enclave.chain.batch(0)).await;
    let now = enclave.chain.finalized() + 1;
    enclave.sync(&packet, now).await;
    enclave.retrieve(&retrieve_packet(&owner(), NFT, now)).await.is(200, "RETRIEVESUCCESS");
    let asked = bound_retrieve(&enclave, &owner(), |_| ());
    let answer = enclave.retrieve(&asked).await;
    answer.is(200, "RETRIEVESUCCESS");
    let sealed = STANDARD.decode(answer.body["keyshare_data"].as_str().unwrap()).unwrap();
    let info =
        tee_primitives::packet::answer::given_info(&enclave.own.account, &asked.request_hash());
    let opened = sealed::open(&ONE_TIME, &info, &sealed).unwrap();
    let given = tee_primitives::packet::answer::GivenShare::decode_all(&mut opened.as_slice());
    let given = given.unwrap();
    assert_eq!(given.share, SHARE.as_bytes());
    let key = key_of(&packet);
    let record = enclave.context.store.record(&key).unwrap().unwrap();
    assert_eq!(given.commitment(GENESIS, NFT, KIND, false), record.commitment(GENESIS, &key));
    assert_eq!((given.split, given.slot_id), (key.split, SLOT));
}

/// The wallet wraps nothing; other signers do.
#[tokio::test]
async fn wrapped_strings_are_taken_too() {
    let enclave = enclave_in(SLOT).await;
    let signer = dev::bob();
    let target =
        Target { genesis_hash: GENESIS, kind: KIND, nft_id: NFT, version: 1, split: [4; 16] };
    let wrapped = |text: String| format!("<Bytes>{text}</Bytes>");
    let approval = Approval { target, signer: &address_of(&signer), token: token(100) };
    let signer_address = wrapped(approval.to_string());
    let address = enclave.context.account.address();
    let data = BoundStore { target, enclave: address, sealed: "", token: token(100) };
    let info = data.info(&owner().public_key().0, &signer_address);
    let sealed =
        sealed::seal(&enclave.own.encryption_key, &info, SHARE.as_bytes(), &[1; 32]).unwrap();
    let data = wrapped(BoundStore { sealed: &STANDARD.encode(sealed), ..data }.to_string());
    let packet = StoreKeysharePacket {
        owner_address: address_of(&owner()),
        signersig: sign(&owner(), &signer_address),
        signature: sign(&signer, &data),
        signer_address,
        data,
    };
    let answer = enclave.store(&packet).await;
    answer.is(200, "STORESUCCESS");
    assert!(is_own(&enclave, &packet.request_hash(), &answer));

    let asked = bound_retrieve(&enclave, &owner(), |_| ());
    let asked = signed_retrieve(&owner(), RequesterType::Owner, wrapped(asked.data));
    enclave.retrieve(&asked).await.is(403, "NOTSYNCED");
}
