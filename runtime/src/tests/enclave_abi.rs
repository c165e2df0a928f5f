// SPDX-License-Identifier: Apache-2.0
//! What enclaves have compiled in is what the runtime does.

use codec::DecodeAll;
use tee_primitives::{
    abi,
    attestation::collateral::PckCa,
    keyshare::{KeyshareConfirmation, KeyshareKind},
};

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
            abi::storage::confirmations(7, SECRET, 1, 2),
            pallet_tee::Confirmations::<Runtime>::hashed_key_for((7, SECRET, 1), 2),
        ),
        (abi::storage::delegated_nft(7), pallet_nft::DelegatedNFTs::<Runtime>::hashed_key_for(7)),
        (abi::storage::rent_contract(7), pallet_rent::Contracts::<Runtime>::hashed_key_for(7)),
        (abi::storage::sync_count(), pallet_tee::SyncCount::<Runtime>::hashed_key().to_vec()),
        (abi::storage::sync_log(7), pallet_tee::SyncLog::<Runtime>::hashed_key_for(7)),
        (
            abi::storage::metrics_servers(),
            pallet_tee::MetricsServers::<Runtime>::hashed_key().to_vec(),
        ),
        (abi::storage::enclave_abi(), pallet_tee::EnclaveAbi::<Runtime>::hashed_key().to_vec()),
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
        (
            abi::storage::migration(&raw),
            pallet_tee::Migrations::<Runtime>::hashed_key_for(&operator),
        ),
        (
            abi::storage::disabled_cluster(2),
            pallet_tee::DisabledClusters::<Runtime>::hashed_key_for(2),
        ),
        (
            abi::storage::next_cluster_id(),
            pallet_tee::NextClusterId::<Runtime>::hashed_key().to_vec(),
        ),
        (abi::storage::cluster_data(2), pallet_tee::ClusterData::<Runtime>::hashed_key_for(2)),
        (
            abi::storage::enclave_registration(&raw),
            pallet_tee::EnclaveRegistrations::<Runtime>::hashed_key_for(&operator),
        ),
        (
            abi::storage::enclave_update(&raw),
            pallet_tee::EnclaveUpdates::<Runtime>::hashed_key_for(&operator),
        ),
        (abi::storage::account(&raw), frame_system::Account::<Runtime>::hashed_key_for(&operator)),
        (
            abi::storage::last_runtime_upgrade(),
            frame_system::LastRuntimeUpgrade::<Runtime>::hashed_key().to_vec(),
        ),
        (
            abi::storage::grandpa_authorities(),
            pallet_grandpa::Authorities::<Runtime>::hashed_key().to_vec(),
        ),
        (abi::storage::now(), pallet_timestamp::Now::<Runtime>::hashed_key().to_vec()),
        (
            abi::storage::attestation_root(),
            pallet_attestation::Root::<Runtime>::hashed_key().to_vec(),
        ),
        (
            abi::storage::attestation(&raw),
            pallet_attestation::Attestations::<Runtime>::hashed_key_for(&operator),
        ),
        (
            abi::storage::allowed_measurement(&[7; 32]),
            pallet_attestation::AllowedMeasurements::<Runtime>::hashed_key_for([7; 32]),
        ),
        (
            abi::storage::banned_platform(&[7; 32]),
            pallet_attestation::BannedPlatforms::<Runtime>::hashed_key_for([7; 32]),
        ),
        (abi::storage::tcb_policy(), pallet_attestation::Policy::<Runtime>::hashed_key().to_vec()),
        (abi::storage::root_crl(), pallet_attestation::RootCrl::<Runtime>::hashed_key().to_vec()),
        (
            abi::storage::pck_crl(PckCa::Platform),
            pallet_attestation::PckCrls::<Runtime>::hashed_key_for(PckCa::Platform),
        ),
        (
            abi::storage::tcb_info(&[7; 6]),
            pallet_attestation::TcbInfos::<Runtime>::hashed_key_for([7; 6]),
        ),
        (
            abi::storage::qe_identity(),
            pallet_attestation::QeIdentity::<Runtime>::hashed_key().to_vec(),
        ),
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
    use tee_primitives::{cluster, keyshare, nft, rent};

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
        let registered =
            read::<cluster::Enclave<Raw, Vec<u8>>>(abi::storage::enclave_registration(&raw));
        assert_eq!((registered.enclave_address, registered.api_uri), (raw_enclave, uri.clone()));
        attested::attest(&enclave, &account);
        assert_ok!(TEE::assign_enclave(root(), account, 0, 3));
        assert_eq!(read::<Raw>(abi::storage::enclave_account_operator(&raw_enclave)), raw);
        assert_eq!(read::<cluster::ClusterId>(abi::storage::enclave_cluster_id(&raw)), 0);
        let data = read::<cluster::Enclave<Raw, Vec<u8>>>(abi::storage::enclave_data(&raw));
        assert_eq!((data.enclave_address, data.api_uri), (raw_enclave, uri));
        let members =
            read::<cluster::Cluster<Vec<(Raw, cluster::SlotId)>>>(abi::storage::cluster_data(0));
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
        let slots =
            read::<keyshare::SlotConfirmations<Raw>>(abi::storage::confirmations(0, SECRET, 1, 0));
        let own = keyshare::SlotConfirmation {
            enclave: raw_enclave,
            split: [2; 16],
            commitment: [3; 32],
        };
        assert_eq!(slots, [None, None, None, Some(own), None]);

        for slot_id in [0, 1, 2, 4] {
            confirm_in_slot(slot_id, entry);
        }
        assert_eq!(read::<u64>(abi::storage::sync_count()), 1);
        let logged = read::<keyshare::SyncLogEntry>(abi::storage::sync_log(0));
        assert_eq!((logged.nft_id, logged.version, logged.cluster_id), (0, 1, 0));
        assert_eq!(read::<u32>(abi::storage::enclave_abi()), abi::ENCLAVE_ABI);
        assert_eq!(read::<cluster::ClusterId>(abi::storage::next_cluster_id()), 1);

        let server = |account: AccountId| cluster::MetricsServer {
            metrics_server_address: account,
            supported_cluster_type: cluster::ClusterType::Public,
        };
        for account in [Alice, Bob].map(|name| name.to_account_id()) {
            assert_ok!(TEE::register_metrics_server(root(), server(account)));
        }
        let servers = read::<Vec<cluster::MetricsServer<Raw>>>(abi::storage::metrics_servers());
        let accounts = servers.iter().map(|server| server.metrics_server_address);
        assert!(accounts.eq([Alice, Bob].map(|name| Raw::from(name.to_account_id()))));

        let owner = RuntimeOrigin::signed(Alice.to_account_id());
        let bob = Bob.to_account_id();
        assert_ok!(NFT::delegate_nft(owner.clone(), 0, Some(bob.clone().into())));
        assert_eq!(read::<Raw>(abi::storage::delegated_nft(0)), Raw::from(bob));
        assert_ok!(NFT::create_nft(
            owner.clone(),
            Default::default(),
            Default::default(),
            None,
            false
        ));
        let fee = rent::CancellationFee::FixedTokens(UNIT);
        assert_ok!(Rent::create_contract(
            owner,
            1,
            rent::Duration::Fixed(10),
            rent::AcceptanceType::AutoAcceptance(None),
            true,
            rent::RentFee::Tokens(5 * UNIT),
            fee,
            rent::CancellationFee::None,
        ));
        let contract =
            read::<rent::RentContractData<Raw, u128, Vec<Raw>>>(abi::storage::rent_contract(1));
        assert_eq!((contract.renter, contract.renter_cancellation_fee), (raw, fee));
    });
}

