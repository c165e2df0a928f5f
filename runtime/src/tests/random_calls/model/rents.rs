// SPDX-License-Identifier: Apache-2.0
//! Rental contracts and what they move.

use pallet_rent::{AccountListOf, Call, RentContractOf};
use tee_primitives::{
    nft::NftId,
    rent::{AcceptanceType, CancellationFee, Duration, RentContractData, RentFee},
    BlockNumber,
};

use super::{must, Caller, Model, Outcome};
use crate::{AccountId, Balance, Runtime};

const LONGEST_CONTRACT: BlockNumber = 2_628_000;
const LONGEST_OFFER: BlockNumber = 432_000;
const MOST_OFFERS: usize = 100;

#[derive(Clone)]
pub struct Contract {
    pub terms: RentContractOf<Runtime>,
    pub offers: Vec<AccountId>,
}

impl Contract {
    fn duration(&self) -> BlockNumber {
        let Duration::Fixed(blocks) = self.terms.duration;
        blocks
    }

    /// The first block in which it is over.
    pub fn deadline(&self) -> BlockNumber {
        match self.terms.start_block {
            Some(start) => start + self.duration(),
            None => self.terms.creation_block + LONGEST_OFFER,
        }
    }

    pub fn is_automatic(&self) -> bool {
        matches!(self.terms.acceptance_type, AcceptanceType::AutoAcceptance(_))
    }

    /// The accounts that may rent; `None` if all may.
    pub fn list(&self) -> Option<&AccountListOf<Runtime>> {
        match &self.terms.acceptance_type {
            AcceptanceType::AutoAcceptance(list) | AcceptanceType::ManualAcceptance(list) => {
                list.as_ref()
            }
        }
    }

    fn lets_rent(&self, who: &AccountId) -> bool {
        self.terms.renter != *who && self.list().is_none_or(|list| list.contains(who))
    }
}

/// All that a fee can cost.
fn whole(fee: CancellationFee<Balance>) -> Balance {
    match fee {
        CancellationFee::FixedTokens(amount) | CancellationFee::FlexibleTokens(amount) => amount,
        CancellationFee::None => 0,
    }
}

impl Model {
    pub(super) fn dispatch_rent(&mut self, caller: &Caller, call: &Call<Runtime>) -> Outcome {
        let who = caller.account()?;
        match call.clone() {
            Call::create_contract {
                nft_id,
                duration,
                acceptance_type,
                renter_can_revoke,
                rent_fee,
                renter_cancellation_fee,
                rentee_cancellation_fee,
            } => self.create_contract(
                nft_id,
                RentContractData {
                    start_block: None,
                    renter: who.clone(),
                    rentee: None,
                    duration,
                    acceptance_type,
                    renter_can_revoke,
                    rent_fee,
                    renter_cancellation_fee,
                    rentee_cancellation_fee,
                    creation_block: self.now,
                },
            ),
            Call::cancel_contract { nft_id } => {
                let terms = self.waiting(nft_id)?.terms.clone();
                must(terms.renter == *who && terms.creation_block < self.now)?;
                self.contracts.remove(&nft_id);
                self.release(&terms);
                Some(())
            }
            Call::revoke_contract { nft_id } => self.revoke(who, nft_id),
            Call::rent { nft_id, creation_block } => {
                let contract = self.waiting(nft_id)?;
                must(contract.is_automatic() && contract.lets_rent(who))?;
                must(contract.terms.creation_block == creation_block)?;
                self.begin(nft_id, who)
            }
            Call::make_rent_offer { nft_id, creation_block } => {
                let contract = self.waiting(nft_id)?;
                must(!contract.is_automatic() && contract.lets_rent(who))?;
                must(contract.terms.creation_block == creation_block)?;
                must(!contract.offers.contains(who) && contract.offers.len() < MOST_OFFERS)?;
                contract.offers.push(who.clone());
                Some(())
            }
            Call::accept_rent_offer { nft_id, rentee } => {
                let contract = self.waiting(nft_id)?;
                must(contract.terms.renter == *who && contract.offers.contains(&rentee))?;
                self.begin(nft_id, &rentee)
            }
            Call::retract_rent_offer { nft_id } => {
                let contract = self.waiting(nft_id)?;
                must(contract.offers.contains(who))?;
                contract.offers.retain(|other| other != who);
                Some(())
            }
            _ => None,
        }
    }

