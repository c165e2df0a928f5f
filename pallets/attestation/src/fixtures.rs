// SPDX-License-Identifier: Apache-2.0
//! What benchmarks bring: a quote and collateral that are as large as they can be. The simulator
//! made them, as a test checks; it cannot be linked into a runtime.

use alloc::vec::Vec;

use codec::Decode;
use tee_primitives::attestation::{
    collateral::{ChainBytes, CollateralItem, CrlBytes, JsonBytes},
    AttestationPayload,
};

/// When the collateral was issued, in seconds since the Unix epoch. Benchmarks play a minute later.
pub const ISSUED: u64 = 1_800_000_000;

/// The block that the payload names.
pub const BLOCK: u32 = 1_000;

/// The hash of the chain's first block, as the payload names it.
pub const GENESIS_HASH: [u8; 32] = [1; 32];

/// The hash of the block, as the payload names it.
pub const BLOCK_HASH: [u8; 32] = [2; 32];

/// The enclave's operator.
pub const OPERATOR: [u8; 32] = [3; 32];

/// Certificate of the root.
pub const ROOT: &[u8] = include_bytes!("fixtures/root.der");

const ROOT_CRL: &[u8] = include_bytes!("fixtures/root_crl.der");
const PCK_CRL: &[u8] = include_bytes!("fixtures/pck_crl.der");
const PCK_CRL_CHAIN: &[u8] = include_bytes!("fixtures/pck_crl_issuer_chain.pem");
const TCB_INFO: &[u8] = include_bytes!("fixtures/tcb_info.json");
const TCB_INFO_SIGNATURE: &[u8; 64] = include_bytes!("fixtures/tcb_info_signature.bin");
const QE_IDENTITY: &[u8] = include_bytes!("fixtures/qe_identity.json");
const QE_IDENTITY_SIGNATURE: &[u8; 64] = include_bytes!("fixtures/qe_identity_signature.bin");
const SIGNER_CHAIN: &[u8] = include_bytes!("fixtures/signer_issuer_chain.pem");
const PAYLOAD: &[u8] = include_bytes!("fixtures/payload.scale");

/// The quote.
pub const QUOTE: &[u8] = include_bytes!("fixtures/quote.bin");

/// What the quote signs.
pub fn payload() -> AttestationPayload {
    AttestationPayload::decode(&mut &PAYLOAD[..]).expect("a test checks it")
}

/// The collateral, in the order in which the chain takes it.
pub fn items() -> [CollateralItem; 4] {
    let crl = |bytes: &[u8]| CrlBytes::truncate_from(bytes.to_vec());
    let json = |bytes: &[u8]| JsonBytes::truncate_from(bytes.to_vec());
    let chain = |bytes: &[u8]| ChainBytes::truncate_from(Vec::from(bytes));
    [
        CollateralItem::RootCrl { crl: crl(ROOT_CRL) },
        CollateralItem::PckCrl { crl: crl(PCK_CRL), issuer_chain: chain(PCK_CRL_CHAIN) },
        CollateralItem::TcbInfo {
            json: json(TCB_INFO),
            signature: *TCB_INFO_SIGNATURE,
            issuer_chain: chain(SIGNER_CHAIN),
        },
        CollateralItem::QeIdentity {
            json: json(QE_IDENTITY),
            signature: *QE_IDENTITY_SIGNATURE,
            issuer_chain: chain(SIGNER_CHAIN),
        },
    ]
}

#[cfg(test)]
mod tests {
    use std::{fs, path::PathBuf};

    use codec::Encode;
    use sp_core::{sr25519, Pair};
    use tee_primitives::attestation::{
        collateral::{MAX_CRL_LEN, MAX_JSON_LEN},
        LogHead, Purpose, PAYLOAD_VERSION,
    };
    use tee_simulator::{
        Authority, CollateralOptions, EnclaveIdentity, QeLevel, Serial, TcbLevel, TcbStatus,
    };

    use super::*;
    use crate::mock::{submit, Test, Timestamp};

    /// Set by `make contract`: the files are written anew.
    const WRITE: &str = "TEE_WRITE_CONTRACT";

    /// As many as fit into a list of the longest allowed.
    const REVOKED: u32 = 1_200;
    const LEVELS: u16 = 40;
    const QE_LEVELS: u16 = 40;

    fn serials(first: u8) -> Vec<Serial> {
        (0..REVOKED)
            .map(|number| {
                let mut serial = [first; 20];
                serial[1..5].copy_from_slice(&number.to_be_bytes());
                serial
            })
            .collect()
    }

