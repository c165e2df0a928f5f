// SPDX-License-Identifier: Apache-2.0
//! Storing to and retrieving from the five enclaves of a cluster.

use std::{fmt, future::Future, time::Duration};

use futures::{stream::FuturesUnordered, StreamExt};
use rand::Rng;
use subxt_signer::sr25519::Keypair;
use tee_primitives::{
    cluster::{ClusterId, ClusterType, SlotId},
    nft::NftId,
    packet::{bound::Target, RetrieveKeysharePacket, StoreData},
    BlockNumber, Hash, RawAccountId,
};
use tokio::time::{sleep, timeout_at, Instant};

use crate::{
    bound::{self, RetrieveRequest, Wanted},
    enclave::{EnclaveClient, EnclaveError},
    media::MediaKey,
    packets::StoreAttempt,
    split::{Recovery, Share, SHARES},
};

const FIRST_RETRY: Duration = Duration::from_millis(250);
const LONGEST_RETRY: Duration = Duration::from_secs(4);

/// Refusals that only say that the request came too late.
const EXPIRED: [&str; 2] = ["EXPIREDSIGNER", "EXPIREDREQUEST"];

/// Refusals for what the finalized chain shows of the NFT. Finality lifts them if the NFT is not
/// final yet.
const UNTIL_FINAL: [&str; 4] =
    ["INVALIDNFTID", "OWNERSHIPVERIFICATIONFAILED", "NOTSYNCING", "IDISNOTASECRETNFT"];

/// An enclave in its slot, as the chain names it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Member {
    /// Its slot.
    pub slot_id: SlotId,
    /// Who runs it.
    pub operator: RawAccountId,
    /// Its account.
    pub enclave_account: RawAccountId,
    /// Where its API is.
    pub url: String,
    /// SHA-256 of its TLS key, as the chain has attested it; zeros if it has not.
    pub tls_spki_hash: Hash,
    /// The X25519 key to which requests for it are sealed: the one that the chain has attested for it.
    /// `None` if its attestation does not count.
    pub encryption_key: Option<[u8; 32]>,
}

/// The enclaves of a cluster, ordered by slot.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Members {
    /// The cluster.
    pub cluster_id: ClusterId,
    /// Whom it serves.
    pub cluster_type: ClusterType,
    /// At most five, each in another slot.
    pub enclaves: Vec<Member>,
}

impl Members {
    /// Whether the cluster has an enclave in each slot.
    pub fn check_complete(&self) -> Result<(), IncompleteCluster> {
        let in_order = (0..).zip(&self.enclaves).all(|(slot, member)| member.slot_id == slot);
        if in_order && self.enclaves.len() == SHARES {
            return Ok(());
        }
        Err(IncompleteCluster { cluster_id: self.cluster_id, found: self.enclaves.len() })
    }

    /// Whether the cluster's type takes shares.
    pub fn check_type(&self) -> Result<(), TakesNoShares> {
        if self.cluster_type.takes_keyshares() {
            return Ok(());
        }
        Err(TakesNoShares { cluster_id: self.cluster_id, cluster_type: self.cluster_type })
    }
}

/// A cluster does not take shares because of its type.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("cluster {cluster_id} is of the type {cluster_type:?}, which does not take shares")]
pub struct TakesNoShares {
    /// The cluster.
    pub cluster_id: ClusterId,
    /// Its type.
    pub cluster_type: ClusterType,
}

/// A cluster cannot take shares because it is not complete.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error(
    "cluster {cluster_id} has enclaves in {found} of its {SHARES} slots and cannot take shares"
)]
pub struct IncompleteCluster {
    /// The cluster.
    pub cluster_id: ClusterId,
    /// How many slots are filled.
    pub found: usize,
}

/// What became of one slot's share.
#[derive(Debug)]
pub struct SlotOutcome {
    /// The slot.
    pub slot_id: SlotId,
    /// Success, or why not.
    pub result: Result<(), EnclaveError>,
}

/// What became of the five shares of an attempt.
#[derive(Debug)]
pub struct StoreReport {
    /// One for each slot, in order.
    pub slots: Vec<SlotOutcome>,
}

impl StoreReport {
    /// Whether all five enclaves hold their share.
    pub fn is_complete(&self) -> bool {
        self.slots.len() == SHARES && self.slots.iter().all(|slot| slot.result.is_ok())
    }

    /// What is to be done next. `was_final` says whether the NFT was final before its shares were
    /// sent.
    pub fn next(&self, was_final: bool) -> Next {
        let mut next = Next::Done;
        for error in self.slots.iter().filter_map(|slot| slot.result.as_ref().err()) {
            let status = match error {
                EnclaveError::Refused { status, .. } => status.as_str(),
                _ => "",
            };
            if EXPIRED.contains(&status) {
                next = Next::SplitAgain;
            } else if error.is_transient() || (!was_final && UNTIL_FINAL.contains(&status)) {
                next = next.max(Next::SameAgain);
            } else {
                return Next::GiveUp;
            }
        }
        next
    }
}

