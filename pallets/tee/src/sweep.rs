// SPDX-License-Identifier: Apache-2.0
//! Removes confirmations that can no longer matter: those of versions that were synced, and of
//! versions that were given up.
//!
//! Everything is looked up before anything is removed. To find the next key, the state walks over
//! every key that the block has removed, so that removing in between would cost the square of it.
//! For the same reason no call removes confirmations: the one that completes a cluster is not
//! stored, and the others are left to the sweep.

use alloc::vec::Vec;

use frame_support::weights::{Weight, WeightMeter};
use tee_primitives::cluster::ClusterId;

use crate::{
    Config, Confirmations, KeyshareVersion, Pallet, SweepQueue, SweptCount, SyncCount, SyncLog,
    WeightInfo,
};

/// Most values that one block removes, of confirmations and of the queue together. They are kept in
/// memory.
pub(crate) const MAX_REMOVED: usize = 2_000;

/// What one block removes.
pub(crate) struct Found {
    /// Confirmations of a version by the enclaves of a cluster.
    pub(crate) confirmations: Vec<(KeyshareVersion, ClusterId)>,
    /// Versions in the queue of which nothing is left.
    pub(crate) given_up: Vec<KeyshareVersion>,
    /// How far the log of syncs is swept.
    pub(crate) swept: u64,
}

impl Found {
    fn is_full(&self) -> bool {
        self.confirmations.len().saturating_add(self.given_up.len()) >= MAX_REMOVED
    }
}

impl<T: Config> Pallet<T> {
    /// Removes as many confirmations as `limit` pays for, and tells what it used. The next call
    /// goes on where this one stopped: a version is done only with its last confirmation.
    ///
    /// Each step is paid before it is made, its removal with it.
    pub(crate) fn sweep(limit: Weight) -> Weight {
        let mut meter = WeightMeter::with_limit(limit);
        if meter.try_consume(T::WeightInfo::sweep_begin()).is_ok() {
            Self::remove_found(Self::find(&mut meter));
        }
        meter.consumed()
    }

    fn find(meter: &mut WeightMeter) -> Found {
        let mut found = Found {
            confirmations: Vec::new(),
            given_up: Vec::new(),
            swept: SweptCount::<T>::get(),
        };
        let count = SyncCount::<T>::get();
        while found.swept < count
            && !found.is_full()
            && meter.try_consume(T::WeightInfo::sweep_version()).is_ok()
        {
            let entry = SyncLog::<T>::get(found.swept);
            let version = entry.map(|entry| (entry.nft_id, entry.kind, entry.version));
            if !version.is_none_or(|version| Self::find_of(version, meter, &mut found)) {
                return found;
            }
            found.swept = found.swept.saturating_add(1);
        }
        let mut queue = SweepQueue::<T>::iter_keys();
        while !found.is_full() && meter.try_consume(T::WeightInfo::sweep_version()).is_ok() {
            let Some(version) = queue.next() else { break };
            if !Self::find_of(version, meter, &mut found) {
                break;
            }
            found.given_up.push(version);
        }
        found
    }

    /// Looks up the confirmations of a version. Tells whether these are all.
    pub(crate) fn find_of(
        version: KeyshareVersion,
        meter: &mut WeightMeter,
        found: &mut Found,
    ) -> bool {
        let mut clusters = Confirmations::<T>::iter_key_prefix(version);
        while !found.is_full() && meter.try_consume(T::WeightInfo::sweep_confirmation()).is_ok() {
            let Some(cluster_id) = clusters.next() else { return true };
            found.confirmations.push((version, cluster_id));
        }
        false
    }

    /// Removes what was found.
    pub(crate) fn remove_found(found: Found) {
        for (version, cluster_id) in found.confirmations {
            Confirmations::<T>::remove(version, cluster_id);
        }
        for version in found.given_up {
            SweepQueue::<T>::remove(version);
        }
        if SweptCount::<T>::get() != found.swept {
            SweptCount::<T>::put(found.swept);
        }
    }
}
