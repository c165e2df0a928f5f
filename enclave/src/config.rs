// SPDX-License-Identifier: Apache-2.0
//! Configuration. The simulated enclave takes flags, environment variables and a file ([`layers`]);
//! the one for SGX only a file, which is hostile ([`production`]). Names and checks of the values are
//! the same for all of them: each is a flag of [`Config`].

use std::{io, net::SocketAddr, num::NonZeroU32, path::PathBuf, process::ExitCode};

use clap::{value_parser, Args, ValueEnum};
use tee_primitives::RawAccountId;

use crate::{
    account,
    api::{ClientLimits, Rate},
    tls::TlsOptions,
};

pub mod layers;
pub mod production;

mod file;

/// Why there is no configuration. Values are not repeated: a URL can hold credentials.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("{path}: {error}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What went wrong.
        error: io::Error,
    },
    /// The file is larger than any configuration.
    #[error("{path}: larger than {} bytes", file::MAX_LEN)]
    TooLarge {
        /// The file.
        path: PathBuf,
    },
    /// The file is not TOML.
    #[error("{path}: line {line}: {reason}")]
    NotToml {
        /// The file.
        path: PathBuf,
        /// Where, from 1.
        line: usize,
        /// What is wrong.
        reason: String,
    },
    /// There is no such key, or it cannot be set in a file.
    #[error("{path}: unknown key `{key}`")]
    UnknownKey {
        /// The file.
        path: PathBuf,
        /// The key.
        key: String,
    },
    /// A value is not what it can be.
    #[error("{path}: {key}: {reason}")]
    Value {
        /// The file.
        path: PathBuf,
        /// Its key.
        key: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A key is missing that has no default.
    #[error("{path}: {key} is missing")]
    Missing {
        /// The file.
        path: PathBuf,
        /// The key.
        key: String,
    },
    /// What clap says of flags and environment; also its help.
    #[error(transparent)]
    Flags(#[from] clap::Error),
}

impl ConfigError {
    /// Says it, on standard error, or the help on standard output; the program's exit code.
    pub fn report(&self) -> ExitCode {
        match self {
            Self::Flags(error) => {
                // Nothing is left to be told if the terminal is gone.
                let _ = error.print();
                u8::try_from(error.exit_code()).unwrap_or(2).into()
            }
            error => {
                eprintln!("error: {error}");
                2.into()
            }
        }
    }
}

/// Which log lines of this program are written. Those of libraries never are: nobody has read them
/// for what they tell of requesters.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum LogLevel {
    /// What is broken.
    Error,
    /// Also what may need an operator.
    Warn,
    /// Also what happens seldom.
    Info,
    /// Also why single requests could not be decided.
    Debug,
}

/// How logs are written.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum LogFormat {
    /// Lines for people.
    Text,
    /// One JSON object per line.
    Json,
}

/// Whether the enclave brings its attestation to the chain by itself.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum AttestationPush {
    /// It does.
    On,
    /// It leaves it to the chain's off-chain worker, or to whoever asks for its quote.
    Off,
}

/// The enclave's configuration.
#[derive(Args, Clone, Debug)]
pub struct Config {
    /// Folder for the account and the store. It is made if it does not exist.
    #[arg(long, env = "TEE_ENCLAVE_DATA_DIR")]
    pub data_dir: PathBuf,

    /// Address for the HTTP API. Port 0 takes any free one.
    #[arg(long, env = "TEE_ENCLAVE_LISTEN", default_value = "127.0.0.1:0")]
    pub listen: SocketAddr,

    /// Raw specification of the chain that is served (made by `export-chain-spec --raw`). It is
    /// trusted: everything that the enclave believes of the chain is checked against it.
    #[arg(long, env = "TEE_ENCLAVE_CHAIN_SPEC")]
    pub chain_spec: PathBuf,

    /// RPC of a node of the chain; several for fail-over. Plain ws:// only to this machine.
    #[arg(
        long = "rpc-url",
        env = "TEE_ENCLAVE_RPC_URL",
        hide_env_values = true,
        value_delimiter = ',',
        required = true,
        value_parser = parse_rpc_url
    )]
    pub rpc_urls: Vec<String>,

    /// Account (SS58) of the operator for whom the enclave works.
    #[arg(long, env = "TEE_ENCLAVE_OPERATOR", value_parser = parse_operator)]
    pub operator: RawAccountId,

    /// PCCS from which collateral is fetched that the chain lacks, http:// or https://. What it gives is
    /// signed.
    #[arg(long, env = "TEE_ENCLAVE_PCCS_URL", hide_env_values = true, value_parser = parse_pccs_url)]
    pub pccs_url: Option<String>,

    /// Whether the enclave brings its attestation to the chain by itself.
    #[arg(
        long,
        env = "TEE_ENCLAVE_ATTESTATION_PUSH",
        value_enum,
        default_value_t = AttestationPush::On
    )]
    pub attestation_push: AttestationPush,

    /// How logs are written to standard error.
    #[arg(long, env = "TEE_ENCLAVE_LOG_FORMAT", value_enum, default_value_t = LogFormat::Text)]
    pub log_format: LogFormat,

    /// Which log lines are written.
    #[arg(long, env = "TEE_ENCLAVE_LOG_LEVEL", value_enum, default_value_t = LogLevel::Info)]
    pub log_level: LogLevel,

    /// Address for metrics and health over plain HTTP, on this machine's loopback only [default: none]
    #[arg(long, env = "TEE_ENCLAVE_METRICS_LISTEN", value_parser = parse_loopback)]
    pub metrics_listen: Option<SocketAddr>,

    /// Requests per second that each client address may send for long; 0 sets no limit. Other
    /// enclaves have a limit of their own.
    #[arg(long, env = "TEE_ENCLAVE_RATE_LIMIT", default_value_t = 0, value_parser = parse_bound)]
    pub rate_limit: u32,

    /// Requests that each client address may send at once before the rate limit slows it down.
    #[arg(
        long,
        env = "TEE_ENCLAVE_RATE_BURST",
        default_value_t = 100,
        value_parser = value_parser!(u32).range(1..=i64::from(MAX_BOUND))
    )]
    pub rate_burst: u32,

    /// Requests of one client address that are worked on at the same time; 0 sets no limit.
    #[arg(
        long,
        env = "TEE_ENCLAVE_CLIENT_REQUESTS",
        default_value_t = 0,
        value_parser = parse_bound
    )]
    pub client_requests: u32,

    /// How the API speaks TLS.
    #[command(flatten)]
    pub tls: TlsOptions,
}

