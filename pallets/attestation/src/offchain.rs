// SPDX-License-Identifier: Apache-2.0
//! The off-chain worker: keeps collateral and attestations fresh, so that nobody has to act.
//!
//! | module | holds |
//! |---|---|
//! | [`settings`] | what the node's operator has configured |
//! | [`url`] | which addresses may be asked |
//! | [`http`] | one bounded request |
//! | [`pccs`] | collateral from a caching service |
//! | [`renewal`] | attestations from enclaves |
//! | [`sender`] | transactions, one batch at a time |
//!
//! It is trusted with nothing: what it submits proves itself, and anybody could submit it. It works
//! on nodes that have a key of type `tee_` in their keystore, whose account pays the fees up front.
//! What it brings in time costs nothing.
//!
//! Each node acts at its own moment, once between a half and three quarters of the time of what is
//! to be replaced have passed, so that one node's work usually is done before the next one looks.

use frame_system::pallet_prelude::BlockNumberFor;
use sp_core::crypto::KeyTypeId;
use sp_runtime::{
    offchain::{
        storage_lock::{StorageLock, Time},
        Duration,
    },
    traits::SaturatedConversion,
};

use crate::{Config, Pallet};

pub mod http;
pub mod pccs;
pub mod renewal;
pub mod sender;
pub mod settings;
pub mod url;

use sender::Sender;

/// Type of the keys that sign what the worker submits.
pub const KEY_TYPE: KeyTypeId = KeyTypeId(*b"tee_");

/// Target of the worker's log messages.
pub(crate) const LOG: &str = "tee-worker";

/// Held while a worker runs: the next block's worker leaves the work to it.
const LOCK: &[u8] = b"tee::worker_lock";

/// After so long a lock is taken for that of a worker that was interrupted.
const LOCK_LIMIT_MS: u64 = 120_000;

/// After so long a worker begins nothing new. What it has begun ends well before its lock does.
const RUN_LIMIT_MS: u64 = 40_000;

/// Keys of the worker, as an application sees them.
pub mod key {
    mod app {
        use sp_runtime::app_crypto::{app_crypto, sr25519};
        app_crypto!(sr25519, super::super::KEY_TYPE);
    }

    /// The public part.
    pub type AuthorityId = app::Public;

    /// Signs transactions with keys of type [`KEY_TYPE`](super::KEY_TYPE).
    pub struct Crypto;

    impl frame_system::offchain::AppCrypto<sp_runtime::MultiSigner, sp_runtime::MultiSignature>
        for Crypto
    {
        type RuntimeAppPublic = AuthorityId;
        type GenericPublic = sp_core::sr25519::Public;
        type GenericSignature = sp_core::sr25519::Signature;
    }
}

impl<T: Config> Pallet<T> {
    /// Looks for what will be needed soon, and brings it.
    pub(crate) fn work_offchain(block: BlockNumberFor<T>) {
        let limit = Duration::from_millis(LOCK_LIMIT_MS);
        let mut lock = StorageLock::<Time>::with_deadline(LOCK, limit);
        let Ok(_guard) = lock.try_lock() else { return };
        let deadline = sp_io::offchain::timestamp().add(Duration::from_millis(RUN_LIMIT_MS));
        let Some(mut sender) = Sender::<T>::find(block.saturated_into(), deadline) else { return };
        let settings = settings::read();
        pccs::refresh::<T>(&mut sender, &settings);
        renewal::renew::<T>(&mut sender, &settings);
        sender.finish();
    }
}

/// Whether it is this worker's moment to replace something that lives `life` seconds and has `left`
/// of them. `seed` differs from node to node and from thing to thing.
pub(crate) fn is_moment(life: u64, left: u64, seed: u8) -> bool {
    // Between a quarter and a half of its time is left.
    let threshold = life / 4 + (life / 4).saturating_mul(u64::from(seed)) / 255;
    left < threshold.max(1)
}

#[cfg(test)]
mod tests {
    use super::is_moment;

    #[test]
    fn each_seed_acts_between_a_half_and_three_quarters_of_the_time() {
        for seed in 0..=255 {
            assert!(!is_moment(100, 50, seed));
            assert!(is_moment(100, 24, seed));
        }
        assert!(is_moment(100, 30, 255) && !is_moment(100, 30, 0));
        assert!(is_moment(100, 0, 0) && is_moment(0, 0, 0));
        assert!(!is_moment(u64::MAX, u64::MAX, 255));
    }
}
