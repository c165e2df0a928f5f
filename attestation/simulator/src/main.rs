// SPDX-License-Identifier: Apache-2.0
//! `tee-simulator`: quotes and collateral that no hardware made, for development only.

use std::{
    fs,
    io::{self, Write},
    net::SocketAddr,
    path::PathBuf,
    time::{SystemTime, UNIX_EPOCH},
};

use anyhow::{bail, Context, Result};
use clap::{Args, Parser, Subcommand, ValueEnum};
use tee_simulator::{
    collateral::{DAY, EVALUATION_NUMBER},
    pccs::{self, PccsOptions},
    Authority, CollateralFault, CollateralOptions, EnclaveIdentity, MachineOptions, QuoteFault,
    TcbStatus,
};
use tokio::{
    net::TcpListener,
    signal::unix::{signal, SignalKind},
};
use tracing_subscriber::{fmt, layer::SubscriberExt, util::SubscriberInitExt, EnvFilter, Layer};

/// SGX quotes and collateral that no hardware made. For development only: they protect nothing.
#[derive(Parser)]
#[command(name = "tee-simulator", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serves collateral over HTTP, as a PCCS does.
    Pccs(Pccs),
    /// Writes the certificate of the development root, in DER.
    Root {
        /// Where to; without it, standard output.
        #[arg(long)]
        out: Option<PathBuf>,
    },
    /// Prints collateral as JSON.
    Collateral {
        /// When it is issued, Unix time; without it, now.
        #[arg(long)]
        issued: Option<u64>,
        /// What is wrong with it; `list` lists what can be.
        #[arg(long)]
        fault: Option<String>,
    },
    /// Prints a quote in hexadecimal.
    Quote(Quote),
}

#[derive(Args)]
struct Pccs {
    /// Address to listen on. Port 0 is any that is free.
    #[arg(long, default_value = "127.0.0.1:8081", env = "TEE_SIMULATOR_LISTEN")]
    listen: SocketAddr,
    /// Life of collateral in seconds.
    #[arg(
        long,
        default_value_t = 30 * DAY,
        env = "TEE_SIMULATOR_VALIDITY",
        value_parser = clap::value_parser!(u64).range(1..=3_650 * DAY)
    )]
    validity: u64,
    /// TCB evaluation data number.
    #[arg(long, default_value_t = EVALUATION_NUMBER, env = "TEE_SIMULATOR_EVALUATION_NUMBER")]
    evaluation_number: u32,
    /// The one of `update=early`, if it is another.
    #[arg(long)]
    early_evaluation_number: Option<u32>,
    /// Revokes the PCK certificate of a machine with default options. Can be repeated.
    #[arg(long, value_name = "NUMBER")]
    revoke: Vec<u32>,
    /// How logs are written.
    #[arg(long, value_enum, default_value_t = LogFormat::Text)]
    log_format: LogFormat,
}

#[derive(Args)]
struct Quote {
    /// Number of the machine that makes it.
    #[arg(long, default_value_t = 0)]
    machine: u32,
    /// The machine's TCB status, as Intel's documents write it.
    #[arg(long, default_value = "UpToDate")]
    status: String,
    /// MRENCLAVE, 32 bytes in hexadecimal.
    #[arg(long, value_parser = bytes::<32>, default_value_t = Hex([0; 32]))]
    mr_enclave: Hex<32>,
    /// MRSIGNER, 32 bytes in hexadecimal.
    #[arg(long, value_parser = bytes::<32>, default_value_t = Hex([0; 32]))]
    mr_signer: Hex<32>,
    /// REPORTDATA, 64 bytes in hexadecimal.
    #[arg(long, value_parser = bytes::<64>, default_value_t = Hex([0; 64]))]
    report_data: Hex<64>,
    /// ISVPRODID.
    #[arg(long, default_value_t = 0)]
    isv_prod_id: u16,
    /// ISVSVN.
    #[arg(long, default_value_t = 0)]
    isv_svn: u16,
    /// What is wrong with it; `list` lists what can be.
    #[arg(long)]
    fault: Option<String>,
}

#[derive(Clone, Copy, ValueEnum)]
enum LogFormat {
    Text,
    Json,
}

/// Bytes on the command line.
#[derive(Clone)]
struct Hex<const N: usize>([u8; N]);

impl<const N: usize> std::fmt::Display for Hex<N> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

