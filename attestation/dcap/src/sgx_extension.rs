// SPDX-License-Identifier: Apache-2.0
//! What Intel writes into a platform's certificate: extension 1.2.840.113741.1.13.1 (Intel SGX PCK
//! Certificate and Certificate Revocation List Profile Specification, section 1.3.5).

use tee_primitives::attestation::record::Fmspc;
use x509_cert::{
    der::{
        asn1::{AnyRef, ObjectIdentifier, OctetStringRef},
        Decode, Reader, SliceReader, Tag, Tagged,
    },
    Certificate,
};

use crate::Error;

const SGX: &str = "1.2.840.113741.1.13.1";
const SGX_OID: ObjectIdentifier = ObjectIdentifier::new_unwrap(SGX);
const PPID: u32 = 1;
const TCB: u32 = 2;
const PCE_ID: u32 = 3;
const FMSPC: u32 = 4;
const TYPE: u32 = 5;
const PCE_SVN: u32 = 17;
const CPU_SVN: u32 = 18;

/// The parts that matter here.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct SgxExtension {
    /// Platform provisioning id.
    pub ppid: [u8; 16],
    /// Security versions of the processor's components.
    pub cpu_svn: [u8; 16],
    /// Security version of the provisioning enclave.
    pub pce_svn: u16,
    /// Which provisioning enclave.
    pub pce_id: [u8; 2],
    /// The type of platform.
    pub fmspc: Fmspc,
}

/// While it is read. A part that comes twice is refused, like one that is missing.
#[derive(Default)]
struct Parts {
    ppid: Option<[u8; 16]>,
    components: [Option<u8>; 16],
    cpu_svn: Option<[u8; 16]>,
    pce_svn: Option<u16>,
    pce_id: Option<[u8; 2]>,
    fmspc: Option<Fmspc>,
    has_type: bool,
}

impl SgxExtension {
    /// Reads the extension of a platform's certificate.
    pub fn of(certificate: &Certificate) -> Result<Self, Error> {
        let extensions = certificate.tbs_certificate().extensions();
        let mut found = extensions
            .into_iter()
            .flatten()
            .filter(|extension| extension.extn_id == SGX_OID)
            .map(|extension| extension.extn_value.as_bytes());
        match (found.next(), found.next()) {
            (Some(bytes), None) => Self::read(bytes).ok_or(Error::SgxExtensionMalformed),
            _ => Err(Error::SgxExtensionMalformed),
        }
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let mut parts = Parts::default();
        each(bytes, SGX_OID, |part, value| match part {
            PPID => put(&mut parts.ppid, octets(value)?),
            TCB => each_of(value, SGX_OID.push_arc(TCB).ok()?, |part, value| match part {
                1..=16 => {
                    let index = usize::try_from(part.checked_sub(1)?).ok()?;
                    put(parts.components.get_mut(index)?, u8::try_from(number(value)?).ok()?)
                }
                PCE_SVN => put(&mut parts.pce_svn, number(value)?),
                CPU_SVN => put(&mut parts.cpu_svn, octets(value)?),
                _ => Some(()),
            }),
            PCE_ID => put(&mut parts.pce_id, octets(value)?),
            FMSPC => put(&mut parts.fmspc, octets(value)?),
            TYPE => {
                let is_first = !core::mem::replace(&mut parts.has_type, true);
                (is_first && value.tag() == Tag::Enumerated).then_some(())
            }
            // Of platforms with several packages: the instance and its settings.
            _ => Some(()),
        })?;
        let cpu_svn = parts.cpu_svn?;
        // Intel's verifier compares the components, others their concatenation. They are the same.
        let is_same = parts.components.iter().zip(cpu_svn).all(|(part, svn)| *part == Some(svn));
        (is_same && parts.has_type).then_some(Self {
            ppid: parts.ppid?,
            cpu_svn,
            pce_svn: parts.pce_svn?,
            pce_id: parts.pce_id?,
            fmspc: parts.fmspc?,
        })
    }
}

fn put<T>(place: &mut Option<T>, value: T) -> Option<()> {
    place.replace(value).is_none().then_some(())
}

