// SPDX-License-Identifier: Apache-2.0
//! What the calls weigh.
//!
//! The chain's own numbers are measured and stand in its runtime. Those of `()` are for tests and
//! mock runtimes: counted database accesses.

use frame_support::weights::{constants::RocksDbWeight, Weight};

/// What the calls weigh.
pub trait WeightInfo {
    /// `register_enclave`.
    fn register_enclave() -> Weight;
    /// `unregister_enclave`, of a registered or an assigned enclave.
    fn unregister_enclave() -> Weight;
    /// `update_enclave`, also when it takes effect at once.
    fn update_enclave() -> Weight;
    /// `cancel_update`.
    fn cancel_update() -> Weight;
    /// `assign_enclave`.
    fn assign_enclave() -> Weight;
    /// `remove_registration`.
    fn remove_registration() -> Weight;
    /// `reject_update`.
    fn reject_update() -> Weight;
    /// `approve_enclave_unregistration`.
    fn approve_enclave_unregistration() -> Weight;
    /// `force_remove_enclave`.
    fn force_remove_enclave() -> Weight;
    /// `approve_update_enclave`.
    fn approve_update_enclave() -> Weight;
    /// `force_update_enclave`.
    fn force_update_enclave() -> Weight;
    /// `create_cluster`.
    fn create_cluster() -> Weight;
    /// `update_cluster`.
    fn update_cluster() -> Weight;
    /// `remove_cluster`.
    fn remove_cluster() -> Weight;
    /// `withdraw_unbonded`.
    fn withdraw_unbonded() -> Weight;
    /// `register_metrics_server`.
    fn register_metrics_server() -> Weight;
    /// `unregister_metrics_server`.
    fn unregister_metrics_server() -> Weight;
    /// `force_update_metrics_server_type`.
    fn force_update_metrics_server_type() -> Weight;
    /// `set_staking_amount`.
    fn set_staking_amount() -> Weight;
    /// `bond_extra`.
    fn bond_extra() -> Weight;
    /// `refund_excess`.
    fn refund_excess() -> Weight;
    /// `confirm_keyshares` of a batch whose `n` entries are only recorded.
    fn confirm_recorded(n: u32) -> Weight;
    /// `confirm_keyshares` of a batch whose `n` entries each complete a cluster.
    fn confirm_synced(n: u32) -> Weight;
    /// `complete_update`.
    fn complete_update() -> Weight;
    /// `forget_platform`.
    fn forget_platform() -> Weight;
    /// `expect_enclave`.
    fn expect_enclave() -> Weight;
    /// Reading how far the sweep has come, and noting it again.
    fn sweep_begin() -> Weight;
    /// Taking a version from the log, or from the queue, where it is removed.
    fn sweep_version() -> Weight;
    /// Removing the confirmations of one cluster, or finding that there are none.
    fn sweep_confirmation() -> Weight;

    /// `confirm_keyshares` of a batch with entries of both kinds: what is done once is counted once.
    fn confirm_keyshares(recorded: u32, synced: u32) -> Weight {
        if synced == 0 {
            return Self::confirm_recorded(recorded);
        }
        Self::confirm_synced(synced)
            .saturating_add(Self::confirm_recorded(recorded))
            .saturating_sub(Self::confirm_recorded(0))
    }
}

fn counted(reads: u64, writes: u64) -> Weight {
    RocksDbWeight::get().reads_writes(reads, writes)
}

impl WeightInfo for () {
    fn register_enclave() -> Weight {
        counted(7, 4)
    }
    fn unregister_enclave() -> Weight {
        counted(4, 4)
    }
    fn update_enclave() -> Weight {
        counted(6, 3)
    }
    fn cancel_update() -> Weight {
        counted(6, 3)
    }
    fn assign_enclave() -> Weight {
        counted(15, 7)
    }
    fn remove_registration() -> Weight {
        counted(4, 4)
    }
    fn reject_update() -> Weight {
        counted(6, 3)
    }
    fn approve_enclave_unregistration() -> Weight {
        counted(9, 11)
    }
    fn force_remove_enclave() -> Weight {
        counted(9, 11)
    }
    fn approve_update_enclave() -> Weight {
        counted(16, 3)
    }
    fn force_update_enclave() -> Weight {
        counted(20, 7)
    }
    fn create_cluster() -> Weight {
        counted(1, 2)
    }
    fn update_cluster() -> Weight {
        counted(23, 12)
    }
    fn remove_cluster() -> Weight {
        counted(2, 3)
    }
    fn withdraw_unbonded() -> Weight {
        counted(4, 3)
    }
    fn register_metrics_server() -> Weight {
        counted(1, 1)
    }
    fn unregister_metrics_server() -> Weight {
        counted(1, 1)
    }
    fn force_update_metrics_server_type() -> Weight {
        counted(1, 1)
    }
    fn set_staking_amount() -> Weight {
        counted(0, 1)
    }
    fn bond_extra() -> Weight {
        counted(4, 3)
    }
    fn refund_excess() -> Weight {
        counted(4, 3)
    }
    fn confirm_recorded(n: u32) -> Weight {
        counted(20, 1).saturating_add(counted(2, 1).saturating_mul(n.into()))
    }
    fn confirm_synced(n: u32) -> Weight {
        counted(20, 1).saturating_add(counted(6, 6).saturating_mul(n.into()))
    }
    fn complete_update() -> Weight {
        counted(12, 7)
    }
    fn forget_platform() -> Weight {
        counted(1, 1)
    }
    fn expect_enclave() -> Weight {
        counted(2, 0)
    }
    fn sweep_begin() -> Weight {
        counted(2, 1)
    }
    fn sweep_version() -> Weight {
        counted(1, 1)
    }
    fn sweep_confirmation() -> Weight {
        counted(1, 1)
    }
}
