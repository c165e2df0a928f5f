// SPDX-License-Identifier: Apache-2.0
//! Where signing keys come from.

use std::{
    env,
    fs::File,
    io::Read,
    path::{Path, PathBuf},
    str::FromStr,
};

use anyhow::{bail, ensure, Context};
use clap::Args;
use subxt::utils::AccountId32;
use subxt_signer::{sr25519::Keypair, SecretUri};
use tee_primitives::RawAccountId;
use zeroize::Zeroizing;

/// Environment variable with a secret URI.
pub const VARIABLE: &str = "TEE_SURI";

/// The longest file with a secret URI, in bytes.
const MAX_LEN: u64 = 4096;

/// The key that signs.
#[derive(Args, Clone, Debug)]
pub struct KeyArgs {
    /// A development key, for example //Alice. Real secrets do not belong on a command line: use
    /// --suri-file or the environment variable TEE_SURI.
    #[arg(long, value_name = "URI", conflicts_with = "suri_file")]
    suri: Option<String>,
    /// A file with the secret URI: a phrase or a hexadecimal seed, with derivations.
    #[arg(long, value_name = "FILE")]
    suri_file: Option<PathBuf>,
}

impl KeyArgs {
    /// The key that was named.
    pub fn keypair(&self) -> anyhow::Result<Keypair> {
        match (&self.suri, &self.suri_file) {
            (Some(uri), _) => development_key(uri),
            (None, Some(file)) => key_of_file(file),
            (None, None) => {
                let uri = env::var(VARIABLE).map(Zeroizing::new).ok();
                let uri = uri.with_context(|| {
                    format!("no key was given: use --suri-file, {VARIABLE} or --suri")
                })?;
                keypair(&uri).with_context(|| format!("{VARIABLE} holds no key"))
            }
        }
    }
}

/// Keys of several committee members.
#[derive(Args, Clone, Debug)]
pub struct MemberKeyArgs {
    /// A development key of a member, for example //Alice; may be repeated.
    #[arg(long = "suri", value_name = "URI")]
    suris: Vec<String>,
    /// A file with a member's secret URI; may be repeated.
    #[arg(long = "suri-file", value_name = "FILE")]
    suri_files: Vec<PathBuf>,
}

impl MemberKeyArgs {
    /// The keys that were named, or the one in the environment.
    pub fn keypairs(&self) -> anyhow::Result<Vec<Keypair>> {
        if self.suris.is_empty() && self.suri_files.is_empty() {
            return Ok(vec![KeyArgs { suri: None, suri_file: None }.keypair()?]);
        }
        let development = self.suris.iter().map(|uri| development_key(uri));
        development.chain(self.suri_files.iter().map(|file| key_of_file(file))).collect()
    }
}

fn development_key(uri: &str) -> anyhow::Result<Keypair> {
    ensure!(
        uri.starts_with("//"),
        "--suri takes development keys like //Alice; put other secrets into a file and use \
         --suri-file"
    );
    keypair(uri).context("--suri is not a key")
}

fn key_of_file(file: &Path) -> anyhow::Result<Keypair> {
    let mut uri = Zeroizing::new(String::new());
    File::open(file)
        .and_then(|opened| opened.take(MAX_LEN).read_to_string(&mut uri))
        .with_context(|| format!("cannot read {}", file.display()))?;
    keypair(uri.trim()).with_context(|| format!("{} holds no key", file.display()))
}

fn keypair(uri: &str) -> anyhow::Result<Keypair> {
    // The errors of subxt-signer do not repeat what they were given.
    Ok(Keypair::from_uri(&SecretUri::from_str(uri)?)?)
}

/// An account from its SS58 address.
pub fn account(address: &str) -> anyhow::Result<RawAccountId> {
    match AccountId32::from_str(address) {
        Ok(account) => Ok(account.0),
        Err(error) => bail!("{address} is not an account's address: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use subxt_signer::sr25519::dev;

    use super::*;

    fn args(suri: Option<&str>, suri_file: Option<&Path>) -> KeyArgs {
        let (suri, suri_file) = (suri.map(str::to_owned), suri_file.map(Path::to_owned));
        KeyArgs { suri, suri_file }
    }

    #[test]
    fn a_development_key_may_stand_on_the_command_line_and_others_may_not() {
        let alice = args(Some("//Alice"), None).keypair().unwrap();
        assert_eq!(alice.public_key().0, dev::alice().public_key().0);
        let phrase = "bottom drive obey lake curtain smoke basket hold race lonely fit walk//Alice";
        let error = args(Some(phrase), None).keypair().err().unwrap();
        assert!(!format!("{error:#}").contains("bottom"), "{error:#}");
    }

    #[test]
    fn a_key_is_read_from_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("key");
        let phrase = "bottom drive obey lake curtain smoke basket hold race lonely fit walk//Bob";
        std::fs::write(&file, format!("{phrase}\n")).unwrap();
        let bob = args(None, Some(&file)).keypair().unwrap();
        assert_eq!(bob.public_key().0, dev::bob().public_key().0);
        std::fs::write(&file, "not a key").unwrap();
        assert!(args(None, Some(&file)).keypair().is_err());
    }

    #[test]
    fn an_address_that_is_none_is_named() {
        let alice = tee_wallet::packets::ss58(&dev::alice().public_key().0);
        assert_eq!(account(&alice).unwrap(), dev::alice().public_key().0);
        assert!(account("nobody").unwrap_err().to_string().contains("nobody"));
    }
}
