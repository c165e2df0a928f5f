// SPDX-License-Identifier: Apache-2.0
//! The calls that wallets, operators and the committee sign, encoded by the chain's metadata.

use subxt::{
    dynamic::{self, Value},
    ext::scale_value::Composite,
    tx::DynamicPayload,
};
use tee_primitives::{
    cluster::{ClusterId, ClusterType, SlotId},
    Hash, RawAccountId,
};

/// A call with its arguments.
pub type Call = DynamicPayload<Composite<()>>;

/// How much computation and proof a call may take.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Weight {
    /// Picoseconds.
    pub ref_time: u64,
    /// Bytes.
    pub proof_size: u64,
}

/// Any call; arguments in the order of the runtime.
pub fn call(pallet: &str, name: &str, arguments: impl IntoIterator<Item = Value>) -> Call {
    dynamic::tx(pallet, name, Composite::unnamed(arguments))
}

/// `Pallet.call`, for messages.
pub fn name(call: &Call) -> String {
    format!("{}.{}", call.pallet_name(), call.call_name())
}

/// Sends money, in the smallest unit, and keeps the sender's account alive.
pub fn transfer_keep_alive(to: &RawAccountId, amount: u128) -> Call {
    let to = Value::unnamed_variant("Id", [account(to)]);
    call("Balances", "transfer_keep_alive", [to, Value::u128(amount)])
}

/// Several calls of which all succeed or none.
pub fn batch_all(calls: impl IntoIterator<Item = Call>) -> Call {
    let calls = calls.into_iter().map(Call::into_value);
    call("Utility", "batch_all", [Value::unnamed_composite(calls)])
}

/// Creates an NFT that carries a secret. `offchain_data` is its public metadata,
/// `secret_offchain_data` says where the sealed media is.
pub fn create_secret_nft(offchain_data: &[u8], secret_offchain_data: &[u8]) -> Call {
    let royalty = Value::u128(0);
    let collection_id = Value::unnamed_variant("None", []);
    let is_soulbound = Value::bool(false);
    let [offchain_data, secret_offchain_data] =
        [offchain_data, secret_offchain_data].map(Value::from_bytes);
    call(
        "NFT",
        "create_secret_nft",
        [offchain_data, secret_offchain_data, royalty, collection_id, is_soulbound],
    )
}

/// An operator registers its enclave and bonds for it.
pub fn register_enclave(enclave: &RawAccountId, api_uri: &str) -> Call {
    call("TEE", "register_enclave", [account(enclave), Value::from_bytes(api_uri)])
}

/// An operator asks to leave with its enclave, or takes back a registration that waits.
pub fn unregister_enclave() -> Call {
    call("TEE", "unregister_enclave", [])
}

/// An operator asks to replace its enclave or the URI of its API.
pub fn update_enclave(new_enclave: &RawAccountId, new_api_uri: &str) -> Call {
    call("TEE", "update_enclave", [account(new_enclave), Value::from_bytes(new_api_uri)])
}

/// An operator takes its update back.
pub fn cancel_update() -> Call {
    call("TEE", "cancel_update", [])
}

/// An operator that has left takes its stake back.
pub fn withdraw_unbonded() -> Call {
    call("TEE", "withdraw_unbonded", [])
}

/// An operator raises its stake to what is asked.
pub fn bond_extra() -> Call {
    call("TEE", "bond_extra", [])
}

/// An operator takes back what it has bonded above what is asked.
pub fn refund_excess() -> Call {
    call("TEE", "refund_excess", [])
}

/// The committee creates a cluster.
pub fn create_cluster(cluster_type: ClusterType) -> Call {
    call("TEE", "create_cluster", [type_of_cluster(cluster_type)])
}

/// The committee changes whom a cluster serves.
pub fn update_cluster(cluster_id: ClusterId, cluster_type: ClusterType) -> Call {
    let cluster_id = Value::u128(cluster_id.into());
    call("TEE", "update_cluster", [cluster_id, type_of_cluster(cluster_type)])
}

/// The committee removes an empty cluster.
pub fn remove_cluster(cluster_id: ClusterId) -> Call {
    call("TEE", "remove_cluster", [Value::u128(cluster_id.into())])
}

/// The committee puts an operator's enclave into a slot.
pub fn assign_enclave(operator: &RawAccountId, cluster_id: ClusterId, slot_id: SlotId) -> Call {
    let [cluster_id, slot_id] = [cluster_id, slot_id].map(|id| Value::u128(id.into()));
    call("TEE", "assign_enclave", [account(operator), cluster_id, slot_id])
}

