// SPDX-License-Identifier: Apache-2.0
//! Random calls by many accounts, also hostile ones, of which a small model says in advance whether
//! they succeed and what they change.
//!
//! All follows from a seed, which a failure tells. `TEE_SEED` plays another one, `TEE_CALLS` more or
//! fewer calls. Fewer may not reach every call's success and failure, so that is not checked then.

mod compare;
mod dice;
mod generator;
mod model;

use std::{collections::BTreeMap, fmt::Write};

use codec::Encode;
use frame_support::{
    traits::{GetCallMetadata, GetCallName, OnFinalize, OnIdle, OnInitialize},
    weights::Weight,
};
use sp_consensus_aura::AURA_ENGINE_ID;
use sp_io::storage::root as storage_root;
use sp_runtime::{traits::Dispatchable, Digest, DigestItem, StateVersion};

use super::{attested::attest, *};
use generator::{account, is_at_an_end, Generator, OPERATORS, OWNERS, POOR};
use model::{Caller, Fees, Model, Purse, EXISTENTIAL_DEPOSIT};

/// By call: how many succeeded, and how many failed.
type Tally = BTreeMap<(&'static str, &'static str), (u32, u32)>;

const SEED: u64 = 1;
const CALLS: u32 = 20_000;

/// After so many calls all that is stored is compared, and written to the trie.
const ROUND: u32 = 100;

/// At the end the pallets' invariants are checked after every call.
const CHECKED_ONE_BY_ONE: u32 = 500;

/// A number from the environment.
fn setting<Number: std::str::FromStr>(name: &str, default: Number) -> Number {
    match std::env::var(name) {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{name} is a number, not {text:?}")),
        Err(_) => default,
    }
}

/// A game, and what is known of it when it fails.
struct Game {
    seed: u64,
    played: u32,
    last: Option<generator::Play>,
    generator: Generator,
    model: Model,
    tally: Tally,
    /// Whether the current block has run its hooks.
    is_open: bool,
}

impl Drop for Game {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!(
                "TEE_SEED={} call {} in block {}: {:?}",
                self.seed, self.played, self.model.now, self.last
            );
        }
    }
}

impl Game {
    /// Gives everybody funds, and some accounts session keys.
    fn new(seed: u64) -> Self {
        let mut purses: BTreeMap<_, _> = frame_system::Account::<Runtime>::iter()
            .map(|(account, info)| (account, Purse { free: info.data.free, ..Default::default() }))
            .collect();
        let rich = OWNERS.chain(OPERATORS).map(|number| (number, 100_000_000 * UNIT));
        for (number, free) in rich.chain([(POOR, EXISTENTIAL_DEPOSIT + 12 * UNIT)]) {
            let who = account(number);
            assert_ok!(Balances::force_set_balance(
                RuntimeOrigin::root(),
                who.clone().into(),
                free
            ));
            purses.insert(who, Purse { free, ..Default::default() });
        }
        // The treasury does not exist, and takes no less than an account must hold.
        pallet_nft::NftMintFee::<Runtime>::put(EXISTENTIAL_DEPOSIT / 2);
        let keys = pallet_session::NextKeys::<Runtime>::get(Alice.to_account_id()).unwrap();
        let candidates = [Alice, Bob, Charlie, Dave].map(|account| account.to_account_id());
        for candidate in &candidates {
            pallet_session::NextKeys::<Runtime>::insert(candidate, &keys);
        }
        let model = Model {
            now: System::block_number(),
            purses,
            fees: Fees { nft: EXISTENTIAL_DEPOSIT / 2, secret: 50 * UNIT, capsule: 100 * UNIT },
            next_nft: 0,
            nfts: BTreeMap::new(),
            next_collection: 1,
            collections: BTreeMap::new(),
            contracts: BTreeMap::new(),
            keyshares: BTreeMap::new(),
            syncs: Vec::new(),
            next_cluster: 0,
            clusters: BTreeMap::new(),
            operators: BTreeMap::new(),
            public_machines: BTreeMap::new(),
            stake: 250_000 * UNIT,
            metrics_servers: Vec::new(),
            validators: vec![Alice.to_account_id()],
            candidates: candidates.into(),
            mandated: false,
        };
        let generator = Generator::new(seed);
        let tally = Tally::new();
        Self { seed, played: 0, last: None, generator, model, tally, is_open: false }
    }

