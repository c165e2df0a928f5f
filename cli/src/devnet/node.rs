// SPDX-License-Identifier: Apache-2.0
//! A node's process.

use std::{path::PathBuf, process::Command, str::FromStr, time::Duration};

use subxt_signer::{sr25519::Keypair, SecretUri};

use crate::process::{run_to_end, Process, ProcessError};

/// How long a node may take to open its RPC port.
const READY_LIMIT: Duration = Duration::from_secs(90);

/// How long a command of the node's program may take that does not run the node.
pub(super) const COMMAND_LIMIT: Duration = Duration::from_secs(60);

/// The key with which the node's off-chain worker signs.
const WORKER: &str = "//Worker";

/// The key with which a node's off-chain worker signs what it brings to the chain.
pub fn worker() -> anyhow::Result<Keypair> {
    Ok(Keypair::from_uri(&SecretUri::from_str(WORKER)?)?)
}

/// Puts the worker's key into a node's keystore, before it starts. `chain` is what names the chain
/// on its command line.
pub async fn insert_worker_key(config: &NodeConfig, chain: &str) -> anyhow::Result<()> {
    let mut command = Command::new(&config.program);
    command
        .args(["key", "insert", "--key-type", "tee_", "--scheme", "sr25519", "--suri", WORKER])
        .args(["--chain", chain, "--base-path"])
        .arg(config.dir.join(&config.name));
    run_to_end(command, COMMAND_LIMIT).await?;
    Ok(())
}

/// How a node is started.
#[derive(Clone, Debug)]
pub struct NodeConfig {
    /// `tee-node`.
    pub program: PathBuf,
    /// Name of the process, of its data folder and of its log.
    pub name: String,
    /// The folder that gets both.
    pub dir: PathBuf,
    /// The RPC port; 0 for a free one.
    pub rpc_port: u16,
    /// Further arguments: which chain, which keys, which peers.
    pub arguments: Vec<String>,
}

/// A running node. Dropping it kills it.
#[derive(Debug)]
pub struct NodeProcess {
    process: Process,
    ws_url: String,
}

impl NodeProcess {
    /// Starts a node that keeps all states, on a free peer-to-peer port, and waits until it serves
    /// RPC.
    pub async fn spawn(config: NodeConfig) -> Result<Self, ProcessError> {
        let mut command = Command::new(&config.program);
        command
            .arg("--base-path")
            .arg(config.dir.join(&config.name))
            .args(["--rpc-port", &config.rpc_port.to_string()])
            .args(["--port", "0", "--no-prometheus", "--no-telemetry"])
            .args(["--state-pruning", "archive", "--blocks-pruning", "archive"])
            .args(&config.arguments);
        let log = config.dir.join(format!("{}.log", config.name));
        let mut process = Process::spawn(config.name, command, &log)?;
        let ws_url = process.wait_for_line(READY_LIMIT, rpc_url).await?;
        Ok(Self { process, ws_url })
    }

    /// Its WebSocket address.
    pub fn ws_url(&self) -> &str {
        &self.ws_url
    }

    /// Its process, to pause it or to look at it.
    pub fn process(&self) -> &Process {
        &self.process
    }

    /// Fails if it has ended by itself.
    pub fn check_running(&mut self) -> Result<(), ProcessError> {
        self.process.check_running()
    }

    /// Ends it at once (SIGKILL).
    pub fn kill(&mut self) -> Result<(), ProcessError> {
        self.process.kill()
    }

    /// Asks it to end (SIGTERM), see [`Process::stop`].
    pub async fn stop(&mut self, limit: Duration) -> Result<(), ProcessError> {
        self.process.stop(limit).await
    }
}

/// The address in the node's line about its RPC server; it may list several.
fn rpc_url(line: &str) -> Option<String> {
    let (_, addresses) = line.split_once("Running JSON-RPC server: addr=")?;
    let mut addresses = addresses.split([',', ' ']);
    let address = addresses.find(|address| address.starts_with("127.0.0.1:"))?;
    Some(format!("ws://{address}"))
}

#[cfg(test)]
mod tests {
    use super::rpc_url;

    #[test]
    fn the_rpc_address_is_read_from_the_nodes_output() {
        let line = "2026-01-01 00:00:00 Running JSON-RPC server: addr=127.0.0.1:41000,[::1]:41000";
        assert_eq!(rpc_url(line).as_deref(), Some("ws://127.0.0.1:41000"));
        let line = "Running JSON-RPC server: addr=[::1]:9944,127.0.0.1:9944";
        assert_eq!(rpc_url(line).as_deref(), Some("ws://127.0.0.1:9944"));
        assert_eq!(rpc_url("Imported #1"), None);
    }
}
