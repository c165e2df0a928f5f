// SPDX-License-Identifier: Apache-2.0
//! The registry of metrics servers.

use frame_support::{ensure, pallet_prelude::DispatchResult};
use tee_primitives::cluster::ClusterType;

use crate::{Config, Error, Event, MetricsServerOf, MetricsServers, Pallet};

impl<T: Config> Pallet<T> {
    /// Adds a server to the list.
    pub(crate) fn do_register_metrics_server(metrics_server: MetricsServerOf<T>) -> DispatchResult {
        MetricsServers::<T>::try_mutate(|servers| {
            let account = &metrics_server.metrics_server_address;
            ensure!(
                servers.iter().all(|server| server.metrics_server_address != *account),
                Error::<T>::MetricsServerAlreadyExists
            );
            servers
                .try_push(metrics_server.clone())
                .map_err(|_| Error::<T>::MetricsServerLimitReached)
        })?;
        Self::deposit_event(Event::MetricsServerAdded { metrics_server });
        Ok(())
    }

    /// Takes a server off the list.
    pub(crate) fn do_unregister_metrics_server(
        metrics_server_address: T::AccountId,
    ) -> DispatchResult {
        MetricsServers::<T>::try_mutate(|servers| {
            let before = servers.len();
            servers.retain(|server| server.metrics_server_address != metrics_server_address);
            ensure!(servers.len() < before, Error::<T>::MetricsServerNotFound);
            Ok::<_, Error<T>>(())
        })?;
        Self::deposit_event(Event::MetricsServerRemoved { metrics_server_address });
        Ok(())
    }

    /// Changes on which clusters a server reports.
    pub(crate) fn do_update_metrics_server(
        metrics_server_address: T::AccountId,
        new_supported_cluster_type: ClusterType,
    ) -> DispatchResult {
        MetricsServers::<T>::try_mutate(|servers| {
            servers
                .iter_mut()
                .find(|server| server.metrics_server_address == metrics_server_address)
                .map(|server| server.supported_cluster_type = new_supported_cluster_type)
                .ok_or(Error::<T>::MetricsServerNotFound)
        })?;
        Self::deposit_event(Event::MetricsServerTypeUpdated {
            metrics_server_address,
            new_supported_cluster_type,
        });
        Ok(())
    }
}
