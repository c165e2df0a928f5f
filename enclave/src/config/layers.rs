// SPDX-License-Identifier: Apache-2.0
//! Flags before environment before file before defaults.
//!
//! A value from the file is put behind the flags as if it had been one, unless flag or environment
//! give another. So there is one list of names, and one check of each value.

use std::{
    error::Error,
    ffi::{OsStr, OsString},
    fmt::Write,
    path::{Path, PathBuf},
};

use clap::{
    error::{ContextKind, ContextValue, ErrorKind},
    parser::ValueSource,
    ArgMatches, Args, Command, Parser,
};
use toml::Value;

use super::{
    file::{self, Entry},
    ConfigError,
};

/// From where else configuration is taken, and what is done with it.
#[derive(Args, Clone, Debug)]
pub struct Sources {
    /// File (TOML) with what flags and environment do not set. Its keys are the flags' names, with _
    /// for -.
    #[arg(long, env = "TEE_ENCLAVE_CONFIG")]
    pub config: Option<PathBuf>,

    /// Print the configuration that the enclave would have, without credentials, and exit.
    #[arg(long)]
    pub print_config: bool,
}

/// Flags that are no keys of a file.
const NO_KEYS: [&str; 4] = ["config", "print_config", "help", "version"];

/// From where a value is that a flag gives.
const FLAG: &str = "flag";

/// A configuration, and how it can be shown.
#[derive(Debug)]
pub struct Parsed<P> {
    /// The configuration.
    pub value: P,
    /// All of it, as a file could have it; of URLs no more than the host.
    pub shown: String,
}

/// Reads the configuration. `P` must have [`Sources`] among its flags.
pub fn parse<P: Parser>(
    arguments: impl IntoIterator<Item = OsString>,
) -> Result<Parsed<P>, ConfigError> {
    let mut arguments: Vec<_> = arguments.into_iter().collect();
    let given = P::command()
        .mut_args(|argument| argument.required(false))
        .try_get_matches_from(&arguments)?;
    let Some(path) = given.get_one::<PathBuf>("config") else {
        return finish(P::command(), &arguments, None, FLAG);
    };
    let command = P::command();
    let mut entries = Vec::new();
    for entry in known(&command, path, file::read(path)?, |key| !NO_KEYS.contains(&key))? {
        let id = file::argument(&command, &entry.key).map(|argument| argument.get_id().as_str());
        let source = id.and_then(|id| given.value_source(id));
        if !matches!(source, Some(ValueSource::CommandLine | ValueSource::EnvVariable)) {
            arguments.extend(entry.arguments().map(OsString::from));
            entries.push(entry);
        }
    }
    finish(command, &arguments, Some((path.as_path(), entries.as_slice())), FLAG)
}

/// The entries, if there is a flag for each and `may` says that the file may set it.
pub(super) fn known(
    command: &Command,
    path: &Path,
    entries: Vec<Entry>,
    may: impl Fn(&str) -> bool,
) -> Result<Vec<Entry>, ConfigError> {
    for Entry { key, .. } in &entries {
        if file::argument(command, key).is_none() || !may(key) {
            return Err(ConfigError::UnknownKey { path: path.into(), key: key.clone() });
        }
    }
    Ok(entries)
}

/// Parses flags to which those of a file were added. `origin` is what the others are shown to be from.
pub(super) fn finish<P: Parser>(
    command: Command,
    arguments: &[OsString],
    file: Option<(&Path, &[Entry])>,
    origin: &str,
) -> Result<Parsed<P>, ConfigError> {
    let described = |error: clap::Error| match file {
        Some((path, entries)) => of_file(path, entries, error),
        None => error.into(),
    };
    let matches = command.clone().try_get_matches_from(arguments).map_err(described)?;
    let value = P::from_arg_matches(&matches).map_err(described)?;
    let entries = file.map_or(&[][..], |(_, entries)| entries);
    Ok(Parsed { value, shown: show(&command, &matches, entries, origin) })
}

