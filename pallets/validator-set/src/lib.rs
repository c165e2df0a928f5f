// SPDX-License-Identifier: Apache-2.0
//! # Validator set
//!
//! The validators of a chain whose committee chooses them.
//!
//! ## Terminology
//!
//! * **Validator**: an account whose session keys author and finalize blocks.
//! * **Session**: a span of blocks with one set of validators. A change to the list takes effect
//!   two session ends later, as with every session manager.
//!
//! ## Scenario: a validator joins
//!
//! 1. Its operator starts a node, makes session keys inside it (`author_rotateKeysWithOwner`) and
//!    submits `Session::set_keys`.
//! 2. The committee approves [`Call::add_validator`], which fails if the keys are missing: a
//!    validator without keys would only weaken finality.
//! 3. The session after the next begins with the new validator.
//!
//! It leaves by [`Call::remove_validator`]; [`Config::MinValidators`] always stay. A listed
//! validator that purges its keys is left out of new sessions until it sets new ones.
//!
//! A session without a change is reported as such: GRANDPA would otherwise begin a new authority
//! set with every session, and whoever follows its sets would have to prove each of them.
//!
//! ## Storage
//!
//! [`Validators`]: the list, in the order of joining.
#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

#[cfg(feature = "runtime-benchmarks")]
mod benchmarking;
pub mod weights;

#[cfg(test)]
mod tests;

use alloc::vec::Vec;

use frame_support::{dispatch::DispatchResult, ensure, traits::Get, BoundedVec};
use sp_staking::SessionIndex;

pub use pallet::*;
pub use weights::WeightInfo;

/// The pallet.
#[frame_support::pallet]
pub mod pallet {
    use super::WeightInfo;
    use frame_support::pallet_prelude::*;
    use frame_system::pallet_prelude::*;

    const STORAGE_VERSION: StorageVersion = StorageVersion::new(1);

    #[pallet::pallet]
    #[pallet::storage_version(STORAGE_VERSION)]
    pub struct Pallet<T>(_);

    #[pallet::config]
    pub trait Config:
        frame_system::Config<RuntimeEvent: From<Event<Self>>>
        + pallet_session::Config<ValidatorId = <Self as frame_system::Config>::AccountId>
    {
        /// Who edits the list.
        type GovernanceOrigin: EnsureOrigin<Self::RuntimeOrigin>;

        /// Fewest validators that must stay.
        #[pallet::constant]
        type MinValidators: Get<u32>;

        /// Most validators.
        #[pallet::constant]
        type MaxValidators: Get<u32>;

        /// What the calls weigh.
        type WeightInfo: WeightInfo;
    }

    /// The validators, in the order of joining.
    #[pallet::storage]
    pub type Validators<T: Config> =
        StorageValue<_, BoundedVec<T::AccountId, T::MaxValidators>, ValueQuery>;

    #[pallet::genesis_config]
    #[derive(frame_support::DefaultNoBound)]
    pub struct GenesisConfig<T: Config> {
        /// The first validators. Their keys belong in pallet-session's genesis. If the list is
        /// empty, all validators of pallet-session's genesis are listed with the first change.
        pub validators: BoundedVec<T::AccountId, T::MaxValidators>,
    }

    #[pallet::genesis_build]
    impl<T: Config> BuildGenesisConfig for GenesisConfig<T> {
        fn build(&self) {
            let mut unique = self.validators.to_vec();
            unique.sort();
            unique.dedup();
            assert_eq!(unique.len(), self.validators.len(), "a validator is listed twice");
            Validators::<T>::put(&self.validators);
        }
    }

    #[pallet::event]
    #[pallet::generate_deposit(pub(super) fn deposit_event)]
    pub enum Event<T: Config> {
        /// A validator was added; it validates from the session after the next.
        ValidatorAdded {
            /// The validator.
            validator: T::AccountId,
        },
        /// A validator was removed; it validates until the end of the next session.
        ValidatorRemoved {
            /// The validator.
            validator: T::AccountId,
        },
    }

    #[pallet::error]
    pub enum Error<T> {
        /// The account is a validator already.
        AlreadyValidator,
        /// The account is not a validator.
        NotValidator,
        /// The account has not set its session keys.
        NoSessionKeys,
        /// There are as many validators as the chain allows.
        TooManyValidators,
        /// The chain needs the validators that it has.
        TooFewValidators,
    }

