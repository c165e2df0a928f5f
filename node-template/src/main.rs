// SPDX-License-Identifier: Apache-2.0
//! The chain's node.
//!
//! `tee-node --dev` runs a development chain of one validator; `tee-node --help` lists the rest:
//! the standard command line of Substrate nodes.
#![allow(clippy::result_large_err, reason = "the SDK's error types are large")]

mod attestation;
mod chain_spec;
mod cli;
mod command;
mod rpc;
mod service;

fn main() -> sc_cli::Result<()> {
    command::run()
}
