// SPDX-License-Identifier: Apache-2.0
//! Contracts that hold across crates: what enclaves have compiled in, what published clients
//! expect of a block, what the presets promise, and what no majority can do.

use codec::{Decode, DecodeAll, Encode};
use frame_metadata::{v14::RuntimeMetadataV14, RuntimeMetadata, RuntimeMetadataPrefixed};
use frame_support::{
    assert_noop, assert_ok,
    traits::{Contains, Get},
};
use sp_core::Pair;
use sp_keyring::Sr25519Keyring::{Alice, Bob, Charlie, Dave};
use sp_runtime::{
    generic::Preamble,
    traits::{Dispatchable, Hash as _, TransactionExtension},
    transaction_validity::{InvalidTransaction, TransactionSource},
    BuildStorage,
};
use tee_primitives::{
    abi,
    keyshare::{KeyshareConfirmation, KeyshareKind},
};

use crate::{
    mandate_filter::Mandatable,
    timing::{self, Periods},
    *,
};

fn storage_of(preset: &str) -> sp_io::TestExternalities {
    let json = presets::get_preset(&preset.into()).unwrap();
    let defaults = serde_json::to_value(RuntimeGenesisConfig::default()).unwrap();
    let patch: serde_json::Value = serde_json::from_slice(&json).unwrap();
    let mut merged = defaults;
    merge(&mut merged, patch);
    let genesis: RuntimeGenesisConfig = serde_json::from_value(merged).unwrap();
    let mut externalities = sp_io::TestExternalities::new(genesis.build_storage().unwrap());
    externalities.execute_with(|| System::set_block_number(1));
    externalities
}

fn merge(into: &mut serde_json::Value, patch: serde_json::Value) {
    match (into, patch) {
        (serde_json::Value::Object(into), serde_json::Value::Object(patch)) => {
            for (key, value) in patch {
                merge(into.entry(key).or_insert(serde_json::Value::Null), value);
            }
        }
        (into, patch) => *into = patch,
    }
}

fn development() -> sp_io::TestExternalities {
    storage_of("development")
}

mod what_enclaves_have_compiled_in {
    use super::*;

    const SECRET: KeyshareKind = KeyshareKind::Secret;

    #[test]
    fn storage_keys_are_the_runtimes() {
        let operator = Alice.to_account_id();
        let raw: tee_primitives::RawAccountId = operator.clone().into();
        let pairs = [
            (abi::storage::next_nft_id(), pallet_nft::NextNFTId::<Runtime>::hashed_key().to_vec()),
            (abi::storage::nft(7), pallet_nft::Nfts::<Runtime>::hashed_key_for(7)),
            (
                abi::storage::keyshares(7, SECRET),
                pallet_tee::Keyshares::<Runtime>::hashed_key_for(7, SECRET),
            ),
            (
                abi::storage::confirmation(7, SECRET, 1, 2, 3),
                pallet_tee::Confirmations::<Runtime>::hashed_key_for((7, SECRET, 1), (2, 3)),
            ),
            (
                abi::storage::enclave_account_operator(&raw),
                pallet_tee::EnclaveAccountOperator::<Runtime>::hashed_key_for(&operator),
            ),
            (
                abi::storage::enclave_cluster_id(&raw),
                pallet_tee::EnclaveClusterId::<Runtime>::hashed_key_for(&operator),
            ),
            (
                abi::storage::enclave_data(&raw),
                pallet_tee::EnclaveData::<Runtime>::hashed_key_for(&operator),
            ),
            (abi::storage::cluster_data(2), pallet_tee::ClusterData::<Runtime>::hashed_key_for(2)),
        ];
        for (compiled_in, of_runtime) in pairs {
            assert_eq!(compiled_in, of_runtime);
        }
    }

    /// What the runtime stored, as an enclave reads it: no byte may be left.
    fn read<T: DecodeAll>(key: Vec<u8>) -> T {
        let bytes = sp_io::storage::get(&key).expect("the runtime stores it");
        T::decode_all(&mut &bytes[..]).expect("it has the documented type")
    }

