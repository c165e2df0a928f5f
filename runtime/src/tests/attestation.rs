// SPDX-License-Identifier: Apache-2.0
//! Attestation as the runtime does it, against machines and documents that cheat.

use frame_support::dispatch::DispatchResultWithPostInfo;
use pallet_attestation::Error;
use sp_core::{sr25519, H256};
use sp_runtime::DispatchError;
use tee_primitives::attestation::{
    collateral::{ChainBytes, CollateralItem, CrlBytes, JsonBytes, PckCa},
    AttestationPayload, LogHead, Purpose, PAYLOAD_VERSION,
};
use tee_simulator::{
    Authority, Collateral, CollateralFault, CollateralOptions, Crl, Document, EnclaveIdentity,
    Machine, QuoteFault, TcbStatus, DEVELOPMENT_FMSPC,
};

use super::*;

/// The table of errors looks for errors of this name.
type Test = Runtime;

/// The chain's time, in seconds since the Unix epoch.
const NOW: u64 = 1_800_000_000;
const BLOCK: u32 = 1_000;

/// The machine that the simulator revokes when it is to revoke one.
const MACHINE: u32 = 0;

fn code() -> EnclaveIdentity {
    EnclaveIdentity {
        mr_enclave: sp_io::hashing::blake2_256(b"tee-enclave-simulated"),
        mr_signer: sp_io::hashing::blake2_256(b"tee-enclave-simulated signer"),
        isv_prod_id: 0,
        isv_svn: 0,
    }
}

fn key() -> sr25519::Pair {
    sr25519::Pair::from_seed(&[1; 32])
}

/// A development chain on which Alice has registered an enclave, with or without collateral.
fn chain(collateral: Option<&Collateral>) -> sp_io::TestExternalities {
    let mut externalities = development();
    externalities.execute_with(|| {
        System::set_block_number(BLOCK + 1);
        frame_system::BlockHash::<Runtime>::insert(BLOCK, H256::repeat_byte(7));
        pallet_timestamp::Now::<Runtime>::put(NOW * 1_000);
        assert_ok!(TEE::register_enclave(
            RuntimeOrigin::signed(Alice.to_account_id()),
            key().public().into(),
            b"https://enclave.example".to_vec().try_into().unwrap(),
        ));
        for item in collateral.iter().flat_map(|collateral| items(collateral)) {
            assert_ok!(submit(item));
        }
    });
    externalities
}

fn anybody() -> RuntimeOrigin {
    RuntimeOrigin::signed(Dave.to_account_id())
}

fn submit(item: CollateralItem) -> DispatchResultWithPostInfo {
    Attestation::submit_collateral(anybody(), item)
}

fn items(collateral: &Collateral) -> [CollateralItem; 4] {
    let crl = |bytes: &[u8]| CrlBytes::try_from(bytes.to_vec()).unwrap();
    let json = |text: &str| JsonBytes::try_from(text.as_bytes().to_vec()).unwrap();
    let chain = |text: &str| ChainBytes::try_from(text.as_bytes().to_vec()).unwrap();
    [
        CollateralItem::RootCrl { crl: crl(&collateral.root_crl) },
        CollateralItem::PckCrl {
            crl: crl(&collateral.pck_crl),
            issuer_chain: chain(&collateral.pck_crl_issuer_chain),
        },
        CollateralItem::TcbInfo {
            json: json(&collateral.tcb_info),
            signature: collateral.tcb_info_signature,
            issuer_chain: chain(&collateral.tcb_info_issuer_chain),
        },
        CollateralItem::QeIdentity {
            json: json(&collateral.qe_identity),
            signature: collateral.qe_identity_signature,
            issuer_chain: chain(&collateral.qe_identity_issuer_chain),
        },
    ]
}

fn options() -> CollateralOptions {
    CollateralOptions::new(NOW - 3_600)
}

fn payload() -> AttestationPayload {
    AttestationPayload {
        version: PAYLOAD_VERSION,
        purpose: Purpose::Chain,
        genesis_hash: System::block_hash(0).0,
        mrenclave: code().mr_enclave,
        block_number: BLOCK,
        block_hash: System::block_hash(BLOCK).0,
        account: key().public().0,
        operator: Alice.to_account_id().into(),
        encryption_key: [3; 32],
        tls_spki_hash: [0; 32],
        session: [4; 32],
        log_head: LogHead::default(),
    }
}

