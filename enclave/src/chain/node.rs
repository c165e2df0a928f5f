// SPDX-License-Identifier: Apache-2.0
//! A node's RPC: asks and decodes. Nothing that a node says is believed here or checked here; that
//! is what [`verified`](super::verified) does.

use std::{collections::HashMap, sync::OnceLock, time::Duration};

use codec::{Decode, DecodeAll, Encode};
use futures::future::BoxFuture;
use jsonrpsee_ws_client::WsClientBuilder;
use subxt::config::{substrate::H256, RpcConfigFor, SubstrateConfig};
use subxt_rpcs::{
    client::{rpc_params, RpcClient, RpcSubscription},
    methods::legacy::{Bytes, TransactionStatus},
    LegacyRpcMethods,
};
use tee_primitives::{BlockNumber, Hash};
use tokio::sync::Notify;

use super::{lie::Lie, ChainError, Header, Values};

/// Longest wait for a connection or an answer.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// Messages of a subscription that may wait. One that has more is closed: they may be large.
const MAX_WAITING: usize = 16;

/// Largest answer of a node, in bytes. Nodes' own limit is 15 MiB.
const MAX_RESPONSE: u32 = 16 * 1024 * 1024;

/// Questions that wait for answers at the same time.
const MAX_REQUESTS: usize = 256;

/// Longest text of a node that is passed on, in characters.
const MAX_TEXT: usize = 160;

type Methods = LegacyRpcMethods<RpcConfigFor<SubstrateConfig>>;

/// What becomes of a transaction, by the node's word.
pub type Statuses = RpcSubscription<TransactionStatus<H256>>;

/// Makes connections to one node.
pub trait Connect: Send + Sync + 'static {
    /// A new connection.
    fn connect(&self) -> BoxFuture<'_, Result<RpcClient, ChainError>>;
}

/// A node's WebSocket address.
#[derive(Clone)]
pub struct Url(pub String);

impl Connect for Url {
    fn connect(&self) -> BoxFuture<'_, Result<RpcClient, ChainError>> {
        Box::pin(async {
            // The client does not reconnect: after a loss all is asked anew, because the node may
            // have missed blocks or be another one.
            let client = WsClientBuilder::default()
                .connection_timeout(REQUEST_TIMEOUT)
                .request_timeout(REQUEST_TIMEOUT)
                .max_response_size(MAX_RESPONSE)
                .max_concurrent_requests(MAX_REQUESTS)
                .max_buffer_capacity_per_subscription(MAX_WAITING)
                .build(&self.0)
                .await
                .map_err(unreachable)?;
            Ok(RpcClient::new(client))
        })
    }
}

/// A connection to a node.
pub struct Node {
    client: RpcClient,
    methods: Methods,
    lie: OnceLock<Lie>,
    lied: Notify,
    left: Notify,
}

fn unreachable(error: impl std::fmt::Display) -> ChainError {
    ChainError::Unreachable(readable(&error.to_string()))
}

/// What a node says, fit for logs and answers.
pub fn readable(text: &str) -> String {
    text.chars().filter(|c| c.is_ascii_graphic() || *c == ' ').take(MAX_TEXT).collect()
}

impl Node {
    /// Over this connection.
    pub fn new(client: RpcClient) -> Self {
        let methods = Methods::new(client.clone());
        Self { client, methods, lie: OnceLock::new(), lied: Notify::new(), left: Notify::new() }
    }

    /// Notes that the node has lied.
    pub fn caught(&self, lie: Lie) {
        // The first one is told.
        let _ = self.lie.set(lie);
        self.lied.notify_one();
    }

    /// Waits until the node has lied.
    pub async fn lies(&self) -> Lie {
        loop {
            self.lied.notified().await;
            if let Some(lie) = self.lie.get() {
                return *lie;
            }
        }
    }

    /// Another node is to be tried.
    pub fn leave(&self) {
        self.left.notify_one();
    }

    /// Waits until another node is to be tried.
    pub async fn is_left(&self) {
        self.left.notified().await;
    }

    /// Hash of its first block.
    pub async fn genesis_hash(&self) -> Result<Hash, ChainError> {
        Ok(self.methods.genesis_hash().await.map_err(unreachable)?.0)
    }

    /// The number of the block that it takes for the newest final one.
    pub async fn finalized_number(&self) -> Result<BlockNumber, ChainError> {
        let hash = self.methods.chain_get_finalized_head().await.map_err(unreachable)?;
        Ok(self.header(hash.0).await?.number)
    }

