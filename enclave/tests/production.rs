// SPDX-License-Identifier: Apache-2.0
//! The program for machines with SGX, as it is built.

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

use tee_simulator::{authority::ROOT_NAME, Authority, DEVELOPMENT_SEED};

const PROGRAM: &str = env!("CARGO_BIN_EXE_tee-enclave");
const OPERATOR: &str = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY";

fn run(arguments: &[&str], environment: &[(&str, &str)]) -> (Option<i32>, String, String) {
    let Output { status, stdout, stderr } =
        Command::new(PROGRAM).args(arguments).envs(environment.iter().copied()).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code(), text(stdout), text(stderr))
}

#[test]
fn outside_of_sgx_it_ends_with_code_2_and_says_why() {
    if Path::new(tee_enclave::gramine::FOLDER).exists() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let variable = data.to_str().unwrap();
    let (code, stdout, stderr) = run(&[], &[("TEE_ENCLAVE_DATA_DIR", variable)]);
    assert_eq!(code, Some(2));
    let reason = "error: the platform failed: there is no /dev/attestation/attestation_type: this \
                  program runs only inside SGX, under gramine-sgx";
    assert!(stderr.contains(reason), "{stderr}");
    assert!(stdout.is_empty() && !data.exists());
}

#[test]
fn it_takes_no_flags() {
    for flag in ["--data-dir=x", "--chain-spec=x", "--rpc-url=ws://127.0.0.1:1", "--config=x"] {
        let (code, stdout, stderr) = run(&[flag], &[]);
        assert_eq!((code, stdout.as_str()), (Some(2), ""));
        assert!(stderr.contains("unexpected argument"), "{stderr}");
    }
}

#[test]
fn it_prints_what_a_file_means_whatever_the_environment_says() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.toml");
    let text = format!("operator = '{OPERATOR}'\nrpc_url = 'wss://user:secret@node.example'\n");
    fs::write(&path, text).unwrap();
    let argument = format!("--print-config={}", path.display());
    let environment = [
        ("TEE_ENCLAVE_LISTEN", "127.0.0.1:1"),
        ("TEE_ENCLAVE_LOG_LEVEL", "debug"),
        ("TEE_ENCLAVE_PCCS_URL", "http://secret.example"),
        ("TEE_ENCLAVE_DATA_DIR", "/secret"),
    ];
    let (code, stdout, stderr) = run(&[&argument], &environment);
    assert_eq!((code, stderr.as_str()), (Some(0), ""));
    assert!(!stdout.contains("secret") && !stdout.contains("debug"), "{stdout}");
    for line in [
        "listen = \"0.0.0.0:8443\" # default",
        "rpc_url = \"wss://***@node.example\" # file",
        "data_dir = \"/data\" # default",
        "# pccs_url is not set",
    ] {
        assert!(stdout.lines().any(|shown| shown == line), "{line}: {stdout}");
    }
    fs::write(&path, "chain_spec = '/data/mine.json'").unwrap();
    let (code, stdout, stderr) = run(&[&argument], &[]);
    assert_eq!((code, stdout.as_str()), (Some(2), ""));
    assert!(stderr.ends_with("config.toml: unknown key `chain_spec`\n"), "{stderr}");
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