fn bytes<const N: usize>(text: &str) -> Result<Hex<N>, String> {
    let mut bytes = [0; N];
    let digits = text.strip_prefix("0x").unwrap_or(text);
    hex::decode_to_slice(digits, &mut bytes)
        .map_err(|error| format!("not {N} bytes in hexadecimal: {error}"))?;
    Ok(Hex(bytes))
}

#[tokio::main]
async fn main() -> Result<()> {
    match Cli::parse().command {
        Command::Pccs(options) => serve(options).await,
        Command::Root { out } => {
            let authority = Authority::development();
            match out {
                Some(path) => fs::write(&path, authority.root_der())
                    .with_context(|| format!("{} cannot be written", path.display())),
                None => Ok(io::stdout().write_all(authority.root_der())?),
            }
        }
        Command::Collateral { issued, fault } => {
            print_collateral(issued.unwrap_or_else(now), fault)
        }
        Command::Quote(options) => print_quote(options),
    }
}

/// Serves until SIGINT or SIGTERM.
async fn serve(options: Pccs) -> Result<()> {
    start_logging(options.log_format);
    let authority = Authority::development();
    let revoked_pck =
        options.revoke.iter().map(|&number| authority.machine(number).serial()).collect();
    let service = PccsOptions {
        authority,
        validity: options.validity,
        evaluation_number: options.evaluation_number,
        early_evaluation_number: options.early_evaluation_number,
        revoked_pck,
        ..PccsOptions::new(now)
    };
    // Before the address is told: who waits for it may send a signal at once.
    let (mut interrupt, mut terminate) =
        (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let listener = TcpListener::bind(options.listen)
        .await
        .with_context(|| format!("cannot listen on {}", options.listen))?;
    let address = listener.local_addr()?;
    tracing::warn!(
        "for development only: everybody can make what this server signs, and it protects nothing"
    );
    tracing::info!(
        validity = service.validity,
        evaluation_number = service.evaluation_number,
        early_evaluation_number = service.early_evaluation_number,
        "serving collateral"
    );
    println!("listening on http://{address}");
    io::stdout().flush()?;
    let stop = async move {
        tokio::select! {
            _ = interrupt.recv() => (),
            _ = terminate.recv() => (),
        }
        tracing::info!("stopping");
    };
    // Connections that clients keep open do not hold it up.
    tokio::select! {
        result = async { axum::serve(listener, pccs::router(service)).await } => Ok(result?),
        () = stop => Ok(()),
    }
}

fn print_collateral(issued: u64, fault: Option<String>) -> Result<()> {
    let (authority, options) = (Authority::development(), CollateralOptions::new(issued));
    let collateral = match fault {
        None => authority.collateral(&options),
        Some(name) => match find(CollateralFault::ALL, &name)? {
            Some(fault) => authority.faulty_collateral(&options, fault),
            None => return Ok(()),
        },
    };
    println!("{}", collateral.to_json());
    Ok(())
}

fn print_quote(options: Quote) -> Result<()> {
    let status = TcbStatus::ALL.iter().find(|status| status.name() == options.status);
    let Some(&status) = status else {
        bail!("{} is no TCB status", options.status);
    };
    let authority = Authority::development();
    let machine = authority.machine_with(options.machine, &MachineOptions::with_status(status));
    let enclave = EnclaveIdentity {
        mr_enclave: options.mr_enclave.0,
        mr_signer: options.mr_signer.0,
        isv_prod_id: options.isv_prod_id,
        isv_svn: options.isv_svn,
    };
    let report_data = &options.report_data.0;
    let quote = match options.fault {
        None => machine.quote(&enclave, report_data),
        Some(name) => match find(QuoteFault::ALL, &name)? {
            Some(fault) => machine.faulty_quote(&enclave, report_data, fault),
            None => return Ok(()),
        },
    };
    println!("{}", hex::encode(quote));
    Ok(())
}

/// The fault of a name; for `list`, prints all and gives none.
fn find<T: std::fmt::Debug + Copy>(all: &[T], name: &str) -> Result<Option<T>> {
    if name == "list" {
        all.iter().for_each(|fault| println!("{fault:?}"));
        return Ok(None);
    }
    match all.iter().find(|fault| format!("{fault:?}") == name) {
        Some(fault) => Ok(Some(*fault)),
        None => bail!("{name} is no fault; `--fault list` lists them"),
    }
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

fn start_logging(format: LogFormat) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let layer = fmt::layer().with_writer(io::stderr);
    let layer = match format {
        LogFormat::Text => layer.with_ansi(false).boxed(),
        LogFormat::Json => layer.json().boxed(),
    };
    tracing_subscriber::registry().with(layer.with_filter(filter)).init();
}