fn attest(
    quote: impl FnOnce(&Machine, &EnclaveIdentity, &[u8; 64]) -> Vec<u8>,
) -> DispatchResultWithPostInfo {
    let payload = payload();
    let report_data = key().sign(&payload.message()).0;
    let machine = Authority::development().machine(MACHINE);
    let quote = quote(&machine, &code(), &report_data);
    let Ok(quote) = quote.try_into() else { return Err(DispatchError::Exhausted.into()) };
    Attestation::attest(anybody(), Box::new(payload), quote)
}

#[test]
fn a_good_quote_is_taken() {
    let good = Authority::development().collateral(&options());
    chain(Some(&good)).execute_with(|| {
        assert_ok!(attest(|machine, code, data| machine.quote(code, data)));
        assert!(pallet_attestation::Attestations::<Runtime>::contains_key(AccountId::from(
            key().public()
        )));
        assert_ok!(Attestation::do_try_state());
    });
}

/// Every way in which a quote can be wrong, and what is said of it.
#[test]
fn every_faulty_quote_is_refused_with_its_own_error_and_changes_nothing() {
    let refused: &[(QuoteFault, Error<Test>)] = &[
        (QuoteFault::Empty, Error::<Test>::QuoteTooShort),
        (QuoteFault::WithoutSignatureData, Error::<Test>::QuoteTooShort),
        (QuoteFault::Truncated, Error::<Test>::QuoteLengthWrong),
        (QuoteFault::TrailingByte, Error::<Test>::QuoteLengthWrong),
        (QuoteFault::TrailingByteInside, Error::<Test>::QuoteLengthWrong),
        (QuoteFault::SignatureDataTooShort, Error::<Test>::QuoteLengthWrong),
        (QuoteFault::SignatureDataTooLong, Error::<Test>::QuoteLengthWrong),
        (QuoteFault::SignatureDataHuge, Error::<Test>::QuoteLengthWrong),
        (QuoteFault::AuthDataHuge, Error::<Test>::QeAuthDataLengthWrong),
        (QuoteFault::CertificationDataHuge, Error::<Test>::QuoteLengthWrong),
        (QuoteFault::AuthDataEmpty, Error::<Test>::QeAuthDataLengthWrong),
        (QuoteFault::AuthDataLong, Error::<Test>::QeAuthDataLengthWrong),
        (QuoteFault::CertificationPpid, Error::<Test>::CertificationDataUnsupported),
        (QuoteFault::CertificationEncryptedPpid, Error::<Test>::CertificationDataUnsupported),
        (QuoteFault::CertificationLeaf, Error::<Test>::CertificationDataUnsupported),
        (QuoteFault::CertificationQeReport, Error::<Test>::CertificationDataUnsupported),
        (QuoteFault::VersionTwo, Error::<Test>::QuoteVersionUnsupported),
        (QuoteFault::VersionFour, Error::<Test>::QuoteVersionUnsupported),
        (QuoteFault::KeyTypeP384, Error::<Test>::AttestationKeyTypeUnsupported),
        (QuoteFault::TeeTypeTdx, Error::<Test>::TeeTypeUnsupported),
        (QuoteFault::UnknownVendor, Error::<Test>::QeVendorUnknown),
        (QuoteFault::Debug, Error::<Test>::DebugEnclave),
        (QuoteFault::ProvisionKey, Error::<Test>::ProvisioningEnclave),
        (QuoteFault::EinittokenKey, Error::<Test>::ProvisioningEnclave),
        (QuoteFault::NotInitialised, Error::<Test>::EnclaveAttributesInvalid),
        (QuoteFault::MiscSelect, Error::<Test>::EnclaveReportUnexpected),
        (QuoteFault::ConfigId, Error::<Test>::EnclaveReportUnexpected),
        (QuoteFault::ReservedByte, Error::<Test>::EnclaveReportUnexpected),
        (QuoteFault::ChainEmpty, Error::<Test>::CertificateMalformed),
        (QuoteFault::ChainNotPem, Error::<Test>::CertificateMalformed),
        (QuoteFault::ChainBrokenPem, Error::<Test>::CertificateMalformed),
        (QuoteFault::ChainLeafOnly, Error::<Test>::CertificateChainUntrusted),
        (QuoteFault::ChainReversed, Error::<Test>::SgxExtensionMalformed),
        (QuoteFault::ForeignRoot, Error::<Test>::CertificateChainUntrusted),
        (QuoteFault::PckByRoot, Error::<Test>::PckIssuerWrong),
        (QuoteFault::PckByPck, Error::<Test>::PckIssuerWrong),
        (QuoteFault::PckByTcbSigner, Error::<Test>::PckIssuerWrong),
        (QuoteFault::PckByUnknownCa, Error::<Test>::PckIssuerWrong),
        (QuoteFault::PckByForgedCa, Error::<Test>::CertificateChainUntrusted),
        (QuoteFault::PckExpired, Error::<Test>::CertificateExpired),
        (QuoteFault::PckNotYetValid, Error::<Test>::CertificateNotYetValid),
        (QuoteFault::PckSignature, Error::<Test>::CertificateChainUntrusted),
        (QuoteFault::PckChanged, Error::<Test>::CertificateChainUntrusted),
        (QuoteFault::CaAsPck, Error::<Test>::SgxExtensionMalformed),
        (QuoteFault::TcbSignerAsPck, Error::<Test>::SgxExtensionMalformed),
        (QuoteFault::PckWithoutExtension, Error::<Test>::SgxExtensionMalformed),
        (QuoteFault::PckTwoExtensions, Error::<Test>::SgxExtensionMalformed),
        (QuoteFault::PckMalformedExtension, Error::<Test>::SgxExtensionMalformed),
        (QuoteFault::PckFmspcLength, Error::<Test>::SgxExtensionMalformed),
        (QuoteFault::PckPpidLength, Error::<Test>::SgxExtensionMalformed),
        (QuoteFault::PckCpuSvnLength, Error::<Test>::SgxExtensionMalformed),
        (QuoteFault::QeReportSignature, Error::<Test>::QeReportSignatureInvalid),
        (QuoteFault::QeReportChanged, Error::<Test>::QeReportSignatureInvalid),
        (QuoteFault::QeReportByOtherMachine, Error::<Test>::QeReportSignatureInvalid),
        (QuoteFault::QeReportHash, Error::<Test>::QeReportDataMismatch),
        (QuoteFault::QeReportTail, Error::<Test>::QeReportDataMismatch),
        (QuoteFault::AuthDataChanged, Error::<Test>::QeReportDataMismatch),
        (QuoteFault::ForeignAttestationKey, Error::<Test>::QeReportDataMismatch),
        (QuoteFault::QeSigner, Error::<Test>::QeSignerUnknown),
        (QuoteFault::QeDebug, Error::<Test>::QeDebug),
        (QuoteFault::QeProductId, Error::<Test>::QeProductWrong),
        (QuoteFault::QeMiscSelect, Error::<Test>::QeMiscSelectMismatch),
        (QuoteFault::QeAttributes, Error::<Test>::QeAttributesMismatch),
        (QuoteFault::QeSvnTooLow, Error::<Test>::QeLevelNotFound),
        (QuoteFault::QeRevoked, Error::<Test>::TcbRevoked),
        (QuoteFault::SignatureBroken, Error::<Test>::QuoteSignatureInvalid),
        (QuoteFault::SignatureZero, Error::<Test>::QuoteSignatureInvalid),
        (QuoteFault::ReportChanged, Error::<Test>::MeasurementIsAnother),
        (QuoteFault::HeaderChanged, Error::<Test>::QuoteSignatureInvalid),
        (QuoteFault::AttestationKeyOffCurve, Error::<Test>::QuoteSignatureInvalid),
        (QuoteFault::OtherFmspc, Error::<Test>::TcbInfoMissing),
        (QuoteFault::OtherPceId, Error::<Test>::PceIdMismatch),
        (QuoteFault::TcbBelowLevels, Error::<Test>::TcbLevelNotFound),
        (QuoteFault::TcbRevoked, Error::<Test>::TcbRevoked),
        (QuoteFault::ReportData, Error::<Test>::ReportDataIsNoSignature),
    ];
    // One does not fit into the call.
    assert_eq!(refused.len() + 1, QuoteFault::ALL.len());
    let good = Authority::development().collateral(&options());
    chain(Some(&good)).execute_with(|| {
        for (fault, error) in refused {
            let result = || attest(|machine, code, data| machine.faulty_quote(code, data, *fault));
            let expected = DispatchError::from(error.clone());
            assert_eq!(result().map_err(|found| found.error), Err(expected), "{fault:?}");
            assert_noop!(result(), expected);
        }
        assert_noop!(
            attest(|machine, code, data| {
                machine.faulty_quote(code, data, QuoteFault::ChainTooLong)
            }),
            DispatchError::Exhausted
        );
    });
}

