// SPDX-License-Identifier: Apache-2.0
//! What the end-to-end tests share: plain HTTP requests, secret NFTs in known states, and looking
//! at the finalized chain. The network itself is the one that `tee devnet` starts.

pub mod disk;
pub mod filling;
pub mod hostile;
pub mod kills;
pub mod liar;

use std::{
    future::Future,
    process::{Command, Output},
    time::Duration,
};

use anyhow::{bail, ensure, Context};
use codec::Decode;
use reqwest::{Client, Response, StatusCode};
use serde_json::Value;
use sp_crypto_hashing::blake2_256;
use subxt::dynamic::Value as Dynamic;
use subxt_signer::sr25519::{dev, Keypair};
use tee_cli::{
    committee,
    devnet::{setup, Binaries, Devnet},
};
use tee_primitives::{
    abi::storage,
    keyshare::{KeyshareKind, KeyshareStatus, SlotConfirmations, SyncedKeyshare},
    nft::NftId,
    packet::StoreKeysharePacket,
    BlockNumber, RawAccountId,
};
use tee_tls::Trust;
use tee_wallet::{
    chain::{calls, Chain, ChainBlock, Included, WaitFor},
    cluster,
    enclave::EnclaveClient,
    media::MediaKey,
    packets::StoreAttempt,
};

/// How long a condition on the chain may take to become true.
pub const LIMIT: Duration = Duration::from_secs(60);

/// The kind of keyshare that the tests use.
pub const SECRET: KeyshareKind = KeyshareKind::Secret;

/// An HTTP answer.
#[derive(Debug)]
pub struct Answer {
    /// Its status code.
    pub code: StatusCode,
    /// Its body.
    pub body: Value,
}

impl Answer {
    /// Reads an answer; every one of the enclaves' is JSON.
    pub async fn read(response: Response) -> anyhow::Result<Self> {
        let code = response.status();
        let text = response.text().await?;
        let body = serde_json::from_str(&text)
            .with_context(|| format!("answered {code} with a body that is not JSON: {text:?}"))?;
        Ok(Self { code, body })
    }

    /// Its `status`, the stable string.
    pub fn status(&self) -> &str {
        self.body["status"].as_str().unwrap_or_default()
    }

    /// Fails unless it is this code with this status.
    pub fn expect(&self, code: u16, status: &str) -> anyhow::Result<()> {
        ensure!(
            self.code.as_u16() == code && self.status() == status,
            "expected {code} {status}, got {} {}",
            self.code,
            self.body
        );
        Ok(())
    }
}

/// A client that repeats nothing.
pub fn http() -> anyhow::Result<Client> {
    // What is tested is not who answers.
    Ok(tee_tls::builder(&Trust::Anyone)?.timeout(Duration::from_secs(40)).build()?)
}

/// Posts JSON to an enclave.
pub async fn post(url: &str, route: &str, body: &impl serde::Serialize) -> anyhow::Result<Answer> {
    let request = http()?.post(format!("{url}{route}"));
    let body = serde_json::to_vec(body)?;
    let response = request.header("content-type", "application/json").body(body).send().await?;
    Answer::read(response).await
}

/// Stores a share, once.
pub async fn post_store(url: &str, packet: &StoreKeysharePacket) -> anyhow::Result<Answer> {
    post(url, "/api/secret-nft/store-keyshare", packet).await
}

/// Asks an enclave something.
pub async fn get(url: &str, route: &str) -> anyhow::Result<Answer> {
    Answer::read(http()?.get(format!("{url}{route}")).send().await?).await
}

/// An NFT that waits for its shares, with their splitting.
pub struct Unsynced {
    /// The NFT.
    pub nft_id: NftId,
    /// What was split.
    pub key: MediaKey,
    /// A splitting of it.
    pub attempt: StoreAttempt,
    /// The requests, by slot.
    pub packets: Vec<StoreKeysharePacket>,
}

impl Unsynced {
    /// Creates a secret NFT and splits a key for it, without storing anything.
    pub async fn create(chain: &Chain, owner: &Keypair, wait: WaitFor) -> anyhow::Result<Self> {
        let nft_id = create_secret_nft(chain, owner, wait).await?;
        let key = MediaKey::generate()?;
        Self::split(chain, owner, nft_id, key).await
    }

    /// Splits the same key once more.
    pub async fn split_again(&self, chain: &Chain, owner: &Keypair) -> anyhow::Result<Self> {
        Self::split(chain, owner, self.nft_id, self.key.clone()).await
    }