/// Says of an error in which key of the file it is, if it is.
fn of_file(path: &Path, entries: &[Entry], error: clap::Error) -> ConfigError {
    let Some(ContextValue::String(argument)) = error.get(ContextKind::InvalidArg) else {
        return error.into();
    };
    // It is shown as `--name <VALUE>`.
    let name = argument.split(' ').next().unwrap_or_default().trim_start_matches('-');
    let key = name.replace('-', "_");
    if !entries.iter().any(|entry| entry.key == key) {
        return error.into();
    }
    let reason = match (error.kind(), error.source()) {
        (ErrorKind::InvalidValue, _) => match error.get(ContextKind::ValidValue) {
            Some(ContextValue::Strings(values)) if !values.is_empty() => {
                format!("must be one of {}", values.join(", "))
            }
            _ => "must not be empty".into(),
        },
        (ErrorKind::ArgumentConflict, _) => "takes one value, not a list".into(),
        (_, Some(source)) => source.to_string(),
        (kind, None) => kind.to_string(),
    };
    ConfigError::Value { path: path.into(), key, reason }
}

/// All values, one per line, and from where each is.
fn show(command: &Command, matches: &ArgMatches, from_file: &[Entry], origin: &str) -> String {
    let mut shown = String::new();
    for argument in command.get_arguments() {
        let Some(key) = file::key(argument).filter(|key| !NO_KEYS.contains(&key.as_str())) else {
            continue;
        };
        let id = argument.get_id().as_str();
        let values: Vec<_> = matches.get_raw(id).into_iter().flatten().map(text).collect();
        let source = match matches.value_source(id) {
            _ if from_file.iter().any(|entry| entry.key == key) => "file",
            Some(ValueSource::CommandLine) => origin,
            Some(ValueSource::EnvVariable) => "environment",
            _ => "default",
        };
        // Writing to a string does not fail.
        let _ = match values.as_slice() {
            [] => writeln!(shown, "# {key} is not set"),
            [value] => writeln!(shown, "{key} = {} # {source}", toml_of(value)),
            values => {
                let list: Vec<_> = values.iter().map(|value| toml_of(value).to_string()).collect();
                writeln!(shown, "{key} = [{}] # {source}", list.join(", "))
            }
        };
    }
    shown
}

fn text(value: &OsStr) -> String {
    redacted(&value.to_string_lossy())
}

fn toml_of(value: &str) -> Value {
    match value.parse() {
        Ok(number) => Value::Integer(number),
        Err(_) => Value::String(value.into()),
    }
}

