// SPDX-License-Identifier: Apache-2.0
//! `tee wallet`: minting and viewing secret NFTs.

use std::path::PathBuf;

use anyhow::{ensure, Context};
use clap::{Args, Subcommand, ValueEnum};
use tee_primitives::{
    cluster::ClusterId, keyshare::KeyshareKind, nft::NftId, packet::RequesterType,
};
use tee_wallet::{
    chain::Chain,
    enclave::EnclaveClient,
    history::{self, History},
    secret::{MintRequest, Minted, Progress, Wallet, WalletError},
};

use crate::{app::NodeArgs, keys::KeyArgs, report::Report};

/// Mint and view secret NFTs.
#[derive(Debug, Subcommand)]
pub enum WalletCommand {
    /// Encrypt a file, create a secret NFT for it, and store its key's shares in a cluster.
    Mint(MintArgs),
    /// Go on with a minting that was interrupted, from its recovery file.
    Resume(ResumeArgs),
    /// Retrieve a secret NFT's key and decrypt its file.
    View(ViewArgs),
    /// Show who has stored and viewed a secret NFT's key.
    History(HistoryArgs),
}

/// Arguments of `tee wallet mint`.
#[derive(Args, Debug)]
pub struct MintArgs {
    /// The file that becomes the secret.
    #[arg(long, value_name = "FILE")]
    file: PathBuf,
    /// Where the encrypted file is written; default: the file's name with .sealed added.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// The NFT's public metadata, usually a URI, at most 150 bytes.
    #[arg(long, value_name = "TEXT", default_value = "")]
    metadata: String,
    /// Where viewers will find the encrypted file, usually a URI, at most 150 bytes; default:
    /// sha256: and the encrypted file's hash.
    #[arg(long, value_name = "TEXT")]
    secret_metadata: Option<String>,
    /// The cluster that gets the shares.
    #[arg(long, value_name = "ID", default_value_t = 0)]
    cluster: ClusterId,
    #[command(flatten)]
    key: KeyArgs,
    #[command(flatten)]
    node: NodeArgs,
}

/// Arguments of `tee wallet resume`.
#[derive(Args, Debug)]
pub struct ResumeArgs {
    /// The recovery file that the interrupted minting left beside the encrypted file.
    #[arg(long, value_name = "FILE")]
    recovery: PathBuf,
    /// The NFT, if the recovery file does not name it or names a wrong one.
    #[arg(long, value_name = "ID")]
    nft: Option<NftId>,
    #[command(flatten)]
    key: KeyArgs,
    #[command(flatten)]
    node: NodeArgs,
}

/// Arguments of `tee wallet view`.
#[derive(Args, Debug)]
pub struct ViewArgs {
    /// The NFT.
    #[arg(long, value_name = "ID")]
    nft: NftId,
    /// Its encrypted file.
    #[arg(long, value_name = "FILE")]
    media: PathBuf,
    /// Where the decrypted file is written.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// In which role the key is asked for.
    #[arg(long, value_enum, default_value_t = Role::Owner)]
    role: Role,
    #[command(flatten)]
    key: KeyArgs,
    #[command(flatten)]
    node: NodeArgs,
}

