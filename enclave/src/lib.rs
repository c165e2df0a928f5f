// SPDX-License-Identifier: Apache-2.0
//! The enclave's server: keeps one share of every secret NFT's key, and gives it to whom the
//! finalized chain allows (TIP-500).
//!
//! | module | owns | promises |
//! |---|---|---|
//! | [`chain`] | access to the chain | nodes are not trusted: what is not proven is an error, never an answer |
//! | [`checkpoint`] | how far finality was followed | sealed; without it only the next start takes longer |
//! | [`view`] | what is known of the chain and of the own place on it | all of it from one finalized block, never from an older one than before, and none that is too old; another runtime is never served |
//! | [`store`] | the records, the outbox and the view log | what was answered with success is durable, and no share leaves without a trace |
//! | [`submit`] | the account's nonce | transactions go one after the other, whoever wants them sent |
//! | [`confirm`] | what was sent of the outbox | every stored share ends confirmed, or pointless by the chain's word |
//! | [`quotes`] | the newest quote | one at a time, not more than the chain can use, and none that is not what was asked for |
//! | [`attest`] | – | the chain has an attestation of this start that counts, or health says why not |
//! | [`park`] | requests that wait for finality | bounded, in number and time |
//! | [`api`] | the routes | stable statuses; no request can make it panic, block or grow |
//! | [`clients`] | how much each client has | one client does not take what is for all |
//! | [`server`] | connections | bounded, with a place for every newcomer, and finished when the enclave stops |
//! | [`tls`] | the key and the certificates of the API | the key is attested and stays; certificates change without a restart |
//! | [`reconcile`] | – | what is held is compared with what the chain has; what is missing is known |
//! | [`sync`] | channels to other enclaves | a slot holds what the chain says it must, or health says what is missing; nobody gets a share who has not proven what the chain says |
//! | [`archive`] | – | a backup's shares open only in enclaves that the chain has named |
//! | [`custody`] | account and store | lost together, never deleted, and never a reason not to start |
//! | [`account`] | the enclave's keys | made once, sealed, never shown |
//! | [`identity`] | – | what the enclave says of itself in every attestation |
//! | [`platform`] | – | what the enclave needs of its machine |
//! | [`gramine`] | `/dev/attestation` | the machine with SGX; nobody gets another's quote |
//!
//! [`seal`] and [`mod@file`] are what the others use to keep secrets and files, and [`step`] why one of
//! their steps fails; [`config`],
//! [`logging`] and [`command`] are for the programs: this package's, for SGX, and the simulated one.
//!
//! The enclave serves only while the finalized chain has an attestation of its account that carries
//! the `session` of this very start, and counts it by the chain's own rules ([`view`]). So what it
//! knows of the chain is newer than its start, and a copy of its disk that starts later ends its
//! service.
//!
//! The tasks own their state and talk by channels. [`run`] starts them and ends when one fails or
//! when it is told to.

use std::{future::Future, io, net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use axum::Router;
use tokio::{net::TcpListener, sync::watch, task::JoinError};

pub mod account;
pub mod api;
pub mod archive;
pub mod attest;
pub mod chain;
pub mod checkpoint;
pub mod clients;
pub mod command;
pub mod config;
pub mod confirm;
pub mod custody;
pub mod file;
pub mod gramine;
pub mod identity;
pub mod logging;
pub mod park;
pub mod platform;
pub mod quotes;
pub mod reconcile;
pub mod seal;
pub mod server;
pub mod step;
pub mod store;
pub mod submit;
pub mod sync;
pub mod tls;
pub mod verifier;
pub mod view;

#[cfg(test)]
mod documents;

use api::{metrics::Metrics, ApiLimits, Context};
use archive::Archives;
use attest::{pccs::Pccs, Attester, Pauses};
use chain::{
    cache::Cached,
    finality::Finality,
    node::{Connect, Url},
    spec::{Genesis, SpecError},
    verified::VerifiedChain,
    Chain, ChainInfo,
};
use checkpoint::Checkpoint;
use clients::Connections;
use config::{AttestationPush, Config};
use custody::{Custody, CustodyError};
use identity::Identity;
use park::{Park, ParkLimits};
use platform::{Platform, PlatformError};
use quotes::Quotes;
use seal::Sealer;
use server::ServerLimits;
use store::StoreError;
use submit::Submitter;
use sync::{pull::Dialer, serve::Channels, Progress, Syncer};
use tls::{Tls, TlsError};
use verifier::Verifier;
use view::{Outlook, Understood};

/// Why the enclave does not start, or stops by itself.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The data folder cannot be made.
    #[error("the data folder {folder} cannot be made: {error}")]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// What went wrong.
        error: io::Error,
    },
    /// The machine failed.
    #[error(transparent)]
    Platform(#[from] PlatformError),
    /// The chain's specification cannot be used.
    #[error("the chain specification {path} cannot be used: {error}")]
    ChainSpec {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        error: SpecError,
    },
    /// The system gives no threads.
    #[error("the system gives no threads: {0}")]
    Threads(io::Error),
    /// Other enclaves cannot be asked.
    #[error("other enclaves cannot be asked: {0}")]
    Client(tee_tls::ClientError),
    /// The PCCS cannot be asked.
    #[error("the PCCS cannot be asked: {0}")]
    Pccs(tee_tls::ClientError),
    /// TLS cannot be set up.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// Account and store cannot be used.
    #[error(transparent)]
    Custody(#[from] CustodyError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The address for the API is not free.
    #[error("cannot listen on {address}: {error}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What went wrong.
        error: io::Error,
    },
    /// A task ended that should not.
    #[error("the task {0} ended unexpectedly")]
    Ended(&'static str),
    /// A task panicked.
    #[error("a task failed: {}", ended(.0))]
    Task(#[from] JoinError),
}

/// How a task ended, without what it said when it panicked: that can hold what was worked on.
fn ended(error: &JoinError) -> &'static str {
    if error.is_panic() {
        "it panicked"
    } else {
        "it was cancelled"
    }
}

impl RunError {
    /// The exit code that tells operators what to do: 2, the configuration or the machine is wrong;
    /// 3, the account or the store cannot be used; 4, something broke while running.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Folder { .. }
            | Self::Platform(_)
            | Self::ChainSpec { .. }
            | Self::Threads(_)
            | Self::Pccs(_)
            | Self::Client(_)
            | Self::Tls(_)
            | Self::Listen { .. } => 2,
            Self::Custody(_) | Self::Store(_) => 3,
            Self::Ended(_) | Self::Task(_) => 4,
        }
    }
}

