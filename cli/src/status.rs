// SPDX-License-Identifier: Apache-2.0
//! `tee status`: the chain, what it trusts, its clusters and how their enclaves are.

use std::fmt;

use futures::future::{join, try_join_all};
use serde::Serialize;
use tee_primitives::{
    cluster::{ClusterId, ClusterType, SlotId},
    BlockNumber,
};
use tee_wallet::{
    chain::{Chain, ChainBlock},
    cluster::Member,
    enclave::{EnclaveClient, Health},
    packets::ss58,
};

use crate::attestation::{self, AttestationStatus, Collateral, Kind, MeasurementStatus, Root};

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
    /// The root to which the quotes of enclaves must lead.
    pub root: Root,
    /// The measurements that the committee allows.
    pub measurements: Vec<MeasurementStatus>,
    /// Which TCB levels are accepted, in words.
    pub tcb_policy: String,
    /// The documents by which quotes are judged.
    pub collateral: Collateral,
    /// What is wrong with them, in a sentence.
    pub collateral_problem: Option<String>,
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
    /// How its attestation stands on the chain.
    pub attestation: AttestationStatus,
    /// What the enclave says about itself, if it answers.
    pub health: Option<Health>,
    /// Why it cannot be used, if so.
    pub problem: Option<String>,
}

/// Reads it all at one finalized block, and asks the enclaves.
pub async fn status(chain: &Chain) -> anyhow::Result<Status> {
    let client = EnclaveClient::new()?;
    let block = chain.finalized().await?;
    let root = Root::new(&block.root_fingerprint().await?);
    let next = block.next_cluster_id().await?;
    let mut clusters = Vec::new();
    for cluster_id in 0..next.min(MAX_CLUSTERS) {
        let Some(cluster) = block.cluster(cluster_id).await? else { continue };
        let members = block.members(cluster_id).await?;
        let members = members.enclaves.iter();
        let slots =
            try_join_all(members.map(|member| slot_status(&client, &block, root.kind, member)));
        clusters.push(ClusterStatus {
            cluster_id,
            cluster_type: cluster.cluster_type,
            slots: slots.await?,
        });
    }
    let collateral = Collateral::read(&block).await?;
    Ok(Status {
        chain: chain.name().await?,
        genesis_hash: format!("0x{}", hex::encode(chain.genesis_hash())),
        best_block: chain.best().await?.number(),
        finalized_block: block.number(),
        synced_keyshares: block.sync_count().await?,
        root,
        measurements: attestation::measurements(&block).await?,
        tcb_policy: attestation::policy(&block.tcb_policy().await?),
        collateral_problem: collateral.problem(),
        collateral,
        clusters,
    })
}

async fn slot_status(
    client: &EnclaveClient,
    block: &ChainBlock,
    kind: Kind,
    member: &Member,
) -> anyhow::Result<SlotStatus> {
    let asked = AttestationStatus::read(block, kind, &member.enclave_account, &member.operator);
    let client = client.of(member);
    let (attestation, answer) = join(asked, client.health(&member.url)).await;
    let (health, problem) = match answer {
        Ok(health) => {
            let problem = health.check(&member.enclave_account, block.number()).err();
            (Some(health), problem.map(|problem| problem.to_string()))
        }
        Err(error) => (None, Some(error.to_string())),
    };
    let (slot_id, url, attestation) = (member.slot_id, member.url.clone(), attestation?);
    let [operator, enclave] = [member.operator, member.enclave_account].map(|it| ss58(&it));
    Ok(SlotStatus { slot_id, operator, enclave, url, attestation, health, problem })
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "chain      {} ({})", self.chain, self.genesis_hash)?;
        writeln!(f, "blocks     best #{}, finalized #{}", self.best_block, self.finalized_block)?;
        writeln!(f, "keyshares  synced {} times", self.synced_keyshares)?;
        writeln!(f, "root       {}", self.root)?;
        if self.measurements.is_empty() {
            writeln!(f, "allowed    no measurement")?;
        }
        for measurement in &self.measurements {
            writeln!(f, "allowed    {measurement}")?;
        }
        writeln!(f, "policy     {}", self.tcb_policy)?;
        write!(f, "collateral {}", self.collateral)?;
        if self.clusters.is_empty() {
            write!(f, "\nclusters   none")?;
        }
        for cluster in &self.clusters {
            let ClusterStatus { cluster_id, cluster_type, slots } = cluster;
            write!(f, "\ncluster #{cluster_id}  {cluster_type:?}, {} of 5 slots", slots.len())?;
            for slot in slots {
                write!(f, "\n  slot {}  {}  {}", slot.slot_id, slot.url, slot.summary())?;
                write!(f, "\n          {}", slot.attestation)?;
                if let Some(problem) = slot.own_problem() {
                    write!(f, "; the enclave says: {problem}")?;
                }
                if let Some(platform) = &slot.attestation.platform {
                    write!(f, "\n          machine {platform}")?;
                }
                for trouble in slot.health.iter().flat_map(Health::troubles) {
                    write!(f, "\n          {trouble}")?;
                }
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
            (None, Some(health)) => format!("in service, block #{}", health.block_number),
            (None, None) => String::new(),
        }
    }

    /// What the enclave says is wrong with its attestation, if that is not said already.
    fn own_problem(&self) -> Option<String> {
        let own = self.health.as_ref()?.attestation_problem()?;
        let is_said = self.problem.as_ref().is_some_and(|problem| problem.contains(&own));
        (!is_said).then_some(own)
    }
}

