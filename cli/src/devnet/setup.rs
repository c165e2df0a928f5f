// SPDX-License-Identifier: Apache-2.0
//! Money, registration, attestation, cluster and slots of a development network.

use std::{str::FromStr, time::Duration};

use anyhow::{bail, Context};
use futures::future::try_join_all;
use subxt_signer::{
    sr25519::{dev, Keypair},
    SecretUri,
};
use tee_primitives::{
    cluster::{ClusterId, ClusterType, SlotId, CLUSTER_SIZE},
    RawAccountId,
};
use tee_wallet::{
    chain::{calls, Chain, Included, WaitFor},
    cluster::wait_in_service,
};
use tokio::time::{sleep, Instant};

use super::{node::worker, Devnet, EnclaveProcess};
use crate::{attestation, committee, operator, report::Report, tokens::UNIT};

/// What an enclave's account begins with: published clients want at least one unit, and
/// confirmations are paid before they are refunded.
const ENCLAVE_FUNDS: u128 = 10 * UNIT;

/// What an operator gets besides its bond.
const OPERATOR_FEES: u128 = 100 * UNIT;

/// What the account of the node's worker gets: what it brings is paid before it is refunded.
const WORKER_FUNDS: u128 = 100 * UNIT;

/// How long one step on the chain may take.
const STEP_LIMIT: Duration = Duration::from_secs(90);

/// How long the enclaves of a new cluster may take to fill their slots.
const FILL_LIMIT: Duration = Duration::from_secs(600);

/// How long attesting may take: collateral comes first, then quotes are made and verified.
const ATTEST_LIMIT: Duration = Duration::from_secs(120);

const POLL: Duration = Duration::from_millis(500);

/// The operator of an enclave: `//Operator1`, and so on.
pub fn operator(slot: u16) -> anyhow::Result<Keypair> {
    let uri = SecretUri::from_str(&format!("//Operator{}", slot + 1))?;
    Ok(Keypair::from_uri(&uri)?)
}

/// The committee of the development presets.
pub fn committee() -> [Keypair; 3] {
    [dev::alice(), dev::bob(), dev::charlie()]
}

/// Brings all enclaves to the chain but the first `known` ones.
pub(super) async fn attest_enclaves(
    devnet: &Devnet,
    known: usize,
    report: Report,
) -> anyhow::Result<()> {
    let enclaves = devnet.enclaves.get(known..).unwrap_or_default();
    let mut accounts = Vec::with_capacity(enclaves.len());
    for index in known..devnet.enclaves.len() {
        accounts.push(devnet.account(index).await?);
    }
    let funded = fund(devnet, enclaves, &accounts);
    report.waiting("funding operators and enclaves", funded).await?;
    let registrations = enclaves.iter().zip(&accounts).map(|(enclave, account)| {
        operator::register(devnet.chain(), enclave.operator(), account, enclave.url())
    });
    report.waiting("registering the enclaves", try_join_all(registrations)).await?;
    let attested =
        try_join_all(enclaves.iter().map(|enclave| wait_until_attested(devnet, enclave)));
    report.waiting("the enclaves attest to the chain", attested).await?;
    Ok(())
}

/// Makes clusters of all enclaves but the first `known` ones.
pub(super) async fn set_up_clusters(
    devnet: &Devnet,
    known: usize,
    report: Report,
) -> anyhow::Result<()> {
    let enclaves = devnet.enclaves.iter().skip(known);
    let operators: Vec<_> = enclaves.map(|enclave| enclave.operator().public_key().0).collect();
    for members in operators.chunks(CLUSTER_SIZE as usize) {
        set_up_one(devnet, members, report).await?;
    }
    Ok(())
}

async fn set_up_one(
    devnet: &Devnet,
    operators: &[RawAccountId],
    report: Report,
) -> anyhow::Result<()> {
    let chain = devnet.chain();
    let committee = committee();
    let created = create_cluster(chain, &committee, ClusterType::Public);
    let cluster_id = report.waiting("the committee creates a cluster", created).await?;
    let slots: Vec<(SlotId, RawAccountId)> = (0..).zip(operators.iter().copied()).collect();
    let assigned = assign(chain, &committee, cluster_id, &slots);
    report.waiting("the committee assigns the slots", assigned).await?;
    report
        .waiting(
            "waiting for the enclaves to serve",
            wait_until_serving(devnet, cluster_id, slots.len()),
        )
        .await
}

