// SPDX-License-Identifier: Apache-2.0
//! Configuration: flags, each of which can also be an environment variable.

use std::{net::SocketAddr, path::PathBuf};

use clap::{Args, ValueEnum};
use tee_primitives::RawAccountId;

use crate::{account, tls::TlsOptions};

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

    /// How logs are written to standard error. RUST_LOG sets which.
    #[arg(long, env = "TEE_ENCLAVE_LOG_FORMAT", value_enum, default_value_t = LogFormat::Text)]
    pub log_format: LogFormat,

    /// How the API speaks TLS.
    #[command(flatten)]
    pub tls: TlsOptions,
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
