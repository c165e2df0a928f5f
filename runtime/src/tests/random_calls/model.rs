// SPDX-License-Identifier: Apache-2.0
//! What the calls ought to do, in plain collections: the rules as the pallets' documentation states
//! them, without the pallets' indices, and without telling one reason for a failure from another.

mod enclaves;
mod keyshares;
mod nfts;
mod rents;

use std::collections::{BTreeMap, BTreeSet};

use pallet_collective::{Instance1, RawOrigin};
use tee_primitives::{
    attestation::PlatformId,
    cluster::{ClusterId, ClusterType, SlotId},
    keyshare::{KeyshareKind, SyncLogEntry},
    nft::{CollectionId, NftId},
};

use crate::{
    configs::money::TreasuryAccount, AccountId, Balance, BlockNumber, RuntimeCall, RuntimeOrigin,
    MILLIUNIT,
};

pub use enclaves::{machine, Cluster, Operator, Seat, BAD_URIS, GOOD_URIS};
pub use keyshares::Keyshare;
pub use nfts::{Collection, Nft};
pub use rents::Contract;

/// The least that an account holds, or it does not exist.
pub const EXISTENTIAL_DEPOSIT: Balance = MILLIUNIT;

/// `None` if the call fails.
type Outcome = Option<()>;

/// Goes on only if this holds.
fn must(holds: bool) -> Outcome {
    holds.then_some(())
}

/// Of the calls that are played, no majority can mandate those of other pallets.
fn is_mandatable(call: &RuntimeCall) -> bool {
    match call {
        RuntimeCall::Mandate(pallet_mandate::Call::mandate { call }) => is_mandatable(call),
        RuntimeCall::System(_) | RuntimeCall::Utility(_) => false,
        _ => true,
    }
}

/// Who makes a call.
#[derive(Clone, Debug)]
pub enum Caller {
    Account(AccountId),
    /// So many of the three members.
    Committee(u32),
    Root,
    Nobody,
}

impl Caller {
    pub fn origin(&self) -> RuntimeOrigin {
        match self {
            Self::Account(account) => RuntimeOrigin::signed(account.clone()),
            Self::Committee(ayes) => RawOrigin::<AccountId, Instance1>::Members(*ayes, 3).into(),
            Self::Root => RuntimeOrigin::root(),
            Self::Nobody => RuntimeOrigin::none(),
        }
    }

    pub fn account(&self) -> Option<&AccountId> {
        match self {
            Self::Account(account) => Some(account),
            _ => None,
        }
    }

    fn is_committee(&self) -> bool {
        matches!(self, Self::Committee(2 | 3))
    }

    fn must_govern(&self) -> Outcome {
        must(self.is_committee() || matches!(self, Self::Root))
    }
}

/// What an account owns.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Purse {
    pub free: Balance,
    /// Held as an operator's stake.
    pub staked: Balance,
    /// Held for the cancellation fees of an owner.
    pub renting_out: Balance,
    /// Held for the cancellation fees of a rentee.
    pub renting: Balance,
}

impl Purse {
    pub fn total(&self) -> Balance {
        self.free + self.staked + self.renting_out + self.renting
    }

    /// What can be paid or held.
    fn spendable(&self) -> Balance {
        self.free.saturating_sub(EXISTENTIAL_DEPOSIT)
    }

    fn spend(&mut self, amount: Balance) -> Outcome {
        must(amount <= self.spendable())?;
        self.free -= amount;
        Some(())
    }

    /// Whether an amount can arrive: an account is not created with less than it must hold.
    fn takes(&self, amount: Balance) -> bool {
        amount == 0 || self.free.saturating_add(amount) >= EXISTENTIAL_DEPOSIT
    }
}

/// What minting costs.
#[derive(Clone, Copy)]
pub struct Fees {
    pub nft: Balance,
    pub secret: Balance,
    pub capsule: Balance,
}

