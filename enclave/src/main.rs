// SPDX-License-Identifier: Apache-2.0
//! The enclave's program for machines with SGX, under Gramine. It proves what it is with Intel's
//! DCAP, and serves no chain that trusts anybody else.

use std::{path::Path, process::ExitCode};

use clap::Parser;
use tee_enclave::{
    command,
    config::Config,
    gramine::{Gramine, FOLDER},
};

#[derive(Parser)]
#[command(
    version,
    about = "TIP-500 enclave for machines with SGX, under Gramine.",
    after_help = command::EXIT_CODES
)]
struct Flags {
    #[command(flatten)]
    config: Config,
}

fn main() -> ExitCode {
    command::run(Flags::parse().config, |_| Gramine::open(Path::new(FOLDER)))
}
