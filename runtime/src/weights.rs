// SPDX-License-Identifier: Apache-2.0
//! What the calls of our own pallets weigh, as `make weights` measured it.

pub mod pallet_attestation;
pub mod pallet_mandate;
pub mod pallet_nft;
pub mod pallet_rent;
pub mod pallet_tee;
pub mod pallet_validator_set;
