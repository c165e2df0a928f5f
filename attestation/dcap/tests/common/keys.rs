// SPDX-License-Identifier: Apache-2.0
//! The keys of the development root, made from its published seed as the simulator makes them: tests
//! sign with them what the simulator never writes.

use p256::ecdsa::{signature::Signer, DerSignature, Signature, SigningKey};
use sp_crypto_hashing::sha2_256;
use tee_simulator::{
    authority::{PLATFORM_CA_NAME, PROCESSOR_CA_NAME, ROOT_NAME, TCB_SIGNER_NAME},
    DEVELOPMENT_SEED,
};

/// That of a label.
pub fn key(label: &str) -> SigningKey {
    let parts: [&[u8]; 4] =
        [b"tip500-dev-attestation/1", &DEVELOPMENT_SEED, &[0], label.as_bytes()];
    SigningKey::from_slice(&sha2_256(&parts.concat())).unwrap()
}

/// The root's.
pub fn root() -> SigningKey {
    key(ROOT_NAME)
}

/// That of the authority for machines with one package.
pub fn processor_ca() -> SigningKey {
    key(PROCESSOR_CA_NAME)
}

/// That of the authority for other machines.
pub fn platform_ca() -> SigningKey {
    key(PLATFORM_CA_NAME)
}

/// That of the signer of documents.
pub fn tcb_signer() -> SigningKey {
    key(TCB_SIGNER_NAME)
}

/// With which machine 0 signs quotes.
pub fn attestation() -> SigningKey {
    key("attestation/0")
}

/// A signature as quotes and documents carry it.
pub fn sign(key: &SigningKey, message: &[u8]) -> [u8; 64] {
    let signature: Signature = key.sign(message);
    signature.to_bytes().into()
}

/// A signature as certificates and lists carry it.
pub fn sign_der(key: &SigningKey, message: &[u8]) -> Vec<u8> {
    let signature: DerSignature = key.sign(message);
    signature.as_bytes().to_vec()
}
