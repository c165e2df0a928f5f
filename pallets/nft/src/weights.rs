// SPDX-License-Identifier: Apache-2.0
//! What the calls weigh.
//!
//! [`DbWeights`] counts what each call reads from storage and writes to it, in the worst case, and
//! prices that with the runtime's database weights. The numbers are counted, not measured. They
//! cover the computation as well: no call does more than a bounded amount of copying and comparing
//! for each value that it reads. [`Config::Keyshares`](crate::Config::Keyshares) is counted with
//! one read and two writes for each change.

use core::marker::PhantomData;

use frame_support::{traits::Get, weights::Weight};

/// What the calls weigh. `create_secret_nft` weighs as much as `create_nft` and `add_secret`.
pub trait WeightInfo {
    /// `create_nft`.
    fn create_nft() -> Weight;
    /// `burn_nft`.
    fn burn_nft() -> Weight;
    /// `transfer_nft`.
    fn transfer_nft() -> Weight;
    /// `add_secret`.
    fn add_secret() -> Weight;
}

/// Weights counted in reads and writes of the runtime's database.
pub struct DbWeights<T>(PhantomData<T>);

impl<T: frame_system::Config> DbWeights<T> {
    fn counted(reads: u32, writes: u32) -> Weight {
        T::DbWeight::get().reads_writes(reads.into(), writes.into())
    }
}

impl<T: frame_system::Config> WeightInfo for DbWeights<T> {
    // Reads: NftMintFee, the payer's and the collector's account, NextNFTId.
    // Writes: both accounts, NextNFTId, Nfts.
    fn create_nft() -> Weight {
        Self::counted(4, 4)
    }

    // Reads: Nfts, two kinds of keyshares. Writes: SecretNftsOffchainData, Nfts, two kinds of
    // keyshares.
    fn burn_nft() -> Weight {
        Self::counted(3, 6)
    }

    // Reads: Nfts. Writes: Nfts.
    fn transfer_nft() -> Weight {
        Self::counted(1, 1)
    }

    // Reads: Nfts, SecretNftMintFee, the payer's and the collector's account, the keyshares.
    // Writes: both accounts, Nfts, SecretNftsOffchainData, the keyshares.
    fn add_secret() -> Weight {
        Self::counted(5, 6)
    }
}
