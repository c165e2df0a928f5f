// SPDX-License-Identifier: Apache-2.0
//! Starts the network of `network.toml` and checks that it lives: all validators author, all
//! finalize, all agree. Then it ends it, also when it did not start or was interrupted, and looks
//! that nothing of it is left.

use std::{
    collections::BTreeSet,
    env, fs,
    future::Future,
    path::Path,
    process::{self, Command},
    thread,
    time::Duration,
};

use anyhow::{bail, ensure, Context};
use tokio::{
    runtime::Runtime,
    signal::unix::{signal, SignalKind},
    time::{sleep, timeout, Instant},
};
use zombienet_sdk::{
    subxt::{
        backend::{legacy::LegacyRpcMethods, rpc::RpcClient},
        config::substrate::DigestItem,
        utils::H256,
        PolkadotConfig,
    },
    LocalFileSystem, Network, NetworkConfig, NetworkConfigExt, NetworkNode,
};

const NETWORK: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/network.toml");

/// Rounds of turns to author that are looked at.
const ROUNDS: u64 = 5;

/// What marks an entry of a header's digest as Aura's.
const AURA: [u8; 4] = *b"aura";

/// How long the nodes may take to start.
const START_LIMIT: Duration = Duration::from_secs(600);

/// How long they may take to finalize those rounds.
const FINALITY_LIMIT: Duration = Duration::from_secs(180);

/// How long one answer of a node may take.
const ANSWER_LIMIT: Duration = Duration::from_secs(20);

/// How long ended processes may take to be gone.
const END_LIMIT: Duration = Duration::from_secs(10);

const POLL: Duration = Duration::from_millis(500);

type Rpc = LegacyRpcMethods<PolkadotConfig>;

fn main() -> anyhow::Result<()> {
    let dir = env::temp_dir().join(format!("tee-zombienet-{}", process::id()));
    fs::create_dir(&dir).with_context(|| format!("cannot create {}", dir.display()))?;
    // Zombienet makes its folder where temporary files belong. Of a network that does not start it
    // does not tell the folder, by which its processes are known: so it is one of ours. Set before
    // there are threads.
    env::set_var("TMPDIR", &dir);
    let runtime = Runtime::new().context("cannot start the runtime")?;
    let checked = runtime.block_on(run(&dir));
    // With the runtime the last handles of processes go.
    runtime.shutdown_timeout(END_LIMIT);
    let ended = end_what_is_left(&dir);
    checked.with_context(|| format!("the nodes' data and logs are in {}", dir.display()))?;
    let ended = ended?;
    ensure!(ended.is_empty(), "left running, and ended now: {ended:?}");
    fs::remove_dir_all(&dir).with_context(|| format!("cannot remove {}", dir.display()))?;
    println!("ended      no process and no file is left");
    Ok(())
}

/// Starts the network, checks it, and ends it also when it is interrupted.
async fn run(dir: &Path) -> anyhow::Result<()> {
    let config = NetworkConfig::load_from_toml(NETWORK).context("cannot load network.toml")?;
    let network = tokio::select! {
        // Signals first: they are watched before anything is started.
        biased;
        stopped = stop_signal() => { stopped?; bail!("interrupted") }
        network = timeout(START_LIMIT, config.spawn_native()) => network
            .context("the nodes did not start in time")?
            .context("the nodes cannot be started; tee-node must be on the PATH")?,
    };
    let checked = tokio::select! {
        checked = check(&network) => checked,
        stopped = stop_signal() => stopped.and_then(|()| bail!("interrupted")),
    };
    let destroyed = network.destroy().await.context("the network cannot be ended");
    checked?;
    destroyed?;
    wait_until_gone(dir).await
}

/// Ends when the user or the system asks the program to end.
async fn stop_signal() -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate()).context("cannot watch for signals")?;
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted?,
        _ = terminate.recv() => (),
    }
    Ok(())
}

async fn check(network: &Network<LocalFileSystem>) -> anyhow::Result<()> {
    let nodes = network.nodes();
    ensure!(nodes.len() == 4, "{} nodes instead of four", nodes.len());
    let mut connected = Vec::new();
    for node in nodes {
        println!("started    {:8} {}", node.name(), node.ws_uri());
        connected.push((node, connect(node).await?));
    }

    let count = u64::try_from(connected.len())?;
    let last = ROUNDS * count;
    let mut agreed = None;
    for (node, rpc) in &connected {
        let finalized = wait_finalized(rpc, last).await;
        let finalized = finalized.with_context(|| format!("{} does not finalize", node.name()))?;
        // Finalized by this node, so it is its finalized chain's.
        let hash = hash_of(rpc, last).await?;
        println!("finalized  {:8} #{finalized}, has {hash:?} as #{last}", node.name());
        ensure!(*agreed.get_or_insert(hash) == hash, "{} has another chain", node.name());
    }

    let (_, rpc) = connected.first().context("there is no node")?;
    let mut turns = BTreeSet::new();
    for number in 1..=last {
        turns.insert(slot(rpc, number).await? % count);
    }
    // Aura's turns go by slot, and every node checked the seal of the one whose turn it was.
    ensure!(u64::try_from(turns.len())? == count, "only turns {turns:?} of {count} were taken");
    println!("authored   each of the {count} validators, within {last} finalized blocks");
    Ok(())
}

