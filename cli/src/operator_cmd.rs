// SPDX-License-Identifier: Apache-2.0
//! `tee operator`: what operators of enclaves do.

use std::path::{Path, PathBuf};

use anyhow::{ensure, Context};
use clap::{Args, Subcommand};
use tee_primitives::RawAccountId;
use tee_wallet::{
    chain::{calls, Chain, WaitFor},
    enclave::EnclaveClient,
};

use crate::{
    app::NodeArgs,
    archive::Operated,
    keys::{account, KeyArgs},
    operator::{OperatorStatus, LIMIT},
    report::Report,
    words,
};

/// What operators of enclaves do.
#[derive(Debug, Subcommand)]
pub(crate) enum OperatorCommand {
    /// Register an enclave and bond for it. The committee assigns it to a slot afterwards.
    Register {
        #[command(flatten)]
        enclave: EnclaveArgs,
        #[command(flatten)]
        signer: Signer,
    },
    /// Ask to leave with the enclave; take a registration back that still waits.
    Unregister(Signer),
    /// Take the stake back: after the committee let the enclave go and the bonding period is over.
    Withdraw(Signer),
    /// Ask to replace the enclave, or the place of its API.
    Update {
        #[command(flatten)]
        enclave: EnclaveArgs,
        #[command(flatten)]
        signer: Signer,
    },
    /// Take an update back.
    CancelUpdate(Signer),
    /// Raise the stake to what is asked.
    BondExtra(Signer),
    /// Take back what is bonded above what is asked.
    RefundExcess(Signer),
    /// Bring the enclave's attestation to the chain. Enclaves and off-chain workers do that by
    /// themselves; this is for an enclave that may not, or to see why it does not succeed.
    Attest {
        /// Where the enclave's API is.
        #[arg(long, value_name = "URL")]
        url: String,
        #[command(flatten)]
        signer: Signer,
    },
    /// Have the enclave write its shares into a file that only enclaves can open: this one, and those
    /// of the same slot in the other public clusters.
    Backup {
        /// Where the enclave's API is.
        #[arg(long, value_name = "URL")]
        url: String,
        /// The file; it must not exist.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        #[command(flatten)]
        signer: Signer,
    },
    /// Bring the shares of a backup back that the enclave lacks and the chain still has.
    Restore {
        /// Where the enclave's API is.
        #[arg(long, value_name = "URL")]
        url: String,
        /// The file.
        #[arg(long, value_name = "FILE")]
        file: PathBuf,
        #[command(flatten)]
        signer: Signer,
    },
    /// Show an operator's enclaves, and how their attestations stand.
    Status {
        /// The operator's address.
        #[arg(long, value_name = "ADDRESS")]
        operator: String,
        /// Print JSON.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        node: NodeArgs,
    },
}

/// The enclave and its API.
#[derive(Args, Debug)]
pub(crate) struct EnclaveArgs {
    /// Where clients reach the enclave's API, for example https://enclave.example:8000.
    #[arg(long, value_name = "URL")]
    url: String,
    /// The enclave's account; default: the one that its health shows at the URL.
    #[arg(long, value_name = "ADDRESS")]
    enclave: Option<String>,
}

/// Who acts, and where.
#[derive(Args, Debug)]
pub(crate) struct Signer {
    #[command(flatten)]
    key: KeyArgs,
    #[command(flatten)]
    node: NodeArgs,
}

impl EnclaveArgs {
    async fn account(&self) -> anyhow::Result<RawAccountId> {
        match &self.enclave {
            Some(address) => account(address),
            None => {
                account(&EnclaveClient::of_operator()?.health(&self.url).await?.enclave_address)
            }
        }
    }
}

/// Runs `tee operator`.
pub(crate) async fn run(command: OperatorCommand, report: Report) -> anyhow::Result<()> {
    use OperatorCommand as C;

    let mut next = None;
    let (signer, call) = match command {
        C::Register { enclave, signer } => {
            next = Some("once it has attested, the committee can assign it");
            (signer, calls::register_enclave(&enclave.account().await?, &enclave.url))
        }
        C::Unregister(signer) => (signer, calls::unregister_enclave()),
        C::Withdraw(signer) => (signer, calls::withdraw_unbonded()),
        C::Update { enclave, signer } => {
            (signer, calls::update_enclave(&enclave.account().await?, &enclave.url))
        }
        C::CancelUpdate(signer) => (signer, calls::cancel_update()),
        C::BondExtra(signer) => (signer, calls::bond_extra()),
        C::RefundExcess(signer) => (signer, calls::refund_excess()),
        C::Attest { url, signer } => {
            let call = attest(&url, &signer.node).await?;
            (signer, call)
        }
        C::Backup { url, out, signer } => return back_up(&url, &out, &signer, report).await,
        C::Restore { url, file, signer } => return restore(&url, &file, &signer, report).await,
        C::Status { operator, json, node } => {
            return show_status(&account(&operator)?, json, &node, report).await
        }
    };
    let key = signer.key.keypair()?;
    let chain = Chain::connect(&signer.node.rpc_url).await?;
    let included = chain.submit(&call, &key, WaitFor::Inclusion, LIMIT);
    let included = report.waiting("waiting for inclusion", included).await?;
    for sentence in words::happened(&chain, &included).await? {
        report.line(sentence);
    }
    report.line(format_args!("done in block #{}", included.block_number));
    if let Some(next) = next {
        report.line(next);
    }
    Ok(())
}

/// The call that brings what an enclave shows.
async fn attest(url: &str, node: &NodeArgs) -> anyhow::Result<calls::Call> {
    let quote = EnclaveClient::of_operator()?.quote(url).await?;
    let chain = Chain::connect(&node.rpc_url).await?;
    ensure!(
        quote.payload.genesis_hash == chain.genesis_hash(),
        "the enclave follows another chain than this node"
    );
    let call = chain.best().await?.decode_call(&quote.call());
    call.context("this program and the chain's runtime do not fit together")
}

/// The enclave at a URL, asked by its operator.
async fn operated(url: &str, signer: &Signer) -> anyhow::Result<Operated> {
    let key = signer.key.keypair()?;
    Operated::connect(Chain::connect(&signer.node.rpc_url).await?, url, key).await
}

async fn back_up(url: &str, out: &Path, signer: &Signer, report: Report) -> anyhow::Result<()> {
    ensure!(!out.exists(), "{} exists already and is not overwritten", out.display());
    let mut enclave = operated(url, signer).await?;
    let made = report.waiting("backing up", enclave.back_up_into(out)).await?;
    report.line(format_args!("{}: {made}", out.display()));
    Ok(())
}

async fn restore(url: &str, file: &Path, signer: &Signer, report: Report) -> anyhow::Result<()> {
    let mut enclave = operated(url, signer).await?;
    let back = report.waiting("restoring", enclave.restore_from(file)).await?;
    report.line(back);
    ensure!(back.damaged == 0, "{} is damaged: not all of it came back", file.display());
    Ok(())
}

async fn show_status(
    operator: &RawAccountId,
    json: bool,
    node: &NodeArgs,
    report: Report,
) -> anyhow::Result<()> {
    let block = Chain::connect(&node.rpc_url).await?.finalized().await?;
    let status = OperatorStatus::read(&block, operator).await?;
    if json {
        report.line(serde_json::to_string_pretty(&status)?);
    } else {
        report.line(status);
    }
    Ok(())
}