/// Brings the documents up to the first that is refused, and attests if none is.
fn bring_and_attest(bad: &Collateral) -> DispatchResultWithPostInfo {
    for item in items(bad) {
        submit(item)?;
    }
    attest(|machine, code, data| machine.quote(code, data))
}

/// Every way in which a document can be wrong by itself, which of the four it is, and what is said of
/// it.
#[test]
fn every_faulty_document_is_refused_with_its_own_error_and_changes_nothing() {
    let refused: &[(CollateralFault, usize, Error<Test>)] = &[
        (CollateralFault::Expired(Document::TcbInfo), 2, Error::<Test>::CollateralExpired),
        (CollateralFault::Expired(Document::QeIdentity), 3, Error::<Test>::CollateralExpired),
        (CollateralFault::NotYetValid(Document::TcbInfo), 2, Error::<Test>::CollateralNotYetValid),
        (
            CollateralFault::NotYetValid(Document::QeIdentity),
            3,
            Error::<Test>::CollateralNotYetValid,
        ),
        (CollateralFault::BadDate(Document::TcbInfo), 2, Error::<Test>::CollateralMalformed),
        (CollateralFault::BadDate(Document::QeIdentity), 3, Error::<Test>::CollateralMalformed),
        (
            CollateralFault::SignatureBroken(Document::TcbInfo),
            2,
            Error::<Test>::CollateralSignatureInvalid,
        ),
        (
            CollateralFault::SignatureBroken(Document::QeIdentity),
            3,
            Error::<Test>::CollateralSignatureInvalid,
        ),
        (
            CollateralFault::ChangedAfterSigning(Document::TcbInfo),
            2,
            Error::<Test>::CollateralSignatureInvalid,
        ),
        (
            CollateralFault::ChangedAfterSigning(Document::QeIdentity),
            3,
            Error::<Test>::CollateralSignatureInvalid,
        ),
        (
            CollateralFault::Reformatted(Document::TcbInfo),
            2,
            Error::<Test>::CollateralSignatureInvalid,
        ),
        (
            CollateralFault::Reformatted(Document::QeIdentity),
            3,
            Error::<Test>::CollateralSignatureInvalid,
        ),
        (
            CollateralFault::SignedByOtherKey(Document::TcbInfo),
            2,
            Error::<Test>::CollateralSignatureInvalid,
        ),
        (
            CollateralFault::SignedByOtherKey(Document::QeIdentity),
            3,
            Error::<Test>::CollateralSignatureInvalid,
        ),
        (CollateralFault::ChainEmpty(Document::TcbInfo), 2, Error::<Test>::CertificateMalformed),
        (CollateralFault::ChainEmpty(Document::QeIdentity), 3, Error::<Test>::CertificateMalformed),
        (CollateralFault::ChainNotPem(Document::TcbInfo), 2, Error::<Test>::CertificateMalformed),
        (
            CollateralFault::ChainNotPem(Document::QeIdentity),
            3,
            Error::<Test>::CertificateMalformed,
        ),
        (
            CollateralFault::SignerIsRoot(Document::TcbInfo),
            2,
            Error::<Test>::CertificateChainUntrusted,
        ),
        (
            CollateralFault::SignerIsRoot(Document::QeIdentity),
            3,
            Error::<Test>::CertificateChainUntrusted,
        ),
        (
            CollateralFault::SignerIsPckCa(Document::TcbInfo),
            2,
            Error::<Test>::CertificateChainUntrusted,
        ),
        (
            CollateralFault::SignerIsPckCa(Document::QeIdentity),
            3,
            Error::<Test>::CertificateChainUntrusted,
        ),
        (CollateralFault::SignerIsPck(Document::TcbInfo), 2, Error::<Test>::SignerNotUnderRoot),
        (CollateralFault::SignerIsPck(Document::QeIdentity), 3, Error::<Test>::SignerNotUnderRoot),
        (
            CollateralFault::SignerBelowPckCa(Document::TcbInfo),
            2,
            Error::<Test>::SignerNotUnderRoot,
        ),
        (
            CollateralFault::SignerBelowPckCa(Document::QeIdentity),
            3,
            Error::<Test>::SignerNotUnderRoot,
        ),
        (
            CollateralFault::SignerBelowForeignRoot(Document::TcbInfo),
            2,
            Error::<Test>::CertificateChainUntrusted,
        ),
        (
            CollateralFault::SignerBelowForeignRoot(Document::QeIdentity),
            3,
            Error::<Test>::CertificateChainUntrusted,
        ),
        (CollateralFault::SignerExpired(Document::TcbInfo), 2, Error::<Test>::CertificateExpired),
        (
            CollateralFault::SignerExpired(Document::QeIdentity),
            3,
            Error::<Test>::CertificateExpired,
        ),
        (
            CollateralFault::SignerCertificateBroken(Document::TcbInfo),
            2,
            Error::<Test>::CertificateChainUntrusted,
        ),
        (
            CollateralFault::SignerCertificateBroken(Document::QeIdentity),
            3,
            Error::<Test>::CertificateChainUntrusted,
        ),
        (CollateralFault::Incomplete(Document::TcbInfo), 2, Error::<Test>::CollateralMalformed),
        (CollateralFault::Incomplete(Document::QeIdentity), 3, Error::<Test>::CollateralMalformed),
        (CollateralFault::Trailing(Document::TcbInfo), 2, Error::<Test>::CollateralMalformed),
        (CollateralFault::Trailing(Document::QeIdentity), 3, Error::<Test>::CollateralMalformed),
        (CollateralFault::DuplicateField(Document::TcbInfo), 2, Error::<Test>::CollateralMalformed),
        (
            CollateralFault::DuplicateField(Document::QeIdentity),
            3,
            Error::<Test>::CollateralMalformed,
        ),
        (CollateralFault::MissingField(Document::TcbInfo), 2, Error::<Test>::CollateralMalformed),
        (
            CollateralFault::MissingField(Document::QeIdentity),
            3,
            Error::<Test>::CollateralMalformed,
        ),
        (CollateralFault::UnknownStatus(Document::TcbInfo), 2, Error::<Test>::CollateralMalformed),
        (
            CollateralFault::UnknownStatus(Document::QeIdentity),
            3,
            Error::<Test>::CollateralMalformed,
        ),
        (CollateralFault::SvnTooLarge(Document::TcbInfo), 2, Error::<Test>::CollateralMalformed),
        (CollateralFault::SvnTooLarge(Document::QeIdentity), 3, Error::<Test>::CollateralMalformed),
        (CollateralFault::MalformedHex(Document::TcbInfo), 2, Error::<Test>::CollateralMalformed),
        (
            CollateralFault::MalformedHex(Document::QeIdentity),
            3,
            Error::<Test>::CollateralMalformed,
        ),
        (CollateralFault::ShortHex(Document::TcbInfo), 2, Error::<Test>::CollateralMalformed),
        (CollateralFault::ShortHex(Document::QeIdentity), 3, Error::<Test>::CollateralMalformed),
        (CollateralFault::ComponentMissing, 2, Error::<Test>::CollateralMalformed),
        (CollateralFault::ComponentSurplus, 2, Error::<Test>::CollateralMalformed),
        (CollateralFault::ComponentTooLarge, 2, Error::<Test>::CollateralMalformed),
        (
            CollateralFault::KindOfTdx(Document::TcbInfo),
            2,
            Error::<Test>::CollateralKindUnsupported,
        ),
        (
            CollateralFault::KindOfTdx(Document::QeIdentity),
            3,
            Error::<Test>::CollateralKindUnsupported,
        ),
        (
            CollateralFault::VersionTooHigh(Document::TcbInfo),
            2,
            Error::<Test>::CollateralKindUnsupported,
        ),
        (
            CollateralFault::VersionTooHigh(Document::QeIdentity),
            3,
            Error::<Test>::CollateralKindUnsupported,
        ),
        (
            CollateralFault::VersionTooLow(Document::TcbInfo),
            2,
            Error::<Test>::CollateralKindUnsupported,
        ),
        (
            CollateralFault::VersionTooLow(Document::QeIdentity),
            3,
            Error::<Test>::CollateralKindUnsupported,
        ),
        (CollateralFault::UnknownTcbType, 2, Error::<Test>::CollateralKindUnsupported),
        (CollateralFault::DocumentsSwapped, 2, Error::<Test>::CollateralMalformed),
        (CollateralFault::CrlExpired(Crl::Root), 0, Error::<Test>::CrlExpired),
        (CollateralFault::CrlExpired(Crl::Pck), 1, Error::<Test>::CrlExpired),
        (CollateralFault::CrlNotYetValid(Crl::Root), 0, Error::<Test>::CrlNotYetValid),
        (CollateralFault::CrlNotYetValid(Crl::Pck), 1, Error::<Test>::CrlNotYetValid),
        (CollateralFault::CrlWithoutNextUpdate(Crl::Root), 0, Error::<Test>::CrlMalformed),
        (CollateralFault::CrlWithoutNextUpdate(Crl::Pck), 1, Error::<Test>::CrlMalformed),
        (CollateralFault::CrlSignature(Crl::Root), 0, Error::<Test>::CrlSignatureInvalid),
        (CollateralFault::CrlSignature(Crl::Pck), 1, Error::<Test>::CrlSignatureInvalid),
        (CollateralFault::CrlByWrongCa(Crl::Root), 0, Error::<Test>::CrlSignatureInvalid),
        (CollateralFault::CrlByForeignCa(Crl::Root), 0, Error::<Test>::CrlSignatureInvalid),
        (CollateralFault::CrlByForeignCa(Crl::Pck), 1, Error::<Test>::CertificateChainUntrusted),
        (CollateralFault::CrlEmpty(Crl::Root), 0, Error::<Test>::CrlMalformed),
        (CollateralFault::CrlEmpty(Crl::Pck), 1, Error::<Test>::CrlMalformed),
        (CollateralFault::CrlIncomplete(Crl::Root), 0, Error::<Test>::CrlMalformed),
        (CollateralFault::CrlIncomplete(Crl::Pck), 1, Error::<Test>::CrlMalformed),
        (CollateralFault::CrlTrailingByte(Crl::Root), 0, Error::<Test>::CrlMalformed),
        (CollateralFault::CrlTrailingByte(Crl::Pck), 1, Error::<Test>::CrlMalformed),
        (CollateralFault::CrlsSwapped, 0, Error::<Test>::CrlSignatureInvalid),
        (CollateralFault::CrlChainEmpty, 1, Error::<Test>::CertificateMalformed),
        (CollateralFault::PckCaRevoked, 1, Error::<Test>::CertificateRevoked),
        (CollateralFault::TcbSignerRevoked, 2, Error::<Test>::CertificateRevoked),
        (CollateralFault::RootRevoked, 1, Error::<Test>::CertificateRevoked),
    ];
    assert_eq!(refused.len() + ONLY_WITH_A_QUOTE, CollateralFault::ALL.len());
    let authority = Authority::development();
    for (fault, index, error) in refused {
        let bad = items(&authority.faulty_collateral(&options(), *fault));
        chain(None).execute_with(|| {
            for item in &bad[..*index] {
                assert_ok!(submit(item.clone()));
            }
            let result = || submit(bad[*index].clone());
            let expected = DispatchError::from(error.clone());
            assert_eq!(result().map_err(|found| found.error), Err(expected), "{fault:?}");
            assert_noop!(result(), expected);
        });
    }
}

