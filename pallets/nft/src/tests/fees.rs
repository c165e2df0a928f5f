// SPDX-License-Identifier: Apache-2.0
//! Mint fees: set by governance, paid whole or not at all.

use frame_support::{assert_noop, assert_ok};
use sp_runtime::traits::BadOrigin;

use crate::{mock::*, *};

#[test]
fn governance_sets_the_fees_and_owners_pay_them() {
    run(|| {
        let root = RuntimeOrigin::root;
        assert_ok!(NFT::set_nft_mint_fee(root(), 1));
        assert_ok!(NFT::set_secret_nft_mint_fee(root(), 2));
        assert_ok!(NFT::set_capsule_mint_fee(root(), 4));
        assert_eq!(
            events(),
            [
                Event::NFTMintFeeUpdated { fee: 1 },
                Event::SecretNFTMintFeeUpdated { fee: 2 },
                Event::CapsuleMintFeeUpdated { fee: 4 },
            ]
        );
        let mut paid = 0;
        for (mint, fee) in [(create as fn() -> u32, 1), (create_secret, 1 + 2), (create_capsule, 5)]
        {
            mint();
            paid += fee;
            assert_eq!(Balances::free_balance(ALICE), RICH - paid);
            assert_eq!(Balances::free_balance(TREASURY), 1 + paid);
        }
    });
}

#[test]
fn only_governance_sets_fees() {
    run(|| {
        assert_noop!(NFT::set_nft_mint_fee(signed(ALICE), 0), BadOrigin);
        assert_noop!(NFT::set_secret_nft_mint_fee(signed(ALICE), 0), BadOrigin);
        assert_noop!(NFT::set_capsule_mint_fee(signed(ALICE), 0), BadOrigin);
    });
}

#[test]
fn a_fee_never_kills_the_payers_account() {
    run(|| {
        let create = |who| NFT::create_nft(signed(who), data(b""), ROYALTY, None, false);
        assert_noop!(create(POOR), Error::<Test>::InsufficientBalance);
        // All but the existential deposit can be paid.
        NftMintFee::<Test>::put(RICH);
        assert_noop!(create(ALICE), Error::<Test>::InsufficientBalance);
        NftMintFee::<Test>::put(RICH - 1);
        assert_ok!(create(ALICE));
        assert_eq!(Balances::free_balance(ALICE), 1);
    });
}

#[test]
fn without_a_fee_nobody_needs_to_collect_it() {
    run(|| {
        NftMintFee::<Test>::put(0);
        Balances::force_set_balance(RuntimeOrigin::root(), TREASURY, 0).unwrap();
        assert_ok!(NFT::create_nft(signed(POOR), data(b""), ROYALTY, None, false));
    });
}

#[test]
fn who_can_pay_only_for_the_nft_gets_no_half_of_one_with_content() {
    run(|| {
        let collection_id = create_collection(None);
        SecretNftMintFee::<Test>::put(RICH - MINT_FEE);
        CapsuleMintFee::<Test>::put(RICH - MINT_FEE);
        let (who, into) = (|| signed(ALICE), Some(collection_id));
        assert_noop!(
            NFT::create_secret_nft(who(), data(b""), data(b""), ROYALTY, into, false),
            Error::<Test>::InsufficientBalance
        );
        assert_noop!(
            NFT::create_capsule(who(), data(b""), data(b""), ROYALTY, into, false),
            Error::<Test>::InsufficientBalance
        );
        let id = create();
        assert_noop!(NFT::add_secret(who(), id, data(b"")), Error::<Test>::InsufficientBalance);
        assert_noop!(
            NFT::convert_to_capsule(who(), id, data(b"")),
            Error::<Test>::InsufficientBalance
        );
    });
}
