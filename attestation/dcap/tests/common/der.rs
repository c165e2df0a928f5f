// SPDX-License-Identifier: Apache-2.0
//! A little DER: taking apart and signing anew what the simulator has made.

use p256::ecdsa::SigningKey;

use super::keys::sign_der;

/// Tag of a sequence.
pub const SEQUENCE: u8 = 0x30;

/// An element.
pub fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len();
    let mut bytes = vec![tag];
    match length {
        0..=0x7f => bytes.push(length as u8),
        0x80..=0xff => bytes.extend([0x81, length as u8]),
        _ => bytes.extend([0x82, (length >> 8) as u8, length as u8]),
    }
    assert!(length <= 0xffff);
    bytes.extend(content);
    bytes
}

/// The length of the first element, and where its content begins.
fn measure(bytes: &[u8]) -> (usize, usize) {
    let (header, length) = match bytes[1] {
        short @ 0..=0x7f => (2, usize::from(short)),
        0x81 => (3, usize::from(bytes[2])),
        0x82 => (4, usize::from(bytes[2]) << 8 | usize::from(bytes[3])),
        _ => panic!("an element longer than 65,535 bytes"),
    };
    (header + length, header)
}

/// The content of an element.
pub fn content(bytes: &[u8]) -> &[u8] {
    let (length, header) = measure(bytes);
    &bytes[header..length]
}

/// The elements that follow each other.
pub fn elements(mut bytes: &[u8]) -> Vec<&[u8]> {
    let mut all = Vec::new();
    while !bytes.is_empty() {
        let (first, rest) = bytes.split_at(measure(bytes).0);
        all.push(first);
        bytes = rest;
    }
    all
}

/// Signs a certificate or a list of revoked certificates.
pub fn signed(key: &SigningKey, to_be_signed: &[u8]) -> Vec<u8> {
    let ecdsa_with_sha256 = [0x30, 10, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2];
    let signature = [&[0][..], &sign_der(key, to_be_signed)].concat();
    let parts = [to_be_signed, &ecdsa_with_sha256, &element(3, &signature)].concat();
    element(SEQUENCE, &parts)
}

/// The same certificate or list with other elements in what is signed.
pub fn changed(der: &[u8], key: &SigningKey, change: impl FnOnce(&mut Vec<Vec<u8>>)) -> Vec<u8> {
    let to_be_signed = elements(content(der))[0];
    let mut parts: Vec<_> =
        elements(content(to_be_signed)).into_iter().map(<[u8]>::to_vec).collect();
    change(&mut parts);
    signed(key, &element(SEQUENCE, &parts.concat()))
}
