// SPDX-License-Identifier: Apache-2.0
//! What the fuzz targets check holds of the corpus that is committed, with real signatures.

mod common;

#[path = "../../fuzz/src/lib.rs"]
mod fuzz;

use std::{
    fs,
    path::{Path, PathBuf},
};

use common::{enclave, from_pem, quote_of, ISSUED, REPORT_DATA};
use tee_simulator::{
    Authority, Collateral, CollateralFault, CollateralOptions, Crl, Document, MachineOptions,
    PckCa, QuoteFault, TcbStatus,
};

/// Most bytes of the corpus.
const MOST: u64 = 300_000;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz")
}

/// The inputs of a target, with their names.
fn corpus(target: &str) -> Vec<(String, Vec<u8>)> {
    let mut all: Vec<_> = fs::read_dir(folder().join("corpus").join(target))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.display().to_string(), fs::read(path).unwrap()))
        .collect();
    all.sort();
    all
}

#[test]
fn nothing_in_the_corpus_of_quotes_breaks_a_rule() {
    let corpus = corpus("quote");
    assert!(corpus.len() > 20);
    for (name, input) in corpus {
        println!("{name}");
        fuzz::quote(&input);
    }
}

#[test]
fn nothing_in_the_corpus_of_collateral_breaks_a_rule() {
    let corpus = corpus("collateral");
    assert!(corpus.len() > 20);
    for (name, input) in corpus {
        println!("{name}");
        fuzz::collateral(&input);
    }
}

#[test]
fn the_corpus_is_small_and_has_the_seeds() {
    let mut size = 0;
    for (target, seeds) in [("quote", quote_seeds()), ("collateral", collateral_seeds())] {
        let corpus = corpus(target);
        size += corpus.iter().map(|(_, input)| input.len() as u64).sum::<u64>();
        for (name, seed) in seeds {
            assert!(corpus.iter().any(|(_, input)| *input == seed), "{target}: {name}");
        }
    }
    assert!(size < MOST, "{size}");
}

#[test]
fn inputs_are_judged_by_the_simulators_collateral() {
    write_if_asked();
    for (name, bytes) in fixtures() {
        assert!(fs::read(folder().join("collateral").join(name)).unwrap() == bytes, "{name}");
    }
}

/// Writes what the tests read, if `make contract` asks for it: the simulator has changed.
fn write_if_asked() {
    if std::env::var_os("TEE_WRITE_CONTRACT").is_none() {
        return;
    }
    for (name, bytes) in fixtures() {
        fs::write(folder().join("collateral").join(name), bytes).unwrap();
    }
    for (target, seeds) in [("quote", quote_seeds()), ("collateral", collateral_seeds())] {
        for (name, bytes) in seeds {
            fs::write(folder().join("corpus").join(target).join(name), bytes).unwrap();
        }
    }
}

fn authority() -> Authority {
    Authority::development()
}

fn options(ca: PckCa) -> CollateralOptions {
    CollateralOptions { ca, ..CollateralOptions::new(ISSUED) }
}

/// By what inputs are judged.
fn fixtures() -> Vec<(&'static str, Vec<u8>)> {
    let authority = authority();
    let processor = authority.collateral(&options(PckCa::Processor));
    let platform = authority.collateral(&options(PckCa::Platform));
    vec![
        ("root.der", authority.root_der().into()),
        ("root_crl.der", processor.root_crl),
        ("processor_crl.der", processor.pck_crl),
        ("processor_chain.pem", processor.pck_crl_issuer_chain.into()),
        ("platform_crl.der", platform.pck_crl),
        ("platform_chain.pem", platform.pck_crl_issuer_chain.into()),
        ("tcb_info.json", processor.tcb_info.into()),
        ("tcb_info.signature", processor.tcb_info_signature.into()),
        ("qe_identity.json", processor.qe_identity.into()),
        ("qe_identity.signature", processor.qe_identity_signature.into()),
        ("signer_chain.pem", processor.tcb_info_issuer_chain.into()),
        ("quote", quote_of(&authority.machine(0))),
    ]
}

/// A quote with its certificates in DER, and without the root, as the target also reads it.
fn with_der(quote: &[u8]) -> Vec<u8> {
    let (parts, chain) = quote.split_at(common::CERTIFICATION_TYPE + 6);
    [parts, &from_pem(chain)[..2].concat()].concat()
}

