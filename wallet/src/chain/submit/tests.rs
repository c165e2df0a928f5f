// SPDX-License-Identifier: Apache-2.0

use std::sync::{Arc, Mutex};

use codec::{Compact, Decode, Encode};
use futures::{future, stream, FutureExt, StreamExt};
use serde_json::{json, value::RawValue, Value as Json};
use subxt::{backend::LegacyBackend, dynamic::Value, ArcMetadata, Metadata, OnlineClient};
use subxt_rpcs::{
    client::{RawRpcFuture, RawRpcSubscription, RpcClientT},
    LegacyRpcMethods, RpcClient,
};
use subxt_signer::sr25519::{dev, verify, PublicKey, Signature};
use tee_runtime::Runtime;

use super::*;

const GENESIS: H256 = H256([0; 32]);
const FINALIZED: H256 = H256([1; 32]);
const BEST: H256 = H256([2; 32]);

const TRANSACTION_VERSION: u32 = 1;

/// The version of the finalized block's runtime.
const OLD: u32 = 1;

/// The version that a best block may have.
const NEW: u32 = 2;

/// What the node does with a transaction, and the best block's version from then on.
#[derive(Clone, Copy)]
struct Step {
    answer: Answer,
    version: u32,
}

#[derive(Clone, Copy)]
enum Answer {
    Refused(&'static str),
    Status(&'static str),
}

/// A node that answers each submission by the next step, or the last one again.
struct Node {
    steps: Vec<Step>,
    state: Mutex<State>,
}

struct State {
    version: u32,
    submitted: Vec<Vec<u8>>,
}

impl Node {
    fn answer(&self, method: &str, params: &Json) -> Json {
        let state = self.state.lock().unwrap();
        let hash = params.as_array().and_then(|params| params.last()).cloned();
        match method {
            "system_accountNextIndex" => json!(7 + state.submitted.len()),
            "chain_getFinalizedHead" => json!(FINALIZED),
            "chain_getBlockHash" => json!(BEST),
            "chain_getHeader" => json!({
                "parentHash": GENESIS,
                "number": if hash == Some(json!(BEST)) { "0x3" } else { "0x2" },
                "stateRoot": GENESIS,
                "extrinsicsRoot": GENESIS,
                "digest": { "logs": [] },
            }),
            "state_call" => {
                let version = if hash == Some(json!(BEST)) { state.version } else { OLD };
                let apis = Vec::<([u8; 8], u32)>::new();
                let version = ("tee", "tee", 1u32, version, 1u32, apis, TRANSACTION_VERSION);
                json!(format!("0x{}", hex::encode(version.encode())))
            }
            _ => panic!("{method} was not expected"),
        }
    }

    fn submitted(&self, params: &Json) -> Answer {
        let mut state = self.state.lock().unwrap();
        let transaction = params[0].as_str().unwrap().trim_start_matches("0x");
        let step = self.steps[state.submitted.len().min(self.steps.len() - 1)];
        state.submitted.push(hex::decode(transaction).unwrap());
        state.version = step.version;
        step.answer
    }
}

fn json_of(params: Option<&RawValue>) -> Json {
    params.map_or(Json::Null, |params| serde_json::from_str(params.get()).unwrap())
}

fn raw(value: &Json) -> Box<RawValue> {
    serde_json::value::to_raw_value(value).unwrap()
}

struct Connection(Arc<Node>);

impl RpcClientT for Connection {
    fn request_raw<'a>(
        &'a self,
        method: &'a str,
        params: Option<Box<RawValue>>,
    ) -> RawRpcFuture<'a, Box<RawValue>> {
        future::ready(Ok(raw(&self.0.answer(method, &json_of(params.as_deref()))))).boxed()
    }

    fn subscribe_raw<'a>(
        &'a self,
        subscription: &'a str,
        params: Option<Box<RawValue>>,
        _: &'a str,
    ) -> RawRpcFuture<'a, RawRpcSubscription> {
        assert_eq!(subscription, "author_submitAndWatchExtrinsic");
        future::ready(match self.0.submitted(&json_of(params.as_deref())) {
            Answer::Refused(why) => Err(subxt_rpcs::Error::User(answer(1010, why))),
            Answer::Status(status) => Ok(RawRpcSubscription {
                stream: stream::iter([Ok(raw(&json!(status)))]).boxed(),
                id: None,
            }),
        })
        .boxed()
    }
}

fn metadata() -> ArcMetadata {
    let encoded = Runtime::metadata().encode();
    ArcMetadata::from(Metadata::decode(&mut encoded.as_slice()).unwrap())
}

fn remark() -> Call {
    calls::call("System", "remark", [Value::from_bytes("hello")])
}

/// A transaction that was submitted: the version that it was signed for, and its nonce.
fn signed(mut transaction: &[u8]) -> (u32, u64) {
    let mut take = |length: usize| transaction.split_off(..length).unwrap().to_vec();
    let length = [2, 1][usize::from(take(1)[0] & 0b11 == 0)];
    take(length - 1);
    assert_eq!(take(2), [0x84, 0], "a signed transaction of an account");
    let account = PublicKey(take(32).try_into().unwrap());
    assert_eq!(take(1), [1], "an sr25519 signature");
    let signature = Signature(take(64).try_into().unwrap());
    // Mortality, nonce and tip; then the call, `System.remark("hello")`.
    let [extensions, call] = [4, 8].map(take);
    assert!(transaction.is_empty());
    let nonce = Compact::<u64>::decode(&mut &extensions[2..]).unwrap().0;
    let is_signed_for = |version: &u32| {
        let rest = (version, TRANSACTION_VERSION, GENESIS, FINALIZED).encode();
        verify(&signature, [call.clone(), extensions.clone(), rest].concat(), &account)
    };
    ([OLD, NEW].into_iter().find(is_signed_for).unwrap(), nonce)
}

