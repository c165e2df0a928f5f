// SPDX-License-Identifier: Apache-2.0
//! Where tee-dcap refuses what dcap-qvl, the oracle, accepts: each case by itself. And the one in
//! which the oracle refuses what is right.

mod common;

use common::{
    der, enclave, form, from_pem, good_collateral, keys, oracle_under, ours, pem, quote_of,
    with_certification, with_chain, with_qe_identity, with_report, with_tcb_info, Stored, ISSUED,
    NOW, REPORT_DATA,
};
use dcap_qvl::QuoteCollateralV3;
use p256::ecdsa::SigningKey;
use tee_dcap::{Error, MAX_CHAIN_LEN, MAX_JSON_LEN};
use tee_primitives::attestation::tcb::TcbStatus as Status;
use tee_simulator::{
    layout::report, Authority, Collateral, CollateralFault, CollateralOptions, Crl, Document,
    Machine, MachineOptions, QuoteFault, TcbStatus,
};

/// Positions in what is signed of a certificate.
const ISSUER: usize = 3;
const VALIDITY: usize = 4;
const SUBJECT: usize = 5;

/// Positions in what is signed of a list, if nothing is revoked.
const LIST_ISSUER: usize = 2;
const LIST_EXTENSIONS: usize = 5;

fn authority() -> Authority {
    Authority::development()
}

fn machine() -> Machine {
    authority().machine(0)
}

fn good_quote() -> Vec<u8> {
    quote_of(&machine())
}

/// The oracle accepts, tee-dcap refuses.
fn only_ours_refuses(quote: &[u8], collateral: &Collateral, reason: Error) {
    let theirs = oracle_under(authority().root_der(), quote, &form(collateral), NOW);
    assert!(theirs.is_ok(), "{reason:?}: the oracle says {theirs:?}");
    assert_eq!(ours(quote, collateral, NOW).err(), Some(reason));
}

fn fault_of_quote(fault: QuoteFault, reason: Error) {
    let quote = machine().faulty_quote(&enclave(), &REPORT_DATA, fault);
    only_ours_refuses(&quote, &good_collateral(), reason);
}

fn fault_of_collateral(fault: CollateralFault, reason: Error) {
    let collateral = authority().faulty_collateral(&CollateralOptions::new(ISSUED), fault);
    only_ours_refuses(&good_quote(), &collateral, reason);
}

/// Replaces the last occurrence: of the lowest level, which the machine does not need.
fn replace_last(text: &str, from: &str, to: &str) -> String {
    let at = text.rfind(from).unwrap();
    [&text[..at], to, &text[at + from.len()..]].concat()
}

/// A quote of machine 0 with another SGX extension in its certificate.
fn with_extension(change: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let [leaf, ca, root] = machine().chain_der();
    let leaf = der::changed(&leaf, &keys::processor_ca(), |parts| {
        let list = parts.last_mut().unwrap();
        let inner = der::content(list).to_vec();
        let mut extensions: Vec<_> =
            der::elements(der::content(&inner)).into_iter().map(<[u8]>::to_vec).collect();
        let sgx = extensions.last_mut().unwrap();
        let [oid, octets] = der::elements(der::content(sgx))[..] else {
            panic!("the SGX extension is not critical")
        };
        let mut content = der::content(der::content(octets)).to_vec();
        change(&mut content);
        let octets = der::element(4, &der::element(der::SEQUENCE, &content));
        *sgx = der::element(der::SEQUENCE, &[oid, &octets].concat());
        *list = der::element(0xa3, &der::element(der::SEQUENCE, &extensions.concat()));
    });
    with_chain(&good_quote(), &[&leaf, &ca, &root])
}

#[test]
fn bytes_behind_a_quote_are_refused() {
    fault_of_quote(QuoteFault::TrailingByte, Error::QuoteLengthWrong);
    fault_of_quote(QuoteFault::TrailingByteInside, Error::QuoteLengthWrong);
}

