// SPDX-License-Identifier: Apache-2.0
//! What the programs have in common: from the configuration to the exit code.

use std::{
    future::Future,
    io::{self, Write},
    process::ExitCode,
    sync::Arc,
    time::Duration,
};

use tokio::{
    runtime,
    signal::unix::{signal, SignalKind},
};

use crate::{
    config::{layers::Parsed, Config},
    platform::{Platform, PlatformError},
    RunError,
};

/// What the programs' help says below the flags.
pub const EXIT_CODES: &str = "Exit codes: 2 the configuration or the machine is wrong; 3 the \
                              account or the store cannot be used; 4 something broke while running.";

/// Threads for tasks, and for what blocks: under Gramine the number of all threads is fixed when the
/// enclave is built, and one more would hang.
const WORKERS: usize = 4;
const BLOCKING: usize = 8;

/// Threads that the program has at most, the first one included.
pub const THREADS: usize = 1 + WORKERS + BLOCKING;

/// Longest wait, when stopping, for a machine that does not answer.
const LAST_WAIT: Duration = Duration::from_secs(2);

/// Prints a configuration, as it would be used.
pub fn print<C>(config: &Parsed<C>) -> ExitCode {
    // Whoever has closed it does not want to read more.
    let _ = io::stdout().write_all(config.shown.as_bytes());
    ExitCode::SUCCESS
}

/// Says that there is no machine; the exit code.
pub fn no_machine(error: PlatformError) -> ExitCode {
    failed(&RunError::Platform(error))
}

/// Runs the enclave on a machine until the process is told to stop. Errors go to standard error, the
/// API's address to standard output. Logging was started.
pub fn run(config: Config, machine: impl Platform) -> ExitCode {
    let threads = runtime::Builder::new_multi_thread()
        .worker_threads(WORKERS)
        .max_blocking_threads(BLOCKING)
        .enable_all()
        .build();
    let threads = match threads {
        Ok(threads) => threads,
        Err(error) => return failed(&RunError::Threads(error)),
    };
    let result = threads.block_on(async {
        let scheme = config.tls.scheme();
        let listening = |address| println!("listening on {scheme}://{address}");
        crate::run(config, Arc::new(machine), listening, told_to_stop()).await
    });
    threads.shutdown_timeout(LAST_WAIT);
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(&error),
    }
}

fn failed(error: &RunError) -> ExitCode {
    eprintln!("error: {error}");
    ExitCode::from(error.exit_code())
}

/// Waits for SIGINT or SIGTERM. Handlers are in place when this returns.
fn told_to_stop() -> impl Future<Output = ()> {
    let signals = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()));
    async move {
        match signals {
            (Ok(mut interrupt), Ok(mut terminate)) => tokio::select! {
                _ = interrupt.recv() => (),
                _ = terminate.recv() => (),
            },
            // Without handlers the system's default, to end at once, is in place.
            _ => std::future::pending().await,
        }
    }
}
