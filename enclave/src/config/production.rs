// SPDX-License-Identifier: Apache-2.0
//! The configuration of the enclave for SGX. Under Gramine the command line and the environment are
//! part of the measurement, so all operators have the same; what differs between them stands in one
//! file in the data folder.
//!
//! The host writes it, so it is hostile: bounded, and no key can do more than the host can do anyway
//! (`docs/security.md` has the list). What the enclave's promises depend on, foremost the chain's
//! specification, is not in it: it is measured.

use std::{
    ffi::OsString,
    path::{Component, Path},
};

use clap::{CommandFactory, Parser};

use super::{
    file,
    layers::{self, Parsed},
    Config, ConfigError,
};

/// The folder for account and store: the only one that the host can write.
pub const DATA_DIR: &str = "/data";

/// The file with what operators may choose.
pub const CONFIG_FILE: &str = "/data/config.toml";

/// The chain's specification. Its hash is part of the measurement.
pub const CHAIN_SPEC: &str = "/etc/tee-enclave/chain-spec.json";

/// What operators may choose: these keys, and no others.
pub const KEYS: [&str; 18] = [
    "acme_contact",
    "acme_directory",
    "acme_root",
    "attestation_push",
    "client_requests",
    "listen",
    "log_format",
    "log_level",
    "metrics_listen",
    "operator",
    "pccs_url",
    "rate_burst",
    "rate_limit",
    "rpc_url",
    "tls",
    "tls_cert",
    "tls_domain",
    "tls_key",
];

/// What is so if the file does not say otherwise, and differs from the simulated enclave's.
const DEFAULTS: [(&str, &str); 3] =
    [("listen", "0.0.0.0:8443"), ("rate_limit", "20"), ("client_requests", "64")];

#[derive(Parser)]
#[command(name = "tee-enclave")]
struct Flags {
    #[command(flatten)]
    config: Config,
}

