// SPDX-License-Identifier: Apache-2.0
//! Everything secret and everything arbitrary comes from the seed.

use p256::ecdsa::{signature::Signer, Signature, SigningKey, VerifyingKey};
use sp_crypto_hashing::sha2_256;

/// The first `N` bytes, at most 32, that belong to a label.
pub(crate) fn bytes<const N: usize>(seed: &[u8; 32], label: &str) -> [u8; N] {
    let mut bytes = [0; N];
    bytes.copy_from_slice(&digest(seed, 0, label)[..N]);
    bytes
}

/// The secret scalar that belongs to a label.
pub(crate) fn secret(seed: &[u8; 32], label: &str) -> [u8; 32] {
    // A hash is no scalar once in 2^32.
    (0..=u8::MAX)
        .map(|counter| digest(seed, counter, label))
        .find(|candidate| SigningKey::from_slice(candidate).is_ok())
        .expect("256 hashes are not all above the order of P-256")
}

/// The key that belongs to a label.
pub(crate) fn key(seed: &[u8; 32], label: &str) -> SigningKey {
    SigningKey::from_slice(&secret(seed, label)).expect("secrets are valid scalars")
}

/// ECDSA over SHA-256 as quotes and JSON documents carry it: r ‖ s, big-endian.
pub(crate) fn sign(key: &SigningKey, message: &[u8]) -> [u8; 64] {
    let signature: Signature = key.sign(message);
    signature.to_bytes().into()
}

/// A public key as quotes carry it: x ‖ y, big-endian.
pub(crate) fn point(key: &VerifyingKey) -> [u8; 64] {
    let encoded = key.to_sec1_point(false);
    let mut point = [0; 64];
    point.copy_from_slice(&encoded.as_bytes()[1..]);
    point
}

fn digest(seed: &[u8; 32], counter: u8, label: &str) -> [u8; 32] {
    let domain = b"tip500-dev-attestation/1".as_slice();
    sha2_256(&[domain, seed, &[counter], label.as_bytes()].concat())
}