/// What follows the sending of an attempt's shares, from good to bad.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Next {
    /// All five enclaves hold their share.
    Done,
    /// The same attempt may be taken.
    SameAgain,
    /// The attempt's time is over, another one may be taken.
    SplitAgain,
    /// An enclave refused for a reason that stays.
    GiveUp,
}

impl fmt::Display for StoreReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_slots(f, &self.slots, "stored")
    }
}

/// Not all enclaves of a cluster are in service.
#[derive(Debug, thiserror::Error)]
pub struct NotInService {
    /// How each slot is.
    pub slots: Vec<SlotOutcome>,
}

impl fmt::Display for NotInService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not all enclaves of the cluster are in service; ")?;
        write_slots(f, &self.slots, "in service")
    }
}

/// No key could be rebuilt.
#[derive(Debug, thiserror::Error)]
pub struct NotRecovered {
    /// What each slot answered.
    pub slots: Vec<SlotOutcome>,
}

impl fmt::Display for NotRecovered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the enclaves' answers do not rebuild the key; ")?;
        write_slots(f, &self.slots, "gave a share")
    }
}

/// What each slot says; slots that say the same are named together.
fn write_slots(f: &mut fmt::Formatter<'_>, slots: &[SlotOutcome], good: &str) -> fmt::Result {
    let mut said: Vec<(String, Vec<String>)> = Vec::new();
    for slot in slots {
        let text = slot.result.as_ref().map_or_else(ToString::to_string, |()| good.to_owned());
        let slot_id = slot.slot_id.to_string();
        match said.iter_mut().find(|(other, _)| *other == text) {
            Some((_, slots)) => slots.push(slot_id),
            None => said.push((text, vec![slot_id])),
        }
    }
    for (index, (text, slots)) in said.iter().enumerate() {
        let separator = if index == 0 { "" } else { "; " };
        let noun = if slots.len() == 1 { "slot" } else { "slots" };
        write!(f, "{separator}{noun} {}: {text}", slots.join(", "))?;
    }
    Ok(())
}

/// Waits until all the enclaves are in service, at most until `deadline`. `finalized` is the chain's
/// newest finalized block, which they must know, or almost.
///
/// A splitting is offered only then: an enclave keeps few splittings of one key, so none should be
/// spent on a cluster that cannot take it.
pub async fn wait_in_service(
    client: &EnclaveClient,
    members: &Members,
    finalized: BlockNumber,
    deadline: Instant,
) -> Result<(), NotInService> {
    let asked = members.enclaves.iter().map(|member| async move {
        let in_service = repeat(deadline, || async {
            client.of(member).health(&member.url).await?.check(&member.enclave_account, finalized)
        });
        SlotOutcome { slot_id: member.slot_id, result: in_service.await }
    });
    let slots = futures::future::join_all(asked).await;
    if slots.iter().all(|slot| slot.result.is_ok()) {
        return Ok(());
    }
    Err(NotInService { slots })
}

/// Sends the attempt's five shares to the five enclaves, the n-th to slot n, all at once, in the form
/// that the attempt was made for.
///
/// Failures that may pass are repeated, with growing pauses, until `deadline`. Calling this again
/// with the same attempt is safe: an enclave that holds the share answers with the same success.
pub async fn store(
    client: &EnclaveClient,
    members: &Members,
    attempt: &StoreAttempt,
    deadline: Instant,
) -> Result<StoreReport, IncompleteCluster> {
    members.check_complete()?;
    let shares = members.enclaves.iter().zip(attempt.shares());
    let sent = shares.map(|(member, share)| async move {
        let client = &client.of(member);
        let result = match attempt.target() {
            Some(target) => store_bound(client, member, attempt, target, share, deadline).await,
            None => {
                let packet = &attempt.plain_packet(share);
                repeat(deadline, || async { client.store(&member.url, packet).await.map(drop) })
                    .await
            }
        };
        SlotOutcome { slot_id: member.slot_id, result }
    });
    Ok(StoreReport { slots: futures::future::join_all(sent).await })
}

async fn store_bound(
    client: &EnclaveClient,
    member: &Member,
    attempt: &StoreAttempt,
    target: &Target,
    share: &Share,
    deadline: Instant,
) -> Result<(), EnclaveError> {
    let packet = &bound::store_packet(attempt, target, share, member)?;
    repeat(deadline, || async move {
        let enclave = &member.enclave_account;
        let answer = client.store_bound(&member.url, enclave, target.kind, packet).await?;
        bound::check_receipt(answer.keyshare_data.as_deref(), target, member)?;
        Ok(())
    })
    .await
}