/// Gives every operator its bond and fees, and every enclave and the node's worker what its
/// transactions cost.
async fn fund(
    devnet: &Devnet,
    enclaves: &[EnclaveProcess],
    accounts: &[RawAccountId],
) -> anyhow::Result<Included> {
    let chain = devnet.chain();
    let bond = chain.finalized().await?.staking_amount().await?;
    let mut transfers = vec![calls::transfer_keep_alive(&worker()?.public_key().0, WORKER_FUNDS)];
    transfers.extend(enclaves.iter().map(|enclave| {
        let account = enclave.operator().public_key().0;
        calls::transfer_keep_alive(&account, bond + OPERATOR_FEES)
    }));
    transfers.extend(accounts.iter().map(fund_enclave));
    let call = calls::batch_all(transfers);
    Ok(chain.submit(&call, &dev::alice(), WaitFor::Inclusion, STEP_LIMIT).await?)
}

/// The transfer that gives an enclave's account what its transactions cost.
pub fn fund_enclave(account: &RawAccountId) -> calls::Call {
    calls::transfer_keep_alive(account, ENCLAVE_FUNDS)
}

/// Waits until the finalized chain counts an enclave's attestation of its present start. One that
/// does not bring it by itself is helped, as an operator would by `tee operator attest`.
pub async fn wait_until_attested(devnet: &Devnet, enclave: &EnclaveProcess) -> anyhow::Result<()> {
    let operator = enclave.operator().public_key().0;
    let deadline = Instant::now() + ATTEST_LIMIT;
    let mut brought = None;
    loop {
        let health = devnet.http().health(enclave.url()).await?;
        let account = crate::keys::account(&health.enclave_address)?;
        let block = devnet.chain().finalized().await?;
        let attested = block.attested(&account, &operator).await?;
        // The enclave knows its own start.
        let is_seen = health.attestation.as_ref().is_some_and(|attestation| attestation.live);
        if attested.is_live() && is_seen {
            return Ok(());
        }
        if Instant::now() >= deadline {
            let chain = match attested.not_live {
                Some(_) => attestation::why_not_live(&attested),
                None => String::from("it counts"),
            };
            let own = health.attestation_problem();
            bail!(
                "{} did not attest within {} seconds; the chain: {chain}; the enclave: {}{}",
                enclave.name(),
                ATTEST_LIMIT.as_secs(),
                own.as_deref().unwrap_or("no problem"),
                brought.map(|error| format!("; bringing its quote: {error}")).unwrap_or_default(),
            );
        }
        if !enclave.config().push {
            brought = bring_attestation(devnet, enclave).await.err();
        }
        sleep(POLL).await;
    }
}

/// Brings what an enclave shows at `/api/quote` to the chain.
async fn bring_attestation(devnet: &Devnet, enclave: &EnclaveProcess) -> anyhow::Result<()> {
    let quote = devnet.http().quote(enclave.url()).await?;
    let chain = devnet.chain();
    let call = chain.best().await?.decode_call(&quote.call())?;
    chain.submit(&call, enclave.operator(), WaitFor::Inclusion, STEP_LIMIT).await?;
    Ok(())
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
async fn wait_until_serving(
    devnet: &Devnet,
    cluster_id: ClusterId,
    count: usize,
) -> anyhow::Result<()> {
    let chain = devnet.chain();
    chain
        .wait_for("the assignment's finality", STEP_LIMIT, |block| async move {
            let cluster = block.cluster(cluster_id).await?;
            Ok(cluster.filter(|cluster| cluster.enclaves.len() == count).map(|_| ()))
        })
        .await?;
    let block = chain.finalized().await?;
    let members = block.members(cluster_id).await?;
    let deadline = Instant::now() + FILL_LIMIT;
    Ok(wait_in_service(devnet.http(), &members, block.number(), deadline).await?)
}

/// Waits until an enclave that was assigned serves its slot.
pub(super) async fn wait_until_one_serves(devnet: &Devnet, slot: usize) -> anyhow::Result<()> {
    let enclave = devnet.enclaves.get(slot).context("there is no such slot")?;
    // Another start is another session, which has to be attested before it serves.
    wait_until_attested(devnet, enclave).await?;
    let operator = enclave.operator().public_key().0;
    let block = devnet.chain().finalized().await?;
    let cluster_id = block.cluster_of(&operator).await?;
    let cluster_id = cluster_id.context("the enclave is not assigned to a cluster")?;
    let mut members = block.members(cluster_id).await?;
    members.enclaves.retain(|member| member.operator == operator);
    let deadline = Instant::now() + STEP_LIMIT;
    Ok(wait_in_service(devnet.http(), &members, block.number(), deadline).await?)
}
