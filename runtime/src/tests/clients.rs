// SPDX-License-Identifier: Apache-2.0
//! What published clients look up and decode.

use frame_metadata::{
    v14::{PalletMetadata, RuntimeMetadataV14},
    RuntimeMetadata, RuntimeMetadataPrefixed,
};
use sp_runtime::{
    generic::Preamble,
    transaction_validity::{InvalidTransaction, TransactionSource},
};

use super::*;

#[test]
fn inherents_are_version_4_extrinsics() {
    development().execute_with(|| {
        let mut data = sp_inherents::InherentData::new();
        data.put_data(sp_timestamp_inherent_identifier(), &1_000u64).unwrap();
        let inherents =
            <Runtime as sp_block_builder::runtime_decl_for_block_builder::BlockBuilder<
                Block,
            >>::inherent_extrinsics(data);
        assert_eq!(inherents.len(), 1);
        let encoded = inherents[0].encode();
        let mut bytes = &encoded[..];
        codec::Compact::<u32>::decode(&mut bytes).unwrap();
        assert_eq!(bytes[0], 4);
    });
}

fn sp_timestamp_inherent_identifier() -> sp_inherents::InherentIdentifier {
    *b"timstap0"
}

fn validate(
    extrinsic: UncheckedExtrinsic,
) -> sp_runtime::transaction_validity::TransactionValidity {
    <Runtime as sp_transaction_pool::runtime_api::runtime_decl_for_tagged_transaction_queue::TaggedTransactionQueue<Block>>::validate_transaction(
        TransactionSource::External,
        extrinsic,
        Default::default(),
    )
}

/// A call that is valid without a signature.
fn authorized_upgrade() -> RuntimeCall {
    frame_system::Call::apply_authorized_upgrade { code: vec![0; 8] }.into()
}

#[test]
fn the_pool_refuses_what_they_cannot_decode() {
    development().execute_with(|| {
        let bare_v5 = UncheckedExtrinsic::new_bare(authorized_upgrade());
        assert_eq!(bare_v5.preamble, Preamble::Bare(5));
        assert_eq!(validate(bare_v5), Err(InvalidTransaction::Call.into()));

        let extension = signed_extension(0);
        let general = UncheckedExtrinsic::new_transaction(authorized_upgrade(), extension);
        assert_eq!(validate(general), Err(InvalidTransaction::Call.into()));
    });
}

#[test]
fn a_signed_version_4_transaction_is_valid() {
    development().execute_with(|| {
        let call = frame_system::Call::remark { remark: vec![] }.into();
        assert_ok!(validate(signed(&Alice.pair(), 0, call)));
    });
}

#[test]
#[should_panic(expected = "not of version 4")]
fn a_block_that_they_cannot_decode_is_not_imported() {
    development().execute_with(|| {
        let set = pallet_timestamp::Call::set { now: 1_000 }.into();
        let header = Header {
            parent_hash: Default::default(),
            number: 1,
            state_root: Default::default(),
            extrinsics_root: Default::default(),
            digest: Default::default(),
        };
        let block = Block { header, extrinsics: vec![UncheckedExtrinsic::new_bare(set)] };
        <Runtime as sp_api::runtime_decl_for_core::Core<Block>>::execute_block(block.into());
    });
}

/// The metadata that they ask for.
fn metadata() -> RuntimeMetadataV14 {
    let metadata = Runtime::metadata_at_version(14).expect("version 14 is served");
    match RuntimeMetadataPrefixed::decode(&mut &metadata[..]).unwrap().1 {
        RuntimeMetadata::V14(metadata) => metadata,
        _ => panic!("another version than asked for"),
    }
}

/// A variant of one of a pallet's enums: its index and its fields, in order.
fn variant(metadata: &RuntimeMetadataV14, enumeration: u32, name: &str) -> (u8, Vec<String>) {
    let scale_info::TypeDef::Variant(variants) =
        &metadata.types.resolve(enumeration).unwrap().type_def
    else {
        panic!("not an enum");
    };
    let variant = variants.variants.iter().find(|variant| variant.name == name);
    let variant = variant.unwrap_or_else(|| panic!("there is no {name}"));
    let fields = variant.fields.iter().map(|field| field.name.clone().unwrap_or_default());
    (variant.index, fields.collect())
}

