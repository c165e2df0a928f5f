// SPDX-License-Identifier: Apache-2.0
//! Money, registration, cluster and slots of a development network.

use std::{str::FromStr, time::Duration};

use anyhow::Context;
use futures::future::try_join_all;
use subxt::utils::AccountId32;
use subxt_signer::{
    sr25519::{dev, Keypair},
    SecretUri,
};
use tee_primitives::{
    cluster::{ClusterId, ClusterType, SlotId},
    RawAccountId,
};
use tee_wallet::{
    chain::{calls, Chain, Included, WaitFor},
    cluster::wait_in_service,
};
use tokio::time::Instant;

use super::Devnet;
use crate::{committee, operator, report::Report, tokens::UNIT};

/// What an enclave's account begins with: published clients want at least one unit, and
/// confirmations are paid before they are refunded.
const ENCLAVE_FUNDS: u128 = 10 * UNIT;

/// What an operator gets besides its bond.
const OPERATOR_FEES: u128 = 100 * UNIT;

/// How long one step on the chain may take.
const STEP_LIMIT: Duration = Duration::from_secs(90);

/// The operator of the enclave in a slot: `//Operator1` to `//Operator5`.
pub fn operator(slot: u16) -> anyhow::Result<Keypair> {
    let uri = SecretUri::from_str(&format!("//Operator{}", slot + 1))?;
    Ok(Keypair::from_uri(&uri)?)
}

/// The committee of the development presets.
pub fn committee() -> [Keypair; 3] {
    [dev::alice(), dev::bob(), dev::charlie()]
}

pub(super) async fn set_up_cluster(devnet: &Devnet, report: Report) -> anyhow::Result<()> {
    let chain = devnet.chain();
    let mut enclaves = Vec::with_capacity(devnet.enclaves.len());
    for slot in 0..devnet.enclaves.len() {
        let health = devnet.health(slot).await?;
        let account = AccountId32::from_str(&health.enclave_address)
            .context("an enclave's health shows an address that cannot be read")?;
        enclaves.push(account.0);
    }

    report.waiting("funding operators and enclaves", fund(devnet, &enclaves)).await?;
    let registrations = devnet.enclaves.iter().zip(&enclaves).map(|(enclave, account)| {
        operator::register(chain, enclave.operator(), account, enclave.url())
    });
    report.waiting("registering the enclaves", try_join_all(registrations)).await?;

    let committee = committee();
    let created = create_cluster(chain, &committee, ClusterType::Public);
    let cluster_id = report.waiting("the committee creates a cluster", created).await?;
    let operators = devnet.enclaves.iter().map(|enclave| enclave.operator().public_key().0);
    let slots: Vec<(SlotId, RawAccountId)> = (0..).zip(operators).collect();
    let assigned = assign(chain, &committee, cluster_id, &slots);
    report.waiting("the committee assigns the slots", assigned).await?;
    report
        .waiting("waiting for the enclaves to serve", wait_until_serving(devnet, cluster_id))
        .await
}

/// Gives every operator its bond and fees, and every enclave what its transactions cost.
async fn fund(devnet: &Devnet, enclaves: &[RawAccountId]) -> anyhow::Result<Included> {
    let chain = devnet.chain();
    let bond = chain.finalized().await?.staking_amount().await?;
    let operators = devnet.enclaves.iter().map(|enclave| {
        let account = enclave.operator().public_key().0;
        calls::transfer_keep_alive(&account, bond + OPERATOR_FEES)
    });
    let enclaves =
        enclaves.iter().map(|account| calls::transfer_keep_alive(account, ENCLAVE_FUNDS));
    let call = calls::batch_all(operators.chain(enclaves));
    Ok(chain.submit(&call, &dev::alice(), WaitFor::Inclusion, STEP_LIMIT).await?)
}

/// Has the committee create a cluster; returns its id.
pub async fn create_cluster(
    chain: &Chain,
    keys: &[Keypair],
    cluster_type: ClusterType,
) -> anyhow::Result<ClusterId> {
    let outcome = committee::pass(chain, keys, calls::create_cluster(cluster_type)).await?;
    let created = outcome.carried()?;
    created_cluster(&created)
}

/// The cluster that a carried motion created.
pub fn created_cluster(included: &Included) -> anyhow::Result<ClusterId> {
    let event = included.event("TEE", "ClusterAdded").context("the cluster's event is missing")?;
    // The id is the event's first field.
    codec::Decode::decode(&mut event.as_slice()).context("the cluster's event cannot be decoded")
}

/// Has the committee assign operators to slots of a cluster, all or none.
pub async fn assign(
    chain: &Chain,
    keys: &[Keypair],
    cluster_id: ClusterId,
    slots: &[(SlotId, RawAccountId)],
) -> anyhow::Result<Included> {
    let calls =
        slots.iter().map(|(slot, operator)| calls::assign_enclave(operator, cluster_id, *slot));
    committee::pass(chain, keys, calls::batch_all(calls)).await?.carried()
}

/// Waits until the assignment is final and every enclave has seen it.
async fn wait_until_serving(devnet: &Devnet, cluster_id: ClusterId) -> anyhow::Result<()> {
    let count = devnet.enclaves.len();
    let chain = devnet.chain();
    chain
        .wait_for("the assignment's finality", STEP_LIMIT, |block| async move {
            let cluster = block.cluster(cluster_id).await?;
            Ok(cluster.filter(|cluster| cluster.enclaves.len() == count).map(|_| ()))
        })
        .await?;
    let block = chain.finalized().await?;
    let members = block.members(cluster_id).await?;
    let deadline = Instant::now() + STEP_LIMIT;
    Ok(wait_in_service(devnet.http(), &members, block.number(), deadline).await?)
}

/// Waits until an enclave that was assigned serves its slot.
pub(super) async fn wait_until_one_serves(devnet: &Devnet, slot: usize) -> anyhow::Result<()> {
    let operator = devnet.enclaves.get(slot).context("there is no such slot")?.operator();
    let operator = operator.public_key().0;
    let block = devnet.chain().finalized().await?;
    let cluster_id = block.cluster_of(&operator).await?;
    let cluster_id = cluster_id.context("the enclave is not assigned to a cluster")?;
    let mut members = block.members(cluster_id).await?;
    members.enclaves.retain(|member| member.operator == operator);
    let deadline = Instant::now() + STEP_LIMIT;
    Ok(wait_in_service(devnet.http(), &members, block.number(), deadline).await?)
}