/// The committee goes on only if an operator's registration or update names this enclave.
pub fn expect_enclave(operator: &RawAccountId, enclave: &RawAccountId) -> Call {
    call("TEE", "expect_enclave", [account(operator), account(enclave)])
}

/// The committee refuses a registration; the operator gets its stake back.
pub fn remove_registration(operator: &RawAccountId) -> Call {
    call("TEE", "remove_registration", [account(operator)])
}

/// The committee takes an operator's enclave out of its slot, whether or not it asked to leave.
pub fn force_remove_enclave(operator: &RawAccountId) -> Call {
    call("TEE", "force_remove_enclave", [account(operator)])
}

/// The committee lets an operator go that asked to leave.
pub fn approve_enclave_unregistration(operator: &RawAccountId) -> Call {
    call("TEE", "approve_enclave_unregistration", [account(operator)])
}

/// The committee allows an operator's update.
pub fn approve_update_enclave(operator: &RawAccountId) -> Call {
    call("TEE", "approve_update_enclave", [account(operator)])
}

/// The committee refuses an operator's update.
pub fn reject_update(operator: &RawAccountId) -> Call {
    call("TEE", "reject_update", [account(operator)])
}

/// The committee sets what operators bond, in the smallest unit.
pub fn set_staking_amount(amount: u128) -> Call {
    call("TEE", "set_staking_amount", [Value::u128(amount)])
}

/// A committee member proposes a call, whose encoding is `length` bytes long.
pub fn propose(threshold: u32, proposal: Call, length: u32) -> Call {
    let [threshold, length] = [threshold, length].map(|number| Value::u128(number.into()));
    call(COMMITTEE, "propose", [threshold, proposal.into_value(), length])
}

/// A committee member votes.
pub fn vote(proposal: &Hash, index: u32, approve: bool) -> Call {
    let index = Value::u128(index.into());
    call(COMMITTEE, "vote", [Value::from_bytes(proposal), index, Value::bool(approve)])
}

/// Ends a motion that has enough votes, and carries it out.
pub fn close(proposal: &Hash, index: u32, weight: Weight, length: u32) -> Call {
    let [index, length] = [index, length].map(|number| Value::u128(number.into()));
    let weight = Value::named_composite([
        ("ref_time", Value::u128(weight.ref_time.into())),
        ("proof_size", Value::u128(weight.proof_size.into())),
    ]);
    call(COMMITTEE, "close", [Value::from_bytes(proposal), index, weight, length])
}

/// Name of the committee's pallet.
pub const COMMITTEE: &str = "TechnicalCommittee";

fn account(account: &RawAccountId) -> Value {
    Value::from_bytes(account)
}

fn type_of_cluster(cluster_type: ClusterType) -> Value {
    let name = match cluster_type {
        ClusterType::Disabled => "Disabled",
        ClusterType::Admin => "Admin",
        ClusterType::Public => "Public",
        ClusterType::Private => "Private",
    };
    Value::unnamed_variant(name, [])
}

#[cfg(test)]
mod tests {
    use codec::{Compact, Decode, DecodeAll, Encode};
    use subxt::{ext::frame_decode::extrinsics::encode_call_data, Metadata};
    use tee_runtime::{Runtime, RuntimeCall};

    use super::*;

    const ACCOUNT: RawAccountId = [7; 32];

    fn metadata() -> Metadata {
        let encoded = Runtime::metadata().encode();
        Metadata::decode(&mut encoded.as_slice()).unwrap()
    }

    fn encoded(metadata: &Metadata, call: &Call) -> Vec<u8> {
        let (pallet, name) = (call.pallet_name(), call.call_name());
        encode_call_data(pallet, name, call.call_data(), metadata, metadata.types()).unwrap()
    }

