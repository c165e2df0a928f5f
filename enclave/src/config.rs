// SPDX-License-Identifier: Apache-2.0
//! Configuration: flags, each of which can also be an environment variable.

use std::{net::SocketAddr, path::PathBuf};

use clap::{Args, ValueEnum};
use tee_primitives::RawAccountId;

use crate::account;

/// How logs are written.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum LogFormat {
    /// Lines for people.
    Text,
    /// One JSON object per line.
    Json,
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

    /// RPC of a node of the chain; several for fail-over. Plain ws:// only to this machine.
    #[arg(
        long = "rpc-url",
        env = "TEE_ENCLAVE_RPC_URL",
        value_delimiter = ',',
        required = true,
        value_parser = parse_rpc_url
    )]
    pub rpc_urls: Vec<String>,

    /// Account (SS58) of the operator for whom the enclave works.
    #[arg(long, env = "TEE_ENCLAVE_OPERATOR", value_parser = parse_operator)]
    pub operator: RawAccountId,

    /// How logs are written to standard error. RUST_LOG sets which.
    #[arg(long, env = "TEE_ENCLAVE_LOG_FORMAT", value_enum, default_value_t = LogFormat::Text)]
    pub log_format: LogFormat,
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
        Flags::try_parse_from([
            "x",
            "--data-dir",
            "d",
            "--rpc-url",
            rpc_url,
            "--operator",
            operator,
        ])
        .map(|flags| flags.config)
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
