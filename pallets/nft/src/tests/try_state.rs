// SPDX-License-Identifier: Apache-2.0
//! The checks of the invariants find damage.

use frame_support::storage::with_transaction;
use sp_runtime::{DispatchError, TransactionOutcome};
use tee_primitives::traits::KeyshareRegistry;

use crate::{mock::*, *};

/// A change that breaks an invariant, and the sentence that names it.
type Damage = (fn(), &'static str);

#[test]
fn try_state_finds_what_is_wrong() {
    let damages: [Damage; 5] = [
        (|| NextNFTId::<Test>::put(0), "an NFT's id was given out"),
        (
            || SecretNftsOffchainData::<Test>::remove(0),
            "an NFT with a secret tells where its content is, and no other does",
        ),
        (
            || Nfts::<Test>::mutate_extant(0, |nft| nft.state.is_syncing_secret = false),
            "an NFT is syncing while a version of its keyshares is pending",
        ),
        (
            || {
                OneVersion::remove(0, SECRET);
                Nfts::<Test>::mutate_extant(0, |nft| nft.state.is_syncing_secret = false);
            },
            "an NFT has keyshares of the content that it carries, and of no other",
        ),
        (|| Nfts::<Test>::remove(0), "a secret belongs to an NFT"),
    ];
    for (damage, sentence) in damages {
        run(|| {
            create_secret();
            NFT::do_try_state().unwrap();
            let found = with_transaction(|| {
                damage();
                TransactionOutcome::Rollback(Ok::<_, DispatchError>(NFT::do_try_state()))
            });
            assert_eq!(found, Ok(Err(DispatchError::Other(sentence))));
        });
    }
}
