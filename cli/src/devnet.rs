// SPDX-License-Identifier: Apache-2.0
//! A whole network on this machine: one node, five simulated enclaves and the service that has the
//! collateral of their simulated hardware, as child processes. The enclaves attest to the chain,
//! and the committee creates cluster 0 and assigns its slots by motions.
//!
//! | module | holds |
//! |---|---|
//! | [`binaries`] | where the programs are |
//! | [`node`] | a node's process and its worker's key |
//! | [`spec`] | chain specifications with other periods |
//! | [`pccs`] | the process that serves collateral |
//! | [`enclave`] | an enclave's process |
//! | [`tls`] | certificates of the network's own authority |
//! | [`setup`] | money, registration, attestation, cluster and slots |
//!
//! The processes end with the program that started them, also if SIGKILL ends it (where `setpriv` is
//! installed, see [`Process::spawn`](crate::process::Process::spawn)).

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    net::{Ipv4Addr, TcpListener},
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{ensure, Context};
use tee_primitives::{cluster::CLUSTER_SIZE, RawAccountId};
use tee_wallet::{
    chain::Chain,
    enclave::{EnclaveClient, Health},
};

use self::enclave::Surroundings;
use crate::{keys::account, report::Report};

pub mod binaries;
pub mod enclave;
pub mod node;
pub mod pccs;
pub mod setup;
pub mod spec;
pub mod tls;

pub use binaries::Binaries;
pub use enclave::{EnclaveConfig, EnclaveProcess};
pub use node::{NodeConfig, NodeProcess};
pub use pccs::{PccsOptions, PccsProcess};
use tls::Authority;
pub use tls::DevnetTls;

/// The file with the chain's raw specification.
const RAW_SPEC: &str = "chain-raw.json";

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
    /// How many clusters of five enclaves there are.
    pub clusters: u16,
    /// The node's RPC port; 0 for a free one.
    pub rpc_port: u16,
    /// The first enclave's port, the others follow; 0 for free ones.
    pub first_enclave_port: u16,
    /// The port of the service for collateral; 0 for a free one.
    pub pccs_port: u16,
    /// What that service serves.
    pub pccs: PccsOptions,
    /// Periods that are to be others than the development network's, by their names in the chain's
    /// specification, for example `attestationValidity`.
    pub periods: BTreeMap<&'static str, u64>,
    /// Slots whose enclaves do not bring their attestations to the chain by themselves.
    pub push_off: BTreeSet<u16>,
    /// Slots whose enclaves follow the chain over another address than the node's.
    pub rpc_urls: BTreeMap<u16, String>,
    /// How the enclaves speak TLS.
    pub tls: DevnetTls,
}

impl DevnetConfig {
    /// A network on free ports, with the programs found beside this one.
    pub fn new(dir: impl Into<PathBuf>) -> anyhow::Result<Self> {
        Ok(Self::with_binaries(dir, Binaries::beside_this()?))
    }

    /// A network on free ports, with these programs.
    pub fn with_binaries(dir: impl Into<PathBuf>, binaries: Binaries) -> Self {
        Self {
            dir: dir.into(),
            binaries,
            clusters: 1,
            rpc_port: 0,
            first_enclave_port: 0,
            pccs_port: 0,
            pccs: PccsOptions::default(),
            periods: BTreeMap::new(),
            push_off: BTreeSet::new(),
            rpc_urls: BTreeMap::new(),
            tls: DevnetTls::Off,
        }
    }
}

/// A running network. Dropping it kills its processes; its folder stays.
///
/// Its processes end with the thread that starts them, which should live as long as the network:
/// call what starts or restarts them with `block_on` there, not in a task of several threads.
#[derive(Debug)]
pub struct Devnet {
    dir: PathBuf,
    /// The service for collateral.
    pub pccs: PccsProcess,
    /// The node.
    pub node: NodeProcess,
    /// The enclaves, by cluster and slot.
    pub enclaves: Vec<EnclaveProcess>,
    enclave_program: PathBuf,
    tls: DevnetTls,
    authority: Option<Authority>,
    chain: Chain,
    http: EnclaveClient,
}