/// Largest of the numbers that bound clients.
const MAX_BOUND: u32 = 1_000_000;

impl Config {
    /// Bounds on clients.
    pub fn client_limits(&self) -> ClientLimits {
        let rate = NonZeroU32::new(self.rate_limit).map(|per_second| Rate {
            per_second,
            burst: NonZeroU32::new(self.rate_burst).unwrap_or(NonZeroU32::MIN),
        });
        let concurrent = NonZeroU32::new(self.client_requests);
        ClientLimits { rate, concurrent }
    }
}

fn parse_bound(number: &str) -> Result<u32, String> {
    match number.parse() {
        Ok(bound @ 0..=MAX_BOUND) => Ok(bound),
        _ => Err(format!("not a number from 0 to {MAX_BOUND}")),
    }
}

fn parse_loopback(address: &str) -> Result<SocketAddr, &'static str> {
    let address: SocketAddr = address.parse().map_err(|_| "not an address and a port")?;
    match address.ip().is_loopback() {
        true => Ok(address),
        false => Err("the address must be one of the loopback interface, as 127.0.0.1"),
    }
}

fn parse_rpc_url(url: &str) -> Result<String, String> {
    if !(url.starts_with("ws://") || url.starts_with("wss://")) {
        return Err("the URL must begin with ws:// or wss://".into());
    }
    match subxt_rpcs::utils::url_is_secure(url) {
        Ok(true) => Ok(url.into()),
        Ok(false) => Err("to another machine the URL must begin with wss://".into()),
        Err(error) => Err(error.to_string()),
    }
}

fn parse_pccs_url(url: &str) -> Result<String, &'static str> {
    let parsed = reqwest::Url::parse(url).map_err(|_| "not a URL")?;
    if !matches!(parsed.scheme(), "http" | "https") {
        return Err("the URL must begin with http:// or https://");
    }
    if parsed.query().is_some() || parsed.fragment().is_some() {
        return Err("the URL must end with the host, the port or a path");
    }
    Ok(url.into())
}

fn parse_operator(address: &str) -> Result<RawAccountId, &'static str> {
    account::parse_address(address).ok_or("not an SS58 address of an account")
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Flags {
        #[command(flatten)]
        config: Config,
    }

    const OPERATOR: &str = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY";

    fn parse(rpc_url: &str, operator: &str) -> Result<Config, clap::Error> {
        parse_with(rpc_url, operator, &[])
    }

    fn parse_with(rpc_url: &str, operator: &str, more: &[&str]) -> Result<Config, clap::Error> {
        let flags = ["x", "--data-dir", "d", "--chain-spec", "s"];
        let named = ["--rpc-url", rpc_url, "--operator", operator];
        Flags::try_parse_from(flags.iter().chain(&named).chain(more)).map(|flags| flags.config)
    }

    #[test]
    fn attestation_is_pushed_unless_it_is_turned_off() {
        let parse = |more: &[&str]| parse_with("ws://127.0.0.1:9944", OPERATOR, more);
        assert_eq!(parse(&[]).unwrap().attestation_push, AttestationPush::On);
        let off = parse(&["--attestation-push", "off"]).unwrap();
        assert_eq!(off.attestation_push, AttestationPush::Off);
        assert!(parse(&["--attestation-push", "sometimes"]).is_err());
    }

    #[test]
    fn a_pccs_is_asked_by_http_with_or_without_tls() {
        let parse = |url| parse_with("ws://127.0.0.1:9944", OPERATOR, &["--pccs-url", url]);
        for url in ["http://127.0.0.1:8081", "http://pccs.example/", "https://pccs.example/sub"] {
            assert_eq!(parse(url).unwrap().pccs_url.as_deref(), Some(url));
        }
        for url in ["ws://pccs.example", "pccs.example", "http://", "http://x/?y", "http://x/#y"] {
            assert!(parse(url).is_err(), "{url}");
        }
    }

    #[test]
    fn several_nodes_can_be_given() {
        let config = parse("ws://127.0.0.1:9944,wss://node.example", OPERATOR).unwrap();
        assert_eq!(config.rpc_urls, ["ws://127.0.0.1:9944", "wss://node.example"]);
        assert_eq!(account::address(&config.operator), OPERATOR);
    }

    #[test]
    fn plain_ws_to_another_machine_and_bad_values_are_refused() {
        for url in ["ws://node.example:9944", "http://127.0.0.1:9944", "127.0.0.1", "", "ws://"] {
            assert!(parse(url, OPERATOR).is_err(), "{url}");
        }
        assert!(parse("ws://127.0.0.1:9944", "nobody").is_err());
    }
}