/// Faults that show only when a quote is judged.
const ONLY_WITH_A_QUOTE: usize = 20;

/// Documents that are good ones, and by which a quote is refused.
#[test]
fn a_quote_is_refused_by_what_documents_say() {
    let refused: &[(CollateralFault, Error<Test>)] = &[
        (CollateralFault::CrlByWrongCa(Crl::Pck), Error::<Test>::PckCrlMissing),
        (CollateralFault::PckRevoked, Error::<Test>::CertificateRevoked),
        (CollateralFault::OtherFmspc, Error::<Test>::TcbInfoMissing),
        (CollateralFault::OtherPceId, Error::<Test>::PceIdMismatch),
        (CollateralFault::OtherQeSigner, Error::<Test>::QeSignerUnknown),
        (CollateralFault::OtherQeProductId, Error::<Test>::QeProductWrong),
        (CollateralFault::OtherQeMiscSelect, Error::<Test>::QeMiscSelectMismatch),
        (CollateralFault::OtherQeAttributes, Error::<Test>::QeAttributesMismatch),
        (CollateralFault::NoLevels(Document::TcbInfo), Error::<Test>::TcbLevelNotFound),
        (CollateralFault::NoLevels(Document::QeIdentity), Error::<Test>::QeLevelNotFound),
        (CollateralFault::LevelsTooHigh(Document::TcbInfo), Error::<Test>::TcbLevelNotFound),
        (CollateralFault::LevelsTooHigh(Document::QeIdentity), Error::<Test>::QeLevelNotFound),
        (
            CollateralFault::PlatformStatus(TcbStatus::ConfigurationNeeded),
            Error::<Test>::PlatformNeedsConfiguration,
        ),
        (
            CollateralFault::PlatformStatus(TcbStatus::ConfigurationAndSwHardeningNeeded),
            Error::<Test>::PlatformNeedsConfiguration,
        ),
        (CollateralFault::PlatformStatus(TcbStatus::OutOfDate), Error::<Test>::PlatformOutOfDate),
        (
            CollateralFault::PlatformStatus(TcbStatus::OutOfDateConfigurationNeeded),
            Error::<Test>::PlatformOutOfDate,
        ),
        (CollateralFault::PlatformStatus(TcbStatus::Revoked), Error::<Test>::TcbRevoked),
        (CollateralFault::QeStatus(TcbStatus::OutOfDate), Error::<Test>::PlatformOutOfDate),
        (CollateralFault::QeStatus(TcbStatus::Revoked), Error::<Test>::TcbRevoked),
    ];
    let accepted = [CollateralFault::PlatformStatus(TcbStatus::SwHardeningNeeded)];
    assert_eq!(refused.len() + accepted.len(), ONLY_WITH_A_QUOTE);
    let authority = Authority::development();
    for (fault, error) in refused {
        let bad = authority.faulty_collateral(&options(), *fault);
        chain(Some(&bad)).execute_with(|| {
            let result = || attest(|machine, code, data| machine.quote(code, data));
            let expected = DispatchError::from(error.clone());
            assert_eq!(result().map_err(|found| found.error), Err(expected), "{fault:?}");
            assert_noop!(result(), expected);
        });
    }
    for fault in accepted {
        let good = authority.faulty_collateral(&options(), fault);
        chain(None).execute_with(|| {
            assert_ok!(bring_and_attest(&good));
        });
    }
}

