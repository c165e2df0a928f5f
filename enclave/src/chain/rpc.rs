// SPDX-License-Identifier: Apache-2.0
//! The chain over the RPC of a node.
//!
//! One task owns the connection. When it breaks, or no block comes for `SILENCE`, the task
//! drops it and tries the next node, at growing intervals. Reads and submissions use whatever
//! connection there is and fail at once where there is none.

use std::{collections::HashMap, iter, sync::Arc, time::Duration};

use codec::Encode;
use futures::{future::BoxFuture, FutureExt};
use sp_crypto_hashing::blake2_256;
use subxt::{
    backend::LegacyBackend,
    config::{
        substrate::{SubstrateHeader, H256},
        DefaultExtrinsicParamsBuilder, RpcConfigFor, SubstrateConfig,
    },
    error::TransactionEventsError,
    OnlineClient,
};
use subxt_rpcs::{
    client::{reconnecting_rpc_client::RpcClient as WsClient, RpcClient},
    LegacyRpcMethods,
};
use subxt_signer::sr25519::Keypair;
use tee_primitives::{BlockNumber, Hash};
use tokio::{sync::watch, task::JoinHandle, time};

use super::{At, Chain, ChainError, ChainInfo, Head, Heads, Included, SubmitError, Values};

/// Longest wait for a connection or an answer.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// After so long without a new block the node is taken for dead.
const SILENCE: Duration = Duration::from_secs(60);

/// Waits between attempts to connect: doubled from the first to the last.
const FIRST_RETRY: Duration = Duration::from_millis(250);
const LAST_RETRY: Duration = Duration::from_secs(15);

/// Largest answer of a node, in bytes. The largest that is asked for is the chain's metadata.
const MAX_RESPONSE: u32 = 16 * 1024 * 1024;

/// For how many blocks a transaction can be included.
const ERA_BLOCKS: u64 = 64;

/// Longest text of a node that is passed on, in characters.
const MAX_TEXT: usize = 160;

/// Longest wait until a transaction is finalized.
const FINALITY_TIMEOUT: Duration = Duration::from_secs(120);

type Methods = LegacyRpcMethods<RpcConfigFor<SubstrateConfig>>;
type Header = SubstrateHeader<H256>;

struct Connection {
    methods: Methods,
    client: OnlineClient<SubstrateConfig>,
}

/// The chain over the RPC of a node.
pub struct RpcChain {
    connection: watch::Receiver<Option<Arc<Connection>>>,
    heads: watch::Receiver<Option<Heads>>,
    signer: Keypair,
}

impl RpcChain {
    /// Starts the task that keeps a connection to one of the nodes at `urls`. It ends when it is
    /// aborted.
    pub fn start(urls: Vec<String>, signer: Keypair) -> (Self, JoinHandle<()>) {
        let (connection_sender, connection) = watch::channel(None);
        let (heads_sender, heads) = watch::channel(None);
        let task = tokio::spawn(async move {
            let mut retry = FIRST_RETRY;
            // URLs can contain credentials: logs name nodes by their place in the list.
            for (node, url) in (1usize..).zip(&urls).cycle() {
                let before = finalized(&heads_sender);
                let reason = session(node, url, &connection_sender, &heads_sender).await;
                connection_sender.send_replace(None);
                if finalized(&heads_sender) > before {
                    retry = FIRST_RETRY;
                }
                tracing::warn!(node, %reason, "no connection to the chain");
                time::sleep(retry).await;
                retry = (retry * 2).min(LAST_RETRY);
            }
        });
        (Self { connection, heads, signer }, task)
    }

    fn connection(&self) -> Result<Arc<Connection>, ChainError> {
        self.connection
            .borrow()
            .clone()
            .ok_or_else(|| ChainError::Unreachable("there is no connection to a node".into()))
    }
}

fn finalized(heads: &watch::Sender<Option<Heads>>) -> Option<BlockNumber> {
    heads.borrow().as_ref().map(|heads| heads.finalized.number)
}

fn unreachable(error: impl std::fmt::Display) -> ChainError {
    ChainError::Unreachable(error.to_string())
}

/// Connects to a node and tells its heads until something goes wrong, which is returned.
async fn session(
    node: usize,
    url: &str,
    connection: &watch::Sender<Option<Arc<Connection>>>,
    heads: &watch::Sender<Option<Heads>>,
) -> ChainError {
    match follow(node, url, connection, heads).await {
        Ok(never) => match never {},
        Err(error) => error,
    }
}

