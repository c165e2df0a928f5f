// SPDX-License-Identifier: Apache-2.0
//! The command line of `tee`.

use std::{future::Future, path::PathBuf};

use anyhow::Context;
use clap::{Args, Parser, Subcommand};
use tee_wallet::chain::Chain;
use tokio::signal::unix::{signal, SignalKind};

use crate::{
    committee_cmd::{self, CommitteeCommand},
    demo::{self, DemoArgs},
    devnet::{self, Binaries, Devnet, DevnetConfig, DevnetTls},
    operator_cmd::{self, OperatorCommand},
    report::Report,
    status::status,
    wallet_cmd::{self, WalletCommand},
};

/// Secret NFTs whose keys are kept by enclaves: tools of committee, operators, wallets and
/// developers.
#[derive(Debug, Parser)]
#[command(name = "tee", version)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// A whole development network on this machine.
    #[command(subcommand)]
    Devnet(DevnetCommand),
    /// Show on a development network that a file outlives two of its five enclaves.
    Demo(DemoArgs),
    /// Mint and view secret NFTs.
    #[command(subcommand)]
    Wallet(WalletCommand),
    /// The chain, its clusters and how their enclaves are.
    Status(StatusArgs),
    /// Motions of the technical committee: proposed, voted on and carried out, as far as the keys
    /// given can.
    #[command(subcommand)]
    Committee(CommitteeCommand),
    /// What operators of enclaves do.
    #[command(subcommand)]
    Operator(OperatorCommand),
}

/// The node to talk to.
#[derive(Args, Clone, Debug)]
pub struct NodeArgs {
    /// WebSocket address of the node; wss:// unless it is on this machine.
    #[arg(long, value_name = "URL", env = "TEE_RPC_URL", default_value = "ws://127.0.0.1:9944")]
    pub rpc_url: String,
}

/// Which programs a development network runs.
#[derive(Args, Clone, Debug)]
pub struct BinaryArgs {
    /// The node's program; default: tee-node beside this one.
    #[arg(long, value_name = "FILE", env = devnet::binaries::NODE_VARIABLE)]
    node_bin: Option<PathBuf>,
    /// The enclave's program; default: tee-enclave-simulated beside this one.
    #[arg(long, value_name = "FILE", env = devnet::binaries::ENCLAVE_VARIABLE)]
    enclave_bin: Option<PathBuf>,
    /// The program that serves the simulated hardware's collateral; default: tee-simulator beside
    /// this one.
    #[arg(long, value_name = "FILE", env = devnet::binaries::SIMULATOR_VARIABLE)]
    simulator_bin: Option<PathBuf>,
}

impl BinaryArgs {
    /// The programs.
    pub fn find(self) -> anyhow::Result<Binaries> {
        Binaries::find(self.node_bin, self.enclave_bin, self.simulator_bin)
    }
}

#[derive(Debug, Subcommand)]
enum DevnetCommand {
    /// Start a node and five simulated enclaves for each cluster, set the clusters up, and run until
    /// Ctrl-C.
    Up(UpArgs),
}

#[derive(Args, Debug)]
struct UpArgs {
    /// The folder for data and logs, empty or absent; default: a new one for temporary files.
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// How many clusters there are.
    #[arg(long, value_name = "COUNT", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=8))]
    clusters: u16,
    /// The node's RPC port; 0 takes a free one.
    #[arg(long, value_name = "PORT", default_value_t = 9944)]
    rpc_port: u16,
    /// The first enclave's port, the others follow; 0 takes free ones.
    #[arg(long, value_name = "PORT", default_value_t = 8101)]
    enclave_port: u16,
    /// The port of the service for the simulated hardware's collateral; 0 takes a free one.
    #[arg(long, value_name = "PORT", default_value_t = 8100)]
    pccs_port: u16,
    /// How the enclaves speak TLS.
    #[arg(long, value_enum, value_name = "MODE", default_value_t = DevnetTls::Off)]
    tls: DevnetTls,
    #[command(flatten)]
    binaries: BinaryArgs,
}

#[derive(Args, Debug)]
struct StatusArgs {
    /// Print JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    node: NodeArgs,
}

