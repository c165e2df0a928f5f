// SPDX-License-Identifier: Apache-2.0
//! A node for tests: honest about a made-up chain, unless it is told to lie.

use std::{
    collections::BTreeMap,
    sync::{
        atomic::{AtomicUsize, Ordering},
        Arc, Mutex,
    },
};

use codec::{Compact, Encode};
use futures::{future::BoxFuture, stream};
use serde_json::{json, value::RawValue, Value};
use sp_core::{storage::StateVersion, H256};
use sp_runtime::traits::{BlakeTwo256, Header as _};
use sp_state_machine::{prove_read, Backend, InMemoryBackend};
use subxt_rpcs::{
    client::{RawRpcFuture, RawRpcSubscription, RpcClient, RpcClientT},
    Error,
};
use tee_primitives::{abi::storage::last_runtime_upgrade, Hash};
use tokio::sync::broadcast;

use super::super::{
    finality::{
        tests::{change, on, Voters},
        Finality,
    },
    node::Connect,
    spec::Genesis,
    ChainError, ChainInfo, Head, Header,
};

pub(super) type Storage = BTreeMap<Vec<u8>, Vec<u8>>;

/// Changes what a method answers: its name, its parameters, the true answer.
type Lying = Box<dyn Fn(&str, &Value, Value) -> Result<Value, String> + Send>;

struct Block {
    header: Header,
    storage: Storage,
    voters: Voters,
}

struct State {
    blocks: Vec<Block>,
    storage: Storage,
    voters: Voters,
    lying: Option<Lying>,
    submitted: Vec<Vec<u8>>,
}

/// A node, which any number of connections can be made to.
pub(super) struct Fake {
    genesis: Genesis,
    state: Mutex<State>,
    justifications: broadcast::Sender<Value>,
    heads: broadcast::Sender<Value>,
    pub(super) connections: AtomicUsize,
}

fn backend(storage: &Storage) -> InMemoryBackend<BlakeTwo256> {
    let pairs = storage.iter().map(|(key, value)| (key.clone(), Some(value.clone())));
    InMemoryBackend::from((vec![(None, pairs.collect())], StateVersion::V1))
}

fn root(storage: &Storage) -> H256 {
    backend(storage).storage_root(std::iter::empty(), StateVersion::V1).0
}

fn hex(bytes: &[u8]) -> Value {
    json!(format!("0x{}", hex::encode(bytes)))
}

fn bytes(value: &Value) -> Vec<u8> {
    hex::decode(value.as_str().unwrap().trim_start_matches("0x")).unwrap()
}

impl Fake {
    /// At its first block.
    pub(super) fn new() -> Arc<Self> {
        Self::with(Voters::new(0..4, 0), Storage::from([(b"same".to_vec(), b"old".to_vec())]))
    }

    pub(super) fn with(voters: Voters, mut storage: Storage) -> Arc<Self> {
        storage.insert(last_runtime_upgrade(), (Compact(1u32), "fake").encode());
        let state_root = root(&storage);
        let header =
            Header::new(0, Default::default(), state_root, Default::default(), Default::default());
        let genesis = Genesis {
            name: "Fake".into(),
            hash: header.hash().0,
            state_root: state_root.0,
            authorities: voters.list(),
        };
        let first = Block { header, storage: storage.clone(), voters: voters.clone() };
        let state =
            State { blocks: vec![first], storage, voters, lying: None, submitted: Vec::new() };
        Arc::new(Self {
            genesis,
            state: Mutex::new(state),
            justifications: broadcast::Sender::new(64),
            heads: broadcast::Sender::new(64),
            connections: AtomicUsize::new(0),
        })
    }

    pub(super) fn info(&self) -> ChainInfo {
        ChainInfo { name: self.genesis.name.clone(), genesis_hash: self.genesis.hash }
    }

    pub(super) fn finality(&self) -> Finality {
        Finality::at_genesis(&self.genesis)
    }

    pub(super) fn set(&self, key: &[u8], value: &[u8]) {
        self.state.lock().unwrap().storage.insert(key.to_vec(), value.to_vec());
    }

    /// Authors and finalizes so many blocks; tells the last one.
    pub(super) fn finalize(&self, blocks: usize) -> Head {
        for _ in 0..blocks {
            self.author(None);
        }
        self.tell()
    }

    /// Authors blocks that the node says are final, and tells nobody.
    pub(super) fn keep_back(&self, blocks: usize) -> Head {
        for _ in 0..blocks {
            self.author(None);
        }
        let state = self.state.lock().unwrap();
        let header = &state.blocks.last().unwrap().header;
        Head { number: *header.number(), hash: header.hash().0 }
    }

    /// Authors and finalizes a block after which others finalize.
    pub(super) fn hand_over(&self, next: Voters) -> Head {
        self.author(Some(next));
        self.tell()
    }

    fn author(&self, next: Option<Voters>) {
        let mut state = self.state.lock().unwrap();
        let parent = state.blocks.last().unwrap().header.clone();
        let logs: Vec<_> = next.iter().map(change).collect();
        let mut header = on(parent.hash(), parent.number() + 1, &logs);
        header.set_state_root(root(&state.storage));
        let (storage, voters) = (state.storage.clone(), state.voters.clone());
        state.blocks.push(Block { header, storage, voters });
        if let Some(next) = next {
            state.voters = next;
        }
    }

    fn tell(&self) -> Head {
        let (number, hash, justification, header) = {
            let state = self.state.lock().unwrap();
            let block = state.blocks.last().unwrap();
            let justification = block.voters.justify(&block.header, 3);
            let header = serde_json::to_value(&block.header).unwrap();
            (*block.header.number(), block.header.hash().0, justification, header)
        };
        let _ = self.heads.send(header);
        let _ = self.justifications.send(hex(&justification));
        Head { number, hash }
    }