    /// Ends the block, and begins the next: one later or many, and sometimes one that is too full
    /// for its hooks.
    fn next_block(&mut self) {
        let dice = self.generator.dice();
        let now = self.model.now;
        let later = match dice.below(300) {
            0 => 432_000,
            1..10 => 1 + dice.below(100),
            // Around a block in which something ends.
            10..40 => {
                let soon = self.model.ends().filter(|end| (now..now + 400).contains(end));
                let end = dice.any(soon).unwrap_or(now) + dice.below(3);
                end.saturating_sub(now + 1).max(1)
            }
            _ => 1,
        };
        let is_too_full = dice.one_in(if later > 1 { 2 } else { 6 });
        let idle = match dice.below(4) {
            0 => 0,
            1 => u64::MAX,
            _ => u64::from(dice.below(1_000_000_000)),
        };

        if self.is_open {
            AllPalletsWithSystem::on_idle(now, Weight::from_parts(idle, u64::MAX));
            AllPalletsWithSystem::on_finalize(now);
        }
        self.model.now = now + later;
        self.is_open = !is_too_full;
        self.begin_block();
    }

    fn begin_block(&mut self) {
        let now = self.model.now;
        System::set_block_number(now - 1);
        System::reset_events();
        let slot = DigestItem::PreRuntime(AURA_ENGINE_ID, u64::from(now).encode());
        System::initialize(&now, &Hash::repeat_byte(1), &Digest { logs: vec![slot] });
        if self.is_open {
            AllPalletsWithSystem::on_initialize(now);
            let moment = u64::from(now) * crate::timing::SlotDuration::get();
            assert_ok!(Timestamp::set(RuntimeOrigin::none(), moment));
            self.model.clear_due();
        }
    }

    /// Makes a call of which the model has said what it does.
    fn play(&mut self) {
        // Some rounds have long blocks.
        let is_long = (self.played / ROUND).is_multiple_of(4);
        let calls = match is_long {
            true => 30,
            false if is_at_an_end(&self.model) => 8,
            false => 4,
        };
        if self.generator.dice().one_in(calls) {
            self.next_block();
        }
        let (caller, call) = self.generator.next_play(&self.model);
        self.played += 1;
        self.last = Some((caller.clone(), call.clone()));

        let expected = self.model.play(&caller, &call);
        attest_for(&caller, &call);
        let is_checked = !expected && self.generator.dice().one_in(4);
        let before = is_checked.then(|| storage_root(StateVersion::V1));
        let result = call.clone().dispatch(caller.origin());
        assert_eq!(result.is_ok(), expected, "the call gives {result:?}");
        if let Some(before) = before {
            assert!(storage_root(StateVersion::V1) == before, "a call that fails changes nothing");
        }
        if let (RuntimeCall::Mandate(_), true) = (&call, expected) {
            let event = System::events().pop().map(|record| record.event);
            let Some(RuntimeEvent::Mandate(pallet_mandate::Event::RootOp { result })) = event
            else {
                panic!("a mandate tells the result of its call, not {event:?}");
            };
            assert_eq!(result.is_ok(), self.model.mandated, "the mandated call gives {result:?}");
        }
        self.model.compare_after(&caller, &call);

        let name = call.get_call_metadata();
        let (succeeded, failed) =
            self.tally.entry((name.pallet_name, name.function_name)).or_default();
        *if expected { succeeded } else { failed } += 1;
    }

    /// The versions that nobody needs are gone when a block has had time for it.
    fn check_sweep(&mut self) {
        TEE::on_idle(self.model.now, Weight::MAX);
        let pending = |version: pallet_tee::KeyshareVersion| {
            let (nft_id, kind, version) = version;
            let keyshare = self.model.keyshares.get(&(nft_id, kind));
            keyshare.and_then(|found| found.pending).is_some_and(|of| of.version == version)
        };
        let mut left = pallet_tee::Confirmations::<Runtime>::iter_keys();
        assert!(left.all(|(version, _)| pending(version)), "confirmations are swept");
        assert_eq!(pallet_tee::SweptCount::<Runtime>::get(), self.model.syncs.len() as u64);
        assert_eq!(pallet_tee::SweepQueue::<Runtime>::iter_keys().count(), 0);
    }
}