    #[test]
    fn value_types_are_the_runtimes() {
        type Raw = tee_primitives::RawAccountId;
        use tee_primitives::{cluster, keyshare, nft};

        development().execute_with(|| {
            let account = Alice.to_account_id();
            let raw: Raw = account.clone().into();
            assert_ok!(NFT::create_secret_nft(
                RuntimeOrigin::signed(account.clone()),
                b"public".to_vec().try_into().unwrap(),
                b"secret".to_vec().try_into().unwrap(),
                sp_runtime::Permill::from_percent(7),
                None,
                true,
            ));
            assert_eq!(read::<nft::NftId>(abi::storage::next_nft_id()), 1);
            let stored = read::<nft::NftData<Raw, Vec<u8>>>(abi::storage::nft(0));
            assert_eq!((stored.owner, &stored.offchain_data[..]), (raw, &b"public"[..]));
            assert!(stored.state.is_secret && stored.state.is_syncing_secret);
            let status = read::<keyshare::KeyshareStatus>(abi::storage::keyshares(0, SECRET));
            assert_eq!(status.pending.map(|pending| pending.version), Some(1));

            let enclave = Bob.to_account_id();
            let raw_enclave: Raw = enclave.clone().into();
            let uri = b"https://enclave.example".to_vec();
            assert_ok!(TEE::register_enclave(
                RuntimeOrigin::signed(account.clone()),
                enclave.clone(),
                uri.clone().try_into().unwrap(),
            ));
            let root = RuntimeOrigin::root;
            assert_ok!(TEE::create_cluster(root(), cluster::ClusterType::Public));
            assert_ok!(TEE::assign_enclave(root(), account, 0, 3));
            assert_eq!(read::<Raw>(abi::storage::enclave_account_operator(&raw_enclave)), raw);
            assert_eq!(read::<cluster::ClusterId>(abi::storage::enclave_cluster_id(&raw)), 0);
            let data = read::<cluster::Enclave<Raw, Vec<u8>>>(abi::storage::enclave_data(&raw));
            assert_eq!((data.enclave_address, data.api_uri), (raw_enclave, uri));
            let members = read::<cluster::Cluster<Vec<(Raw, cluster::SlotId)>>>(
                abi::storage::cluster_data(0),
            );
            assert_eq!(members.enclaves, [(raw, 3)]);

            let entry = KeyshareConfirmation {
                nft_id: 0,
                kind: SECRET,
                version: 1,
                split: [2; 16],
                commitment: [3; 32],
            };
            assert_ok!(TEE::confirm_keyshares(
                RuntimeOrigin::signed(enclave),
                vec![entry].try_into().unwrap(),
            ));
            let shown = read::<keyshare::SlotConfirmation<Raw>>(abi::storage::confirmation(
                0, SECRET, 1, 0, 3,
            ));
            assert_eq!(
                (shown.enclave, shown.split, shown.commitment),
                (raw_enclave, [2; 16], [3; 32])
            );
        });
    }

    #[test]
    fn the_confirmation_call_is_the_runtimes() {
        let batch = [KeyshareConfirmation {
            nft_id: 7,
            kind: SECRET,
            version: 1,
            split: [2; 16],
            commitment: [3; 32],
        }];
        let bytes = abi::calls::confirm_keyshares(&batch);
        let expected = RuntimeCall::TEE(pallet_tee::Call::confirm_keyshares {
            batch: batch.to_vec().try_into().unwrap(),
        });
        assert_eq!(RuntimeCall::decode(&mut &bytes[..]), Ok(expected));
    }
}

