// SPDX-License-Identifier: Apache-2.0
//! Removes confirmations that can no longer matter: those of other clusters after a sync, and those
//! of versions that were given up.

use frame_support::weights::{Weight, WeightMeter};

use crate::{
    Config, Confirmations, KeyshareVersion, Pallet, SweepQueue, SweptCount, SyncCount, SyncLog,
    WeightInfo,
};

impl<T: Config> Pallet<T> {
    /// Removes as many confirmations as `limit` pays for, and tells what it used. The next call
    /// goes on where this one stopped: a version is done only with its last confirmation.
    ///
    /// Each step is paid before it is made. A step moves one iterator forward, so its cost does
    /// not grow with what the block has removed before.
    pub(crate) fn sweep(limit: Weight) -> Weight {
        let mut meter = WeightMeter::with_limit(limit);
        Self::sweep_synced(&mut meter);
        Self::sweep_given_up(&mut meter);
        meter.consumed()
    }

    /// Follows the log of syncs.
    pub(crate) fn sweep_synced(meter: &mut WeightMeter) {
        if meter.try_consume(T::WeightInfo::sweep_begin()).is_err() {
            return;
        }
        let (before, count) = (SweptCount::<T>::get(), SyncCount::<T>::get());
        let mut swept = before;
        while swept < count && meter.try_consume(T::WeightInfo::sweep_version()).is_ok() {
            let done = SyncLog::<T>::get(swept).is_none_or(|entry| {
                Self::sweep_version((entry.nft_id, entry.kind, entry.version), meter)
            });
            if !done {
                break;
            }
            swept = swept.saturating_add(1);
        }
        if swept > before {
            SweptCount::<T>::put(swept);
        }
    }

    /// Empties the queue of versions that were given up.
    pub(crate) fn sweep_given_up(meter: &mut WeightMeter) {
        let mut queue = SweepQueue::<T>::iter_keys();
        while meter.try_consume(T::WeightInfo::sweep_version()).is_ok() {
            let Some(version) = queue.next() else { return };
            if !Self::sweep_version(version, meter) {
                return;
            }
            SweepQueue::<T>::remove(version);
        }
    }

    /// Removes the confirmations of a version. Tells whether none is left.
    pub(crate) fn sweep_version(version: KeyshareVersion, meter: &mut WeightMeter) -> bool {
        let mut confirmations = Confirmations::<T>::iter_key_prefix(version).drain();
        loop {
            if meter.try_consume(T::WeightInfo::sweep_confirmation()).is_err() {
                return false;
            }
            if confirmations.next().is_none() {
                return true;
            }
        }
    }
}