    fn create_contract(&mut self, nft_id: NftId, terms: RentContractOf<Runtime>) -> Outcome {
        let contract = Contract { terms, offers: Vec::new() };
        let renter = contract.terms.renter.clone();
        must((1..=LONGEST_CONTRACT).contains(&contract.duration()))?;
        must(contract.list().is_none_or(|list| !list.is_empty() && !list.contains(&renter)))?;
        if self.contracts.get(&nft_id).is_some_and(|old| old.deadline() <= self.now) {
            self.clear(nft_id);
        }
        let nft = self.nfts.get(&nft_id)?;
        must(nft.owner == renter && nft.delegatee.is_none() && !nft.is_soulbound)?;
        must(!self.is_rented(nft_id))?;
        self.must_be_synced(nft_id)?;
        let fee = whole(contract.terms.renter_cancellation_fee);
        let purse = self.purse(&renter);
        purse.spend(fee)?;
        purse.renting_out += fee;
        self.contracts.insert(nft_id, contract);
        Some(())
    }

    fn begin(&mut self, nft_id: NftId, rentee: &AccountId) -> Outcome {
        let now = self.now;
        let contract = self.contracts.get_mut(&nft_id)?;
        contract.terms.start_block = Some(now);
        contract.terms.rentee = Some(rentee.clone());
        contract.offers.clear();
        let terms = contract.terms.clone();

        let RentFee::Tokens(rent) = terms.rent_fee;
        if self.purse(&terms.renter).takes(rent) {
            self.purse(rentee).spend(rent)?;
            self.purse(&terms.renter).free += rent;
        }
        let fee = whole(terms.rentee_cancellation_fee);
        let purse = self.purse(rentee);
        purse.spend(fee)?;
        purse.renting += fee;
        Some(())
    }

    fn revoke(&mut self, who: &AccountId, nft_id: NftId) -> Outcome {
        let contract = self.open(nft_id)?.clone();
        let terms = &contract.terms;
        let rentee = terms.rentee.clone()?;
        let by_renter = terms.renter == *who;
        must((by_renter && terms.renter_can_revoke) || (!by_renter && rentee == *who))?;
        must(terms.creation_block < self.now)?;

        let (fee, other) = if by_renter {
            (terms.renter_cancellation_fee, rentee)
        } else {
            (terms.rentee_cancellation_fee, terms.renter.clone())
        };
        let due = match fee {
            CancellationFee::FlexibleTokens(amount) => {
                let remaining = contract.deadline() - self.now;
                let product = sp_core::U256::from(amount) * sp_core::U256::from(remaining);
                (product / sp_core::U256::from(contract.duration())).as_u128()
            }
            fixed => whole(fixed),
        };
        self.contracts.remove(&nft_id);
        self.release(terms);
        // What is due was held, so it is there.
        if self.purse(&other).takes(due) {
            self.purse(who).free -= due;
            self.purse(&other).free += due;
        }
        Some(())
    }

    /// The contract of an NFT, if it is not over.
    fn open(&mut self, nft_id: NftId) -> Option<&mut Contract> {
        let now = self.now;
        self.contracts.get_mut(&nft_id).filter(|contract| now < contract.deadline())
    }

    fn waiting(&mut self, nft_id: NftId) -> Option<&mut Contract> {
        self.open(nft_id).filter(|contract| contract.terms.rentee.is_none())
    }

    /// Gives both sides back what is held.
    fn release(&mut self, terms: &RentContractOf<Runtime>) {
        let fee = whole(terms.renter_cancellation_fee);
        let purse = self.purse(&terms.renter);
        purse.renting_out -= fee;
        purse.free += fee;
        if let Some(rentee) = &terms.rentee {
            let fee = whole(terms.rentee_cancellation_fee);
            let purse = self.purse(rentee);
            purse.renting -= fee;
            purse.free += fee;
        }
    }

    fn clear(&mut self, nft_id: NftId) {
        if let Some(contract) = self.contracts.remove(&nft_id) {
            self.release(&contract.terms);
        }
    }

    /// What the beginning of a block clears away. There are never more NFTs than it can clear.
    pub fn clear_due(&mut self) {
        let over = |(nft_id, contract): (&NftId, &Contract)| {
            (contract.deadline() <= self.now).then_some(*nft_id)
        };
        for nft_id in self.contracts.iter().filter_map(over).collect::<Vec<_>>() {
            self.clear(nft_id);
        }
    }
}