fn pallet<'a>(
    metadata: &'a RuntimeMetadataV14,
    name: &str,
) -> &'a PalletMetadata<scale_info::form::PortableForm> {
    metadata.pallets.iter().find(|pallet| pallet.name == name).unwrap()
}

/// By pallet: the storage items that they read.
const STORAGE: [Names; 5] = [
    (
        "NFT",
        &[
            "NextNFTId",
            "NextCollectionId",
            "Nfts",
            "Collections",
            "DelegatedNFTs",
            "NftMintFee",
            "SecretNftMintFee",
            "CapsuleMintFee",
            "SecretNftsOffchainData",
            "CapsuleOffchainData",
        ],
    ),
    (
        "TEE",
        &[
            "EnclaveRegistrations",
            "EnclaveUnregistrations",
            "EnclaveUpdates",
            "EnclaveData",
            "EnclaveAccountOperator",
            "ClusterData",
            "NextClusterId",
            "EnclaveClusterId",
            "MetricsServers",
            "StakingAmount",
            "StakingLedger",
        ],
    ),
    ("Rent", &["Contracts", "Offers"]),
    ("System", &["Account", "Number"]),
    ("TechnicalCommittee", &["Members", "Voting"]),
];

/// By pallet: the constants that they read.
const CONSTANTS: [Names; 4] = [
    (
        "NFT",
        &[
            "InitialMintFee",
            "InitialSecretMintFee",
            "InitialCapsuleMintFee",
            "NFTOffchainDataLimit",
            "CollectionOffchainDataLimit",
            "CollectionSizeLimit",
        ],
    ),
    (
        "TEE",
        &[
            "ClusterSize",
            "MaxUriLen",
            "ListSizeLimit",
            "InitialStakingAmount",
            "TeeBondingDuration",
        ],
    ),
    (
        "Rent",
        &[
            "AccountSizeLimit",
            "ActionsInBlockLimit",
            "MaximumContractAvailabilityLimit",
            "MaximumContractDurationLimit",
        ],
    ),
    ("Balances", &["ExistentialDeposit"]),
];

/// Calls with their index and arguments, in order.
const NFT_CALLS: [(u8, &str, &[&str]); 22] = [
    (0, "create_nft", &["offchain_data", "royalty", "collection_id", "is_soulbound"]),
    (1, "burn_nft", &["nft_id"]),
    (2, "transfer_nft", &["nft_id", "recipient"]),
    (3, "delegate_nft", &["nft_id", "recipient"]),
    (4, "set_royalty", &["nft_id", "royalty"]),
    (5, "set_nft_mint_fee", &["fee"]),
    (6, "create_collection", &["offchain_data", "limit"]),
    (7, "burn_collection", &["collection_id"]),
    (8, "close_collection", &["collection_id"]),
    (9, "limit_collection", &["collection_id", "limit"]),
    (10, "add_nft_to_collection", &["nft_id", "collection_id"]),
    (11, "add_secret", &["nft_id", "offchain_data"]),
    (
        12,
        "create_secret_nft",
        &["offchain_data", "secret_offchain_data", "royalty", "collection_id", "is_soulbound"],
    ),
    (13, "add_secret_shard", &["nft_id"]),
    (14, "set_secret_nft_mint_fee", &["fee"]),
    (15, "convert_to_capsule", &["nft_id", "offchain_data"]),
    (
        16,
        "create_capsule",
        &["offchain_data", "capsule_offchain_data", "royalty", "collection_id", "is_soulbound"],
    ),
    (17, "set_capsule_offchaindata", &["nft_id", "offchain_data"]),
    (18, "set_capsule_mint_fee", &["fee"]),
    (19, "add_capsule_shard", &["nft_id"]),
    (20, "notify_enclave_key_update", &["nft_id"]),
    (21, "set_collection_offchaindata", &["collection_id", "offchain_data"]),
];

