// SPDX-License-Identifier: Apache-2.0

use std::time::Duration;

use subxt::error::DispatchError;
use tee_primitives::BlockNumber;

/// Why the chain could not be read or a transaction did not succeed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ChainError {
    /// There is no node at the address, or it does not answer.
    #[error("cannot connect to the node at {url}: {reason}")]
    Connect {
        /// The node's address.
        url: String,
        /// Why.
        reason: String,
    },
    /// The address would send requests in the clear to another machine.
    #[error("{0} is neither encrypted nor on this machine; use a wss:// address")]
    InsecureUrl(String),
    /// The node answered with an error.
    #[error("cannot read {what} from the node: {source}")]
    Node {
        /// What was read.
        what: &'static str,
        /// The node's or the client's reason.
        source: Box<subxt::Error>,
    },
    /// What the chain holds cannot be decoded: program and runtime do not fit together.
    #[error("{0} cannot be decoded; this program and the chain's runtime do not fit together")]
    Decode(&'static str),
    /// The chain does not hold it.
    #[error("the chain does not have {0}")]
    Missing(&'static str),
    /// The block is not final yet.
    #[error("block {number} is not finalized, the newest finalized block is {finalized}")]
    NotFinalized {
        /// The block that was asked for.
        number: BlockNumber,
        /// The newest finalized block.
        finalized: BlockNumber,
    },
    /// More blocks were to be looked through than are at once.
    #[error("at most {limit} blocks can be looked through at once")]
    TooManyBlocks {
        /// How many can be.
        limit: u32,
    },
    /// It did not happen in time.
    #[error("{what} did not come within {} seconds{}", limit.as_secs(), last_failure(failure.as_deref()))]
    Deadline {
        /// What was waited for.
        what: &'static str,
        /// For how long.
        limit: Duration,
        /// The last read that failed meanwhile.
        failure: Option<Box<ChainError>>,
    },
    /// The node did not take the transaction: it is not on the chain.
    #[error("the node rejected {call}: {reason}")]
    Rejected {
        /// `Pallet.call`.
        call: String,
        /// Why.
        reason: String,
    },
    /// The transaction is on the chain and did nothing but cost its fee.
    #[error("{call} failed: {reason}")]
    Failed {
        /// `Pallet.call`.
        call: String,
        /// The error's name and explanation.
        reason: String,
    },
    /// It is not known whether the transaction will be included.
    #[error("{call} was submitted, but its outcome is not known: {reason}")]
    Unknown {
        /// `Pallet.call`.
        call: String,
        /// Why it is not known.
        reason: String,
    },
}

impl ChainError {
    pub(crate) fn node(what: &'static str, error: impl Into<subxt::Error>) -> Self {
        Self::Node { what, source: Box::new(error.into()) }
    }
}

fn last_failure(failure: Option<&ChainError>) -> String {
    failure.map(|failure| format!("; meanwhile: {failure}")).unwrap_or_default()
}

/// A dispatch error as its pallet explains it.
pub(crate) fn explain(error: &DispatchError) -> String {
    let DispatchError::Module(module) = error else { return error.to_string() };
    let name = module.details_string();
    match module.details() {
        Ok(details) if !details.variant.docs.is_empty() => {
            format!("{name}: {}", details.variant.docs.join(" ").trim())
        }
        _ => name,
    }
}
