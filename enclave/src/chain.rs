// SPDX-License-Identifier: Apache-2.0
//! The chain, as the enclave needs it: its heads, its storage at a block, and one way to act on it.
//!
//! | module | holds |
//! |---|---|
//! | [`spec`] | which chain it is: its first block and first authorities, from a trusted file |
//! | [`finality`] | which blocks are final: justifications, and the sets of authorities that sign them |
//! | [`proof`] | values of a final block's state |
//! | [`node`] | a node's RPC; nothing it says is believed |
//! | [`lie`] | what a node can say that is not so |
//! | [`verified`] | all of it together: the implementation over nodes that are not trusted |
//! | [`cache`] | what was read lately, refreshed at each final block |
//! | [`facts`] | what the chain stores, decoded |
//!
//! A failure to read is an error, never the answer "there is nothing".
//!
//! **Who is trusted.** Two thirds of the authorities of each set, beginning with those in the
//! specification; what they have made final is the chain. A node can keep news back, and no more:
//! whoever is told nothing new for too long stops serving (see [`view`](crate::view)).

use std::sync::Arc;

use futures::future::BoxFuture;
use tee_primitives::{BlockNumber, Hash};
use tokio::sync::watch;

pub mod cache;
pub mod facts;
pub mod finality;
pub mod lie;
pub mod node;
pub mod proof;
#[cfg(test)]
pub(crate) mod scripted;
pub mod spec;
pub mod verified;

pub use sp_runtime::traits::BlakeTwo256;

/// A block's header.
pub type Header = sp_runtime::generic::Header<BlockNumber, BlakeTwo256>;

/// A block.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Head {
    /// Its number.
    pub number: BlockNumber,
    /// Its hash.
    pub hash: Hash,
}

/// Which chain it is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ChainInfo {
    /// Its name.
    pub name: String,
    /// Hash of its first block.
    pub genesis_hash: Hash,
}

/// The newest blocks.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Heads {
    /// The chain they belong to.
    pub chain: Arc<ChainInfo>,
    /// The newest finalized block. It is proven to be that.
    pub finalized: Head,
    /// Number of the newest block, finalized or not, by the node's word.
    pub best: BlockNumber,
}

/// At which block to read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum At {
    /// At this finalized block.
    Finalized(Hash),
    /// At whichever block is newest now, by the node's word. It may never be finalized: nothing is
    /// decided by it but whether waiting is worthwhile.
    Best,
}

/// Why the chain could not be read.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ChainError {
    /// No node answers, or it refuses.
    #[error("the chain cannot be reached: {0}")]
    Unreachable(String),
    /// A node answered something that is not what was asked for.
    #[error("the chain's answer is malformed: {0}")]
    Malformed(&'static str),
    /// A node answered what is not so.
    #[error("a node was caught in a lie: {0}")]
    Lied(lie::Lie),
}

/// Why it is not known that a transaction was included.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum SubmitError {
    /// The chain cannot be reached.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// The node refused the transaction.
    #[error("the transaction was refused: {0}")]
    Refused(String),
    /// It was not finalized in time. It may still be.
    #[error("the transaction was not finalized in time")]
    Timeout,
    /// The account has sent another transaction since the state at which this one was decided.
    #[error("the transaction was decided before the account's last one was finalized")]
    Outdated,
}

/// A transaction that is in a finalized block. Whether its call did what it should is in the chain's
/// state.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Included {
    /// A finalized block whose state shows that the account has used up its nonce.
    pub block: Head,
}

/// Values of storage items, in the order of the keys; `None` where the chain stores nothing.
pub type Values = Vec<Option<Vec<u8>>>;

/// Access to the chain.
pub trait Chain: Send + Sync + 'static {
    /// The newest blocks; `None` until one is proven to be final. The finalized number never falls.
    fn heads(&self) -> watch::Receiver<Option<Heads>>;

    /// Why no node is followed, for people; `None` if one is.
    fn trouble(&self) -> Option<String>;

    /// The node that is followed shows nothing new, or too old things: another one is tried.
    fn leave(&self);

    /// Reads storage items, all at one block: at a finalized one, by proof.
    fn read(&self, at: At, keys: Vec<Vec<u8>>) -> BoxFuture<'_, Result<Values, ChainError>>;

    /// Signs an encoded call with the enclave's account, submits it and waits until it is
    /// finalized. Whether the call did what it should is in the chain's state, not in this result.
    ///
    /// The account's nonce is the one at `at`, so that two transactions submitted at the same
    /// finalized state cannot both be included. Only [`submit`](crate::submit) calls this.
    fn submit(
        &self,
        call: Vec<u8>,
        at: Head,
        genesis_hash: Hash,
    ) -> BoxFuture<'_, Result<Included, SubmitError>>;
}