/// What no single fault leads to.
#[test]
fn what_does_not_belong_together_is_refused_and_changes_nothing() {
    let authority = Authority::development();
    let good = authority.collateral(&options());
    let [root_crl, pck_crl, ..] = items(&good);
    let attest = || attest(|machine, code, data| machine.quote(code, data));
    let with_chain = |chain: String| match pck_crl.clone() {
        CollateralItem::PckCrl { crl, .. } => {
            CollateralItem::PckCrl { crl, issuer_chain: chain.into_bytes().try_into().unwrap() }
        }
        _ => unreachable!("the second document"),
    };
    chain(Some(&good)).execute_with(|| {
        // A list of another authority stands where the platform's belongs.
        let other = CollateralOptions { ca: tee_simulator::PckCa::Platform, ..options() };
        let [_, item, ..] = items(&authority.collateral(&other));
        assert_ok!(submit(item));
        let crls = |ca| pallet_attestation::PckCrls::<Runtime>::get(ca).unwrap();
        let (own, others) = (crls(PckCa::Processor), crls(PckCa::Platform));
        pallet_attestation::PckCrls::<Runtime>::insert(PckCa::Processor, others);
        assert_noop!(attest(), Error::<Test>::RevocationUnknown);
        pallet_attestation::PckCrls::<Runtime>::insert(PckCa::Processor, own);

        // TCB levels of another type of platform stand where the platform's belong.
        let other = CollateralOptions { fmspc: [9; 6], ..options() };
        let [_, _, item, _] = items(&authority.collateral(&other));
        assert_ok!(submit(item));
        let infos = |fmspc| pallet_attestation::TcbInfos::<Runtime>::get(fmspc).unwrap();
        pallet_attestation::TcbInfos::<Runtime>::insert(DEVELOPMENT_FMSPC, infos([9; 6]));
        assert_noop!(attest(), Error::<Test>::FmspcMismatch);

        let chain = good.pck_crl_issuer_chain.repeat(3);
        assert_noop!(submit(with_chain(chain)), Error::<Test>::CertificateChainTooLong);
        // Certified by the root, and no authority.
        let signer = good.tcb_info_issuer_chain.clone();
        assert_noop!(submit(with_chain(signer)), Error::<Test>::CrlIssuerUnknown);

        let mut many = CollateralOptions { issued: NOW, ..options() };
        many.qe_levels = std::iter::repeat_n(many.qe_levels.remove(0), 65).collect();
        let [.., item] = items(&authority.collateral(&many));
        assert_noop!(submit(item), Error::<Test>::CollateralTooLarge);

        pallet_attestation::Root::<Runtime>::put(pallet_attestation::RootCertificate::default());
        assert_noop!(submit(root_crl.clone()), Error::<Test>::RootMalformed);
    });
}