/// Everybody has attested for whoever asks: these calls are about what follows.
fn attest_for(caller: &Caller, call: &RuntimeCall) {
    use pallet_tee::{Call, EnclaveData, EnclaveRegistrations, EnclaveUpdates, Migrations};

    for (operator, enclave) in EnclaveData::<Runtime>::iter() {
        attest(&enclave.enclave_address, &operator);
    }
    let call = match call {
        RuntimeCall::Mandate(pallet_mandate::Call::mandate { call }) => call,
        call => call,
    };
    let RuntimeCall::TEE(call) = call else { return };
    let (operator, named) = match call {
        Call::update_enclave { new_enclave_address, .. } => {
            (caller.account().cloned(), Some(new_enclave_address.clone()))
        }
        Call::force_update_enclave { operator_address, new_enclave_address, .. } => {
            (Some(operator_address.clone()), new_enclave_address.clone())
        }
        Call::assign_enclave { operator_address, .. }
        | Call::approve_update_enclave { operator_address }
        | Call::complete_update { operator_address, .. } => (Some(operator_address.clone()), None),
        _ => return,
    };
    let Some(operator) = operator else { return };
    let registered = EnclaveRegistrations::<Runtime>::get(&operator);
    let update = EnclaveUpdates::<Runtime>::get(&operator);
    let migration = Migrations::<Runtime>::get(&operator).map(|migration| migration.enclave);
    let known = [registered, update, migration].into_iter().flatten();
    for account in known.map(|enclave| enclave.enclave_address).chain(named) {
        attest(&account, &operator);
    }
}

fn check_invariants() {
    assert_ok!(TEE::do_try_state());
    assert_ok!(NFT::do_try_state());
    assert_ok!(Rent::do_try_state());
    assert_ok!(ValidatorSet::do_try_state());
}

/// Checks that every call was seen to succeed and to fail, and that enough succeeded.
fn check_tally(tally: &Tally) {
    let mut calls: Vec<(&str, &&str)> = Vec::new();
    calls.extend(pallet_nft::Call::<Runtime>::get_call_names().iter().map(|name| ("NFT", name)));
    calls.extend(pallet_rent::Call::<Runtime>::get_call_names().iter().map(|name| ("Rent", name)));
    calls.extend(pallet_tee::Call::<Runtime>::get_call_names().iter().map(|name| ("TEE", name)));
    let names = pallet_validator_set::Call::<Runtime>::get_call_names();
    calls.extend(names.iter().map(|name| ("ValidatorSet", name)));
    calls.push(("Mandate", &"mandate"));

    let mut table = String::new();
    let (mut all_succeeded, mut all_failed) = (0, 0);
    let mut missing = Vec::new();
    for (pallet, name) in calls {
        let (succeeded, failed) = tally.get(&(pallet, *name)).copied().unwrap_or_default();
        writeln!(table, "{pallet:>12} {name:32} {succeeded:6} succeeded {failed:6} failed")
            .unwrap();
        all_succeeded += succeeded;
        all_failed += failed;
        let always_fails = matches!(*name, "add_secret_shard" | "add_capsule_shard");
        if (succeeded > 0) == always_fails || failed == 0 {
            missing.push(*name);
        }
    }
    let all = all_succeeded + all_failed;
    println!("{table}{all_succeeded} of {all} calls succeeded");
    assert!(missing.is_empty(), "{missing:?} did not both succeed and fail");
    assert!(all_succeeded * 10 >= all * 3, "fewer than 3 of 10 calls succeeded");
}

#[test]
fn random_calls_do_what_a_small_model_says() {
    let (seed, calls) = (setting("TEE_SEED", SEED), setting("TEE_CALLS", CALLS));
    let mut externalities = development();
    let mut game = externalities.execute_with(|| Game::new(seed));
    while game.played < calls {
        externalities.execute_with(|| {
            for _ in 0..ROUND {
                game.play();
                if game.played + CHECKED_ONE_BY_ONE > calls {
                    check_invariants();
                }
            }
            check_invariants();
            game.model.compare_all();
        });
        externalities.commit_all().unwrap();
    }
    externalities.execute_with(|| game.check_sweep());
    println!("seed {seed}: block {}, {} syncs", game.model.now, game.model.syncs.len());
    if calls >= CALLS {
        check_tally(&game.tally);
    }
}
