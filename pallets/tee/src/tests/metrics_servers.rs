// SPDX-License-Identifier: Apache-2.0
//! The registry of metrics servers.

use frame_support::{assert_noop, assert_ok};
use tee_primitives::cluster::ClusterType;

use crate::{mock::*, *};

fn server(account: u64) -> MetricsServerOf<Test> {
    MetricsServer { metrics_server_address: account, supported_cluster_type: ClusterType::Public }
}

#[test]
fn a_metrics_server_is_registered_changed_and_removed() {
    TestExt::new().execute_with(|| {
        assert_ok!(TEE::register_metrics_server(root(), server(1)));
        assert_ok!(TEE::register_metrics_server(root(), server(2)));
        assert_ok!(TEE::force_update_metrics_server_type(root(), 1, ClusterType::Private));
        let changed = MetricsServer { supported_cluster_type: ClusterType::Private, ..server(1) };
        assert_eq!(MetricsServers::<Test>::get().into_inner(), [changed, server(2)]);
        assert_ok!(TEE::unregister_metrics_server(root(), 1));
        assert_eq!(MetricsServers::<Test>::get().into_inner(), [server(2)]);
        assert_eq!(
            events(),
            [
                Event::MetricsServerAdded { metrics_server: server(1) },
                Event::MetricsServerAdded { metrics_server: server(2) },
                Event::MetricsServerTypeUpdated {
                    metrics_server_address: 1,
                    new_supported_cluster_type: ClusterType::Private
                },
                Event::MetricsServerRemoved { metrics_server_address: 1 },
            ]
        );
    });
}

#[test]
fn a_metrics_server_is_listed_once_and_the_list_is_bounded() {
    TestExt::new().execute_with(|| {
        let limit = u64::from(ListSizeLimit::get());
        for account in 0..limit {
            assert_ok!(TEE::register_metrics_server(root(), server(account)));
        }
        assert_noop!(
            TEE::register_metrics_server(root(), server(limit)),
            Error::<Test>::MetricsServerLimitReached
        );
        let other = MetricsServer { supported_cluster_type: ClusterType::Admin, ..server(0) };
        assert_noop!(
            TEE::register_metrics_server(root(), other),
            Error::<Test>::MetricsServerAlreadyExists
        );
        assert_ok!(TEE::unregister_metrics_server(root(), 0));
        assert_ok!(TEE::register_metrics_server(root(), server(limit)));
    });
}

#[test]
fn an_unknown_metrics_server_is_neither_changed_nor_removed() {
    TestExt::new().execute_with(|| {
        assert_noop!(
            TEE::unregister_metrics_server(root(), 1),
            Error::<Test>::MetricsServerNotFound
        );
        assert_noop!(
            TEE::force_update_metrics_server_type(root(), 1, ClusterType::Public),
            Error::<Test>::MetricsServerNotFound
        );
    });
}
