// SPDX-License-Identifier: Apache-2.0
//! Splitting a media key into five shares, any three of which rebuild it (TIP-500).
//!
//! Shamir's scheme over GF(256), as `sharks` does it: byte 0 of a share is its x coordinate
//! (1 to 255), the others are one y coordinate for each byte of the key.
//!
//! On the wire a share is text: `tee1:`, the share in hexadecimal, and the first four bytes of its
//! SHA-256 in hexadecimal, so that a share that was mangled on its way is recognised. It contains
//! no `_`, which separates the parts of the strings it travels in.

use std::fmt;

use sha2::{Digest, Sha256};
use sharks::Sharks;
use tee_primitives::cluster::{CLUSTER_SIZE, THRESHOLD};
use zeroize::Zeroizing;

use crate::media::{MediaKey, KEY_LEN};

const PREFIX: &str = "tee1:";
const CHECKSUM_LEN: usize = 4;
const RAW_LEN: usize = 1 + KEY_LEN;

/// Shares that a key is split into.
pub const SHARES: usize = CLUSTER_SIZE as usize;

/// Why a text is not a share.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ShareError {
    /// It does not look like one.
    #[error("this is not a share: it must be `tee1:` and {digits} hexadecimal digits", digits = 2 * (RAW_LEN + CHECKSUM_LEN))]
    Format,
    /// Its checksum does not match.
    #[error("the share was damaged: its checksum does not match")]
    Checksum,
    /// No share lies at x = 0: that is where the key is.
    #[error("the share's x coordinate is zero")]
    Zero,
}

/// The five shares could not be made.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the secret sharing library did not give {SHARES} shares")]
pub struct SplitError;

/// One share of a media key, in its wire form.
#[derive(Clone, Eq, PartialEq)]
pub struct Share(Zeroizing<String>);

impl Share {
    fn encode(share: &sharks::Share) -> Self {
        let raw = Zeroizing::new(Vec::<u8>::from(share));
        let digits = Zeroizing::new(hex::encode(&*raw));
        Self(Zeroizing::new(format!("{PREFIX}{}{}", *digits, hex::encode(checksum(&raw)))))
    }

    /// Reads the wire form.
    pub fn parse(text: &str) -> Result<Self, ShareError> {
        decode(text)?;
        Ok(Self(Zeroizing::new(text.to_owned())))
    }

    /// The wire form.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Share([redacted])")
    }
}

fn checksum(raw: &[u8]) -> [u8; CHECKSUM_LEN] {
    let [a, b, c, d, ..] = <[u8; 32]>::from(Sha256::digest(raw));
    [a, b, c, d]
}

fn decode(text: &str) -> Result<sharks::Share, ShareError> {
    let digits = text.strip_prefix(PREFIX).ok_or(ShareError::Format)?;
    let mut bytes = Zeroizing::new([0; RAW_LEN + CHECKSUM_LEN]);
    hex::decode_to_slice(digits, bytes.as_mut_slice()).map_err(|_| ShareError::Format)?;
    let (raw, sum) = bytes.split_at(RAW_LEN);
    if checksum(raw) != sum {
        return Err(ShareError::Checksum);
    }
    if raw.first() == Some(&0) {
        return Err(ShareError::Zero);
    }
    sharks::Share::try_from(raw).map_err(|_| ShareError::Format)
}

/// Splits a key into shares. Each call gives other ones: shares of two calls do not go together.
pub fn split(key: &MediaKey) -> Result<[Share; SHARES], SplitError> {
    let shares = Sharks(THRESHOLD).dealer(key.as_bytes()).take(SHARES);
    let shares: Vec<Share> = shares.map(|share| Share::encode(&share)).collect();
    shares.try_into().map_err(|_| SplitError)
}

/// Rebuilds a key from shares as they come in, some of which may be wrong.
///
/// Wrong shares are not recognisable by themselves, so every three shares are tried until the key
/// they give passes `opens`: with three right ones among the five, the key is found.
pub struct Recovery<Opens> {
    opens: Opens,
    shares: Vec<sharks::Share>,
}

impl<Opens: Fn(&MediaKey) -> bool> Recovery<Opens> {
    /// A recovery in which `opens` tells the right key.
    pub fn new(opens: Opens) -> Self {
        Self { opens, shares: Vec::with_capacity(SHARES) }
    }

    /// Adds a share and returns the key if it can be rebuilt with it. Shares beyond the first
    /// [`SHARES`] are not looked at: nobody should hold more.
    pub fn add(&mut self, share: &Share) -> Result<Option<MediaKey>, ShareError> {
        let newest = decode(share.as_str())?;
        if self.shares.len() >= SHARES {
            return Ok(None);
        }
        let found = self.shares.iter().enumerate().find_map(|(index, first)| {
            let rest = self.shares.iter().skip(index + 1);
            rest.filter_map(|second| combine([first, second, &newest])).find(&self.opens)
        });
        self.shares.push(newest);
        Ok(found)
    }
}

impl<Opens> fmt::Debug for Recovery<Opens> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recovery").field("shares", &self.shares.len()).finish_non_exhaustive()
    }
}

/// The key that three shares give; `None` if two of them have the same x coordinate.
fn combine(shares: [&sharks::Share; THRESHOLD as usize]) -> Option<MediaKey> {
    let key = Sharks(THRESHOLD).recover(shares).map(Zeroizing::new).ok()?;
    MediaKey::from_slice(&key)
}

