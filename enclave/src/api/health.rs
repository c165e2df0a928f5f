// SPDX-License-Identifier: Apache-2.0
//! `GET /api/health` (TIP-500 "Health check"). Always 200: the fields tell the state.

use std::sync::Arc;

use axum::{extract::State, Json};
use serde::Serialize;
use tee_primitives::{attestation::tcb::TcbStatus, BlockNumber};
use utoipa::ToSchema;

use super::Context;
use crate::view::{Outlook, View, Why};

const ANOTHER_ROOT: &str = "The chain trusts another root of attestation than this enclave.";

/// The answer.
#[derive(Debug, Serialize, ToSchema)]
pub struct Health {
    /// The chain's name; empty until a node has told it.
    pub chain: String,
    /// The newest finalized block; 0 until a node has told one.
    #[schema(value_type = u32)]
    pub block_number: BlockNumber,
    /// The block up to which the enclave holds what it should; `setup` while it fills its slot; empty
    /// if it has none or is not in service: clients take a number for "send your requests here".
    #[schema(pattern = "^(|setup|[0-9]+)$")]
    pub sync_state: String,
    /// Version of the software.
    pub version: &'static str,
    /// The state, for people.
    pub description: &'static str,
    /// Why no node is followed, for people: not told if one is.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    pub chain_problem: Option<String>,
    /// The enclave's account, SS58.
    pub enclave_address: String,
    /// How the enclave proves what it is.
    pub attestation: Attestation,
    /// What the enclave's disk did to it.
    pub store: Storage,
    /// How the synchronisation of the slot stands.
    pub sync: Sync,
}

/// What the enclave's disk did to it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = HealthStore)]
pub struct Storage {
    /// Whether it can be used. It cannot while the disk fails or is full.
    pub available: bool,
    /// How many accounts and stores before these are lost.
    pub losses: u32,
    /// How often entries of the view log were gone that had been attested: somebody has put an older
    /// disk in the place of a newer one.
    pub log_rollbacks: u64,
    /// How many shares the chain has synced that are missing here, as far as it is known; `null` while
    /// the store cannot be used.
    #[schema(required = true)]
    pub wanted: Option<u64>,
}

/// How the synchronisation of the slot stands.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = HealthSync)]
pub struct Sync {
    /// Syncs that the chain has logged.
    pub count: u64,
    /// How many of them, from the first, were looked at.
    pub cursor: u64,
    /// What is wrong with it, for people.
    #[schema(required = true)]
    pub problem: Option<String>,
}

/// How the enclave proves what it is, and what the chain has of it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = HealthAttestation)]
pub struct Attestation {
    /// `dcap`, or `simulated` by a machine that protects nothing.
    pub kind: &'static str,
    /// Measurement of the code (MRENCLAVE), hexadecimal.
    #[schema(pattern = "^[0-9a-f]{64}$")]
    pub measurement: String,
    /// Whether the finalized chain has an attestation of this start of the enclave, and counts it.
    pub live: bool,
    /// From when on the chain's attestation of this start no longer counts, in seconds since the
    /// Unix epoch; also in the past.
    #[schema(required = true)]
    pub expires_at: Option<u64>,
    /// How up to date the chain found the machine when it verified that attestation.
    #[schema(value_type = Option<String>, required = true)]
    pub tcb_status: Option<TcbStatus>,
    /// What is wrong with it, for people.
    #[schema(required = true)]
    pub problem: Option<String>,
}

/// Handles the request.
pub async fn handle(State(context): State<Arc<Context>>) -> Json<Health> {
    Json(of(&context))
}

/// How the enclave is.
pub(super) fn of(context: &Context) -> Health {
    let outlook = context.outlook.borrow().clone();
    let (chain, block_number) = match &outlook {
        Outlook::Known(view) | Outlook::Stale(view) => {
            (view.chain.name.clone(), view.finalized.number)
        }
        Outlook::Unknown | Outlook::AnotherAbi { .. } | Outlook::AnotherRoot { .. } => {
            (String::new(), 0)
        }
    };
    let (sync_state, description) = match service(context, &outlook) {
        Ok(()) if !is_filled(context, &outlook) => {
            ("setup".into(), "The enclave fills its slot from other enclaves.")
        }
        Ok(()) => {
            let sync = context.sync.borrow();
            let block = if sync.is_behind { sync.state.complete_at } else { block_number };
            (block.to_string(), "The enclave is in service.")
        }
        Err(why) => (String::new(), why),
    };
    let sync = context.sync.borrow().clone();
    Health {
        chain,
        block_number,
        sync_state,
        version: env!("CARGO_PKG_VERSION"),
        description,
        chain_problem: context.chain.trouble(),
        enclave_address: context.account.address().into(),
        attestation: attestation(context, &outlook),
        store: storage(context),
        sync: Sync { count: sync.count, cursor: sync.state.cursor, problem: sync.problem },
    }
}

fn is_filled(context: &Context, outlook: &Outlook) -> bool {
    outlook.known().is_some_and(|view| context.service(view).is_some())
}

/// Why the enclave is not in service. Stable sentences.
fn service(context: &Context, outlook: &Outlook) -> Result<(), &'static str> {
    let view = match outlook {
        Outlook::Unknown => {
            return Err("The enclave waits for its first connection to the chain.");
        }
        Outlook::AnotherAbi { .. } => {
            return Err("The chain's runtime needs another build of this enclave.");
        }
        Outlook::Stale(_) => {
            return Err("The newest final block that a node has shown is too old.");
        }
        Outlook::AnotherRoot { .. } => return Err(ANOTHER_ROOT),
        Outlook::Known(view) => view,
    };
    if context.chain.trouble().is_some() {
        return Err("The enclave cannot reach the chain.");
    }
    if !context.store.is_available() {
        return Err("The enclave's disk fails or is full.");
    }
    if view.assignment.is_none() {
        return Err("The enclave is not assigned to a cluster.");
    }
    view.attestation.map(|_| ()).map_err(Why::sentence)
}

fn storage(context: &Context) -> Storage {
    let store = &context.store;
    Storage {
        available: store.is_available(),
        losses: context.losses,
        log_rollbacks: store.log_rollbacks(),
        wanted: store.count_wanted().ok(),
    }
}

fn attestation(context: &Context, outlook: &Outlook) -> Attestation {
    let mut attestation = Attestation {
        kind: context.platform.kind(),
        measurement: hex::encode(context.platform.measurement()),
        live: false,
        expires_at: None,
        tcb_status: None,
        problem: context.problem.borrow().as_ref().map(ToString::to_string),
    };
    match outlook {
        Outlook::Known(view) | Outlook::Stale(view) => {
            describe(&mut attestation, view, &context.account.session())
        }
        Outlook::AnotherRoot { .. } => attestation.problem = Some(ANOTHER_ROOT.into()),
        Outlook::Unknown | Outlook::AnotherAbi { .. } => (),
    }
    attestation
}

fn describe(attestation: &mut Attestation, view: &View, session: &[u8; 32]) {
    attestation.live = view.attestation.is_ok();
    if let Some(record) = view.record.as_ref().filter(|record| record.session == *session) {
        attestation.expires_at = Some(record.expires_at);
        attestation.tcb_status = Some(record.tcb.status);
    }
    if let (None, Err(why)) = (&attestation.problem, view.attestation) {
        attestation.problem = Some(why.sentence().into());
    }
}