/// Reads the file. Neither the command line nor the environment has a say.
pub fn read(path: &Path) -> Result<Parsed<Config>, ConfigError> {
    let command = Flags::command().mut_args(|argument| argument.env(None::<&'static str>));
    let entries = layers::known(&command, path, file::read(path)?, |key| KEYS.contains(&key))?;
    let fixed = [("data_dir", DATA_DIR), ("chain_spec", CHAIN_SPEC)];
    let defaults = DEFAULTS.iter().filter(|(key, _)| !entries.iter().any(|e| e.key == *key));
    let mut arguments = vec![OsString::from("tee-enclave")];
    for (key, value) in fixed.iter().chain(defaults) {
        arguments.push(format!("--{}={value}", key.replace('_', "-")).into());
    }
    arguments.extend(entries.iter().flat_map(file::Entry::arguments).map(OsString::from));
    let file = Some((path, entries.as_slice()));
    let parsed = layers::finish::<Flags>(command, &arguments, file, "default")
        .map_err(|error| missing(path, error))?;
    let config = parsed.value.config;
    check_files(path, &config)?;
    Ok(Parsed { value: config, shown: parsed.shown })
}

/// The host has no say in which of the enclave's other files are opened, foremost not Gramine's.
fn check_files(path: &Path, config: &Config) -> Result<(), ConfigError> {
    let tls = &config.tls;
    let named = [("tls_cert", &tls.cert), ("tls_key", &tls.key), ("acme_root", &tls.acme_root)];
    for (key, file) in named {
        let Some(file) = file else { continue };
        let is_below = file.strip_prefix(DATA_DIR).is_ok_and(|rest| {
            rest.components().all(|component| matches!(component, Component::Normal(_)))
        });
        if !is_below {
            let reason = format!("the file must be below {DATA_DIR}");
            return Err(ConfigError::Value { path: path.into(), key: key.into(), reason });
        }
    }
    Ok(())
}

/// Speaks of keys, not of flags.
fn missing(path: &Path, error: ConfigError) -> ConfigError {
    use clap::error::{ContextKind, ContextValue};
    let ConfigError::Flags(flags) = &error else { return error };
    let Some(ContextValue::Strings(names)) = flags.get(ContextKind::InvalidArg) else {
        return error;
    };
    let keys = names.iter().filter_map(|name| name.split(' ').next());
    let keys = keys.map(|name| name.trim_start_matches('-').replace('-', "_"));
    ConfigError::Missing { path: path.into(), key: keys.collect::<Vec<_>>().join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{LogFormat, LogLevel};

    const OPERATOR: &str = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY";

    fn read_text(text: &str) -> Result<Parsed<Config>, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.toml");
        std::fs::write(&path, text).unwrap();
        read(&path).map_err(|error| error.to_string())
    }

    fn with(more: &str) -> Result<Parsed<Config>, String> {
        read_text(&format!("operator = '{OPERATOR}'\nrpc_url = 'wss://node.example'\n{more}"))
    }

    #[test]
    fn two_keys_are_enough() {
        let config = with("").unwrap().value;
        assert_eq!(config.data_dir, Path::new(DATA_DIR));
        assert_eq!(config.chain_spec, Path::new(CHAIN_SPEC));
        assert_eq!(config.listen, "0.0.0.0:8443".parse().unwrap());
        assert_eq!((config.log_level, config.log_format), (LogLevel::Info, LogFormat::Text));
        assert_eq!(config.metrics_listen, None);
        let limits = config.client_limits();
        assert_eq!(limits.rate.unwrap().per_second.get(), 20);
        assert_eq!(limits.concurrent.unwrap().get(), 64);
    }

    #[test]
    fn files_are_in_the_data_folder() {
        for key in ["tls_cert", "tls_key", "acme_root"] {
            for file in ["/dev/attestation/quote", "/data/../etc/passwd", "cert.pem", "/database/x"]
            {
                let error = with(&format!("{key} = '{file}'\n")).unwrap_err();
                assert!(error.contains(key) && error.contains("below /data"), "{error}");
            }
        }
    }

    #[test]
    fn every_key_can_be_set() {
        let text = "listen = '[::]:443'\nlog_format = 'json'\nlog_level = 'warn'\nrate_limit = 0\n\
                    metrics_listen = '127.0.0.1:9100'\npccs_url = 'http://pccs.example'\n\
                    attestation_push = 'off'\nrate_burst = 9\nclient_requests = 0\n\
                    tls = 'acme'\ntls_domain = ['a.example', 'b.example']\n\
                    tls_cert = '/data/cert.pem'\ntls_key = '/data/key.pem'\n\
                    acme_contact = 'me@a.example'\nacme_root = '/data/root.pem'\n\
                    acme_directory = 'https://authority.example/directory'\n";
        let parsed = with(text).unwrap();
        let config = parsed.value;
        assert_eq!(config.metrics_listen, Some("127.0.0.1:9100".parse().unwrap()));
        assert_eq!((config.log_level, config.log_format), (LogLevel::Warn, LogFormat::Json));
        assert!(config.client_limits().rate.is_none());
        assert!(config.client_limits().concurrent.is_none());
        for key in KEYS {
            let line = parsed.shown.lines().find(|line| line.starts_with(&format!("{key} = ")));
            assert!(line.is_some_and(|line| line.ends_with("# file")), "{key}: {}", parsed.shown);
        }
    }

    #[test]
    fn nothing_else_can_be_set() {
        let command = Flags::command();
        let all = command.get_arguments().filter_map(file::key);
        let others: Vec<_> = all.filter(|key| !KEYS.contains(&key.as_str())).collect();
        assert!(others.iter().any(|key| key == "chain_spec"));
        for key in others.iter().map(String::as_str).chain(["config", "help", "x", ""]) {
            let said = with(&format!("\"{key}\" = '/data/other'")).map(|_| ()).unwrap_err();
            assert!(said.ends_with(&format!("unknown key `{key}`")), "{said}");
        }
    }

    #[test]
    fn what_is_missing_is_named() {
        let said = read_text("").map(|_| ()).unwrap_err();
        assert!(said.ends_with("config.toml: rpc_url, operator is missing"), "{said}");
        assert!(read(Path::new("/nowhere/config.toml")).is_err());
    }

    #[test]
    fn hostile_values_are_refused_and_not_repeated() {
        let many = format!("rpc_url = [{}]", "'wss://secret.example',".repeat(17));
        for text in [
            "rpc_url = 'ws://secret.example'",
            "rpc_url = \"wss://secret.example\\n\"",
            "rpc_url = ['wss://secret', '--chain-spec=/data/own']",
            "rpc_url = []",
            &many,
        ] {
            let text = format!("operator = '{OPERATOR}'\n{text}");
            let said = read_text(&text).map(|_| ()).unwrap_err();
            assert!(said.contains("rpc_url: ") && !said.contains("secret"), "{text}: {said}");
        }
        for text in [
            "listen = 'secret:1'",
            "listen = '127.0.0.1'",
            "log_level = 'trace'",
            "log_level = 'tee_enclave=trace'",
            "metrics_listen = '[::]:9100'",
            "metrics_listen = '192.0.2.1:9100'",
            "rate_limit = -1",
            "rate_limit = 4294967296",
            "rate_burst = 0",
            "pccs_url = 'file:///data/secret'",
        ] {
            let said = with(text).map(|_| ()).unwrap_err();
            let key = text.split(' ').next().unwrap();
            assert!(said.contains(&format!(" {key}: ")) && !said.contains("secret"), "{said}");
        }
        let said = with(&format!("operator = '{OPERATOR}'")).map(|_| ()).unwrap_err();
        assert!(said.contains("line 3") && said.contains("duplicate key"), "{said}");
    }
}
