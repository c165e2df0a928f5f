// SPDX-License-Identifier: Apache-2.0
//! A network whose attestations live for 45 seconds and whose collateral for a minute: for four
//! minutes nobody acts, and everything stays attested; then the service for collateral is gone, and
//! everything ends in time and in order; then it is back, and everything recovers.
//!
//! And: two hundred kills under load; a cluster that joins a chain with thousands of keyshares; ten
//! minutes of hostile load.
//!
//! Run by `make test-long` only.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    time::Duration,
};

use anyhow::{ensure, Context};
use subxt_signer::sr25519::dev;
use tee_cli::{
    devnet::{Devnet, DevnetConfig, PccsOptions},
    report::Report,
};
use tee_primitives::{attestation::record::NotLive, BlockNumber};
use tee_tests::{
    create_synced,
    hostile::{siege, victim, Times, Wave, BOUNDS},
    post_store, succeed, tells, until_within, Unsynced,
};
use tee_wallet::chain::{
    attestation::{Attested, CollateralStatus},
    Chain, ChainBlock, WaitFor,
};
use tokio::time::{sleep, timeout, Instant};

/// How long an attestation counts, in seconds.
const ATTESTATION: u64 = 45;

/// How long collateral counts, in seconds.
const COLLATERAL: u64 = 60;

/// How long nobody acts.
const QUIET: Duration = Duration::from_secs(240);

/// How long it takes at least from one NFT to the next.
const PAUSE: Duration = Duration::from_secs(20);

/// How long everything may take to expire: as long as collateral that is new counts, and what
/// blocks and finality take.
const EXPIRY: Duration = Duration::from_secs(COLLATERAL + 20);

/// How long it may take until everything is renewed: enclaves that failed for long look once a
/// minute.
const RECOVERY: Duration = Duration::from_secs(150);

/// The slot whose enclave does not bring its attestations by itself.
const SILENT: u16 = 4;

/// How the attestations of the five slots stand at a block.
async fn attested(block: &ChainBlock) -> anyhow::Result<Vec<Attested>> {
    let mut all = Vec::new();
    for member in block.members(0).await?.enclaves {
        all.push(block.attested(&member.enclave_account, &member.operator).await?);
    }
    ensure!(all.len() == 5, "{} slots are taken", all.len());
    Ok(all)
}

/// The documents that do not outlive the test. The root's list of revoked certificates does, as
/// Intel's does.
async fn collateral(block: &ChainBlock) -> anyhow::Result<Vec<CollateralStatus>> {
    let mut documents = block.collateral().await?;
    documents.retain(|document| document.expires - document.issued <= COLLATERAL);
    ensure!(documents.len() >= 3, "{documents:?}");
    Ok(documents)
}

/// What was seen while nobody acted.
#[derive(Default)]
struct Seen {
    blocks: BTreeSet<BlockNumber>,
    /// By slot, when attestations were verified.
    attested_at: BTreeMap<usize, BTreeSet<u64>>,
    /// By name, when documents were issued.
    issued: BTreeMap<String, BTreeSet<u64>>,
}

impl Seen {
    /// Looks at the newest finalized block; fails if anything in it does not count.
    async fn look(&mut self, chain: &Chain) -> anyhow::Result<()> {
        let block = chain.finalized().await?;
        if !self.blocks.insert(block.number()) {
            return Ok(());
        }
        for (slot, attested) in attested(&block).await?.into_iter().enumerate() {
            let record = attested.record.as_ref();
            ensure!(
                attested.is_live(),
                "slot {slot} is not attested in #{}: {:?}, {record:?} at {}",
                block.number(),
                attested.not_live,
                attested.now
            );
            let record = record.context("live without a record")?;
            self.attested_at.entry(slot).or_default().insert(record.attested_at);
        }
        let now = block.now().await?;
        for CollateralStatus { id, issued, expires, .. } in collateral(&block).await? {
            ensure!(now < expires, "{id:?} has expired in #{}", block.number());
            self.issued.entry(format!("{id:?}")).or_default().insert(issued);
        }
        Ok(())
    }
}

