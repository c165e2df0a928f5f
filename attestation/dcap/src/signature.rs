// SPDX-License-Identifier: Apache-2.0
//! ECDSA P-256 with SHA-256: for certificates and lists through webpki, and for what carries raw
//! signatures.

// cargo-fuzz sets `fuzzing`.
#![allow(unexpected_cfgs)]

use p256::ecdsa::{signature::Verifier, DerSignature, Signature, VerifyingKey};
use rustls_pki_types::{
    alg_id, AlgorithmIdentifier, InvalidSignature, SignatureVerificationAlgorithm,
};

/// Length of a raw signature, `r ‖ s`.
pub const SIGNATURE_LEN: usize = 64;

/// Length of a raw public key, `x ‖ y`.
pub const KEY_LEN: usize = 64;

/// The algorithm, as webpki asks for it.
#[derive(Debug)]
pub(crate) struct EcdsaP256Sha256;

impl SignatureVerificationAlgorithm for EcdsaP256Sha256 {
    fn verify_signature(
        &self,
        public_key: &[u8],
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), InvalidSignature> {
        let signature = Signature::from_der(signature).map_err(|_| InvalidSignature)?;
        verify(public_key, message, &signature)
    }

    fn public_key_alg_id(&self) -> AlgorithmIdentifier {
        alg_id::ECDSA_P256
    }

    fn signature_alg_id(&self) -> AlgorithmIdentifier {
        alg_id::ECDSA_SHA256
    }
}

/// With a key in SEC1 encoding.
fn verify(key: &[u8], message: &[u8], signature: &Signature) -> Result<(), InvalidSignature> {
    let key = VerifyingKey::from_sec1_bytes(key).map_err(|_| InvalidSignature)?;
    // Fuzzing cannot sign what it changes.
    if cfg!(fuzzing) {
        return Ok(());
    }
    key.verify(message, signature).map_err(|_| InvalidSignature)
}

#[cfg(all(fuzzing, target_family = "wasm"))]
compile_error!("what is compiled for fuzzing verifies no signature, and belongs into no runtime");

/// A raw signature as webpki takes it; `None` if it cannot be one.
pub(crate) fn to_der(signature: &[u8; SIGNATURE_LEN]) -> Option<DerSignature> {
    Signature::from_slice(signature).ok().map(|signature| signature.to_der())
}

/// Whether the raw `key` signed `message` with a raw signature.
pub(crate) fn is_signed_by(
    key: &[u8; KEY_LEN],
    message: &[u8],
    signature: &[u8; SIGNATURE_LEN],
) -> bool {
    // SEC1, uncompressed.
    let mut sec1 = [4; KEY_LEN + 1];
    if let Some(rest) = sec1.get_mut(1..) {
        rest.copy_from_slice(key);
    }
    Signature::from_slice(signature)
        .is_ok_and(|signature| verify(&sec1, message, &signature).is_ok())
}
