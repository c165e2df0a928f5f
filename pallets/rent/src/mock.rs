// SPDX-License-Identifier: Apache-2.0
//! A runtime with only this pallet, and what tests do in it.

use std::collections::BTreeMap;

use frame_support::{derive_impl, parameter_types, traits::Hooks, weights::Weight};
use sp_runtime::BuildStorage;
use tee_primitives::{
    nft::{NftId, NftState},
    rent::{AcceptanceType, CancellationFee, Duration, RentFee},
    traits::{NotRentable, RentableNfts},
    BlockNumber,
};

use crate::{
    self as pallet_rent, AcceptanceTypeOf, AccountListOf, Contracts, Event, RentContractOf,
};

#[frame_support::runtime]
mod runtime {
    #[runtime::runtime]
    #[runtime::derive(
        RuntimeCall,
        RuntimeEvent,
        RuntimeError,
        RuntimeOrigin,
        RuntimeFreezeReason,
        RuntimeHoldReason,
        RuntimeSlashReason,
        RuntimeLockId,
        RuntimeTask,
        RuntimeViewFunction
    )]
    pub struct Test;

    #[runtime::pallet_index(0)]
    pub type System = frame_system::Pallet<Test>;
    #[runtime::pallet_index(1)]
    pub type Balances = pallet_balances::Pallet<Test>;
    #[runtime::pallet_index(33)]
    pub type Rent = pallet_rent::Pallet<Test>;
}

type Block = frame_system::mocking::MockBlock<Test>;

pub const ALICE: u64 = 1;
pub const BOB: u64 = 2;
pub const CHARLIE: u64 = 3;
pub const DAVE: u64 = 4;
pub const EVE: u64 = 5;
pub const POOR: u64 = 6;
pub const RICH: u64 = 10_000;
/// The existential deposit.
pub const ED: u64 = 10;
/// Alice's NFT.
pub const NFT: NftId = 7;
pub const RENT_FEE: u64 = 100;
pub const RENTER_FEE: u64 = 200;
pub const RENTEE_FEE: u64 = 300;
pub const DURATION: BlockNumber = 10;
pub const AVAILABILITY: BlockNumber = 20;
pub const LONGEST: BlockNumber = 50;
pub const ACTIONS: u32 = 3;
pub const ACCOUNTS: u32 = 3;
/// The block in which tests begin.
pub const FIRST: BlockNumber = 5;

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Test {
    type Block = Block;
    type AccountData = pallet_balances::AccountData<u64>;
}

#[derive_impl(pallet_balances::config_preludes::TestDefaultConfig)]
impl pallet_balances::Config for Test {
    type AccountStore = System;
    type ExistentialDeposit = ExistentialDeposit;
    type RuntimeFreezeReason = RuntimeFreezeReason;
    type FreezeIdentifier = ();
    type MaxFreezes = MaxFreezes;
}

parameter_types! {
    /// The NFTs: their owner and flags.
    pub storage Owned: BTreeMap<NftId, (u64, NftState)> = BTreeMap::new();
    pub storage Availability: BlockNumber = AVAILABILITY;
    pub const ExistentialDeposit: u64 = ED;
    pub const MaxFreezes: u32 = 1;
    pub const AccountSizeLimit: u32 = ACCOUNTS;
    pub const ActionsInBlockLimit: u32 = ACTIONS;
    pub const MaximumContractDurationLimit: BlockNumber = LONGEST;
}

pub struct Nfts;
impl RentableNfts<u64> for Nfts {
    fn begin_rental(nft_id: NftId, owner: &u64) -> Result<(), NotRentable> {
        let mut nfts = Owned::get();
        let (owned_by, state) = nfts.get_mut(&nft_id).ok_or(NotRentable::NotFound)?;
        for (is_so, reason) in [
            (owned_by != owner, NotRentable::NotOwner),
            (state.is_listed, NotRentable::Listed),
            (state.is_delegated, NotRentable::Delegated),
            (state.is_soulbound, NotRentable::Soulbound),
            (state.is_syncing_secret, NotRentable::SyncingSecret),
            (state.is_rented, NotRentable::Rented),
            (state.is_syncing_capsule, NotRentable::SyncingCapsule),
            (state.is_transmission, NotRentable::InTransmission),
        ] {
            if is_so {
                return Err(reason);
            }
        }
        state.is_rented = true;
        Owned::set(&nfts);
        Ok(())
    }

    fn end_rental(nft_id: NftId) {
        with_state(nft_id, |state| state.is_rented = false);
    }

    fn is_rented(nft_id: NftId) -> bool {
        Owned::get().get(&nft_id).is_some_and(|(_, state)| state.is_rented)
    }

    #[cfg(feature = "runtime-benchmarks")]
    fn create_rentable(owner: &u64) -> NftId {
        let nft_id = Owned::get().keys().max().map_or(0, |last| last + 1);
        give(nft_id, *owner);
        nft_id
    }
}

impl pallet_rent::Config for Test {
    type RuntimeHoldReason = RuntimeHoldReason;
    type Currency = Balances;
    type Nfts = Nfts;
    type AccountSizeLimit = AccountSizeLimit;
    type ActionsInBlockLimit = ActionsInBlockLimit;
    type MaximumContractAvailabilityLimit = Availability;
    type MaximumContractDurationLimit = MaximumContractDurationLimit;
    type WeightInfo = ();
}