#[test]
fn the_finality_authorities_are_the_runtimes() {
    storage_of("local_testnet").execute_with(|| {
        let bytes = sp_io::storage::get(&abi::storage::grandpa_authorities()).unwrap();
        let stored = Vec::<([u8; 32], u64)>::decode_all(&mut &bytes[..]).unwrap();
        let expected = Grandpa::grandpa_authorities().into_iter();
        let expected = expected.map(|(id, weight)| (id.into_inner().0, weight));
        assert!(stored.into_iter().eq(expected));
        // Enclaves compute the genesis block's hash under this version's rules.
        assert_eq!(VERSION.system_version, 1);
    });
}

#[test]
fn what_enclaves_sign_is_a_transaction_of_the_runtime_without_a_tip() {
    use abi::extrinsic::{Binding, ERA_BLOCKS};
    use sp_runtime::{
        generic::{Era, Preamble},
        traits::Checkable,
    };

    // A call that is signed as it is, and one that is signed as its hash.
    let calls = [RuntimeCall::System(frame_system::Call::remark { remark: vec![] }), {
        let remark = vec![7; 300];
        RuntimeCall::System(frame_system::Call::remark { remark })
    }];
    let pair = Alice.pair();
    let account: tee_primitives::RawAccountId = Alice.to_account_id().into();
    development().execute_with(|| {
        for (call, number) in calls.into_iter().zip([70u32, 128]) {
            let [genesis, made_at] = [[1; 32], [2; 32]];
            frame_system::BlockHash::<Runtime>::insert(0, Hash::from(genesis));
            frame_system::BlockHash::<Runtime>::insert(number, Hash::from(made_at));
            System::set_block_number(number + ERA_BLOCKS - 1);
            let binding = Binding {
                genesis_hash: genesis,
                spec_version: VERSION.spec_version,
                transaction_version: VERSION.transaction_version,
                made_at: (number, made_at),
                nonce: 300,
            };
            let encoded = call.encode();
            let signature = pair.sign(&binding.payload(&encoded)).0;
            let bytes = binding.transaction(&encoded, &account, &signature);
            let decoded = UncheckedExtrinsic::decode_all(&mut &bytes[..]).unwrap();
            assert_eq!(decoded.function, call);
            let Preamble::Signed(_, _, extension) = &decoded.preamble else {
                panic!("it is not signed");
            };
            assert_eq!(extension.4 .0, Era::mortal(ERA_BLOCKS.into(), number.into()));
            assert_eq!((extension.5 .0, extension.7.tip()), (300, 0));
            let lookup = frame_system::ChainContext::<Runtime>::default();
            assert!(decoded.clone().check(&lookup).is_ok());
            // Bound to all of it.
            for other in [
                Binding { genesis_hash: [3; 32], ..binding },
                Binding { spec_version: 0, ..binding },
                Binding { transaction_version: 0, ..binding },
                Binding { made_at: (number, [3; 32]), ..binding },
                Binding { nonce: 301, ..binding },
            ] {
                let signature = pair.sign(&other.payload(&encoded)).0;
                let bytes = binding.transaction(&encoded, &account, &signature);
                let decoded = UncheckedExtrinsic::decode_all(&mut &bytes[..]).unwrap();
                assert!(decoded.check(&lookup).is_err());
            }
        }
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

/// Registers an enclave in a slot of cluster 0 and lets it confirm.
fn confirm_in_slot(slot_id: u32, entry: KeyshareConfirmation) {
    let [operator, enclave] = [1u8, 2].map(|role| AccountId::from([role * 16 + slot_id as u8; 32]));
    assert_ok!(Balances::force_set_balance(
        RuntimeOrigin::root(),
        operator.clone().into(),
        1_000_000 * UNIT
    ));
    let uri = b"https://enclave.example".to_vec().try_into().unwrap();
    assert_ok!(TEE::register_enclave(
        RuntimeOrigin::signed(operator.clone()),
        enclave.clone(),
        uri
    ));
    attested::attest(&enclave, &operator);
    assert_ok!(TEE::assign_enclave(RuntimeOrigin::root(), operator, 0, slot_id));
    let batch = vec![entry].try_into().unwrap();
    assert_ok!(TEE::confirm_keyshares(RuntimeOrigin::signed(enclave), batch));
}

#[test]
fn the_completion_call_is_the_runtimes() {
    let operator = Alice.to_account_id();
    let bytes = abi::calls::complete_update(&operator.clone().into(), 7);
    let expected = RuntimeCall::TEE(pallet_tee::Call::complete_update {
        operator_address: operator,
        cursor: 7,
    });
    assert_eq!(RuntimeCall::decode(&mut &bytes[..]), Ok(expected));
}
