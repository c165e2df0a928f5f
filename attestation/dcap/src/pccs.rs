// SPDX-License-Identifier: Apache-2.0
//! The answers of a Provisioning Certificate Caching Service (PCCS), or of Intel's own service, cut
//! into what is submitted to the chain (Intel SGX and TDX Provisioning Certification Service API,
//! version 4). How they are fetched differs between a node and an enclave; how they are read does not.
//!
//! Nothing is verified here.

use alloc::{string::String, vec::Vec};

use serde::Deserialize;
use serde_json::value::RawValue;
use tee_primitives::attestation::collateral::{
    ChainBytes, CrlBytes, JsonBytes, JsonSignature, MAX_CHAIN_LEN, MAX_CRL_LEN, MAX_JSON_LEN,
};

/// Bytes of an answer around its document: names and signature.
const MAX_ENVELOPE_LEN: usize = 1024;

/// Longest answer with a list of revoked certificates, in bytes: hexadecimal digits, and the end of
/// the line.
pub const MAX_CRL_ANSWER: usize = (MAX_CRL_LEN as usize) * 2 + 2;

/// Longest answer with a signed JSON document, in bytes.
pub const MAX_JSON_ANSWER: usize = (MAX_JSON_LEN as usize) + MAX_ENVELOPE_LEN;

/// Headers with the certificates of who signed a list of revoked platforms.
pub const PCK_CRL_CHAIN: &[&str] = &["SGX-PCK-CRL-Issuer-Chain"];

/// Headers with the certificates of who signed a TCB Info: the current name, then that of older
/// services.
pub const TCB_INFO_CHAIN: &[&str] = &["TCB-Info-Issuer-Chain", "SGX-TCB-Info-Issuer-Chain"];

/// Headers with the certificates of who signed the quoting enclave's identity.
pub const QE_IDENTITY_CHAIN: &[&str] = &["SGX-Enclave-Identity-Issuer-Chain"];

/// Why an answer is of no use.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum AnswerError {
    /// It is not what such a service answers.
    Malformed,
    /// It is longer than the chain takes.
    TooLong,
}

/// A list of revoked certificates, from DER or the hexadecimal digits of it.
pub fn crl(body: &[u8]) -> Result<CrlBytes, AnswerError> {
    // DER begins with the tag of a sequence, which is the digit "0", but goes on with others.
    let digits = body.trim_ascii();
    let is_hex = digits.iter().all(u8::is_ascii_hexdigit);
    let der = if is_hex {
        hex::decode(digits).map_err(|_| AnswerError::Malformed)?
    } else {
        body.to_vec()
    };
    CrlBytes::try_from(der).map_err(|_| AnswerError::TooLong)
}

/// The signer's certificates, from a header: PEM in percent-encoding.
pub fn issuer_chain(header: &[u8]) -> Result<ChainBytes, AnswerError> {
    let longer = (MAX_CHAIN_LEN as usize) + 1;
    let pem: Vec<u8> = percent_encoding::percent_decode(header).take(longer).collect();
    ChainBytes::try_from(pem).map_err(|_| AnswerError::TooLong)
}

/// `{"tcbInfo": …, "signature": "…"}`, or the same with `enclaveIdentity`. The signature is over the
/// document's very bytes.
#[derive(Deserialize)]
struct Signed<'a> {
    #[serde(borrow, alias = "tcbInfo", alias = "enclaveIdentity")]
    document: &'a RawValue,
    signature: String,
}

/// A JSON document and its signature.
pub fn signed_json(body: &[u8]) -> Result<(JsonBytes, JsonSignature), AnswerError> {
    let signed: Signed<'_> = serde_json::from_slice(body).map_err(|_| AnswerError::Malformed)?;
    let mut signature = [0; 64];
    hex::decode_to_slice(&signed.signature, &mut signature).map_err(|_| AnswerError::Malformed)?;
    let json = JsonBytes::try_from(signed.document.get().as_bytes().to_vec())
        .map_err(|_| AnswerError::TooLong)?;
    Ok((json, signature))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Numbered {
    tcb_evaluation_data_number: u32,
}

/// Which evaluation of TCBs a JSON document states.
pub fn evaluation_number(json: &[u8]) -> Result<u32, AnswerError> {
    let numbered: Numbered = serde_json::from_slice(json).map_err(|_| AnswerError::Malformed)?;
    Ok(numbered.tcb_evaluation_data_number)
}

#[cfg(test)]
mod tests {
    use alloc::{format, vec};

    use super::*;

    #[test]
    fn lists_come_in_two_encodings() {
        assert_eq!(crl(b"30820102").unwrap().into_inner(), [0x30, 0x82, 0x01, 0x02]);
        assert_eq!(crl(b"30820102\n").unwrap().into_inner(), [0x30, 0x82, 0x01, 0x02]);
        assert_eq!(crl(b"0\x82\x01").unwrap().into_inner(), b"0\x82\x01");
        assert_eq!(crl(b"308"), Err(AnswerError::Malformed));
        let longest = vec![0x82; MAX_CRL_LEN as usize];
        assert_eq!(crl(&longest).unwrap().into_inner(), longest);
        let digits = format!("{}\r\n", hex::encode(&longest));
        assert_eq!(digits.len(), MAX_CRL_ANSWER);
        assert_eq!(crl(digits.as_bytes()).unwrap().into_inner(), longest);
        assert_eq!(crl(&vec![0x82; MAX_CRL_LEN as usize + 1]), Err(AnswerError::TooLong));
    }

    #[test]
    fn chains_are_decoded_and_bounded() {
        assert_eq!(issuer_chain(b"%41-B").unwrap().into_inner(), b"A-B");
        let longest = "%41".repeat(MAX_CHAIN_LEN as usize);
        assert_eq!(issuer_chain(longest.as_bytes()).unwrap().len(), MAX_CHAIN_LEN as usize);
        assert_eq!(issuer_chain(format!("{longest}A").as_bytes()), Err(AnswerError::TooLong));
    }

    #[test]
    fn the_longest_document_is_cut_out_byte_for_byte() {
        let shell = r#"{ "tcbEvaluationDataNumber": 17 , "x":""}"#;
        let filler = "x".repeat(MAX_JSON_LEN as usize - shell.len());
        for name in ["tcbInfo", "enclaveIdentity"] {
            let document = shell.replace(r#""x":""#, &format!(r#""x":"{filler}"#));
            let body = format!(r#"{{"{name}":{document},"signature":"{}"}}"#, "0a".repeat(64));
            assert!(body.len() <= MAX_JSON_ANSWER);
            let (json, signature) = signed_json(body.as_bytes()).unwrap();
            assert_eq!(json.len(), MAX_JSON_LEN as usize);
            assert_eq!(json.to_vec(), document.as_bytes());
            assert_eq!(signature, [0x0a; 64]);
            assert_eq!(evaluation_number(&json), Ok(17));
            let longer = body.replace("17 ,", "17  ,");
            assert_eq!(signed_json(longer.as_bytes()), Err(AnswerError::TooLong));
        }
        assert_eq!(evaluation_number(b"{}"), Err(AnswerError::Malformed));
    }
}
