// SPDX-License-Identifier: Apache-2.0
//! What the calls weigh.
//!
//! The chain's own numbers are measured and stand in its runtime. Those of `()` are for tests and
//! mock runtimes: counted database accesses, and two milliseconds for each signature.

use frame_support::weights::{
    constants::{RocksDbWeight, WEIGHT_REF_TIME_PER_MILLIS},
    Weight,
};

/// What the calls weigh.
pub trait WeightInfo {
    /// `attest`, of a successor that has its slot at once.
    fn attest() -> Weight;
    /// Not a call: four ECDSA P-256 verifications, which are the least that a quote costs.
    fn four_signatures() -> Weight;
    /// `submit_collateral` of the root's list of revoked certificates.
    fn submit_root_crl() -> Weight;
    /// `submit_collateral` of an authority's list of revoked certificates.
    fn submit_pck_crl() -> Weight;
    /// `submit_collateral` of TCB levels.
    fn submit_tcb_info() -> Weight;
    /// `submit_collateral` of what the quoting enclave must show.
    fn submit_qe_identity() -> Weight;
    /// `enact_evaluation`.
    fn enact_evaluation() -> Weight;
    /// `allow_measurement`.
    fn allow_measurement() -> Weight;
    /// `revoke_measurement`.
    fn revoke_measurement() -> Weight;
    /// `set_policy`.
    fn set_policy() -> Weight;
    /// `ban_platform`.
    fn ban_platform() -> Weight;
    /// `unban_platform`.
    fn unban_platform() -> Weight;
    /// `forget_attestation`.
    fn forget_attestation() -> Weight;
}

fn accesses(reads: u64, writes: u64, signatures: u64) -> Weight {
    RocksDbWeight::get()
        .reads_writes(reads, writes)
        .saturating_add(Weight::from_parts(2 * signatures * WEIGHT_REF_TIME_PER_MILLIS, 0))
}

impl WeightInfo for () {
    fn attest() -> Weight {
        accesses(22, 5, 4)
    }
    fn four_signatures() -> Weight {
        accesses(0, 0, 4)
    }
    fn submit_root_crl() -> Weight {
        accesses(3, 1, 1)
    }
    fn submit_pck_crl() -> Weight {
        accesses(4, 1, 2)
    }
    fn submit_tcb_info() -> Weight {
        accesses(4, 1, 2)
    }
    fn submit_qe_identity() -> Weight {
        accesses(4, 1, 2)
    }
    fn enact_evaluation() -> Weight {
        accesses(2, 1, 0)
    }
    fn allow_measurement() -> Weight {
        accesses(2, 1, 0)
    }
    fn revoke_measurement() -> Weight {
        accesses(1, 1, 0)
    }
    fn set_policy() -> Weight {
        accesses(0, 1, 0)
    }
    fn ban_platform() -> Weight {
        accesses(1, 1, 0)
    }
    fn unban_platform() -> Weight {
        accesses(1, 1, 0)
    }
    fn forget_attestation() -> Weight {
        accesses(7, 1, 0)
    }
}