    /// A header. Its hash may be another one.
    pub async fn header(&self, hash: Hash) -> Result<Header, ChainError> {
        let header = self.methods.chain_get_header(Some(H256(hash))).await.map_err(unreachable)?;
        let header = header.ok_or_else(|| unreachable("the node lacks a block's header"))?;
        Header::decode_all(&mut header.encode().as_slice())
            .map_err(|_| ChainError::Malformed("a header of another form"))
    }

    /// A justification for the last block of the set of authorities that a block belongs to, or for
    /// the newest one that the node has of the present set; `None` if it has none.
    pub async fn prove_finality(&self, number: BlockNumber) -> Result<Option<Vec<u8>>, ChainError> {
        let proof: Option<Bytes> = self
            .client
            .request("grandpa_proveFinality", rpc_params![number])
            .await
            .map_err(unreachable)?;
        // The block's hash, the justification, and headers that are not needed.
        proof
            .map(|proof| <(Hash, Vec<u8>)>::decode(&mut proof.0.as_slice()))
            .transpose()
            .map(|proof| proof.map(|(_, justification)| justification))
            .map_err(|_| ChainError::Malformed("a proof of finality of another form"))
    }

    /// Justifications, as blocks become final.
    pub async fn justifications(&self) -> Result<RpcSubscription<Bytes>, ChainError> {
        self.client
            .subscribe(
                "grandpa_subscribeJustifications",
                rpc_params![],
                "grandpa_unsubscribeJustifications",
            )
            .await
            .map_err(unreachable)
    }

    /// Numbers of new blocks.
    pub async fn best(&self) -> Result<RpcSubscription<BestHeader>, ChainError> {
        self.client
            .subscribe("chain_subscribeNewHeads", rpc_params![], "chain_unsubscribeNewHeads")
            .await
            .map_err(unreachable)
    }

    /// The nodes of the state's trie that lead to these keys, at a block.
    pub async fn read_proof(&self, at: Hash, keys: &[Vec<u8>]) -> Result<Vec<Vec<u8>>, ChainError> {
        let keys = keys.iter().map(Vec::as_slice);
        let proof = self.methods.state_get_read_proof(keys, Some(H256(at))).await;
        Ok(proof.map_err(unreachable)?.proof.into_iter().map(|node| node.0).collect())
    }

    /// What stands there in the newest block, by the node's word.
    pub async fn read_best(&self, keys: &[Vec<u8>]) -> Result<Values, ChainError> {
        let changes = self
            .methods
            .state_query_storage_at(keys.iter().map(Vec::as_slice), None)
            .await
            .map_err(unreachable)?;
        let found: HashMap<Vec<u8>, Option<Vec<u8>>> = changes
            .into_iter()
            .flat_map(|set| set.changes)
            .map(|(key, value)| (key.0, value.map(|value| value.0)))
            .collect();
        // The node names every key it was asked for, also those without a value.
        keys.iter()
            .map(|key| {
                let value = found.get(key).cloned();
                value.ok_or(ChainError::Malformed("a value that was asked for is missing"))
            })
            .collect()
    }

    /// The version of the runtime's calls.
    pub async fn transaction_version(&self) -> Result<u32, ChainError> {
        let version = self.methods.state_get_runtime_version(None).await.map_err(unreachable)?;
        Ok(version.transaction_version)
    }

    /// Hands a transaction over. An error is the node's refusal.
    pub async fn submit(&self, transaction: &[u8]) -> Result<Statuses, String> {
        let submitted = self.methods.author_submit_and_watch_extrinsic(transaction).await;
        submitted.map_err(|error| readable(&error.to_string()))
    }
}

/// Of a new block's header, what is of interest.
#[derive(Clone, Debug, serde::Deserialize)]
pub struct BestHeader {
    number: String,
}

impl BestHeader {
    /// The block's number.
    pub fn number(&self) -> Result<BlockNumber, ChainError> {
        let digits = self.number.strip_prefix("0x").unwrap_or_default();
        BlockNumber::from_str_radix(digits, 16)
            .map_err(|_| ChainError::Malformed("a block number that is not of 32 bits"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_node_says_is_bounded_and_has_no_control_characters() {
        assert_eq!(readable("Attestation::QuoteNotRecent"), "Attestation::QuoteNotRecent");
        assert_eq!(readable("a\u{1b}[2Jb\nc\u{202e}d"), "a[2Jbcd");
        assert_eq!(readable(&"x".repeat(10_000)).len(), MAX_TEXT);
    }

    #[test]
    fn block_numbers_are_of_32_bits() {
        let number = |number: &str| BestHeader { number: number.into() }.number();
        assert_eq!(number("0x10"), Ok(16));
        for wrong in ["", "16", "0x", "0x100000000", "0x-1", "0xg"] {
            assert!(number(wrong).is_err(), "{wrong}");
        }
    }
}
