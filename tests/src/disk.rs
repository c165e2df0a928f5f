// SPDX-License-Identifier: Apache-2.0
//! What an enclave holds, read from its store when it has ended.

use std::path::PathBuf;

use anyhow::{bail, ensure, Context};
use tee_cli::devnet::EnclaveProcess;
use tee_enclave::{custody::Custody, platform::Platform, seal::Sealer, store::VersionKey};
use tee_enclave_simulated::Simulated;
use tee_primitives::{cluster::CLUSTER_SIZE, nft::NftId};
use tee_wallet::chain::Chain;

use crate::{keyshares, SECRET};

/// The data of an enclave that has ended.
#[derive(Debug)]
pub struct Disk {
    index: usize,
    folder: PathBuf,
    machine: u32,
}

impl Disk {
    /// Of the network's enclave with this index: by cluster and slot.
    pub fn of(index: usize, enclave: &EnclaveProcess) -> Self {
        Self { index, folder: enclave.data_dir(), machine: enclave.config().machine }
    }

    /// The index.
    pub fn index(&self) -> usize {
        self.index
    }

    /// Opens account and store. To be closed by [`close`].
    pub async fn open(&self, chain: &Chain) -> anyhow::Result<Custody> {
        let machine = Simulated::new(&self.folder, self.machine, None, 0);
        let sealer = Sealer::new(&*machine.seal_key()?);
        let genesis = chain.finalized_block(0).await?.hash();
        Ok(Custody::open(&self.folder, &sealer, genesis)?)
    }

    /// Compares what is held of synced NFTs with the chain's commitments, one by one.
    pub async fn compare(
        &self,
        custody: &Custody,
        chain: &Chain,
        nfts: &[NftId],
    ) -> anyhow::Result<()> {
        let genesis = custody.store.genesis_hash();
        for &nft_id in nfts {
            let synced = keyshares(chain, nft_id).await?.synced.context("not synced")?;
            let version = VersionKey { nft_id, kind: SECRET, version: synced.version };
            let records = custody.store.records(&version)?;
            let [(key, record)] = records.as_slice() else {
                bail!("{} records of NFT {nft_id}", records.len());
            };
            let expected = synced.commitments[self.index % CLUSTER_SIZE as usize];
            ensure!(record.commitment(genesis, key) == expected, "NFT {nft_id}: another share");
        }
        Ok(())
    }
}

/// Closes a store, so that it can be opened again.
pub async fn close(custody: Custody) -> anyhow::Result<()> {
    let Custody { store, store_task, .. } = custody;
    drop(store);
    Ok(store_task.await??)
}
