// SPDX-License-Identifier: Apache-2.0
//! What people can ask.

use crate::{mock::*, *};

#[test]
fn an_enclaves_place_can_be_asked_for() {
    TestExt::new().clusters(2).execute_with(|| {
        assert_eq!(TEE::cluster_of(enclave(1, 3)), Some((1, 3)));
        assert_eq!(TEE::cluster_of(operator(1, 3)), None);
    });
}

#[test]
fn the_status_of_keyshares_can_be_asked_for() {
    TestExt::new().clusters(1).execute_with(|| {
        start(NFT);
        assert_eq!(TEE::keyshare_status(NFT, SECRET), Keyshares::<Test>::get(NFT, SECRET));
        assert!(TEE::keyshare_status(NFT, SECRET).pending.is_some());
    });
}