#[test]
fn certification_data_other_than_a_chain_are_refused_also_with_a_chain_beside_them() {
    let (quote, collateral) = (good_quote(), good_collateral());
    let chain = machine().chain_der();
    let chain = pem(&chain.each_ref().map(Vec::as_slice));
    let beside = QuoteCollateralV3 {
        pck_certificate_chain: Some(String::from_utf8(chain.clone()).unwrap()),
        ..form(&collateral)
    };
    for kind in [0, 1, 2, 3, 4, 6, 7, 256, 65_535] {
        let quote = with_certification(&quote, kind, &chain);
        let theirs = oracle_under(authority().root_der(), &quote, &beside, NOW);
        assert!(theirs.is_ok(), "{theirs:?}");
        assert_eq!(ours(&quote, &collateral, NOW), Err(Error::CertificationDataUnsupported));
    }
}

#[test]
fn an_enclave_with_keys_of_intels_enclaves_is_refused() {
    fault_of_quote(QuoteFault::ProvisionKey, Error::ProvisioningEnclave);
    fault_of_quote(QuoteFault::EinittokenKey, Error::ProvisioningEnclave);
}

#[test]
fn an_enclave_that_is_not_initialized_or_not_64_bit_is_refused() {
    fault_of_quote(QuoteFault::NotInitialised, Error::EnclaveAttributesInvalid);
    for flags in [0x00, 0x01, 0x04] {
        let quote = with_report(&good_quote(), report::FLAGS, &[flags]);
        only_ours_refuses(&quote, &good_collateral(), Error::EnclaveAttributesInvalid);
    }
}

#[test]
fn an_enclave_with_what_its_measurement_does_not_tell_is_refused() {
    fault_of_quote(QuoteFault::MiscSelect, Error::EnclaveReportUnexpected);
    fault_of_quote(QuoteFault::ConfigId, Error::EnclaveReportUnexpected);
    fault_of_quote(QuoteFault::ReservedByte, Error::EnclaveReportUnexpected);
    let reserved = [
        (report::MISC_SELECT, report::FLAGS),
        (report::RESERVED_2, report::MR_SIGNER),
        (report::RESERVED_3, report::ISV_PROD_ID),
        (report::CONFIG_SVN, report::REPORT_DATA),
    ];
    let (quote, collateral) = (good_quote(), good_collateral());
    for place in reserved.into_iter().flat_map(|(start, end)| start..end) {
        let quote = with_report(&quote, place, &[1]);
        assert_eq!(ours(&quote, &collateral, NOW), Err(Error::EnclaveReportUnexpected), "{place}");
    }
    // Everything else may be as it likes.
    let quote = with_report(&quote, report::XFRM, &[0xff; 8]);
    let quote = with_report(&quote, report::CPU_SVN, &[0xff; 16]);
    assert!(ours(&quote, &collateral, NOW).is_ok());
}

#[test]
fn a_quoting_enclave_that_reports_more_than_the_key_is_refused() {
    fault_of_quote(QuoteFault::QeReportTail, Error::QeReportDataMismatch);
}

#[test]
fn a_platform_that_the_root_certified_itself_is_refused() {
    fault_of_quote(QuoteFault::PckByRoot, Error::PckIssuerWrong);
}

#[test]
fn a_chain_of_another_shape_is_refused() {
    let [leaf, ca, root] = machine().chain_der();
    let (quote, collateral) = (good_quote(), good_collateral());
    let chains: [&[&[u8]]; 4] = [
        &[&leaf, &root, &ca],
        &[&leaf, &ca, &root, &root],
        &[&leaf, &ca, &ca, &root],
        &[&leaf, &ca, &root, &ca, &root],
    ];
    for chain in chains {
        let quote = with_chain(&quote, chain);
        only_ours_refuses(&quote, &collateral, Error::CertificateChainUntrusted);
    }
    let [signer, root] = &from_pem(collateral.tcb_info_issuer_chain.as_bytes())[..] else {
        panic!("a chain of two")
    };
    let chain = String::from_utf8(pem(&[signer, root, root])).unwrap();
    let tcb_info = Collateral { tcb_info_issuer_chain: chain.clone(), ..collateral.clone() };
    only_ours_refuses(&quote, &tcb_info, Error::CertificateChainUntrusted);
    let qe_identity = Collateral { qe_identity_issuer_chain: chain, ..collateral };
    only_ours_refuses(&quote, &qe_identity, Error::CertificateChainUntrusted);
}

