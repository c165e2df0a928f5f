// SPDX-License-Identifier: Apache-2.0
//! Collections: created, filled, limited, closed, burnt.

use frame_support::{assert_noop, assert_ok};
use sp_runtime::DispatchResult;

use crate::{mock::*, *};

#[test]
fn a_new_collection_is_empty_and_its_id_is_not_zero() {
    run(|| {
        let about = collection_data(b"about");
        assert_ok!(NFT::create_collection(signed(ALICE), about.clone(), Some(2)));
        assert_eq!(
            collection(1),
            Collection {
                owner: ALICE,
                offchain_data: about.clone(),
                nft_count: 0,
                limit: Some(2),
                is_closed: false,
            }
        );
        assert_eq!(
            events(),
            [Event::CollectionCreated {
                collection_id: 1,
                owner: ALICE,
                offchain_data: about,
                limit: Some(2),
            }]
        );
    });
}

#[test]
fn ids_of_collections_are_given_out_in_order_and_never_reused() {
    run(|| {
        assert_eq!((create_collection(None), create_collection(None)), (1, 2));
        assert_ok!(NFT::burn_collection(signed(ALICE), 2));
        assert_eq!(create_collection(None), 3);

        NextCollectionId::<Test>::put(u32::MAX);
        assert_noop!(
            NFT::create_collection(signed(ALICE), collection_data(b""), None),
            Error::<Test>::CollectionIdsExhausted
        );
    });
}

#[test]
fn a_collection_counts_the_nfts_that_enter_and_are_burnt() {
    run(|| {
        let collection_id = create_collection(None);
        assert_ok!(create_in(collection_id));
        let into = Some(collection_id);
        assert_ok!(NFT::create_secret_nft(
            signed(ALICE),
            data(b""),
            data(b""),
            ROYALTY,
            into,
            false
        ));
        assert_ok!(NFT::create_capsule(signed(ALICE), data(b""), data(b""), ROYALTY, into, false));
        let nft_id = create();
        events();
        assert_ok!(NFT::add_nft_to_collection(signed(ALICE), nft_id, collection_id));
        assert_eq!(events(), [Event::NFTAddedToCollection { nft_id, collection_id }]);
        assert_eq!(nft(nft_id).collection_id, into);
        assert_eq!(collection(collection_id).nft_count, 4);

        // Whoever owns the NFT by then.
        assert_ok!(NFT::transfer_nft(signed(ALICE), nft_id, BOB));
        assert_ok!(NFT::burn_nft(signed(BOB), nft_id));
        assert_eq!(collection(collection_id).nft_count, 3);
    });
}

#[test]
fn only_an_existing_collection_of_ones_own_can_be_used() {
    run(|| {
        let id = create_collection(None);
        assert_ok!(NFT::create_nft(signed(BOB), data(b""), ROYALTY, None, false));
        let calls: [fn(RuntimeOrigin, u32) -> DispatchResult; 6] = [
            |who, id| NFT::create_nft(who, data(b""), ROYALTY, Some(id), false),
            |who, id| NFT::add_nft_to_collection(who, 0, id),
            |who, id| NFT::burn_collection(who, id),
            |who, id| NFT::close_collection(who, id),
            |who, id| NFT::limit_collection(who, id, 3),
            |who, id| NFT::set_collection_offchaindata(who, id, collection_data(b"")),
        ];
        for call in calls {
            assert_noop!(call(signed(BOB), id), Error::<Test>::NotTheCollectionOwner);
            assert_noop!(call(signed(BOB), id + 1), Error::<Test>::CollectionNotFound);
            assert_noop!(call(signed(BOB), 0), Error::<Test>::CollectionNotFound);
        }
    });
}

#[test]
fn an_nft_belongs_to_one_collection_at_most() {
    run(|| {
        let (first, second) = (create_collection(None), create_collection(None));
        assert_ok!(create_in(first));
        for collection_id in [first, second] {
            assert_noop!(
                NFT::add_nft_to_collection(signed(ALICE), 0, collection_id),
                Error::<Test>::NFTBelongsToACollection
            );
        }
    });
}

#[test]
fn a_collection_takes_as_many_nfts_as_its_limit_allows() {
    run(|| {
        for (limit, places) in [(Some(2), 2), (None, SIZE_LIMIT)] {
            let id = create_collection(limit);
            for _ in 0..places {
                assert_ok!(create_in(id));
            }
            assert_noop!(create_in(id), Error::<Test>::CollectionHasReachedLimit);
            let other = create();
            assert_noop!(
                NFT::add_nft_to_collection(signed(ALICE), other, id),
                Error::<Test>::CollectionHasReachedLimit
            );
            // A burnt NFT makes room for another.
            assert_ok!(NFT::burn_nft(signed(ALICE), other - 1));
            assert_ok!(NFT::add_nft_to_collection(signed(ALICE), other, id));
        }
    });
}