impl Devnet {
    /// Starts everything; returns when all enclaves are in service.
    pub async fn start(config: DevnetConfig, report: Report) -> anyhow::Result<Self> {
        let mut devnet = Self::start_node(&config, report).await?;
        devnet.start_enclaves(&config, report).await?;
        devnet.attest_enclaves(report).await?;
        devnet.set_up_cluster(report).await?;
        Ok(devnet)
    }

    /// Starts the node, and what it needs, and waits for the first finalized block.
    pub async fn start_node(config: &DevnetConfig, report: Report) -> anyhow::Result<Self> {
        check_port(config.rpc_port, "--rpc-port")?;
        check_port(config.pccs_port, "--pccs-port")?;
        for offset in 0..enclave_count(config) {
            check_port(enclave_port(config, offset)?, "--enclave-port")?;
        }
        let dir = empty_dir(&config.dir)?;
        let Binaries { node: node_program, enclave: enclave_program, simulator } =
            config.binaries.clone();
        let pccs = PccsProcess::spawn(&simulator, &dir, config.pccs_port, config.pccs);
        let pccs = report.waiting("waiting for the service for collateral", pccs).await?;

        let mut arguments = vec![String::from("--dev")];
        let mut chain = String::from("dev");
        if !config.periods.is_empty() {
            let mut spec = spec::export(&node_program).await?;
            spec.set_periods(&config.periods)?;
            chain = spec.write(&dir.join("chain.json"))?;
            arguments.extend([String::from("--chain"), chain.clone()]);
        }
        arguments.extend([
            String::from("--pccs-url"),
            pccs.url(),
            // The enclaves are on this machine.
            String::from("--allow-private-enclaves"),
        ]);
        let node_config = NodeConfig {
            program: node_program,
            name: String::from("node"),
            dir: dir.clone(),
            rpc_port: config.rpc_port,
            arguments,
        };
        let raw_spec = dir.join(RAW_SPEC);
        let raw = spec::export_raw(&node_config.program, &chain, &raw_spec);
        report.waiting("writing down which chain it is", raw).await?;
        node::insert_worker_key(&node_config, &chain).await?;
        let node = NodeProcess::spawn(node_config);
        let node = report.waiting("waiting for the node", node).await?;
        let chain = Chain::connect(node.ws_url()).await?;
        let finalized =
            chain.wait_for("the first finalized block", FINALITY_LIMIT, |block| async move {
                Ok((block.number() > 0).then_some(()))
            });
        report.waiting("waiting for the first finalized block", finalized).await?;
        let is_authority = config.tls == DevnetTls::Authority;
        let authority = is_authority.then(|| Authority::create(&dir.join("tls"))).transpose()?;
        let http = authority.as_ref().map_or_else(EnclaveClient::of_operator, Authority::client)?;
        let (enclaves, tls) = (Vec::new(), config.tls);
        Ok(Self { dir, pccs, node, enclaves, enclave_program, tls, authority, chain, http })
    }

    /// Starts the enclaves and waits until they answer.
    pub async fn start_enclaves(
        &mut self,
        config: &DevnetConfig,
        report: Report,
    ) -> anyhow::Result<()> {
        self.spawn_enclaves(config, 0, report).await
    }

    async fn spawn_enclaves(
        &mut self,
        config: &DevnetConfig,
        first: u16,
        report: Report,
    ) -> anyhow::Result<()> {
        for slot in (first..).take(usize::from(enclave_count(config))) {
            let enclave = self.spawn_enclave(EnclaveConfig {
                name: format!("enclave-{}", slot + 1),
                port: enclave_port(config, slot)?,
                operator: setup::operator(slot)?,
                machine: u32::from(slot) + 1,
                measurement: None,
                isv_svn: None,
                next_abi: None,
                rpc_url: config.rpc_urls.get(&slot).cloned(),
                push: !config.push_off.contains(&slot),
            })?;
            self.enclaves.push(enclave);
        }
        for enclave in self.enclaves.iter_mut().skip(usize::from(first)) {
            report.waiting("waiting for the enclaves", enclave.wait_until_ready()).await?;
        }
        Ok(())
    }

    /// Starts an enclave beside the five; returns when it answers. It belongs to who called this,
    /// who may put it into the place of one of the five.
    pub async fn start_enclave(&self, config: EnclaveConfig) -> anyhow::Result<EnclaveProcess> {
        let mut enclave = self.spawn_enclave(config)?;
        enclave.wait_until_ready().await?;
        Ok(enclave)
    }

