// SPDX-License-Identifier: Apache-2.0
//! SIGKILLs and pauses at random moments while shares are stored and viewed, and what must be true
//! afterwards: no share is lost whose storing was answered with success, none is confirmed twice, no
//! view is missing in the log, and every synced share is in its slot of every cluster.

use std::{
    collections::{btree_map::Entry, BTreeMap},
    mem,
    sync::{
        atomic::{AtomicBool, AtomicU64, Ordering},
        Mutex, PoisonError,
    },
    time::Duration,
};

use anyhow::{bail, ensure, Context};
use codec::Decode;
use futures::future::{try_join, try_join_all};
use rand::Rng;
use subxt_signer::sr25519::{dev, Keypair};
use tee_cli::devnet::{Devnet, EnclaveProcess};
use tee_enclave::store::{LogEntry, Store, VersionKey};
use tee_primitives::{
    cluster::CLUSTER_SIZE,
    keyshare::{split_of_signer, Split},
    nft::NftId,
    packet::RequesterType,
    BlockNumber,
};
use tee_wallet::{
    chain::{history::KeyshareConfirmed, Chain},
    media::MediaKey,
    packets::{retrieve_packet, StoreAttempt},
};
use tokio::time::{sleep, Instant};

use crate::{
    create_secret_nfts,
    disk::{close, Disk},
    get, keyshares, post, post_store, until_within, LIMIT, SECRET,
};

/// NFTs that are made at once.
const MINTED: usize = 16;

/// NFTs whose shares are being stored, and views that are being asked for, at the same time.
const STORING: usize = 3;
const VIEWING: usize = 3;

/// How long an enclave works at most before it is killed, after it serves.
const LIFE: Duration = Duration::from_millis(1500);

/// How long an enclave is paused at most.
const PAUSE: Duration = Duration::from_millis(1500);

/// Pause before a request that was not answered is sent again.
const AGAIN: Duration = Duration::from_millis(150);

/// How long everything may take to become synced when the kills are over.
const END: Duration = Duration::from_secs(120);

/// What was answered with success.
#[derive(Default)]
struct Answered {
    /// The share, by NFT, split and slot.
    stored: Mutex<BTreeMap<(NftId, Split, usize), String>>,
    /// How many views, by NFT and slot.
    viewed: Mutex<BTreeMap<(NftId, usize), u64>>,
}

/// What happened.
#[derive(Debug)]
pub struct Outcome {
    /// Kills.
    pub kills: usize,
    /// NFTs that became synced.
    pub synced: usize,
    /// Shares whose storing was answered with success.
    pub stored: usize,
    /// Views that were answered with success.
    pub viewed: u64,
    /// Requests that a kill left without an answer.
    pub unanswered: u64,
}

