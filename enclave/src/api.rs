// SPDX-License-Identifier: Apache-2.0
//! The HTTP API of TIP-500.
//!
//! | route | method | module |
//! |---|---|---|
//! | `/api/health` | GET | [`health`] |
//! | `/api/quote` | GET | [`quote`] |
//! | `/api/secret-nft/is-keyshare-available/{nft id}` | GET | [`availability`] |
//! | `/api/secret-nft/store-keyshare` | POST | [`store`] |
//! | `/api/secret-nft/retrieve-keyshare` | POST | [`retrieve`] |
//! | `/api/secret-nft/remove-keyshare` | POST | [`remove`] |
//! | `/api/secret-nft/get-views-log/{nft id}` | GET | [`views`] |
//! | `/api/capsule-nft/is-keyshare-available/{nft id}` | GET | [`availability`] |
//! | `/api/capsule-nft/set-keyshare`, also `…/store-keyshare` | POST | [`store`] |
//! | `/api/capsule-nft/retrieve-keyshare` | POST | [`retrieve`] |
//! | `/api/capsule-nft/remove-keyshare` | POST | [`remove`] |
//! | `/api/capsule-nft/get-views-log/{nft id}` | GET | [`views`] |
//! | `/api/slot-sync`, also with a slash behind it | POST | [`slot_sync`] |
//! | `/api/backup` | POST | [`backup`] |
//! | `/api/restore` | POST | [`restore`] |
//! | `/api/metric/interval-nft-list` | POST | [`metric`] |
//! | `/api/openapi.json` | GET | [`openapi`] |
//! | `/api/docs/`, and the files of this page | GET | [`openapi`] |
//!
//! TIP-500 says `store-keyshare` of capsules too; published clients say `set-keyshare`. It knows no
//! backups, and has no words for what metrics servers ask.
//!
//! Whatever is wrong with a request, the answer is JSON with a status of [`failure::Status`].

use std::sync::Arc;

use axum::{
    routing::{get, post},
    Router,
};
use tokio::sync::watch;

use self::{metric::Lists, metrics::Metrics};
use crate::{
    account::Account,
    archive::Archives,
    attest::Problem,
    chain::{facts::Assignment, Chain},
    park::Park,
    platform::Platform,
    quotes::Quotes,
    store::Store,
    sync::{serve::Channels, Progress},
    verifier::Verifier,
    view::{Outlook, View},
};

pub mod availability;
pub mod backup;
pub mod bound;
pub mod failure;
pub mod health;
pub mod metric;
pub mod metrics;
pub mod openapi;
pub mod quote;
pub mod remove;
pub mod restore;
pub mod retrieve;
pub mod route;
pub mod slot_sync;
pub mod store;
pub mod views;

mod body;
mod clients;
mod kind;
mod limits;
mod operator;
mod request;

pub use clients::{ClientLimits, Rate};
pub use limits::ApiLimits;

/// What the handlers work with.
pub struct Context {
    /// The enclave's keys.
    pub account: Arc<Account>,
    /// The machine.
    pub platform: Arc<dyn Platform>,
    /// The chain.
    pub chain: Arc<dyn Chain>,
    /// What the enclave holds.
    pub store: Store,
    /// What is known of the chain.
    pub outlook: watch::Receiver<Outlook>,
    /// Verifies the signatures of requests.
    pub verifier: Verifier,
    /// Requests that wait for finality.
    pub park: Park,
    /// Makes quotes.
    pub quotes: Quotes,
    /// What keeps the enclave from attesting.
    pub problem: watch::Receiver<Option<Problem>>,
    /// How the synchronisation of the slot stands.
    pub sync: watch::Receiver<Progress>,
    /// Channels that other enclaves have opened.
    pub channels: Channels,
    /// What backups are made and restored with.
    pub archives: Archives,
    /// Lists that are made for metrics servers.
    pub lists: Lists,
    /// How many accounts and stores before these are lost.
    pub losses: u32,
    /// What is counted.
    pub metrics: Metrics,
}

impl Context {
    /// Where the enclave serves; `None` if it does not, or its slot is not filled.
    fn service(&self, view: &View) -> Option<Assignment> {
        view.service().filter(|assignment| self.sync.borrow().serves(assignment))
    }
}

/// For the machine's operator: metrics, and health as the API has it.
pub fn monitor(context: Arc<Context>) -> Router {
    Router::new()
        .route("/metrics", get(metrics::handle))
        .route("/api/health", get(health::handle))
        .fallback(failure::not_found)
        .method_not_allowed_fallback(failure::method_not_allowed)
        .with_state(context)
}

/// The API.
pub fn router(context: Arc<Context>, limits: &ApiLimits) -> Router {
    let limited = Router::new()
        .route("/api/quote", get(quote::handle))
        .route("/api/secret-nft/is-keyshare-available/{nft_id}", get(availability::secret))
        .route("/api/secret-nft/store-keyshare", post(store::secret))
        .route("/api/secret-nft/retrieve-keyshare", post(retrieve::secret))
        .route("/api/secret-nft/remove-keyshare", post(remove::secret))
        .route("/api/secret-nft/get-views-log/{nft_id}", get(views::secret))
        .route("/api/capsule-nft/is-keyshare-available/{nft_id}", get(availability::capsule))
        .route("/api/capsule-nft/set-keyshare", post(store::capsule))
        .route("/api/capsule-nft/store-keyshare", post(store::capsule))
        .route("/api/capsule-nft/retrieve-keyshare", post(retrieve::capsule))
        .route("/api/capsule-nft/remove-keyshare", post(remove::capsule))
        .route("/api/capsule-nft/get-views-log/{nft_id}", get(views::capsule))
        .route("/api/slot-sync", post(slot_sync::handle))
        .route("/api/slot-sync/", post(slot_sync::handle))
        .route("/api/backup", post(backup::handle))
        .route("/api/restore", post(restore::handle))
        .route("/api/metric/interval-nft-list", post(metric::handle))
        .route("/api/openapi.json", get(openapi::document))
        .route("/api/docs", get(openapi::to_page))
        .route("/api/docs/", get(openapi::page))
        .route("/api/docs/{*file}", get(openapi::file));
    // Health is answered also when everything else is refused for lack of capacity.
    let router = limits::shed(limited, limits, context.clone())
        .route("/api/health", get(health::handle))
        .fallback(failure::not_found)
        .method_not_allowed_fallback(failure::method_not_allowed);
    limits::guard(router, limits, context.clone()).with_state(context)
}

#[cfg(test)]
mod tests;