#[test]
fn a_limit_is_between_one_or_what_is_there_and_the_largest() {
    run(|| {
        let create =
            |limit| NFT::create_collection(signed(ALICE), collection_data(b""), Some(limit));
        assert_noop!(create(SIZE_LIMIT + 1), Error::<Test>::CollectionLimitExceededMaximumAllowed);
        assert_noop!(create(0), Error::<Test>::CollectionLimitIsTooLow);
        assert_ok!(create(1));
        assert_ok!(create(SIZE_LIMIT));

        let id = create_collection(None);
        let limit = |limit| NFT::limit_collection(signed(ALICE), id, limit);
        assert_noop!(limit(0), Error::<Test>::CollectionLimitIsTooLow);
        assert_ok!(create_in(id));
        assert_ok!(create_in(id));
        assert_noop!(limit(SIZE_LIMIT + 1), Error::<Test>::CollectionLimitExceededMaximumAllowed);
        assert_noop!(limit(1), Error::<Test>::CollectionLimitIsTooLow);
        assert_ok!(limit(2));
        assert_noop!(create_in(id), Error::<Test>::CollectionHasReachedLimit);
    });
}

#[test]
fn a_limit_is_set_once() {
    run(|| {
        let collection_id = create_collection(None);
        events();
        assert_ok!(NFT::limit_collection(signed(ALICE), collection_id, 3));
        assert_eq!(collection(collection_id).limit, Some(3));
        assert_eq!(events(), [Event::CollectionLimited { collection_id, limit: 3 }]);
        for id in [collection_id, create_collection(Some(1))] {
            assert_noop!(
                NFT::limit_collection(signed(ALICE), id, 4),
                Error::<Test>::CollectionLimitAlreadySet
            );
        }
    });
}

#[test]
fn a_closed_collection_does_not_change_any_more() {
    run(|| {
        let collection_id = create_collection(None);
        assert_ok!(create_in(collection_id));
        let other = create();
        events();
        assert_ok!(NFT::close_collection(signed(ALICE), collection_id));
        assert!(collection(collection_id).is_closed);
        assert_eq!(events(), [Event::CollectionClosed { collection_id }]);

        let alice = || signed(ALICE);
        let calls: [&dyn Fn() -> DispatchResult; 5] = [
            &|| create_in(collection_id),
            &|| NFT::add_nft_to_collection(alice(), other, collection_id),
            &|| NFT::close_collection(alice(), collection_id),
            &|| NFT::limit_collection(alice(), collection_id, 2),
            &|| NFT::set_collection_offchaindata(alice(), collection_id, collection_data(b"")),
        ];
        for call in calls {
            assert_noop!(call(), Error::<Test>::CollectionIsClosed);
        }

        // Its NFTs are still their owner's.
        assert_ok!(NFT::burn_nft(alice(), 0));
        assert_ok!(NFT::burn_collection(alice(), collection_id));
    });
}

#[test]
fn only_an_empty_collection_is_burnt() {
    run(|| {
        let collection_id = create_collection(None);
        assert_ok!(create_in(collection_id));
        assert_noop!(
            NFT::burn_collection(signed(ALICE), collection_id),
            Error::<Test>::CollectionIsNotEmpty
        );
        assert_ok!(NFT::burn_nft(signed(ALICE), 0));
        events();
        assert_ok!(NFT::burn_collection(signed(ALICE), collection_id));
        assert_eq!(Collections::<Test>::get(collection_id), None);
        assert_eq!(events(), [Event::CollectionBurned { collection_id }]);
    });
}

#[test]
fn an_open_collections_metadata_can_be_changed() {
    run(|| {
        let collection_id = create_collection(Some(3));
        let before = collection(collection_id);
        let offchain_data = collection_data(b"other");
        events();
        assert_ok!(NFT::set_collection_offchaindata(
            signed(ALICE),
            collection_id,
            offchain_data.clone()
        ));
        assert_eq!(
            collection(collection_id),
            Collection { offchain_data: offchain_data.clone(), ..before }
        );
        assert_eq!(events(), [Event::CollectionOffchainDataSet { collection_id, offchain_data }]);
    });
}
