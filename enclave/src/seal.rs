// SPDX-License-Identifier: Apache-2.0
//! Sealing: XChaCha20-Poly1305 with a random nonce of 24 bytes before the ciphertext.

use std::fmt;

use chacha20poly1305::{aead::AeadInPlace, KeyInit, Tag, XChaCha20Poly1305, XNonce};
use codec::Encode;
use rand::{rngs::OsRng, TryRngCore};
use zeroize::{Zeroize, Zeroizing};

const NONCE_LEN: usize = 24;

const TAG_LEN: usize = 16;

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

/// Wipes bytes and forgets them. `Vec`'s own wiping writes them one by one, which takes longer than to
/// decrypt them.
pub fn wipe(bytes: &mut Vec<u8>) {
    bytes.as_mut_slice().zeroize();
    bytes.clear();
    // What is behind the end.
    bytes.zeroize();
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
        self.seal_in_place(context, value.len(), |sealed| sealed.extend_from_slice(value))
    }

    /// Seals the encoding of a value, of which no other copy is made.
    pub fn seal_encoded(&self, context: &[u8], value: &impl Encode) -> Result<Vec<u8>, SealError> {
        self.seal_in_place(context, value.encoded_size(), |sealed| value.encode_to(sealed))
    }

    /// Seals what `append` adds, at most `length` bytes: the buffer does not grow, so it leaves no
    /// copies behind.
    fn seal_in_place(
        &self,
        context: &[u8],
        length: usize,
        append: impl FnOnce(&mut Vec<u8>),
    ) -> Result<Vec<u8>, SealError> {
        let nonce = random::<NONCE_LEN>()?;
        let room = length.saturating_add(NONCE_LEN + TAG_LEN);
        let mut sealed = Zeroizing::new(Vec::with_capacity(room));
        sealed.extend_from_slice(&*nonce);
        append(&mut sealed);
        let value = sealed.get_mut(NONCE_LEN..).unwrap_or_default();
        let tag = self
            .0
            .encrypt_in_place_detached(XNonce::from_slice(&*nonce), context, value)
            .map_err(|_| SealError::DoesNotOpen)?;
        sealed.extend_from_slice(&tag);
        Ok(std::mem::take(&mut *sealed))
    }

    /// Opens what [`Sealer::seal`] made.
    pub fn open(&self, context: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, SealError> {
        let (nonce, sealed) =
            sealed.split_first_chunk::<NONCE_LEN>().ok_or(SealError::DoesNotOpen)?;
        let (ciphertext, tag) =
            sealed.split_last_chunk::<TAG_LEN>().ok_or(SealError::DoesNotOpen)?;
        let mut value = Zeroizing::new(ciphertext.to_vec());
        self.0
            .decrypt_in_place_detached(
                XNonce::from_slice(nonce),
                context,
                &mut value,
                Tag::from_slice(tag),
            )
            .map_err(|_| SealError::DoesNotOpen)?;
        Ok(value)
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
    fn what_is_wiped_is_gone() {
        let mut bytes = vec![7; 100];
        bytes.truncate(60);
        wipe(&mut bytes);
        assert!(bytes.is_empty());
        bytes.resize(60, 1);
        let sealer = Sealer::new(&[1; 32]);
        let sealed = sealer.seal_encoded(b"", &bytes).unwrap();
        assert_eq!(sealer.open(b"", &sealed).unwrap().as_slice(), bytes.encode());
    }

    #[test]
    fn the_same_value_is_never_sealed_to_the_same_bytes() {
        let sealer = Sealer::new(&[1; 32]);
        assert_ne!(sealer.seal(b"", b"value").unwrap(), sealer.seal(b"", b"value").unwrap());
    }
}