    fn spawn_enclave(&self, config: EnclaveConfig) -> anyhow::Result<EnclaveProcess> {
        let issued = self.authority.as_ref().map(|authority| authority.issue(&config.name));
        let surroundings = Surroundings {
            program: self.enclave_program.clone(),
            dir: self.dir.clone(),
            chain_spec: self.chain_spec(),
            rpc_url: self.node.ws_url().to_owned(),
            pccs_url: self.pccs.url(),
            tls: self.tls,
            ca: self.ca().map(Path::to_owned),
            certificate: issued.transpose()?,
        };
        Ok(EnclaveProcess::spawn(config, surroundings)?)
    }

    /// Funds and registers operators and enclaves, and waits until the finalized chain counts the
    /// attestation of every enclave.
    pub async fn attest_enclaves(&self, report: Report) -> anyhow::Result<()> {
        setup::attest_enclaves(self, 0, report).await
    }

    /// Has the committee create a cluster for every five enclaves and assign their slots, and waits
    /// until the enclaves see themselves in service.
    pub async fn set_up_cluster(&self, report: Report) -> anyhow::Result<()> {
        setup::set_up_clusters(self, 0, report).await
    }

    /// Starts five more enclaves and has the committee make a cluster of them; returns when they
    /// serve.
    pub async fn add_cluster(
        &mut self,
        config: &DevnetConfig,
        report: Report,
    ) -> anyhow::Result<()> {
        let known = self.enclaves.len();
        let first = u16::try_from(known).context("there are too many enclaves")?;
        let added = DevnetConfig { clusters: 1, ..config.clone() };
        self.spawn_enclaves(&added, first, report).await?;
        setup::attest_enclaves(self, known, report).await?;
        setup::set_up_clusters(self, known, report).await
    }

    /// The chain's raw specification.
    pub fn chain_spec(&self) -> PathBuf {
        self.dir.join(RAW_SPEC)
    }

    /// The certificate of the network's own authority, if it has one: what `NODE_EXTRA_CA_CERTS` and
    /// the like are set to.
    pub fn ca(&self) -> Option<&Path> {
        self.authority.as_ref().map(Authority::root)
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

    /// The account of the enclave in a slot.
    pub async fn account(&self, slot: usize) -> anyhow::Result<RawAccountId> {
        account(&self.health(slot).await?.enclave_address)
    }

    /// Fails if a process has ended by itself.
    pub fn check_running(&mut self) -> anyhow::Result<()> {
        self.pccs.check_running()?;
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

    /// The same with further flags of its program, see [`EnclaveProcess::restart_with`].
    pub async fn restart_enclave_with(
        &mut self,
        slot: usize,
        flags: &[&str],
    ) -> anyhow::Result<()> {
        let enclave = self.enclaves.get_mut(slot).context("there is no such slot")?;
        enclave.restart_with(flags).await?;
        setup::wait_until_one_serves(self, slot).await
    }

    /// Ends all processes in order: the enclaves, then the node, then the rest. Fails if one that
    /// was not killed on purpose does not end with success in time.
    pub async fn down(mut self) -> anyhow::Result<()> {
        let enclaves = self.enclaves.iter_mut().map(|enclave| enclave.stop(STOP_LIMIT));
        let stopped = futures::future::join_all(enclaves).await;
        self.node.stop(STOP_LIMIT).await?;
        self.pccs.stop(STOP_LIMIT).await?;
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

fn enclave_count(config: &DevnetConfig) -> u16 {
    // Five for each cluster.
    config.clusters.saturating_mul(CLUSTER_SIZE as u16)
}

fn enclave_port(config: &DevnetConfig, offset: u16) -> anyhow::Result<u16> {
    match config.first_enclave_port {
        0 => Ok(0),
        first => {
            first.checked_add(offset).context("--enclave-port is too high for that many enclaves")
        }
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
        let binaries = Binaries { node: missing(), enclave: missing(), simulator: missing() };
        let config = DevnetConfig::with_binaries(folder.path(), binaries);
        let error = Devnet::start(config, Report::quiet()).await.unwrap_err().to_string();
        assert!(error.contains("is not empty"), "{error}");
    }
}
