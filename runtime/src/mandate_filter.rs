// SPDX-License-Identifier: Apache-2.0
//! What no majority of the committee can dispatch as root.
//!
//! A mandate may upgrade the runtime, in the open: `authorize_upgrade(hash)`, then
//! `apply_authorized_upgrade(code)`, which checks the code's name and version. What would change
//! storage behind the pallets' backs, or replace the code unchecked, is refused, also inside calls
//! that wrap others: a root origin passes every other filter.

use frame_support::traits::Contains;

use crate::RuntimeCall;

/// The calls that may be mandated.
pub struct Mandatable;

impl Contains<RuntimeCall> for Mandatable {
    fn contains(call: &RuntimeCall) -> bool {
        use frame_system::Call as System;
        use pallet_collective::Call as Committee;
        use pallet_utility::Call as Utility;

        match call {
            RuntimeCall::System(
                System::set_code { .. }
                | System::set_storage { .. }
                | System::kill_storage { .. }
                | System::kill_prefix { .. }
                | System::set_code_without_checks { .. }
                | System::authorize_upgrade_without_checks { .. },
            ) => false,
            // It begins an authority set that no justification leads to: who follows finality by
            // proofs would be left behind.
            RuntimeCall::Grandpa(pallet_grandpa::Call::note_stalled { .. }) => false,

            RuntimeCall::Utility(
                Utility::batch { calls }
                | Utility::batch_all { calls }
                | Utility::force_batch { calls },
            ) => calls.iter().all(Self::contains),
            RuntimeCall::Utility(
                Utility::as_derivative { call, .. }
                | Utility::dispatch_as { call, .. }
                | Utility::dispatch_as_fallible { call, .. }
                | Utility::with_weight { call, .. },
            ) => Self::contains(call),
            RuntimeCall::Utility(Utility::if_else { main, fallback }) => {
                Self::contains(main) && Self::contains(fallback)
            }

            RuntimeCall::Mandate(pallet_mandate::Call::mandate { call }) => Self::contains(call),
            RuntimeCall::TechnicalCommittee(
                Committee::execute { proposal, .. } | Committee::propose { proposal, .. },
            ) => Self::contains(proposal),

            _ => true,
        }
    }
}
