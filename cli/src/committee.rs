// SPDX-License-Identifier: Apache-2.0
//! Motions of the technical committee: proposed, voted on, carried out.

use std::{collections::BTreeSet, time::Duration};

use anyhow::{bail, ensure, Context};
use codec::{Compact, Decode, Encode};
use subxt::dynamic::Value;
use subxt_signer::sr25519::Keypair;
use tee_primitives::{BlockNumber, Hash, RawAccountId};
use tee_wallet::chain::{
    calls::{self, Call, Weight, COMMITTEE},
    Chain, ChainBlock, Included, WaitFor,
};

/// How long one step of a motion may take.
pub const STEP_LIMIT: Duration = Duration::from_secs(90);

/// A motion that members vote on.
#[derive(Clone, Copy, Debug, Decode, Eq, PartialEq)]
pub struct Motion {
    /// Counts the committee's motions.
    pub index: u32,
    /// Hash of the proposed call.
    pub hash: Hash,
}

/// How a motion stands.
#[derive(Clone, Debug, Decode, Eq, PartialEq)]
pub struct Votes {
    /// The motion's index.
    pub index: u32,
    /// How many votes carry it.
    pub threshold: u32,
    /// Who voted for it.
    pub ayes: Vec<RawAccountId>,
    /// Who voted against it.
    pub nays: Vec<RawAccountId>,
    /// The last block before it lapses.
    pub end: BlockNumber,
}

impl Votes {
    /// Votes that are missing to carry it.
    pub fn missing(&self) -> u32 {
        self.threshold.saturating_sub(count(&self.ayes))
    }

    /// Whether it cannot be carried any more: members who do not vote have not agreed, but could.
    pub fn is_lost(&self, members: usize) -> bool {
        members.saturating_sub(self.nays.len())
            < usize::try_from(self.threshold).unwrap_or(usize::MAX)
    }
}

fn count(votes: &[RawAccountId]) -> u32 {
    u32::try_from(votes.len()).unwrap_or(u32::MAX)
}

/// A motion that is open, with what it proposes.
#[derive(Clone, Debug)]
pub struct OpenMotion {
    /// Hash of the proposed call.
    pub hash: Hash,
    /// The proposed call, encoded.
    pub call: Vec<u8>,
    /// How it stands.
    pub votes: Votes,
}

/// What came of a motion.
#[derive(Debug)]
pub enum Outcome {
    /// It was carried, and the call succeeded in this block.
    Carried(Box<Included>),
    /// It was carried in this block, and its call failed.
    Failed {
        /// The transaction that carried it.
        included: Box<Included>,
        /// The call's error.
        reason: String,
    },
    /// It was closed in this block without having been carried.
    Rejected(Box<Included>),
    /// It needs so many more votes.
    Waiting {
        /// The motion.
        motion: Motion,
        /// Votes that are missing.
        missing: u32,
    },
}

impl Outcome {
    /// The block in which the motion was carried out; an error if it was not, or its call failed.
    pub fn carried(self) -> anyhow::Result<Included> {
        match self {
            Self::Carried(included) => Ok(*included),
            Self::Failed { reason, .. } => bail!("the committee's call failed: {reason}"),
            Self::Rejected(_) => bail!("the committee rejected the motion"),
            Self::Waiting { missing, .. } => bail!("the motion needs {missing} more votes"),
        }
    }
}

/// The committee's members.
pub async fn members(block: &ChainBlock) -> anyhow::Result<Vec<RawAccountId>> {
    const WHAT: &str = "the committee's members";
    let members = block.entry(WHAT, COMMITTEE, "Members", []).await?.unwrap_or_default();
    Vec::<RawAccountId>::decode(&mut members.as_slice()).context(WHAT)
}

/// The votes that two thirds of so many members are.
pub fn two_thirds(members: usize) -> u32 {
    u32::try_from((2 * members).div_ceil(3)).unwrap_or(u32::MAX)
}

/// Passes a motion for `proposal` as far as the keys given can: the first proposes, all vote until
/// two thirds of the committee have, and then it is carried out. A key given twice votes once.
pub async fn pass(chain: &Chain, keys: &[Keypair], proposal: Call) -> anyhow::Result<Outcome> {
    let Some(first) = keys.first() else { bail!("a motion needs a member's key") };
    let keys = distinct(keys);
    let members = members(&chain.finalized().await?).await?;
    for key in &keys {
        let account = key.public_key().0;
        let ss58 = tee_wallet::packets::ss58(&account);
        ensure!(members.contains(&account), "{ss58} is not a member of the committee");
    }
    let threshold = two_thirds(members.len());
    // With a threshold of one the proposal would be carried out at once, without a motion.
    ensure!(threshold > 1, "a committee of {} cannot pass motions", members.len());
    let motion = propose(chain, first, proposal, threshold).await?;
    let needed = usize::try_from(threshold).unwrap_or(usize::MAX);
    let voters = keys.into_iter().take(needed);
    let passed = vote_and_close(chain, first, voters, motion, true).await;
    passed.with_context(|| stands(&motion.hash))
}

