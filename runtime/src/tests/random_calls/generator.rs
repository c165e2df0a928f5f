// SPDX-License-Identifier: Apache-2.0
//! Who calls what. Most calls are those of honest users, as far as the model can tell; the others
//! name the wrong account, the wrong thing or the wrong amount, or come at the wrong time.

mod enclaves;
mod nfts;
mod rents;

use sp_runtime::{BoundedVec, Permill};

use super::{
    dice::Dice,
    model::{Caller, Model, EXISTENTIAL_DEPOSIT},
};
use crate::{AccountId, Balance, BlockNumber, Runtime, RuntimeCall, UNIT};

/// A call and who makes it.
pub type Play = (Caller, RuntimeCall);

/// Accounts, by role. A hostile call takes one of any role.
pub const OWNERS: std::ops::Range<u8> = 1..7;
/// It has little.
pub const POOR: u8 = 7;
/// They do not exist until somebody pays them, and neither do the enclaves.
const GHOSTS: std::ops::Range<u8> = 8..14;
pub const OPERATORS: std::ops::Range<u8> = 20..36;
const ENCLAVES: std::ops::Range<u8> = 40..70;

/// More of each are not made.
const MOST_NFTS: usize = 60;
const MOST_COLLECTIONS: usize = 12;
const MOST_CLUSTERS: usize = 5;

pub fn account(number: u8) -> AccountId {
    AccountId::new([number; 32])
}

/// Every account that plays.
fn everybody() -> impl Iterator<Item = u8> {
    OWNERS.chain([POOR]).chain(GHOSTS).chain(OPERATORS).chain(ENCLAVES)
}

type Make = fn(&mut Generator, &Model) -> Play;

/// How often each is played, relative to the others.
const PLAYS: &[(u32, Make)] = &[
    (30, Generator::create_nft),
    (30, Generator::create_with_content),
    (20, Generator::burn_nft),
    (20, Generator::transfer_nft),
    (20, Generator::delegate_nft),
    (12, Generator::set_royalty),
    (16, Generator::set_mint_fee),
    (20, Generator::add_content),
    (12, Generator::set_capsule_offchaindata),
    (20, Generator::notify_enclave_key_update),
    (10, Generator::revert_capsule),
    (12, Generator::restart_sync),
    (12, Generator::cancel_sync),
    (4, Generator::add_shard),
    (10, Generator::create_collection),
    (16, Generator::change_collection),
    (14, Generator::add_nft_to_collection),
    (40, Generator::create_contract),
    (12, Generator::cancel_contract),
    (14, Generator::revoke_contract),
    (24, Generator::rent),
    (24, Generator::make_rent_offer),
    (14, Generator::accept_rent_offer),
    (12, Generator::retract_rent_offer),
    (26, Generator::register_enclave),
    (6, Generator::unregister_enclave),
    (36, Generator::assign_enclave),
    (4, Generator::remove_registration),
    (7, Generator::approve_enclave_unregistration),
    (2, Generator::force_remove_enclave),
    (18, Generator::update_enclave),
    (16, Generator::forget_platform),
    (8, Generator::expect_enclave),
    (4, Generator::cancel_update),
    (4, Generator::reject_update),
    (14, Generator::approve_update_enclave),
    (14, Generator::complete_update),
    (10, Generator::force_update_enclave),
    (10, Generator::create_cluster),
    (20, Generator::update_cluster),
    (6, Generator::remove_cluster),
    (14, Generator::withdraw_unbonded),
    (18, Generator::change_stake),
    (9, Generator::set_staking_amount),
    (14, Generator::change_metrics_servers),
    (140, Generator::confirm_keyshares),
    (10, Generator::change_validators),
    (16, Generator::mandate),
];

/// What is played around a block in which something ends.
const PLAYS_AT_AN_END: [Make; 7] = [
    Generator::create_contract,
    Generator::cancel_contract,
    Generator::revoke_contract,
    Generator::rent,
    Generator::make_rent_offer,
    Generator::complete_update,
    Generator::withdraw_unbonded,
];

