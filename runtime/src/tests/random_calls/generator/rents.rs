// SPDX-License-Identifier: Apache-2.0
//! Calls on rental contracts.

use pallet_rent::{AcceptanceTypeOf, AccountListOf, Call};
use tee_primitives::{
    keyshare::KeyshareKind,
    nft::NftId,
    rent::{AcceptanceType, CancellationFee, Duration, RentFee},
    BlockNumber,
};

use super::{is_now, Generator, Play};
use crate::{
    tests::random_calls::model::{Contract, Model, EXISTENTIAL_DEPOSIT},
    AccountId, Balance, Runtime,
};

impl Generator {
    /// Mostly an NFT whose contract is like this, and that contract.
    fn contract<'a>(
        &mut self,
        model: &'a Model,
        fits: impl Fn(&Contract) -> bool,
    ) -> (NftId, Option<&'a Contract>) {
        let fitting = || model.contracts.iter().filter(|(_, contract)| fits(contract));
        let mut chosen = None;
        if self.dice.one_in(3) {
            // Some things cannot be done in the block of a contract's creation, or at its end.
            let is_special = |contract: &Contract| {
                contract.terms.creation_block == model.now || is_now(model, contract.deadline())
            };
            chosen = self.dice.any(fitting().filter(|(_, contract)| is_special(contract)));
        }
        chosen = chosen.or_else(|| self.dice.any(fitting()));
        if self.dice.one_in(6) || chosen.is_none() {
            chosen = self.dice.any(&model.contracts);
        }
        match chosen {
            Some((nft_id, contract)) if !self.dice.one_in(30) => (*nft_id, Some(contract)),
            _ => (self.dice.below(model.next_nft + 3), None),
        }
    }

    /// Mostly an account that the terms let rent.
    fn rentee_for(&mut self, contract: Option<&Contract>) -> AccountId {
        let listed = contract.and_then(|contract| contract.list());
        let listed = listed.and_then(|list| self.dice.any(list));
        match listed {
            Some(account) if !self.dice.one_in(8) => account.clone(),
            _ => self.somebody(),
        }
    }

    fn creation_block(&mut self, model: &Model, contract: Option<&Contract>) -> BlockNumber {
        match contract {
            Some(contract) if !self.dice.one_in(12) => contract.terms.creation_block,
            _ => self.dice.below(model.now + 2),
        }
    }

    fn acceptance_type(&mut self, renter: &AccountId) -> AcceptanceTypeOf<Runtime> {
        let list = match self.dice.below(12) {
            0 => Some(Vec::new()),
            1 => Some(vec![self.somebody(), renter.clone()]),
            2..6 => Some((0..=self.dice.below(3)).map(|_| self.somebody()).collect()),
            _ => None,
        };
        let list = list.map(AccountListOf::<Runtime>::truncate_from);
        if self.dice.one_in(2) {
            AcceptanceType::AutoAcceptance(list)
        } else {
            AcceptanceType::ManualAcceptance(list)
        }
    }

    fn cancellation_fee(&mut self) -> CancellationFee<Balance> {
        match self.dice.below(4) {
            0 => CancellationFee::None,
            1 => CancellationFee::FixedTokens(self.amount()),
            _ => CancellationFee::FlexibleTokens(self.amount()),
        }
    }

    pub(super) fn create_contract(&mut self, model: &Model) -> Play {
        let again = self.dice.one_in(3);
        let for_ghost = self.dice.one_in(6);
        let (renter, nft_id) = self.owner_of_nft(model, |nft_id, nft| {
            let is_free = match model.contracts.get(&nft_id) {
                Some(contract) if again => is_now(model, contract.deadline()),
                Some(contract) => contract.deadline() <= model.now,
                None => !again,
            };
            is_free
                && (!for_ghost || !model.exists(&nft.owner))
                && !nft.is_soulbound
                && nft.delegatee.is_none()
                && !model.is_syncing(nft_id, KeyshareKind::Secret)
                && !model.is_syncing(nft_id, KeyshareKind::Capsule)
        });
        let blocks = match self.dice.below(16) {
            0 => 0,
            1 => 2_628_001,
            2 => 2_628_000,
            _ => 1 + self.dice.below(60),
        };
        if for_ghost {
            // What is too little for an account that does not exist.
            let few = EXISTENTIAL_DEPOSIT / 2;
            let call = Call::<Runtime>::create_contract {
                nft_id,
                duration: Duration::Fixed(blocks),
                acceptance_type: AcceptanceType::AutoAcceptance(None),
                renter_can_revoke: true,
                rent_fee: RentFee::Tokens(few * Balance::from(self.dice.below(2))),
                renter_cancellation_fee: CancellationFee::None,
                rentee_cancellation_fee: CancellationFee::FixedTokens(few),
            };
            return (self.by(renter), call.into());
        }
        let call = Call::<Runtime>::create_contract {
            nft_id,
            duration: Duration::Fixed(blocks),
            acceptance_type: self.acceptance_type(&renter),
            renter_can_revoke: self.dice.one_in(2),
            rent_fee: RentFee::Tokens(self.amount()),
            renter_cancellation_fee: self.cancellation_fee(),
            rentee_cancellation_fee: self.cancellation_fee(),
        };
        (self.by(renter), call.into())
    }

    pub(super) fn cancel_contract(&mut self, model: &Model) -> Play {
        let (nft_id, contract) = self.contract(model, |contract| contract.terms.rentee.is_none());
        let renter = contract.map(|contract| contract.terms.renter.clone());
        let renter = renter.unwrap_or_else(|| self.somebody());
        (self.by(renter), Call::<Runtime>::cancel_contract { nft_id }.into())
    }

    pub(super) fn revoke_contract(&mut self, model: &Model) -> Play {
        let (nft_id, contract) = self.contract(model, |contract| contract.terms.rentee.is_some());
        let party = contract.map(|contract| match &contract.terms.rentee {
            Some(rentee) if self.dice.one_in(2) => rentee.clone(),
            _ => contract.terms.renter.clone(),
        });
        let party = party.unwrap_or_else(|| self.somebody());
        (self.by(party), Call::<Runtime>::revoke_contract { nft_id }.into())
    }

    pub(super) fn rent(&mut self, model: &Model) -> Play {
        let (nft_id, contract) = self
            .contract(model, |contract| contract.is_automatic() && contract.terms.rentee.is_none());
        let rentee = self.rentee_for(contract);
        let creation_block = self.creation_block(model, contract);
        (self.by(rentee), Call::<Runtime>::rent { nft_id, creation_block }.into())
    }

    pub(super) fn make_rent_offer(&mut self, model: &Model) -> Play {
        let (nft_id, contract) = self.contract(model, |contract| {
            !contract.is_automatic() && contract.terms.rentee.is_none()
        });
        let rentee = self.rentee_for(contract);
        let creation_block = self.creation_block(model, contract);
        (self.by(rentee), Call::<Runtime>::make_rent_offer { nft_id, creation_block }.into())
    }

    pub(super) fn accept_rent_offer(&mut self, model: &Model) -> Play {
        let (nft_id, contract) = self.contract(model, |contract| !contract.offers.is_empty());
        let offered = contract.and_then(|contract| self.dice.any(&contract.offers)).cloned();
        let rentee = match offered {
            Some(rentee) if !self.dice.one_in(10) => rentee,
            _ => self.somebody(),
        };
        let renter = contract.map(|contract| contract.terms.renter.clone());
        let renter = renter.unwrap_or_else(|| self.somebody());
        (self.by(renter), Call::<Runtime>::accept_rent_offer { nft_id, rentee }.into())
    }

    pub(super) fn retract_rent_offer(&mut self, model: &Model) -> Play {
        let (nft_id, contract) = self.contract(model, |contract| !contract.offers.is_empty());
        let offered = contract.and_then(|contract| self.dice.any(&contract.offers)).cloned();
        let who = offered.unwrap_or_else(|| self.somebody());
        (self.by(who), Call::<Runtime>::retract_rent_offer { nft_id }.into())
    }
}
