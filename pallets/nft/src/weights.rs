// SPDX-License-Identifier: Apache-2.0
//! What the calls weigh. A chain takes its own measurements; those of `()` are for tests and mock
//! runtimes, and count accesses to the database.

use frame_support::weights::{constants::RocksDbWeight, Weight};

/// What the calls weigh, each at its worst.
pub trait WeightInfo {
    /// `create_nft`.
    fn create_nft() -> Weight;
    /// `burn_nft`.
    fn burn_nft() -> Weight;
    /// `transfer_nft`.
    fn transfer_nft() -> Weight;
    /// `delegate_nft`.
    fn delegate_nft() -> Weight;
    /// `set_royalty`.
    fn set_royalty() -> Weight;
    /// `set_nft_mint_fee`.
    fn set_nft_mint_fee() -> Weight;
    /// `create_collection`.
    fn create_collection() -> Weight;
    /// `burn_collection`.
    fn burn_collection() -> Weight;
    /// `close_collection`.
    fn close_collection() -> Weight;
    /// `limit_collection`.
    fn limit_collection() -> Weight;
    /// `add_nft_to_collection`.
    fn add_nft_to_collection() -> Weight;
    /// `add_secret`.
    fn add_secret() -> Weight;
    /// `create_secret_nft`.
    fn create_secret_nft() -> Weight;
    /// `add_secret_shard`.
    fn add_secret_shard() -> Weight;
    /// `set_secret_nft_mint_fee`.
    fn set_secret_nft_mint_fee() -> Weight;
    /// `convert_to_capsule`.
    fn convert_to_capsule() -> Weight;
    /// `create_capsule`.
    fn create_capsule() -> Weight;
    /// `set_capsule_offchaindata`.
    fn set_capsule_offchaindata() -> Weight;
    /// `set_capsule_mint_fee`.
    fn set_capsule_mint_fee() -> Weight;
    /// `add_capsule_shard`.
    fn add_capsule_shard() -> Weight;
    /// `notify_enclave_key_update`.
    fn notify_enclave_key_update() -> Weight;
    /// `set_collection_offchaindata`.
    fn set_collection_offchaindata() -> Weight;
    /// `revert_capsule`.
    fn revert_capsule() -> Weight;
    /// `restart_sync`.
    fn restart_sync() -> Weight;
    /// `cancel_sync`.
    fn cancel_sync() -> Weight;
}

fn counted(reads: u64, writes: u64) -> Weight {
    RocksDbWeight::get().reads_writes(reads, writes)
}

impl WeightInfo for () {
    fn create_nft() -> Weight {
        counted(5, 5)
    }
    fn burn_nft() -> Weight {
        counted(4, 8)
    }
    fn transfer_nft() -> Weight {
        counted(1, 1)
    }
    fn delegate_nft() -> Weight {
        counted(1, 2)
    }
    fn set_royalty() -> Weight {
        counted(1, 1)
    }
    fn set_nft_mint_fee() -> Weight {
        counted(0, 1)
    }
    fn create_collection() -> Weight {
        counted(1, 2)
    }
    fn burn_collection() -> Weight {
        counted(1, 1)
    }
    fn close_collection() -> Weight {
        counted(1, 1)
    }
    fn limit_collection() -> Weight {
        counted(1, 1)
    }
    fn add_nft_to_collection() -> Weight {
        counted(2, 2)
    }
    fn add_secret() -> Weight {
        counted(5, 6)
    }
    fn create_secret_nft() -> Weight {
        Self::create_nft().saturating_add(Self::add_secret())
    }
    fn add_secret_shard() -> Weight {
        counted(0, 0)
    }
    fn set_secret_nft_mint_fee() -> Weight {
        counted(0, 1)
    }
    fn convert_to_capsule() -> Weight {
        counted(5, 6)
    }
    fn create_capsule() -> Weight {
        Self::create_nft().saturating_add(Self::convert_to_capsule())
    }
    fn set_capsule_offchaindata() -> Weight {
        counted(1, 1)
    }
    fn set_capsule_mint_fee() -> Weight {
        counted(0, 1)
    }
    fn add_capsule_shard() -> Weight {
        counted(0, 0)
    }
    fn notify_enclave_key_update() -> Weight {
        counted(2, 3)
    }
    fn set_collection_offchaindata() -> Weight {
        counted(1, 1)
    }
    fn revert_capsule() -> Weight {
        counted(2, 4)
    }
    fn restart_sync() -> Weight {
        counted(2, 2)
    }
    fn cancel_sync() -> Weight {
        counted(2, 3)
    }
}