#[cfg(test)]
mod tests {
    use tee_wallet::enclave::{AttestationHealth, StoreHealth, SyncHealth};

    use super::*;

    fn slot(health: Option<Health>, problem: Option<&str>, live: bool) -> SlotStatus {
        SlotStatus {
            slot_id: 0,
            operator: String::from("operator"),
            enclave: String::from("enclave"),
            url: String::from("http://url"),
            attestation: AttestationStatus {
                kind: Kind::Simulated,
                live,
                tcb_status: None,
                measurement: None,
                isv_svn: None,
                platform: Some(String::from("0x07")),
                fmspc: None,
                expires_at: None,
                expires_in: None,
                problem: (!live).then(|| String::from("the reason")),
            },
            health,
            problem: problem.map(str::to_owned),
        }
    }

    fn health(problem: Option<&str>) -> Health {
        Health {
            chain: String::from("test"),
            block_number: 5,
            sync_state: String::from("5"),
            version: String::from("1"),
            description: String::new(),
            enclave_address: String::new(),
            attestation: Some(AttestationHealth {
                kind: String::from("simulated"),
                measurement: String::new(),
                live: problem.is_none(),
                expires_at: None,
                tcb_status: None,
                problem: problem.map(str::to_owned),
            }),
            chain_problem: None,
            store: Some(StoreHealth {
                available: true,
                losses: 1,
                log_rollbacks: 0,
                wanted: Some(3),
            }),
            sync: Some(SyncHealth { count: 9, cursor: 7, problem: None }),
        }
    }

    #[test]
    fn a_slot_shows_its_problem_before_anything_else() {
        assert_eq!(slot(Some(health(None)), None, true).summary(), "in service, block #5");
        assert_eq!(slot(Some(health(None)), Some("down"), true).summary(), "down");
    }

    #[test]
    fn a_slot_that_is_not_attested_shows_what_chain_and_enclave_say() {
        let status = Status {
            chain: String::from("test"),
            genesis_hash: String::from("0x00"),
            best_block: 2,
            finalized_block: 1,
            synced_keyshares: 0,
            root: Root::new(&[0; 32]),
            measurements: Vec::new(),
            tcb_policy: String::from("strict"),
            collateral: Collateral { now: 0, documents: Vec::new() },
            collateral_problem: None,
            clusters: vec![ClusterStatus {
                cluster_id: 0,
                cluster_type: ClusterType::Public,
                slots: vec![slot(Some(health(Some("no PCCS"))), Some("not in service"), false)],
            }],
        };
        let text = status.to_string();
        for line in [
            "\nroot       development (0x0000",
            "\nallowed    no measurement\n",
            "\ncollateral none: ",
            "\n  slot 0  http://url  not in service\n",
            "\n          NOT attested (simulated): the reason; the enclave says: no PCCS\n",
            "\n          machine 0x07\n",
            "\n          accounts and stores lost before these: 1\n          shares missing: 3\n",
            "\n          has looked at 7 of 9 syncs\n",
        ] {
            assert!(text.contains(line), "{line:?} is not in:\n{text}");
        }
    }
}
