// SPDX-License-Identifier: Apache-2.0
//! The bytes: layout, comparison with Intel's sample, and that they stay the same.

mod common;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

use common::{enclave, ISSUED, REPORT_DATA};
use dcap_qvl::quote::Quote;
use serde_json::Value;
use sp_crypto_hashing::sha2_256;
use tee_simulator::{
    layout::{self, report},
    Authority, CollateralOptions, PckCa, DEVELOPMENT_SEED, QE_MRENCLAVE, QE_MRSIGNER,
};
use x509_cert::{
    certificate::Certificate,
    crl::CertificateList,
    der::{oid::ObjectIdentifier, Decode, Encode, Tagged},
};

/// What dcap-qvl publishes with its source: a real quote, and collateral for it.
fn intel_sample(file: &str) -> Vec<u8> {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    let folder = FOLDER.get_or_init(|| {
        let output = Command::new(env!("CARGO"))
            .args(["metadata", "--format-version", "1", "--offline", "--manifest-path"])
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"))
            .output()
            .unwrap();
        let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
        let packages = metadata["packages"].as_array().unwrap();
        let package = packages.iter().find(|package| package["name"] == "dcap-qvl").unwrap();
        Path::new(package["manifest_path"].as_str().unwrap()).with_file_name("sample")
    });
    fs::read(folder.join(file)).unwrap()
}

fn u16_at(quote: &[u8], offset: usize) -> u16 {
    u16::from_le_bytes(quote[offset..offset + 2].try_into().unwrap())
}

fn u32_at(quote: &[u8], offset: usize) -> u32 {
    u32::from_le_bytes(quote[offset..offset + 4].try_into().unwrap())
}

/// What real and simulated quotes have in common, by the layout alone.
fn assert_shape(quote: &[u8]) {
    assert_eq!(u16_at(quote, layout::VERSION), 3);
    assert_eq!(u16_at(quote, layout::KEY_TYPE), 2);
    assert_eq!(u32_at(quote, layout::TEE_TYPE), 0);
    assert_eq!(hex::encode(&quote[12..28]), "939a7233f79c4ca9940a0db3957f0607");
    let qe_report = layout::QE_REPORT;
    assert_eq!(u16_at(quote, layout::QE_SVN), u16_at(quote, qe_report + report::ISV_SVN));
    assert_eq!(u32_at(quote, 432) as usize, quote.len() - 436);
    assert_eq!(u16_at(quote, layout::REPORT + report::FLAGS), 0x05);
    assert_eq!(u16_at(quote, qe_report + report::FLAGS), 0x15);
    assert_eq!(u16_at(quote, qe_report + report::ISV_PROD_ID), 1);
    let key = &quote[layout::ATTESTATION_KEY..qe_report];
    let auth_data: Vec<u8> = (0..32).collect();
    let auth = layout::AUTH_DATA_LEN;
    assert_eq!(u16_at(quote, auth), 32);
    assert_eq!(quote[auth + 2..auth + 34], auth_data);
    let hash = sha2_256(&[key, auth_data.as_slice()].concat());
    let data = qe_report + report::REPORT_DATA;
    assert_eq!(quote[data..data + 32], hash);
    assert_eq!(quote[data + 32..data + 64], [0; 32]);
    assert_eq!(u16_at(quote, auth + 34), 5);
    assert_eq!(u32_at(quote, auth + 36) as usize, quote.len() - (auth + 40));
    let chain = std::str::from_utf8(&quote[auth + 40..]).unwrap();
    assert_eq!(chain.matches("-----BEGIN CERTIFICATE-----\n").count(), 3);
    assert!(chain.ends_with("-----END CERTIFICATE-----\n\0"));
    for line in chain.lines() {
        assert!(line.len() <= 64);
    }
}

#[test]
fn a_quote_has_the_layout_of_a_real_one() {
    assert_shape(&intel_sample("sgx_quote"));
    for number in 0..3 {
        assert_shape(&Authority::development().machine(number).quote(&enclave(), &REPORT_DATA));
    }
}

#[test]
fn fields_of_a_quote_are_at_intels_offsets() {
    let quote = Authority::development().machine(0).quote(&enclave(), &REPORT_DATA);
    let real = intel_sample("sgx_quote").len();
    assert!(quote.len().abs_diff(real) < 50, "{} bytes", quote.len());
    assert_eq!(quote[112..144], [0xe1; 32]);
    assert_eq!(quote[176..208], [0x51; 32]);
    assert_eq!((u16_at(&quote, 304), u16_at(&quote, 306)), (7, 3));
    assert_eq!(quote[368..432], REPORT_DATA);
    assert_eq!(quote[564 + 64..564 + 96], QE_MRENCLAVE);
    assert_eq!(quote[564 + 128..564 + 160], QE_MRSIGNER);
    // All that a verifier may demand to be zero.
    let report = &quote[layout::REPORT..layout::SIGNED_LEN];
    for zeros in [16..48, 96..128, 160..256, 260..320] {
        assert!(report[zeros.clone()].iter().all(|&byte| byte == 0), "{zeros:?}");
    }
}