/// Votes with keys of members, each once, and closes the motion if that decides it.
pub async fn vote_with(
    chain: &Chain,
    keys: &[Keypair],
    hash: &Hash,
    approve: bool,
) -> anyhow::Result<Outcome> {
    let first = keys.first().context("a vote needs a member's key")?;
    let motion = open_motion(&chain.best().await?, hash).await?;
    vote_and_close(chain, first, distinct(keys), motion, approve).await
}

async fn vote_and_close(
    chain: &Chain,
    signer: &Keypair,
    voters: impl IntoIterator<Item = &Keypair>,
    motion: Motion,
    approve: bool,
) -> anyhow::Result<Outcome> {
    for voter in voters {
        vote(chain, voter, motion, approve).await?;
    }
    close_if_decided(chain, signer, motion).await
}

/// The keys without those that were there before.
fn distinct(keys: &[Keypair]) -> Vec<&Keypair> {
    let mut seen = BTreeSet::new();
    keys.iter().filter(|key| seen.insert(key.public_key().0)).collect()
}

/// What to do about a motion that was proposed when a later step did not succeed.
fn stands(hash: &Hash) -> String {
    let hash = hex::encode(hash);
    format!(
        "the motion 0x{hash} was proposed; go on with `tee committee vote --motion 0x{hash}`, or \
         `close` once it has its votes (`tee committee motions` shows them)"
    )
}

/// Proposes a call.
async fn propose(
    chain: &Chain,
    member: &Keypair,
    proposal: Call,
    threshold: u32,
) -> anyhow::Result<Motion> {
    let length = chain.best().await?.encode_call(&proposal)?.len();
    let call = calls::propose(threshold, proposal, u32::try_from(length)?);
    let proposed = chain.submit(&call, member, WaitFor::Inclusion, STEP_LIMIT).await?;
    let event = proposed.event(COMMITTEE, "Proposed").context("the motion's event is missing")?;
    let (_proposer, motion) = <(RawAccountId, Motion)>::decode(&mut event.as_slice())
        .context("the motion's event cannot be decoded")?;
    Ok(motion)
}

/// Votes for or against a motion.
pub async fn vote(
    chain: &Chain,
    member: &Keypair,
    motion: Motion,
    approve: bool,
) -> anyhow::Result<()> {
    let call = calls::vote(&motion.hash, motion.index, approve);
    chain.submit(&call, member, WaitFor::Inclusion, STEP_LIMIT).await?;
    Ok(())
}

/// The votes on the motion with this hash, if it is open.
pub async fn votes(block: &ChainBlock, hash: &Hash) -> anyhow::Result<Option<Votes>> {
    const WHAT: &str = "the votes on the motion";
    let key = [Value::from_bytes(hash)];
    let votes = block.entry(WHAT, COMMITTEE, "Voting", key).await?;
    votes.map(|votes| Votes::decode(&mut votes.as_slice()).context(WHAT)).transpose()
}

/// The motion with this hash; an error if it is not open.
pub async fn open_motion(block: &ChainBlock, hash: &Hash) -> anyhow::Result<Motion> {
    let votes = votes(block, hash).await?.context("there is no such open motion")?;
    Ok(Motion { index: votes.index, hash: *hash })
}

/// The open motions, oldest first.
pub async fn motions(block: &ChainBlock) -> anyhow::Result<Vec<OpenMotion>> {
    const WHAT: &str = "the open motions";
    let hashes = block.entry(WHAT, COMMITTEE, "Proposals", []).await?.unwrap_or_default();
    let mut motions = Vec::new();
    for hash in Vec::<Hash>::decode(&mut hashes.as_slice()).context(WHAT)? {
        let votes = votes(block, &hash).await?.context(WHAT)?;
        motions.push(OpenMotion { hash, call: proposal(block, &hash).await?, votes });
    }
    motions.sort_by_key(|motion| motion.votes.index);
    Ok(motions)
}

/// The call that a motion proposes, encoded.
async fn proposal(block: &ChainBlock, hash: &Hash) -> anyhow::Result<Vec<u8>> {
    const WHAT: &str = "the proposed call";
    block.entry(WHAT, COMMITTEE, "ProposalOf", [Value::from_bytes(hash)]).await?.context(WHAT)
}