    /// Sends this justification to whoever listens.
    pub(super) fn send_justification(&self, justification: &[u8]) {
        let _ = self.justifications.send(hex(justification));
    }

    /// The newest block's justification by other voters.
    pub(super) fn justified_by(&self, voters: &Voters, votes: usize) -> Vec<u8> {
        voters.justify(&self.state.lock().unwrap().blocks.last().unwrap().header, votes)
    }

    pub(super) fn lie(
        &self,
        lying: impl Fn(&str, &Value, Value) -> Result<Value, String> + Send + 'static,
    ) {
        self.state.lock().unwrap().lying = Some(Box::new(lying));
    }

    pub(super) fn be_honest(&self) {
        self.state.lock().unwrap().lying = None;
    }

    pub(super) fn submitted(&self) -> Vec<Vec<u8>> {
        self.state.lock().unwrap().submitted.clone()
    }

    fn answer(&self, method: &str, params: &Value) -> Result<Value, String> {
        let mut state = self.state.lock().unwrap();
        let honest = state.answer(&self.genesis.hash, method, params)?;
        match &state.lying {
            Some(lying) => lying(method, params, honest),
            None => Ok(honest),
        }
    }
}

impl State {
    fn block(&self, hash: &Value) -> Result<&Block, String> {
        let hash = bytes(hash);
        let block = self.blocks.iter().find(|block| block.header.hash().0 == hash[..]);
        block.ok_or_else(|| "unknown block".into())
    }

    fn answer(&mut self, genesis: &Hash, method: &str, params: &Value) -> Result<Value, String> {
        let last = self.blocks.last().unwrap();
        Ok(match method {
            "chain_getBlockHash" => hex(genesis),
            "chain_getFinalizedHead" => hex(&last.header.hash().0),
            "chain_getHeader" => serde_json::to_value(&self.block(&params[0])?.header).unwrap(),
            "grandpa_proveFinality" => {
                let number = params[0].as_u64().unwrap() as usize;
                let asked = self.blocks.get(number).ok_or("not finalized")?;
                let set = asked.voters.set_id;
                let of_set = |block: &&Block| block.voters.set_id == set;
                let proven = self.blocks.iter().rev().find(of_set).unwrap();
                let between = *proven.header.number() as usize - number;
                if between > 20_000 {
                    return Err("Response is too big".into());
                }
                let justification = proven.voters.justify(&proven.header, 4);
                hex(&(proven.header.hash(), justification, Vec::<Header>::new()).encode())
            }
            "state_getReadProof" => {
                let keys: Vec<_> = params[0].as_array().unwrap().iter().map(bytes).collect();
                let proof = prove_read(backend(&self.block(&params[1])?.storage), keys).unwrap();
                let nodes: Vec<_> = proof.into_iter_nodes().map(|node| hex(&node)).collect();
                json!({ "at": params[1], "proof": nodes })
            }
            "state_queryStorageAt" => {
                let keys = params[0].as_array().unwrap().iter();
                let value = |key: &Value| last.storage.get(&bytes(key)).map(|value| hex(value));
                let changes: Vec<_> = keys.map(|key| json!([key, value(key)])).collect();
                json!([{ "block": hex(&last.header.hash().0), "changes": changes }])
            }
            "state_getRuntimeVersion" => json!({ "specVersion": 1, "transactionVersion": 1 }),
            "author_submitAndWatchExtrinsic" => {
                self.submitted.push(bytes(&params[0]));
                json!("ready")
            }
            other => return Err(format!("no method {other}")),
        })
    }
}

/// A connection.
struct Connection(Arc<Fake>);

fn params(raw: Option<Box<RawValue>>) -> Value {
    raw.map_or(Value::Null, |raw| serde_json::from_str(raw.get()).unwrap())
}

fn raw(value: &Value) -> Box<RawValue> {
    serde_json::value::to_raw_value(value).unwrap()
}

fn refusal(text: String) -> Error {
    Error::Client(text.into())
}

impl RpcClientT for Connection {
    fn request_raw<'a>(
        &'a self,
        method: &'a str,
        raw_params: Option<Box<RawValue>>,
    ) -> RawRpcFuture<'a, Box<RawValue>> {
        Box::pin(async move {
            let answer = self.0.answer(method, &params(raw_params)).map_err(refusal)?;
            Ok(raw(&answer))
        })
    }

    fn subscribe_raw<'a>(
        &'a self,
        method: &'a str,
        raw_params: Option<Box<RawValue>>,
        _: &'a str,
    ) -> RawRpcFuture<'a, RawRpcSubscription> {
        Box::pin(async move {
            let items = match method {
                "grandpa_subscribeJustifications" => self.0.justifications.subscribe(),
                "chain_subscribeNewHeads" => self.0.heads.subscribe(),
                _ => {
                    let first = self.0.answer(method, &params(raw_params)).map_err(refusal)?;
                    let stream = Box::pin(stream::iter([Ok(raw(&first))]));
                    return Ok(RawRpcSubscription { stream, id: None });
                }
            };
            let stream = stream::unfold(items, |mut items| async {
                let item = items.recv().await.ok()?;
                Some((Ok(raw(&item)), items))
            });
            Ok(RawRpcSubscription { stream: Box::pin(stream), id: None })
        })
    }
}

/// A way to a node that can be cut.
pub(super) struct Way(pub(super) Arc<Fake>);

impl Connect for Way {
    fn connect(&self) -> BoxFuture<'_, Result<RpcClient, ChainError>> {
        Box::pin(async {
            self.0.connections.fetch_add(1, Ordering::SeqCst);
            Ok(RpcClient::new(Connection(self.0.clone())))
        })
    }
}
