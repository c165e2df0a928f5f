// SPDX-License-Identifier: Apache-2.0
//! What a node adds to the chain's attestation: settings of its off-chain worker, and the refusal
//! to run a live chain that does not trust Intel's root alone.

use codec::{Decode, Encode};
use pallet_attestation::offchain::settings;
use sc_client_api::{blockchain::HeaderBackend, Backend, StorageProvider};
use sc_service::{error::Error as ServiceError, ChainType};
use sp_core::{
    offchain::{OffchainStorage, STORAGE_PREFIX},
    storage::StorageKey,
};

use crate::service::{FullBackend, FullClient};

/// Settings of the off-chain worker. It works only with a key of type `tee_` in the keystore.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct WorkerOptions {
    /// Provisioning certificate caching service (PCCS) from which the off-chain worker refreshes
    /// collateral, for example https://pccs.example:8081 or Intel's own
    /// https://api.trustedservices.intel.com.
    #[arg(long, value_name = "URL", value_parser = parse_url)]
    pub pccs_url: Option<String>,

    /// Let the off-chain worker ask enclaves at private, loopback and literal addresses too. Enclaves'
    /// addresses are their operators' choice: with this, they choose what your node calls in your
    /// network.
    #[arg(long)]
    pub allow_private_enclaves: bool,
}

fn parse_url(url: &str) -> Result<String, &'static str> {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    match rest {
        Some(rest) if !rest.is_empty() && url.bytes().all(|byte| byte.is_ascii_graphic()) => {
            Ok(url.into())
        }
        _ => Err("the URL must begin with http:// or https:// and name a host"),
    }
}

impl WorkerOptions {
    /// Writes the settings to where the worker looks them up. Those of an earlier start do not
    /// outlast it.
    pub fn store(&self, backend: &FullBackend) {
        let Some(mut storage) = backend.offchain_storage() else { return };
        let mut put = |key: &[u8], value: Option<Vec<u8>>| match value {
            Some(value) => storage.set(STORAGE_PREFIX, key, &value),
            None => storage.remove(STORAGE_PREFIX, key),
        };
        let url = self.pccs_url.as_ref().map(|url| url.as_bytes().encode());
        put(settings::PCCS_URL, url);
        put(
            settings::ALLOW_PRIVATE,
            self.allow_private_enclaves.then(|| Vec::<u8>::new().encode()),
        );
    }
}

/// Fails if a live chain takes quotes by another root of trust than Intel's: simulated enclaves,
/// which protect nothing, would pass for real ones.
pub fn check_root(client: &FullClient, chain_type: &ChainType) -> Result<(), ServiceError> {
    if *chain_type != ChainType::Live {
        return Ok(());
    }
    let key = StorageKey(pallet_attestation::Root::<tee_runtime::Runtime>::hashed_key().into());
    let best = client.info().best_hash;
    let stored = client.storage(best, &key)?;
    let root = stored.and_then(|data| Vec::<u8>::decode(&mut data.0.as_slice()).ok());
    if root.as_deref() == Some(tee_dcap::INTEL_ROOT_CA) {
        return Ok(());
    }
    Err(ServiceError::Other(
        "the chain is of type Live, but its attestation root is not Intel's: its enclaves may be \
         simulated, which protects nothing. Use another chain type for development."
            .into(),
    ))
}