/// Asks all enclaves at once for their shares, by bound requests, and returns the key as soon as three
/// right shares have come. Enclaves that are down, slow or lie do not matter as long as three answer
/// rightly before `deadline`; `opens` tells the right key. A share that is not the one whose commitment
/// the chain has is dropped, and whoever gave it is named.
pub async fn retrieve(
    client: &EnclaveClient,
    members: &Members,
    requester: &Keypair,
    wanted: &Wanted,
    opens: impl Fn(&MediaKey) -> bool,
    deadline: Instant,
) -> Result<MediaKey, NotRecovered> {
    let ask = async |member: &Member| {
        let client = &client.of(member);
        let request = &RetrieveRequest::new(requester, wanted, member)?;
        repeat(deadline, || async move {
            let enclave = &member.enclave_account;
            let packet = &request.packet;
            let answer = client.retrieve_bound(&member.url, enclave, wanted.kind, packet).await?;
            request.open(answer.keyshare_data.as_deref(), wanted, member)
        })
        .await
    };
    recover(members, ask, opens).await
}

/// The same by plain requests, as published clients do it: one `packet` for all enclaves, whose answers
/// anybody on the way can read or forge, so that wrong shares are told by `opens` alone.
pub async fn retrieve_plain(
    client: &EnclaveClient,
    members: &Members,
    nft_id: NftId,
    packet: &RetrieveKeysharePacket,
    opens: impl Fn(&MediaKey) -> bool,
    deadline: Instant,
) -> Result<MediaKey, NotRecovered> {
    let ask = async |member: &Member| {
        repeat(deadline, || async { retrieve_one(client, member, nft_id, packet).await }).await
    };
    recover(members, ask, opens).await
}

/// Asks all enclaves at once, and rebuilds the key from the first answers that suffice.
async fn recover(
    members: &Members,
    ask: impl AsyncFn(&Member) -> Result<Share, EnclaveError>,
    opens: impl Fn(&MediaKey) -> bool,
) -> Result<MediaKey, NotRecovered> {
    let ask = &ask;
    let mut answers: FuturesUnordered<_> = members
        .enclaves
        .iter()
        .map(|member| async move { (member.slot_id, ask(member).await) })
        .collect();
    let mut recovery = Recovery::new(opens);
    let mut slots = Vec::with_capacity(SHARES);
    while let Some((slot_id, answer)) = answers.next().await {
        let added = answer.and_then(|share| recovery.add(&share).map_err(bad_share));
        match added {
            Ok(Some(key)) => return Ok(key),
            Ok(None) => slots.push(SlotOutcome { slot_id, result: Ok(()) }),
            Err(error) => slots.push(SlotOutcome { slot_id, result: Err(error) }),
        }
    }
    slots.sort_by_key(|slot| slot.slot_id);
    Err(NotRecovered { slots })
}

async fn retrieve_one(
    client: &EnclaveClient,
    member: &Member,
    nft_id: NftId,
    packet: &RetrieveKeysharePacket,
) -> Result<Share, EnclaveError> {
    let response = client.of(member).retrieve(&member.url, packet).await?;
    let data = response.keyshare_data.as_deref().unwrap_or_default();
    let data = StoreData::parse(data).map_err(bad_share)?;
    if data.nft_id != nft_id {
        return Err(EnclaveError::BadShare(format!("it is for NFT {}", data.nft_id)));
    }
    Share::parse(data.share).map_err(bad_share)
}

/// The errors that end here name what is wrong, never the content.
fn bad_share(error: impl fmt::Display) -> EnclaveError {
    EnclaveError::BadShare(error.to_string())
}

/// Repeats `request` while it fails with what may pass, until `deadline`.
async fn repeat<T, Sent: Future<Output = Result<T, EnclaveError>>>(
    deadline: Instant,
    request: impl Fn() -> Sent,
) -> Result<T, EnclaveError> {
    let mut pause = FIRST_RETRY;
    let mut last = None;
    loop {
        let error = match timeout_at(deadline, request()).await {
            Ok(Ok(answer)) => return Ok(answer),
            Ok(Err(error)) => error,
            Err(_) => return Err(last.unwrap_or_else(no_answer)),
        };
        // Clients that were refused together should not come back together.
        let jittered = pause.mul_f64(rand::rng().random_range(0.5..1.0));
        if !error.is_transient() || Instant::now() + jittered >= deadline {
            return Err(error);
        }
        tracing::debug!(%error, "request is repeated");
        last = Some(error);
        sleep(jittered).await;
        pause = (pause * 2).min(LONGEST_RETRY);
    }
}

fn no_answer() -> EnclaveError {
    EnclaveError::Unreachable { reason: String::from("no answer in time"), bad_address: false }
}

#[cfg(test)]
mod tests;