    async fn split(
        chain: &Chain,
        owner: &Keypair,
        nft_id: NftId,
        key: MediaKey,
    ) -> anyhow::Result<Self> {
        let finalized = chain.finalized().await?.number();
        let attempt = StoreAttempt::new(owner, nft_id, &key, finalized)?;
        let packets = attempt.packets().collect();
        Ok(Self { nft_id, key, attempt, packets })
    }
}

/// Waits until an NFT is synced on the finalized chain, and every enclave has seen it.
pub async fn wait_synced(devnet: &Devnet, nft_id: NftId) -> anyhow::Result<SyncedKeyshare> {
    let chain = devnet.chain();
    let synced = chain
        .wait_for("the sync", LIMIT, |block| async move {
            Ok(block.keyshares(nft_id, SECRET).await?.synced)
        })
        .await?;
    for slot in 0..devnet.enclaves.len() {
        until("the block of the sync at each enclave", || async {
            Ok(devnet.health(slot).await?.block_number >= synced.block_number)
        })
        .await?;
    }
    Ok(synced)
}

/// Creates a secret NFT, stores all its shares and waits for the sync.
pub async fn create_synced(devnet: &Devnet, owner: &Keypair) -> anyhow::Result<Unsynced> {
    let chain = devnet.chain();
    let nft = Unsynced::create(chain, owner, WaitFor::Finality).await?;
    let members = chain.finalized().await?.members(0).await?;
    let client = EnclaveClient::new()?;
    let deadline = tokio::time::Instant::now() + LIMIT;
    let report = cluster::store(&client, &members, &nft.attempt, deadline).await?;
    ensure!(report.is_complete(), "{report}");
    wait_synced(devnet, nft.nft_id).await?;
    Ok(nft)
}

/// Creates a secret NFT.
pub async fn create_secret_nft(
    chain: &Chain,
    owner: &Keypair,
    wait: WaitFor,
) -> anyhow::Result<NftId> {
    let call = calls::create_secret_nft(b"ipfs://public", b"ipfs://secret");
    let included = chain.submit(&call, owner, wait, LIMIT).await?;
    created_nft(&included)
}

/// Creates so many secret NFTs by one final transaction.
pub async fn create_secret_nfts(
    chain: &Chain,
    owner: &Keypair,
    count: usize,
) -> anyhow::Result<Vec<NftId>> {
    let one = || calls::create_secret_nft(b"ipfs://public", b"ipfs://secret");
    let call = calls::batch_all((0..count).map(|_| one()));
    let included = chain.submit(&call, owner, WaitFor::Finality, LIMIT).await?;
    let created = included.events("NFT", "NFTCreated");
    created.map(|event| Ok(NftId::decode(&mut event.as_slice())?)).collect()
}

/// The NFT that a transaction created.
pub fn created_nft(included: &Included) -> anyhow::Result<NftId> {
    let event = included.event("NFT", "NFTCreated").context("no NFT was created")?;
    Ok(NftId::decode(&mut event.as_slice())?)
}

/// What the finalized chain knows of an NFT's keyshares.
pub async fn keyshares(chain: &Chain, nft_id: NftId) -> anyhow::Result<KeyshareStatus> {
    Ok(chain.finalized().await?.keyshares(nft_id, SECRET).await?)
}

/// Waits until the finalized chain has come so many blocks further.
pub async fn wait_blocks(chain: &Chain, blocks: BlockNumber) -> anyhow::Result<()> {
    let target = chain.finalized().await?.number() + blocks;
    chain
        .wait_for("further finalized blocks", LIMIT, |block| async move {
            Ok((block.number() >= target).then_some(()))
        })
        .await?;
    Ok(())
}

/// The slots of cluster 0 whose confirmation of an NFT's first version stands at a block.
pub async fn confirmed_slots(block: &ChainBlock, nft_id: NftId) -> anyhow::Result<Vec<u32>> {
    let by = confirmations(block, nft_id).await?.into_iter();
    Ok(by.map(|(slot, _)| slot).collect())
}

/// The enclaves whose confirmations these are.
pub async fn confirmed_by(block: &ChainBlock, nft_id: NftId) -> anyhow::Result<Vec<RawAccountId>> {
    let by = confirmations(block, nft_id).await?.into_iter();
    Ok(by.map(|(_, enclave)| enclave).collect())
}

