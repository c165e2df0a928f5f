// SPDX-License-Identifier: Apache-2.0
//! What the pallet tells.

use frame_support::pallet_macros::pallet_section;

/// The events.
#[pallet_section]
mod events {
    #[pallet::event]
    #[pallet::generate_deposit(pub(crate) fn deposit_event)]
    pub enum Event<T: Config> {
        /// An enclave has attested.
        Attested {
            /// Its account.
            account: T::AccountId,
            /// For whom it works.
            operator: T::AccountId,
            /// What it has proven.
            facts: AttestationFacts,
            /// How up to date its platform is.
            tcb_status: TcbStatus,
            /// From when on the attestation no longer counts, in seconds since the Unix epoch.
            expires_at: u64,
        },
        /// Collateral counts from now on.
        CollateralUpdated {
            /// Which document.
            id: CollateralId,
            /// When it was issued, in seconds since the Unix epoch.
            issued: u64,
            /// When it expires, in seconds since the Unix epoch.
            expires: u64,
        },
        /// Collateral of a higher evaluation number waits.
        EvaluationWaiting {
            /// Which document.
            id: CollateralId,
            /// Its evaluation number.
            evaluation_number: u32,
            /// From when on it counts, in seconds since the Unix epoch.
            acts_from: u64,
        },
        /// Governance let collateral of a higher evaluation number count at once.
        EvaluationEnacted {
            /// Which document.
            id: CollateralId,
            /// Its evaluation number.
            evaluation_number: u32,
        },
        /// Governance has allowed a measurement.
        MeasurementAllowed {
            /// The measurement.
            mr_enclave: Measurement,
            /// The first block in which it counts.
            acts_from: u32,
        },
        /// Governance has revoked a measurement.
        MeasurementRevoked {
            /// The measurement.
            mr_enclave: Measurement,
        },
        /// Governance has set which TCB levels are accepted.
        PolicySet {
            /// The policy.
            policy: TcbPolicy,
        },
        /// Governance has banned a machine.
        PlatformBanned {
            /// The machine.
            platform: PlatformId,
        },
        /// Governance has taken a ban back.
        PlatformUnbanned {
            /// The machine.
            platform: PlatformId,
        },
        /// An attestation that nobody needs was removed.
        AttestationForgotten {
            /// The enclave's account.
            account: T::AccountId,
        },
    }
}