/// Looks at the chain until `work` is done.
async fn watching(
    chain: &Chain,
    seen: &mut Seen,
    work: impl std::future::Future<Output = anyhow::Result<()>>,
) -> anyhow::Result<()> {
    tokio::pin!(work);
    loop {
        tokio::select! {
            done = &mut work => return done,
            () = sleep(Duration::from_millis(500)) => seen.look(chain).await?,
        }
    }
}

/// Keyshares become synced again and again.
async fn keep_confirming(devnet: &Devnet, synced: &mut u32) -> anyhow::Result<()> {
    let end = Instant::now() + QUIET;
    while Instant::now() < end {
        let next = Instant::now() + PAUSE;
        create_synced(devnet, &dev::dave()).await?;
        *synced += 1;
        tokio::time::sleep_until(next.min(end)).await;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn attestations_are_renewed_expire_and_recover_without_anybody() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let pccs = PccsOptions { validity: Some(COLLATERAL), evaluation_number: None };
    let config = DevnetConfig {
        pccs,
        periods: BTreeMap::from([("attestationValidity", ATTESTATION)]),
        push_off: BTreeSet::from([SILENT]),
        ..DevnetConfig::new(folder.path().join("net"))?
    };
    let mut devnet = Devnet::start(config, Report::quiet()).await?;
    let chain = devnet.chain().clone();

    let (mut seen, mut synced) = (Seen::default(), 0);
    watching(&chain, &mut seen, keep_confirming(&devnet, &mut synced)).await?;
    ensure!(synced >= 8, "only {synced} NFTs were synced");
    let blocks = u32::try_from(seen.blocks.len())?;
    ensure!(blocks >= 100, "only {blocks} blocks were looked at");
    let renewals = QUIET.as_secs() / ATTESTATION;
    for slot in 0..5 {
        let attested = seen.attested_at.get(&slot).map_or(0, BTreeSet::len);
        ensure!(attested as u64 >= renewals, "slot {slot} attested {attested} times");
    }
    for (document, issued) in &seen.issued {
        let renewals = QUIET.as_secs() / COLLATERAL;
        ensure!(issued.len() as u64 >= renewals, "{document} was issued {} times", issued.len());
    }
    devnet.check_running()?;

    devnet.pccs.kill()?;
    everything_expires(&devnet).await?;
    everybody_is_told(&devnet).await?;

    devnet.pccs.restart(pccs).await?;
    until_within(RECOVERY, "five live attestations", || async {
        Ok(attested(&chain.finalized().await?).await?.iter().all(Attested::is_live))
    })
    .await?;
    until_within(RECOVERY, "five enclaves in service", || async {
        let mut all = true;
        for slot in 0..5 {
            all &= !devnet.health(slot).await?.sync_state.is_empty();
        }
        Ok(all)
    })
    .await?;
    create_synced(&devnet, &dev::dave()).await.context("after the service was back")?;
    let status = succeed(&devnet, &["status"])?;
    ensure!(!status.contains("NOT attested") && !status.contains("EXPIRED"), "{status}");
    devnet.check_running()?;
    devnet.down().await
}

/// Nothing counts for longer than the collateral by which it was judged.
async fn everything_expires(devnet: &Devnet) -> anyhow::Result<()> {
    let chain = devnet.chain();
    let waiting = until_within(EXPIRY, "the end of five attestations", || async {
        let attested = attested(&chain.finalized().await?).await?;
        Ok(attested.iter().all(|attested| attested.not_live == Some(NotLive::Expired)))
    });
    timeout(EXPIRY + Duration::from_secs(5), waiting).await??;
    for attested in attested(&chain.finalized().await?).await? {
        let record = attested.record.context("the record is gone")?;
        let life = record.expires_at - record.attested_at;
        ensure!(life <= ATTESTATION, "an attestation counted for {life} s");
    }
    Ok(())
}

/// The API, health and `tee status` say what is wrong.
async fn everybody_is_told(devnet: &Devnet) -> anyhow::Result<()> {
    let (chain, owner) = (devnet.chain(), dev::dave());
    let nft = Unsynced::create(chain, &owner, WaitFor::Finality).await?;
    for (enclave, packet) in devnet.enclaves.iter().zip(&nft.packets) {
        post_store(enclave.url(), packet).await?.expect(503, "NOTINSERVICE")?;
    }
    let confirmed = tee_tests::confirmed_slots(&chain.finalized().await?, nft.nft_id).await?;
    ensure!(confirmed.is_empty(), "confirmations were counted: {confirmed:?}");

    for slot in 0..5 {
        let health = devnet.health(slot).await?;
        ensure!(health.sync_state.is_empty(), "slot {slot} says that it is in service");
        let attestation = health.attestation.as_ref().context("health lacks the attestation")?;
        ensure!(!attestation.live, "slot {slot} says that it is attested");
        health.attestation_problem().context("health does not say what is wrong")?;
    }
    until_within(EXPIRY, "the end of the collateral", || async {
        let block = chain.finalized().await?;
        let now = block.now().await?;
        Ok(collateral(&block).await?.iter().all(|document| document.expires <= now))
    })
    .await?;
    let status = succeed(devnet, &["status"])?;
    tells(&status, "collateral EXPIRED: ")?;
    tells(&status, "no enclave can attest until it is renewed")?;
    let told =
        status.matches("NOT attested (simulated): its attestation, or the collateral").count();
    ensure!(told == 5, "{told} slots say it:\n{status}");
    Ok(())
}

/// How long two clusters are killed and paused.
const TEN_MINUTES: Duration = Duration::from_secs(600);

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_kills_in_ten_minutes_of_load_lose_nothing() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let config = DevnetConfig { clusters: 2, ..DevnetConfig::new(folder.path().join("net"))? };
    let mut devnet = Devnet::start(config, Report::quiet()).await?;
    let outcome = tee_tests::kills::under_load(&mut devnet, 200, TEN_MINUTES).await;
    if outcome.is_err() {
        eprintln!("logs: {}", folder.keep().display());
    }
    let outcome = outcome?;
    println!("{outcome:?}");
    ensure!(outcome.synced >= 20 && outcome.viewed >= 200, "too little load: {outcome:?}");
    devnet.down().await
}