struct Load<'net> {
    chain: &'net Chain,
    urls: Vec<String>,
    owner: Keypair,
    answered: Answered,
    unanswered: AtomicU64,
    synced: Mutex<Vec<NftId>>,
    /// Minted, and nothing stored for them yet.
    minted: tokio::sync::Mutex<Vec<NftId>>,
    /// What was sent, also if it was not answered: by NFT and place in a cluster.
    sent: Mutex<BTreeMap<(NftId, usize), Vec<String>>>,
    is_over: AtomicBool,
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Kills the network's enclaves so often under load, and for at least so long, and checks what they
/// hold. They are not running afterwards.
pub async fn under_load(
    devnet: &mut Devnet,
    kills: usize,
    at_least: Duration,
) -> anyhow::Result<Outcome> {
    let mut enclaves = mem::take(&mut devnet.enclaves);
    let chain = devnet.chain().clone();
    let load = Load {
        chain: &chain,
        urls: enclaves.iter().map(|enclave| enclave.url().to_owned()).collect(),
        owner: dev::dave(),
        answered: Answered::default(),
        unanswered: AtomicU64::new(0),
        synced: Mutex::default(),
        minted: tokio::sync::Mutex::default(),
        sent: Mutex::default(),
        is_over: AtomicBool::new(false),
    };
    let minted = create_secret_nfts(&chain, &load.owner, MINTED).await?;
    load.minted.lock().await.extend(minted);
    let first = chain.finalized().await?.number();

    let killing = async {
        let each = kills.div_ceil(enclaves.len());
        let end = Instant::now() + at_least;
        let kills = enclaves.iter_mut().map(|enclave| keep_killing(enclave, each, end));
        let kills: usize = try_join_all(kills).await?.into_iter().sum();
        load.is_over.store(true, Ordering::Relaxed);
        Ok(kills)
    };
    let storing =
        async { try_join_all((0..STORING).map(|_| load.keep_storing())).await.map(|_| ()) };
    let viewing =
        async { try_join_all((0..VIEWING).map(|_| load.keep_viewing())).await.map(|_| ()) };
    let (kills, _) = try_join(killing, try_join(storing, viewing)).await?;

    load.everything_is_synced_and_served().await?;
    let last = chain.finalized().await?.number();
    nothing_is_confirmed_twice(&chain, first, last).await?;
    let mut disks = Vec::new();
    for (slot, enclave) in enclaves.iter_mut().enumerate() {
        enclave.stop(Duration::from_secs(20)).await?;
        disks.push(Disk::of(slot, enclave));
    }
    for disk in &disks {
        load.check_store(disk).await.with_context(|| format!("enclave {}", disk.index()))?;
    }
    // The check is worth something: it finds a share that is taken out.
    let victim = disks.last().context("there are no enclaves")?;
    load.take_one_out(victim).await?;
    ensure!(load.check_store(victim).await.is_err(), "a missing share was not found");
    let outcome = Outcome {
        kills,
        synced: lock(&load.synced).len(),
        stored: lock(&load.answered.stored).len(),
        viewed: lock(&load.answered.viewed).values().sum(),
        unanswered: load.unanswered.load(Ordering::Relaxed),
    };
    Ok(outcome)
}

/// How often it was killed: so many times, and until the end.
async fn keep_killing(
    enclave: &mut EnclaveProcess,
    times: usize,
    end: Instant,
) -> anyhow::Result<usize> {
    let mut kills = 0;
    while kills < times || Instant::now() < end {
        serves(enclave.url()).await?;
        sleep(LIFE.mul_f64(rand::rng().random())).await;
        if rand::rng().random() {
            enclave.process().pause()?;
            sleep(PAUSE.mul_f64(rand::rng().random())).await;
            enclave.process().resume()?;
        }
        enclave.kill()?;
        enclave.restart().await?;
        kills += 1;
    }
    serves(enclave.url()).await?;
    Ok(kills)
}

async fn serves(url: &str) -> anyhow::Result<()> {
    until_within(LIMIT, "an enclave that serves", || async {
        let health = get(url, "/api/health").await?;
        Ok(health.body["sync_state"].as_str().is_some_and(|state| state.parse::<u32>().is_ok()))
    })
    .await
}