#[derive(Clone)]
pub struct Model {
    pub now: BlockNumber,
    pub purses: BTreeMap<AccountId, Purse>,
    pub fees: Fees,
    pub next_nft: NftId,
    pub nfts: BTreeMap<NftId, Nft>,
    pub next_collection: CollectionId,
    pub collections: BTreeMap<CollectionId, Collection>,
    /// Also those that are over and not cleared away.
    pub contracts: BTreeMap<NftId, Contract>,
    pub keyshares: BTreeMap<(NftId, KeyshareKind), Keyshare>,
    pub syncs: Vec<SyncLogEntry>,
    pub next_cluster: ClusterId,
    pub clusters: BTreeMap<ClusterId, Cluster>,
    pub operators: BTreeMap<AccountId, Operator>,
    /// The slot number that a machine serves, or has served, in public clusters.
    pub public_machines: BTreeMap<PlatformId, SlotId>,
    /// What an operator stakes.
    pub stake: Balance,
    pub metrics_servers: Vec<(AccountId, ClusterType)>,
    pub validators: Vec<AccountId>,
    /// Who has session keys.
    pub candidates: BTreeSet<AccountId>,
    /// Whether the call that the last mandate carried succeeded.
    pub mandated: bool,
}

impl Model {
    /// Whether a call succeeds. One that fails changes nothing.
    pub fn play(&mut self, caller: &Caller, call: &RuntimeCall) -> bool {
        let before = self.clone();
        let succeeded = self.dispatch(caller, call).is_some();
        if !succeeded {
            *self = before;
        }
        succeeded
    }

    fn dispatch(&mut self, caller: &Caller, call: &RuntimeCall) -> Outcome {
        match call {
            RuntimeCall::NFT(call) => self.dispatch_nft(caller, call),
            RuntimeCall::Rent(call) => self.dispatch_rent(caller, call),
            RuntimeCall::TEE(call) => self.dispatch_tee(caller, call),
            RuntimeCall::ValidatorSet(call) => self.dispatch_validator_set(caller, call),
            RuntimeCall::Mandate(pallet_mandate::Call::mandate { call }) => {
                must(caller.is_committee())?;
                must(is_mandatable(call))?;
                self.mandated = self.play(&Caller::Root, call);
                Some(())
            }
            _ => None,
        }
    }

    fn dispatch_validator_set(
        &mut self,
        caller: &Caller,
        call: &pallet_validator_set::Call<crate::Runtime>,
    ) -> Outcome {
        use pallet_validator_set::Call;

        caller.must_govern()?;
        match call {
            Call::add_validator { validator } => {
                must(self.candidates.contains(validator))?;
                must(!self.validators.contains(validator))?;
                self.validators.push(validator.clone());
            }
            Call::remove_validator { validator } => {
                must(self.validators.contains(validator) && self.validators.len() > 1)?;
                self.validators.retain(|other| other != validator);
            }
            _ => return None,
        }
        Some(())
    }

    pub fn exists(&self, account: &AccountId) -> bool {
        self.purses.get(account).is_some_and(|purse| purse.free > 0)
    }

    pub fn purse(&mut self, account: &AccountId) -> &mut Purse {
        self.purses.entry(account.clone()).or_default()
    }

    /// Pays a fee to the treasury.
    fn pay_fee(&mut self, who: &AccountId, fee: Balance) -> Outcome {
        let treasury = TreasuryAccount::get();
        must(self.purse(&treasury).takes(fee))?;
        self.purse(who).spend(fee)?;
        self.purse(&treasury).free += fee;
        Some(())
    }

    /// How many keyshares a cluster holds.
    pub fn held_by(&self, cluster_id: ClusterId) -> u64 {
        let holder = |keyshare: &&Keyshare| {
            keyshare.synced.is_some_and(|synced| synced.cluster_id == cluster_id)
        };
        self.keyshares.values().filter(holder).count() as u64
    }

    /// How long the log of syncs was after the last one of a cluster.
    pub fn synced_until(&self, cluster_id: ClusterId) -> u64 {
        let last = self.syncs.iter().rposition(|entry| entry.cluster_id == cluster_id);
        last.map_or(0, |index| index as u64 + 1)
    }
}
