// SPDX-License-Identifier: Apache-2.0
//! Client of the chain.
//!
//! | module | holds |
//! |---|---|
//! | [`block`] | reads at one block |
//! | [`attestation`] | what the chain knows of attestations |
//! | [`calls`] | the calls that wallets, operators and the committee sign |
//! | [`history`] | who confirmed what, from the blocks themselves |
//! | [`submit`] | signing and following a transaction |
//!
//! The wallet trusts the node it is connected to; enclaves do not.

use std::{future::Future, sync::Arc, time::Duration};

use subxt::{
    backend::LegacyBackend, config::RpcConfigFor, utils::H256, OnlineClient, SubstrateConfig,
};
use subxt_rpcs::{
    client::reconnecting_rpc_client::RpcClient as ReconnectingClient,
    methods::legacy::LegacyRpcMethods, RpcClient,
};
use tee_primitives::{BlockNumber, Hash};
use tokio::{
    sync::Mutex,
    time::{sleep, timeout, Instant},
};

pub mod attestation;
pub mod block;
pub mod calls;
mod error;
pub mod history;
pub mod submit;

pub use block::ChainBlock;
pub use error::ChainError;
pub use submit::{Included, WaitFor};

/// How long connecting may take.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(20);

/// How long one read may take.
pub const READ_TIMEOUT: Duration = Duration::from_secs(30);

const POLL: Duration = Duration::from_millis(200);

/// A connection to a node, which comes back by itself when it breaks. Clones share it.
#[derive(Clone, Debug)]
pub struct Chain {
    client: OnlineClient<SubstrateConfig>,
    rpc: LegacyRpcMethods<RpcConfigFor<SubstrateConfig>>,
    /// Taking an account's next nonce and submitting with it is one step.
    submitting: Arc<Mutex<()>>,
}

impl Chain {
    /// Connects to a node's WebSocket endpoint. Plain `ws:` is taken only for this machine.
    pub async fn connect(url: &str) -> Result<Self, ChainError> {
        let failed = |reason: String| ChainError::Connect { url: url.to_owned(), reason };
        let secure = subxt_rpcs::utils::url_is_secure(url);
        if !secure.map_err(|error| failed(error.to_string()))? {
            return Err(ChainError::InsecureUrl(url.to_owned()));
        }
        let connecting = async {
            let rpc = ReconnectingClient::builder()
                .request_timeout(READ_TIMEOUT)
                .build(url)
                .await
                .map_err(|error| failed(error.to_string()))?;
            let rpc = RpcClient::new(rpc);
            let backend = LegacyBackend::builder().build(rpc.clone());
            let client = OnlineClient::from_backend(Arc::new(backend))
                .await
                .map_err(|error| failed(error.to_string()))?;
            let rpc = LegacyRpcMethods::new(rpc);
            Ok(Self { client, rpc, submitting: Arc::new(Mutex::new(())) })
        };
        let no_answer = |_| failed(String::from("no answer in time"));
        timeout(CONNECT_TIMEOUT, connecting).await.map_err(no_answer)?
    }

    /// The hash of the chain's first block.
    pub fn genesis_hash(&self) -> Hash {
        self.client.genesis_hash().0
    }

    /// The chain's name, as its specification has it.
    pub async fn name(&self) -> Result<String, ChainError> {
        bounded("the chain's name", self.rpc.system_chain()).await
    }

    /// The newest finalized block.
    pub async fn finalized(&self) -> Result<ChainBlock, ChainError> {
        let block = bounded("the finalized block", self.client.at_current_block()).await?;
        ChainBlock::new(block)
    }

    /// The block with this hash.
    pub async fn block(&self, hash: Hash) -> Result<ChainBlock, ChainError> {
        ChainBlock::new(bounded("a block", self.client.at_block(H256(hash))).await?)
    }

    /// The finalized block with this number; an error if it is not finalized.
    pub async fn finalized_block(&self, number: BlockNumber) -> Result<ChainBlock, ChainError> {
        let finalized = self.finalized().await?.number();
        if number > finalized {
            return Err(ChainError::NotFinalized { number, finalized });
        }
        ChainBlock::new(bounded("a block", self.client.at_block(u64::from(number))).await?)
    }

    /// The best block, which may not be final.
    pub async fn best(&self) -> Result<ChainBlock, ChainError> {
        let hash = bounded("the best block", self.rpc.chain_get_block_hash(None)).await?;
        self.block(hash.ok_or(ChainError::Missing("a best block"))?.0).await
    }

    /// Looks at each newest finalized block until `look` finds what it looks for. Failed reads are
    /// repeated. `what` names it in the error when `limit` is over.
    pub async fn wait_for<T, Look>(
        &self,
        what: &'static str,
        limit: Duration,
        look: impl Fn(ChainBlock) -> Look,
    ) -> Result<T, ChainError>
    where
        Look: Future<Output = Result<Option<T>, ChainError>>,
    {
        let deadline = Instant::now() + limit;
        let mut seen = None;
        let mut failure = None;
        loop {
            match self.look_once(&mut seen, &look).await {
                Ok(Some(found)) => return Ok(found),
                Ok(None) => (),
                Err(error) => failure = Some(Box::new(error)),
            }
            if Instant::now() + POLL >= deadline {
                return Err(ChainError::Deadline { what, limit, failure });
            }
            sleep(POLL).await;
        }
    }

    async fn look_once<T, Look>(
        &self,
        seen: &mut Option<Hash>,
        look: &impl Fn(ChainBlock) -> Look,
    ) -> Result<Option<T>, ChainError>
    where
        Look: Future<Output = Result<Option<T>, ChainError>>,
    {
        let head = bounded("the finalized head", self.rpc.chain_get_finalized_head()).await?.0;
        if *seen == Some(head) {
            return Ok(None);
        }
        let found = look(self.block(head).await?).await?;
        *seen = Some(head);
        Ok(found)
    }
}

/// Bounds the time that one read takes.
pub(crate) async fn bounded<T, E: Into<subxt::Error>>(
    what: &'static str,
    read: impl Future<Output = Result<T, E>>,
) -> Result<T, ChainError> {
    match timeout(READ_TIMEOUT, read).await {
        Ok(read) => read.map_err(|error| ChainError::node(what, error)),
        Err(_) => Err(ChainError::Deadline { what, limit: READ_TIMEOUT, failure: None }),
    }
}