async fn connect(node: &NetworkNode) -> anyhow::Result<Rpc> {
    let rpc = answer(RpcClient::from_insecure_url(node.ws_uri())).await;
    Ok(Rpc::new(rpc.with_context(|| format!("cannot connect to {}", node.name()))?))
}

/// Waits until a node has finalized this block; returns the newest that it has finalized.
async fn wait_finalized(rpc: &Rpc, number: u64) -> anyhow::Result<u64> {
    let deadline = Instant::now() + FINALITY_LIMIT;
    loop {
        let head = answer(rpc.chain_get_finalized_head()).await?;
        let header = answer(rpc.chain_get_header(Some(head))).await?;
        let finalized = u64::from(header.context("the finalized head has no header")?.number);
        if finalized >= number {
            return Ok(finalized);
        }
        ensure!(Instant::now() < deadline, "it is at #{finalized} and not yet at #{number}");
        sleep(POLL).await;
    }
}

async fn hash_of(rpc: &Rpc, number: u64) -> anyhow::Result<H256> {
    let hash = answer(rpc.chain_get_block_hash(Some(number.into()))).await?;
    hash.with_context(|| format!("there is no block #{number}"))
}

/// The slot in which a block was authored.
async fn slot(rpc: &Rpc, number: u64) -> anyhow::Result<u64> {
    let header = answer(rpc.chain_get_header(Some(hash_of(rpc, number).await?))).await?;
    let logs = header.context("a block has no header")?.digest.logs;
    let slot = logs.iter().find_map(|log| match log {
        DigestItem::PreRuntime(AURA, slot) => Some(slot.as_slice()),
        _ => None,
    });
    let slot = slot.with_context(|| format!("block #{number} names no slot"))?;
    Ok(u64::from_le_bytes(slot.try_into().context("a slot is not eight bytes long")?))
}

/// Bounds the time that an answer takes.
async fn answer<T, E>(answer: impl Future<Output = Result<T, E>>) -> anyhow::Result<T>
where
    E: std::error::Error + Send + Sync + 'static,
{
    Ok(timeout(ANSWER_LIMIT, answer).await.context("a node does not answer")??)
}

/// Waits until no process has the network's folder on its command line.
async fn wait_until_gone(dir: &Path) -> anyhow::Result<()> {
    let deadline = Instant::now() + END_LIMIT;
    while !running_in(dir)?.is_empty() {
        // What is left then is told, and ended, by `end_what_is_left`.
        if Instant::now() >= deadline {
            break;
        }
        sleep(POLL).await;
    }
    Ok(())
}

/// Ends the processes that have the network's folder on their command line; returns them.
fn end_what_is_left(dir: &Path) -> anyhow::Result<Vec<String>> {
    let mut ended = Vec::new();
    let deadline = Instant::now() + END_LIMIT;
    loop {
        let left = running_in(dir)?;
        if left.is_empty() {
            return Ok(ended);
        }
        ensure!(Instant::now() < deadline, "cannot be ended: {left:?}");
        for (id, command) in left {
            // One that has ended by itself meanwhile is no failure: it is not found again.
            Command::new("kill").args(["-KILL", &id]).status().context("cannot run kill")?;
            if !ended.contains(&command) {
                ended.push(command);
            }
        }
        thread::sleep(POLL);
    }
}

/// Number and command line of the processes that have the network's folder on their command line.
fn running_in(dir: &Path) -> anyhow::Result<Vec<(String, String)>> {
    let dir = dir.to_str().context("the folder's name is not text")?;
    let mut running = Vec::new();
    for process in fs::read_dir("/proc")? {
        let process = process?;
        // A process may end while it is looked at.
        let command = fs::read(process.path().join("cmdline")).unwrap_or_default();
        let command = String::from_utf8_lossy(&command).replace('\0', " ");
        if command.contains(dir) {
            running.push((process.file_name().to_string_lossy().into_owned(), command));
        }
    }
    Ok(running)
}