#[test]
fn a_published_parser_reads_and_writes_the_same_bytes() {
    use codec::Encode as _;
    for quote in [
        intel_sample("sgx_quote"),
        Authority::development().machine(0).quote(&enclave(), &REPORT_DATA),
    ] {
        assert_eq!(Quote::parse(&quote).unwrap().encode(), quote);
    }
}

/// Names, extensions, their order and whether they are critical.
fn shape(certificate: &[u8]) -> Vec<String> {
    let certificate = Certificate::from_der(certificate).unwrap();
    let tbs = certificate.tbs_certificate();
    let mut shape: Vec<String> = tbs
        .issuer()
        .iter()
        .chain(tbs.subject().iter())
        .map(|part| format!("{} {:?}", part.oid, part.value.tag()))
        .collect();
    for extension in tbs.extensions().unwrap() {
        shape.push(format!("{} {}", extension.extn_id, extension.critical));
    }
    shape
}

fn extension(certificate: &[u8], oid: &str) -> Vec<u8> {
    let oid = ObjectIdentifier::new(oid).unwrap();
    let certificate = Certificate::from_der(certificate).unwrap();
    let mut found = certificate.tbs_certificate().extensions().unwrap().iter();
    found.find(|extension| extension.extn_id == oid).unwrap().extn_value.as_bytes().to_vec()
}

/// Tags, and the values of object identifiers.
fn der_shape(der: &[u8]) -> Vec<String> {
    let mut shape = Vec::new();
    let mut rest = der;
    while let [tag, short, ..] = *rest {
        let (header, len) = match short {
            0x81 => (3, rest[2] as usize),
            0x82 => (4, usize::from(rest[2]) << 8 | usize::from(rest[3])),
            _ => (2, short as usize),
        };
        let (content, after) = rest[header..].split_at(len);
        match tag {
            0x30 => shape.extend(der_shape(content)),
            0x06 => shape.push(hex::encode(content)),
            _ => shape.push(format!("{tag}")),
        }
        rest = after;
    }
    shape
}

fn pem_chain(pem: &[u8]) -> Vec<Vec<u8>> {
    let pem = std::str::from_utf8(pem).unwrap().trim_end_matches('\0');
    let chain = Certificate::load_pem_chain(pem.as_bytes()).unwrap();
    chain.iter().map(|certificate| certificate.to_der().unwrap()).collect()
}

#[test]
fn certificates_have_the_shape_of_intels() {
    let chain = |quote: &[u8]| pem_chain(Quote::parse(quote).unwrap().raw_cert_chain().unwrap());
    let real = chain(&intel_sample("sgx_quote"));
    let ours = chain(&Authority::development().machine(0).quote(&enclave(), &REPORT_DATA));
    assert_eq!((real.len(), ours.len()), (3, 3));
    for (real, ours) in real.iter().zip(&ours) {
        assert_eq!(shape(real), shape(ours));
        for same in ["2.5.29.15", "2.5.29.19"] {
            assert_eq!(extension(real, same), extension(ours, same));
        }
    }
    let sgx = "1.2.840.113741.1.13.1";
    assert_eq!(der_shape(&extension(&real[0], sgx)), der_shape(&extension(&ours[0], sgx)));

    let sample: Value = serde_json::from_slice(&intel_sample("sgx_quote_collateral.json")).unwrap();
    let collateral = Authority::development().collateral(&CollateralOptions::new(ISSUED));
    for (field, ours) in [
        ("tcb_info_issuer_chain", &collateral.tcb_info_issuer_chain),
        ("qe_identity_issuer_chain", &collateral.qe_identity_issuer_chain),
        ("pck_crl_issuer_chain", &collateral.pck_crl_issuer_chain),
    ] {
        let real = pem_chain(sample[field].as_str().unwrap().as_bytes());
        let ours = pem_chain(ours.as_bytes());
        assert_eq!(ours.len(), 2);
        for (real, ours) in real.iter().zip(&ours) {
            assert_eq!(shape(real), shape(ours), "{field}");
            assert_eq!(extension(real, "2.5.29.15"), extension(ours, "2.5.29.15"));
            // A CA or TCB signer has its key identifier as serial number.
            let certificate = Certificate::from_der(ours).unwrap();
            let serial = certificate.tbs_certificate().serial_number().as_bytes().to_vec();
            let identifier = extension(ours, "2.5.29.14")[2..].to_vec();
            assert_eq!(serial[serial.len() - 20..], identifier);
        }
    }
}

