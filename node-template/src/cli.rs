// SPDX-License-Identifier: Apache-2.0
//! The command line.

use sc_cli::RunCmd;

use crate::attestation::WorkerOptions;

/// A node of the chain that keeps secret NFTs.
#[derive(Debug, clap::Parser)]
pub struct Cli {
    /// Possible subcommands; without one the node runs.
    #[command(subcommand)]
    pub subcommand: Option<Subcommand>,

    /// How to run the node.
    #[clap(flatten)]
    pub run: RunCmd,

    /// How the off-chain worker keeps attestations fresh.
    #[clap(flatten)]
    pub worker: WorkerOptions,
}

/// What the program does other than run the node.
#[derive(Debug, clap::Subcommand)]
#[allow(clippy::large_enum_variant)]
pub enum Subcommand {
    /// Make, inspect and insert keys.
    #[command(subcommand)]
    Key(sc_cli::KeySubcommand),

    /// Write a chain specification.
    ExportChainSpec(sc_cli::ExportChainSpecCmd),

    /// Validate blocks.
    CheckBlock(sc_cli::CheckBlockCmd),

    /// Export blocks to a file.
    ExportBlocks(sc_cli::ExportBlocksCmd),

    /// Export the state of a block as a chain specification.
    ExportState(sc_cli::ExportStateCmd),

    /// Import blocks from a file.
    ImportBlocks(sc_cli::ImportBlocksCmd),

    /// Remove the whole chain.
    PurgeChain(sc_cli::PurgeChainCmd),

    /// Revert the chain to an earlier state.
    Revert(sc_cli::RevertCmd),

    /// Print metadata about the chain.
    ChainInfo(sc_cli::ChainInfoCmd),
}
