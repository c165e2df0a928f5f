// SPDX-License-Identifier: Apache-2.0
//! Syncs that do not come to their end, and the ways out.

use frame_support::{assert_noop, assert_ok};
use tee_primitives::traits::OnKeyshareSynced;

use crate::{mock::*, *};

#[test]
fn a_restarted_sync_goes_on_with_the_next_version() {
    run(|| {
        for (nft_id, kind) in [(create_secret(), SECRET), (create_capsule(), CAPSULE)] {
            events();
            assert_ok!(NFT::restart_sync(signed(ALICE), nft_id, kind));
            assert_eq!(versions(nft_id, kind), (None, Some(2)));
            assert_eq!(events(), [Event::KeyshareSyncRestarted { nft_id, kind }]);
            // As often as it takes.
            assert_ok!(NFT::restart_sync(signed(ALICE), nft_id, kind));
            sync(nft_id, kind);
            assert_eq!(versions(nft_id, kind), (Some(3), None));
        }
    });
}

#[test]
fn a_restarted_key_update_keeps_the_synced_version() {
    run(|| {
        let id = create_synced_capsule();
        assert_ok!(NFT::notify_enclave_key_update(signed(ALICE), id));
        assert_ok!(NFT::restart_sync(signed(ALICE), id, CAPSULE));
        assert_eq!(versions(id, CAPSULE), (Some(1), Some(3)));
        assert!(nft(id).state.is_syncing_capsule);
    });
}

#[test]
fn f61_a_key_update_can_be_cancelled_and_the_synced_version_stays() {
    run(|| {
        let nft_id = create_synced_capsule();
        let before = nft(nft_id);
        assert_ok!(NFT::notify_enclave_key_update(signed(ALICE), nft_id));
        assert_eq!(versions(nft_id, CAPSULE), (Some(1), Some(2)));
        assert_noop!(
            NFT::transfer_nft(signed(ALICE), nft_id, BOB),
            Error::<Test>::CannotTransferNotSyncedCapsules
        );
        events();
        assert_ok!(NFT::cancel_sync(signed(ALICE), nft_id, CAPSULE));
        // Nothing was synced, so nothing says so.
        assert_eq!(events(), [Event::KeyshareSyncCancelled { nft_id, kind: CAPSULE }]);
        assert_eq!(versions(nft_id, CAPSULE), (Some(1), None));
        assert_eq!(nft(nft_id), before);

        // The next update does not reuse the version that was given up.
        assert_ok!(NFT::notify_enclave_key_update(signed(ALICE), nft_id));
        assert_eq!(versions(nft_id, CAPSULE), (Some(1), Some(3)));
        assert_ok!(NFT::cancel_sync(signed(ALICE), nft_id, CAPSULE));
        assert_ok!(NFT::transfer_nft(signed(ALICE), nft_id, BOB));
    });
}

#[test]
fn nothing_is_cancelled_before_there_is_something_to_go_back_to() {
    run(|| {
        for (id, kind) in [(create_secret(), SECRET), (create_capsule(), CAPSULE)] {
            assert_noop!(
                NFT::cancel_sync(signed(ALICE), id, kind),
                Error::<Test>::NothingSyncedYet
            );
        }
    });
}

#[test]
fn what_is_not_syncing_is_neither_restarted_nor_cancelled() {
    run(|| {
        let (plain, capsule) = (create(), create_synced_capsule());
        for (id, kind) in [(plain, SECRET), (capsule, SECRET), (capsule, CAPSULE)] {
            assert_noop!(NFT::restart_sync(signed(ALICE), id, kind), Error::<Test>::NotSyncing);
            assert_noop!(NFT::cancel_sync(signed(ALICE), id, kind), Error::<Test>::NotSyncing);
        }
    });
}

#[test]
fn a_sync_of_what_is_not_syncing_changes_nothing() {
    run(|| {
        let id = create_secret();
        let before = nft(id);
        events();
        NFT::keyshare_synced(id + 1, SECRET);
        NFT::keyshare_synced(id, CAPSULE);
        assert_eq!(nft(id), before);
        assert_eq!(events(), []);
    });
}

#[test]
fn a_share_without_a_commitment_is_never_confirmed() {
    run(|| {
        let (secret, capsule) = (create_secret(), create_capsule());
        for who in [ALICE, BOB] {
            assert_noop!(
                NFT::add_secret_shard(signed(who), secret),
                Error::<Test>::CommitmentRequired
            );
            assert_noop!(
                NFT::add_capsule_shard(signed(who), capsule),
                Error::<Test>::CommitmentRequired
            );
        }
    });
}
