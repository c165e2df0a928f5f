// SPDX-License-Identifier: Apache-2.0
//! The enclave's server on a machine without SGX: for development only. Nothing is protected: the
//! seal key is a file beside what it seals, and whoever has the machine has every share.

use std::{path::PathBuf, process::ExitCode, sync::Arc};

use clap::Parser;
use tee_enclave::{
    config::Config,
    file, logging,
    platform::{Platform, PlatformError},
    RunError,
};
use tokio::signal::unix::{signal, SignalKind};

#[derive(Parser)]
#[command(
    version,
    about = "TIP-500 enclave on a machine without SGX. FOR DEVELOPMENT: NOTHING IS PROTECTED.",
    after_help = "Exit codes: 2 the configuration or the machine is wrong; 3 the account or the \
                  store cannot be used; 4 something broke while running."
)]
struct Flags {
    #[command(flatten)]
    config: Config,
}

/// A machine that protects nothing.
struct Simulated {
    seal_key: PathBuf,
}

impl Platform for Simulated {
    fn attestation(&self) -> &'static str {
        "none"
    }

    /// `blake2_256("tee-enclave-simulated")`: the same for every build, and of no real enclave.
    fn measurement(&self) -> [u8; 32] {
        sp_crypto_hashing::blake2_256(b"tee-enclave-simulated")
    }

    fn seal_key(&self) -> Result<zeroize::Zeroizing<[u8; 32]>, PlatformError> {
        file::load_or_create_secret(&self.seal_key)
            .map_err(|error| PlatformError(format!("no seal key: {error}")))
    }

    fn quote(&self, _: &[u8; 64]) -> Result<Option<Vec<u8>>, PlatformError> {
        Ok(None)
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    let Flags { config } = Flags::parse();
    logging::start(config.log_format);
    eprintln!("WARNING: simulated enclave: NOTHING IS PROTECTED. Never give it real secrets.");
    match run(config).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(error.exit_code())
        }
    }
}

async fn run(config: Config) -> Result<(), RunError> {
    let signals = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()));
    let shutdown = async move {
        match signals {
            (Ok(mut interrupt), Ok(mut terminate)) => tokio::select! {
                _ = interrupt.recv() => (),
                _ = terminate.recv() => (),
            },
            // Without handlers the system's default, to end at once, is in place.
            _ => std::future::pending().await,
        }
    };
    let platform = Arc::new(Simulated { seal_key: config.data_dir.join("seal-key") });
    tee_enclave::run(
        config,
        platform,
        |address| println!("listening on http://{address}"),
        shutdown,
    )
    .await
}