/// Closes a motion if its votes decide it already.
pub async fn close_if_decided(
    chain: &Chain,
    signer: &Keypair,
    motion: Motion,
) -> anyhow::Result<Outcome> {
    let block = chain.best().await?;
    let votes = votes(&block, &motion.hash).await?.context("there is no such open motion")?;
    let missing = votes.missing();
    if missing > 0 && !votes.is_lost(members(&block).await?.len()) {
        return Ok(Outcome::Waiting { motion, missing });
    }
    close(chain, signer, motion).await
}

/// Ends a motion that its votes decide, or whose time is over, and carries it out if it has enough
/// votes. Returns when that is final.
pub async fn close(chain: &Chain, signer: &Keypair, motion: Motion) -> anyhow::Result<Outcome> {
    let block = chain.best().await?;
    let call = proposal(&block, &motion.hash).await?;
    let length = u32::try_from(call.len())?;
    let weight = weight_of(&block, call).await?;
    let call = calls::close(&motion.hash, motion.index, weight, length);
    let closed = chain.submit(&call, signer, WaitFor::Finality, STEP_LIMIT).await?;
    let included = Box::new(closed);
    if included.event(COMMITTEE, "Disapproved").is_some() {
        return Ok(Outcome::Rejected(included));
    }
    Ok(match failure(chain, &included).await? {
        Some(reason) => Outcome::Failed { included, reason },
        None => Outcome::Carried(included),
    })
}

/// The error of the call that a motion carried out. A mandate succeeds also if the call that it
/// mandates fails.
async fn failure(chain: &Chain, closed: &Included) -> anyhow::Result<Option<String>> {
    let executed = closed.event(COMMITTEE, "Executed").context("the motion was not carried out")?;
    let (_hash, result) =
        executed.split_at_checked(size_of::<Hash>()).context("the motion's result is missing")?;
    if let Some(reason) = chain.dispatch_failure(closed.block_hash, result).await? {
        return Ok(Some(reason));
    }
    for event in closed.events.iter() {
        let event = event.context("an event cannot be decoded")?;
        if (event.pallet_name(), event.event_name()) == ("Mandate", "RootOp") {
            let result = event.field_bytes();
            if let Some(reason) = chain.dispatch_failure(closed.block_hash, result).await? {
                return Ok(Some(reason));
            }
        }
    }
    Ok(None)
}

/// What the runtime says that an encoded call weighs.
async fn weight_of(block: &ChainBlock, mut call: Vec<u8>) -> anyhow::Result<Weight> {
    const WHAT: &str = "the call's weight";
    let length = u32::try_from(call.len())?;
    length.encode_to(&mut call);
    let api = "TransactionPaymentCallApi_query_call_info";
    let info = block.runtime_api(WHAT, api, &call).await?;
    let (Compact(ref_time), Compact(proof_size)) =
        <(Compact<u64>, Compact<u64>)>::decode(&mut info.as_slice()).context(WHAT)?;
    Ok(Weight { ref_time, proof_size })
}

#[cfg(test)]
mod tests {
    use subxt_signer::sr25519::dev;

    use super::*;

    #[test]
    fn a_key_that_is_given_twice_votes_once() {
        let keys = [dev::alice(), dev::bob(), dev::alice()];
        let accounts = distinct(&keys).into_iter().map(|key| key.public_key().0);
        let expected = [dev::alice(), dev::bob()].map(|key| key.public_key().0);
        assert_eq!(accounts.collect::<Vec<_>>(), expected);
    }

    #[test]
    fn a_motion_that_stands_names_its_hash_and_the_next_command() {
        let command = format!("tee committee vote --motion 0x{}", "11".repeat(32));
        assert!(stands(&[0x11; 32]).contains(&command));
    }

    #[test]
    fn two_thirds_are_never_rounded_down() {
        for (members, votes) in [(1, 1), (2, 2), (3, 2), (4, 3), (5, 4), (6, 4), (7, 5), (9, 6)] {
            assert_eq!(two_thirds(members), votes);
        }
    }

    #[test]
    fn a_motion_is_lost_when_too_few_members_are_left_to_carry_it() {
        let votes = |ayes, nays| Votes {
            index: 0,
            threshold: 2,
            ayes: vec![[1; 32]; ayes],
            nays: vec![[2; 32]; nays],
            end: 9,
        };
        assert!(!votes(0, 0).is_lost(3) && !votes(0, 1).is_lost(3) && !votes(1, 1).is_lost(3));
        assert!(votes(0, 2).is_lost(3) && votes(1, 2).is_lost(3));
        assert_eq!([0, 1, 2, 3].map(|ayes| votes(ayes, 0).missing()), [2, 1, 0, 0]);
    }
}
