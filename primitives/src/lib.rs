// SPDX-License-Identifier: Apache-2.0
//! What the chain, the enclaves and the wallet share.
//!
//! | module | holds |
//! |---|---|
//! | [`cluster`] | clusters, their slots and the enclaves in them |
//! | [`nft`] | NFTs and their state flags |
//! | [`rent`] | rental contracts |
//! | [`keyshare`] | kinds, versions, splits and commitments of keyshares; what the chain records of them |
//! | [`attestation`] | the payload that an enclave signs about itself |
//! | [`authorisation`] | who may store or retrieve, as pure functions over stored values |
//! | [`packet`] | the messages between a client and an enclave |
//! | [`archive`] | cold backups, and the messages between an operator and its enclave |
//! | [`abi`] | storage keys and call encodings that are compiled into enclaves |
//! | [`traits`] | how the pallets talk to each other |
//!
//! Nothing here reads a clock, a network or storage.
#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

pub mod abi;
pub mod archive;
pub mod attestation;
pub mod authorisation;
pub mod cluster;
pub mod keyshare;
pub mod nft;
pub mod packet;
pub mod rent;
pub mod traits;

/// Number of a block.
pub type BlockNumber = u32;

/// A public key of 32 bytes, as accounts are encoded on chain.
pub type RawAccountId = [u8; 32];

/// A 32-byte hash: of a block, or of a value.
pub type Hash = [u8; 32];