#[test]
fn a_chain_with_much_text_is_refused() {
    let mut collateral = good_collateral();
    collateral.tcb_info_issuer_chain.push_str(&"\n".repeat(MAX_CHAIN_LEN as usize));
    only_ours_refuses(&good_quote(), &collateral, Error::CertificateChainTooLong);
    let [leaf, ca, root] = machine().chain_der();
    let mut chain = pem(&[&leaf, &ca, &root]);
    chain.resize(MAX_CHAIN_LEN as usize + 1, b'\n');
    let quote = with_certification(&good_quote(), 5, &chain);
    only_ours_refuses(&quote, &good_collateral(), Error::CertificateChainTooLong);
}

#[test]
fn a_certificate_with_a_long_or_negative_serial_number_is_refused() {
    let [leaf, ca, root] = machine().chain_der();
    for (serial, is_refused) in
        [(vec![0x7f; 20], false), (vec![0x7f; 21], true), (vec![0x80], true)]
    {
        let leaf = der::changed(&leaf, &keys::processor_ca(), |parts| {
            parts[1] = der::element(2, &serial);
        });
        let quote = with_chain(&good_quote(), &[&leaf, &ca, &root]);
        let theirs = oracle_under(authority().root_der(), &quote, &form(&good_collateral()), NOW);
        assert!(theirs.is_ok(), "{serial:?}: {theirs:?}");
        let expected = is_refused.then_some(Error::CertificateMalformed);
        assert_eq!(ours(&quote, &good_collateral(), NOW).err(), expected);
    }
}

#[test]
fn a_root_with_a_negative_serial_number_is_refused() {
    let authority = authority();
    let root =
        der::changed(authority.root_der(), &keys::root(), |parts| parts[1] = vec![2, 1, 0x80]);
    let collateral = good_collateral();
    assert!(oracle_under(&root, &good_quote(), &form(&collateral), NOW).is_ok());
    assert_eq!(Stored::new(&root, &collateral, NOW).err(), Some(Error::RootMalformed));
}

#[test]
fn a_root_out_of_its_time_is_refused() {
    let authority = authority();
    let times = ["200101000000Z", "251231235959Z"].map(|time| der::element(0x17, time.as_bytes()));
    let root = der::changed(authority.root_der(), &keys::root(), |parts| {
        parts[VALIDITY] = der::element(der::SEQUENCE, &times.concat());
    });
    let collateral = good_collateral();
    assert!(oracle_under(&root, &good_quote(), &form(&collateral), NOW).is_ok());
    assert_eq!(Stored::new(&root, &collateral, NOW).err(), Some(Error::CertificateExpired));
    let stored = Stored::new(authority.root_der(), &collateral, NOW).unwrap();
    assert_eq!(stored.judge(&root, &good_quote(), NOW), Err(Error::CertificateExpired));
}

#[test]
fn a_platform_without_a_name_of_16_bytes_is_refused() {
    fault_of_quote(QuoteFault::PckPpidLength, Error::SgxExtensionMalformed);
}

#[test]
fn a_platform_that_contradicts_itself_is_refused() {
    // The first component's SVN is not that of CPUSVN, which the oracle reads.
    let quote = with_extension(|content| {
        let component = [0x06, 0x0b, 0x2a, 0x86, 0x48, 0x86, 0xf8, 0x4d, 0x01, 0x0d, 0x01, 2, 1];
        let at = content.windows(component.len()).position(|bytes| bytes == component).unwrap();
        content[at + component.len() + 2] += 1;
    });
    only_ours_refuses(&quote, &good_collateral(), Error::SgxExtensionMalformed);
    // A part comes twice. The oracle takes the first.
    let quote = with_extension(|content| {
        let twice = der::elements(content)[0].to_vec();
        content.extend(twice);
    });
    only_ours_refuses(&quote, &good_collateral(), Error::SgxExtensionMalformed);
}

#[test]
fn another_provisioning_enclave_is_refused() {
    fault_of_quote(QuoteFault::OtherPceId, Error::PceIdMismatch);
    fault_of_collateral(CollateralFault::OtherPceId, Error::PceIdMismatch);
}

#[test]
fn tcb_levels_of_another_version_are_refused() {
    let fault = CollateralFault::VersionTooHigh(Document::TcbInfo);
    fault_of_collateral(fault, Error::CollateralKindUnsupported);
    let older = with_tcb_info(|json| json.replacen("\"version\":3", "\"version\":2", 1));
    only_ours_refuses(&good_quote(), &older, Error::CollateralKindUnsupported);
}