/// As [`NFT_CALLS`].
const TEE_CALLS: [(u8, &str, &[&str]); 21] = [
    (0, "register_enclave", &["enclave_address", "api_uri"]),
    (1, "unregister_enclave", &[]),
    (2, "update_enclave", &["new_enclave_address", "new_api_uri"]),
    (3, "cancel_update", &[]),
    (4, "assign_enclave", &["operator_address", "cluster_id", "slot_id"]),
    (5, "remove_registration", &["operator_address"]),
    (6, "reject_update", &["operator_address"]),
    (7, "approve_enclave_unregistration", &["operator_address"]),
    (8, "force_remove_enclave", &["operator_address"]),
    (9, "approve_update_enclave", &["operator_address"]),
    (10, "force_update_enclave", &["operator_address", "new_enclave_address", "new_api_uri"]),
    (11, "create_cluster", &["cluster_type"]),
    (12, "update_cluster", &["cluster_id", "cluster_type"]),
    (13, "remove_cluster", &["cluster_id"]),
    (14, "withdraw_unbonded", &[]),
    (15, "register_metrics_server", &["metrics_server"]),
    (16, "unregister_metrics_server", &["metrics_server_address"]),
    (
        17,
        "force_update_metrics_server_type",
        &["metrics_server_address", "new_supported_cluster_type"],
    ),
    (20, "set_staking_amount", &["staking_amount"]),
    (24, "bond_extra", &[]),
    (25, "refund_excess", &[]),
];

/// As [`NFT_CALLS`].
const RENT_CALLS: [(u8, &str, &[&str]); 7] = [
    (
        0,
        "create_contract",
        &[
            "nft_id",
            "duration",
            "acceptance_type",
            "renter_can_revoke",
            "rent_fee",
            "renter_cancellation_fee",
            "rentee_cancellation_fee",
        ],
    ),
    (1, "cancel_contract", &["nft_id"]),
    (2, "revoke_contract", &["nft_id"]),
    (3, "rent", &["nft_id", "creation_block"]),
    (4, "make_rent_offer", &["nft_id", "creation_block"]),
    (5, "accept_rent_offer", &["nft_id", "rentee"]),
    (6, "retract_rent_offer", &["nft_id"]),
];

