// SPDX-License-Identifier: Apache-2.0
//! What the enclave knows of the chain and of its own place on it, at the newest finalized block.

use std::{sync::Arc, time::Duration};

use tee_primitives::{Hash, RawAccountId};
use tokio::{sync::watch, time};

use crate::{
    chain::{
        facts::{self, Assignment},
        At, Chain, ChainError, ChainInfo, Head,
    },
    store::{Store, StoreError},
};

/// Wait before the own place is read again after a failure.
const RETRY: Duration = Duration::from_secs(1);

/// The chain at its newest finalized block. All of it belongs to that block.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct View {
    /// Which chain.
    pub chain: Arc<ChainInfo>,
    /// The newest finalized block.
    pub finalized: Head,
    /// Where the enclave serves; `None` if it is not assigned.
    pub assignment: Option<Assignment>,
}

/// What is known of the chain.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub enum Outlook {
    /// Nothing: no node has answered since the start.
    #[default]
    Unknown,
    /// The node is on another chain than the one that the enclave served first.
    AnotherChain {
        /// Genesis hash of the node's chain.
        found: Hash,
    },
    /// The chain at its newest finalized block.
    Known(View),
}

/// Follows the chain's heads and publishes an [`Outlook`] for each newer finalized one. Ends with
/// an error if the store fails.
pub async fn follow(
    chain: Arc<dyn Chain>,
    store: Store,
    enclave: RawAccountId,
    operator: RawAccountId,
    outlook: watch::Sender<Outlook>,
) -> Result<(), StoreError> {
    let mut heads = chain.heads();
    loop {
        let Some(newest) = heads.borrow_and_update().clone() else {
            if heads.changed().await.is_err() {
                return Ok(());
            }
            continue;
        };
        if known(&outlook).is_none_or(|view| view.finalized != newest.finalized) {
            if !store.pin_genesis(newest.chain.genesis_hash).await? {
                let found = newest.chain.genesis_hash;
                tracing::error!(
                    chain = newest.chain.name,
                    genesis = hex::encode(found),
                    "the node is on another chain than the one this enclave serves"
                );
                outlook.send_replace(Outlook::AnotherChain { found });
            } else {
                let at = At::Finalized(newest.finalized.hash);
                match facts::assignment(&*chain, at, &enclave, &operator).await {
                    Ok(assignment) => publish(
                        &outlook,
                        View { chain: newest.chain, finalized: newest.finalized, assignment },
                    ),
                    Err(error) => {
                        match error {
                            ChainError::Unreachable(_) => {
                                tracing::debug!(%error, "the own assignment could not be read");
                            }
                            ChainError::Malformed(_) => {
                                tracing::warn!(%error, "the own assignment could not be read");
                            }
                        }
                        time::sleep(RETRY).await;
                        continue;
                    }
                }
            }
        }
        if heads.changed().await.is_err() {
            return Ok(());
        }
    }
}

fn known(outlook: &watch::Sender<Outlook>) -> Option<View> {
    match &*outlook.borrow() {
        Outlook::Known(view) => Some(view.clone()),
        Outlook::Unknown | Outlook::AnotherChain { .. } => None,
    }
}

fn publish(outlook: &watch::Sender<Outlook>, view: View) {
    let before = known(outlook).map(|view| view.assignment);
    if before != Some(view.assignment) {
        match view.assignment {
            Some(Assignment { cluster_id, slot_id, cluster_type }) => {
                tracing::info!(cluster_id, slot_id, ?cluster_type, "assigned");
            }
            None => tracing::info!("not assigned to a cluster"),
        }
    }
    outlook.send_replace(Outlook::Known(view));
}
