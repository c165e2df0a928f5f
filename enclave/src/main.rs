// SPDX-License-Identifier: Apache-2.0
//! The enclave's program for machines with SGX, under Gramine. It proves what it is with Intel's
//! DCAP, and serves no chain that trusts anybody else.
//!
//! Neither flags nor environment configure it: under Gramine both are measured. What operators may
//! choose stands in [`production::CONFIG_FILE`].

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::Parser;
use tee_enclave::{
    command,
    config::production,
    gramine::{Gramine, FOLDER},
    logging,
};

#[derive(Parser)]
#[command(
    version,
    about = "TIP-500 enclave for machines with SGX, under Gramine.",
    long_about = "TIP-500 enclave for machines with SGX, under Gramine. It is configured by \
                  /data/config.toml alone.",
    after_help = command::EXIT_CODES
)]
struct Flags {
    /// Print the configuration that a file gives, without credentials, and exit. This works
    /// everywhere.
    #[arg(
        long,
        value_name = "FILE",
        num_args = 0..=1,
        default_missing_value = production::CONFIG_FILE
    )]
    print_config: Option<PathBuf>,
}

fn main() -> ExitCode {
    if let Some(path) = Flags::parse().print_config {
        return match production::read(&path) {
            Ok(config) => command::print(&config),
            Err(error) => error.report(),
        };
    }
    let machine = match Gramine::open(Path::new(FOLDER)) {
        Ok(machine) => machine,
        Err(error) => return command::no_machine(error),
    };
    let config = match production::read(Path::new(production::CONFIG_FILE)) {
        Ok(config) => config.value,
        Err(error) => return error.report(),
    };
    logging::start(config.log_format, logging::filter(config.log_level));
    logging::hide_panic_messages();
    command::run(config, machine)
}