    /// The call's arguments as the runtime encodes them, behind the pallet's and call's index.
    #[test]
    fn calls_have_the_arguments_that_the_runtime_expects() {
        let metadata = metadata();
        let (id, compact) = (0u8, |number: u128| Compact(number).encode());
        let create_cluster = encoded(&metadata, &create_cluster(ClusterType::Private));
        let weight = Weight { ref_time: 1 << 40, proof_size: 1 << 20 };
        let cases: [(Call, Vec<u8>); 24] = [
            (
                transfer_keep_alive(&ACCOUNT, 1 << 70),
                [(id, ACCOUNT).encode(), compact(1 << 70)].concat(),
            ),
            (create_secret_nft(b"a", b""), ("a", "", 0u32, None::<u32>, false).encode()),
            (register_enclave(&ACCOUNT, "url"), (ACCOUNT, "url").encode()),
            (unregister_enclave(), Vec::new()),
            (update_enclave(&ACCOUNT, "url"), (ACCOUNT, "url").encode()),
            (cancel_update(), Vec::new()),
            (withdraw_unbonded(), Vec::new()),
            (bond_extra(), Vec::new()),
            (refund_excess(), Vec::new()),
            (super::create_cluster(ClusterType::Private), vec![3]),
            (update_cluster(4, ClusterType::Disabled), (4u32, 0u8).encode()),
            (remove_cluster(4), 4u32.encode()),
            (assign_enclave(&ACCOUNT, 4, 3), (ACCOUNT, 4u32, 3u32).encode()),
            (expect_enclave(&ACCOUNT, &ACCOUNT), (ACCOUNT, ACCOUNT).encode()),
            (remove_registration(&ACCOUNT), ACCOUNT.encode()),
            (force_remove_enclave(&ACCOUNT), ACCOUNT.encode()),
            (approve_enclave_unregistration(&ACCOUNT), ACCOUNT.encode()),
            (approve_update_enclave(&ACCOUNT), ACCOUNT.encode()),
            (reject_update(&ACCOUNT), ACCOUNT.encode()),
            (set_staking_amount(1 << 70), (1u128 << 70).encode()),
            (
                propose(2, super::create_cluster(ClusterType::Private), 3),
                [compact(2), create_cluster.clone(), compact(3)].concat(),
            ),
            (vote(&[9; 32], 1, true), ([9u8; 32], Compact(1u32), true).encode()),
            (
                close(&[9; 32], 1, weight, 3),
                ([9u8; 32], Compact(1u32), Compact(1u64 << 40), Compact(1u64 << 20), Compact(3u32))
                    .encode(),
            ),
            (
                batch_all([super::create_cluster(ClusterType::Private)]),
                [compact(1), create_cluster].concat(),
            ),
        ];
        for (call, arguments) in cases {
            let name = name(&call);
            let encoded = encoded(&metadata, &call);
            assert_eq!(encoded.get(2..), Some(arguments.as_slice()), "{name}");
            assert!(RuntimeCall::decode_all(&mut encoded.as_slice()).is_ok(), "{name}");
        }
    }

    #[test]
    fn names_that_are_read_by_metadata_are_the_runtimes() {
        let metadata = metadata();
        let pallet = |name| metadata.pallet_by_name(name).unwrap();
        for (name, entry) in [
            ("System", "Account"),
            ("TEE", "NextClusterId"),
            ("TEE", "SyncCount"),
            ("TEE", "StakingAmount"),
            (COMMITTEE, "Members"),
            (COMMITTEE, "Proposals"),
            (COMMITTEE, "Voting"),
            (COMMITTEE, "ProposalOf"),
        ] {
            let found = pallet(name).storage().unwrap().entry_by_name(entry);
            assert!(found.is_some(), "{name}.{entry}");
        }
        assert!(pallet("NFT").constant_by_name("NFTOffchainDataLimit").is_some());
        let fields = |name, event: &str| -> Vec<String> {
            let variants = pallet(name).event_variants().unwrap();
            let event = variants.iter().find(|variant| variant.name == event).unwrap();
            event.fields.iter().filter_map(|field| field.name.clone()).collect()
        };
        assert_eq!(fields("NFT", "NFTCreated").first().map(String::as_str), Some("nft_id"));
        assert_eq!(fields("TEE", "ClusterAdded").first().map(String::as_str), Some("cluster_id"));
        assert_eq!(fields("TEE", "KeyshareSynced"), ["nft_id", "kind", "version", "cluster_id"]);
        assert_eq!(
            fields("TEE", "KeyshareConfirmed"),
            [
                "nft_id",
                "kind",
                "version",
                "cluster_id",
                "slot_id",
                "enclave",
                "split",
                "commitment"
            ]
        );
        assert_eq!(fields(COMMITTEE, "Executed"), ["proposal_hash", "result"]);
        assert_eq!(
            fields(COMMITTEE, "Proposed"),
            ["account", "proposal_index", "proposal_hash", "threshold"]
        );
    }
}
