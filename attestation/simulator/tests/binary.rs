// SPDX-License-Identifier: Apache-2.0
//! The program.

mod common;

use std::{
    io::{BufRead, BufReader, Read},
    process::{Child, Command, Output, Stdio},
};

use common::{enclave, ISSUED, REPORT_DATA};
use tee_simulator::{Authority, CollateralFault, CollateralOptions, QuoteFault};

const PROGRAM: &str = env!("CARGO_BIN_EXE_tee-simulator");

fn run(arguments: &[&str]) -> Output {
    Command::new(PROGRAM).args(arguments).output().unwrap()
}

fn printed(arguments: &[&str]) -> String {
    let output = run(arguments);
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// Ended however the test ends.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test]
async fn the_pccs_says_where_it_listens_and_ends_when_told_to() {
    for signal in ["INT", "TERM"] {
        let child = Command::new(PROGRAM)
            .args(["pccs", "--listen", "127.0.0.1:0", "--validity", "60", "--revoke", "3"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut server = Server(child);
        let mut line = String::new();
        BufReader::new(server.0.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let url = line.trim_end().strip_prefix("listening on ").unwrap();
        let path = format!("{url}/sgx/certification/v4/rootcacrl");
        let client = tee_tls::builder(&tee_tls::Trust::Nobody).unwrap().build().unwrap();
        let crl = client.get(path).send().await.unwrap().text().await.unwrap();
        assert!(hex::decode(crl).is_ok());

        let id = server.0.id().to_string();
        assert!(Command::new("kill").args(["-s", signal, &id]).status().unwrap().success());
        assert!(server.0.wait().unwrap().success());
        let mut log = String::new();
        server.0.stderr.take().unwrap().read_to_string(&mut log).unwrap();
        assert!(log.contains("for development only"), "{log}");
    }
}

#[test]
fn a_taken_address_is_an_error() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let output = run(&["pccs", "--listen", &address]);
    assert!(!output.status.success());
    assert!(String::from_utf8(output.stderr).unwrap().contains("cannot listen"));
}

#[test]
fn the_root_is_written_as_der() {
    let authority = Authority::development();
    assert_eq!(run(&["root"]).stdout, authority.root_der());
    let path = std::env::temp_dir().join(format!("tee-simulator-{}.der", std::process::id()));
    printed(&["root", "--out", path.to_str().unwrap()]);
    let written = std::fs::read(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    assert_eq!(written, authority.root_der());
}

#[test]
fn quotes_are_those_of_the_library() {
    let machine = Authority::development().machine(5);
    let (mr_enclave, mr_signer) = (hex::encode([0xe1; 32]), hex::encode([0x51; 32]));
    let report_data = hex::encode(REPORT_DATA);
    let mut arguments = vec!["quote", "--machine", "5", "--mr-enclave", &mr_enclave];
    arguments.extend(["--mr-signer", &mr_signer, "--report-data", &report_data]);
    arguments.extend(["--isv-prod-id", "7", "--isv-svn", "3"]);
    let quote = hex::decode(printed(&arguments).trim_end()).unwrap();
    assert_eq!(quote, machine.quote(&enclave(), &REPORT_DATA));
    arguments.extend(["--fault", "Debug"]);
    let quote = hex::decode(printed(&arguments).trim_end()).unwrap();
    assert_eq!(quote, machine.faulty_quote(&enclave(), &REPORT_DATA, QuoteFault::Debug));
    assert_eq!(printed(&["quote", "--fault", "list"]).lines().count(), QuoteFault::ALL.len());
    assert!(!run(&["quote", "--fault", "none"]).status.success());
    assert!(!run(&["quote", "--status", "Fine"]).status.success());
    assert!(!run(&["quote", "--mr-enclave", "00"]).status.success());
}

#[test]
fn collateral_is_that_of_the_library() {
    let (authority, options) = (Authority::development(), CollateralOptions::new(ISSUED));
    let issued = ISSUED.to_string();
    let json = printed(&["collateral", "--issued", &issued]);
    assert_eq!(json.trim_end(), authority.collateral(&options).to_json());
    let json = printed(&["collateral", "--issued", &issued, "--fault", "PckRevoked"]);
    let faulty = authority.faulty_collateral(&options, CollateralFault::PckRevoked);
    assert_eq!(json.trim_end(), faulty.to_json());
    let list = printed(&["collateral", "--fault", "list"]);
    assert_eq!(list.lines().count(), CollateralFault::ALL.len());
}
