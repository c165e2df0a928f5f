// SPDX-License-Identifier: Apache-2.0
//! What the tests share: one enclave, one time, and dcap-qvl as judge.

#![allow(dead_code)]

use dcap_qvl::{
    configs::RustCryptoConfig,
    verify::{QuoteVerifier, VerifiedReport},
    QuoteCollateralV3,
};
use tee_simulator::{Authority, Collateral, EnclaveIdentity};

/// 2026-01-01T00:00:00Z: when collateral is issued.
pub const ISSUED: u64 = 1_767_225_600;

/// When it is used.
pub const NOW: u64 = ISSUED + 3_600;

pub const REPORT_DATA: [u8; 64] =
    *b"REPORTDATA of 64 bytes, as an enclave writes it into its report.";

pub fn enclave() -> EnclaveIdentity {
    EnclaveIdentity { mr_enclave: [0xe1; 32], mr_signer: [0x51; 32], isv_prod_id: 7, isv_svn: 3 }
}

/// The form that dcap-qvl takes.
pub fn form(collateral: &Collateral) -> QuoteCollateralV3 {
    QuoteCollateralV3 {
        pck_crl_issuer_chain: collateral.pck_crl_issuer_chain.clone(),
        root_ca_crl: collateral.root_crl.clone(),
        pck_crl: collateral.pck_crl.clone(),
        tcb_info_issuer_chain: collateral.tcb_info_issuer_chain.clone(),
        tcb_info: collateral.tcb_info.clone(),
        tcb_info_signature: collateral.tcb_info_signature.to_vec(),
        qe_identity_issuer_chain: collateral.qe_identity_issuer_chain.clone(),
        qe_identity: collateral.qe_identity.clone(),
        qe_identity_signature: collateral.qe_identity_signature.to_vec(),
        pck_certificate_chain: None,
    }
}

/// What dcap-qvl says.
pub fn verify(quote: &[u8], collateral: &Collateral, now: u64) -> anyhow::Result<VerifiedReport> {
    let root = Authority::development().root_der().to_vec();
    QuoteVerifier::<RustCryptoConfig>::new_with_config(root).verify(quote, &form(collateral), now)
}
