// SPDX-License-Identifier: Apache-2.0
//! What an enclave says of its own state (TIP-500 "Health Check").

use serde::{Deserialize, Serialize};
use tee_primitives::{BlockNumber, RawAccountId};

use super::{printable, EnclaveError};
use crate::packets::ss58;

/// How many blocks an enclave in service may be behind the finalized chain; published clients ask
/// for the same.
pub const MAX_LAG: BlockNumber = 4;

/// Answer of `/api/health`.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Health {
    /// Name of the chain the enclave follows.
    pub chain: String,
    /// The newest block the enclave knows to be finalized.
    pub block_number: BlockNumber,
    /// Empty: not assigned to a slot. `setup`: filling its slot. Otherwise the block up to which
    /// it holds what its slot must hold.
    pub sync_state: String,
    /// Version of the enclave's program.
    pub version: String,
    /// How the enclave is, for people.
    pub description: String,
    /// The account whose key was made inside the enclave, SS58.
    pub enclave_address: String,
    /// How the enclave proves what it is, and whether the chain counts it; absent in the answers of
    /// programs before attestation.
    #[serde(default)]
    pub attestation: Option<AttestationHealth>,
    /// Why it follows no node, if it does not.
    #[serde(default)]
    pub chain_problem: Option<String>,
    /// What its disk did to it; absent in the answers of older programs.
    #[serde(default)]
    pub store: Option<StoreHealth>,
    /// How the synchronisation of its slot stands; absent in the answers of older programs.
    #[serde(default)]
    pub sync: Option<SyncHealth>,
}

/// What an enclave says that its disk did to it.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct StoreHealth {
    /// Whether it can be used.
    pub available: bool,
    /// How many accounts and stores before these are lost.
    pub losses: u32,
    /// How often it was found that an older disk had taken the place of a newer one.
    pub log_rollbacks: u64,
    /// How many shares the chain has synced that are missing.
    pub wanted: Option<u64>,
}

/// How an enclave says that the synchronisation of its slot stands.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct SyncHealth {
    /// Syncs that the chain has logged.
    pub count: u64,
    /// How many of them it has looked at.
    pub cursor: u64,
    /// What is wrong.
    pub problem: Option<String>,
}

/// What an enclave says of its own attestation. The chain knows better.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct AttestationHealth {
    /// `dcap`, or `simulated`, which protects nothing.
    pub kind: String,
    /// Measurement of its code, in hexadecimal digits.
    pub measurement: String,
    /// Whether its attestation counts at the newest block that it knows.
    pub live: bool,
    /// From when on it no longer counts, in seconds since the Unix epoch.
    #[serde(default)]
    pub expires_at: Option<u64>,
    /// How up to date its machine is.
    #[serde(default)]
    pub tcb_status: Option<String>,
    /// Why it is not live, or will not be for long.
    #[serde(default)]
    pub problem: Option<String>,
}

impl Health {
    /// What the enclave says is wrong with its attestation.
    pub fn attestation_problem(&self) -> Option<String> {
        let attestation = self.attestation.as_ref()?;
        attestation.problem.as_deref().map(printable)
    }

    /// What else the enclave says is wrong with it, a sentence each.
    pub fn troubles(&self) -> Vec<String> {
        let mut troubles: Vec<_> =
            self.chain_problem.as_deref().map(printable).into_iter().collect();
        if let Some(store) = &self.store {
            let StoreHealth { available, losses, log_rollbacks, wanted } = *store;
            if !available {
                troubles.push(String::from("its disk fails or is full"));
            }
            if losses > 0 {
                troubles.push(format!("accounts and stores lost before these: {losses}"));
            }
            if log_rollbacks > 0 {
                troubles.push(format!(
                    "times that an older disk has taken the place of a newer one: {log_rollbacks}"
                ));
            }
            if let Some(wanted) = wanted.filter(|wanted| *wanted > 0) {
                troubles.push(format!("shares missing: {wanted}"));
            }
        }
        if let Some(sync) = &self.sync {
            if sync.cursor < sync.count {
                troubles.push(format!("has looked at {} of {} syncs", sync.cursor, sync.count));
            }
            troubles.extend(sync.problem.as_deref().map(printable));
        }
        troubles
    }

    /// Fails unless the enclave with this account serves its slot and follows the chain, whose
    /// newest finalized block is `finalized`.
    pub fn check(
        &self,
        enclave: &RawAccountId,
        finalized: BlockNumber,
    ) -> Result<(), EnclaveError> {
        if self.enclave_address != ss58(enclave) {
            return Err(EnclaveError::OtherEnclave(printable(&self.enclave_address)));
        }
        if self.sync_state.parse::<BlockNumber>().is_err() {
            return Err(EnclaveError::NotInService(printable(&self.description)));
        }
        // It may be ahead: `finalized` was read before the enclave was asked.
        if finalized.saturating_sub(self.block_number) > MAX_LAG {
            return Err(EnclaveError::NotInService(format!(
                "it knows block {} as final, the chain is at {finalized}",
                self.block_number
            )));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_named_enclave_in_service_passes_the_check() {
        let health = |sync_state: &str| Health {
            chain: String::new(),
            block_number: 7,
            sync_state: sync_state.to_owned(),
            version: String::new(),
            description: String::new(),
            enclave_address: ss58(&[1; 32]),
            attestation: None,
            chain_problem: None,
            store: None,
            sync: None,
        };
        assert!(health("7").check(&[1; 32], 7).is_ok());
        assert!(matches!(health("7").check(&[2; 32], 7), Err(EnclaveError::OtherEnclave(_))));
        for state in ["", "setup"] {
            assert!(matches!(health(state).check(&[1; 32], 7), Err(EnclaveError::NotInService(_))));
        }
        // Its block is 7.
        assert!(health("7").check(&[1; 32], 0).is_ok());
        assert!(health("7").check(&[1; 32], 7 + MAX_LAG).is_ok());
        let behind = health("7").check(&[1; 32], 8 + MAX_LAG);
        assert!(matches!(behind, Err(EnclaveError::NotInService(_))));
    }

    #[test]
    fn health_is_read_with_and_without_attestation() {
        let read = |attestation: &str| -> Result<Health, serde_json::Error> {
            serde_json::from_str(&format!(
                r#"{{"chain":"c","block_number":7,"sync_state":"7","version":"1",
                "description":"","enclave_address":"a"{attestation}}}"#
            ))
        };
        assert_eq!(read("").unwrap().attestation, None);
        assert_eq!(read(r#","attestation":null"#).unwrap().attestation, None);
        let waiting = r#","attestation":{"kind":"simulated","measurement":"00","live":false,
            "expires_at":null,"tcb_status":null,"problem":"has \u001bnot attested"}"#;
        let waiting = read(waiting).unwrap();
        assert_eq!(waiting.attestation_problem().as_deref(), Some("has not attested"));
        let live = r#","attestation":{"kind":"dcap","measurement":"00","live":true,
            "expires_at":9,"tcb_status":"UpToDate","problem":null}"#;
        let live = read(live).unwrap();
        assert_eq!(live.attestation_problem(), None);
        let live = live.attestation.unwrap();
        assert!(live.live && live.expires_at == Some(9));
        assert_eq!(live.tcb_status.as_deref(), Some("UpToDate"));
    }
}