/// Whether something that ends in block `end` just does, or just did.
fn is_now(model: &Model, end: BlockNumber) -> bool {
    end.abs_diff(model.now) <= 1
}

/// Whether anything just ends, or just did.
pub fn is_at_an_end(model: &Model) -> bool {
    model.ends().any(|end| is_now(model, end))
}

pub struct Generator {
    dice: Dice,
}

impl Generator {
    pub fn new(seed: u64) -> Self {
        Self { dice: Dice::new(seed) }
    }

    pub fn dice(&mut self) -> &mut Dice {
        &mut self.dice
    }

    pub fn next_play(&mut self, model: &Model) -> Play {
        if is_at_an_end(model) && self.dice.one_in(2) {
            return self.dice.any(PLAYS_AT_AN_END).unwrap()(self, model);
        }
        let make = self.dice.weighted(PLAYS);
        make(self, model)
    }

    /// An account of any role.
    fn anybody(&mut self) -> AccountId {
        account(self.dice.any(everybody()).unwrap())
    }

    /// An account that owns and rents.
    fn somebody(&mut self) -> AccountId {
        match self.dice.below(16) {
            0 => self.anybody(),
            1 => account(POOR),
            2 | 3 => account(self.dice.any(GHOSTS).unwrap()),
            _ => account(self.dice.any(OWNERS).unwrap()),
        }
    }

    /// Mostly this account.
    fn by(&mut self, account: AccountId) -> Caller {
        match self.dice.below(32) {
            0 => Caller::Root,
            1 => Caller::Nobody,
            2 => Caller::Committee(3),
            3 | 4 => Caller::Account(self.anybody()),
            5 => Caller::Account(self.somebody()),
            _ => Caller::Account(account),
        }
    }

    /// Mostly somebody who governs.
    fn by_governance(&mut self) -> Caller {
        match self.dice.below(16) {
            0 => Caller::Nobody,
            1 => Caller::Committee(1),
            2 => Caller::Account(self.anybody()),
            3 => Caller::Root,
            4 => Caller::Committee(3),
            _ => Caller::Committee(2),
        }
    }

    /// Some bytes that fit everywhere.
    fn data<S: sp_core::Get<u32>>(&mut self) -> BoundedVec<u8, S> {
        let len = self.dice.below(4) as usize;
        BoundedVec::truncate_from(vec![self.dice.below(256) as u8; len])
    }

    fn royalty(&mut self) -> Permill {
        Permill::from_percent(self.dice.below(101))
    }

    /// An amount of tokens: nothing, less than an account must hold, what anybody has, or what
    /// nobody has.
    fn amount(&mut self) -> Balance {
        match self.dice.below(16) {
            0..4 => 0,
            4..6 => EXISTENTIAL_DEPOSIT / 2,
            6 => EXISTENTIAL_DEPOSIT,
            7 => Balance::MAX,
            8 => 1_000_000_000_000 * UNIT,
            few => Balance::from(few) * UNIT,
        }
    }

    fn change_validators(&mut self, model: &Model) -> Play {
        use pallet_validator_set::Call;

        let candidates = model.candidates.iter().chain(&model.validators).cloned();
        let validator = self.dice.any(candidates.collect::<Vec<_>>()).unwrap();
        let validator = if self.dice.one_in(8) { self.anybody() } else { validator };
        let call = if model.validators.contains(&validator) != self.dice.one_in(8) {
            Call::<Runtime>::remove_validator { validator }
        } else {
            Call::add_validator { validator }
        };
        (self.by_governance(), call.into())
    }

    /// A mandate for another call, or for one that no majority can mandate.
    fn mandate(&mut self, model: &Model) -> Play {
        let forbidden: RuntimeCall =
            frame_system::Call::kill_prefix { prefix: vec![0], subkeys: 1 }.into();
        let call = match self.dice.below(12) {
            0 => forbidden,
            1 => pallet_utility::Call::batch { calls: vec![forbidden] }.into(),
            _ => self.next_play(model).1,
        };
        let caller = if self.dice.one_in(8) { Caller::Root } else { self.by_governance() };
        (caller, pallet_mandate::Call::mandate { call: Box::new(call) }.into())
    }
}
