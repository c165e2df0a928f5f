// SPDX-License-Identifier: Apache-2.0
//! The chain's runtime: a solochain with Aura, GRANDPA and a committee, and the pallets that keep
//! secret NFTs.
//!
//! | module | holds |
//! |---|---|
//! | [`configs`] | how each pallet is configured |
//! | [`timing`] | block time and periods, fixed at genesis |
//! | [`mandate_filter`] | what no majority can dispatch as root |
//! | [`apis`] | what the node calls |
//! | [`weights`] | what the calls of our own pallets weigh, as measured |
//! | [`presets`] | genesis of the development networks |
//!
//! Pallet, storage, call and event names are those of the Ternoa chain, so that its published
//! client works unmodified. For the same reason blocks hold only version-4 extrinsics: its
//! decoder knows no other ([`apis`]).
#![cfg_attr(not(feature = "std"), no_std)]
#![recursion_limit = "256"]

#[cfg(feature = "std")]
include!(concat!(env!("OUT_DIR"), "/wasm_binary.rs"));

/// The runtime of the next spec version, for tests of a runtime upgrade. Only debug builds have it.
#[cfg(feature = "std")]
pub mod next_version {
    #[cfg(next_version)]
    include!(concat!(env!("OUT_DIR"), "/wasm_binary_next_version.rs"));

    /// The runtime, if it was built.
    #[cfg(not(next_version))]
    pub const WASM_BINARY: Option<&[u8]> = None;
}

/// The next spec version with the next [`ENCLAVE_ABI`](tee_primitives::abi::ENCLAVE_ABI), for tests of
/// an upgrade that enclaves must be prepared for. Only debug builds have it.
#[cfg(feature = "std")]
pub mod next_abi {
    #[cfg(next_version)]
    include!(concat!(env!("OUT_DIR"), "/wasm_binary_next_abi.rs"));

    /// The runtime, if it was built.
    #[cfg(not(next_version))]
    pub const WASM_BINARY: Option<&[u8]> = None;
}

extern crate alloc;

use alloc::{borrow::Cow, vec::Vec};

use sp_runtime::{
    generic, impl_opaque_keys,
    traits::{BlakeTwo256, IdentifyAccount, Verify},
    MultiAddress, MultiSignature,
};
use sp_version::RuntimeVersion;

pub mod apis;
pub mod configs;
pub mod mandate_filter;
pub mod presets;
pub mod timing;
pub mod weights;

#[cfg(feature = "runtime-benchmarks")]
mod benchmarks {
    frame_benchmarking::define_benchmarks!(
        [pallet_attestation, Attestation]
        [pallet_mandate, Mandate]
        [pallet_nft, NFT]
        [pallet_rent, Rent]
        [pallet_tee, TEE]
        [pallet_validator_set, ValidatorSet]
    );
}

#[cfg(test)]
mod tests;

pub use apis::{api, RuntimeApi};

/// Any signature that the chain accepts.
pub type Signature = MultiSignature;
/// An account: its public key, or the hash of one.
pub type AccountId = <<Signature as Verify>::Signer as IdentifyAccount>::AccountId;
/// An amount, in units of 10⁻¹⁸.
pub type Balance = u128;
/// Number of a block.
pub type BlockNumber = u32;
/// How many transactions an account has sent.
pub type Nonce = u32;
/// A 256-bit hash.
pub type Hash = sp_core::H256;
/// How accounts are written in transactions.
pub type Address = MultiAddress<AccountId, ()>;
/// A block's header.
pub type Header = generic::Header<BlockNumber, BlakeTwo256>;
/// A block.
pub type Block = generic::Block<Header, UncheckedExtrinsic>;

/// One token: 18 decimals.
pub const UNIT: Balance = 1_000_000_000_000_000_000;
/// A thousandth of a token.
pub const MILLIUNIT: Balance = UNIT / 1_000;

/// What every signed transaction carries besides its call. Clients know these extensions; one with
/// content that they do not know would make their transactions invalid.
pub type TxExtension = (
    frame_system::CheckNonZeroSender<Runtime>,
    frame_system::CheckSpecVersion<Runtime>,
    frame_system::CheckTxVersion<Runtime>,
    frame_system::CheckGenesis<Runtime>,
    frame_system::CheckEra<Runtime>,
    frame_system::CheckNonce<Runtime>,
    frame_system::CheckWeight<Runtime>,
    pallet_transaction_payment::ChargeTransactionPayment<Runtime>,
    frame_system::WeightReclaim<Runtime>,
);

