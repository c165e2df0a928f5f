// SPDX-License-Identifier: Apache-2.0
//! The calls that wallets, operators and the committee sign, encoded by the chain's metadata.

use subxt::{
    dynamic::{self, Value},
    ext::scale_value::{Composite, ValueDef},
    tx::DynamicPayload,
};
use tee_primitives::{
    attestation::{
        collateral::{CollateralId, PckCa},
        tcb::TcbPolicy,
        Measurement, PlatformId,
    },
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

/// The call that a decoded call of the runtime is: a pallet, and in it a call with its arguments.
pub(super) fn from_value(value: Value) -> Option<Call> {
    let ValueDef::Variant(pallet) = value.value else { return None };
    let ValueDef::Variant(call) = pallet.values.into_values().next()?.value else { return None };
    Some(dynamic::tx(pallet.name, call.name, call.values))
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

/// The committee replaces an operator's enclave, the URI of its API, or both, at once.
pub fn force_update_enclave(
    operator: &RawAccountId,
    new_enclave: Option<&RawAccountId>,
    new_api_uri: Option<&str>,
) -> Call {
    let new_enclave = option(new_enclave.map(account));
    let new_api_uri = option(new_api_uri.map(Value::from_bytes));
    call("TEE", "force_update_enclave", [account(operator), new_enclave, new_api_uri])
}

/// The committee allows a measurement; it counts after a delay.
pub fn allow_measurement(
    mr_enclave: &Measurement,
    mr_signer: &Measurement,
    isv_prod_id: u16,
    min_isv_svn: u16,
) -> Call {
    let [mr_enclave, mr_signer] = [mr_enclave, mr_signer].map(Value::from_bytes);
    let [product, version] = [isv_prod_id, min_isv_svn].map(|number| Value::u128(number.into()));
    call(ATTESTATION, "allow_measurement", [mr_enclave, mr_signer, product, version])
}

/// The committee revokes a measurement, at once.
pub fn revoke_measurement(mr_enclave: &Measurement) -> Call {
    call(ATTESTATION, "revoke_measurement", [Value::from_bytes(mr_enclave)])
}

/// The committee sets which TCB levels are accepted.
pub fn set_policy(policy: &TcbPolicy) -> Call {
    let reviewed = policy.reviewed_advisories.iter().map(|id| Value::from_bytes(id.as_slice()));
    let policy = Value::named_composite([
        ("accept_sw_hardening", Value::bool(policy.accept_sw_hardening)),
        ("accept_configuration", Value::bool(policy.accept_configuration)),
        ("reviewed_advisories", Value::unnamed_composite(reviewed)),
        ("max_patch_age", Value::u128(policy.max_patch_age.into())),
        ("min_evaluation_number", Value::u128(policy.min_evaluation_number.into())),
    ]);
    call(ATTESTATION, "set_policy", [policy])
}

/// The committee bans a machine, at once.
pub fn ban_platform(platform: &PlatformId) -> Call {
    call(ATTESTATION, "ban_platform", [Value::from_bytes(platform)])
}

/// The committee takes the ban of a machine back.
pub fn unban_platform(platform: &PlatformId) -> Call {
    call(ATTESTATION, "unban_platform", [Value::from_bytes(platform)])
}

/// The committee lets collateral of a higher evaluation number count at once.
pub fn enact_evaluation(id: CollateralId) -> Call {
    let ca = |ca| match ca {
        PckCa::Processor => Value::unnamed_variant("Processor", []),
        PckCa::Platform => Value::unnamed_variant("Platform", []),
    };
    let id = match id {
        CollateralId::RootCrl => Value::unnamed_variant("RootCrl", []),
        CollateralId::PckCrl(of) => Value::unnamed_variant("PckCrl", [ca(of)]),
        CollateralId::TcbInfo(fmspc) => {
            Value::unnamed_variant("TcbInfo", [Value::from_bytes(fmspc)])
        }
        CollateralId::QeIdentity => Value::unnamed_variant("QeIdentity", []),
    };
    call(ATTESTATION, "enact_evaluation", [id])
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

/// Name of the pallet that verifies attestations.
pub const ATTESTATION: &str = "Attestation";

fn account(account: &RawAccountId) -> Value {
    Value::from_bytes(account)
}

fn option(value: Option<Value>) -> Value {
    match value {
        Some(value) => Value::unnamed_variant("Some", [value]),
        None => Value::unnamed_variant("None", []),
    }
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
    use subxt::{
        ext::{frame_decode::extrinsics::encode_call_data, scale_value::scale::decode_as_type},
        Metadata,
    };
    use tee_primitives::attestation::tcb::{Advisories, AdvisoryId};
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

    fn policy(reviewed: &[&str]) -> TcbPolicy {
        let reviewed = reviewed.iter().map(|id| AdvisoryId::truncate_from(id.as_bytes().to_vec()));
        TcbPolicy {
            accept_sw_hardening: false,
            accept_configuration: true,
            reviewed_advisories: Advisories::truncate_from(reviewed.collect()),
            max_patch_age: 1 << 20,
            min_evaluation_number: 17,
        }
    }

    /// The call's arguments as the runtime encodes them, behind the pallet's and call's index.
    #[test]
    fn calls_have_the_arguments_that_the_runtime_expects() {
        let metadata = metadata();
        let (id, compact) = (0u8, |number: u128| Compact(number).encode());
        let create_cluster = encoded(&metadata, &create_cluster(ClusterType::Private));
        let weight = Weight { ref_time: 1 << 40, proof_size: 1 << 20 };
        let cases: Vec<(Call, Vec<u8>)> = vec![
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
                force_update_enclave(&ACCOUNT, Some(&[8; 32]), None),
                (ACCOUNT, Some([8u8; 32]), None::<Vec<u8>>).encode(),
            ),
            (
                force_update_enclave(&ACCOUNT, None, Some("url")),
                (ACCOUNT, None::<RawAccountId>, Some("url")).encode(),
            ),
            (
                allow_measurement(&[1; 32], &[2; 32], 3, 4),
                ([1u8; 32], [2u8; 32], 3u16, 4u16).encode(),
            ),
            (revoke_measurement(&[1; 32]), [1u8; 32].encode()),
            (set_policy(&TcbPolicy::default()), TcbPolicy::default().encode()),
            (set_policy(&policy(&["INTEL-SA-00334"])), policy(&["INTEL-SA-00334"]).encode()),
            (set_policy(&policy(&["A", "INTEL-SA-1"])), policy(&["A", "INTEL-SA-1"]).encode()),
            (ban_platform(&[1; 32]), [1u8; 32].encode()),
            (unban_platform(&[1; 32]), [1u8; 32].encode()),
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
        let ids = [
            CollateralId::RootCrl,
            CollateralId::PckCrl(PckCa::Platform),
            CollateralId::TcbInfo([5; 6]),
            CollateralId::QeIdentity,
        ];
        let enacted = ids.map(|id| (enact_evaluation(id), id.encode()));
        for (call, arguments) in cases.into_iter().chain(enacted) {
            let name = name(&call);
            let encoded = encoded(&metadata, &call);
            assert_eq!(encoded.get(2..), Some(arguments.as_slice()), "{name}");
            assert!(RuntimeCall::decode_all(&mut encoded.as_slice()).is_ok(), "{name}");
        }
    }

    #[test]
    fn a_decoded_call_is_the_call_that_was_encoded() {
        let metadata = metadata();
        for call in [create_cluster(ClusterType::Public), set_policy(&policy(&["A"]))] {
            let bytes = encoded(&metadata, &call);
            let call_type = metadata.outer_enums().call_enum_ty();
            let value = decode_as_type(&mut bytes.as_slice(), call_type, metadata.types());
            let decoded = from_value(value.unwrap().remove_context()).unwrap();
            assert_eq!(name(&decoded), name(&call));
            assert_eq!(encoded(&metadata, &decoded), bytes);
        }
        assert!(from_value(Value::bool(true)).is_none());
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
            ("TEE", "Migrations"),
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