/// Flaw F49 and gap G12: half of the committee could put any account, with any URL, into a slot. Here
/// two thirds can, and only an account that has proven to be allowed code, for this operator.
#[test]
fn g12_no_majority_redirects_a_slot_to_what_is_not_proven() {
    use crate::{configs::governance::TwoThirdsOfCommittee, RuntimeOrigin};
    use frame_support::traits::EnsureOrigin;
    use pallet_collective::{Instance1, RawOrigin};
    use tee_primitives::cluster::ClusterType;

    let of_three = |ayes| RuntimeOrigin::from(RawOrigin::<AccountId, Instance1>::Members(ayes, 3));
    let good = Authority::development().collateral(&options());
    chain(Some(&good)).execute_with(|| {
        let operator = Alice.to_account_id();
        let assign = |origin| TEE::assign_enclave(origin, Alice.to_account_id(), 0, 3);
        assert_ok!(TEE::create_cluster(of_three(2), ClusterType::Public));
        assert_noop!(assign(of_three(3)), pallet_tee::Error::<Runtime>::NotAttested);
        assert_ok!(attest(|machine, code, data| machine.quote(code, data)));
        assert!(TwoThirdsOfCommittee::try_origin(of_three(1)).is_err());
        assert_noop!(assign(of_three(1)), DispatchError::BadOrigin);
        assert_ok!(assign(of_three(2)));

        let thief = Bob.to_account_id();
        let redirect =
            |origin| TEE::force_update_enclave(origin, operator.clone(), Some(thief.clone()), None);
        assert_noop!(redirect(of_three(1)), DispatchError::BadOrigin);
        assert_noop!(redirect(of_three(3)), pallet_tee::Error::<Runtime>::NotAttested);
        assert_eq!(
            pallet_tee::EnclaveData::<Runtime>::get(&operator).unwrap().enclave_address,
            AccountId::from(key().public())
        );
    });
}