#[cfg(test)]
mod tests {
    use tee_primitives::keyshare::{MAX_SHARE_LEN, MIN_SHARE_LEN};

    use super::*;

    fn key() -> MediaKey {
        MediaKey::generate().unwrap()
    }

    /// Three different indices out of five.
    fn triples() -> impl Iterator<Item = [usize; 3]> {
        (0..SHARES).flat_map(|a| {
            (a + 1..SHARES).flat_map(move |b| (b + 1..SHARES).map(move |c| [a, b, c]))
        })
    }

    fn recovered<'a>(key: &MediaKey, shares: impl IntoIterator<Item = &'a Share>) -> bool {
        let mut recovery = Recovery::new(|found: &MediaKey| found.as_bytes() == key.as_bytes());
        shares.into_iter().any(|share| recovery.add(share).unwrap().is_some())
    }

    #[test]
    fn any_three_shares_rebuild_the_key() {
        let key = key();
        let shares = split(&key).unwrap();
        assert_eq!(triples().count(), 10);
        for triple in triples() {
            assert!(recovered(&key, triple.map(|index| &shares[index])));
        }
    }

    #[test]
    fn two_shares_do_not_rebuild_the_key() {
        let key = key();
        let shares = split(&key).unwrap();
        assert!(!recovered(&key, &shares[..2]));
        assert!(!recovered(&key, [&shares[0], &shares[1], &shares[1], &shares[0]]));
    }

    #[test]
    fn two_wrong_shares_among_five_do_not_prevent_recovery() {
        let key = key();
        let shares = split(&key).unwrap();
        let junk = split(&MediaKey::generate().unwrap()).unwrap();
        for right in triples() {
            let mixed: Vec<&Share> = (0..SHARES)
                .map(|index| if right.contains(&index) { &shares[index] } else { &junk[index] })
                .collect();
            assert!(recovered(&key, mixed.iter().copied()), "right ones first to last: {right:?}");
            assert!(recovered(&key, mixed.into_iter().rev()), "last to first: {right:?}");
        }
    }

    #[test]
    fn three_wrong_shares_do_not_give_a_key() {
        let key = key();
        let shares = split(&key).unwrap();
        let junk = split(&MediaKey::generate().unwrap()).unwrap();
        assert!(!recovered(&key, [&shares[0], &shares[1], &junk[2], &junk[3], &junk[4]]));
    }

    #[test]
    fn shares_of_two_splits_do_not_go_together() {
        let key = key();
        let (one, other) = (split(&key).unwrap(), split(&key).unwrap());
        assert!(!recovered(&key, [&one[0], &one[1], &other[2], &other[3]]));
    }

    #[test]
    fn a_share_fits_into_the_strings_it_travels_in() {
        for share in split(&key()).unwrap() {
            assert!((MIN_SHARE_LEN..=MAX_SHARE_LEN).contains(&share.as_str().len()));
            assert!(!share.as_str().contains('_'));
            assert_eq!(Share::parse(share.as_str()).unwrap(), share);
        }
    }

    #[test]
    fn what_is_not_a_share_is_refused() {
        let [share, ..] = split(&key()).unwrap();
        let text = share.as_str();
        assert_eq!(Share::parse("").unwrap_err(), ShareError::Format);
        assert_eq!(Share::parse(&text[1..]).unwrap_err(), ShareError::Format);
        assert_eq!(Share::parse(&text[..text.len() - 2]).unwrap_err(), ShareError::Format);
        assert_eq!(Share::parse(&format!("{text}00")).unwrap_err(), ShareError::Format);
        assert_eq!(Share::parse(&text.replace("tee1", "tee2")).unwrap_err(), ShareError::Format);
        let digit = if text.ends_with('0') { "1" } else { "0" };
        let damaged = format!("{}{digit}", &text[..text.len() - 1]);
        assert_eq!(Share::parse(&damaged).unwrap_err(), ShareError::Checksum);
        let zero = [0; RAW_LEN];
        let zero = format!("{PREFIX}{}{}", hex::encode(zero), hex::encode(checksum(&zero)));
        assert_eq!(Share::parse(&zero).unwrap_err(), ShareError::Zero);
    }

    #[test]
    fn shares_interchange_with_the_original_sharks() {
        let key = key();
        let theirs: Vec<Share> = original_sharks::Sharks(THRESHOLD)
            .dealer(key.as_bytes())
            .take(SHARES)
            .map(|share| {
                let raw = Vec::from(&share);
                Share::encode(&sharks::Share::try_from(raw.as_slice()).unwrap())
            })
            .collect();
        assert!(recovered(&key, &theirs[2..]));

        let ours: Vec<original_sharks::Share> = split(&key)
            .unwrap()
            .iter()
            .map(|share| {
                let raw = Vec::from(&decode(share.as_str()).unwrap());
                original_sharks::Share::try_from(raw.as_slice()).unwrap()
            })
            .collect();
        let rebuilt = original_sharks::Sharks(THRESHOLD).recover(&ours[1..4]).unwrap();
        assert_eq!(rebuilt, key.as_bytes());
    }

    #[test]
    fn debug_output_does_not_show_shares() {
        let [share, ..] = split(&key()).unwrap();
        assert_eq!(format!("{share:?}"), "Share([redacted])");
    }
}