mod what_published_clients_expect {
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
            let call: RuntimeCall = frame_system::Call::remark { remark: vec![] }.into();
            let extension = signed_extension(0);
            let implicit = extension.implicit().unwrap();
            let signature =
                Alice.pair().sign(&(call.clone(), extension.clone(), implicit).encode());
            let signed = UncheckedExtrinsic::new_signed(
                call,
                Alice.to_account_id().into(),
                signature.into(),
                extension,
            );
            assert_ok!(validate(signed));
        });
    }

    fn signed_extension(nonce: Nonce) -> TxExtension {
        (
            frame_system::CheckNonZeroSender::new(),
            frame_system::CheckSpecVersion::new(),
            frame_system::CheckTxVersion::new(),
            frame_system::CheckGenesis::new(),
            frame_system::CheckEra::from(sp_runtime::generic::Era::Immortal),
            frame_system::CheckNonce::from(nonce),
            frame_system::CheckWeight::new(),
            pallet_transaction_payment::ChargeTransactionPayment::from(0),
            frame_system::WeightReclaim::new(),
        )
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

    /// The fields of a variant of one of a pallet's enums, in order.
    fn fields(metadata: &RuntimeMetadataV14, enumeration: u32, variant: &str) -> Vec<String> {
        let scale_info::TypeDef::Variant(variants) =
            &metadata.types.resolve(enumeration).unwrap().type_def
        else {
            panic!("not an enum");
        };
        let variant = variants.variants.iter().find(|v| v.name == variant);
        let variant = variant.unwrap_or_else(|| panic!("there is no such variant"));
        variant.fields.iter().map(|field| field.name.clone().unwrap_or_default()).collect()
    }

    #[test]
    fn names_are_those_they_look_up() {
        let metadata = metadata();
        for (pallet, items) in [
            (
                "NFT",
                &["NextNFTId", "Nfts", "NftMintFee", "SecretNftMintFee", "SecretNftsOffchainData"]
                    [..],
            ),
            ("TEE", &["NextClusterId", "ClusterData", "EnclaveData"]),
            ("System", &["Account"]),
        ] {
            let pallet = metadata.pallets.iter().find(|p| p.name == pallet).unwrap();
            let entries = &pallet.storage.as_ref().unwrap().entries;
            for item in items {
                assert!(entries.iter().any(|entry| entry.name == *item), "{item}");
            }
        }
        for pallet in ["TechnicalCommittee", "Mandate", "Utility", "Balances"] {
            assert!(metadata.pallets.iter().any(|p| p.name == pallet), "{pallet}");
        }
    }

    #[test]
    fn events_have_their_fields_in_the_order_they_read_them() {
        let metadata = metadata();
        let nft = metadata.pallets.iter().find(|pallet| pallet.name == "NFT").unwrap();
        let events = nft.event.as_ref().unwrap().ty.id;
        for (event, expected) in [
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
                ][..],
            ),
            ("SecretAddedToNFT", &["nft_id", "offchain_data"]),
            ("SecretNFTSynced", &["nft_id"]),
            ("NFTTransferred", &["nft_id", "sender", "recipient"]),
            ("NFTBurned", &["nft_id"]),
        ] {
            assert_eq!(fields(&metadata, events, event), expected, "{event}");
        }
    }

    #[test]
    fn calls_have_their_arguments_in_the_order_they_give_them() {
        let metadata = metadata();
        let calls = |pallet: &str| {
            let pallet = metadata.pallets.iter().find(|p| p.name == pallet).unwrap();
            pallet.calls.as_ref().unwrap().ty.id
        };
        assert_eq!(
            fields(&metadata, calls("NFT"), "create_secret_nft"),
            ["offchain_data", "secret_offchain_data", "royalty", "collection_id", "is_soulbound"]
        );
        assert_eq!(fields(&metadata, calls("NFT"), "transfer_nft"), ["nft_id", "recipient"]);
        assert_eq!(
            fields(&metadata, calls("TEE"), "register_enclave"),
            ["enclave_address", "api_uri"]
        );
    }
}

mod what_presets_promise {
    use super::*;

    #[test]
    fn development_has_one_validator_and_short_periods() {
        development().execute_with(|| {
            assert_eq!(Session::validators(), [Alice.to_account_id()]);
            assert_eq!(timing::SlotDuration::get(), 1_000);
            assert_eq!(timing::SessionLength::get(), 10);
            assert_eq!(timing::MotionDuration::get(), 30);
        });
    }

    #[test]
    fn local_testnet_has_four_validators() {
        storage_of("local_testnet").execute_with(|| {
            let expected = [Alice, Bob, Charlie, Dave].map(|who| who.to_account_id());
            assert_eq!(Session::validators(), expected);
        });
    }

    #[test]
    fn each_has_a_committee_of_three_with_funds() {
        for preset in presets::preset_names() {
            storage_of(preset.as_ref()).execute_with(|| {
                let members =
                    pallet_collective::Members::<Runtime, pallet_collective::Instance1>::get();
                assert_eq!(members.len(), 3);
                for member in members {
                    assert!(Balances::free_balance(&member) >= 1_000_000 * UNIT);
                }
            });
        }
    }

    #[test]
    fn a_network_without_preset_has_production_periods() {
        let storage = RuntimeGenesisConfig::default().build_storage().unwrap();
        sp_io::TestExternalities::new(storage).execute_with(|| {
            assert_eq!(timing::SlotDuration::get(), 6_000);
        });
        // Also where there is no storage at all.
        assert_eq!(timing::SessionLength::get(), Periods::default().session_length);
    }
}

mod what_no_majority_can_do {
    use super::*;

    fn forbidden() -> [RuntimeCall; 5] {
        [
            frame_system::Call::set_storage { items: vec![] }.into(),
            frame_system::Call::kill_storage { keys: vec![] }.into(),
            frame_system::Call::kill_prefix { prefix: vec![], subkeys: 0 }.into(),
            frame_system::Call::set_code_without_checks { code: vec![] }.into(),
            frame_system::Call::authorize_upgrade_without_checks { code_hash: Hash::zero() }.into(),
        ]
    }

