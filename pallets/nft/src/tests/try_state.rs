// SPDX-License-Identifier: Apache-2.0
//! The checks of the invariants find damage.

use frame_support::storage::with_transaction;
use sp_runtime::{DispatchError, TransactionOutcome};
use tee_primitives::{nft::NftState, traits::KeyshareRegistry};

use crate::{mock::*, *};

/// A change that breaks an invariant, and the sentence that names it.
type Damage = (fn(), &'static str);

// What stands in the storage that is damaged.
const PLAIN: u32 = 0;
const SECRET_NFT: u32 = 1;
const CAPSULE_NFT: u32 = 2;
const DELEGATED: u32 = 3;
const COLLECTION: u32 = 1;

fn build() {
    create_collection(Some(2));
    create_in(COLLECTION).unwrap();
    create_secret();
    create_synced_capsule();
    create();
    NFT::delegate_nft(signed(ALICE), DELEGATED, Some(BOB)).unwrap();
}

fn change_state(nft_id: u32, change: impl FnOnce(&mut NftState)) {
    Nfts::<Test>::mutate_extant(nft_id, |nft| change(&mut nft.state));
}

fn change_collection(change: impl FnOnce(&mut CollectionOf<Test>)) {
    Collections::<Test>::mutate_extant(COLLECTION, change);
}

#[test]
fn try_state_finds_what_is_wrong() {
    let damages: [Damage; 20] = [
        (|| NextNFTId::<Test>::put(DELEGATED), "an NFT's id was given out"),
        (
            || SecretNftsOffchainData::<Test>::remove(SECRET_NFT),
            "an NFT with a secret tells where its content is, and no other does",
        ),
        (
            || CapsuleOffchainData::<Test>::insert(PLAIN, data(b"")),
            "a capsule tells where its content is, and no other NFT does",
        ),
        (
            || DelegatedNFTs::<Test>::remove(DELEGATED),
            "a delegated NFT tells to whom it is, and no other does",
        ),
        (
            || DelegatedNFTs::<Test>::insert(DELEGATED, ALICE),
            "an NFT is delegated to somebody else than its owner",
        ),
        (
            || change_state(DELEGATED, |state| state.is_rented = true),
            "an NFT is not delegated and rented out at once",
        ),
        (
            || change_state(SECRET_NFT, |state| state.is_rented = true),
            "what an NFT shows to others does not change meanwhile",
        ),
        (
            || change_state(SECRET_NFT, |state| state.is_syncing_secret = false),
            "an NFT is syncing while a version of its keyshares is pending",
        ),
        (
            || change_state(CAPSULE_NFT, |state| state.is_syncing_capsule = true),
            "an NFT is syncing while a version of its keyshares is pending",
        ),
        (
            || Versions::remove(CAPSULE_NFT, CAPSULE),
            "an NFT has keyshares of the content that it carries, and of no other",
        ),
        (
            || {
                Versions::start(PLAIN, SECRET);
                change_state(PLAIN, |state| state.is_syncing_secret = true);
                sync(PLAIN, SECRET);
            },
            "an NFT has keyshares of the content that it carries, and of no other",
        ),
        (|| SecretNftsOffchainData::<Test>::insert(9, data(b"")), "a secret belongs to an NFT"),
        (|| CapsuleOffchainData::<Test>::insert(9, data(b"")), "a capsule belongs to an NFT"),
        (|| DelegatedNFTs::<Test>::insert(9, BOB), "a delegation belongs to an NFT"),
        (|| Collections::<Test>::remove(COLLECTION), "the collection of an NFT exists"),
        (|| NextCollectionId::<Test>::put(COLLECTION), "a collection's id was given out"),
        (
            || change_collection(|collection| collection.nft_count = 2),
            "a collection counts the NFTs that name it",
        ),
        (
            || Nfts::<Test>::mutate_extant(DELEGATED, |nft| nft.collection_id = Some(COLLECTION)),
            "a collection counts the NFTs that name it",
        ),
        (
            || change_collection(|collection| collection.limit = Some(SIZE_LIMIT + 1)),
            "a collection's limit is one that can be set",
        ),
        (
            || {
                change_collection(|collection| {
                    collection.limit = Some(1);
                    collection.nft_count = 2;
                });
                Nfts::<Test>::mutate_extant(PLAIN + 1, |nft| nft.collection_id = Some(COLLECTION));
            },
            "a collection has no more NFTs than its limit",
        ),
    ];
    for (damage, sentence) in damages {
        run(|| {
            build();
            NFT::do_try_state().unwrap();
            let found = with_transaction(|| {
                damage();
                TransactionOutcome::Rollback(Ok::<_, DispatchError>(NFT::do_try_state()))
            });
            assert_eq!(found, Ok(Err(DispatchError::Other(sentence))));
        });
    }
}
