// SPDX-License-Identifier: Apache-2.0
//! Removes confirmations that can no longer matter.

use frame_support::weights::{Weight, WeightMeter};

use crate::{Config, Confirmations, Pallet, SweepQueue, WeightInfo};

impl<T: Config> Pallet<T> {
    /// Removes as many confirmations of the versions in [`SweepQueue`] as `limit` pays for, and
    /// tells what it used. The next call goes on where this one stopped: a version leaves the
    /// queue only with its last confirmation.
    ///
    /// Each step is paid before it is made. A step moves one iterator forward, so its cost does
    /// not grow with what the block has removed before.
    pub(crate) fn sweep(limit: Weight) -> Weight {
        let mut meter = WeightMeter::with_limit(limit);
        let mut queue = SweepQueue::<T>::iter_keys();
        while meter.try_consume(T::WeightInfo::sweep_version()).is_ok() {
            let Some(version) = queue.next() else { break };
            let mut confirmations = Confirmations::<T>::iter_key_prefix(version).drain();
            loop {
                if meter.try_consume(T::WeightInfo::sweep_confirmation()).is_err() {
                    return meter.consumed();
                }
                if confirmations.next().is_none() {
                    break;
                }
            }
            SweepQueue::<T>::remove(version);
        }
        meter.consumed()
    }
}
