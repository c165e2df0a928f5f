// SPDX-License-Identifier: Apache-2.0
//! An enclave's process.

use std::{fs, io, path::PathBuf, process::Command, time::Duration};

use subxt_signer::sr25519::Keypair;
use tee_primitives::attestation::Measurement;
use tee_wallet::packets::ss58;

use super::tls::{CertificateFiles, DevnetTls};
use crate::process::{Process, ProcessError};

/// How long an enclave may take to open its port.
const READY_LIMIT: Duration = Duration::from_secs(30);

/// How an enclave is started.
#[derive(Clone, Debug)]
pub struct EnclaveConfig {
    /// Name of the process, of its data folder and of its log.
    pub name: String,
    /// The port of its API; 0 for a free one.
    pub port: u16,
    /// For whom it works.
    pub operator: Keypair,
    /// The simulated machine: a platform serves one slot number, so each enclave has its own.
    pub machine: u32,
    /// The measurement that the simulated machine reports; the program's default if not given.
    pub measurement: Option<Measurement>,
    /// The security version that it reports; the program's default if not given.
    pub isv_svn: Option<u16>,
    /// Another interface of the chain that its code knows, beside the program's own.
    pub next_abi: Option<u32>,
    /// The node's address, if it is to be another one than the network's.
    pub rpc_url: Option<String>,
    /// Whether the enclave brings its attestations to the chain by itself. The first one it must.
    pub push: bool,
}

/// What all enclaves of a network are told.
#[derive(Clone, Debug)]
pub(super) struct Surroundings {
    /// `tee-enclave-simulated`.
    pub program: PathBuf,
    /// The folder for data and logs.
    pub dir: PathBuf,
    /// Raw specification of the chain.
    pub chain_spec: PathBuf,
    /// The node.
    pub rpc_url: String,
    /// Where collateral comes from.
    pub pccs_url: String,
    /// How it speaks TLS.
    pub tls: DevnetTls,
    /// The authority that all enclaves of the network believe, beside what the chain attests.
    pub ca: Option<PathBuf>,
    /// The enclave's certificate, if that is an authority's.
    pub certificate: Option<CertificateFiles>,
}

/// A simulated enclave: running, or ended and able to be started again with its data and port.
/// Dropping it kills it.
#[derive(Debug)]
pub struct EnclaveProcess {
    config: EnclaveConfig,
    surroundings: Surroundings,
    /// What else the program is told.
    flags: Vec<String>,
    listen: String,
    url: String,
    process: Process,
}

impl EnclaveProcess {
    /// Starts an enclave; see [`wait_until_ready`](Self::wait_until_ready).
    pub(super) fn spawn(
        config: EnclaveConfig,
        surroundings: Surroundings,
    ) -> Result<Self, ProcessError> {
        let listen = format!("127.0.0.1:{}", config.port);
        let process = start(&config, &surroundings, &[], &listen)?;
        Ok(Self { config, surroundings, flags: Vec::new(), listen, url: String::new(), process })
    }

    /// Waits until it listens. Its port is the same from then on.
    pub async fn wait_until_ready(&mut self) -> Result<(), ProcessError> {
        let scheme = self.surroundings.tls.scheme();
        let line = format!("listening on {scheme}://");
        let listening = |said: &str| said.strip_prefix(&line).map(str::to_owned);
        self.listen = self.process.wait_for_line(READY_LIMIT, listening).await?;
        self.url = format!("{scheme}://{}", self.listen);
        Ok(())
    }

    /// Its name, for messages.
    pub fn name(&self) -> &str {
        &self.config.name
    }

    /// Where its API is.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Who runs it.
    pub fn operator(&self) -> &Keypair {
        &self.config.operator
    }

    /// How it was started.
    pub fn config(&self) -> &EnclaveConfig {
        &self.config
    }

    /// Where its account and its store are.
    pub fn data_dir(&self) -> PathBuf {
        data_dir(&self.config, &self.surroundings)
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
        self.process.kill()?;
        self.process = start(&self.config, &self.surroundings, &self.flags, &self.listen)?;
        self.wait_until_ready().await
    }

    /// Restarts it with further flags of its program, which it has from then on instead of the ones
    /// of the last such call.
    pub async fn restart_with(&mut self, flags: &[&str]) -> Result<(), ProcessError> {
        self.flags = flags.iter().map(|&flag| String::from(flag)).collect();
        self.restart().await
    }

    /// Ends it, if it runs, and removes its data: what a machine is like whose seal key has changed.
    /// Started again, it has another account.
    pub fn wipe(&mut self) -> Result<(), ProcessError> {
        self.process.kill()?;
        let dir = self.data_dir();
        match fs::remove_dir_all(&dir) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(ProcessError::Data { name: self.config.name.clone(), path: dir, source: error })
            }
            _ => Ok(()),
        }
    }
}

fn data_dir(config: &EnclaveConfig, surroundings: &Surroundings) -> PathBuf {
    surroundings.dir.join(&config.name)
}

