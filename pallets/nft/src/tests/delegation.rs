// SPDX-License-Identifier: Apache-2.0
//! Delegation: given, passed on, ended.

use frame_support::{assert_noop, assert_ok};

use crate::{mock::*, *};

const CAROL: u64 = 4;

#[test]
fn a_delegation_holds_until_it_is_passed_on_or_ended() {
    run(|| {
        let nft_id = create();
        events();
        let delegate = |recipient| NFT::delegate_nft(signed(ALICE), nft_id, recipient);
        for recipient in [Some(BOB), Some(CAROL)] {
            assert_ok!(delegate(recipient));
            assert_eq!(DelegatedNFTs::<Test>::get(nft_id), recipient);
            assert!(nft(nft_id).state.is_delegated);
            assert_eq!(events(), [Event::NFTDelegated { nft_id, recipient }]);
        }
        assert_ok!(delegate(None));
        assert_eq!(DelegatedNFTs::<Test>::get(nft_id), None);
        assert!(!nft(nft_id).state.is_delegated);
        assert_eq!(events(), [Event::NFTDelegated { nft_id, recipient: None }]);
    });
}

#[test]
fn delegating_to_oneself_ends_the_delegation() {
    run(|| {
        let nft_id = create();
        assert_ok!(NFT::delegate_nft(signed(ALICE), nft_id, Some(BOB)));
        events();
        assert_ok!(NFT::delegate_nft(signed(ALICE), nft_id, Some(ALICE)));
        assert!(!nft(nft_id).state.is_delegated);
        assert_eq!(events(), [Event::NFTDelegated { nft_id, recipient: None }]);
    });
}

#[test]
fn a_delegatee_cannot_pass_the_nft_on() {
    run(|| {
        let id = create();
        assert_ok!(NFT::delegate_nft(signed(ALICE), id, Some(BOB)));
        assert_noop!(
            NFT::delegate_nft(signed(BOB), id, Some(CAROL)),
            Error::<Test>::NotTheNFTOwner
        );
        assert_noop!(NFT::delegate_nft(signed(BOB), id, None), Error::<Test>::NotTheNFTOwner);
    });
}

#[test]
fn a_delegated_nft_is_not_changed_under_its_viewers_eyes() {
    run(|| {
        let id = create_synced_capsule();
        assert_ok!(NFT::delegate_nft(signed(ALICE), id, Some(BOB)));
        assert_noop!(
            NFT::set_capsule_offchaindata(signed(ALICE), id, data(b"other")),
            Error::<Test>::CannotSetOffchainDataForDelegatedNFTs
        );
        assert_noop!(
            NFT::notify_enclave_key_update(signed(ALICE), id),
            Error::<Test>::CannotChangeKeyForDelegatedNFTs
        );
        assert_noop!(
            NFT::transfer_nft(signed(ALICE), id, CAROL),
            Error::<Test>::CannotTransferDelegatedNFTs
        );
        assert_noop!(NFT::burn_nft(signed(ALICE), id), Error::<Test>::CannotBurnDelegatedNFTs);
        assert_ok!(NFT::delegate_nft(signed(ALICE), id, None));
        assert_ok!(NFT::set_capsule_offchaindata(signed(ALICE), id, data(b"other")));
    });
}

#[test]
fn every_state_that_forbids_delegation_does() {
    run(|| {
        let id = create();
        let rules: [Rule; 5] = [
            (|state| state.is_listed = true, Error::<Test>::CannotDelegateListedNFTs),
            (|state| state.is_rented = true, Error::<Test>::CannotDelegateRentedNFTs),
            (
                |state| state.is_syncing_secret = true,
                Error::<Test>::CannotDelegateNotSyncedSecretNFTs,
            ),
            (
                |state| state.is_syncing_capsule = true,
                Error::<Test>::CannotDelegateNotSyncedCapsules,
            ),
            (|state| state.is_transmission = true, Error::<Test>::CannotDelegateNFTsInTransmission),
        ];
        break_each(id, rules, |error| {
            assert_noop!(NFT::delegate_nft(signed(ALICE), id, Some(BOB)), error);
        });
    });
}