fn quote_seeds() -> Vec<(String, Vec<u8>)> {
    let authority = authority();
    let mut seeds = vec![("good".into(), quote_of(&authority.machine(0)))];
    for ca in [PckCa::Processor, PckCa::Platform] {
        let options = MachineOptions { ca, ..MachineOptions::default() };
        let quote = quote_of(&authority.machine_with(0, &options));
        seeds.push((format!("good-{}", ca.name()), with_der(&quote)));
    }
    for &status in &TcbStatus::ALL[1..] {
        let machine = authority.machine_with(1, &MachineOptions::with_status(status));
        seeds.push((format!("status-{}", status.name()), with_der(&quote_of(&machine))));
    }
    let machine = authority.machine(0);
    for fault in [
        QuoteFault::AuthDataEmpty,
        QuoteFault::CertificationPpid,
        QuoteFault::CertificationDataHuge,
        QuoteFault::ChainNotPem,
        QuoteFault::WithoutSignatureData,
    ] {
        let quote = machine.faulty_quote(&enclave(), &REPORT_DATA, fault);
        seeds.push((format!("fault-{fault:?}"), quote));
    }
    for fault in [
        QuoteFault::ConfigId,
        QuoteFault::OtherPceId,
        QuoteFault::PckByUnknownCa,
        QuoteFault::PckExpired,
        QuoteFault::PckMalformedExtension,
        QuoteFault::PckTwoExtensions,
        QuoteFault::QeRevoked,
        QuoteFault::VersionFour,
    ] {
        let quote = machine.faulty_quote(&enclave(), &REPORT_DATA, fault);
        seeds.push((format!("fault-{fault:?}"), with_der(&quote)));
    }
    seeds
}

/// Inputs of the target for collateral, with chains in PEM or DER.
fn inputs(collateral: &Collateral, is_der: bool) -> [(&'static str, Vec<u8>); 4] {
    let chain = |text: &str| {
        if is_der {
            // The root may come along, and need not.
            from_pem(text.as_bytes()).into_iter().next().unwrap_or_default()
        } else {
            text.into()
        }
    };
    let with_length = |bytes: &[u8]| [&(bytes.len() as u16).to_le_bytes()[..], bytes].concat();
    let kind = |kind: u8| vec![kind + 4 * u8::from(is_der)];
    let Collateral { pck_crl_issuer_chain, tcb_info_issuer_chain, .. } = collateral;
    let pck_crl = with_length(&collateral.pck_crl);
    let tcb_info = with_length(collateral.tcb_info.as_bytes());
    let qe_identity = with_length(collateral.qe_identity.as_bytes());
    let [tcb_signature, qe_signature] =
        [collateral.tcb_info_signature, collateral.qe_identity_signature].map(Vec::from);
    let qe_chain = chain(&collateral.qe_identity_issuer_chain);
    [
        ("root-crl", [kind(0), collateral.root_crl.clone()].concat()),
        ("pck-crl", [kind(1), pck_crl, chain(pck_crl_issuer_chain)].concat()),
        ("tcb-info", [kind(2), tcb_signature, tcb_info, chain(tcb_info_issuer_chain)].concat()),
        ("qe-identity", [kind(3), qe_signature, qe_identity, qe_chain].concat()),
    ]
}

fn collateral_seeds() -> Vec<(String, Vec<u8>)> {
    let authority = authority();
    let good = authority.collateral(&options(PckCa::Processor));
    let mut seeds = Vec::new();
    for (name, input) in inputs(&good, false) {
        seeds.push((format!("good-pem-{name}"), input));
    }
    for (name, input) in inputs(&good, true) {
        seeds.push((format!("good-der-{name}"), input));
    }
    let [_, platform, ..] = inputs(&authority.collateral(&options(PckCa::Platform)), true);
    seeds.push(("good-der-platform-crl".into(), platform.1));
    let mut revoking = options(PckCa::Processor);
    revoking.revoked_by_root = vec![authority.ca_serial(PckCa::Platform), [1; 20]];
    revoking.revoked_pck = (1..9).map(|number| authority.machine(number).serial()).collect();
    let [root, pck, ..] = inputs(&authority.collateral(&revoking), true);
    seeds.extend([("revoking-root-crl".into(), root.1), ("revoking-pck-crl".into(), pck.1)]);
    use CollateralFault::*;
    for (index, fault) in [
        (0, CrlWithoutNextUpdate(Crl::Root)),
        (0, RootRevoked),
        (1, CrlByWrongCa(Crl::Pck)),
        (1, PckRevoked),
        (2, ComponentSurplus),
        (2, KindOfTdx(Document::TcbInfo)),
        (2, NoLevels(Document::TcbInfo)),
        (2, SignerBelowPckCa(Document::TcbInfo)),
        (3, MissingField(Document::QeIdentity)),
        (3, NoLevels(Document::QeIdentity)),
        (3, QeStatus(TcbStatus::OutOfDate)),
        (3, SignerExpired(Document::QeIdentity)),
    ] {
        let faulty = authority.faulty_collateral(&options(PckCa::Processor), fault);
        let (name, input) = inputs(&faulty, true)[index].clone();
        let fault = format!("{fault:?}").replace(['(', ')'], "-");
        seeds.push((format!("fault-{name}-{}", fault.trim_end_matches('-')), input));
    }
    seeds
}