/// Runs a command until it is done or interrupted.
pub async fn run(cli: Cli) -> anyhow::Result<()> {
    let report = Report::terminal();
    match cli.command {
        // An interruption is how it ends in order.
        Command::Devnet(DevnetCommand::Up(args)) => devnet_up(args, report).await,
        Command::Demo(args) => interruptible(demo::run(args, report)).await,
        Command::Wallet(command) => interruptible(wallet_cmd::run(command, report)).await,
        Command::Status(args) => interruptible(show_status(&args, report)).await,
        Command::Committee(command) => interruptible(committee_cmd::run(command, report)).await,
        Command::Operator(command) => interruptible(operator_cmd::run(command, report)).await,
    }
}

async fn interruptible(work: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    tokio::select! {
        done = work => done,
        stopped = stop_signal() => { stopped?; anyhow::bail!("interrupted") }
    }
}

async fn devnet_up(args: UpArgs, report: Report) -> anyhow::Result<()> {
    let dir = args.dir.map_or_else(new_dir, Ok)?;
    let config = DevnetConfig {
        clusters: args.clusters,
        rpc_port: args.rpc_port,
        first_enclave_port: args.enclave_port,
        pccs_port: args.pccs_port,
        tls: args.tls,
        ..DevnetConfig::with_binaries(dir, args.binaries.find()?)
    };
    report.line("starting a node and simulated enclaves; simulated enclaves protect nothing");
    let stop = stop_signal();
    tokio::pin!(stop);
    let mut devnet = tokio::select! {
        devnet = Devnet::start(config, report) => devnet?,
        stopped = &mut stop => { stopped?; anyhow::bail!("interrupted") }
    };
    show_devnet(&devnet, report);
    let mut checks = tokio::time::interval(std::time::Duration::from_secs(1));
    loop {
        tokio::select! {
            stopped = &mut stop => { stopped?; break }
            _ = checks.tick() => devnet.check_running()?,
        }
    }
    report.line("stopping");
    let dir = devnet.dir().to_owned();
    devnet.down().await?;
    report.line(format_args!("stopped; data and logs stay in {}", dir.display()));
    Ok(())
}

fn show_devnet(devnet: &Devnet, report: Report) {
    let ws_url = devnet.ws_url();
    report.line(format_args!("node      {ws_url}"));
    report.line(format_args!("explorer  https://polkadot.js.org/apps/?rpc={ws_url}"));
    for (slot, enclave) in devnet.enclaves.iter().enumerate() {
        report.line(format_args!("slot {slot}    {}/api/health", enclave.url()));
    }
    report.line(format_args!("pccs      {}", devnet.pccs.url()));
    if let Some(ca) = devnet.ca() {
        report.line(format_args!("authority NODE_EXTRA_CA_CERTS={}", ca.display()));
    }
    report.line(format_args!("logs      {}/*.log", devnet.dir().display()));
    report.line(format_args!("status    tee status --rpc-url {ws_url}"));
    report.line("running until Ctrl-C");
}

/// A new folder for temporary files, which stays.
pub fn new_dir() -> anyhow::Result<PathBuf> {
    let dir = tempfile::Builder::new().prefix("tee-devnet-").tempdir();
    Ok(dir.context("cannot create a folder for the network's data")?.keep())
}

async fn show_status(args: &StatusArgs, report: Report) -> anyhow::Result<()> {
    let status = status(&Chain::connect(&args.node.rpc_url).await?).await?;
    if args.json {
        report.line(serde_json::to_string_pretty(&status)?);
    } else {
        report.line(status);
    }
    Ok(())
}

/// Ends when the user or the system asks the program to end.
async fn stop_signal() -> anyhow::Result<()> {
    let watch = |kind| signal(kind).context("cannot watch for signals");
    let mut interrupt = watch(SignalKind::interrupt())?;
    let mut terminate = watch(SignalKind::terminate())?;
    let mut hangup = watch(SignalKind::hangup())?;
    tokio::select! {
        _ = interrupt.recv() => (),
        _ = terminate.recv() => (),
        _ = hangup.recv() => (),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent_and_every_option_is_explained() {
        fn explained(command: &clap::Command) {
            for argument in command
                .get_arguments()
                .filter(|argument| !["help", "version"].contains(&argument.get_id().as_str()))
            {
                assert!(argument.get_help().is_some(), "{command} {argument}");
            }
            for subcommand in command.get_subcommands() {
                assert!(subcommand.get_about().is_some(), "{subcommand}");
                explained(subcommand);
            }
        }
        Cli::command().debug_assert();
        explained(&Cli::command());
    }
}