/// Of a URL only scheme, host and port: what stands before or behind them can be a key.
fn redacted(value: &str) -> String {
    let redact = |url: &str| {
        let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
        let end = rest.find(['/', '?', '#', '\\']).unwrap_or(rest.len());
        let (authority, behind) = rest.split_at(end);
        let host = authority.rsplit('@').next().unwrap_or_default();
        let before = if host.len() < authority.len() { "***@" } else { "" };
        let behind = if behind.trim_matches('/').is_empty() { behind } else { "/***" };
        format!("{scheme}://{before}{host}{behind}")
    };
    value.split(',').map(redact).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    #[derive(Parser)]
    struct Flags {
        #[command(flatten)]
        sources: Sources,
        #[command(flatten)]
        config: Config,
        /// Stands in for the variable that a test cannot set for all of the process.
        #[arg(long, env = "PATH")]
        searched: Option<String>,
    }

    const REQUIRED: &str = "data_dir = 'd'\nchain_spec = 's'\nrpc_url = 'ws://127.0.0.1:1'\n\
                            operator = '5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY'\n";

    struct File(tempfile::TempDir);

    impl File {
        fn with(more: &str) -> Self {
            let folder = tempfile::tempdir().unwrap();
            std::fs::write(folder.path().join("c.toml"), format!("{REQUIRED}{more}")).unwrap();
            Self(folder)
        }

        fn parse(&self, flags: &[&str]) -> Result<Parsed<Flags>, ConfigError> {
            let path = self.0.path().join("c.toml");
            let named = ["x".into(), "--config".into(), path.into_os_string()];
            parse(named.into_iter().chain(flags.iter().map(OsString::from)))
        }

        fn error(&self, flags: &[&str]) -> String {
            self.parse(flags).map(|_| ()).unwrap_err().to_string()
        }
    }

    #[test]
    fn flags_come_before_environment_before_file_before_defaults() {
        let file = File::with("rate_burst = 7\nrate_limit = 5\nsearched = 'by file'\n");
        let parsed = file.parse(&["--rate-limit", "9"]).unwrap();
        let Flags { config, searched, sources } = parsed.value;
        assert_eq!((config.rate_limit, config.rate_burst), (9, 7));
        assert_eq!((config.client_requests, sources.print_config), (0, false));
        assert_eq!(searched, std::env::var("PATH").ok());
        for line in
            ["rate_limit = 9 # flag", "rate_burst = 7 # file", "client_requests = 0 # default"]
        {
            assert!(parsed.shown.lines().any(|shown| shown == line), "{}", parsed.shown);
        }
        assert!(parsed.shown.contains("# metrics_listen is not set"));
        assert!(parsed
            .shown
            .lines()
            .any(|line| line.starts_with("searched = ") && line.ends_with("# environment")));
        // What is given twice is not an error, and the file's value does not count.
        let parsed = file.parse(&["--searched", "by flag"]).unwrap();
        assert_eq!(parsed.value.searched.as_deref(), Some("by flag"));
    }

    #[test]
    fn an_error_names_the_file_and_the_key_and_never_the_value() {
        let cases = [
            ("listen = 'secret'", "c.toml: listen: "),
            ("pccs_url = 'ftp://a:secret@b'", "c.toml: pccs_url: the URL must begin with http"),
            ("log_format = 'secret'", "c.toml: log_format: must be one of text, json"),
            ("rate_burst = 0", "c.toml: rate_burst: 0 is not in 1..=1000000"),
            ("metrics_listen = '0.0.0.0:1'", "c.toml: metrics_listen: the address must be one of"),
            ("secret_key = 1", "c.toml: unknown key `secret_key`"),
            ("config = 'other.toml'", "c.toml: unknown key `config`"),
            ("print_config = true", "c.toml: unknown key `print_config`"),
            ("help = true", "c.toml: unknown key `help`"),
            ("rate-limit = 1", "c.toml: unknown key `rate-limit`"),
            ("listen = ['127.0.0.1:1', '127.0.0.1:2']", "c.toml: listen: "),
        ];
        for (line, expected) in cases {
            let said = File::with(line).error(&[]);
            assert!(said.contains(expected), "{line}: {said}");
            assert!(!said.contains(":secret") && !said.contains("'secret"), "{line}: {said}");
        }
    }

    #[test]
    fn what_is_missing_everywhere_is_named() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("c.toml"), "data_dir = 'd'").unwrap();
        let said = File(folder).error(&[]);
        let missing = |flag: &str| said.lines().any(|line| line.starts_with(&format!("  {flag} ")));
        assert!(missing("--operator") && missing("--rpc-url") && !missing("--data-dir"), "{said}");
    }

    #[test]
    fn what_is_shown_is_the_same_configuration_without_credentials() {
        let file = File::with("pccs_url = 'http://user:secret@pccs.example:8081/secret'");
        let flags = ["--rpc-url", "wss://secret@a.example,wss://b.example/v3/secret"];
        let shown = file.parse(&flags).unwrap().shown;
        assert!(!shown.contains("secret") && !shown.contains("user"), "{shown}");
        assert!(shown.contains("\"http://***@pccs.example:8081/***\""), "{shown}");
        assert!(shown.contains("a.example") && shown.contains("wss://b.example/***"), "{shown}");

        // Without URLs it can be read again.
        let shown = File::with("rate_limit = 3").parse(&[]).unwrap().shown;
        let again = tempfile::tempdir().unwrap();
        std::fs::write(again.path().join("c.toml"), &shown).unwrap();
        let again = File(again).parse(&[]).unwrap();
        assert_eq!(again.value.config.rate_limit, 3);
    }

    #[test]
    fn of_a_url_only_the_host_is_shown() {
        for (url, shown) in [
            ("ws://127.0.0.1:9944", "ws://127.0.0.1:9944"),
            ("ws://127.0.0.1:9944/", "ws://127.0.0.1:9944/"),
            ("wss://u:p@h.example", "wss://***@h.example"),
            ("wss://u:p@q@h.example?key", "wss://***@h.example/***"),
            ("wss://h.example/key", "wss://h.example/***"),
            ("wss://h.example#key", "wss://h.example/***"),
            ("/data/a,b", "/data/a,b"),
        ] {
            assert_eq!(redacted(url), shown);
        }
    }
}
