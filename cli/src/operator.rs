// SPDX-License-Identifier: Apache-2.0
//! What operators do.

use std::{fmt, time::Duration};

use serde::Serialize;
use subxt_signer::sr25519::Keypair;
use tee_primitives::{cluster::Enclave, RawAccountId};
use tee_wallet::{
    chain::{calls, Chain, ChainBlock, ChainError, Included, WaitFor},
    enclave::EnclaveClient,
    packets::ss58,
};

use crate::attestation::{AttestationStatus, Root};

/// How long a registration may take.
pub const LIMIT: Duration = Duration::from_secs(90);

/// Registers an operator's enclave; the operator's bond is held from then on.
pub async fn register(
    chain: &Chain,
    operator: &Keypair,
    enclave: &RawAccountId,
    api_uri: &str,
) -> Result<Included, ChainError> {
    let call = calls::register_enclave(enclave, api_uri);
    chain.submit(&call, operator, WaitFor::Inclusion, LIMIT).await
}

/// An operator's enclaves.
#[derive(Debug, Serialize)]
pub struct OperatorStatus {
    /// The operator's address.
    pub operator: String,
    /// The root to which quotes must lead.
    pub root: Root,
    /// The enclaves, each with what it is to the operator.
    pub enclaves: Vec<NamedEnclave>,
}

/// An enclave that an operator has named.
#[derive(Debug, Serialize)]
pub struct NamedEnclave {
    /// What it is to the operator.
    pub role: String,
    /// Its address.
    pub enclave: String,
    /// Where its API is.
    pub url: String,
    /// How its attestation stands on the chain.
    pub attestation: AttestationStatus,
    /// What the enclave says is wrong, or why it does not answer.
    pub problem: Option<String>,
}

impl OperatorStatus {
    /// Reads it at a block, and asks the enclaves.
    pub async fn read(block: &ChainBlock, operator: &RawAccountId) -> anyhow::Result<Self> {
        let root = Root::new(&block.root_fingerprint().await?);
        let client = EnclaveClient::new()?;
        let mut enclaves = Vec::new();
        for (role, enclave) in named(block, operator).await? {
            let account = enclave.enclave_address;
            let url = String::from_utf8_lossy(&enclave.api_uri).into_owned();
            let client = client.with_key(block.tls_key(&account, operator).await?);
            let problem = match client.health(&url).await {
                Ok(health) if health.enclave_address != ss58(&account) => {
                    Some(String::from("another enclave answers at its address"))
                }
                Ok(health) => health.attestation_problem(),
                Err(error) => Some(error.to_string()),
            };
            let attestation = AttestationStatus::read(block, root.kind, &account, operator).await?;
            let enclave = ss58(&account);
            let url = url.escape_debug().to_string();
            enclaves.push(NamedEnclave { role, enclave, url, attestation, problem });
        }
        Ok(Self { operator: ss58(operator), root, enclaves })
    }
}

type Named = (String, Enclave<RawAccountId, Vec<u8>>);

/// The enclaves that an operator has named, each with what it is to it.
async fn named(block: &ChainBlock, operator: &RawAccountId) -> Result<Vec<Named>, ChainError> {
    let mut named = Vec::new();
    if let Some(enclave) = block.enclave(operator).await? {
        let role = match block.cluster_of(operator).await? {
            Some(cluster_id) => format!("assigned to cluster {cluster_id}"),
            None => String::from("assigned"),
        };
        named.push((role, enclave));
    }
    if let Some(enclave) = block.registration(operator).await? {
        named.push((String::from("registered, waits for the committee"), enclave));
    }
    if let Some(enclave) = block.update(operator).await? {
        named.push((String::from("named as successor"), enclave));
    }
    if let Some((enclave, until)) = block.migration(operator).await? {
        let role = format!("approved as successor, can take over until block #{until}");
        named.push((role, enclave));
    }
    Ok(named)
}

impl fmt::Display for OperatorStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "operator {}", self.operator)?;
        if self.enclaves.is_empty() {
            write!(f, "\n  has named no enclave")?;
        }
        for named in &self.enclaves {
            write!(f, "\n  {}: enclave {} at {}", named.role, named.enclave, named.url)?;
            write!(f, "\n    {}", named.attestation)?;
            if let Some(problem) = &named.problem {
                write!(f, "; the enclave: {problem}")?;
            }
            if let Some(measurement) = &named.attestation.measurement {
                write!(f, "\n    measurement {measurement}")?;
            }
            if let Some(platform) = &named.attestation.platform {
                write!(f, "\n    machine {platform}")?;
            }
        }
        Ok(())
    }
}
