// SPDX-License-Identifier: Apache-2.0
//! Which blocks are final, by what the chain's authorities have signed: GRANDPA justifications,
//! followed from the genesis authorities through every change of the set.
//!
//! A justification is a set of precommits, signed in one round of one authority set, for a block or
//! for descendants of it. Two thirds of the set's weight make the block final. A block whose digest
//! announces a change of the set is the last that the old set finalizes; the next justification must
//! come from the new set. So every set vouches for the next, and each step costs one justification
//! and one header, however many blocks lie between.
//!
//! The number of the newest final block only rises. Nothing here trusts who brings the bytes.
//!
//! **Not covered.** Who later gets the keys of two thirds of a *former* set can sign another past for
//! an enclave that has not gone beyond that set yet. A change by force (`note_stalled`), which no
//! set vouches for, is not followed: see [`Lie::ForcedChange`].

use std::collections::{BTreeSet, HashMap};

use codec::{Decode, DecodeAll, Encode};
use finality_grandpa::{voter_set::VoterSet, Message};
use sp_consensus_grandpa::{
    check_message_signature_with_buffer, AuthorityList, ConsensusLog, GrandpaJustification, SetId,
    GRANDPA_ENGINE_ID,
};
use sp_core::H256;
use sp_runtime::{generic::OpaqueDigestItemId, traits::Header as _};
use tee_primitives::{BlockNumber, Hash};

use super::{
    lie::Lie,
    spec::{Genesis, MAX_AUTHORITIES},
    Head, Header,
};

/// Most headers between a justified block and the blocks that were voted for. Votes are a few blocks
/// ahead of what they make final.
const MAX_ANCESTRY: usize = 16_384;

/// Longest justification, in bytes: those headers, and the votes.
const MAX_JUSTIFICATION: usize = 4 * 1024 * 1024;

/// The newest final block, and who makes the next ones final.
#[derive(Clone, Debug, Decode, Encode, Eq, PartialEq)]
pub struct Finality {
    number: BlockNumber,
    hash: Hash,
    state_root: Hash,
    set_id: SetId,
    authorities: AuthorityList,
}

/// A block that a justification is about.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Target(Head);

impl Target {
    /// The block.
    pub fn head(&self) -> Head {
        self.0
    }
}

impl Finality {
    /// At the chain's first block.
    pub fn at_genesis(genesis: &Genesis) -> Self {
        Self {
            number: 0,
            hash: genesis.hash,
            state_root: genesis.state_root,
            set_id: 0,
            authorities: genesis.authorities.clone(),
        }
    }

    /// The newest final block.
    pub fn head(&self) -> Head {
        Head { number: self.number, hash: self.hash }
    }

    /// Root of that block's state.
    pub fn state_root(&self) -> Hash {
        self.state_root
    }

    /// How often the set of authorities has changed.
    pub fn set_id(&self) -> SetId {
        self.set_id
    }

    /// Checks that a justification makes a block final, which is newer than the present one. Returns
    /// the block, whose header is needed next.
    pub fn verify(&self, justification: &[u8]) -> Result<Target, Lie> {
        if justification.len() > MAX_JUSTIFICATION {
            return Err(Lie::MalformedJustification);
        }
        let GrandpaJustification::<Header> { round, commit, votes_ancestries } =
            DecodeAll::decode_all(&mut &*justification).map_err(|_| Lie::MalformedJustification)?;
        let target = Head { number: commit.target_number, hash: commit.target_hash.0 };
        if target.number <= self.number {
            return Err(Lie::OldJustification);
        }
        if commit.precommits.len() > 2 * MAX_AUTHORITIES || votes_ancestries.len() > MAX_ANCESTRY {
            return Err(Lie::MalformedJustification);
        }
        let voters = VoterSet::new(self.authorities.iter().cloned()).ok_or(Lie::NotFinal)?;
        let ancestry = Ancestry::new(commit.target_hash, commit.target_number, votes_ancestries);
        let mut counted = BTreeSet::new();
        let mut weight = 0u64;
        let mut buffer = Vec::new();
        for vote in commit.precommits {
            let Some(voter) = voters.get(&vote.id) else { continue };
            if !ancestry.leads_to_target(vote.precommit.target_hash, vote.precommit.target_number)
                || counted.contains(&vote.id)
            {
                continue;
            }
            let signed = check_message_signature_with_buffer(
                &Message::Precommit(vote.precommit),
                &vote.id,
                &vote.signature,
                round,
                self.set_id,
                &mut buffer,
            );
            if !signed.is_valid() {
                return Err(Lie::ForgedVote);
            }
            counted.insert(vote.id);
            weight = weight.saturating_add(voter.weight().get());
            if weight >= voters.threshold().get() {
                return Ok(Target(target));
            }
        }
        Err(Lie::NotFinal)
    }

    /// Goes on to a block that [`verify`](Self::verify) has found final.
    pub fn advance(&mut self, Target(target): Target, header: &Header) -> Result<(), Lie> {
        if header.hash().0 != target.hash || *header.number() != target.number {
            return Err(Lie::AnotherHeader);
        }
        if let Some(authorities) = next_authorities(header)? {
            self.set_id = self.set_id.saturating_add(1);
            self.authorities = authorities;
        }
        self.number = target.number;
        self.hash = target.hash;
        self.state_root = header.state_root().0;
        Ok(())
    }
}

/// Headers from the blocks that were voted for back to the one that becomes final.
struct Ancestry {
    target: H256,
    number: BlockNumber,
    headers: HashMap<H256, Header>,
}

impl Ancestry {
    fn new(target: H256, number: BlockNumber, headers: Vec<Header>) -> Self {
        let headers = headers.into_iter().map(|header| (header.hash(), header)).collect();
        Self { target, number, headers }
    }

    /// Whether a block is the target or descends from it. The way is bounded: each step goes to
    /// another header, because a hash cannot be its own ancestor.
    fn leads_to_target(&self, mut block: H256, number: BlockNumber) -> bool {
        let mut expected = number;
        while block != self.target {
            match self.headers.get(&block) {
                Some(header) if *header.number() == expected && expected > self.number => {
                    block = *header.parent_hash();
                    expected -= 1;
                }
                _ => return false,
            }
        }
        expected == self.number
    }
}

/// The authorities that come after a block, if it is the last one of its set.
fn next_authorities(header: &Header) -> Result<Option<AuthorityList>, Lie> {
    let id = OpaqueDigestItemId::Consensus(&GRANDPA_ENGINE_ID);
    let logs = || {
        let logs = header.digest().logs().iter();
        logs.filter_map(|log| log.try_to::<ConsensusLog<BlockNumber>>(id))
    };
    if logs().any(|log| matches!(log, ConsensusLog::ForcedChange(..))) {
        return Err(Lie::ForcedChange);
    }
    // The first one counts.
    let change = logs().find_map(|log| match log {
        ConsensusLog::ScheduledChange(change) => Some(change),
        _ => None,
    });
    match change {
        None => Ok(None),
        // The runtime announces changes in the block that they follow.
        Some(change) if change.delay != 0 => Err(Lie::ForcedChange),
        Some(change) if (1..=MAX_AUTHORITIES).contains(&change.next_authorities.len()) => {
            Ok(Some(change.next_authorities))
        }
        Some(_) => Err(Lie::ForcedChange),
    }
}

#[cfg(test)]
pub(crate) mod tests;
