// SPDX-License-Identifier: Apache-2.0

use super::*;
use finality_grandpa::{Precommit, SignedPrecommit};
use sp_consensus_grandpa::{localized_payload, AuthorityPair, Commit, ScheduledChange};
use sp_core::Pair;
use sp_runtime::{Digest, DigestItem};

const ROUND: u64 = 3;

/// A set of authorities whose keys are known.
#[derive(Clone)]
pub(crate) struct Voters {
    pairs: Vec<AuthorityPair>,
    pub(crate) set_id: SetId,
}

impl Voters {
    pub(crate) fn new(seeds: std::ops::Range<u8>, set_id: SetId) -> Self {
        Self { pairs: seeds.map(|seed| AuthorityPair::from_seed(&[seed; 32])).collect(), set_id }
    }

    pub(crate) fn list(&self) -> AuthorityList {
        self.pairs.iter().map(|pair| (pair.public(), 1)).collect()
    }

    fn vote(&self, voter: usize, block: &Header) -> Vote {
        let precommit = Precommit { target_hash: block.hash(), target_number: *block.number() };
        let message = Message::Precommit(precommit.clone());
        let signature = self.pairs[voter].sign(&localized_payload(ROUND, self.set_id, &message));
        SignedPrecommit { precommit, signature, id: self.pairs[voter].public() }
    }

    /// The first `count` vote for a block.
    pub(crate) fn justify(&self, block: &Header, count: usize) -> Vec<u8> {
        let votes = (0..count).map(|voter| self.vote(voter, block)).collect();
        justification(block, votes, Vec::new())
    }
}

type Vote = SignedPrecommit<
    H256,
    BlockNumber,
    sp_consensus_grandpa::AuthoritySignature,
    sp_consensus_grandpa::AuthorityId,
>;

fn justification(target: &Header, precommits: Vec<Vote>, ancestry: Vec<Header>) -> Vec<u8> {
    let commit = Commit::<Header> {
        target_hash: target.hash(),
        target_number: *target.number(),
        precommits,
    };
    GrandpaJustification::<Header> { round: ROUND, commit, votes_ancestries: ancestry }.encode()
}

/// A header with this number on a block, with consensus messages.
pub(crate) fn on(parent: H256, number: BlockNumber, logs: &[ConsensusLog<BlockNumber>]) -> Header {
    let item = |log: &ConsensusLog<_>| DigestItem::Consensus(GRANDPA_ENGINE_ID, log.encode());
    let digest = Digest { logs: logs.iter().map(item).collect() };
    let root = H256::repeat_byte(number as u8);
    Header::new(number, Default::default(), root, parent, digest)
}

pub(crate) fn change(to: &Voters) -> ConsensusLog<BlockNumber> {
    ConsensusLog::ScheduledChange(ScheduledChange { next_authorities: to.list(), delay: 0 })
}

fn genesis(voters: &Voters) -> Genesis {
    Genesis { name: "Test".into(), hash: [7; 32], state_root: [8; 32], authorities: voters.list() }
}

pub(crate) fn start() -> (Voters, Finality) {
    let voters = Voters::new(0..4, 0);
    let finality = Finality::at_genesis(&genesis(&voters));
    (voters, finality)
}

fn block(number: BlockNumber) -> Header {
    on(H256::repeat_byte(7), number, &[])
}

#[test]
fn two_thirds_of_the_authorities_make_a_block_final() {
    let (voters, mut finality) = start();
    let block = block(9);
    for (votes, expected) in [(0, false), (1, false), (2, false), (3, true), (4, true)] {
        let verified = finality.verify(&voters.justify(&block, votes));
        assert_eq!(verified.is_ok(), expected, "{votes} votes");
        assert!(expected || verified == Err(Lie::NotFinal));
    }
    let target = finality.verify(&voters.justify(&block, 3)).unwrap();
    finality.advance(target, &block).unwrap();
    assert_eq!(finality.head(), Head { number: 9, hash: block.hash().0 });
    assert_eq!((finality.state_root(), finality.set_id()), ([9; 32], 0));
}

