// SPDX-License-Identifier: Apache-2.0
//! The program for machines with SGX, as it is built.

use std::{fs, path::Path, process::Command};

use tee_simulator::{authority::ROOT_NAME, Authority, DEVELOPMENT_SEED};

const PROGRAM: &str = env!("CARGO_BIN_EXE_tee-enclave");

#[test]
fn outside_of_sgx_it_ends_with_code_2_and_says_why() {
    if Path::new(tee_enclave::gramine::FOLDER).exists() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let output = Command::new(PROGRAM)
        .args(["--rpc-url", "ws://127.0.0.1:1", "--chain-spec", "none", "--data-dir"])
        .arg(&data)
        .args(["--operator", "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8(output.stderr).unwrap();
    let reason = "error: the platform failed: there is no /dev/attestation/attestation_type: this \
                  program runs only inside SGX, under gramine-sgx";
    assert!(said.contains(reason), "{said}");
    assert!(output.stdout.is_empty() && !data.exists());
}

#[test]
fn nothing_of_the_development_root_is_in_it() {
    let program = fs::read(PROGRAM).unwrap();
    let has = |bytes: &[u8]| program.windows(bytes.len()).any(|window| window == bytes);
    let root = Authority::development();
    assert!(!has(&DEVELOPMENT_SEED));
    assert!(!has(ROOT_NAME.as_bytes()));
    assert!(!has(&root.root_secret()));
    assert!(!has(&root.root_public()));
    assert!(!has(root.root_der()));
    // The search finds what is there.
    assert!(has(tee_dcap::INTEL_ROOT_CA));
}
