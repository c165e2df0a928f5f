// SPDX-License-Identifier: Apache-2.0
//! `tee demo`: a file becomes a secret NFT, two of the five enclaves that hold its key are killed,
//! and the file comes back.

use std::{
    cell::Cell,
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use anyhow::{ensure, Context};
use clap::Args;
use subxt_signer::sr25519::dev;
use tee_primitives::{keyshare::KeyshareKind, nft::NftId, packet::RequesterType, BlockNumber};
use tee_wallet::{
    chain::history::sync_history,
    media::hash_file,
    secret::{MintRequest, Minted, Progress, Wallet},
};

use crate::{
    app::{new_dir, BinaryArgs},
    devnet::{empty_dir, Devnet, DevnetConfig, DevnetTls},
    process::{tail, ProcessError},
    report::Report,
};

/// The slots whose enclaves are killed.
const KILLED: [usize; 2] = [1, 3];

const STEPS: usize = 6;

/// What is protected if no file is named.
const PICTURE: &[u8] = include_bytes!("../assets/picture.png");

/// Arguments of `tee demo`.
#[derive(Args, Debug)]
pub struct DemoArgs {
    /// The file that becomes the secret; default: a small picture that comes with this program.
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// The folder for data, logs and the recovered file, empty or absent; default: a new one for
    /// temporary files.
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Enclaves speak TLS, and the wallet accepts the keys that the chain has attested.
    #[arg(long)]
    tls: bool,
    #[command(flatten)]
    binaries: BinaryArgs,
}

/// Runs `tee demo`. Its processes end with it, whatever happens.
pub async fn run(args: DemoArgs, report: Report) -> anyhow::Result<()> {
    if let Some(file) = &args.file {
        ensure!(file.is_file(), "{} is not a file", file.display());
    }
    // Empty: every log in it will be one of its processes'.
    let dir = empty_dir(&args.dir.map_or_else(new_dir, Ok)?)?;
    let config = DevnetConfig {
        tls: if args.tls { DevnetTls::SelfSigned } else { DevnetTls::Off },
        ..DevnetConfig::with_binaries(dir, args.binaries.find()?)
    };
    let demo = Demo { report, step: Cell::new((0, "start")), dir: config.dir.clone() };
    match demo.run(config, args.file).await {
        Ok(()) => Ok(()),
        Err(error) => {
            let (number, name) = demo.step.get();
            // A process's own error shows its log already.
            if error.downcast_ref::<ProcessError>().is_none() {
                demo.show_logs();
            }
            Err(error.context(format!("step {number}/{STEPS} ({name}) failed")))
        }
    }
}

struct Demo {
    report: Report,
    /// The step that runs: its number and name.
    step: Cell<(usize, &'static str)>,
    dir: PathBuf,
}

impl Demo {
    async fn run(&self, config: DevnetConfig, file: Option<PathBuf>) -> anyhow::Result<()> {
        let report = self.report;
        report.line("The enclaves are simulated: they protect nothing.");

        self.begin("node");
        let mut devnet = Devnet::start_node(&config, report).await?;
        let finalized = devnet.chain().finalized().await?.number();
        self.done(format_args!("{}, block #{finalized} finalized", devnet.ws_url()));

        self.begin("enclaves");
        devnet.start_enclaves(&config, report).await?;
        let urls: Vec<&str> = devnet.enclaves.iter().map(|enclave| enclave.url()).collect();
        let ids = devnet.enclaves.iter().map(|enclave| enclave.process().id());
        let ids: BTreeSet<u32> = ids.collect();
        ensure!(ids.len() == urls.len(), "the enclaves are not {} processes", urls.len());
        report.note(urls.join(" "));
        devnet.attest_enclaves(report).await?;
        let count = ids.len();
        self.done(format_args!("{count} processes, attested by the chain (simulated hardware)"));

        self.begin("cluster");
        devnet.set_up_cluster(report).await?;
        self.done("cluster #0 created and five slots assigned by motions of the committee");

        let file = &file.map_or_else(|| self.picture(), Ok)?;
        report.note(format_args!("the file: {}", file.display()));
        self.begin("secret NFT");
        let sealed = self.dir.join("media.sealed");
        let wallet = Wallet::new(devnet.chain().clone(), dev::alice())?;
        let (minted, included) = self.mint(&wallet, file, &sealed).await?;
        self.done(self.proof(&devnet, minted, included).await?);

        self.begin("two enclaves killed");
        for slot in KILLED {
            let enclave = devnet.enclaves.get_mut(slot).context("there is no such slot")?;
            enclave.kill()?;
            ensure!(devnet.health(slot).await.is_err(), "the enclave in slot {slot} still answers");
        }
        self.done(format_args!("SIGKILL to the enclaves in slots {} and {}", KILLED[0], KILLED[1]));

        self.begin("recovered");
        let recovered = self.dir.join("recovered");
        let viewed = wallet.view_secret(minted.nft_id, RequesterType::Owner, &sealed, &recovered);
        report.waiting("retrieving three shares", viewed).await?;
        let (before, after) = (hash_file(file)?, hash_file(&recovered)?);
        ensure!(before == after, "the recovered file differs from the original");
        self.done(format_args!("{}", recovered.display()));
        report.note(format_args!("sha256 of the original   {}", hex::encode(before)));
        report.note(format_args!("sha256 of the recovered  {}", hex::encode(after)));

        devnet.down().await?;
        self.conclude(minted);
        Ok(())
    }

    /// The picture, as a file.
    fn picture(&self) -> anyhow::Result<PathBuf> {
        let path = self.dir.join("picture.png");
        std::fs::write(&path, PICTURE).context("the picture cannot be written")?;
        Ok(path)
    }

    async fn mint(
        &self,
        wallet: &Wallet,
        file: &Path,
        sealed: &Path,
    ) -> anyhow::Result<(Minted, BlockNumber)> {
        let report = self.report;
        let included = Cell::new(0);
        let on_progress = |progress| match progress {
            Progress::Sealed(_) => report.note("encrypted with AES-256-GCM"),
            Progress::Minted { nft_id, block_number } => {
                included.set(block_number);
                report.note(format_args!("NFT {nft_id} created in block #{block_number}"));
            }
            Progress::Stored => report.note("5/5 shares stored, waiting for their confirmations"),
            Progress::Synced(_) => (),
        };
        let request = MintRequest {
            source: file.to_owned(),
            sealed: sealed.to_owned(),
            offchain_data: b"demo".to_vec(),
            secret_offchain_data: None,
            cluster_id: 0,
        };
        let minted = wallet.mint_secret(request, on_progress);
        let minted = report.waiting("minting, storing and waiting for sync", minted).await?;
        Ok((minted, included.get()))
    }

    /// Checks in the finalized blocks themselves that five enclaves confirmed.
    async fn proof(
        &self,
        devnet: &Devnet,
        minted: Minted,
        included: BlockNumber,
    ) -> anyhow::Result<String> {
        let Minted { nft_id, synced } = minted;
        let chain = devnet.chain();
        let blocks = included..=synced.block_number;
        let history = sync_history(chain, nft_id, KeyshareKind::Secret, blocks);
        let history = self.report.waiting("reading the finalized blocks", history).await?;
        let (block, _) = history.synced.context("KeyshareSynced is not on the finalized chain")?;
        let members = chain.finalized().await?.members(synced.cluster_id).await?;
        let enclaves: BTreeSet<_> =
            members.enclaves.iter().map(|member| member.enclave_account).collect();
        let signers: BTreeSet<_> =
            history.confirmations.iter().map(|confirmation| confirmation.signer).collect();
        ensure!(
            signers == enclaves && signers.len() == 5,
            "the confirmations were signed by {} accounts, not by the five enclaves",
            signers.len()
        );
        let last = history.confirmations.last().map(|confirmation| confirmation.block_number);
        ensure!(last == Some(block), "KeyshareSynced is not in the block of the last confirmation");
        Ok(format!(
            "NFT {nft_id}: five confirmations signed by five enclave accounts, KeyshareSynced in \
             block #{block}, the block of the last"
        ))
    }

    fn begin(&self, name: &'static str) {
        let (number, _) = self.step.get();
        self.step.set((number + 1, name));
    }

    fn done(&self, what: impl std::fmt::Display) {
        let (number, name) = self.step.get();
        self.report.line(format_args!("[{number}/{STEPS}] {name:<20} {what}"));
    }

    fn conclude(&self, minted: Minted) {
        let nft_id: NftId = minted.nft_id;
        let report = self.report;
        report.line("");
        report.line(format_args!(
            "Proven: the key of NFT {nft_id} was split over five enclave processes, each confirmed \
             its share on the finalized chain with its own account, and three of them gave the \
             file back bit by bit after the other two had been killed."
        ));
        report.line(format_args!("Logs and files: {}", self.dir.display()));
        report.line("All processes have ended. To keep such a network running: make devnet");
    }

    /// Shows the end of every log there is.
    fn show_logs(&self) {
        let Ok(entries) = self.dir.read_dir() else { return };
        let mut logs: Vec<PathBuf> = entries
            .flatten()
            .map(|entry| entry.path())
            .filter(|path| path.extension().is_some_and(|extension| extension == "log"))
            .collect();
        logs.sort();
        for log in logs {
            eprintln!("{} ends with:\n{}", log.display(), tail(&log));
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Arguments {
        #[command(flatten)]
        demo: DemoArgs,
    }

    #[tokio::test]
    async fn a_folder_with_foreign_logs_is_refused_before_the_first_step() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("foreign.log"), "foreign").unwrap();
        let dir = folder.path().to_str().unwrap();
        let arguments = Arguments::parse_from(["demo", "--dir", dir]);
        let error = run(arguments.demo, Report::quiet()).await.unwrap_err();
        let error = format!("{error:#}");
        assert!(error.contains("is not empty") && !error.contains("step"), "{error}");
    }
}
