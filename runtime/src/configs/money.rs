// SPDX-License-Identifier: Apache-2.0
//! Balances and transaction fees.

use frame_support::{
    parameter_types,
    traits::{
        fungible::{Balanced, Credit},
        ConstU128, ConstU32, ConstU8, OnUnbalanced, VariantCountOf,
    },
    weights::ConstantMultiplier,
    PalletId,
};
use pallet_transaction_payment::{ConstFeeMultiplier, FungibleAdapter, Multiplier};
use sp_runtime::traits::{AccountIdConversion, One};

use crate::{
    AccountId, Authorship, Balance, Balances, Runtime, RuntimeEvent, RuntimeFreezeReason,
    RuntimeHoldReason, System, MILLIUNIT,
};

/// Fee of a picosecond of computation: a transfer costs about a ten-thousandth of a token.
type FeePerWeight = ConstU128<1_000_000>;

/// Fee of a byte: a full batch of confirmations costs about a hundredth of a token.
type FeePerByte = ConstU128<{ MILLIUNIT / 1_000 }>;

parameter_types! {
    pub const ExistentialDeposit: Balance = MILLIUNIT;
    pub FeeMultiplier: Multiplier = Multiplier::one();
    /// Where minting fees go. Nothing spends from it but a mandate.
    pub TreasuryAccount: AccountId = PalletId(*b"py/trsry").into_account_truncating();
}

impl pallet_balances::Config for Runtime {
    type AccountStore = System;
    type Balance = Balance;
    type DoneSlashHandler = ();
    type DustRemoval = ();
    type ExistentialDeposit = ExistentialDeposit;
    type FreezeIdentifier = RuntimeFreezeReason;
    type MaxFreezes = VariantCountOf<RuntimeFreezeReason>;
    type MaxLocks = ConstU32<50>;
    type MaxReserves = ConstU32<0>;
    type ReserveIdentifier = [u8; 8];
    type RuntimeEvent = RuntimeEvent;
    type RuntimeFreezeReason = RuntimeFreezeReason;
    type RuntimeHoldReason = RuntimeHoldReason;
    type WeightInfo = pallet_balances::weights::SubstrateWeight<Runtime>;
}

/// Gives a transaction's fee and tip to the author of its block; burns them if there is none.
pub struct ToAuthor;
impl OnUnbalanced<Credit<AccountId, Balances>> for ToAuthor {
    fn on_nonzero_unbalanced(fee: Credit<AccountId, Balances>) {
        if let Some(author) = Authorship::author() {
            // An author whose account cannot hold the fee forgoes it: the credit drops and burns.
            let _ = Balances::resolve(&author, fee);
        }
    }
}

impl pallet_transaction_payment::Config for Runtime {
    type FeeMultiplierUpdate = ConstFeeMultiplier<FeeMultiplier>;
    type LengthToFee = ConstantMultiplier<Balance, FeePerByte>;
    type OnChargeTransaction = FungibleAdapter<Balances, ToAuthor>;
    type OperationalFeeMultiplier = ConstU8<5>;
    type RuntimeEvent = RuntimeEvent;
    type WeightInfo = pallet_transaction_payment::weights::SubstrateWeight<Runtime>;
    type WeightToFee = ConstantMultiplier<Balance, FeePerWeight>;
}