impl Load<'_> {
    fn goes_on(&self) -> bool {
        !self.is_over.load(Ordering::Relaxed)
    }

    async fn keep_storing(&self) -> anyhow::Result<()> {
        while self.goes_on() {
            let nft_id = {
                // One account's transactions go one after the other.
                let mut minted = self.minted.lock().await;
                if minted.is_empty() {
                    *minted = create_secret_nfts(self.chain, &self.owner, MINTED).await?;
                }
                minted.pop().context("nothing was minted")?
            };
            self.store(nft_id).await?;
            lock(&self.synced).push(nft_id);
        }
        Ok(())
    }

    /// Stores five shares of one split, as a client that does not give up.
    async fn store(&self, nft_id: NftId) -> anyhow::Result<()> {
        let key = MediaKey::generate()?;
        let deadline = Instant::now() + END;
        // The clusters take turns.
        let clusters = self.urls.len() / CLUSTER_SIZE as usize;
        let first = nft_id as usize % clusters.max(1) * CLUSTER_SIZE as usize;
        'split: loop {
            ensure!(Instant::now() < deadline, "NFT {nft_id} could not be stored");
            let finalized = self.chain.finalized().await?.number();
            let attempt = StoreAttempt::new(&self.owner, nft_id, &key, finalized)?;
            let shares = attempt.packets().enumerate().map(|(slot, packet)| async move {
                let share = packet.data.split('_').nth(1).unwrap_or_default().to_owned();
                lock(&self.sent).entry((nft_id, slot)).or_default().push(share.clone());
                let slot = first + slot;
                loop {
                    match post_store(&self.urls[slot], &packet).await {
                        Err(_) => {
                            self.unanswered.fetch_add(1, Ordering::Relaxed);
                        }
                        Ok(answer) => match (answer.code.as_u16(), answer.status()) {
                            (200, _) => break,
                            (503, _) => (),
                            (_, "EXPIREDSIGNER" | "EXPIREDREQUEST") => return Ok(None),
                            // A splitting before this one, one of whose answers was lost.
                            (_, "NOTSYNCING" | "NFTIDEXISTS")
                                if keyshares(self.chain, nft_id).await?.synced.is_some() =>
                            {
                                return Ok(Some(()));
                            }
                            _ => bail!("NFT {nft_id}, slot {slot}: {}", answer.body),
                        },
                    }
                    sleep(AGAIN).await;
                }
                lock(&self.answered.stored)
                    .insert((nft_id, split_of_signer(&packet.signer_address), slot), share);
                Ok(Some(()))
            });
            if try_join_all(shares).await?.iter().any(Option::is_none) {
                continue 'split;
            }
            return Ok(());
        }
    }

    async fn keep_viewing(&self) -> anyhow::Result<()> {
        while self.goes_on() {
            let nft_id = {
                let synced = lock(&self.synced);
                let index = rand::rng().random_range(0..synced.len().max(1));
                synced.get(index).copied()
            };
            let slot = rand::rng().random_range(0..self.urls.len());
            match nft_id {
                Some(nft_id) => {
                    if self.view(nft_id, slot).await?.is_none() {
                        sleep(AGAIN).await;
                    }
                }
                None => sleep(AGAIN).await,
            }
        }
        Ok(())
    }

    /// The share that an enclave gives; `None` if it gives none now.
    async fn view(&self, nft_id: NftId, slot: usize) -> anyhow::Result<Option<String>> {
        let finalized = self.chain.finalized().await?.number();
        let request = retrieve_packet(&self.owner, RequesterType::Owner, nft_id, finalized);
        let route = "/api/secret-nft/retrieve-keyshare";
        let Ok(answer) = post(&self.urls[slot], route, &request).await else {
            self.unanswered.fetch_add(1, Ordering::Relaxed);
            return Ok(None);
        };
        match (answer.code.as_u16(), answer.status()) {
            (200, _) => {
                *lock(&self.answered.viewed).entry((nft_id, slot)).or_default() += 1;
                let data = answer.body["keyshare_data"].as_str().unwrap_or_default();
                Ok(Some(data.split('_').nth(1).unwrap_or_default().to_owned()))
            }
            // Not synced or not known here yet, not come from the other cluster yet, or the enclave
            // has just started.
            (503, _) | (_, "NOTSYNCED" | "EXPIREDREQUEST" | "KEYNOTEXIST" | "INVALIDNFTID") => {
                Ok(None)
            }
            _ => bail!("NFT {nft_id}, slot {slot}: {}", answer.body),
        }
    }

    /// Every NFT whose five shares were answered with success is synced, with one of the splits that
    /// were; and each enclave gives its share of that split.
    async fn everything_is_synced_and_served(&self) -> anyhow::Result<()> {
        let all = lock(&self.synced).clone();
        for &nft_id in &all {
            until_within(END, &format!("the sync of NFT {nft_id}"), || async {
                Ok(keyshares(self.chain, nft_id).await?.synced.is_some())
            })
            .await?;
        }
        for (nft_id, slot) in
            all.into_iter().flat_map(|id| (0..self.urls.len()).map(move |slot| (id, slot)))
        {
            let given = Mutex::new(None);
            until_within(END, &format!("the share of NFT {nft_id} in slot {slot}"), || async {
                let share = self.view(nft_id, slot).await?;
                let is_given = share.is_some();
                *lock(&given) = share;
                Ok(is_given)
            })
            .await?;
            let given = lock(&given).take();
            let sent = lock(&self.sent).get(&(nft_id, slot % CLUSTER_SIZE as usize)).cloned();
            let is_known =
                given.is_some_and(|given| sent.is_some_and(|sent| sent.contains(&given)));
            ensure!(is_known, "another share of NFT {nft_id} came from slot {slot}");
        }
        Ok(())
    }

    /// Removes a share from an ended enclave's store.
    async fn take_one_out(&self, disk: &Disk) -> anyhow::Result<()> {
        let nft_id = *lock(&self.synced).first().context("nothing is synced")?;
        let custody = disk.open(self.chain).await?;
        let version = VersionKey { nft_id, kind: SECRET, version: 1 };
        custody.store.wipe(version).await?;
        close(custody).await
    }

    /// Opens an ended enclave's store, and looks for all that was answered.
    async fn check_store(&self, disk: &Disk) -> anyhow::Result<()> {
        let slot = disk.index();
        let custody = disk.open(self.chain).await?;
        ensure!(custody.losses == 0, "account and store were lost");
        let mut log: BTreeMap<NftId, (u64, u64)> = BTreeMap::new();
        for &(nft_id, ..) in lock(&self.answered.stored).keys() {
            if let Entry::Vacant(entry) = log.entry(nft_id) {
                entry.insert(logged(&custody.store, nft_id)?);
            }
        }
        for (nft_id, (stored, viewed)) in log {
            let answered = lock(&self.answered.stored)
                .keys()
                .filter(|(nft, _, at)| (*nft, *at) == (nft_id, slot))
                .count() as u64;
            ensure!(stored >= answered, "NFT {nft_id}: {answered} stored, {stored} in the log");
            let answered = lock(&self.answered.viewed).get(&(nft_id, slot)).copied().unwrap_or(0);
            ensure!(viewed >= answered, "NFT {nft_id}: {answered} views, {viewed} in the log");
        }
        let synced = lock(&self.synced).clone();
        disk.compare(&custody, self.chain, &synced).await?;
        ensure!(custody.store.outbox(1)?.is_empty(), "the outbox is not empty");
        close(custody).await
    }
}