#[test]
fn tcb_levels_that_are_compared_in_another_way_are_refused() {
    fault_of_collateral(CollateralFault::UnknownTcbType, Error::CollateralKindUnsupported);
}

#[test]
fn a_level_that_is_not_reached_must_be_right_too() {
    let malformed = |collateral: &Collateral| {
        only_ours_refuses(&good_quote(), collateral, Error::CollateralMalformed);
    };
    // A status of TDX, and one that a quoting enclave cannot have.
    malformed(&with_tcb_info(|json| replace_last(json, "Revoked", "TDRelaunchAdvised")));
    malformed(&with_qe_identity(|json| replace_last(json, "Revoked", "SWHardeningNeeded")));
    let hardening = TcbStatus::ConfigurationAndSwHardeningNeeded.name();
    malformed(&with_qe_identity(|json| replace_last(json, "Revoked", hardening)));
    // A date that is none.
    malformed(&with_tcb_info(|json| replace_last(json, "\"tcbDate\":\"2", "\"tcbDate\":\"?")));
    malformed(&with_qe_identity(|json| replace_last(json, "\"tcbDate\":\"2", "\"tcbDate\":\"?")));
    // 15 or 17 components.
    malformed(&with_tcb_info(|json| replace_last(json, ",{\"svn\":0}]", "]")));
    malformed(&with_tcb_info(|json| {
        replace_last(json, "}],\"pcesvn\"", "},{\"svn\":0}],\"pcesvn\"")
    }));
    // What the oracle does not read.
    malformed(&with_tcb_info(|json| json.replacen("\"pceId\":\"0000\"", "\"pceId\":\"000G\"", 1)));
}

#[test]
fn too_many_levels_or_advisories_are_refused() {
    let good = CollateralOptions::new(ISSUED);
    let refused = |options: &CollateralOptions| {
        let collateral = authority().collateral(options);
        only_ours_refuses(&good_quote(), &collateral, Error::CollateralTooLarge);
    };
    let levels = good.levels.iter().cycle().take(65).cloned().collect();
    refused(&CollateralOptions { levels, ..good.clone() });
    let qe_levels = good.qe_levels.iter().cycle().take(65).cloned().collect();
    refused(&CollateralOptions { qe_levels, ..good.clone() });
    let mut options = good;
    options.levels[7].advisories = vec!["A".repeat(33)];
    refused(&options);
    options.levels[7].advisories = (0..65).map(|number| format!("A-{number}")).collect();
    refused(&options);
}

#[test]
fn a_long_document_is_refused() {
    let spaces = " ".repeat(MAX_JSON_LEN as usize);
    let long = with_tcb_info(|json| format!("{json}{spaces}"));
    only_ours_refuses(&good_quote(), &long, Error::CollateralTooLarge);
    let long = with_qe_identity(|json| format!("{json}{spaces}"));
    only_ours_refuses(&good_quote(), &long, Error::CollateralTooLarge);
}

#[test]
fn a_list_that_is_not_valid_yet_is_refused() {
    fault_of_collateral(CollateralFault::CrlNotYetValid(Crl::Root), Error::CrlNotYetValid);
    fault_of_collateral(CollateralFault::CrlNotYetValid(Crl::Pck), Error::CrlNotYetValid);
}

#[test]
fn a_list_with_too_many_entries_is_refused() {
    let revoked_by_root = (0..3_300_u32)
        .map(|number| {
            let mut serial = [1; 20];
            serial[4..8].copy_from_slice(&number.to_be_bytes());
            serial
        })
        .collect();
    let options = CollateralOptions { revoked_by_root, ..CollateralOptions::new(ISSUED) };
    only_ours_refuses(&good_quote(), &authority().collateral(&options), Error::CrlMalformed);
}

#[test]
fn a_list_without_a_number_is_refused() {
    let good = good_collateral();
    let without = |list: &[u8], key: SigningKey| {
        der::changed(list, &key, |parts| {
            let extensions = der::content(der::content(&parts[LIST_EXTENSIONS])).to_vec();
            let rest = der::elements(&extensions)[1];
            let rest = der::element(der::SEQUENCE, rest);
            parts[LIST_EXTENSIONS] = der::element(0xa0, &rest);
        })
    };
    let root_crl = without(&good.root_crl, keys::root());
    let collateral = Collateral { root_crl, ..good.clone() };
    only_ours_refuses(&good_quote(), &collateral, Error::CrlMalformed);
    let pck_crl = without(&good.pck_crl, keys::processor_ca());
    let collateral = Collateral { pck_crl, ..good };
    only_ours_refuses(&good_quote(), &collateral, Error::CrlMalformed);
}