/// The committee revokes a measurement: the very next confirmation from it fails, in the same block.
#[test]
fn after_a_revocation_the_very_next_confirmation_fails() {
    use tee_primitives::{
        cluster::ClusterType,
        keyshare::{KeyshareConfirmation, KeyshareKind},
    };

    let good = Authority::development().collateral(&options());
    chain(Some(&good)).execute_with(|| {
        assert_ok!(attest(|machine, code, data| machine.quote(code, data)));
        assert_ok!(TEE::create_cluster(RuntimeOrigin::root(), ClusterType::Public));
        assert_ok!(TEE::assign_enclave(RuntimeOrigin::root(), Alice.to_account_id(), 0, 3));
        let entry = KeyshareConfirmation {
            nft_id: 0,
            kind: KeyshareKind::Secret,
            version: 1,
            split: [2; 16],
            commitment: [3; 32],
        };
        let confirm = || {
            let enclave = RuntimeOrigin::signed(key().public().into());
            TEE::confirm_keyshares(enclave, vec![entry].try_into().unwrap())
        };
        assert_ok!(confirm());
        assert_ok!(Attestation::revoke_measurement(RuntimeOrigin::root(), code().mr_enclave));
        assert_noop!(confirm(), pallet_tee::Error::<Runtime>::NotAttested);
    });
}
