// SPDX-License-Identifier: Apache-2.0
//! A whole network on this machine: one node and five simulated enclaves as child processes, with
//! cluster 0 created and its slots assigned by motions of the committee.
//!
//! | module | holds |
//! |---|---|
//! | [`binaries`] | where the programs are |
//! | [`node`] | a node's process |
//! | [`enclave`] | an enclave's process |
//! | [`setup`] | money, registration, cluster and slots |
//!
//! The processes end with the program that started them, also if SIGKILL ends it (where `setpriv` is
//! installed, see [`Process::spawn`](crate::process::Process::spawn)).

use std::{
    io,
    net::{Ipv4Addr, TcpListener},
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{ensure, Context};
use tee_primitives::cluster::CLUSTER_SIZE;
use tee_wallet::{
    chain::Chain,
    enclave::{EnclaveClient, Health},
};

use crate::report::Report;

pub mod binaries;
pub mod enclave;
pub mod node;
pub mod setup;

pub use binaries::Binaries;
pub use enclave::EnclaveProcess;
pub use node::{NodeConfig, NodeProcess};

/// How long the first finalized block may take.
const FINALITY_LIMIT: Duration = Duration::from_secs(60);

/// How long a process may take to end in order.
const STOP_LIMIT: Duration = Duration::from_secs(10);

/// How a network is started.
#[derive(Clone, Debug)]
pub struct DevnetConfig {
    /// The folder for data and logs; it must be empty or not exist.
    pub dir: PathBuf,
    /// The programs.
    pub binaries: Binaries,
    /// The node's RPC port; 0 for a free one.
    pub rpc_port: u16,
    /// The first enclave's port, the others follow; 0 for free ones.
    pub first_enclave_port: u16,
}

impl DevnetConfig {
    /// A network on free ports, with the programs found beside this one.
    pub fn new(dir: impl Into<PathBuf>) -> anyhow::Result<Self> {
        let binaries = Binaries::find(None, None)?;
        Ok(Self { dir: dir.into(), binaries, rpc_port: 0, first_enclave_port: 0 })
    }
}

/// A running network. Dropping it kills its processes; its folder stays.
///
/// Its processes end with the thread that starts them, which should live as long as the network:
/// call what starts or restarts them with `block_on` there, not in a task of several threads.
#[derive(Debug)]
pub struct Devnet {
    dir: PathBuf,
    /// The node.
    pub node: NodeProcess,
    /// The enclaves, by slot.
    pub enclaves: Vec<EnclaveProcess>,
    chain: Chain,
    http: EnclaveClient,
}

impl Devnet {
    /// Starts everything; returns when all enclaves are in service.
    pub async fn start(config: DevnetConfig, report: Report) -> anyhow::Result<Self> {
        let mut devnet = Self::start_node(&config, report).await?;
        devnet.start_enclaves(&config, report).await?;
        devnet.set_up_cluster(report).await?;
        Ok(devnet)
    }

    /// Starts the node and waits for the first finalized block.
    pub async fn start_node(config: &DevnetConfig, report: Report) -> anyhow::Result<Self> {
        check_port(config.rpc_port, "--rpc-port")?;
        for offset in 0..enclave_count() {
            check_port(enclave_port(config, offset)?, "--enclave-port")?;
        }
        let dir = empty_dir(&config.dir)?;
        let node = NodeProcess::spawn(NodeConfig {
            program: config.binaries.node.clone(),
            name: String::from("node"),
            dir: dir.clone(),
            rpc_port: config.rpc_port,
            arguments: vec![String::from("--dev")],
        });
        let node = report.waiting("waiting for the node", node).await?;
        let chain = Chain::connect(node.ws_url()).await?;
        let finalized =
            chain.wait_for("the first finalized block", FINALITY_LIMIT, |block| async move {
                Ok((block.number() > 0).then_some(()))
            });
        report.waiting("waiting for the first finalized block", finalized).await?;
        Ok(Self { dir, node, enclaves: Vec::new(), chain, http: EnclaveClient::new()? })
    }

    /// Starts the enclaves and waits until they answer.
    pub async fn start_enclaves(
        &mut self,
        config: &DevnetConfig,
        report: Report,
    ) -> anyhow::Result<()> {
        for slot in 0..enclave_count() {
            let enclave = EnclaveProcess::spawn(
                &config.binaries.enclave,
                &self.dir,
                slot + 1,
                enclave_port(config, slot)?,
                self.node.ws_url(),
                setup::operator(slot)?,
            )?;
            self.enclaves.push(enclave);
        }
        for enclave in &mut self.enclaves {
            report.waiting("waiting for the enclaves", enclave.wait_until_ready()).await?;
        }
        Ok(())
    }

    /// Funds and registers operators and enclaves, has the committee create cluster 0 and assign
    /// its slots, and waits until the enclaves see themselves in service.
    pub async fn set_up_cluster(&self, report: Report) -> anyhow::Result<()> {
        setup::set_up_cluster(self, report).await
    }

    /// The folder with data and logs.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The node's WebSocket address.
    pub fn ws_url(&self) -> &str {
        self.node.ws_url()
    }

    /// A connection to the node.
    pub fn chain(&self) -> &Chain {
        &self.chain
    }

    /// A client for the enclaves.
    pub fn http(&self) -> &EnclaveClient {
        &self.http
    }

    /// The health of the enclave in a slot.
    pub async fn health(&self, slot: usize) -> anyhow::Result<Health> {
        let enclave = self.enclaves.get(slot).context("there is no such slot")?;
        Ok(self.http.health(enclave.url()).await?)
    }

    /// Fails if a process has ended by itself.
    pub fn check_running(&mut self) -> anyhow::Result<()> {
        self.node.check_running()?;
        for enclave in &mut self.enclaves {
            enclave.check_running()?;
        }
        Ok(())
    }

    /// Ends the enclave in a slot, if it runs, and starts it again with its data; returns when it
    /// serves its slot.
    pub async fn restart_enclave(&mut self, slot: usize) -> anyhow::Result<()> {
        let enclave = self.enclaves.get_mut(slot).context("there is no such slot")?;
        enclave.restart().await?;
        setup::wait_until_one_serves(self, slot).await
    }

    /// Ends all processes in order: the enclaves, then the node. Fails if one that was not killed
    /// on purpose does not end with success in time.
    pub async fn down(mut self) -> anyhow::Result<()> {
        let enclaves = self.enclaves.iter_mut().map(|enclave| enclave.stop(STOP_LIMIT));
        let stopped = futures::future::join_all(enclaves).await;
        self.node.stop(STOP_LIMIT).await?;
        stopped.into_iter().collect::<Result<Vec<()>, _>>()?;
        Ok(())
    }
}

/// Creates a folder if it is absent; fails if there is something in it.
pub(crate) fn empty_dir(dir: &Path) -> anyhow::Result<PathBuf> {
    std::fs::create_dir_all(dir).with_context(|| format!("cannot create {}", dir.display()))?;
    let dir = dir.canonicalize().with_context(|| format!("cannot use {}", dir.display()))?;
    let mut entries = dir.read_dir().with_context(|| format!("cannot read {}", dir.display()))?;
    ensure!(
        entries.next().is_none(),
        "{} is not empty: remove it or choose another folder",
        dir.display()
    );
    Ok(dir)
}

fn enclave_count() -> u16 {
    // Five.
    CLUSTER_SIZE as u16
}

fn enclave_port(config: &DevnetConfig, offset: u16) -> anyhow::Result<u16> {
    match config.first_enclave_port {
        0 => Ok(0),
        first => first.checked_add(offset).context("--enclave-port is too high for five enclaves"),
    }
}

fn check_port(port: u16, option: &str) -> anyhow::Result<()> {
    match TcpListener::bind((Ipv4Addr::LOCALHOST, port)) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
            anyhow::bail!(
                "port {port} is taken: end what uses it, or choose another with {option} (0 takes \
                 a free one)"
            )
        }
        Err(error) => Err(error).with_context(|| format!("port {port} cannot be used")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_taken_port_is_named_with_the_option_that_changes_it() {
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = taken.local_addr().unwrap().port();
        let error = check_port(port, "--rpc-port").unwrap_err().to_string();
        assert!(error.contains(&port.to_string()) && error.contains("--rpc-port"), "{error}");
        assert!(check_port(0, "--rpc-port").is_ok());
    }

    #[tokio::test]
    async fn a_folder_with_something_in_it_is_not_used() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("precious"), "").unwrap();
        let missing = || folder.path().join("absent");
        let config = DevnetConfig {
            dir: folder.path().to_owned(),
            binaries: Binaries { node: missing(), enclave: missing() },
            rpc_port: 0,
            first_enclave_port: 0,
        };
        let error = Devnet::start(config, Report::quiet()).await.unwrap_err().to_string();
        assert!(error.contains("is not empty"), "{error}");
    }
}
