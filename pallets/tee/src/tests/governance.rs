// SPDX-License-Identifier: Apache-2.0
//! What only governance decides.

use frame_support::assert_noop;
use sp_runtime::traits::{BadOrigin, Dispatchable};
use tee_primitives::cluster::ClusterType;

use crate::{mock::*, *};

#[test]
fn governances_calls_refuse_everybody_else() {
    let metrics_server =
        MetricsServer { metrics_server_address: 5, supported_cluster_type: ClusterType::Public };
    let operator_address = operator(0, 0);
    let calls = [
        Call::assign_enclave { operator_address: ALICE, cluster_id: 1, slot_id: 0 },
        Call::remove_registration { operator_address: ALICE },
        Call::reject_update { operator_address },
        Call::approve_enclave_unregistration { operator_address: operator(0, 1) },
        Call::force_remove_enclave { operator_address },
        Call::approve_update_enclave { operator_address },
        Call::force_update_enclave {
            operator_address,
            new_enclave_address: None,
            new_api_uri: Some(other_uri()),
        },
        Call::create_cluster { cluster_type: ClusterType::Public },
        Call::update_cluster { cluster_id: 0, cluster_type: ClusterType::Disabled },
        Call::remove_cluster { cluster_id: 2 },
        Call::register_metrics_server {
            metrics_server: MetricsServer { metrics_server_address: 6, ..metrics_server },
        },
        Call::unregister_metrics_server { metrics_server_address: 5 },
        Call::force_update_metrics_server_type {
            metrics_server_address: 5,
            new_supported_cluster_type: ClusterType::Private,
        },
        Call::set_staking_amount { staking_amount: 1 },
        Call::forget_platform { platform: platform(enclave(0, 2)) },
        Call::expect_enclave { operator_address: ALICE, enclave_address: ENCLAVE },
    ];
    for call in calls {
        TestExt::new().clusters(1).balance(ALICE, RICH).execute_with(|| {
            register_as(ALICE, ENCLAVE).unwrap();
            create_cluster(ClusterType::Public);
            create_cluster(ClusterType::Public);
            TEE::unregister_enclave(signed(operator(0, 1))).unwrap();
            leave(0, 2);
            name_successor(0, 0, OTHER_ENCLAVE);
            TEE::register_metrics_server(root(), metrics_server.clone()).unwrap();

            let call = RuntimeCall::from(call);
            for by in [ALICE, operator_address, enclave(0, 0)] {
                assert_noop!(call.clone().dispatch(signed(by)), BadOrigin);
            }
            assert_noop!(call.clone().dispatch(RuntimeOrigin::none()), BadOrigin);
            // The refusal is for who asks: governance itself is not refused.
            call.dispatch(root()).unwrap();
        });
    }
}

#[test]
fn the_calls_of_operators_and_enclaves_are_not_governances() {
    let calls = [
        Call::register_enclave { enclave_address: ENCLAVE, api_uri: uri() },
        Call::unregister_enclave {},
        Call::update_enclave { new_enclave_address: ENCLAVE, new_api_uri: uri() },
        Call::cancel_update {},
        Call::withdraw_unbonded {},
        Call::bond_extra {},
        Call::refund_excess {},
        Call::confirm_keyshares { batch: vec![entry(NFT, RED, 1)].try_into().unwrap() },
        Call::complete_update { operator_address: operator(0, 0), cursor: 0 },
    ];
    TestExt::new().clusters(1).execute_with(|| {
        for call in calls {
            assert_noop!(RuntimeCall::from(call).dispatch(root()), BadOrigin);
        }
    });
}