/// How many entries a log has about an NFT: shares stored, and views.
fn logged(store: &Store, nft_id: NftId) -> anyhow::Result<(u64, u64)> {
    const PAGE: usize = 256;
    let (mut stored, mut viewed, mut after) = (0, 0, None);
    loop {
        let entries = store.log_of(nft_id, after, PAGE)?;
        let Some((last, _)) = entries.last() else { return Ok((stored, viewed)) };
        after = Some(*last);
        for (_, entry) in entries {
            match entry {
                LogEntry::Stored(_) => stored += 1,
                LogEntry::Viewed(_) => viewed += 1,
                LogEntry::Received(_) => (),
                LogEntry::RolledBack(head) => bail!("the log was rolled back behind {head:?}"),
            }
        }
    }
}

/// Looks through finalized blocks: each share has at most one confirmation.
async fn nothing_is_confirmed_twice(
    chain: &Chain,
    first: BlockNumber,
    last: BlockNumber,
) -> anyhow::Result<()> {
    let mut seen: BTreeMap<(NftId, u32, u32, Split), BlockNumber> = BTreeMap::new();
    for number in first..=last {
        let block = chain.finalized_block(number).await?;
        for event in block.client().events().fetch().await?.iter() {
            let event = event?;
            if (event.pallet_name(), event.event_name()) != ("TEE", "KeyshareConfirmed") {
                continue;
            }
            let confirmed: KeyshareConfirmed = KeyshareConfirmed::decode(&mut event.field_bytes())?;
            let KeyshareConfirmed { nft_id, version, slot_id, split, .. } = confirmed;
            if let Some(before) = seen.insert((nft_id, version, slot_id, split), number) {
                bail!("NFT {nft_id}, slot {slot_id}: confirmed in #{before} and in #{number}");
            }
        }
    }
    ensure!(!seen.is_empty(), "nothing was confirmed");
    Ok(())
}
