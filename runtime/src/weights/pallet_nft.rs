// SPDX-License-Identifier: Apache-2.0

//! What the calls of `pallet_nft` weigh, measured by `make weights` on 2026-11-23: 20 steps,
//! 10 repetitions of the runtime's WebAssembly.
//!
//! A solochain makes no proofs of its blocks for others, so their size is not counted.
#![cfg_attr(rustfmt, rustfmt_skip)]
#![allow(clippy::all, unused_imports)]

use core::marker::PhantomData;

use frame_support::{traits::Get, weights::Weight};

/// The weights.
pub struct WeightInfo<T>(PhantomData<T>);

impl<T: frame_system::Config> pallet_nft::WeightInfo for WeightInfo<T> {
    // Storage: `NFT::Collections` (r:1 w:1)
    // Proof: `NFT::Collections` (`max_values`: None, `max_size`: Some(214), added: 2689, mode: `MaxEncodedLen`)
    // Storage: `NFT::NftMintFee` (r:1 w:0)
    // Proof: `NFT::NftMintFee` (`max_values`: Some(1), `max_size`: Some(16), added: 511, mode: `MaxEncodedLen`)
    // Storage: `System::Account` (r:1 w:1)
    // Proof: `System::Account` (`max_values`: None, `max_size`: Some(128), added: 2603, mode: `MaxEncodedLen`)
    // Storage: `NFT::NextNFTId` (r:1 w:1)
    // Proof: `NFT::NextNFTId` (`max_values`: Some(1), `max_size`: Some(4), added: 499, mode: `MaxEncodedLen`)
    // Storage: `NFT::Nfts` (r:0 w:1)
    // Proof: `NFT::Nfts` (`max_values`: None, `max_size`: Some(254), added: 2729, mode: `MaxEncodedLen`)
    // At least 57_880_000 picoseconds.
    fn create_nft() -> Weight {
        Weight::from_parts(65_385_000, 0)
            .saturating_add(T::DbWeight::get().reads(4))
            .saturating_add(T::DbWeight::get().writes(4))
    }
    // Storage: `NFT::Nfts` (r:1 w:1)
    // Proof: `NFT::Nfts` (`max_values`: None, `max_size`: Some(254), added: 2729, mode: `MaxEncodedLen`)
    // Storage: `TEE::Keyshares` (r:2 w:2)
    // Proof: `TEE::Keyshares` (`max_values`: None, `max_size`: Some(219), added: 2694, mode: `MaxEncodedLen`)
    // Storage: `TEE::ClusterHoldings` (r:2 w:2)
    // Proof: `TEE::ClusterHoldings` (`max_values`: None, `max_size`: Some(36), added: 2511, mode: `MaxEncodedLen`)
    // Storage: `NFT::Collections` (r:1 w:1)
    // Proof: `NFT::Collections` (`max_values`: None, `max_size`: Some(214), added: 2689, mode: `MaxEncodedLen`)
    // Storage: `TEE::SweepQueue` (r:0 w:1)
    // Proof: `TEE::SweepQueue` (`max_values`: None, `max_size`: Some(25), added: 2500, mode: `MaxEncodedLen`)
    // Storage: `TEE::LastVersions` (r:0 w:2)
    // Proof: `TEE::LastVersions` (`max_values`: None, `max_size`: Some(41), added: 2516, mode: `MaxEncodedLen`)
    // Storage: `NFT::CapsuleOffchainData` (r:0 w:1)
    // Proof: `NFT::CapsuleOffchainData` (`max_values`: None, `max_size`: Some(172), added: 2647, mode: `MaxEncodedLen`)
    // Storage: `NFT::SecretNftsOffchainData` (r:0 w:1)
    // Proof: `NFT::SecretNftsOffchainData` (`max_values`: None, `max_size`: Some(172), added: 2647, mode: `MaxEncodedLen`)
    // At least 50_096_000 picoseconds.
    fn burn_nft() -> Weight {
        Weight::from_parts(56_568_000, 0)
            .saturating_add(T::DbWeight::get().reads(6))
            .saturating_add(T::DbWeight::get().writes(11))
    }
    // Storage: `NFT::Nfts` (r:1 w:1)
    // Proof: `NFT::Nfts` (`max_values`: None, `max_size`: Some(254), added: 2729, mode: `MaxEncodedLen`)
    // At least 13_059_000 picoseconds.
    fn transfer_nft() -> Weight {
        Weight::from_parts(15_022_000, 0)
            .saturating_add(T::DbWeight::get().reads(1))
            .saturating_add(T::DbWeight::get().writes(1))
    }
    // Storage: `NFT::Nfts` (r:1 w:1)
    // Proof: `NFT::Nfts` (`max_values`: None, `max_size`: Some(254), added: 2729, mode: `MaxEncodedLen`)
    // Storage: `NFT::DelegatedNFTs` (r:0 w:1)
    // Proof: `NFT::DelegatedNFTs` (`max_values`: None, `max_size`: Some(52), added: 2527, mode: `MaxEncodedLen`)
    // At least 14_510_000 picoseconds.
    fn delegate_nft() -> Weight {
        Weight::from_parts(16_844_000, 0)
            .saturating_add(T::DbWeight::get().reads(1))
            .saturating_add(T::DbWeight::get().writes(2))
    }
    // Storage: `NFT::Nfts` (r:1 w:1)
    // Proof: `NFT::Nfts` (`max_values`: None, `max_size`: Some(254), added: 2729, mode: `MaxEncodedLen`)
    // At least 13_378_000 picoseconds.
    fn set_royalty() -> Weight {
        Weight::from_parts(14_911_000, 0)
            .saturating_add(T::DbWeight::get().reads(1))
            .saturating_add(T::DbWeight::get().writes(1))
    }
    // Storage: `NFT::NftMintFee` (r:0 w:1)
    // Proof: `NFT::NftMintFee` (`max_values`: Some(1), `max_size`: Some(16), added: 511, mode: `MaxEncodedLen`)
    // At least 4_815_000 picoseconds.
    fn set_nft_mint_fee() -> Weight {
        Weight::from_parts(5_745_000, 0)
            .saturating_add(T::DbWeight::get().writes(1))
    }
    // Storage: `NFT::NextCollectionId` (r:1 w:1)
    // Proof: `NFT::NextCollectionId` (`max_values`: Some(1), `max_size`: Some(4), added: 499, mode: `MaxEncodedLen`)
    // Storage: `NFT::Collections` (r:0 w:1)
    // Proof: `NFT::Collections` (`max_values`: None, `max_size`: Some(214), added: 2689, mode: `MaxEncodedLen`)
    // At least 9_806_000 picoseconds.
    fn create_collection() -> Weight {
        Weight::from_parts(11_300_000, 0)
            .saturating_add(T::DbWeight::get().reads(1))
            .saturating_add(T::DbWeight::get().writes(2))
    }
    // Storage: `NFT::Collections` (r:1 w:1)
    // Proof: `NFT::Collections` (`max_values`: None, `max_size`: Some(214), added: 2689, mode: `MaxEncodedLen`)
    // At least 13_050_000 picoseconds.
    fn burn_collection() -> Weight {
        Weight::from_parts(14_783_000, 0)
            .saturating_add(T::DbWeight::get().reads(1))
            .saturating_add(T::DbWeight::get().writes(1))
    }
    // Storage: `NFT::Collections` (r:1 w:1)
    // Proof: `NFT::Collections` (`max_values`: None, `max_size`: Some(214), added: 2689, mode: `MaxEncodedLen`)
    // At least 13_715_000 picoseconds.
    fn close_collection() -> Weight {
        Weight::from_parts(15_173_000, 0)
            .saturating_add(T::DbWeight::get().reads(1))
            .saturating_add(T::DbWeight::get().writes(1))
    }
    // Storage: `NFT::Collections` (r:1 w:1)
    // Proof: `NFT::Collections` (`max_values`: None, `max_size`: Some(214), added: 2689, mode: `MaxEncodedLen`)
    // At least 13_327_000 picoseconds.
    fn limit_collection() -> Weight {
        Weight::from_parts(15_136_000, 0)
            .saturating_add(T::DbWeight::get().reads(1))
            .saturating_add(T::DbWeight::get().writes(1))
    }
    // Storage: `NFT::Nfts` (r:1 w:1)
    // Proof: `NFT::Nfts` (`max_values`: None, `max_size`: Some(254), added: 2729, mode: `MaxEncodedLen`)
    // Storage: `NFT::Collections` (r:1 w:1)
    // Proof: `NFT::Collections` (`max_values`: None, `max_size`: Some(214), added: 2689, mode: `MaxEncodedLen`)
    // At least 20_128_000 picoseconds.
    fn add_nft_to_collection() -> Weight {
        Weight::from_parts(22_746_000, 0)
            .saturating_add(T::DbWeight::get().reads(2))
            .saturating_add(T::DbWeight::get().writes(2))
    }
    // Storage: `NFT::Nfts` (r:1 w:1)
    // Proof: `NFT::Nfts` (`max_values`: None, `max_size`: Some(254), added: 2729, mode: `MaxEncodedLen`)
    // Storage: `NFT::SecretNftMintFee` (r:1 w:0)
    // Proof: `NFT::SecretNftMintFee` (`max_values`: Some(1), `max_size`: Some(16), added: 511, mode: `MaxEncodedLen`)
    // Storage: `System::Account` (r:1 w:1)
    // Proof: `System::Account` (`max_values`: None, `max_size`: Some(128), added: 2603, mode: `MaxEncodedLen`)
    // Storage: `TEE::LastVersions` (r:1 w:1)
    // Proof: `TEE::LastVersions` (`max_values`: None, `max_size`: Some(41), added: 2516, mode: `MaxEncodedLen`)
    // Storage: `TEE::Keyshares` (r:1 w:1)
    // Proof: `TEE::Keyshares` (`max_values`: None, `max_size`: Some(219), added: 2694, mode: `MaxEncodedLen`)
    // Storage: `NFT::SecretNftsOffchainData` (r:0 w:1)
    // Proof: `NFT::SecretNftsOffchainData` (`max_values`: None, `max_size`: Some(172), added: 2647, mode: `MaxEncodedLen`)
    // At least 71_621_000 picoseconds.
    fn add_secret() -> Weight {
        Weight::from_parts(80_753_000, 0)
            .saturating_add(T::DbWeight::get().reads(5))
            .saturating_add(T::DbWeight::get().writes(5))
    }
    // Storage: `NFT::Collections` (r:1 w:1)
    // Proof: `NFT::Collections` (`max_values`: None, `max_size`: Some(214), added: 2689, mode: `MaxEncodedLen`)
    // Storage: `NFT::NftMintFee` (r:1 w:0)
    // Proof: `NFT::NftMintFee` (`max_values`: Some(1), `max_size`: Some(16), added: 511, mode: `MaxEncodedLen`)
    // Storage: `System::Account` (r:1 w:1)
    // Proof: `System::Account` (`max_values`: None, `max_size`: Some(128), added: 2603, mode: `MaxEncodedLen`)
    // Storage: `NFT::NextNFTId` (r:1 w:1)
    // Proof: `NFT::NextNFTId` (`max_values`: Some(1), `max_size`: Some(4), added: 499, mode: `MaxEncodedLen`)
    // Storage: `NFT::SecretNftMintFee` (r:1 w:0)
    // Proof: `NFT::SecretNftMintFee` (`max_values`: Some(1), `max_size`: Some(16), added: 511, mode: `MaxEncodedLen`)
    // Storage: `TEE::LastVersions` (r:1 w:1)
    // Proof: `TEE::LastVersions` (`max_values`: None, `max_size`: Some(41), added: 2516, mode: `MaxEncodedLen`)
    // Storage: `TEE::Keyshares` (r:1 w:1)
    // Proof: `TEE::Keyshares` (`max_values`: None, `max_size`: Some(219), added: 2694, mode: `MaxEncodedLen`)
    // Storage: `NFT::SecretNftsOffchainData` (r:0 w:1)
    // Proof: `NFT::SecretNftsOffchainData` (`max_values`: None, `max_size`: Some(172), added: 2647, mode: `MaxEncodedLen`)
    // Storage: `NFT::Nfts` (r:0 w:1)
    // Proof: `NFT::Nfts` (`max_values`: None, `max_size`: Some(254), added: 2729, mode: `MaxEncodedLen`)
    // At least 117_890_000 picoseconds.
    fn create_secret_nft() -> Weight {
        Weight::from_parts(126_845_000, 0)
            .saturating_add(T::DbWeight::get().reads(7))
            .saturating_add(T::DbWeight::get().writes(7))
    }
    // At least 2_687_000 picoseconds.
    fn add_secret_shard() -> Weight {
        Weight::from_parts(3_271_000, 0)
    }
    // Storage: `NFT::SecretNftMintFee` (r:0 w:1)
    // Proof: `NFT::SecretNftMintFee` (`max_values`: Some(1), `max_size`: Some(16), added: 511, mode: `MaxEncodedLen`)
    // At least 5_222_000 picoseconds.
    fn set_secret_nft_mint_fee() -> Weight {
        Weight::from_parts(6_074_000, 0)
            .saturating_add(T::DbWeight::get().writes(1))
    }
    // Storage: `NFT::Nfts` (r:1 w:1)
    // Proof: `NFT::Nfts` (`max_values`: None, `max_size`: Some(254), added: 2729, mode: `MaxEncodedLen`)
    // Storage: `NFT::CapsuleMintFee` (r:1 w:0)
    // Proof: `NFT::CapsuleMintFee` (`max_values`: Some(1), `max_size`: Some(16), added: 511, mode: `MaxEncodedLen`)
    // Storage: `System::Account` (r:1 w:1)
    // Proof: `System::Account` (`max_values`: None, `max_size`: Some(128), added: 2603, mode: `MaxEncodedLen`)
    // Storage: `TEE::LastVersions` (r:1 w:1)
    // Proof: `TEE::LastVersions` (`max_values`: None, `max_size`: Some(41), added: 2516, mode: `MaxEncodedLen`)
    // Storage: `TEE::Keyshares` (r:1 w:1)
    // Proof: `TEE::Keyshares` (`max_values`: None, `max_size`: Some(219), added: 2694, mode: `MaxEncodedLen`)
    // Storage: `NFT::CapsuleOffchainData` (r:0 w:1)
    // Proof: `NFT::CapsuleOffchainData` (`max_values`: None, `max_size`: Some(172), added: 2647, mode: `MaxEncodedLen`)
    // At least 70_674_000 picoseconds.
    fn convert_to_capsule() -> Weight {
        Weight::from_parts(79_821_000, 0)
            .saturating_add(T::DbWeight::get().reads(5))
            .saturating_add(T::DbWeight::get().writes(5))
    }
    // Storage: `NFT::Collections` (r:1 w:1)
    // Proof: `NFT::Collections` (`max_values`: None, `max_size`: Some(214), added: 2689, mode: `MaxEncodedLen`)
    // Storage: `NFT::NftMintFee` (r:1 w:0)
    // Proof: `NFT::NftMintFee` (`max_values`: Some(1), `max_size`: Some(16), added: 511, mode: `MaxEncodedLen`)
    // Storage: `System::Account` (r:1 w:1)
    // Proof: `System::Account` (`max_values`: None, `max_size`: Some(128), added: 2603, mode: `MaxEncodedLen`)
    // Storage: `NFT::NextNFTId` (r:1 w:1)
    // Proof: `NFT::NextNFTId` (`max_values`: Some(1), `max_size`: Some(4), added: 499, mode: `MaxEncodedLen`)
    // Storage: `NFT::CapsuleMintFee` (r:1 w:0)
    // Proof: `NFT::CapsuleMintFee` (`max_values`: Some(1), `max_size`: Some(16), added: 511, mode: `MaxEncodedLen`)
    // Storage: `TEE::LastVersions` (r:1 w:1)
    // Proof: `TEE::LastVersions` (`max_values`: None, `max_size`: Some(41), added: 2516, mode: `MaxEncodedLen`)
    // Storage: `TEE::Keyshares` (r:1 w:1)
    // Proof: `TEE::Keyshares` (`max_values`: None, `max_size`: Some(219), added: 2694, mode: `MaxEncodedLen`)
    // Storage: `NFT::CapsuleOffchainData` (r:0 w:1)
    // Proof: `NFT::CapsuleOffchainData` (`max_values`: None, `max_size`: Some(172), added: 2647, mode: `MaxEncodedLen`)
    // Storage: `NFT::Nfts` (r:0 w:1)
    // Proof: `NFT::Nfts` (`max_values`: None, `max_size`: Some(254), added: 2729, mode: `MaxEncodedLen`)
    // At least 113_941_000 picoseconds.
    fn create_capsule() -> Weight {
        Weight::from_parts(126_352_000, 0)
            .saturating_add(T::DbWeight::get().reads(7))
            .saturating_add(T::DbWeight::get().writes(7))
    }
    // Storage: `NFT::Nfts` (r:1 w:0)
    // Proof: `NFT::Nfts` (`max_values`: None, `max_size`: Some(254), added: 2729, mode: `MaxEncodedLen`)
    // Storage: `NFT::CapsuleOffchainData` (r:0 w:1)
    // Proof: `NFT::CapsuleOffchainData` (`max_values`: None, `max_size`: Some(172), added: 2647, mode: `MaxEncodedLen`)
    // At least 14_710_000 picoseconds.
    fn set_capsule_offchaindata() -> Weight {
        Weight::from_parts(16_638_000, 0)
            .saturating_add(T::DbWeight::get().reads(1))
            .saturating_add(T::DbWeight::get().writes(1))
    }
    // Storage: `NFT::CapsuleMintFee` (r:0 w:1)
    // Proof: `NFT::CapsuleMintFee` (`max_values`: Some(1), `max_size`: Some(16), added: 511, mode: `MaxEncodedLen`)
    // At least 5_151_000 picoseconds.
    fn set_capsule_mint_fee() -> Weight {
        Weight::from_parts(6_066_000, 0)
            .saturating_add(T::DbWeight::get().writes(1))
    }
    // At least 2_730_000 picoseconds.
    fn add_capsule_shard() -> Weight {
        Weight::from_parts(3_235_000, 0)
    }
    // Storage: `NFT::Nfts` (r:1 w:1)
    // Proof: `NFT::Nfts` (`max_values`: None, `max_size`: Some(254), added: 2729, mode: `MaxEncodedLen`)
    // Storage: `TEE::LastVersions` (r:1 w:1)
    // Proof: `TEE::LastVersions` (`max_values`: None, `max_size`: Some(41), added: 2516, mode: `MaxEncodedLen`)
    // Storage: `TEE::Keyshares` (r:1 w:1)
    // Proof: `TEE::Keyshares` (`max_values`: None, `max_size`: Some(219), added: 2694, mode: `MaxEncodedLen`)
    // At least 29_533_000 picoseconds.
    fn notify_enclave_key_update() -> Weight {
        Weight::from_parts(32_039_000, 0)
            .saturating_add(T::DbWeight::get().reads(3))
            .saturating_add(T::DbWeight::get().writes(3))
    }
    // Storage: `NFT::Collections` (r:1 w:1)
    // Proof: `NFT::Collections` (`max_values`: None, `max_size`: Some(214), added: 2689, mode: `MaxEncodedLen`)
    // At least 14_625_000 picoseconds.
    fn set_collection_offchaindata() -> Weight {
        Weight::from_parts(16_337_000, 0)
            .saturating_add(T::DbWeight::get().reads(1))
            .saturating_add(T::DbWeight::get().writes(1))
    }
    // Storage: `NFT::Nfts` (r:1 w:1)
    // Proof: `NFT::Nfts` (`max_values`: None, `max_size`: Some(254), added: 2729, mode: `MaxEncodedLen`)
    // Storage: `TEE::Keyshares` (r:1 w:1)
    // Proof: `TEE::Keyshares` (`max_values`: None, `max_size`: Some(219), added: 2694, mode: `MaxEncodedLen`)
    // Storage: `TEE::ClusterHoldings` (r:1 w:1)
    // Proof: `TEE::ClusterHoldings` (`max_values`: None, `max_size`: Some(36), added: 2511, mode: `MaxEncodedLen`)
    // Storage: `TEE::SweepQueue` (r:0 w:1)
    // Proof: `TEE::SweepQueue` (`max_values`: None, `max_size`: Some(25), added: 2500, mode: `MaxEncodedLen`)
    // Storage: `NFT::CapsuleOffchainData` (r:0 w:1)
    // Proof: `NFT::CapsuleOffchainData` (`max_values`: None, `max_size`: Some(172), added: 2647, mode: `MaxEncodedLen`)
    // At least 29_687_000 picoseconds.
    fn revert_capsule() -> Weight {
        Weight::from_parts(33_000_000, 0)
            .saturating_add(T::DbWeight::get().reads(3))
            .saturating_add(T::DbWeight::get().writes(5))
    }
    // Storage: `NFT::Nfts` (r:1 w:0)
    // Proof: `NFT::Nfts` (`max_values`: None, `max_size`: Some(254), added: 2729, mode: `MaxEncodedLen`)
    // Storage: `TEE::Keyshares` (r:1 w:1)
    // Proof: `TEE::Keyshares` (`max_values`: None, `max_size`: Some(219), added: 2694, mode: `MaxEncodedLen`)
    // Storage: `TEE::LastVersions` (r:1 w:1)
    // Proof: `TEE::LastVersions` (`max_values`: None, `max_size`: Some(41), added: 2516, mode: `MaxEncodedLen`)
    // Storage: `TEE::SweepQueue` (r:0 w:1)
    // Proof: `TEE::SweepQueue` (`max_values`: None, `max_size`: Some(25), added: 2500, mode: `MaxEncodedLen`)
    // At least 31_300_000 picoseconds.
    fn restart_sync() -> Weight {
        Weight::from_parts(34_317_000, 0)
            .saturating_add(T::DbWeight::get().reads(3))
            .saturating_add(T::DbWeight::get().writes(3))
    }
    // Storage: `NFT::Nfts` (r:1 w:1)
    // Proof: `NFT::Nfts` (`max_values`: None, `max_size`: Some(254), added: 2729, mode: `MaxEncodedLen`)
    // Storage: `TEE::Keyshares` (r:1 w:1)
    // Proof: `TEE::Keyshares` (`max_values`: None, `max_size`: Some(219), added: 2694, mode: `MaxEncodedLen`)
    // Storage: `TEE::SweepQueue` (r:0 w:1)
    // Proof: `TEE::SweepQueue` (`max_values`: None, `max_size`: Some(25), added: 2500, mode: `MaxEncodedLen`)
    // At least 26_820_000 picoseconds.
    fn cancel_sync() -> Weight {
        Weight::from_parts(29_726_000, 0)
            .saturating_add(T::DbWeight::get().reads(2))
            .saturating_add(T::DbWeight::get().writes(3))
    }
}