#[test]
fn the_newest_final_block_only_rises() {
    let (voters, mut finality) = start();
    let ninth = block(9);
    let target = finality.verify(&voters.justify(&ninth, 4)).unwrap();
    finality.advance(target, &ninth).unwrap();
    for number in [1, 8, 9] {
        let old = voters.justify(&block(number), 4);
        assert_eq!(finality.verify(&old), Err(Lie::OldJustification));
    }
    assert!(finality.verify(&voters.justify(&block(10), 4)).is_ok());
}

#[test]
fn a_vote_counts_once_and_only_an_authoritys() {
    let (voters, finality) = start();
    let strangers = Voters::new(50..60, 0);
    let block = block(5);
    let mut votes = vec![voters.vote(0, &block), voters.vote(1, &block)];
    votes.extend([voters.vote(0, &block), voters.vote(1, &block), voters.vote(1, &block)]);
    votes.extend((0..10).map(|voter| strangers.vote(voter, &block)));
    let short = justification(&block, votes.clone(), Vec::new());
    assert_eq!(finality.verify(&short), Err(Lie::NotFinal));
    votes.push(voters.vote(3, &block));
    assert!(finality.verify(&justification(&block, votes, Vec::new())).is_ok());
}

#[test]
fn a_vote_in_anothers_name_or_for_another_round_or_set_is_forged() {
    let (voters, finality) = start();
    let block = block(5);
    let vote = |voter: usize, set_id| Voters { set_id, ..voters.clone() }.vote(voter, &block);
    let mut stolen = vote(1, 0);
    stolen.signature = vote(0, 0).signature;
    for forged in [stolen, vote(1, 1)] {
        let votes = vec![vote(0, 0), forged, vote(2, 0), vote(3, 0)];
        let forged = justification(&block, votes, Vec::new());
        assert_eq!(finality.verify(&forged), Err(Lie::ForgedVote));
    }
    let mut round =
        GrandpaJustification::<Header>::decode(&mut &voters.justify(&block, 4)[..]).unwrap();
    round.round += 1;
    assert_eq!(finality.verify(&round.encode()), Err(Lie::ForgedVote));
}

#[test]
fn votes_for_descendants_count_and_others_do_not() {
    let (voters, finality) = start();
    let fifth = block(5);
    let sixth = on(fifth.hash(), 6, &[]);
    let seventh = on(sixth.hash(), 7, &[]);
    let fork = on(H256::repeat_byte(1), 6, &[]);
    let votes = |third: &Header| {
        vec![voters.vote(0, &fifth), voters.vote(1, &seventh), voters.vote(2, third)]
    };
    let both = vec![sixth.clone(), seventh.clone()];
    let verify = |third, ancestry| finality.verify(&justification(&fifth, votes(third), ancestry));
    assert!(verify(&sixth, both.clone()).is_ok());
    assert_eq!(verify(&fork, both), Err(Lie::NotFinal));
    assert_eq!(
        verify(&fork, vec![sixth.clone(), seventh.clone(), fork.clone()]),
        Err(Lie::NotFinal)
    );
    // Without the headers between, nobody knows that they descend.
    assert_eq!(verify(&sixth, vec![seventh.clone()]), Err(Lie::NotFinal));
    // Votes for what comes before.
    let before = justification(&seventh, votes(&sixth), vec![sixth.clone(), seventh.clone()]);
    assert_eq!(finality.verify(&before), Err(Lie::NotFinal));
    // A number that is not the block's.
    let mut lying = voters.vote(0, &sixth);
    lying.precommit.target_number = 60;
    let lying = justification(
        &fifth,
        vec![lying, voters.vote(1, &fifth), voters.vote(2, &fifth)],
        vec![sixth],
    );
    assert_eq!(finality.verify(&lying), Err(Lie::NotFinal));
}