async fn follow(
    node: usize,
    url: &str,
    connection: &watch::Sender<Option<Arc<Connection>>>,
    heads: &watch::Sender<Option<Heads>>,
) -> Result<std::convert::Infallible, ChainError> {
    // The client does not reconnect by itself: after a loss this task starts over, because the
    // node may have missed blocks or be another one.
    let client = WsClient::builder()
        .connection_timeout(REQUEST_TIMEOUT)
        .request_timeout(REQUEST_TIMEOUT)
        .max_response_size(MAX_RESPONSE)
        .retry_policy(iter::empty::<Duration>())
        .build(url)
        .await
        .map_err(unreachable)?;
    let client = RpcClient::new(client);
    let methods = Methods::new(client.clone());
    let genesis_hash = methods.genesis_hash().await.map_err(unreachable)?.0;
    let chain = Arc::new(ChainInfo {
        name: methods.system_chain().await.map_err(unreachable)?,
        genesis_hash,
    });
    let mut finalized = methods.chain_subscribe_finalized_heads().await.map_err(unreachable)?;
    let mut best = methods.chain_subscribe_new_heads().await.map_err(unreachable)?;
    let client = OnlineClient::from_backend(Arc::new(LegacyBackend::builder().build(client)))
        .await
        .map_err(unreachable)?;
    connection.send_replace(Some(Arc::new(Connection { methods, client })));
    tracing::info!(node, chain = chain.name, "connected to the chain");

    loop {
        let (header, is_final) = time::timeout(SILENCE, async {
            tokio::select! {
                header = finalized.next() => (header, true),
                header = best.next() => (header, false),
            }
        })
        .await
        .map_err(|_| unreachable("the node tells no new blocks"))?;
        let header =
            header.ok_or_else(|| unreachable("the connection was lost"))?.map_err(unreachable)?;
        tell(heads, &chain, &header, is_final)?;
    }
}

/// Publishes a head. What would take finality back on the same chain is not published.
fn tell(
    heads: &watch::Sender<Option<Heads>>,
    chain: &Arc<ChainInfo>,
    header: &Header,
    is_final: bool,
) -> Result<(), ChainError> {
    let number = BlockNumber::try_from(header.number)
        .map_err(|_| ChainError::Malformed("a block number above 32 bits"))?;
    let head = Head { number, hash: blake2_256(&header.encode()) };
    heads.send_if_modified(|current| match current {
        None if !is_final => false,
        None => {
            *current = Some(Heads { chain: chain.clone(), finalized: head, best: number });
            true
        }
        Some(current) if current.chain.genesis_hash != chain.genesis_hash => {
            if is_final {
                *current = Heads { chain: chain.clone(), finalized: head, best: number };
            }
            is_final
        }
        Some(current) if is_final && number > current.finalized.number => {
            current.finalized = head;
            current.best = current.best.max(number);
            true
        }
        Some(current) if !is_final && number != current.best => {
            current.best = number.max(current.finalized.number);
            true
        }
        Some(_) => false,
    });
    Ok(())
}

async fn read(connection: &Connection, at: At, keys: &[Vec<u8>]) -> Result<Values, ChainError> {
    let at = match at {
        At::Finalized(hash) => Some(H256(hash)),
        At::Best => None,
    };
    let changes = connection
        .methods
        .state_query_storage_at(keys.iter().map(Vec::as_slice), at)
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
            found
                .get(key)
                .cloned()
                .ok_or(ChainError::Malformed("a value that was asked for is missing"))
        })
        .collect()
}

async fn submit(
    connection: &Connection,
    signer: &Keypair,
    call: &[u8],
    at: Head,
    genesis_hash: Hash,
) -> Result<Included, SubmitError> {
    if connection.client.genesis_hash().0 != genesis_hash {
        return Err(ChainError::Malformed("the node is on another chain").into());
    }
    let at = connection.client.at_block(H256(at.hash)).await.map_err(unreachable)?;
    let mut transactions = at.transactions();
    // The library encodes calls by the node's metadata. Decoding our bytes by it and encoding them
    // again yields the same bytes only if both mean the same call.
    let payload = transactions.from_call_data_bytes(call).map_err(|_| SubmitError::AnotherCall)?;
    match transactions.call_data(&payload) {
        Ok(encoded) if encoded == call => (),
        _ => return Err(SubmitError::AnotherCall),
    }
    let params = DefaultExtrinsicParamsBuilder::<SubstrateConfig>::new().mortal(ERA_BLOCKS).build();
    let progress =
        transactions.sign_and_submit_then_watch(&payload, signer, params).await.map_err(refused)?;
    let included = time::timeout(FINALITY_TIMEOUT, progress.wait_for_finalized())
        .await
        .map_err(|_| SubmitError::Timeout)?
        .map_err(refused)?;
    let hash = included.block_hash();
    let header = connection
        .methods
        .chain_get_header(Some(hash))
        .await
        .map_err(unreachable)?
        .ok_or(ChainError::Malformed("a finalized block without a header"))?;
    let number = BlockNumber::try_from(header.number)
        .map_err(|_| ChainError::Malformed("a block number above 32 bits"))?;
    let failure = match included.wait_for_success().await {
        Err(TransactionEventsError::ExtrinsicFailed(error)) => Some(readable(&error.to_string())),
        // What cannot be told is not a failure: the state shows it.
        Ok(_) | Err(_) => None,
    };
    Ok(Included { block: Head { number, hash: hash.0 }, failure })
}

