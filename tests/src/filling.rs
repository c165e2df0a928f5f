// SPDX-License-Identifier: Apache-2.0
//! A cluster joins a chain that has many keyshares: its enclaves fill their slots, and hold then what
//! the chain says, compared one by one.

use std::{fmt, fs, time::Duration};

use anyhow::{ensure, Context};
use futures::{stream, StreamExt, TryStreamExt};
use subxt_signer::sr25519::{dev, Keypair};
use tee_cli::{
    devnet::{Devnet, DevnetConfig},
    report::Report,
};
use tee_primitives::{cluster::CLUSTER_SIZE, nft::NftId};
use tee_wallet::{
    chain::Chain,
    cluster::{self, Members},
    enclave::EnclaveClient,
    media::MediaKey,
    packets::StoreAttempt,
};
use tokio::time::Instant;

use crate::{
    create_secret_nfts,
    disk::{close, Disk},
    until_within, LIMIT,
};

/// NFTs that one transaction mints.
const MINTED: usize = 200;

/// NFTs whose shares are stored at the same time.
const STORING: usize = 16;

/// How long all syncs may take to become final.
const SYNCED: Duration = Duration::from_secs(300);

/// Length of a share, about, in bytes.
const SHARE_LEN: f64 = 2_700.0;

/// What was measured.
#[derive(Debug)]
pub struct Filled {
    keyshares: usize,
    took: Duration,
    /// Most memory of one of the new enclaves, in MiB.
    memory: u64,
}

impl fmt::Display for Filled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { keyshares, took, memory } = self;
        let seconds = took.as_secs_f64();
        let megabytes = *keyshares as f64 * SHARE_LEN * f64::from(CLUSTER_SIZE) / 1e6;
        write!(
            f,
            "five enclaves filled with {keyshares} shares each in {seconds:.0} s, from their start, \
             attestation and assignment included: {:.1} MB/s together; {memory} MiB of memory at most",
            megabytes / seconds
        )
    }
}

/// Syncs so many keyshares on cluster 0, and adds cluster 1.
pub async fn fill(
    devnet: &mut Devnet,
    config: &DevnetConfig,
    count: usize,
) -> anyhow::Result<Filled> {
    let chain = devnet.chain().clone();
    let members = chain.finalized().await?.members(0).await?;
    let owner = dev::dave();
    let mut nfts = Vec::with_capacity(count);
    while nfts.len() < count {
        let batch = create_secret_nfts(&chain, &owner, MINTED.min(count - nfts.len())).await?;
        let stored = stream::iter(&batch).map(Ok::<_, anyhow::Error>);
        let (chain, members, owner) = (&chain, &members, &owner);
        stored
            .try_for_each_concurrent(STORING, |nft_id| store(chain, members, owner, *nft_id))
            .await?;
        nfts.extend(batch);
    }
    let expected = u64::try_from(count)?;
    until_within(SYNCED, "the syncs", || async {
        Ok(chain.finalized().await?.sync_count().await? >= expected)
    })
    .await?;

    let clock = Instant::now();
    devnet.add_cluster(config, Report::quiet()).await?;
    let took = clock.elapsed();
    let mut memory = 0;
    for enclave in devnet.enclaves.iter().skip(CLUSTER_SIZE as usize) {
        memory = memory.max(most_memory(enclave.process().id())?);
    }
    for index in CLUSTER_SIZE as usize..devnet.enclaves.len() {
        check(devnet, index, &nfts).await.with_context(|| format!("enclave {index}"))?;
    }
    Ok(Filled { keyshares: count, took, memory })
}

async fn store(
    chain: &Chain,
    members: &Members,
    owner: &Keypair,
    nft_id: NftId,
) -> anyhow::Result<()> {
    let client = EnclaveClient::new()?;
    let finalized = chain.finalized().await?.number();
    let attempt = StoreAttempt::new(owner, nft_id, &MediaKey::generate()?, finalized)?;
    let report = cluster::store(&client, members, &attempt, Instant::now() + LIMIT).await?;
    ensure!(report.is_complete(), "{report}");
    Ok(())
}

/// Memory of a process at its most, in MiB.
fn most_memory(id: u32) -> anyhow::Result<u64> {
    let status = fs::read_to_string(format!("/proc/{id}/status"))?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).context("no VmHWM")?;
    Ok(line.split_whitespace().nth(1).context("no number")?.parse::<u64>()? / 1024)
}

/// Ends an enclave and compares what it holds with the chain, one by one.
async fn check(devnet: &mut Devnet, index: usize, nfts: &[NftId]) -> anyhow::Result<()> {
    let chain = devnet.chain().clone();
    let enclave = devnet.enclaves.get_mut(index).context("there is no such enclave")?;
    enclave.stop(Duration::from_secs(20)).await?;
    let disk = Disk::of(index, enclave);
    let custody = disk.open(&chain).await?;
    disk.compare(&custody, &chain, nfts).await?;
    close(custody).await
}