/// Keyshares on the chain when another cluster joins; `TEE_KEYSHARES` takes others.
const KEYSHARES: usize = 10_000;

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_that_joins_late_is_filled() -> anyhow::Result<()> {
    let keyshares = std::env::var("TEE_KEYSHARES").map_or(Ok(KEYSHARES), |count| count.parse())?;
    let folder = tempfile::tempdir()?;
    let config = DevnetConfig::new(folder.path().join("net"))?;
    let mut devnet = Devnet::start(config.clone(), Report::quiet()).await?;
    let filled = tee_tests::filling::fill(&mut devnet, &config, keyshares).await;
    if filled.is_err() {
        eprintln!("logs: {}", folder.keep().display());
    }
    println!("{}", filled?);
    devnet.down().await
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_minutes_of_attacks_are_hardly_noticed() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let mut devnet =
        Devnet::start(DevnetConfig::new(folder.path().join("net"))?, Report::quiet()).await?;
    let program = Path::new(env!("CARGO_BIN_EXE_tee-hostile"));
    let outcome = besieged(&mut devnet, program).await;
    if outcome.is_err() {
        eprintln!("logs: {}", folder.keep().display());
    }
    outcome?;
    devnet.check_running()?;
    devnet.down().await
}

async fn besieged(devnet: &mut Devnet, program: &Path) -> anyhow::Result<()> {
    const MIB: u64 = 1024 * 1024;

    let times = Times {
        alone: Duration::from_secs(60),
        turn: Duration::from_secs(6),
        turns: 1,
        rounds: 4,
        more: 2,
    };
    let nft = create_synced(devnet, &victim()).await?;
    let one_by_one = siege(devnet, 0, program, nft.nft_id, &Wave::one_by_one(), times).await?;
    println!("{one_by_one}");

    devnet.restart_enclave_with(0, &BOUNDS).await?;
    let beyond = siege(devnet, 0, program, nft.nft_id, &Wave::beyond_capacity(), times).await?;
    println!("{beyond}");
    one_by_one.judge(128 * MIB, 8 * MIB)?;
    beyond.judge(64 * MIB, 8 * MIB)
}
