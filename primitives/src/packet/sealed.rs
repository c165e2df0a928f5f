// SPDX-License-Identifier: Apache-2.0
//! What travels sealed in bound requests and answers: HPKE (RFC 9180) in base mode, one message for
//! each ephemeral key; DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, ChaCha20-Poly1305, no additional data.
//!
//! A sealed message is the ephemeral public key, 32 bytes, and the ciphertext with its tag of 16.
//! Base mode says nothing of who has sealed: signatures do.

use alloc::vec::Vec;
use core::fmt;

use hpke::{
    aead::ChaCha20Poly1305,
    kdf::HkdfSha256,
    kem::X25519HkdfSha256,
    rand_core::{CryptoRng, RngCore},
    single_shot_open, single_shot_seal, Deserializable, Kem, OpModeR, OpModeS, Serializable,
};
use zeroize::{Zeroize, Zeroizing};

/// Length of a key, public or secret, in bytes.
pub const KEY_LEN: usize = 32;

/// A message cannot be sealed to this key: it is one with which every secret is the same.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct UnusableKey;

impl fmt::Display for UnusableKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("nothing can be sealed to this key")
    }
}

impl core::error::Error for UnusableKey {}

/// The public key of a secret one.
pub fn public_key(secret: &[u8; KEY_LEN]) -> Option<[u8; KEY_LEN]> {
    let secret = <X25519HkdfSha256 as Kem>::PrivateKey::from_bytes(secret).ok()?;
    let public = X25519HkdfSha256::sk_to_pk(&secret).to_bytes();
    public.as_slice().try_into().ok()
}

/// Seals a message to an X25519 key, for what `info` says. `random` must be random, and used for
/// nothing else, ever.
pub fn seal(
    recipient: &[u8; KEY_LEN],
    info: &[u8],
    message: &[u8],
    random: &[u8; KEY_LEN],
) -> Result<Vec<u8>, UnusableKey> {
    type Key = <X25519HkdfSha256 as Kem>::PublicKey;
    let recipient = Key::from_bytes(recipient).map_err(|_| UnusableKey)?;
    let mut handed = Handed { bytes: *random, is_used: false, is_exhausted: false };
    let (ephemeral, ciphertext) = single_shot_seal::<
        ChaCha20Poly1305,
        HkdfSha256,
        X25519HkdfSha256,
        _,
    >(&OpModeS::Base, &recipient, info, message, &[], &mut handed)
    .map_err(|_| UnusableKey)?;
    // If ever more is drawn than is needed today, nothing leaves that has less randomness.
    if handed.is_exhausted {
        return Err(UnusableKey);
    }
    Ok([ephemeral.to_bytes().as_slice(), &ciphertext].concat())
}

/// Opens a message that was sealed to the public key of `secret` for what `info` says; `None` if it
/// was not, or was changed.
pub fn open(secret: &[u8; KEY_LEN], info: &[u8], sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let (ephemeral, ciphertext) = sealed.split_first_chunk::<KEY_LEN>()?;
    let secret = <X25519HkdfSha256 as Kem>::PrivateKey::from_bytes(secret).ok()?;
    let ephemeral = <X25519HkdfSha256 as Kem>::EncappedKey::from_bytes(ephemeral).ok()?;
    single_shot_open::<ChaCha20Poly1305, HkdfSha256, X25519HkdfSha256>(
        &OpModeR::Base,
        &secret,
        &ephemeral,
        info,
        ciphertext,
        &[],
    )
    .ok()
    .map(Zeroizing::new)
}

/// Gives the randomness that was handed in, once and whole.
struct Handed {
    bytes: [u8; KEY_LEN],
    is_used: bool,
    is_exhausted: bool,
}

impl RngCore for Handed {
    fn next_u32(&mut self) -> u32 {
        self.is_exhausted = true;
        0
    }

    fn next_u64(&mut self) -> u64 {
        self.is_exhausted = true;
        0
    }

    fn fill_bytes(&mut self, out: &mut [u8]) {
        if self.is_used || out.len() != self.bytes.len() {
            self.is_exhausted = true;
            return;
        }
        self.is_used = true;
        out.copy_from_slice(&self.bytes);
    }
}

impl CryptoRng for Handed {}

impl Drop for Handed {
    fn drop(&mut self) {
        self.bytes.zeroize();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::bound::SEALED_OVERHEAD;

    const SECRET: [u8; 32] = [7; 32];

    fn sealed() -> Vec<u8> {
        seal(&public_key(&SECRET).unwrap(), b"info", b"message", &[9; 32]).unwrap()
    }

    #[test]
    fn a_message_opens_whole_for_its_purpose_and_recipient_alone() {
        let sealed = sealed();
        assert_eq!(sealed.len(), b"message".len() + SEALED_OVERHEAD);
        assert_eq!(open(&SECRET, b"info", &sealed).unwrap().as_slice(), b"message");
        assert_eq!(open(&SECRET, b"other", &sealed), None);
        assert_eq!(open(&[8; 32], b"info", &sealed), None);
        for length in 0..sealed.len() {
            assert_eq!(open(&SECRET, b"info", &sealed[..length]), None);
        }
        // The highest bit of an X25519 key has no meaning, but it is part of what is derived from.
        for bit in 0..8 * sealed.len() {
            let mut changed = sealed.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(open(&SECRET, b"info", &changed), None, "bit {bit}");
        }
    }

    #[test]
    fn other_randomness_gives_another_ciphertext() {
        let key = public_key(&SECRET).unwrap();
        let other = seal(&key, b"info", b"message", &[10; 32]).unwrap();
        assert_ne!(other[..32], sealed()[..32]);
        assert_ne!(other[32..], sealed()[32..]);
        assert_eq!(open(&SECRET, b"info", &other).unwrap().as_slice(), b"message");
    }

    /// Points of small order (RFC 7748, section 6.1).
    #[test]
    fn nothing_is_sealed_to_a_key_that_everybody_can_open_for() {
        let mut one = [0; 32];
        one[0] = 1;
        for key in [[0; 32], one] {
            assert_eq!(seal(&key, b"info", b"message", &[9; 32]), Err(UnusableKey));
            let forged = [key.as_slice(), &[0; 23]].concat();
            assert_eq!(open(&SECRET, b"info", &forged), None);
        }
    }
}
