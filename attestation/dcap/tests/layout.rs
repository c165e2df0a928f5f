// SPDX-License-Identifier: Apache-2.0
//! The layout of quotes: how long one is, and that none is read beyond its end.

mod common;

use common::{enclave, quote_of, REPORT_DATA};
use tee_dcap::{quote_len, Error, Quote};
use tee_primitives::attestation::collateral::PckCa;
use tee_simulator::{layout, Authority, MachineOptions, QuoteFault};

fn good_quote() -> Vec<u8> {
    quote_of(&Authority::development().machine(0))
}

#[test]
fn a_quote_says_how_long_it_is() {
    let quote = good_quote();
    assert_eq!(quote_len(&quote), Some(quote.len()));
    // With something behind it.
    let longer = [&quote[..], &[0; 100]].concat();
    assert_eq!(quote_len(&longer), Some(quote.len()));
    assert!(Quote::parse(&longer[..quote.len()]).is_ok());
    for length in 0..quote.len() {
        assert_eq!(quote_len(&quote[..length]), None, "{length}");
    }
}

#[test]
fn a_length_that_no_quote_has_is_none() {
    let mut quote = good_quote();
    for length in [u32::MAX, u32::MAX - 435, i32::MAX as u32, quote.len() as u32 - 435] {
        quote[layout::SIGNATURE_DATA_LEN..layout::SIGNATURE].copy_from_slice(&length.to_le_bytes());
        assert_eq!(quote_len(&quote), None, "{length}");
    }
    quote[layout::SIGNATURE_DATA_LEN..layout::SIGNATURE].fill(0);
    assert_eq!(quote_len(&quote), Some(layout::SIGNATURE));
}

#[test]
fn a_quote_that_is_cut_off_anywhere_is_refused() {
    let quote = good_quote();
    for length in 0..quote.len() {
        let expected =
            if length < layout::SIGNATURE { Error::QuoteTooShort } else { Error::QuoteLengthWrong };
        assert_eq!(Quote::parse(&quote[..length]).err(), Some(expected), "{length}");
    }
    // Also if it says itself that it is so long.
    for length in layout::SIGNATURE..quote.len() {
        let mut quote = quote[..length].to_vec();
        let rest = (length - layout::SIGNATURE) as u32;
        quote[layout::SIGNATURE_DATA_LEN..layout::SIGNATURE].copy_from_slice(&rest.to_le_bytes());
        assert!(Quote::parse(&quote).is_err(), "{length}");
    }
}

#[test]
fn a_report_is_read_as_it_was_written() {
    let quote = good_quote();
    let quote = Quote::parse(&quote).unwrap();
    let report = quote.report();
    assert_eq!(report.mr_enclave, enclave().mr_enclave);
    assert_eq!(report.mr_signer, enclave().mr_signer);
    assert_eq!((report.isv_prod_id, report.isv_svn), (7, 3));
    assert_eq!(report.report_data, REPORT_DATA);
    assert!(!report.is_debug() && !report.has_more && report.misc_select == 0);
}

#[test]
fn a_quote_says_by_what_it_is_to_be_judged() {
    let authority = Authority::development();
    for (ca, expected) in [
        (tee_simulator::PckCa::Processor, PckCa::Processor),
        (tee_simulator::PckCa::Platform, PckCa::Platform),
    ] {
        let fmspc = [1, 2, 3, 4, 5, 6];
        let options = MachineOptions { ca, fmspc, ..MachineOptions::default() };
        let quote = quote_of(&authority.machine_with(0, &options));
        let hint = Quote::parse(&quote).unwrap().pck_hint().unwrap();
        assert_eq!((hint.fmspc, hint.ca), (fmspc, expected));
    }
    let hint = |fault| {
        let quote = authority.machine(0).faulty_quote(&enclave(), &REPORT_DATA, fault);
        Quote::parse(&quote).unwrap().pck_hint()
    };
    assert_eq!(hint(QuoteFault::ChainEmpty), Err(Error::CertificateMalformed));
    assert_eq!(hint(QuoteFault::PckWithoutExtension), Err(Error::SgxExtensionMalformed));
    assert_eq!(hint(QuoteFault::PckByUnknownCa), Err(Error::PckIssuerWrong));
    // It is only a hint.
    assert!(hint(QuoteFault::PckSignature).is_ok());
}