fn start(
    config: &EnclaveConfig,
    surroundings: &Surroundings,
    flags: &[String],
    listen: &str,
) -> Result<Process, ProcessError> {
    let log = surroundings.dir.join(format!("{}.log", config.name));
    let mut command = command(config, surroundings, listen);
    command.args(flags);
    Process::spawn(config.name.clone(), command, &log)
}

fn command(config: &EnclaveConfig, surroundings: &Surroundings, listen: &str) -> Command {
    let mut command = Command::new(&surroundings.program);
    command
        .arg("--data-dir")
        .arg(data_dir(config, surroundings))
        .args(["--listen", listen])
        .arg("--chain-spec")
        .arg(&surroundings.chain_spec)
        .args(["--rpc-url", config.rpc_url.as_ref().unwrap_or(&surroundings.rpc_url)])
        .args(["--operator", &ss58(&config.operator.public_key().0)])
        .args(["--pccs-url", &surroundings.pccs_url])
        .args(["--machine", &config.machine.to_string()])
        .args(["--attestation-push", if config.push { "on" } else { "off" }])
        // As the manifest for SGX has it.
        .env("MALLOC_ARENA_MAX", "1");
    match &surroundings.certificate {
        Some(CertificateFiles { cert, key }) => {
            command.args(["--tls", "files", "--tls-cert"]).arg(cert).arg("--tls-key").arg(key)
        }
        None if surroundings.tls == DevnetTls::Off => command.args(["--tls", "off"]),
        None => command.args(["--tls", "self-signed", "--tls-domain", "localhost,127.0.0.1"]),
    };
    if let Some(ca) = &surroundings.ca {
        // Where the machine's authorities are looked for.
        command.env("SSL_CERT_FILE", ca);
    }
    if let Some(measurement) = &config.measurement {
        command.args(["--measurement", &hex::encode(measurement)]);
    }
    if let Some(isv_svn) = config.isv_svn {
        command.args(["--isv-svn", &isv_svn.to_string()]);
    }
    if let Some(abi) = config.next_abi {
        command.args(["--next-abi", &abi.to_string()]);
    }
    command
}

#[cfg(test)]
mod tests {
    use subxt_signer::sr25519::dev;

    use super::*;

    fn arguments(config: EnclaveConfig) -> String {
        arguments_with(config, DevnetTls::Off, None)
    }

    fn arguments_with(
        config: EnclaveConfig,
        tls: DevnetTls,
        certificate: Option<CertificateFiles>,
    ) -> String {
        let surroundings = Surroundings {
            program: PathBuf::from("enclave"),
            dir: PathBuf::from("net"),
            chain_spec: PathBuf::from("net/chain-raw.json"),
            rpc_url: String::from("ws://node"),
            pccs_url: String::from("http://pccs"),
            tls,
            ca: None,
            certificate,
        };
        let command = command(&config, &surroundings, "127.0.0.1:0");
        let arguments: Vec<_> = command.get_args().map(|it| it.to_string_lossy()).collect();
        arguments.join(" ")
    }

    #[test]
    fn an_enclave_is_told_its_machine_and_whether_it_brings_its_attestations() {
        let config = EnclaveConfig {
            name: String::from("enclave-1"),
            port: 0,
            operator: dev::alice(),
            machine: 3,
            measurement: None,
            isv_svn: None,
            next_abi: None,
            rpc_url: None,
            push: true,
        };
        let told = arguments(config.clone());
        for expected in [
            "--data-dir net/enclave-1 ",
            " --chain-spec net/chain-raw.json ",
            " --rpc-url ws://node ",
            " --pccs-url http://pccs ",
            " --machine 3 ",
            " --attestation-push on",
            " --tls off",
        ] {
            assert!(told.contains(expected), "{told}");
        }
        assert!(!told.contains("--measurement") && !told.contains("--isv-svn"), "{told}");
        let files = CertificateFiles { cert: PathBuf::from("c.pem"), key: PathBuf::from("k.pem") };
        let told = arguments_with(config.clone(), DevnetTls::SelfSigned, None);
        assert!(told.contains(" --tls self-signed --tls-domain localhost,127.0.0.1"), "{told}");
        let told = arguments_with(config.clone(), DevnetTls::Authority, Some(files));
        assert!(told.contains(" --tls files --tls-cert c.pem --tls-key k.pem"), "{told}");
        let other = EnclaveConfig {
            measurement: Some([0xab; 32]),
            isv_svn: Some(2),
            next_abi: Some(6),
            rpc_url: Some(String::from("ws://proxy")),
            push: false,
            ..config
        };
        let told = arguments(other);
        for expected in [
            " --attestation-push off",
            " --rpc-url ws://proxy ",
            &format!(" --measurement {}", "ab".repeat(32)),
            " --isv-svn 2",
            " --next-abi 6",
        ] {
            assert!(told.contains(expected), "{told}");
        }
    }
}