#[test]
fn each_set_vouches_for_the_next() {
    let (old, mut finality) = start();
    let new = Voters::new(10..14, 1);
    let last_of_old = on(H256::repeat_byte(7), 10, &[change(&new)]);
    let later = on(last_of_old.hash(), 11, &[]);
    assert!(finality.verify(&new.justify(&last_of_old, 4)).is_err());
    let target = finality.verify(&old.justify(&last_of_old, 3)).unwrap();
    finality.advance(target, &last_of_old).unwrap();
    assert_eq!(finality.set_id(), 1);
    // The old set has nothing to say any more, in its own round or in the new set's.
    assert_eq!(finality.verify(&old.justify(&later, 4)), Err(Lie::NotFinal));
    let usurper = Voters { set_id: 1, ..old };
    assert_eq!(finality.verify(&usurper.justify(&later, 4)), Err(Lie::NotFinal));
    let target = finality.verify(&new.justify(&later, 3)).unwrap();
    finality.advance(target, &later).unwrap();
    // The same authorities may follow themselves: their votes are of another set.
    let again = Voters { set_id: 2, ..new.clone() };
    let renewed = on(later.hash(), 20, &[change(&again)]);
    let target = finality.verify(&new.justify(&renewed, 4)).unwrap();
    finality.advance(target, &renewed).unwrap();
    assert_eq!(finality.verify(&new.justify(&block(30), 4)), Err(Lie::ForgedVote));
    assert!(finality.verify(&again.justify(&block(30), 4)).is_ok());
}

#[test]
fn only_the_justified_blocks_own_header_is_taken() {
    let (voters, mut finality) = start();
    let before = finality.clone();
    let block = block(5);
    let target = finality.verify(&voters.justify(&block, 4)).unwrap();
    // With another state, or with a set that it does not announce.
    let mut other = block.clone();
    other.set_state_root(H256::repeat_byte(9));
    let usurpers = Voters::new(50..54, 1);
    let announcing = on(H256::repeat_byte(7), 5, &[change(&usurpers)]);
    for header in [other, announcing, on(H256::repeat_byte(7), 6, &[])] {
        assert_eq!(finality.advance(target, &header), Err(Lie::AnotherHeader));
        assert_eq!(finality, before);
    }
    finality.advance(target, &block).unwrap();
}

#[test]
fn a_change_by_force_or_with_a_delay_is_not_followed() {
    let (voters, mut finality) = start();
    let before = finality.clone();
    let ConsensusLog::ScheduledChange(next) = change(&Voters::new(10..14, 1)) else {
        unreachable!("it is one");
    };
    let nobody = ScheduledChange { next_authorities: Vec::new(), delay: 0 };
    let late = ScheduledChange { delay: 1, ..next.clone() };
    for log in [
        ConsensusLog::ForcedChange(1, next),
        ConsensusLog::ScheduledChange(late),
        ConsensusLog::ScheduledChange(nobody),
    ] {
        let block = on(H256::repeat_byte(7), 5, &[log]);
        let target = finality.verify(&voters.justify(&block, 4)).unwrap();
        assert_eq!(finality.advance(target, &block), Err(Lie::ForcedChange));
        assert_eq!(finality, before);
    }
}

#[test]
fn no_changed_byte_makes_another_block_final() {
    let (voters, finality) = start();
    let fifth = block(5);
    let sixth = on(fifth.hash(), 6, &[]);
    let votes = vec![voters.vote(0, &fifth), voters.vote(1, &sixth), voters.vote(2, &fifth)];
    let bytes = justification(&fifth, votes, vec![sixth]);
    let truth = finality.verify(&bytes).unwrap();
    for position in 0..bytes.len() {
        for bit in [0x01, 0x80] {
            let mut changed = bytes.clone();
            changed[position] ^= bit;
            assert!(finality.verify(&changed).map_or(true, |target| target == truth), "{position}");
        }
        assert!(finality.verify(&bytes[..position]).is_err());
    }
    assert_eq!(finality.verify(&[&bytes[..], &[0]].concat()), Err(Lie::MalformedJustification));
}