    fn wrappers(call: &RuntimeCall) -> Vec<RuntimeCall> {
        let boxed = || Box::new(call.clone());
        let harmless: RuntimeCall = frame_system::Call::remark { remark: vec![] }.into();
        let root = Box::new(OriginCaller::system(frame_system::RawOrigin::Root));
        vec![
            pallet_utility::Call::batch { calls: vec![harmless.clone(), call.clone()] }.into(),
            pallet_utility::Call::batch_all { calls: vec![harmless.clone(), call.clone()] }.into(),
            pallet_utility::Call::force_batch { calls: vec![call.clone()] }.into(),
            pallet_utility::Call::as_derivative { index: 0, call: boxed() }.into(),
            pallet_utility::Call::dispatch_as { as_origin: root.clone(), call: boxed() }.into(),
            pallet_utility::Call::dispatch_as_fallible { as_origin: root, call: boxed() }.into(),
            pallet_utility::Call::with_weight { call: boxed(), weight: Default::default() }.into(),
            pallet_utility::Call::if_else { main: Box::new(harmless.clone()), fallback: boxed() }
                .into(),
            pallet_utility::Call::if_else { main: boxed(), fallback: Box::new(harmless) }.into(),
            pallet_mandate::Call::mandate { call: boxed() }.into(),
            pallet_collective::Call::<Runtime, pallet_collective::Instance1>::execute {
                proposal: boxed(),
                length_bound: 0,
            }
            .into(),
            pallet_collective::Call::<Runtime, pallet_collective::Instance1>::propose {
                threshold: 1,
                proposal: boxed(),
                length_bound: 0,
            }
            .into(),
        ]
    }

    #[test]
    fn forbidden_calls_are_refused_however_deeply_wrapped() {
        for call in forbidden() {
            assert!(!Mandatable::contains(&call));
            for wrapped in wrappers(&call) {
                assert!(!Mandatable::contains(&wrapped), "{wrapped:?}");
                for twice in wrappers(&wrapped) {
                    assert!(!Mandatable::contains(&twice), "{twice:?}");
                }
            }
        }
    }

    #[test]
    fn harmless_calls_pass_wrapped_or_not() {
        let call: RuntimeCall =
            frame_system::Call::authorize_upgrade { code_hash: Hash::zero() }.into();
        assert!(Mandatable::contains(&call));
        for wrapped in wrappers(&call) {
            assert!(Mandatable::contains(&wrapped), "{wrapped:?}");
        }
    }

    /// The origin of a motion that this many of the three members approved.
    fn approved_by(votes: u32) -> RuntimeOrigin {
        pallet_collective::RawOrigin::<AccountId, pallet_collective::Instance1>::Members(votes, 3)
            .into()
    }

    #[test]
    fn one_member_of_three_mandates_nothing() {
        development().execute_with(|| {
            let call: RuntimeCall = frame_system::Call::set_heap_pages { pages: 9 }.into();
            let mandate: RuntimeCall =
                pallet_mandate::Call::mandate { call: Box::new(call) }.into();
            assert!(mandate.clone().dispatch(approved_by(1)).is_err());
            assert_ok!(mandate.dispatch(approved_by(2)));
            System::assert_last_event(pallet_mandate::Event::RootOp { result: Ok(()) }.into());
        });
    }

    #[test]
    fn a_prime_member_cannot_vote_for_the_absent() {
        use pallet_collective::Instance1;

        development().execute_with(|| {
            let members = [Alice, Bob, Charlie].map(|member| member.to_account_id());
            let prime = members[0].clone();
            assert_ok!(TechnicalCommittee::set_members(
                RuntimeOrigin::root(),
                members.to_vec(),
                Some(prime.clone()),
                3
            ));
            let call: RuntimeCall = pallet_tee::Call::create_cluster {
                cluster_type: tee_primitives::cluster::ClusterType::Public,
            }
            .into();
            let length = call.encoded_size() as u32;
            let by = RuntimeOrigin::signed(prime);
            let hash = <Runtime as frame_system::Config>::Hashing::hash_of(&call);
            assert_ok!(TechnicalCommittee::propose(by.clone(), 2, Box::new(call), length));
            assert_ok!(TechnicalCommittee::vote(by.clone(), hash, 0, true));
            System::set_block_number(1 + timing::MotionDuration::get() + 1);
            let weight = frame_support::weights::Weight::MAX;
            assert_ok!(TechnicalCommittee::close(by, hash, 0, weight, length));
            System::assert_has_event(
                pallet_collective::Event::<Runtime, Instance1>::Disapproved { proposal_hash: hash }
                    .into(),
            );
        });
    }

    #[test]
    fn all_members_together_cannot_kill_storage() {
        development().execute_with(|| {
            let call: RuntimeCall =
                frame_system::Call::kill_prefix { prefix: vec![], subkeys: u32::MAX }.into();
            assert_noop!(
                Mandate::mandate(approved_by(3), Box::new(call)),
                pallet_mandate::Error::<Runtime>::CallNotAllowed
            );
        });
    }
}