/// Submits a call to a node; what came of it, and what the node got.
async fn submit(
    version: u32,
    steps: impl IntoIterator<Item = (Answer, u32)>,
) -> (ChainError, Vec<(u32, u64)>) {
    let steps = steps.into_iter().map(|(answer, version)| Step { answer, version }).collect();
    let state = Mutex::new(State { version, submitted: Vec::new() });
    let node = Arc::new(Node { steps, state });
    let rpc = RpcClient::new(Connection(node.clone()));
    let config = SubstrateConfig::builder()
        .set_genesis_hash(GENESIS)
        .set_metadata_for_spec_versions([OLD, NEW].map(|version| (version, metadata())))
        .build();
    let backend = Arc::new(LegacyBackend::builder().build(rpc.clone()));
    let client = OnlineClient::from_backend_with_config(config, backend).await.unwrap();
    let chain = Chain { client, rpc: LegacyRpcMethods::new(rpc), submitting: Arc::default() };
    let limit = Duration::from_secs(60);
    let error = chain.submit(&remark(), &dev::alice(), WaitFor::Inclusion, limit).await;
    let submitted = node.state.lock().unwrap().submitted.iter().map(|sent| signed(sent)).collect();
    (error.unwrap_err(), submitted)
}

const BAD_PROOF: Answer = Answer::Refused("Transaction has a bad signature");
const STALE: Answer = Answer::Refused("Transaction is outdated");
const INVALID: Answer = Answer::Status("invalid");
const DROPPED: Answer = Answer::Status("dropped");

#[tokio::test]
async fn a_call_is_signed_for_the_runtime_of_the_best_block() {
    let (error, submitted) = submit(NEW, [(DROPPED, NEW)]).await;
    assert!(matches!(error, ChainError::Unknown { .. }), "{error}");
    assert_eq!(submitted, [(NEW, 7)]);
}

#[tokio::test]
async fn a_call_that_an_upgrade_made_invalid_is_signed_anew_with_its_nonce() {
    let (error, submitted) = submit(OLD, [(INVALID, NEW), (DROPPED, NEW)]).await;
    assert!(matches!(error, ChainError::Unknown { .. }), "{error}");
    assert_eq!(submitted, [(OLD, 7), (NEW, 7)]);
}

#[tokio::test]
async fn a_call_that_an_upgrade_made_be_refused_is_signed_anew() {
    let (error, submitted) = submit(OLD, [(BAD_PROOF, NEW), (DROPPED, NEW)]).await;
    assert!(matches!(error, ChainError::Unknown { .. }), "{error}");
    // Refused, it has used no nonce: the node names the next one.
    assert_eq!(submitted, [(OLD, 7), (NEW, 8)]);
}

#[tokio::test]
async fn without_an_upgrade_an_invalid_call_is_signed_once() {
    let (error, submitted) = submit(OLD, [(INVALID, OLD)]).await;
    assert!(matches!(error, ChainError::Unknown { .. }), "{error}");
    assert_eq!(submitted.len(), 1);
    let (error, submitted) = submit(OLD, [(BAD_PROOF, OLD)]).await;
    assert!(matches!(error, ChainError::Rejected { .. }), "{error}");
    assert_eq!(submitted.len(), 1);
}

#[tokio::test]
async fn a_call_whose_kept_nonce_is_taken_may_have_been_included() {
    let (error, submitted) = submit(OLD, [(INVALID, NEW), (STALE, NEW)]).await;
    assert!(matches!(error, ChainError::Unknown { .. }), "{error}");
    assert_eq!(submitted, [(OLD, 7), (NEW, 7)]);
}

#[tokio::test]
async fn a_call_is_not_signed_anew_for_ever() {
    for answer in [INVALID, BAD_PROOF] {
        let (_, submitted) = submit(OLD, [(answer, NEW)]).await;
        assert_eq!(submitted.len(), ATTEMPTS as usize);
    }
}

fn answer(code: i32, data: &str) -> UserError {
    let data = serde_json::value::to_raw_value(data).unwrap();
    UserError { code, message: String::from("Invalid Transaction"), data: Some(data) }
}

#[test]
fn a_taken_nonce_is_told_from_other_refusals() {
    let again = |code, data| Refusal::of_answer(&answer(code, data)).unwrap().nonce_was_taken();
    assert!(again(1010, "Transaction is outdated"));
    assert!(again(1014, "The transaction has too low priority to replace another"));
    assert!(!again(1010, "Inability to pay some fees"));
    assert!(!again(1016, "The transaction couldn't enter the pool because of the limit"));
}

#[test]
fn a_refusal_says_what_the_node_says() {
    let refusal = Refusal::of_answer(&answer(1010, "Inability to pay some fees")).unwrap();
    assert_eq!(refusal.reason, "Invalid Transaction: Inability to pay some fees");
}

#[test]
fn a_transaction_that_the_node_may_have_is_not_reported_as_rejected() {
    for code in [1012, 1013] {
        assert!(Refusal::of_answer(&answer(code, "")).is_none());
    }
    let lost = subxt_rpcs::Error::DisconnectedWillReconnect(String::new());
    let lost = ExtrinsicError::ErrorSubmittingTransaction(lost.into());
    assert!(Refusal::of(&ChainError::node("", lost)).is_none());
    let refused = subxt_rpcs::Error::User(answer(1010, "Transaction is outdated"));
    let refused = ExtrinsicError::ErrorSubmittingTransaction(refused.into());
    assert!(Refusal::of(&ChainError::node("", refused)).is_some());
}
