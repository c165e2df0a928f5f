// SPDX-License-Identifier: Apache-2.0
//! # Mandate
//!
//! A committee without a superuser still has to run root calls now and then: upgrade the runtime,
//! edit its own members. This pallet dispatches **one call as root** for whoever
//! [`Config::AdminOrigin`] accepts, usually two thirds of a committee.
//!
//! ## What cannot be mandated
//!
//! Calls that [`Config::Allowed`] refuses, whatever the majority. A root origin passes every other
//! filter, so a call that wraps others (a batch, say) must be looked into by that filter.
//!
//! ## Scenario: a runtime upgrade
//!
//! 1. A member proposes `Mandate::mandate(System::authorize_upgrade(hash))` to the committee.
//! 2. Two thirds agree and the motion is closed: the call runs as root and `RootOp` tells its
//!    result.
//! 3. Anyone submits the code with `System::apply_authorized_upgrade`.
//!
//! The pallet stores nothing.
#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

#[cfg(feature = "runtime-benchmarks")]
mod benchmarking;
pub mod weights;

#[cfg(test)]
mod tests;

pub use pallet::*;
pub use weights::WeightInfo;

/// The pallet.
#[frame_support::pallet]
pub mod pallet {
    use super::*;
    use alloc::boxed::Box;

    use frame_support::{
        dispatch::{DispatchResultWithPostInfo, GetDispatchInfo, PostDispatchInfo},
        pallet_prelude::*,
        traits::{Contains, UnfilteredDispatchable},
    };
    use frame_system::pallet_prelude::*;
    use sp_runtime::traits::Dispatchable;

    #[pallet::pallet]
    pub struct Pallet<T>(_);

    #[pallet::config]
    pub trait Config: frame_system::Config<RuntimeEvent: From<Event<Self>>> {
        /// The runtime's call.
        type RuntimeCall: Parameter
            + Dispatchable<
                RuntimeOrigin = <Self as frame_system::Config>::RuntimeOrigin,
                PostInfo = PostDispatchInfo,
            > + UnfilteredDispatchable<RuntimeOrigin = <Self as frame_system::Config>::RuntimeOrigin>
            + GetDispatchInfo;

        /// Who may mandate a call.
        type AdminOrigin: EnsureOrigin<<Self as frame_system::Config>::RuntimeOrigin>;

        /// Which calls may be mandated. Must look into calls that wrap others.
        type Allowed: Contains<<Self as Config>::RuntimeCall>;

        /// What the call weighs.
        type WeightInfo: WeightInfo;
    }

    #[pallet::event]
    #[pallet::generate_deposit(pub(super) fn deposit_event)]
    pub enum Event<T: Config> {
        /// A mandated call ran as root.
        RootOp {
            /// Whether it succeeded, or its error.
            result: DispatchResult,
        },
    }

    #[pallet::error]
    pub enum Error<T> {
        /// The call, or one that it wraps, cannot be mandated by any majority.
        CallNotAllowed,
    }

    #[pallet::call]
    impl<T: Config> Pallet<T> {
        /// Dispatch `call` as root.
        ///
        /// Origin: [`Config::AdminOrigin`]. An error of `call` is reported in
        /// [`Event::RootOp`] and does not fail this call. The fee is given back.
        ///
        /// Fails with [`Error::CallNotAllowed`].
        #[pallet::call_index(0)]
        #[pallet::weight({
            let info = call.get_dispatch_info();
            (T::WeightInfo::mandate().saturating_add(info.call_weight), info.class)
        })]
        pub fn mandate(
            origin: OriginFor<T>,
            call: Box<<T as Config>::RuntimeCall>,
        ) -> DispatchResultWithPostInfo {
            T::AdminOrigin::ensure_origin(origin)?;
            ensure!(T::Allowed::contains(&call), Error::<T>::CallNotAllowed);

            let outcome = call.dispatch_bypass_filter(frame_system::RawOrigin::Root.into());
            Self::deposit_event(Event::RootOp {
                result: outcome.map(|_| ()).map_err(|failure| failure.error),
            });
            Ok(Pays::No.into())
        }
    }
}
