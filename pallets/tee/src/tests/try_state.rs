// SPDX-License-Identifier: Apache-2.0
//! The checks of the invariants find damage.

use sp_runtime::{DispatchError, TransactionOutcome};
use tee_primitives::{
    cluster::{ClusterType, Enclave},
    keyshare::{KeyshareStatus, SlotConfirmations},
};

use crate::{mock::*, *};

/// An NFT whose secret is synced. That of [`NFT`] is pending, with a confirmation.
const SYNCED: u32 = 8;

/// Nobody.
const STRANGER: u64 = 77;

/// An operator whose enclave has an approved successor, [`OTHER_ENCLAVE`].
const MIGRATING: u64 = 1_004;

/// A successor of [`MIGRATING`]'s enclave that was approved and dropped.
const LEFT: u64 = 78;

/// A change that breaks an invariant, and the sentence that names it.
type Damage = (fn(), &'static str);

fn an_enclave() -> EnclaveOf<Test> {
    Enclave { enclave_address: STRANGER, api_uri: uri() }
}

fn ledger(of: u64, change: fn(&mut StakingLedgerOf<Test>)) {
    StakingLedger::<Test>::mutate_extant(of, change);
}

fn members(of: u32, change: fn(&mut MembersOf<Test>)) {
    ClusterData::<Test>::mutate_extant(of, |cluster| change(&mut cluster.enclaves));
}

fn served(by: u64, change: fn(&mut PlatformSlot)) {
    PublicPlatforms::<Test>::mutate_extant(platform(by), change);
}

fn put_on_the_machine_of(operator: u64, other: u64) {
    let platform = EnclaveFacts::<Test>::get(other).unwrap().platform;
    EnclaveFacts::<Test>::mutate_extant(operator, |facts| facts.platform = platform);
}

const STAKES: [Damage; 5] = [
    (
        || ledger(operator(0, 0), |ledger| ledger.operator = STRANGER),
        "a ledger is stored under its operator",
    ),
    (
        || EnclaveRegistrations::<Test>::remove(ALICE),
        "who has neither a registration nor a slot is on its way out",
    ),
    (
        || ledger(ALICE, |ledger| ledger.is_unlocking = true),
        "the stake of a registration is not on its way out",
    ),
    (
        || EnclaveUnregistrations::<Test>::insert(operator(0, 0), 1),
        "the stake of an assigned enclave is on its way out if its operator asked to leave",
    ),
    (
        || ledger(operator(0, 0), |ledger| ledger.staked_amount += 1),
        "what is held is what the ledger says",
    ),
];

const OPERATORS: [Damage; 9] = [
    (|| EnclaveRegistrations::<Test>::insert(STRANGER, an_enclave()), "who registers has bonded"),
    (
        || EnclaveRegistrations::<Test>::insert(operator(0, 0), an_enclave()),
        "an operator with an assigned enclave has no registration",
    ),
    (|| EnclaveData::<Test>::insert(STRANGER, an_enclave()), "who is assigned has bonded"),
    (
        || EnclaveAccountOperator::<Test>::remove(enclave(0, 0)),
        "an assigned enclave leads to its operator",
    ),
    (|| EnclaveClusterId::<Test>::remove(operator(0, 0)), "an assigned operator has a cluster"),
    (
        || EnclaveFacts::<Test>::remove(operator(0, 0)),
        "of an assigned enclave is known what it had proven",
    ),
    (
        || EnclaveAccountOperator::<Test>::insert(STRANGER, operator(0, 0)),
        "an operator leads to its assigned enclave",
    ),
    (
        || {
            let facts = EnclaveFacts::<Test>::get(operator(0, 0)).unwrap();
            EnclaveFacts::<Test>::insert(STRANGER, facts);
        },
        "facts are kept of assigned enclaves only",
    ),
    (
        || EnclaveUnregistrations::<Test>::insert(STRANGER, 1),
        "only who has a slot asks to leave it",
    ),
];

const UPDATES: [Damage; 4] = [
    (
        || EnclaveUpdates::<Test>::insert(STRANGER, an_enclave()),
        "only an assigned enclave is updated",
    ),
    (
        || EnclaveUpdates::<Test>::insert(MIGRATING, an_enclave()),
        "an operator has one update at a time",
    ),
    (
        || {
            let migration = Migrations::<Test>::get(MIGRATING).unwrap();
            Migrations::<Test>::insert(STRANGER, migration);
        },
        "only an assigned enclave has a successor",
    ),
    (
        || {
            Migrations::<Test>::mutate_extant(MIGRATING, |migration| {
                migration.enclave.enclave_address = enclave(0, 4);
            })
        },
        "a successor is another account",
    ),
];

const CLUSTERS: [Damage; 9] = [
    (|| EnclaveClusterId::<Test>::insert(STRANGER, 0), "an operator with a cluster has an enclave"),
    (|| EnclaveClusterId::<Test>::insert(operator(0, 0), 99), "an operator's cluster exists"),
    (
        || EnclaveClusterId::<Test>::insert(operator(0, 0), 1),
        "an operator is in the cluster that it leads to",
    ),
    (|| NextClusterId::<Test>::put(0), "a cluster's id was given out"),
    (
        || members(0, |members| members.iter_mut().for_each(|(_, slot_id)| *slot_id = 1)),
        "the members of a cluster are ordered by slot, and no slot is taken twice",
    ),
    (|| members(0, |members| members.last_mut().unwrap().1 = 5), "a slot is one of the cluster"),
    (
        || members(2, |members| members.try_push((STRANGER, 0)).unwrap()),
        "a member leads to its cluster",
    ),
    (
        || DisabledClusters::<Test>::insert(0, ClusterType::Public),
        "only of a disabled cluster is remembered what it was",
    ),
    (
        || DisabledClusters::<Test>::insert(2, ClusterType::Disabled),
        "a disabled cluster was something else",
    ),
];

const PLATFORMS: [Damage; 5] = [
    (
        || put_on_the_machine_of(operator(0, 0), operator(0, 1)),
        "a machine runs the enclave of one slot of a cluster",
    ),
    (
        || put_on_the_machine_of(operator(0, 0), operator(1, 1)),
        "a machine serves one slot number in public clusters",
    ),
    (
        || served(enclave(0, 0), |served| served.slot_id = 3),
        "the index of machines is that of the public clusters' members",
    ),
    (
        || served(LEFT, |served| served.enclaves = 1),
        "the index of machines is that of the public clusters' members",
    ),
    (
        || PublicPlatforms::<Test>::remove(platform(enclave(0, 0))),
        "a machine that serves in public is in the index",
    ),
];

const KEYSHARES: [Damage; 7] = [
    (
        || Keyshares::<Test>::insert(9, SECRET, KeyshareStatus::default()),
        "nothing is stored about no keyshares",
    ),
    (|| LastVersions::<Test>::remove(SYNCED, SECRET), "a synced version was started"),
    (
        || LastVersions::<Test>::insert(NFT, SECRET, 2),
        "a pending version is the newest ever started",
    ),
    (
        || ClusterHoldings::<Test>::mutate(0, |holdings| holdings.keyshares += 1),
        "a cluster holds as many keyshares as name it",
    ),
    (
        || ClusterHoldings::<Test>::mutate(0, |holdings| holdings.synced_until += 1),
        "a cluster's last sync is in the log",
    ),
    (|| ClusterHoldings::<Test>::insert(99, Holdings::default()), "only a cluster holds keyshares"),
    (|| ClusterHoldings::<Test>::remove(0), "a cluster that keyshares name holds them"),
];

const CONFIRMATIONS: [Damage; 6] = [
    (
        || Keyshares::<Test>::remove(NFT, SECRET),
        "a confirmation belongs to a version that is pending or waits for the sweep",
    ),
    (
        || {
            let slots = Confirmations::<Test>::get((NFT, SECRET, 1), 0);
            Confirmations::<Test>::insert((NFT, SECRET, 1), 99, slots);
        },
        "who confirmed was in a cluster",
    ),
    (
        || Confirmations::<Test>::insert((NFT, SECRET, 1), 1, SlotConfirmations::default()),
        "a stored confirmation is of a slot",
    ),
    (
        || {
            let slots = Confirmations::<Test>::get((NFT, SECRET, 1), 0);
            Confirmations::<Test>::insert((NFT, SECRET, 1), 1, slots);
        },
        "a cluster that has confirmed anything has promised what it is",
    ),
    (|| SweepQueue::<Test>::insert((NFT, SECRET, 1), ()), "a pending version is not swept"),
    (|| SweptCount::<Test>::put(2), "only what was synced is swept"),
];

const SYNC_LOG: [Damage; 5] = [
    (|| SyncCount::<Test>::put(2), "the sync log has no gap"),
    (
        || {
            SyncLog::<Test>::insert(1, SyncLog::<Test>::get(0).unwrap());
            SyncCount::<Test>::put(2);
        },
        "the sync log tells the versions of a keyshare in their order",
    ),
    (
        || SyncLog::<Test>::insert(5, SyncLog::<Test>::get(0).unwrap()),
        "the sync log has no entry past its count",
    ),
    (
        || ClusterHoldings::<Test>::mutate(0, |holdings| holdings.synced_until = 0),
        "a cluster's last sync is the last that names it",
    ),
    (
        || {
            Keyshares::<Test>::mutate(SYNCED, SECRET, |status| {
                status.synced.as_mut().unwrap().block_number += 1
            })
        },
        "what is synced is the newest entry of the sync log",
    ),
];

const LISTS: [Damage; 2] = [
    (
        || {
            let server = MetricsServer {
                metrics_server_address: STRANGER,
                supported_cluster_type: ClusterType::Public,
            };
            MetricsServers::<Test>::put(
                MetricsServersOf::try_from(vec![server.clone(), server]).unwrap(),
            );
        },
        "a metrics server is listed once",
    ),
    (|| EnclaveAbi::<Test>::put(0), "the stored interface is the one that this runtime keeps to"),
];

type MetricsServersOf = frame_support::BoundedVec<MetricsServerOf<Test>, ListSizeLimit>;

#[test]
fn try_state_finds_what_is_wrong() {
    let damages: [&[Damage]; 9] = [
        &STAKES,
        &OPERATORS,
        &UPDATES,
        &CLUSTERS,
        &PLATFORMS,
        &KEYSHARES,
        &CONFIRMATIONS,
        &SYNC_LOG,
        &LISTS,
    ];
    TestExt::new().clusters(2).balance(ALICE, RICH).execute_with(|| {
        create_cluster(ClusterType::Public);
        set_type(2, ClusterType::Disabled);
        register_as(ALICE, ENCLAVE).unwrap();
        assert_eq!(operator(0, 4), MIGRATING);
        migrate(0, 4, LEFT);
        TEE::cancel_update(signed(MIGRATING)).unwrap();
        migrate(0, 4, OTHER_ENCLAVE);
        start(NFT);
        confirm(NFT, 0, 0, RED);
        start(SYNCED);
        sync(SYNCED, 0, 1);
        for (damage, sentence) in damages.into_iter().flatten() {
            TEE::do_try_state().unwrap();
            let found = frame_support::storage::with_transaction(|| {
                damage();
                let found = TEE::do_try_state();
                TransactionOutcome::Rollback(Ok::<_, DispatchError>(found))
            });
            assert_eq!(found, Ok(Err(DispatchError::Other(sentence))));
        }
    });
}
