// SPDX-License-Identifier: Apache-2.0
//! `tee status`: the chain, its clusters and how their enclaves are.

use std::fmt;

use futures::future::join_all;
use serde::Serialize;
use tee_primitives::{
    cluster::{ClusterId, ClusterType, SlotId},
    BlockNumber,
};
use tee_wallet::{
    chain::Chain,
    cluster::Member,
    enclave::{EnclaveClient, Health},
    packets::ss58,
};

/// Most clusters that are looked at.
const MAX_CLUSTERS: ClusterId = 1000;

/// What `tee status` shows.
#[derive(Debug, Serialize)]
pub struct Status {
    /// Name of the chain.
    pub chain: String,
    /// Hash of its first block.
    pub genesis_hash: String,
    /// Number of the best block.
    pub best_block: BlockNumber,
    /// Number of the newest finalized block.
    pub finalized_block: BlockNumber,
    /// How many times keyshares became synced.
    pub synced_keyshares: u64,
    /// The clusters.
    pub clusters: Vec<ClusterStatus>,
}

/// A cluster.
#[derive(Debug, Serialize)]
pub struct ClusterStatus {
    /// Its id.
    pub cluster_id: ClusterId,
    /// Whom it serves.
    pub cluster_type: ClusterType,
    /// Its filled slots.
    pub slots: Vec<SlotStatus>,
}

/// A filled slot.
#[derive(Debug, Serialize)]
pub struct SlotStatus {
    /// Its number.
    pub slot_id: SlotId,
    /// The operator's address.
    pub operator: String,
    /// The enclave's address.
    pub enclave: String,
    /// Where the enclave's API is.
    pub url: String,
    /// What the enclave says about itself, if it answers.
    pub health: Option<Health>,
    /// Why it cannot be used, if so.
    pub problem: Option<String>,
}

/// Reads it all at one finalized block, and asks the enclaves.
pub async fn status(chain: &Chain) -> anyhow::Result<Status> {
    let client = EnclaveClient::new()?;
    let block = chain.finalized().await?;
    let next = block.next_cluster_id().await?;
    let mut clusters = Vec::new();
    for cluster_id in 0..next.min(MAX_CLUSTERS) {
        let Some(cluster) = block.cluster(cluster_id).await? else { continue };
        let members = block.members(cluster_id).await?;
        let slots = join_all(
            members.enclaves.iter().map(|member| slot_status(&client, member, block.number())),
        );
        clusters.push(ClusterStatus {
            cluster_id,
            cluster_type: cluster.cluster_type,
            slots: slots.await,
        });
    }
    Ok(Status {
        chain: chain.name().await?,
        genesis_hash: format!("0x{}", hex::encode(chain.genesis_hash())),
        best_block: chain.best().await?.number(),
        finalized_block: block.number(),
        synced_keyshares: block.sync_count().await?,
        clusters,
    })
}

async fn slot_status(
    client: &EnclaveClient,
    member: &Member,
    finalized: BlockNumber,
) -> SlotStatus {
    let (health, problem) = match client.health(&member.url).await {
        Ok(health) => {
            let problem = health.check(&member.enclave_account, finalized).err();
            (Some(health), problem.map(|problem| problem.to_string()))
        }
        Err(error) => (None, Some(error.to_string())),
    };
    let (slot_id, url) = (member.slot_id, member.url.clone());
    let [operator, enclave] = [member.operator, member.enclave_account].map(|it| ss58(&it));
    SlotStatus { slot_id, operator, enclave, url, health, problem }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "chain      {} ({})", self.chain, self.genesis_hash)?;
        writeln!(f, "blocks     best #{}, finalized #{}", self.best_block, self.finalized_block)?;
        write!(f, "keyshares  synced {} times", self.synced_keyshares)?;
        if self.clusters.is_empty() {
            write!(f, "\nclusters   none")?;
        }
        for cluster in &self.clusters {
            let ClusterStatus { cluster_id, cluster_type, slots } = cluster;
            write!(f, "\ncluster #{cluster_id}  {cluster_type:?}, {} of 5 slots", slots.len())?;
            for slot in slots {
                write!(f, "\n  slot {}  {}  {}", slot.slot_id, slot.url, slot.summary())?;
                write!(f, "\n          enclave {}, operator {}", slot.enclave, slot.operator)?;
            }
        }
        Ok(())
    }
}

impl SlotStatus {
    fn summary(&self) -> String {
        match (&self.problem, &self.health) {
            (Some(problem), _) => problem.clone(),
            (None, Some(health)) => {
                let attestation = health.attestation.as_deref().unwrap_or("unknown");
                format!("in service, block #{}, attestation {attestation}", health.block_number)
            }
            (None, None) => String::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_shows_its_problem_before_anything_else() {
        let health = Health {
            chain: String::from("test"),
            block_number: 5,
            sync_state: String::from("5"),
            version: String::from("1"),
            description: String::new(),
            enclave_address: String::new(),
            attestation: Some(String::from("none")),
        };
        let slot = |health, problem| SlotStatus {
            slot_id: 0,
            operator: String::new(),
            enclave: String::new(),
            url: String::new(),
            health,
            problem,
        };
        let shown = slot(Some(health.clone()), None).summary();
        assert_eq!(shown, "in service, block #5, attestation none");
        assert_eq!(slot(Some(health), Some(String::from("down"))).summary(), "down");
    }
}
