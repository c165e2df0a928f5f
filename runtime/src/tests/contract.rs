// SPDX-License-Identifier: Apache-2.0
//! The runtime's metadata is what is committed in `runtime/contract`. What differs there is a change
//! that clients or enclaves see. `make contract` writes the files anew.

use std::{fs, path::PathBuf};

use frame_metadata::{v14::RuntimeMetadataV14, RuntimeMetadata, RuntimeMetadataPrefixed};
use tee_primitives::abi::ENCLAVE_ABI;

use super::{metadata_text::Text, *};

/// Set by `make contract`.
const WRITE: &str = "TEE_WRITE_CONTRACT";

/// By pallet: what `tee_primitives::abi::storage` leads to.
const ENCLAVE_STORAGE: [(&str, &[&str]); 7] = [
    (
        "Attestation",
        &[
            "Root",
            "Attestations",
            "AllowedMeasurements",
            "BannedPlatforms",
            "Policy",
            "RootCrl",
            "PckCrls",
            "TcbInfos",
            "QeIdentity",
        ],
    ),
    ("Grandpa", &["Authorities"]),
    ("NFT", &["NextNFTId", "Nfts", "DelegatedNFTs"]),
    ("Rent", &["Contracts"]),
    ("System", &["Account", "LastRuntimeUpgrade"]),
    (
        "TEE",
        &[
            "Keyshares",
            "Confirmations",
            "SyncCount",
            "SyncLog",
            "MetricsServers",
            "EnclaveAbi",
            "EnclaveAccountOperator",
            "EnclaveRegistrations",
            "EnclaveUpdates",
            "Migrations",
            "NextClusterId",
            "DisabledClusters",
            "EnclaveClusterId",
            "EnclaveData",
            "ClusterData",
        ],
    ),
    ("Timestamp", &["Now"]),
];

/// By pallet: the calls of `tee_primitives::abi::calls`.
const ENCLAVE_CALLS: [(&str, &[&str]); 2] = [
    ("Attestation", &["attest", "submit_collateral"]),
    ("TEE", &["confirm_keyshares", "complete_update"]),
];

fn metadata() -> RuntimeMetadataV14 {
    let bytes = Runtime::metadata_at_version(14).expect("version 14 is served");
    match RuntimeMetadataPrefixed::decode(&mut &bytes[..]).unwrap().1 {
        RuntimeMetadata::V14(metadata) => metadata,
        _ => panic!("another version than asked for"),
    }
}

/// A file of the repository, from its root.
pub fn file(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

/// Compares a text with a committed file, or writes the file if that is what is asked for.
pub fn assert_committed(path: &str, text: &str) {
    let file = file(path);
    if std::env::var_os(WRITE).is_some() {
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        return fs::write(file, text).unwrap();
    }
    let committed = fs::read_to_string(&file).unwrap_or_default();
    let difference = committed
        .lines()
        .zip(text.lines())
        .position(|(committed, now)| committed != now)
        .unwrap_or_else(|| committed.lines().count().min(text.lines().count()));
    assert!(
        committed == text,
        "{path} differs from line {} on:\n  committed: {}\n  now:       {}\nIf that is meant, \
         `make contract` writes it anew.",
        difference + 1,
        committed.lines().nth(difference).unwrap_or_default(),
        text.lines().nth(difference).unwrap_or_default(),
    );
}

#[test]
fn the_metadata_is_the_committed_one() {
    assert_committed("runtime/contract/metadata.txt", &Text::new(&metadata()).runtime());
}

/// A change here needs another [`ENCLAVE_ABI`], and with it another file: enclaves have all this
/// compiled in.
#[test]
fn what_enclaves_use_is_unchanged_since_its_version() {
    let part = Text::new(&metadata()).part(&ENCLAVE_STORAGE, &ENCLAVE_CALLS);
    let path = format!("runtime/contract/enclave-abi-{ENCLAVE_ABI}.txt");
    if !file(&path).exists() {
        return assert_committed(&path, &part);
    }
    let committed = fs::read_to_string(file(&path)).unwrap();
    assert!(
        committed == part,
        "what enclaves have compiled in has changed: raise ENCLAVE_ABI, and `make contract` writes \
         the file of the new number"
    );
}

/// So that nothing is read or called that the lists above do not have.
#[test]
fn the_lists_of_what_enclaves_use_are_complete() {
    let source = fs::read_to_string(file("primitives/src/abi.rs")).unwrap();
    let (storage, calls) = source.split_once("pub mod calls").unwrap();
    let count = |text: &str| text.matches("\n    pub fn ").count();
    let listed =
        |list: &[(&str, &[&str])]| list.iter().map(|(_, names)| names.len()).sum::<usize>();
    assert_eq!(count(storage), listed(&ENCLAVE_STORAGE));
    assert_eq!(count(calls), listed(&ENCLAVE_CALLS));
}