async fn confirmations(
    block: &ChainBlock,
    nft_id: NftId,
) -> anyhow::Result<Vec<(u32, RawAccountId)>> {
    let key = storage::confirmations(nft_id, SECRET, 1, 0);
    let value = match block.client().storage().fetch_raw(key).await {
        Ok(value) => value,
        Err(subxt::error::StorageError::NoValueFound) => return Ok(Vec::new()),
        Err(error) => bail!("the confirmations cannot be read: {error}"),
    };
    let slots = SlotConfirmations::<RawAccountId>::decode(&mut value.as_slice())?;
    let slots = (0..).zip(slots);
    Ok(slots.filter_map(|(slot, confirmation)| Some((slot, confirmation?.enclave))).collect())
}

/// Waits until exactly these slots have confirmed on the finalized chain.
pub async fn wait_confirmed(chain: &Chain, nft_id: NftId, slots: &[u32]) -> anyhow::Result<()> {
    until("the confirmations of the slots", || async {
        let block = chain.finalized().await?;
        Ok(confirmed_slots(&block, nft_id).await? == slots)
    })
    .await
}

/// Looks until a condition is true, at most [`LIMIT`].
pub async fn until<Look>(what: &str, look: impl Fn() -> Look) -> anyhow::Result<()>
where
    Look: Future<Output = anyhow::Result<bool>>,
{
    until_within(LIMIT, what, look).await
}

/// Looks until a condition is true, at most `limit`.
pub async fn until_within<Look>(
    limit: Duration,
    what: &str,
    look: impl Fn() -> Look,
) -> anyhow::Result<()>
where
    Look: Future<Output = anyhow::Result<bool>>,
{
    let deadline = tokio::time::Instant::now() + limit;
    while !look().await? {
        ensure!(tokio::time::Instant::now() < deadline, "waited in vain for {what}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    Ok(())
}

/// A command of `tee` to the network's node.
pub fn tee(devnet: &Devnet, command: &[&str]) -> anyhow::Result<Command> {
    let node = Binaries::beside_this()?.node;
    let program = node.parent().context("the programs are in a folder")?.join("tee");
    let mut tee = Command::new(program);
    tee.args(command).args(["--rpc-url", devnet.ws_url()]);
    Ok(tee)
}

/// What a command printed.
pub fn said(output: &Output) -> String {
    let [out, err] = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes));
    format!("{out}\n{err}")
}

/// What a command of `tee` printed that succeeded.
pub fn succeed(devnet: &Devnet, command: &[&str]) -> anyhow::Result<String> {
    let output = tee(devnet, command)?.output()?;
    ensure!(output.status.success(), "{command:?}: {}", said(&output));
    Ok(said(&output))
}

/// What a command of `tee` printed that failed.
pub fn fail(devnet: &Devnet, command: &[&str]) -> anyhow::Result<String> {
    let output = tee(devnet, command)?.output()?;
    ensure!(!output.status.success(), "{command:?}: {}", said(&output));
    Ok(said(&output))
}

/// Fails unless a text has this in it.
pub fn tells(text: &str, sentence: &str) -> anyhow::Result<()> {
    ensure!(text.contains(sentence), "{sentence:?} is not in:\n{text}");
    Ok(())
}

/// Two members of the committee, on a command line: what passes a motion.
pub const MEMBERS: [&str; 4] = ["--suri", "//Alice", "--suri", "//Bob"];

/// A motion that two members pass by `tee committee`; what was printed.
pub fn passed(devnet: &Devnet, motion: &[&str]) -> anyhow::Result<String> {
    let told = succeed(devnet, &[&["committee"], motion, &MEMBERS].concat())?;
    tells(&told, "carried out in block #")?;
    Ok(told)
}

/// The version of the runtime at the newest finalized block.
pub async fn spec_version(chain: &Chain) -> anyhow::Result<u32> {
    let version: Vec<u8> = chain
        .finalized()
        .await?
        .entry("the last upgrade", "System", "LastRuntimeUpgrade", [])
        .await?
        .context("no runtime ever ran")?;
    Ok(codec::Compact::<u32>::decode(&mut version.as_slice())?.0)
}

/// Authorizes a runtime by a motion of the committee, and applies it as somebody else; it has this
/// version.
pub async fn upgrade(chain: &Chain, code: &[u8], version: u32) -> anyhow::Result<()> {
    let hash = Dynamic::from_bytes(blake2_256(code));
    let authorize = calls::call("System", "authorize_upgrade", [hash]).into_value();
    let mandate = calls::call("Mandate", "mandate", [authorize]);
    committee::pass(chain, &setup::committee(), mandate).await?.carried()?;
    let apply = calls::call("System", "apply_authorized_upgrade", [Dynamic::from_bytes(code)]);
    chain.submit(&apply, &dev::ferdie(), WaitFor::Finality, LIMIT).await?;
    until("the new runtime", || async { Ok(spec_version(chain).await? == version) }).await
}