    #[pallet::hooks]
    impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
        fn integrity_test() {
            assert!(T::MinValidators::get() >= 1, "a chain needs a validator");
            assert!(T::MinValidators::get() <= T::MaxValidators::get());
        }

        #[cfg(feature = "try-runtime")]
        fn try_state(_: BlockNumberFor<T>) -> Result<(), sp_runtime::TryRuntimeError> {
            Self::do_try_state()
        }
    }

    #[pallet::call]
    impl<T: Config> Pallet<T> {
        /// Add `validator` to the list.
        ///
        /// Origin: [`Config::GovernanceOrigin`]. Deposits [`Event::ValidatorAdded`].
        #[pallet::call_index(0)]
        #[pallet::weight(<T as Config>::WeightInfo::add_validator())]
        pub fn add_validator(origin: OriginFor<T>, validator: T::AccountId) -> DispatchResult {
            T::GovernanceOrigin::ensure_origin(origin)?;
            Self::do_add(validator)
        }

        /// Remove `validator` from the list.
        ///
        /// Origin: [`Config::GovernanceOrigin`]. Deposits [`Event::ValidatorRemoved`].
        #[pallet::call_index(1)]
        #[pallet::weight(<T as Config>::WeightInfo::remove_validator())]
        pub fn remove_validator(origin: OriginFor<T>, validator: T::AccountId) -> DispatchResult {
            T::GovernanceOrigin::ensure_origin(origin)?;
            Self::do_remove(validator)
        }
    }
}

impl<T: Config> Pallet<T> {
    fn do_add(validator: T::AccountId) -> DispatchResult {
        ensure!(Self::has_keys(&validator), Error::<T>::NoSessionKeys);
        let mut validators = Self::listed();
        ensure!(!validators.contains(&validator), Error::<T>::AlreadyValidator);
        validators.try_push(validator.clone()).map_err(|_| Error::<T>::TooManyValidators)?;
        Validators::<T>::put(validators);
        Self::deposit_event(Event::ValidatorAdded { validator });
        Ok(())
    }

    fn do_remove(validator: T::AccountId) -> DispatchResult {
        let mut validators = Self::listed();
        let index = validators.iter().position(|listed| *listed == validator);
        let index = index.ok_or(Error::<T>::NotValidator)?;
        ensure!(validators.len() as u32 > T::MinValidators::get(), Error::<T>::TooFewValidators);
        validators.remove(index);
        Validators::<T>::put(validators);
        Self::deposit_event(Event::ValidatorRemoved { validator });
        Ok(())
    }

    /// The list. A chain that began without one has the validators of its sessions.
    fn listed() -> BoundedVec<T::AccountId, T::MaxValidators> {
        let listed = Validators::<T>::get();
        if listed.is_empty() {
            return BoundedVec::truncate_from(pallet_session::Validators::<T>::get());
        }
        listed
    }

    fn has_keys(validator: &T::AccountId) -> bool {
        pallet_session::NextKeys::<T>::contains_key(validator)
    }

    /// Checks that the list has no duplicates and is within its bounds.
    pub fn do_try_state() -> Result<(), sp_runtime::TryRuntimeError> {
        let validators = Self::listed();
        let mut unique = validators.clone().into_inner();
        unique.sort();
        unique.dedup();
        ensure!(unique.len() == validators.len(), "a validator is listed twice");
        ensure!(
            validators.len() as u32 >= T::MinValidators::get(),
            "there are fewer validators than the chain needs"
        );
        Ok(())
    }
}

impl<T: Config> pallet_session::SessionManager<T::AccountId> for Pallet<T> {
    fn new_session(_: SessionIndex) -> Option<Vec<T::AccountId>> {
        let with_keys: Vec<_> = Self::listed().into_iter().filter(Self::has_keys).collect();
        // Without a single validator the chain would halt for good. No change is reported then,
        // and the consensus goes on with the authorities it has.
        let changed = !with_keys.is_empty() && with_keys != pallet_session::Validators::<T>::get();
        changed.then_some(with_keys)
    }

    fn end_session(_: SessionIndex) {}

    fn start_session(_: SessionIndex) {}
}
