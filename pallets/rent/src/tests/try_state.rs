// SPDX-License-Identifier: Apache-2.0
//! The checks of the invariants find damage.

use frame_support::{
    storage::with_transaction,
    traits::fungible::{Mutate, MutateHold},
};
use sp_runtime::{DispatchError, TransactionOutcome};
use tee_primitives::{
    rent::{AcceptanceType, CancellationFee, Duration},
    traits::RentableNfts,
};

use crate::{mock::*, *};

/// An NFT whose contract runs.
const RUNNING: u32 = 20;

/// A change that breaks an invariant, and the sentence that names it.
type Damage = (fn(), &'static str);

fn damage_waiting(change: fn(&mut RentContractOf<Test>)) {
    Contracts::<Test>::mutate_extant(NFT, change);
}

fn damage_running(change: fn(&mut RentContractOf<Test>)) {
    Contracts::<Test>::mutate_extant(RUNNING, change);
}

#[test]
fn try_state_finds_what_is_wrong() {
    let damages: [Damage; 21] = [
        (|| Nfts::end_rental(NFT), "the NFT of a contract is marked as rented"),
        (
            || damage_waiting(|contract| contract.duration = Duration::Fixed(0)),
            "a contract's duration is within its bounds",
        ),
        (
            || damage_waiting(|contract| contract.duration = Duration::Fixed(LONGEST + 1)),
            "a contract's duration is within its bounds",
        ),
        (
            || damage_waiting(|contract| contract.rentee = Some(BOB)),
            "a contract has a rentee from its start on",
        ),
        (
            || damage_running(|contract| contract.start_block = Some(FIRST - 1)),
            "a contract was created, and started afterwards",
        ),
        (
            || damage_waiting(|contract| contract.creation_block = FIRST + 1),
            "a contract was created, and started afterwards",
        ),
        (
            || {
                damage_waiting(|contract| {
                    contract.acceptance_type = AcceptanceType::ManualAcceptance(accounts([]))
                })
            },
            "an acceptance list names others than the renter",
        ),
        (
            || {
                damage_waiting(|contract| {
                    contract.acceptance_type = AcceptanceType::ManualAcceptance(accounts([ALICE]))
                })
            },
            "an acceptance list names others than the renter",
        ),
        (
            || damage_running(|contract| contract.rentee = Some(ALICE)),
            "the terms let the rentee rent",
        ),
        (
            || damage_waiting(|contract| contract.creation_block = FIRST - 1),
            "a contract has its deadline",
        ),
        (
            || Deadlines::<Test>::insert((FIRST + 1).to_be_bytes(), NFT, ()),
            "a contract has no other deadline",
        ),
        (
            || Deadlines::<Test>::insert((FIRST + 1).to_be_bytes(), NFT + 1, ()),
            "a deadline has its contract",
        ),
        (|| Offers::<Test>::swap(NFT, NFT + 1), "an offer is for a contract"),
        (
            || Offers::<Test>::swap(NFT, RUNNING),
            "an offer is for a contract that waits for its renter's choice",
        ),
        (
            || damage_waiting(|contract| contract.acceptance_type = AUTO),
            "an offer is for a contract that waits for its renter's choice",
        ),
        (
            || Offers::<Test>::insert(NFT, AccountListOf::<Test>::default()),
            "no empty list of offers is stored",
        ),
        (|| Offers::<Test>::set(NFT, accounts([BOB, BOB])), "an account offers once"),
        (|| Offers::<Test>::set(NFT, accounts([ALICE])), "the terms let who offers rent"),
        (
            || damage_running(|contract| contract.renter_cancellation_fee = CancellationFee::None),
            "what is held are the cancellation fees of the account's contracts",
        ),
        (
            || {
                let reason = HoldReason::RenteeCancellationFee.into();
                Balances::hold(&reason, &CHARLIE, 1).unwrap();
            },
            "what is held are the cancellation fees of the account's contracts",
        ),
        (
            || {
                damage_running(|contract| contract.rentee = Some(999));
                Balances::set_balance(&BOB, 0);
            },
            "what is held are the cancellation fees of the account's contracts",
        ),
    ];
    for (damage, sentence) in damages {
        run(|| {
            create(Terms { acceptance: MANUAL, ..terms() });
            offer(BOB).unwrap();
            give(RUNNING, ALICE);
            create(Terms { nft_id: RUNNING, ..terms() });
            Rent::rent(signed(BOB), RUNNING, FIRST).unwrap();
            Rent::do_try_state().unwrap();
            let found = with_transaction(|| {
                damage();
                TransactionOutcome::Rollback(Ok::<_, DispatchError>(Rent::do_try_state()))
            });
            assert_eq!(found, Ok(Err(DispatchError::Other(sentence))));
        });
    }
}
