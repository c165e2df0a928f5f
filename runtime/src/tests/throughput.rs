// SPDX-License-Identifier: Apache-2.0
//! How many keyshares a block syncs: measured on real transactions, by the weight that they leave in
//! the block. `make bench-chain` prints it.

use frame_support::{dispatch::GetDispatchInfo, weights::Weight};
use sp_core::sr25519;
use tee_primitives::{
    cluster::{ClusterType, CLUSTER_SIZE},
    keyshare::{KeyshareConfirmation, KeyshareKind, MAX_CONFIRMATIONS},
    nft::NftId,
};

use super::*;
use crate::configs::system::{RuntimeBlockWeights, MAXIMUM_BLOCK_WEIGHT};

/// An enclave's key.
fn enclave(slot_id: u32) -> sr25519::Pair {
    sr25519::Pair::from_string(&format!("//enclave{slot_id}"), None).unwrap()
}

/// A full public cluster whose enclaves have funds.
fn cluster() -> sp_io::TestExternalities {
    let mut externalities = development();
    externalities.execute_with(|| {
        let root = RuntimeOrigin::root;
        assert_ok!(TEE::create_cluster(root(), ClusterType::Public));
        for slot_id in 0..CLUSTER_SIZE {
            let operator = AccountId::from([slot_id as u8 + 1; 32]);
            let account = AccountId::from(enclave(slot_id).public());
            for who in [&operator, &account] {
                let funds = 1_000_000 * UNIT;
                assert_ok!(Balances::force_set_balance(root(), who.clone().into(), funds));
            }
            let uri = b"https://enclave.example".to_vec().try_into().unwrap();
            assert_ok!(TEE::register_enclave(
                RuntimeOrigin::signed(operator.clone()),
                account.clone(),
                uri
            ));
            attested::attest(&account, &operator);
            assert_ok!(TEE::assign_enclave(root(), operator, 0, slot_id));
        }
    });
    externalities
}

fn secret_nfts(count: u32) -> Vec<NftId> {
    let owner = RuntimeOrigin::signed(Alice.to_account_id());
    (0..count)
        .map(|_| {
            let nft_id = pallet_nft::NextNFTId::<Runtime>::get();
            let data = || b"ipfs://content".to_vec().try_into().unwrap();
            let royalty = sp_runtime::Permill::zero();
            assert_ok!(NFT::create_secret_nft(owner.clone(), data(), data(), royalty, None, false));
            nft_id
        })
        .collect()
}

fn confirmation(slot_id: u32, nfts: &[NftId]) -> RuntimeCall {
    let entries: Vec<_> = nfts
        .iter()
        .map(|&nft_id| KeyshareConfirmation {
            nft_id,
            kind: KeyshareKind::Secret,
            version: 1,
            split: [1; 16],
            commitment: [slot_id as u8; 32],
        })
        .collect();
    pallet_tee::Call::confirm_keyshares { batch: entries.try_into().unwrap() }.into()
}

/// What syncing so many keyshares weighs, if each enclave confirms so many at a time.
#[derive(Debug)]
struct Cost {
    /// What the transactions left in the block.
    actual: Weight,
    /// What they announced: the worst case, which is what must fit before they run.
    announced: Weight,
}

fn cost(keyshares: u32, batch: u32) -> Cost {
    cluster().execute_with(|| {
        let nfts = secret_nfts(keyshares);
        let header = Header {
            parent_hash: System::parent_hash(),
            number: System::block_number() + 1,
            state_root: Default::default(),
            extrinsics_root: Default::default(),
            digest: Default::default(),
        };
        Executive::initialize_block(&header);
        let before = System::block_weight().total();
        let mut announced = Weight::zero();
        for (nonce, nfts) in (0..).zip(nfts.chunks(batch as usize)) {
            for slot_id in 0..CLUSTER_SIZE {
                let call = confirmation(slot_id, nfts);
                let class = call.get_dispatch_info().class;
                let base = RuntimeBlockWeights::get().get(class).base_extrinsic;
                let transaction = signed(&enclave(slot_id), nonce, call);
                announced += transaction.get_dispatch_info().total_weight() + base;
                assert_ok!(Executive::apply_extrinsic(transaction).unwrap());
            }
        }
        for nft_id in nfts {
            let keyshares = TEE::keyshare_status(nft_id, KeyshareKind::Secret);
            assert!(keyshares.synced.is_some() && keyshares.pending.is_none());
        }
        Cost { actual: System::block_weight().total() - before, announced }
    })
}

/// Keyshares that fit into a block at this price for so many.
fn per_block(weight: Weight, keyshares: u32) -> f64 {
    let block = MAXIMUM_BLOCK_WEIGHT.ref_time() as f64;
    block / (weight.ref_time() as f64 / f64::from(keyshares))
}

#[test]
fn batches_sync_four_times_as_many_keyshares_per_block() {
    let (batched, single) = (cost(MAX_CONFIRMATIONS, MAX_CONFIRMATIONS), cost(16, 1));
    let lines = [
        ("actual weight", batched.actual, single.actual),
        ("announced weight (worst case)", batched.announced, single.announced),
    ];
    println!(
        "keyshares synced per block of {} s:",
        MAXIMUM_BLOCK_WEIGHT.ref_time() / 1_000_000_000_000
    );
    for (name, batched, single) in lines {
        let (batched, single) = (per_block(batched, MAX_CONFIRMATIONS), per_block(single, 16));
        println!(
            "  {name:30} batches of {MAX_CONFIRMATIONS}: {batched:6.0}   one per transaction: \
             {single:6.0}   ratio {:.2}",
            batched / single
        );
    }
    let ratio = per_block(batched.actual, MAX_CONFIRMATIONS) / per_block(single.actual, 16);
    assert!(ratio >= 4.0, "batches sync only {ratio:.2} times as many");
    // Announced is never less than actual: a block cannot be overfilled.
    for cost in [batched, single] {
        assert!(cost.announced.ref_time() >= cost.actual.ref_time(), "{cost:?}");
    }
}
