// SPDX-License-Identifier: Apache-2.0
//! Client library for secret NFTs: encrypts media, splits the key, stores and retrieves its shares.
//!
//! | module | holds |
//! |---|---|
//! | [`secret`] | the whole path: minting a secret NFT and viewing one |
//! | [`recovery`] | the file that keeps a key until its shares are synced |
//! | [`media`] | sealed media files |
//! | [`split`] | shares of a key |
//! | [`packets`] | signed requests |
//! | [`bound`] | requests for one enclave alone, sealed, with signed answers |
//! | [`enclave`] | client of one enclave |
//! | [`cluster`] | storing to and retrieving from five enclaves |
//! | [`chain`] | client of the chain |
//! | [`archive`] | files of operators' backups |
//!
//! Keys and shares are wiped from memory when dropped and never appear in logs or errors.

pub mod archive;
pub mod bound;
pub mod chain;
pub mod cluster;
pub mod enclave;
pub mod history;
pub mod media;
pub mod packets;
pub mod recovery;
pub mod secret;
pub mod split;