/// Arguments of `tee wallet history`.
#[derive(Args, Debug)]
pub struct HistoryArgs {
    /// The NFT.
    #[arg(long, value_name = "ID")]
    nft: NftId,
    #[command(flatten)]
    node: NodeArgs,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Role {
    /// The NFT's owner.
    Owner,
    /// Whom the owner delegated it to.
    Delegatee,
    /// Who rents it.
    Rentee,
}

impl From<Role> for RequesterType {
    fn from(role: Role) -> Self {
        match role {
            Role::Owner => Self::Owner,
            Role::Delegatee => Self::Delegatee,
            Role::Rentee => Self::Rentee,
        }
    }
}

/// Runs `tee wallet`.
pub async fn run(command: WalletCommand, report: Report) -> anyhow::Result<()> {
    match command {
        WalletCommand::Mint(args) => mint(args, report).await,
        WalletCommand::Resume(args) => resume(args, report).await,
        WalletCommand::View(args) => view(&args, report).await,
        WalletCommand::History(args) => show_history(&args, report).await,
    }
}

async fn mint(args: MintArgs, report: Report) -> anyhow::Result<()> {
    let sealed = args.out.unwrap_or_else(|| {
        let mut name = args.file.as_os_str().to_owned();
        name.push(".sealed");
        name.into()
    });
    let request = MintRequest {
        source: args.file,
        sealed: sealed.clone(),
        offchain_data: args.metadata.into_bytes(),
        secret_offchain_data: args.secret_metadata.map(String::into_bytes),
        cluster_id: args.cluster,
    };
    let account = args.key.keypair()?;
    let wallet = Wallet::new(Chain::connect(&args.node.rpc_url).await?, account)?;
    let minted = wallet.mint_secret(request, |progress| show(report, progress));
    let minted = report.waiting("minting", minted).await.map_err(with_advice)?;
    finish(report, minted);
    report.line(format_args!("encrypted file: {}", sealed.display()));
    Ok(())
}

async fn resume(args: ResumeArgs, report: Report) -> anyhow::Result<()> {
    let account = args.key.keypair()?;
    let wallet = Wallet::new(Chain::connect(&args.node.rpc_url).await?, account)?;
    let resumed = wallet.resume(args.recovery, args.nft, |progress| show(report, progress));
    finish(report, report.waiting("resuming", resumed).await.map_err(with_advice)?);
    Ok(())
}

/// The error, with what can be done if a key waits for its NFT.
fn with_advice(error: WalletError) -> anyhow::Error {
    let WalletError::Kept { recovery, nft_id, .. } = &error else { return error.into() };
    let resume = format!("`tee wallet resume --recovery {}", recovery.display());
    match nft_id {
        Some(_) => anyhow::anyhow!("{error}; go on with {resume}`"),
        None => anyhow::anyhow!(
            "{error}; look up whether the NFT was created, and if so go on with {resume} --nft ID`"
        ),
    }
}

async fn view(args: &ViewArgs, report: Report) -> anyhow::Result<()> {
    let wallet = Wallet::new(Chain::connect(&args.node.rpc_url).await?, args.key.keypair()?)?;
    let viewed = wallet.view_secret(args.nft, args.role.into(), &args.media, &args.out);
    report.waiting("retrieving the key", viewed).await?;
    report.line(format_args!("decrypted into {}", args.out.display()));
    Ok(())
}

async fn show_history(args: &HistoryArgs, report: Report) -> anyhow::Result<()> {
    let block = Chain::connect(&args.node.rpc_url).await?.finalized().await?;
    let synced = block.keyshares(args.nft, KeyshareKind::Secret).await?.synced;
    let synced = synced.with_context(|| format!("NFT {} has no synced key", args.nft))?;
    let members = block.members(synced.cluster_id).await?;
    let client = EnclaveClient::new()?;
    let asked = history::of_secret(&client, &members, args.nft);
    let History { accesses, silent } = report.waiting("asking the enclaves", asked).await;
    for access in &accesses {
        let history::Access { date, block, event, account, enclaves } = access;
        let what = if event == "STORE" { "stored" } else { "viewed" };
        report.line(format_args!(
            "{} UTC  #{block}  {what} by {} ({}), by the log of {enclaves} enclave(s)",
            date.escape_debug(),
            account.address.escape_debug(),
            account.role.to_lowercase().escape_debug(),
        ));
    }
    for (slot, error) in &silent {
        report.note(format_args!("slot {slot} did not tell: {error}"));
    }
    ensure!(
        silent.len() < members.enclaves.len(),
        "no enclave of cluster {} has told anything",
        synced.cluster_id
    );
    Ok(())
}

fn show(report: Report, progress: Progress) {
    match progress {
        Progress::Sealed(hash) => {
            report.note(format_args!("encrypted, SHA-256 {}", hex::encode(hash)));
        }
        Progress::Minted { nft_id, block_number } => {
            report.note(format_args!("NFT {nft_id} created in block #{block_number}"));
        }
        Progress::Stored => report.note("all five enclaves hold their share"),
        Progress::Synced(synced) => {
            report.note(format_args!("synced in block #{}", synced.block_number));
        }
    }
}

fn finish(report: Report, minted: Minted) {
    let cluster = minted.synced.cluster_id;
    report.line(format_args!("NFT {}: its key is in cluster {cluster}", minted.nft_id));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resuming_is_advised_only_if_a_key_is_kept() {
        let advice = |error| with_advice(error).to_string();
        assert!(!advice(WalletError::OtherChain).contains("resume"));
        let kept = |nft_id| WalletError::Kept {
            error: Box::new(WalletError::UnknownNft),
            recovery: PathBuf::from("a.recovery"),
            nft_id,
        };
        let known = advice(kept(Some(5)));
        assert!(known.contains("resume --recovery a.recovery`") && !known.contains("--nft"));
        assert!(advice(kept(None)).contains("resume --recovery a.recovery --nft ID`"));
    }
}