/// An extrinsic as it stands in a block.
pub type UncheckedExtrinsic =
    generic::UncheckedExtrinsic<Address, RuntimeCall, Signature, TxExtension>;

/// Executes blocks.
pub type Executive = frame_executive::Executive<
    Runtime,
    Block,
    frame_system::ChainContext<Runtime>,
    Runtime,
    AllPalletsWithSystem,
>;

/// Types for those who do not know the runtime's call: the node.
pub mod opaque {
    use super::*;

    pub use sp_runtime::OpaqueExtrinsic as UncheckedExtrinsic;

    /// A block's header.
    pub type Header = super::Header;
    /// A block whose extrinsics are bytes.
    pub type Block = generic::Block<Header, UncheckedExtrinsic>;
    /// Identifies a block.
    pub type BlockId = generic::BlockId<Block>;

    impl_opaque_keys! {
        /// The keys of a validator.
        pub struct SessionKeys {
            /// Authors blocks.
            pub aura: crate::Aura,
            /// Finalizes blocks.
            pub grandpa: crate::Grandpa,
        }
    }
}

/// The version of this runtime.
#[cfg(not(feature = "next-version"))]
#[sp_version::runtime_version]
pub const VERSION: RuntimeVersion = RuntimeVersion {
    spec_name: Cow::Borrowed("tee-chain"),
    impl_name: Cow::Borrowed("tee-chain"),
    authoring_version: 1,
    spec_version: 1,
    impl_version: 1,
    apis: apis::RUNTIME_API_VERSIONS,
    transaction_version: 1,
    system_version: 1,
};

/// The version after this runtime's.
#[cfg(feature = "next-version")]
#[sp_version::runtime_version]
pub const VERSION: RuntimeVersion = RuntimeVersion {
    spec_name: Cow::Borrowed("tee-chain"),
    impl_name: Cow::Borrowed("tee-chain"),
    authoring_version: 1,
    spec_version: 2,
    impl_version: 1,
    apis: apis::RUNTIME_API_VERSIONS,
    transaction_version: 1,
    system_version: 1,
};

#[frame_support::runtime]
mod runtime {
    #[runtime::runtime]
    #[runtime::derive(
        RuntimeCall,
        RuntimeEvent,
        RuntimeError,
        RuntimeOrigin,
        RuntimeFreezeReason,
        RuntimeHoldReason,
        RuntimeSlashReason,
        RuntimeLockId,
        RuntimeTask,
        RuntimeViewFunction
    )]
    pub struct Runtime;

    // The order is that of the blocks' hooks and of genesis: a block's author is looked up before
    // its session may end, and a session needs accounts and validators to begin with. The indices
    // from 17 on are Ternoa's.

    #[runtime::pallet_index(0)]
    pub type System = frame_system::Pallet<Runtime>;

    #[runtime::pallet_index(1)]
    pub type Timing = crate::timing::Pallet<Runtime>;

    #[runtime::pallet_index(2)]
    pub type Timestamp = pallet_timestamp::Pallet<Runtime>;

    #[runtime::pallet_index(3)]
    pub type Aura = pallet_aura::Pallet<Runtime>;

    #[runtime::pallet_index(4)]
    pub type Authorship = pallet_authorship::Pallet<Runtime>;

    #[runtime::pallet_index(5)]
    pub type Balances = pallet_balances::Pallet<Runtime>;

    #[runtime::pallet_index(6)]
    pub type TransactionPayment = pallet_transaction_payment::Pallet<Runtime>;

    #[runtime::pallet_index(7)]
    pub type ValidatorSet = pallet_validator_set::Pallet<Runtime>;

    #[runtime::pallet_index(8)]
    pub type Session = pallet_session::Pallet<Runtime>;

    #[runtime::pallet_index(9)]
    pub type Grandpa = pallet_grandpa::Pallet<Runtime>;

    #[runtime::pallet_index(17)]
    pub type TechnicalCommittee = pallet_collective::Pallet<Runtime, Instance1>;

    #[runtime::pallet_index(19)]
    pub type Mandate = pallet_mandate::Pallet<Runtime>;

    #[runtime::pallet_index(21)]
    pub type Utility = pallet_utility::Pallet<Runtime>;

    #[runtime::pallet_index(29)]
    pub type NFT = pallet_nft::Pallet<Runtime>;

    #[runtime::pallet_index(33)]
    pub type Rent = pallet_rent::Pallet<Runtime>;

    #[runtime::pallet_index(34)]
    pub type TEE = pallet_tee::Pallet<Runtime>;

    #[runtime::pallet_index(35)]
    pub type Attestation = pallet_attestation::Pallet<Runtime>;
}