#[test]
fn crls_have_the_shape_of_intels() {
    let sample: Value = serde_json::from_slice(&intel_sample("sgx_quote_collateral.json")).unwrap();
    let authority = Authority::development();
    for ca in [PckCa::Processor, PckCa::Platform] {
        let options = CollateralOptions { ca, ..CollateralOptions::new(ISSUED) };
        let ours = authority.collateral(&options);
        let issuer = pem_chain(ours.pck_crl_issuer_chain.as_bytes());
        for (real, ours, issuer) in
            [("pck_crl", &ours.pck_crl, &issuer[0]), ("root_ca_crl", &ours.root_crl, &issuer[1])]
        {
            let real = hex::decode(sample[real].as_str().unwrap()).unwrap();
            let real: CertificateList = CertificateList::from_der(&real).unwrap();
            let ours: CertificateList = CertificateList::from_der(ours).unwrap();
            let (real, ours) = (real.tbs_cert_list, ours.tbs_cert_list);
            assert_eq!((real.version, &real.signature), (ours.version, &ours.signature));
            assert!(real.revoked_certificates.is_none() && ours.revoked_certificates.is_none());
            let of = |list: &Vec<x509_cert::ext::Extension>| -> Vec<_> {
                list.iter().map(|extension| (extension.extn_id, extension.critical)).collect()
            };
            let (real, extensions) = (real.crl_extensions.unwrap(), ours.crl_extensions.unwrap());
            assert_eq!(of(&real), of(&extensions));
            // The authority's key identifier is that of the CA.
            let authority = extensions[1].extn_value.as_bytes();
            let subject = extension(issuer, "2.5.29.14");
            assert_eq!(authority[authority.len() - 20..], subject[subject.len() - 20..]);
        }
    }
}

/// Names of fields in the order in which they first come.
fn fields(json: &str) -> Vec<&str> {
    let mut fields = Vec::new();
    for (at, _) in json.match_indices("\":") {
        let name = &json[json[..at].rfind('"').unwrap() + 1..at];
        if !fields.contains(&name) {
            fields.push(name);
        }
    }
    fields
}

#[test]
fn documents_have_intels_fields_in_intels_order() {
    let sample: Value = serde_json::from_slice(&intel_sample("sgx_quote_collateral.json")).unwrap();
    let ours = Authority::development().collateral(&CollateralOptions::new(ISSUED));
    for (name, ours) in [("tcb_info", &ours.tcb_info), ("qe_identity", &ours.qe_identity)] {
        let mut ours = fields(ours);
        // Newer TCB infos say what a component is.
        ours.retain(|field| !["category", "type"].contains(field));
        assert_eq!(ours, fields(sample[name].as_str().unwrap()));
    }
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    let bytes = |seed| {
        let authority = Authority::from_seed(seed);
        let quote = authority.machine(7).quote(&enclave(), &REPORT_DATA);
        let collateral = authority.collateral(&CollateralOptions::new(ISSUED));
        (authority.root_der().to_vec(), quote, collateral)
    };
    assert_eq!(bytes(DEVELOPMENT_SEED), bytes(DEVELOPMENT_SEED));
    assert_ne!(bytes(DEVELOPMENT_SEED), bytes([0; 32]));
}

/// Other parts may keep these bytes: a change here changes what they trust.
#[test]
fn the_bytes_are_those_of_earlier_versions() {
    let authority = Authority::development();
    let quote = authority.machine(0).quote(&enclave(), &REPORT_DATA);
    let collateral = authority.collateral(&CollateralOptions::new(ISSUED)).to_json();
    let hash = |bytes: &[u8]| hex::encode(sha2_256(bytes));
    assert_eq!(
        hash(authority.root_der()),
        "5ee1421ba0d0209edb945235c026948ee65ffd75e1e88062a8cccd4631b9f4f8"
    );
    assert_eq!(hash(&quote), "42a53be962ecede14346ccd1f396d72e25944e563cd9fb8af03e98b0178cc325");
    assert_eq!(
        hash(collateral.as_bytes()),
        "9a7d026fa779f9c094a4235ede755e3eef469304fc5172d6d8b9bfabd66f04c3"
    );
}

#[test]
fn machines_differ() {
    let authority = Authority::development();
    let machines: Vec<_> = (0..32).map(|number| authority.machine(number)).collect();
    for (number, machine) in machines.iter().enumerate() {
        for other in &machines[..number] {
            assert_ne!(machine.ppid(), other.ppid());
            assert_ne!(machine.serial(), other.serial());
        }
    }
    // Both encodings of serial numbers occur: with and without a zero in front.
    assert!(machines.iter().any(|machine| machine.serial()[0] >= 0x80));
    assert!(machines.iter().any(|machine| machine.serial()[0] < 0x80));
}