/// A name, and the names under it.
type Names = (&'static str, &'static [&'static str]);

/// By pallet: events and their fields, which they read by position.
const EVENTS: [(&str, &[Names]); 3] = [
    (
        "NFT",
        &[
            (
                "NFTCreated",
                &[
                    "nft_id",
                    "owner",
                    "offchain_data",
                    "royalty",
                    "collection_id",
                    "is_soulbound",
                    "mint_fee",
                ],
            ),
            ("SecretAddedToNFT", &["nft_id", "offchain_data"]),
            ("SecretNFTSynced", &["nft_id"]),
            ("NFTBurned", &["nft_id"]),
            ("NFTTransferred", &["nft_id", "sender", "recipient"]),
            ("NFTDelegated", &["nft_id", "recipient"]),
            ("NFTRoyaltySet", &["nft_id", "royalty"]),
            ("NFTAddedToCollection", &["nft_id", "collection_id"]),
            ("NFTConvertedToCapsule", &["nft_id", "offchain_data"]),
            ("CapsuleOffchainDataSet", &["nft_id", "offchain_data"]),
            ("CapsuleKeyUpdateNotified", &["nft_id"]),
            ("CapsuleReverted", &["nft_id"]),
            ("CapsuleSynced", &["nft_id"]),
            ("CollectionCreated", &["collection_id", "owner", "offchain_data", "limit"]),
            ("CollectionLimited", &["collection_id", "limit"]),
            ("CollectionClosed", &["collection_id"]),
            ("CollectionBurned", &["collection_id"]),
            ("CollectionOffchainDataSet", &["collection_id", "offchain_data"]),
        ],
    ),
    (
        "TEE",
        &[
            ("EnclaveAddedForRegistration", &["operator_address", "enclave_address", "api_uri"]),
            ("RegistrationRemoved", &["operator_address"]),
            ("UpdateRequestCancelled", &["operator_address"]),
            ("UpdateRequestRemoved", &["operator_address"]),
            ("MovedForUnregistration", &["operator_address"]),
            ("EnclaveAssigned", &["operator_address", "cluster_id"]),
            ("EnclaveRemoved", &["operator_address"]),
            ("MovedForUpdate", &["operator_address", "new_enclave_address", "new_api_uri"]),
            ("EnclaveUpdated", &["operator_address", "new_enclave_address", "new_api_uri"]),
            ("EnclaveForceUpdated", &["operator_address", "new_enclave_address", "new_api_uri"]),
            ("ClusterAdded", &["cluster_id", "cluster_type"]),
            ("ClusterUpdated", &["cluster_id", "cluster_type"]),
            ("ClusterRemoved", &["cluster_id"]),
            ("Bonded", &["operator_address", "amount"]),
            ("Unbonded", &["operator_address", "amount"]),
            ("Withdrawn", &["operator_address", "amount"]),
            ("MetricsServerAdded", &["metrics_server"]),
            ("MetricsServerTypeUpdated", &["metrics_server_address", "new_supported_cluster_type"]),
            ("MetricsServerRemoved", &["metrics_server_address"]),
            ("StakingAmountIsSet", &["amount"]),
            ("BondedExtra", &["operator_address", "amount"]),
            ("RefundedExcess", &["operator_address", "amount"]),
        ],
    ),
    (
        "Rent",
        &[
            (
                "ContractCreated",
                &[
                    "nft_id",
                    "renter",
                    "duration",
                    "acceptance_type",
                    "renter_can_revoke",
                    "rent_fee",
                    "renter_cancellation_fee",
                    "rentee_cancellation_fee",
                ],
            ),
            ("ContractStarted", &["nft_id", "rentee"]),
            ("ContractRevoked", &["nft_id", "revoked_by"]),
            ("ContractOfferCreated", &["nft_id", "rentee"]),
            ("ContractOfferRetracted", &["nft_id", "rentee"]),
            ("ContractEnded", &["nft_id", "revoked_by"]),
            ("ContractExpired", &["nft_id"]),
            ("ContractCanceled", &["nft_id"]),
        ],
    ),
];

/// Where they look for a pallet's calls.
const INDICES: [(&str, u8); 6] = [
    ("TechnicalCommittee", 17),
    ("Mandate", 19),
    ("Utility", 21),
    ("NFT", 29),
    ("Rent", 33),
    ("TEE", 34),
];

#[test]
fn pallets_have_their_names_and_indices() {
    let metadata = metadata();
    for (name, index) in INDICES {
        assert_eq!(pallet(&metadata, name).index, index, "{name}");
    }
    for name in ["Balances", "System"] {
        pallet(&metadata, name);
    }
}

#[test]
fn storage_and_constants_have_the_names_they_look_up() {
    let metadata = metadata();
    for (name, items) in STORAGE {
        let entries = &pallet(&metadata, name).storage.as_ref().unwrap().entries;
        for item in items {
            assert!(entries.iter().any(|entry| entry.name == *item), "{name}.{item}");
        }
    }
    for (name, items) in CONSTANTS {
        let constants = &pallet(&metadata, name).constants;
        for item in items {
            assert!(constants.iter().any(|constant| constant.name == *item), "{name}.{item}");
        }
    }
}

#[test]
fn calls_have_their_indices_and_their_arguments_in_the_order_they_give_them() {
    let metadata = metadata();
    for (name, calls) in
        [("NFT", &NFT_CALLS[..]), ("TEE", &TEE_CALLS[..]), ("Rent", &RENT_CALLS[..])]
    {
        let enumeration = pallet(&metadata, name).calls.as_ref().unwrap().ty.id;
        for (index, call, arguments) in calls {
            let arguments = arguments.iter().map(|name| (*name).to_owned()).collect();
            assert_eq!(variant(&metadata, enumeration, call), (*index, arguments), "{call}");
        }
    }
}

#[test]
fn events_have_their_fields_in_the_order_they_read_them() {
    let metadata = metadata();
    for (name, events) in EVENTS {
        let enumeration = pallet(&metadata, name).event.as_ref().unwrap().ty.id;
        for (event, fields) in events {
            assert_eq!(variant(&metadata, enumeration, event).1, *fields, "{event}");
        }
    }
}

#[test]
fn records_have_the_fields_they_read() {
    let metadata = metadata();
    for (name, item, fields) in [
        (
            "NFT",
            "Nfts",
            &["owner", "creator", "offchain_data", "collection_id", "royalty", "state"][..],
        ),
        ("TEE", "ClusterData", &["enclaves", "cluster_type"]),
        ("TEE", "EnclaveData", &["enclave_address", "api_uri"]),
        (
            "Rent",
            "Contracts",
            &[
                "start_block",
                "renter",
                "rentee",
                "duration",
                "acceptance_type",
                "renter_can_revoke",
                "rent_fee",
                "renter_cancellation_fee",
                "rentee_cancellation_fee",
                "creation_block",
            ],
        ),
    ] {
        let entries = &pallet(&metadata, name).storage.as_ref().unwrap().entries;
        let entry = entries.iter().find(|entry| entry.name == item).unwrap();
        let frame_metadata::v14::StorageEntryType::Map { value, .. } = &entry.ty else {
            panic!("{item} is not a map");
        };
        let scale_info::TypeDef::Composite(record) =
            &metadata.types.resolve(value.id).unwrap().type_def
        else {
            panic!("{item} holds no record");
        };
        let names: Vec<_> =
            record.fields.iter().map(|field| field.name.as_deref().unwrap_or_default()).collect();
        assert_eq!(names, fields, "{item}");
    }
}

/// The type of a record's field.
fn field_type(metadata: &RuntimeMetadataV14, record: u32, field: &str) -> u32 {
    let scale_info::TypeDef::Composite(record) = &metadata.types.resolve(record).unwrap().type_def
    else {
        panic!("not a record");
    };
    let field = record.fields.iter().find(|found| found.name.as_deref() == Some(field));
    field.expect("the field is there").ty.id
}

/// The type of the values of a map.
fn values_of(metadata: &RuntimeMetadataV14, name: &str, item: &str) -> u32 {
    let entries = &pallet(metadata, name).storage.as_ref().unwrap().entries;
    let entry = entries.iter().find(|entry| entry.name == item).unwrap();
    match &entry.ty {
        frame_metadata::v14::StorageEntryType::Map { value, .. } => value.id,
        frame_metadata::v14::StorageEntryType::Plain(_) => panic!("{item} is not a map"),
    }
}

#[test]
fn flags_of_nfts_have_their_names_and_order() {
    let metadata = metadata();
    let state = field_type(&metadata, values_of(&metadata, "NFT", "Nfts"), "state");
    let scale_info::TypeDef::Composite(state) = &metadata.types.resolve(state).unwrap().type_def
    else {
        panic!("not a record");
    };
    let flags: Vec<_> = state.fields.iter().filter_map(|flag| flag.name.as_deref()).collect();
    assert_eq!(
        flags,
        [
            "is_capsule",
            "is_listed",
            "is_secret",
            "is_delegated",
            "is_soulbound",
            "is_syncing_secret",
            "is_rented",
            "is_syncing_capsule",
            "is_transmission",
        ]
    );
}

#[test]
fn types_of_clusters_are_plain_variants() {
    let metadata = metadata();
    let cluster_type =
        field_type(&metadata, values_of(&metadata, "TEE", "ClusterData"), "cluster_type");
    for (index, name) in ["Disabled", "Admin", "Public", "Private"].into_iter().enumerate() {
        assert_eq!(variant(&metadata, cluster_type, name), (index as u8, vec![]));
    }
}

#[test]
fn pallets_of_the_sdk_tell_what_they_read() {
    let metadata = metadata();
    let event = |name: &str, event: &str| {
        let events = pallet(&metadata, name).event.as_ref().unwrap().ty.id;
        variant(&metadata, events, event).1
    };
    for name in ["Withdraw", "Deposit"] {
        assert_eq!(event("Balances", name)[..2], ["who", "amount"], "{name}");
    }
    assert_eq!(event("Balances", "Transfer")[..3], ["from", "to", "amount"]);
    assert_eq!(event("Balances", "Endowed")[0], "account");
    assert_eq!(event("System", "ExtrinsicSuccess"), ["dispatch_info"]);
    assert_eq!(event("System", "ExtrinsicFailed"), ["dispatch_error", "dispatch_info"]);

    let arguments = |name: &str, call: &str| {
        let calls = pallet(&metadata, name).calls.as_ref().unwrap().ty.id;
        variant(&metadata, calls, call).1
    };
    assert_eq!(arguments("Balances", "transfer_keep_alive"), ["dest", "value"]);
    for call in ["batch", "batch_all", "force_batch"] {
        assert_eq!(arguments("Utility", call), ["calls"]);
    }
}