#[test]
fn a_list_about_some_certificates_only_is_refused() {
    let good = good_collateral();
    // IssuingDistributionPoint { distributionPoint: fullName: the URI that certificates name }.
    let [leaf, ..] = machine().chain_der();
    let uri = b"https://pccs.tip500.invalid/sgx/certification/v4/pckcrl?ca=processor&encoding=der";
    assert!(leaf.windows(uri.len()).any(|bytes| bytes == uri));
    let name = der::element(0xa0, &der::element(0x86, uri));
    let point = der::element(der::SEQUENCE, &der::element(0xa0, &name));
    let extension = [&[6, 3, 0x55, 0x1d, 28, 1, 1, 0xff][..], &der::element(4, &point)].concat();
    let pck_crl = der::changed(&good.pck_crl, &keys::processor_ca(), |parts| {
        let mut extensions = der::content(der::content(&parts[LIST_EXTENSIONS])).to_vec();
        extensions.extend(der::element(der::SEQUENCE, &extension));
        parts[LIST_EXTENSIONS] = der::element(0xa0, &der::element(der::SEQUENCE, &extensions));
    });
    let collateral = Collateral { pck_crl, ..good };
    only_ours_refuses(&good_quote(), &collateral, Error::CrlMalformed);
}

#[test]
fn the_authority_of_a_list_must_be_shown() {
    fault_of_collateral(CollateralFault::CrlChainEmpty, Error::CertificateMalformed);
    let good = good_collateral();
    let shown = |chain: &str, reason| {
        let collateral = Collateral { pck_crl_issuer_chain: chain.into(), ..good.clone() };
        only_ours_refuses(&good_quote(), &collateral, reason);
    };
    shown("no certificate", Error::CertificateMalformed);
    shown(&good.tcb_info_issuer_chain, Error::CrlIssuerUnknown);
    // The other authority's.
    let options =
        CollateralOptions { ca: tee_simulator::PckCa::Platform, ..CollateralOptions::new(ISSUED) };
    let other = authority().collateral(&options);
    shown(&other.pck_crl_issuer_chain, Error::CrlSignatureInvalid);
}

#[test]
fn an_authority_that_is_none_for_platforms_is_refused() {
    // Below the root, with a list of its own, but with another name.
    let fault = QuoteFault::PckByUnknownCa;
    let quote = machine().faulty_quote(&enclave(), &REPORT_DATA, fault);
    let chain = dcap_qvl::quote::Quote::parse(&quote).unwrap();
    let chain = from_pem(chain.raw_cert_chain().unwrap());
    let part = |certificate: &[u8], index: usize| {
        let to_be_signed = der::elements(der::content(certificate))[0];
        der::elements(der::content(to_be_signed))[index].to_vec()
    };
    let (name, key) = (part(&chain[1], SUBJECT), keys::key("TIP500 DEV SGX PCK Other CA"));
    assert_eq!(part(&chain[0], ISSUER), name);
    let good = good_collateral();
    let pck_crl = der::changed(&good.pck_crl, &key, |parts| parts[LIST_ISSUER] = name);
    let pck_crl_issuer_chain = String::from_utf8(pem(&[&chain[1], &chain[2]])).unwrap();
    let collateral = Collateral { pck_crl, pck_crl_issuer_chain, ..good };
    only_ours_refuses(&quote, &collateral, Error::CrlIssuerUnknown);
}

#[test]
fn a_high_provisioning_svn_is_read_although_the_oracle_cannot() {
    // DER needs a third byte for the sign of numbers above 32,767.
    for pce_svn in [32_767, 32_768, 65_535] {
        let options = MachineOptions { pce_svn, ..MachineOptions::default() };
        let quote = quote_of(&authority().machine_with(0, &options));
        let verdict = ours(&quote, &good_collateral(), NOW).unwrap();
        assert_eq!(verdict.tcb.status, Status::UpToDate);
        let theirs = oracle_under(authority().root_der(), &quote, &form(&good_collateral()), NOW);
        assert_eq!(theirs.is_ok(), pce_svn == 32_767, "{theirs:?}");
    }
}
