// SPDX-License-Identifier: Apache-2.0
//! An enclave's process.

use std::{
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use subxt_signer::sr25519::Keypair;
use tee_wallet::packets::ss58;

use crate::process::{Process, ProcessError};

/// How long an enclave may take to open its port.
const READY_LIMIT: Duration = Duration::from_secs(30);

/// A simulated enclave: running, or ended and able to be started again with its data and port.
/// Dropping it kills it.
#[derive(Debug)]
pub struct EnclaveProcess {
    name: String,
    program: PathBuf,
    data_dir: PathBuf,
    log: PathBuf,
    listen: String,
    url: String,
    rpc_url: String,
    operator: Keypair,
    process: Process,
}

impl EnclaveProcess {
    /// Starts an enclave; see [`wait_until_ready`](Self::wait_until_ready).
    pub(super) fn spawn(
        program: &Path,
        dir: &Path,
        number: u16,
        port: u16,
        rpc_url: &str,
        operator: Keypair,
    ) -> Result<Self, ProcessError> {
        let name = format!("enclave-{number}");
        let (data_dir, log) = (dir.join(&name), dir.join(format!("{name}.log")));
        let listen = format!("127.0.0.1:{port}");
        let command = command(program, &data_dir, &listen, rpc_url, &operator);
        let process = Process::spawn(name.clone(), command, &log)?;
        Ok(Self {
            name,
            program: program.to_owned(),
            data_dir,
            log,
            listen,
            url: String::new(),
            rpc_url: rpc_url.to_owned(),
            operator,
            process,
        })
    }

    /// Waits until it listens. Its port is the same from then on.
    pub async fn wait_until_ready(&mut self) -> Result<(), ProcessError> {
        let listening = |line: &str| line.strip_prefix("listening on http://").map(str::to_owned);
        self.listen = self.process.wait_for_line(READY_LIMIT, listening).await?;
        self.url = format!("http://{}", self.listen);
        Ok(())
    }

    /// Its name, for messages.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where its API is.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Who runs it.
    pub fn operator(&self) -> &Keypair {
        &self.operator
    }

    /// Its process, to pause it or to look at it.
    pub fn process(&self) -> &Process {
        &self.process
    }

    /// Fails if it has ended by itself.
    pub fn check_running(&mut self) -> Result<(), ProcessError> {
        self.process.check_running()
    }

    /// Ends it at once (SIGKILL), as a crash would.
    pub fn kill(&mut self) -> Result<(), ProcessError> {
        self.process.kill()
    }

    /// Asks it to end (SIGTERM), see [`Process::stop`].
    pub async fn stop(&mut self, limit: Duration) -> Result<(), ProcessError> {
        self.process.stop(limit).await
    }

    /// Ends it, if it runs, and starts it again with the same data on the same port; returns when it
    /// listens.
    pub async fn restart(&mut self) -> Result<(), ProcessError> {
        let command =
            command(&self.program, &self.data_dir, &self.listen, &self.rpc_url, &self.operator);
        self.process.kill()?;
        self.process = Process::spawn(self.name.clone(), command, &self.log)?;
        self.wait_until_ready().await
    }
}

fn command(
    program: &Path,
    data_dir: &Path,
    listen: &str,
    rpc_url: &str,
    operator: &Keypair,
) -> Command {
    let mut command = Command::new(program);
    command
        .arg("--data-dir")
        .arg(data_dir)
        .args(["--listen", listen])
        .args(["--rpc-url", rpc_url])
        .args(["--operator", &ss58(&operator.public_key().0)]);
    command
}