/// Runs the enclave until `shutdown` is ready, or until something fails.
///
/// Once the API's port is bound, `listening` is told its address. Order when stopping: no new
/// connections; requests that have begun, for a bounded time; the tasks; the store.
pub async fn run(
    config: Config,
    platform: Arc<dyn Platform>,
    listening: impl FnOnce(SocketAddr),
    shutdown: impl Future<Output = ()>,
) -> Result<(), RunError> {
    let client = config.client_limits();
    let folder = &config.data_dir;
    std::fs::create_dir_all(folder)
        .map_err(|error| RunError::Folder { folder: folder.clone(), error })?;
    let genesis = Genesis::read(&config.chain_spec)
        .map_err(|error| RunError::ChainSpec { path: config.chain_spec.clone(), error })?;
    let sealer = Arc::new(Sealer::new(&*platform.seal_key()?));
    let Custody { account, store, mut store_task, losses } =
        Custody::open(folder, &sealer, genesis.hash)?;
    let tls = Tls::open(&config.tls, folder, &sealer, account.address())?;
    let own = Identity {
        tls_spki_hash: tls.as_ref().map_or(tee_tls::NO_KEY, Tls::attested_key),
        ..Identity::new(&account, config.operator, platform.measurement())
    };
    tracing::info!(
        account = account.address(),
        operator = account::address(&config.operator),
        attestation = platform.kind(),
        measurement = hex::encode(own.measurement),
        chain = genesis.name,
        genesis = hex::encode(genesis.hash),
        "starting"
    );
    let pccs = config.pccs_url.as_deref().map(Pccs::new).transpose();
    let pccs = pccs.map_err(RunError::Pccs)?;

    let (listener, bound) = bind(config.listen).await?;
    let monitor_listener = match config.metrics_listen {
        Some(address) => {
            let (listener, address) = bind(address).await?;
            tracing::info!(%address, "metrics and health over plain HTTP");
            Some(listener)
        }
        None => None,
    };

    let checkpoint = Checkpoint::new(folder, sealer, &genesis.hash);
    let finality = checkpoint.read().unwrap_or_else(|| Finality::at_genesis(&genesis));
    let nodes = config.rpc_urls.into_iter().map(|url| Arc::new(Url(url)) as Arc<dyn Connect>);
    let info = ChainInfo { name: genesis.name, genesis_hash: genesis.hash };
    let (chain, finality, mut chain_task) =
        VerifiedChain::start(nodes.collect(), info, finality, account.signer());
    let checkpoint_task = tokio::spawn(checkpoint.keep(finality));
    // What is read once need not be kept.
    let uncached: Arc<dyn Chain> = Arc::new(chain);
    let (chain, cache_task) = Cached::start(uncached.clone());
    let chain: Arc<dyn Chain> = Arc::new(chain);
    let (submitter, mut submit_task) = Submitter::start(chain.clone());
    let (quotes, mut quotes_task) =
        Quotes::start(account.clone(), own, platform.clone(), store.log_state());
    let (outlook_sender, outlook) = watch::channel(Outlook::default());
    let root = platform.root().to_vec();
    let understood = Understood { root: root.clone(), abis: platform.abis().to_vec() };
    let view = view::follow(chain.clone(), own, understood, view::MAX_LAG, outlook_sender);
    let confirm =
        confirm::run(chain.clone(), submitter.clone(), store.clone(), own.account, outlook.clone());
    let reconcile = reconcile::run(uncached.clone(), store.clone(), outlook.clone());
    let dialer = Dialer::new(uncached.clone(), account.clone(), own, quotes.clone());
    let dialer = dialer.map_err(RunError::Client)?;
    let archives = Archives::new(uncached.clone(), dialer.clone());
    let (progress_sender, progress) = watch::channel(Progress::default());
    let syncer = Syncer::new(
        uncached,
        store.clone(),
        dialer,
        submitter.clone(),
        (own.account, own.operator),
        progress_sender,
    );
    let mut sync_task = tokio::spawn(sync::run(syncer, outlook.clone()));
    let (problem_sender, problem) = watch::channel(None);
    let attester = Attester {
        chain: chain.clone(),
        submitter,
        quotes: quotes.clone(),
        own,
        root,
        pccs,
        push: config.attestation_push == AttestationPush::On,
        pauses: Pauses::default(),
    };
    let mut attest_task = tokio::spawn(attest::run(attester, outlook.clone(), problem_sender));
    let acceptor = tls.as_ref().map(Tls::acceptor);
    let tls_tasks = tls.map(|tls| tls.keep(quotes.clone(), outlook.clone())).unwrap_or_default();
    let (mut view, mut confirm) = (tokio::spawn(view), tokio::spawn(confirm));
    let mut reconcile = tokio::spawn(reconcile);

    let context = Arc::new(Context {
        account,
        platform,
        chain,
        store,
        outlook,
        verifier: Verifier::default(),
        park: Park::new(ParkLimits::default()),
        quotes,
        problem,
        sync: progress,
        channels: Channels::default(),
        archives,
        lists: api::metric::Lists::default(),
        losses,
        metrics: Metrics::default(),
    });
    let (stop, stopping) = watch::channel(false);
    let watched = monitor(monitor_listener, api::monitor(context.clone()), stopping.clone());
    let mut monitor = tokio::spawn(watched);
    let limits = ApiLimits { client, ..ApiLimits::default() };
    let connections = context.metrics.connections(client.connections());
    let router = api::router(context, &limits);
    let limits = ServerLimits::default();
    let mut server =
        tokio::spawn(server::serve(listener, router, acceptor, limits, connections, stopping));
    listening(bound);

    let result = tokio::select! {
        () = shutdown => Ok(()),
        ended = &mut view => failure("view", ended.map(Ok)),
        ended = &mut confirm => failure("confirm", ended),
        ended = &mut reconcile => failure("reconcile", ended),
        ended = &mut sync_task => failure("sync", ended),
        ended = &mut store_task => failure("store", ended),
        ended = &mut chain_task => failure("chain", ended.map(Ok)),
        ended = &mut submit_task => failure("submit", ended.map(Ok)),
        ended = &mut quotes_task => failure("quotes", ended.map(Ok)),
        ended = &mut attest_task => failure("attest", ended.map(Ok)),
        ended = &mut server => failure("server", ended.map(Ok)),
        ended = &mut monitor => failure("monitor", ended.map(Ok)),
    };
    tracing::info!("stopping");
    stop.send_replace(true);
    for task in [server, monitor] {
        if !task.is_finished() {
            task.await?;
        }
    }
    confirm.abort();
    reconcile.abort();
    sync_task.abort();
    let tasks =
        [view, chain_task, checkpoint_task, cache_task, submit_task, quotes_task, attest_task];
    for task in tasks.into_iter().chain(tls_tasks) {
        task.abort();
    }
    // The store's task ends, and the database is closed, when nobody can write any more.
    for task in [confirm, reconcile, sync_task] {
        if !task.is_finished() {
            let _ = task.await;
        }
    }
    if !store_task.is_finished() {
        store_task.await??;
    }
    result
}

async fn bind(address: SocketAddr) -> Result<(TcpListener, SocketAddr), RunError> {
    let failed = |error| RunError::Listen { address, error };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    Ok((listener, bound))
}

/// Serves metrics and health to the machine's operator, if that is wanted, until the enclave stops.
async fn monitor(
    listener: Option<TcpListener>,
    router: Router,
    mut stopping: watch::Receiver<bool>,
) {
    // Whoever asks for them needs neither many connections nor long answers.
    let drain = Duration::from_secs(1);
    let limits = ServerLimits { connections: 16, drain, ..Default::default() };
    match listener {
        Some(listener) => {
            let all = Connections::default();
            server::serve(listener, router, None, limits, all, stopping).await;
        }
        // The sender being gone means the same.
        None => drop(stopping.wait_for(|stop| *stop).await),
    }
}

fn failure(
    task: &'static str,
    ended: Result<Result<(), StoreError>, JoinError>,
) -> Result<(), RunError> {
    ended??;
    Err(RunError::Ended(task))
}