fn octets<const N: usize>(value: AnyRef<'_>) -> Option<[u8; N]> {
    value.decode_as::<&OctetStringRef>().ok()?.as_bytes().try_into().ok()
}

fn number(value: AnyRef<'_>) -> Option<u16> {
    value.decode_as().ok()
}

/// Calls `take` for each pair of a sequence of pairs (OID, value), with the part of the OID behind
/// `prefix`.
fn each(
    bytes: &[u8],
    prefix: ObjectIdentifier,
    take: impl FnMut(u32, AnyRef<'_>) -> Option<()>,
) -> Option<()> {
    each_of(AnyRef::from_der(bytes).ok()?, prefix, take)
}

fn each_of(
    sequence: AnyRef<'_>,
    prefix: ObjectIdentifier,
    mut take: impl FnMut(u32, AnyRef<'_>) -> Option<()>,
) -> Option<()> {
    if sequence.tag() != Tag::Sequence {
        return None;
    }
    let mut pairs = SliceReader::new(sequence.value()).ok()?;
    while !pairs.is_finished() {
        let pair = AnyRef::decode(&mut pairs).ok()?;
        if pair.tag() != Tag::Sequence {
            return None;
        }
        let mut pair = SliceReader::new(pair.value()).ok()?;
        let oid = ObjectIdentifier::decode(&mut pair).ok()?;
        let value = AnyRef::decode(&mut pair).ok()?;
        let is_below = oid.parent() == Some(prefix);
        let part = oid.arcs().last().filter(|_| is_below);
        if !pair.is_finished() {
            return None;
        }
        take(part?, value)?;
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;

    const SEQUENCE: u8 = 0x30;
    const OCTETS: u8 = 4;
    const INTEGER: u8 = 2;
    const ENUMERATED: u8 = 10;
    /// 1.2.840.113741.1.13.1 in DER.
    const PREFIX: [u8; 9] = [0x2a, 0x86, 0x48, 0x86, 0xf8, 0x4d, 1, 13, 1];

    fn element(tag: u8, content: &[u8]) -> Vec<u8> {
        let length = content.len();
        let header = match length {
            0..=0x7f => [tag, length as u8].to_vec(),
            0x80..=0xff => [tag, 0x81, length as u8].to_vec(),
            _ => [tag, 0x82, (length >> 8) as u8, length as u8].to_vec(),
        };
        [&header[..], content].concat()
    }

    /// A pair of an OID and a value.
    fn pair(path: &[u8], value: &[u8]) -> Vec<u8> {
        let oid = element(6, &[&PREFIX, path].concat());
        element(SEQUENCE, &[oid, value.to_vec()].concat())
    }

    /// The parts of an extension in which nothing is wrong, and those of its TCB.
    struct Draft {
        parts: Vec<Vec<u8>>,
        tcb: Vec<Vec<u8>>,
    }

    impl Draft {
        fn new() -> Self {
            let mut tcb: Vec<_> =
                (1..=16).map(|number| pair(&[2, number], &element(INTEGER, &[number]))).collect();
            tcb.push(pair(&[2, 17], &element(INTEGER, &[1, 0])));
            let cpu_svn: Vec<u8> = (1..=16).collect();
            tcb.push(pair(&[2, 18], &element(OCTETS, &cpu_svn)));
            let parts = [
                pair(&[1], &element(OCTETS, &[7; 16])),
                pair(&[3], &element(OCTETS, &[8; 2])),
                pair(&[4], &element(OCTETS, &[9; 6])),
                pair(&[5], &element(ENUMERATED, &[0])),
            ];
            Self { parts: parts.into(), tcb }
        }

        fn read(&self) -> Option<SgxExtension> {
            let tcb = pair(&[2], &element(SEQUENCE, &self.tcb.concat()));
            let parts = [self.parts.concat(), tcb].concat();
            SgxExtension::read(&element(SEQUENCE, &parts))
        }

        /// Reads it after a change.
        fn with(change: impl FnOnce(&mut Self)) -> Option<SgxExtension> {
            let mut draft = Self::new();
            change(&mut draft);
            draft.read()
        }
    }

    #[test]
    fn all_parts_are_read() {
        let expected = SgxExtension {
            ppid: [7; 16],
            cpu_svn: core::array::from_fn(|index| index as u8 + 1),
            pce_svn: 256,
            pce_id: [8; 2],
            fmspc: [9; 6],
        };
        assert_eq!(Draft::new().read(), Some(expected));
        // In any order, and with others that do not matter here.
        let other = Draft::with(|draft| {
            draft.parts.reverse();
            draft.tcb.reverse();
            draft.parts.push(pair(&[6], &element(OCTETS, &[1; 16])));
            draft.parts.push(pair(&[7], &element(SEQUENCE, &[])));
            draft.tcb.push(pair(&[2, 19], &element(INTEGER, &[1])));
        });
        assert_eq!(other, Some(expected));
    }

    #[test]
    fn every_part_must_be_there_once() {
        for part in 0..4 {
            assert_eq!(Draft::with(|draft| drop(draft.parts.remove(part))), None);
            assert_eq!(Draft::with(|draft| draft.parts.push(draft.parts[part].clone())), None);
        }
        for part in 0..18 {
            assert_eq!(Draft::with(|draft| drop(draft.tcb.remove(part))), None);
            assert_eq!(Draft::with(|draft| draft.tcb.push(draft.tcb[part].clone())), None);
        }
    }

    #[test]
    fn every_part_has_its_length_and_kind() {
        let with = |part: usize, path: &[u8], value: &[u8]| {
            let pair = pair(path, value);
            Draft::with(|draft| draft.parts[part] = pair)
        };
        for (part, path, length) in [(0, 1, 16), (1, 3, 2), (2, 4, 6)] {
            let value = |tag, length| element(tag, &[1].repeat(length));
            assert!(with(part, &[path], &value(OCTETS, length)).is_some());
            assert_eq!(with(part, &[path], &value(OCTETS, length - 1)), None);
            assert_eq!(with(part, &[path], &value(OCTETS, length + 1)), None);
            assert_eq!(with(part, &[path], &value(INTEGER, length)), None);
        }
        assert_eq!(with(3, &[5], &element(INTEGER, &[0])), None);
        let with = |part: usize, path: &[u8], value: &[u8]| {
            let pair = pair(path, value);
            Draft::with(|draft| draft.tcb[part] = pair)
        };
        assert!(with(16, &[2, 17], &element(INTEGER, &[0, 0xff, 0xff])).is_some());
        for number in [&[][..], &[0xff], &[1, 0, 0], &[0, 1]] {
            assert_eq!(with(16, &[2, 17], &element(INTEGER, number)), None, "{number:?}");
        }
        // A component has 8 bits, and is the same as in CPUSVN.
        assert_eq!(with(0, &[2, 1], &element(INTEGER, &[1, 1])), None);
        assert_eq!(with(0, &[2, 1], &element(INTEGER, &[2])), None);
        assert_eq!(with(17, &[2, 18], &element(OCTETS, &[1; 16])), None);
    }

    #[test]
    fn what_is_no_pair_of_a_part_and_a_value_is_refused() {
        let with = |part: Vec<u8>| Draft::with(|draft| draft.parts.push(part));
        assert!(with(pair(&[6], &element(OCTETS, &[]))).is_some());
        assert_eq!(with(element(OCTETS, &[])), None);
        assert_eq!(with(element(SEQUENCE, &[])), None);
        assert_eq!(with(pair(&[6], &[])), None);
        assert_eq!(with(pair(&[6], &[5, 0, 5, 0])), None);
        // Not below the extension's own identifier, or too far.
        assert_eq!(with(element(SEQUENCE, &[6, 1, 0x2a, 5, 0])), None);
        assert_eq!(with(pair(&[], &[5, 0])), None);
        assert_eq!(with(pair(&[6, 1], &[5, 0])), None);
        // Something behind the end.
        let draft = Draft::new();
        let tcb = pair(&[2], &element(SEQUENCE, &draft.tcb.concat()));
        let mut whole = element(SEQUENCE, &[draft.parts.concat(), tcb].concat());
        assert!(SgxExtension::read(&whole).is_some());
        whole.push(0);
        assert_eq!(SgxExtension::read(&whole), None);
        assert_eq!(SgxExtension::read(&[]), None);
    }
}