    /// Levels that the machine does not reach, and one that it does, the last.
    fn levels() -> Vec<TcbLevel> {
        let reached = CollateralOptions::new(ISSUED).levels.remove(0);
        (0..LEVELS)
            .map(|missed| TcbLevel {
                components: if missed + 1 == LEVELS { reached.components } else { [255; 16] },
                pce_svn: if missed + 1 == LEVELS { reached.pce_svn } else { u16::MAX - missed },
                status: TcbStatus::UpToDate,
                advisories: Vec::new(),
                ..reached.clone()
            })
            .collect()
    }

    fn qe_levels() -> Vec<QeLevel> {
        let reached = CollateralOptions::new(ISSUED).qe_levels.remove(0);
        (0..QE_LEVELS)
            .map(|missed| QeLevel {
                isv_svn: if missed + 1 == QE_LEVELS { reached.isv_svn } else { u16::MAX - missed },
                ..reached.clone()
            })
            .collect()
    }

    #[test]
    fn are_taken_by_the_chain() {
        crate::mock::new_chain().execute_with(|| {
            assert_eq!(crate::Root::<Test>::get().unwrap().as_slice(), ROOT);
            Timestamp::set_timestamp((ISSUED + 60) * 1_000);
            for item in items() {
                submit(item).unwrap();
            }
            let quote = tee_dcap::Quote::parse(QUOTE).unwrap();
            crate::Pallet::<Test>::judge(&quote, ISSUED + 60).unwrap();
            let signature = sr25519::Signature::from_raw(quote.report().report_data);
            let signer = sr25519::Public::from_raw(payload().account);
            assert!(sr25519::Pair::verify(&signature, payload().message(), &signer));
            assert_eq!((payload().genesis_hash, payload().block_hash), (GENESIS_HASH, BLOCK_HASH));
            assert_eq!((payload().block_number, payload().operator), (BLOCK, OPERATOR));
        });
    }

    #[test]
    fn are_what_the_simulator_makes_and_nearly_as_large_as_allowed() {
        let authority = Authority::development();
        let collateral = authority.collateral(&CollateralOptions {
            revoked_pck: serials(1),
            revoked_by_root: serials(2),
            levels: levels(),
            qe_levels: qe_levels(),
            ..CollateralOptions::new(ISSUED)
        });
        let key = sr25519::Pair::from_seed(&[4; 32]);
        let code =
            EnclaveIdentity { mr_enclave: [5; 32], mr_signer: [6; 32], isv_prod_id: 0, isv_svn: 0 };
        let payload = AttestationPayload {
            version: PAYLOAD_VERSION,
            purpose: Purpose::Chain,
            genesis_hash: GENESIS_HASH,
            mrenclave: code.mr_enclave,
            block_number: BLOCK,
            block_hash: BLOCK_HASH,
            account: key.public().0,
            operator: OPERATOR,
            encryption_key: [7; 32],
            tls_spki_hash: [8; 32],
            session: [9; 32],
            log_head: LogHead::default(),
        };
        // A signature has a random part: the one that was written before is as good as another.
        let written = tee_dcap::Quote::parse(QUOTE).map(|quote| quote.report().report_data);
        let report_data = match written {
            Ok(data) if self::payload() == payload => data,
            _ => key.sign(&payload.message()).0,
        };
        let quote = authority.machine(1).quote(&code, &report_data);

        let limit = |bytes: &[u8], limit: u32| {
            let share = bytes.len() as f64 / f64::from(limit);
            assert!((0.8..=1.0).contains(&share), "{share}");
        };
        limit(&collateral.root_crl, MAX_CRL_LEN);
        limit(&collateral.pck_crl, MAX_CRL_LEN);
        assert!(collateral.tcb_info.len() <= MAX_JSON_LEN as usize);
        assert_eq!(collateral.tcb_info_issuer_chain, collateral.qe_identity_issuer_chain);

        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src/fixtures");
        for (name, bytes) in [
            ("root.der", authority.root_der()),
            ("root_crl.der", &collateral.root_crl),
            ("pck_crl.der", &collateral.pck_crl),
            ("pck_crl_issuer_chain.pem", collateral.pck_crl_issuer_chain.as_bytes()),
            ("tcb_info.json", collateral.tcb_info.as_bytes()),
            ("tcb_info_signature.bin", &collateral.tcb_info_signature[..]),
            ("qe_identity.json", collateral.qe_identity.as_bytes()),
            ("qe_identity_signature.bin", &collateral.qe_identity_signature[..]),
            ("signer_issuer_chain.pem", collateral.tcb_info_issuer_chain.as_bytes()),
            ("payload.scale", &payload.encode()),
            ("quote.bin", &quote),
        ] {
            if std::env::var_os(WRITE).is_some() {
                fs::write(folder.join(name), bytes).unwrap();
            } else {
                assert!(fs::read(folder.join(name)).unwrap() == bytes, "{name} differs");
            }
        }
    }
}
