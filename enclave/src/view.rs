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

/// The chain at its newest finalized block. All of it belongs to that block. From one view to the
/// next the block's number never falls, whichever nodes are connected in between: an older state
/// could name an owner who has sold.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct View {
    /// Which chain.
    pub chain: Arc<ChainInfo>,
    /// The newest finalized block.
    pub finalized: Head,
    /// Where the enclave serves; `None` if it is not assigned.
    pub assignment: Option<Assignment>,
}

impl View {
    /// Where the enclave stores and confirms keyshares; `None` if it is not assigned, or to a
    /// cluster that does not take them.
    pub fn keyshare_assignment(&self) -> Option<Assignment> {
        self.assignment.filter(|assignment| assignment.cluster_type.takes_keyshares())
    }
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
    let mut highest: Option<View> = None;
    loop {
        let Some(newest) = heads.borrow_and_update().clone() else {
            if heads.changed().await.is_err() {
                return Ok(());
            }
            continue;
        };
        if !store.pin_genesis(newest.chain.genesis_hash).await? {
            let found = newest.chain.genesis_hash;
            if *outlook.borrow() != (Outlook::AnotherChain { found }) {
                tracing::error!(
                    chain = newest.chain.name,
                    genesis = hex::encode(found),
                    "the node is on another chain than the one this enclave serves"
                );
                outlook.send_replace(Outlook::AnotherChain { found });
            }
        } else {
            let passed =
                highest.as_ref().filter(|view| view.finalized.number >= newest.finalized.number);
            let view = match passed {
                // The node is behind one that was connected before. What it does not have cannot be
                // read there: that is an error, and not an older answer.
                Some(highest) => highest.clone(),
                None => {
                    let at = At::Finalized(newest.finalized.hash);
                    match facts::assignment(&*chain, at, &enclave, &operator).await {
                        Ok(assignment) => {
                            View { chain: newest.chain, finalized: newest.finalized, assignment }
                        }
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
            };
            publish(&outlook, highest.insert(view));
        }
        if heads.changed().await.is_err() {
            return Ok(());
        }
    }
}

/// Publishes a view that is not known yet.
fn publish(outlook: &watch::Sender<Outlook>, view: &View) {
    let before = match &*outlook.borrow() {
        Outlook::Known(known) if known == view => return,
        Outlook::Known(known) => Some(known.assignment),
        Outlook::Unknown | Outlook::AnotherChain { .. } => None,
    };
    if before != Some(view.assignment) {
        match view.assignment {
            Some(Assignment { cluster_id, slot_id, cluster_type }) => {
                tracing::info!(cluster_id, slot_id, ?cluster_type, "assigned");
            }
            None => tracing::info!("not assigned to a cluster"),
        }
    }
    outlook.send_replace(Outlook::Known(view.clone()));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{chain::scripted::Scripted, seal::Sealer};

    #[tokio::test]
    async fn the_finalized_number_never_falls_whichever_nodes_are_connected() {
        const ACCOUNT: RawAccountId = [1; 32];
        const OPERATOR: RawAccountId = [2; 32];
        let folder = tempfile::tempdir().unwrap();
        let (store, _task) = Store::open(folder.path(), &Sealer::new(&[7; 32]), &ACCOUNT).unwrap();
        let chain = Scripted::at(10, ACCOUNT, OPERATOR);
        let (sender, mut outlook) = watch::channel(Outlook::default());
        let follow = tokio::spawn(follow(chain.clone(), store, ACCOUNT, OPERATOR, sender));
        let mut sees = async |number| {
            let seen = outlook.wait_for(|outlook| match outlook {
                Outlook::Known(view) => view.finalized.number == number,
                Outlook::AnotherChain { .. } => number == 0,
                Outlook::Unknown => false,
            });
            drop(time::timeout(Duration::from_secs(20), seen).await.expect("in time").unwrap());
        };
        sees(10).await;

        // A node that lags: the scripted chain answers at once, so everything that follows from its
        // head has happened when the other tasks have had their turns.
        chain.finalize(9);
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        sees(10).await;
        // A node on another chain, then again one that lags.
        chain.finalize_on(20, [0xcc; 32]);
        sees(0).await;
        chain.finalize(9);
        sees(10).await;
        chain.finalize(11);
        sees(11).await;
        follow.abort();
    }
}