fn refused(error: impl std::fmt::Display) -> SubmitError {
    SubmitError::Refused(readable(&error.to_string()))
}

/// What a node says, fit for logs and answers.
fn readable(text: &str) -> String {
    text.chars().filter(|c| c.is_ascii_graphic() || *c == ' ').take(MAX_TEXT).collect()
}

impl Chain for RpcChain {
    fn heads(&self) -> watch::Receiver<Option<Heads>> {
        self.heads.clone()
    }

    fn is_reachable(&self) -> bool {
        self.connection.borrow().is_some()
    }

    fn read(&self, at: At, keys: Vec<Vec<u8>>) -> BoxFuture<'_, Result<Values, ChainError>> {
        async move { read(&*self.connection()?, at, &keys).await }.boxed()
    }

    fn submit(
        &self,
        call: Vec<u8>,
        at: Head,
        genesis_hash: Hash,
    ) -> BoxFuture<'_, Result<Included, SubmitError>> {
        async move { submit(&*self.connection()?, &self.signer, &call, at, genesis_hash).await }
            .boxed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use subxt::config::substrate::Digest;

    fn header(number: u64) -> Header {
        Header {
            parent_hash: H256::zero(),
            number,
            state_root: H256::zero(),
            extrinsics_root: H256::zero(),
            digest: Digest::default(),
        }
    }

    #[test]
    fn finality_never_goes_back() {
        let (heads, _receiver) = watch::channel::<Option<Heads>>(None);
        let chain = Arc::new(ChainInfo { name: "chain".into(), genesis_hash: [1; 32] });
        let state = || heads.borrow().as_ref().map(|heads| (heads.finalized.number, heads.best));
        tell(&heads, &chain, &header(7), false).unwrap();
        assert_eq!(state(), None);
        tell(&heads, &chain, &header(5), true).unwrap();
        assert_eq!(state(), Some((5, 5)));
        tell(&heads, &chain, &header(8), false).unwrap();
        assert_eq!(state(), Some((5, 8)));
        tell(&heads, &chain, &header(4), true).unwrap();
        assert_eq!(state(), Some((5, 8)));
        tell(&heads, &chain, &header(3), false).unwrap();
        assert_eq!(state(), Some((5, 5)));
        tell(&heads, &chain, &header(9), true).unwrap();
        assert_eq!(state(), Some((9, 9)));
        assert!(tell(&heads, &chain, &header(1 << 32), true).is_err());
        assert_eq!(state(), Some((9, 9)));
    }

    #[test]
    fn what_a_node_says_is_bounded_and_has_no_control_characters() {
        assert_eq!(readable("Attestation::QuoteNotRecent"), "Attestation::QuoteNotRecent");
        assert_eq!(readable("a\u{1b}[2Jb\nc\u{202e}d"), "a[2Jbcd");
        assert_eq!(readable(&"x".repeat(10_000)).len(), MAX_TEXT);
    }

    #[tokio::test]
    async fn without_a_node_everything_fails_at_once() {
        // Port 1 is privileged and nothing listens there.
        let (chain, task) =
            RpcChain::start(vec!["ws://127.0.0.1:1".into()], subxt_signer::sr25519::dev::alice());
        let head = Head { number: 1, hash: [0; 32] };
        assert!(!chain.is_reachable());
        assert!(matches!(chain.read(At::Best, vec![]).await, Err(ChainError::Unreachable(_))));
        assert!(matches!(
            chain.submit(vec![], head, [0; 32]).await,
            Err(SubmitError::Chain(ChainError::Unreachable(_)))
        ));
        assert_eq!(*chain.heads().borrow(), None);
        task.abort();
    }
}
