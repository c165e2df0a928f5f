// SPDX-License-Identifier: Apache-2.0
//! `GET /api/health` (TIP-500 "Health check"). Always 200: the fields tell the state.

use std::sync::Arc;

use axum::{extract::State, Json};
use serde::Serialize;
use tee_primitives::BlockNumber;

use super::Context;
use crate::view::Outlook;

/// The answer.
#[derive(Debug, Serialize)]
pub struct Health {
    /// The chain's name; empty until a node has told it.
    pub chain: String,
    /// The newest finalized block; 0 until a node has told one.
    pub block_number: BlockNumber,
    /// The block up to which the enclave holds what it should. Empty if it is not in service:
    /// clients take a number for "send your requests here".
    pub sync_state: String,
    /// Version of the software.
    pub version: &'static str,
    /// The state, for people.
    pub description: &'static str,
    /// The enclave's account, SS58.
    pub enclave_address: String,
    /// How the machine proves what runs on it; `none` if it does not.
    pub attestation: &'static str,
}

/// Handles the request.
pub async fn handle(State(context): State<Arc<Context>>) -> Json<Health> {
    let outlook = context.outlook.borrow().clone();
    let (chain, block_number, sync_state, description) = match outlook {
        Outlook::Unknown => (
            String::new(),
            0,
            String::new(),
            "The enclave waits for its first connection to the chain.",
        ),
        Outlook::AnotherChain { .. } => (
            String::new(),
            0,
            String::new(),
            "The node is on another chain than the one this enclave serves.",
        ),
        Outlook::Known(view) => {
            let number = view.finalized.number;
            let (sync_state, description) = match view.assignment {
                _ if !context.chain.is_reachable() => {
                    (String::new(), "The enclave cannot reach the chain.")
                }
                Some(_) => (number.to_string(), "The enclave is in service."),
                None => (String::new(), "The enclave is not assigned to a cluster."),
            };
            (view.chain.name.clone(), number, sync_state, description)
        }
    };
    Json(Health {
        chain,
        block_number,
        sync_state,
        version: env!("CARGO_PKG_VERSION"),
        description,
        enclave_address: context.account.address().into(),
        attestation: context.platform.attestation(),
    })
}