/// A chain in block [`FIRST`] where Alice to Eve are rich and Alice has an NFT.
pub fn new_test_ext() -> sp_io::TestExternalities {
    let rich = [ALICE, BOB, CHARLIE, DAVE, EVE].map(|who| (who, RICH));
    let genesis = RuntimeGenesisConfig {
        balances: pallet_balances::GenesisConfig {
            balances: rich.into_iter().chain([(POOR, ED)]).collect(),
            ..Default::default()
        },
        ..Default::default()
    };
    let mut externalities = sp_io::TestExternalities::new(genesis.build_storage().unwrap());
    externalities.execute_with(|| {
        System::set_block_number(FIRST.into());
        give(NFT, ALICE);
    });
    externalities
}

/// Runs a test on such a chain, and checks every invariant afterwards.
pub fn run(test: impl FnOnce()) {
    new_test_ext().execute_with(|| {
        test();
        Rent::do_try_state().unwrap();
        for (nft_id, (_, state)) in Owned::get() {
            assert_eq!(
                state.is_rented,
                Contracts::<Test>::contains_key(nft_id),
                "NFT {nft_id} is marked as rented while it has a contract"
            );
        }
    });
}

pub fn signed(who: u64) -> RuntimeOrigin {
    RuntimeOrigin::signed(who)
}

/// Somebody has an NFT.
pub fn give(nft_id: NftId, owner: u64) {
    let mut nfts = Owned::get();
    nfts.insert(nft_id, (owner, NftState::default()));
    Owned::set(&nfts);
}

/// Changes an NFT's flags.
pub fn with_state(nft_id: NftId, change: impl FnOnce(&mut NftState)) {
    let mut nfts = Owned::get();
    change(&mut nfts.get_mut(&nft_id).unwrap().1);
    Owned::set(&nfts);
}

pub fn is_rented(nft_id: NftId) -> bool {
    Owned::get()[&nft_id].1.is_rented
}

pub fn accounts<const N: usize>(who: [u64; N]) -> Option<AccountListOf<Test>> {
    Some(who.to_vec().try_into().unwrap())
}

/// Anyone, first come.
pub const AUTO: AcceptanceTypeOf<Test> = AcceptanceType::AutoAcceptance(None);
/// Anyone, by the renter's choice.
pub const MANUAL: AcceptanceTypeOf<Test> = AcceptanceType::ManualAcceptance(None);

/// The arguments of `create_contract`.
#[derive(Clone)]
pub struct Terms {
    pub nft_id: NftId,
    pub duration: BlockNumber,
    pub acceptance: AcceptanceTypeOf<Test>,
    pub renter_can_revoke: bool,
    pub rent_fee: u64,
    pub renter_fee: CancellationFee<u64>,
    pub rentee_fee: CancellationFee<u64>,
}

/// Alice's NFT for ten blocks, for anyone, with fixed cancellation fees.
pub fn terms() -> Terms {
    Terms {
        nft_id: NFT,
        duration: DURATION,
        acceptance: AUTO,
        renter_can_revoke: true,
        rent_fee: RENT_FEE,
        renter_fee: CancellationFee::FixedTokens(RENTER_FEE),
        rentee_fee: CancellationFee::FixedTokens(RENTEE_FEE),
    }
}

impl Terms {
    pub fn call(self) -> RuntimeCall {
        RuntimeCall::Rent(pallet_rent::Call::create_contract {
            nft_id: self.nft_id,
            duration: Duration::Fixed(self.duration),
            acceptance_type: self.acceptance,
            renter_can_revoke: self.renter_can_revoke,
            rent_fee: RentFee::Tokens(self.rent_fee),
            renter_cancellation_fee: self.renter_fee,
            rentee_cancellation_fee: self.rentee_fee,
        })
    }

    pub fn create(self, who: u64) -> frame_support::dispatch::DispatchResultWithPostInfo {
        Rent::create_contract(
            signed(who),
            self.nft_id,
            Duration::Fixed(self.duration),
            self.acceptance,
            self.renter_can_revoke,
            RentFee::Tokens(self.rent_fee),
            self.renter_fee,
            self.rentee_fee,
        )
    }
}

/// Alice creates a contract.
pub fn create(terms: Terms) {
    terms.create(ALICE).unwrap();
}

/// Bob rents Alice's NFT on the terms of the current contract.
pub fn rent() {
    Rent::rent(signed(BOB), NFT, contract().creation_block).unwrap();
}

/// Somebody offers to rent Alice's NFT.
pub fn offer(who: u64) -> sp_runtime::DispatchResult {
    Rent::make_rent_offer(signed(who), NFT, contract().creation_block)
}

pub fn contract() -> RentContractOf<Test> {
    Contracts::<Test>::get(NFT).unwrap()
}

pub fn now() -> BlockNumber {
    Rent::now()
}

/// Block after block, as a chain does.
pub fn advance(blocks: BlockNumber) {
    System::run_to_block::<AllPalletsWithSystem>((now() + blocks).into());
}

/// A later block whose hooks have not cleared anything away.
pub fn skip(blocks: BlockNumber) {
    System::set_block_number((now() + blocks).into());
}

/// The hook of the current block.
pub fn clear() -> Weight {
    <Rent as Hooks<u64>>::on_initialize(now().into())
}

/// The pallet's events since the last call of this function.
pub fn events() -> Vec<Event<Test>> {
    let events = System::read_events_for_pallet::<Event<Test>>();
    System::reset_events();
    events
}

/// What an account can spend, down to nothing, and what is held in it.
pub fn money(who: u64) -> (u64, u64) {
    (Balances::free_balance(who), Balances::reserved_balance(who))
}
