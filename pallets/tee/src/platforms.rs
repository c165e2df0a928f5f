// SPDX-License-Identifier: Apache-2.0
//! Machines: which may serve which slot.
//!
//! Enclaves with the same slot number in public clusters hold the same shares, and any three slot
//! numbers rebuild a key. So a machine serves one slot number in all public clusters together, and
//! one slot in any cluster. An approved successor counts from its approval: it copies shares.
//!
//! What a machine once held, its owner may have kept, sealed: so it keeps its slot number also when
//! it serves no longer, until governance says otherwise.

use alloc::vec::Vec;

use frame_support::{ensure, pallet_prelude::DispatchResult};
use tee_primitives::{
    attestation::PlatformId,
    cluster::{ClusterId, ClusterType, SlotId},
};

use crate::{
    ClusterOf, Config, DisabledClusters, EnclaveFacts, Error, Event, Migrations, Pallet,
    PlatformSlot, PublicPlatforms,
};

impl<T: Config> Pallet<T> {
    /// What a cluster's machines count as: a disabled cluster is still what it was before.
    pub(crate) fn lasting_type(cluster_id: ClusterId, cluster: &ClusterOf<T>) -> ClusterType {
        match cluster.cluster_type {
            ClusterType::Disabled => {
                DisabledClusters::<T>::get(cluster_id).unwrap_or(ClusterType::Disabled)
            }
            other => other,
        }
    }

    /// Lets a machine serve a slot of a cluster, if it may.
    ///
    /// `replaced` is the operator whose own enclave does not stand in the way, because the machine
    /// takes over from it.
    pub(crate) fn take_platform(
        platform: PlatformId,
        cluster_id: ClusterId,
        cluster: &ClusterOf<T>,
        slot_id: SlotId,
        replaced: Option<&T::AccountId>,
    ) -> Result<(), Error<T>> {
        let others = cluster.enclaves.iter().filter(|(member, _)| Some(member) != replaced);
        for (member, _) in others {
            ensure!(
                !Self::platforms_of(member).contains(&platform),
                Error::<T>::PlatformAlreadyInCluster
            );
        }
        if Self::lasting_type(cluster_id, cluster) == ClusterType::Public {
            Self::take_public_platform(platform, slot_id)?;
        }
        Ok(())
    }

    /// Ends what [`Self::take_platform`] began.
    pub(crate) fn leave_platform(
        platform: PlatformId,
        cluster_id: ClusterId,
        cluster: &ClusterOf<T>,
    ) {
        if Self::lasting_type(cluster_id, cluster) == ClusterType::Public {
            Self::leave_public_platform(platform);
        }
    }

    /// Counts all machines of a cluster as serving in public, if they may.
    pub(crate) fn take_public_cluster(cluster: &ClusterOf<T>) -> Result<(), Error<T>> {
        for (operator, slot_id) in &cluster.enclaves {
            for platform in Self::platforms_of(operator) {
                Self::take_public_platform(platform, *slot_id)?;
            }
        }
        Ok(())
    }

    /// Ends what [`Self::take_public_cluster`] began.
    pub(crate) fn leave_public_cluster(cluster: &ClusterOf<T>) {
        for (operator, _) in &cluster.enclaves {
            for platform in Self::platforms_of(operator) {
                Self::leave_public_platform(platform);
            }
        }
    }

    /// The machines of an operator's enclave and its approved successor.
    pub(crate) fn platforms_of(operator: &T::AccountId) -> Vec<PlatformId> {
        let assigned = EnclaveFacts::<T>::get(operator).map(|facts| facts.platform);
        let successor = Migrations::<T>::get(operator).map(|migration| migration.facts.platform);
        assigned.into_iter().chain(successor).collect()
    }

    fn take_public_platform(platform: PlatformId, slot_id: SlotId) -> Result<(), Error<T>> {
        PublicPlatforms::<T>::try_mutate(platform, |entry| {
            let serving = entry.get_or_insert(PlatformSlot { slot_id, enclaves: 0 });
            ensure!(serving.slot_id == slot_id, Error::<T>::PlatformServesAnotherSlot);
            serving.enclaves = serving.enclaves.saturating_add(1);
            Ok(())
        })
    }

    fn leave_public_platform(platform: PlatformId) {
        PublicPlatforms::<T>::mutate_extant(platform, |serving| {
            serving.enclaves = serving.enclaves.saturating_sub(1);
        });
    }

    /// Frees a machine of the slot number that it has served.
    pub(crate) fn do_forget_platform(platform: PlatformId) -> DispatchResult {
        let served = PublicPlatforms::<T>::get(platform).ok_or(Error::<T>::PlatformNotFound)?;
        ensure!(served.enclaves == 0, Error::<T>::PlatformIsServing);

        PublicPlatforms::<T>::remove(platform);
        Self::deposit_event(Event::PlatformForgotten { platform, slot_id: served.slot_id });
        Ok(())
    }
}
