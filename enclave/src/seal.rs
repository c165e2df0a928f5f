// SPDX-License-Identifier: Apache-2.0
//! Sealing: XChaCha20-Poly1305 with a random nonce of 24 bytes before the ciphertext.

use std::fmt;

use chacha20poly1305::{
    aead::{Aead, Payload},
    KeyInit, XChaCha20Poly1305, XNonce,
};
use rand::{rngs::OsRng, TryRngCore};
use zeroize::Zeroizing;

const NONCE_LEN: usize = 24;

/// Why something cannot be sealed or opened.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum SealError {
    /// The machine gives no random numbers.
    #[error("the machine gives no random numbers")]
    NoRandomness,
    /// The value was sealed under another key or for another place, or it was changed.
    #[error("the sealed value was changed, or it belongs to another key or place")]
    DoesNotOpen,
}

/// `N` random bytes from the operating system.
pub fn random<const N: usize>() -> Result<Zeroizing<[u8; N]>, SealError> {
    let mut bytes = Zeroizing::new([0; N]);
    OsRng.try_fill_bytes(&mut *bytes).map_err(|_| SealError::NoRandomness)?;
    Ok(bytes)
}

/// Seals values under one key. The context of a value, which is not part of it, must be the same
/// when it is opened.
pub struct Sealer(XChaCha20Poly1305);

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sealer([redacted])")
    }
}

impl Sealer {
    /// Seals under this key.
    pub fn new(key: &[u8; 32]) -> Self {
        Self(XChaCha20Poly1305::new(key.into()))
    }

    /// Seals a value.
    pub fn seal(&self, context: &[u8], value: &[u8]) -> Result<Vec<u8>, SealError> {
        let nonce = random::<NONCE_LEN>()?;
        let ciphertext = self
            .0
            .encrypt(XNonce::from_slice(&*nonce), Payload { msg: value, aad: context })
            .map_err(|_| SealError::DoesNotOpen)?;
        Ok([nonce.as_slice(), &ciphertext].concat())
    }

    /// Opens what [`Sealer::seal`] made.
    pub fn open(&self, context: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, SealError> {
        let (nonce, ciphertext) =
            sealed.split_first_chunk::<NONCE_LEN>().ok_or(SealError::DoesNotOpen)?;
        self.0
            .decrypt(XNonce::from_slice(nonce), Payload { msg: ciphertext, aad: context })
            .map(Zeroizing::new)
            .map_err(|_| SealError::DoesNotOpen)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_opens_only_whole_in_its_context_and_under_its_key() {
        let sealer = Sealer::new(&[1; 32]);
        let sealed = sealer.seal(b"here", b"value").unwrap();
        assert_eq!(sealer.open(b"here", &sealed).unwrap().as_slice(), b"value");
        assert_eq!(sealer.open(b"there", &sealed), Err(SealError::DoesNotOpen));
        assert_eq!(Sealer::new(&[2; 32]).open(b"here", &sealed), Err(SealError::DoesNotOpen));
        for length in 0..sealed.len() {
            assert_eq!(sealer.open(b"here", &sealed[..length]), Err(SealError::DoesNotOpen));
        }
        for position in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[position] ^= 1;
            assert_eq!(sealer.open(b"here", &changed), Err(SealError::DoesNotOpen));
        }
    }

    #[test]
    fn the_same_value_is_never_sealed_to_the_same_bytes() {
        let sealer = Sealer::new(&[1; 32]);
        assert_ne!(sealer.seal(b"", b"value").unwrap(), sealer.seal(b"", b"value").unwrap());
    }
}
