// SPDX-License-Identifier: Apache-2.0
//! What a PCK certificate says of its platform ("PCK Certificate and CRL Profile Specification",
//! 1.3.5). Fields have the lengths they are given, so that wrong ones can be made.

use x509_cert::der::{
    asn1::{Any, ObjectIdentifier, OctetStringRef},
    Encode, Tag,
};

use crate::{certificate::SGX_EXTENSION, machine::PlatformFlags};

/// The extension's content.
#[derive(Clone)]
pub(crate) struct SgxExtension {
    /// Platform provisioning id, 16 bytes: which machine it is.
    pub(crate) ppid: Vec<u8>,
    /// SVN of each of 16 components.
    pub(crate) components: Vec<u8>,
    pub(crate) pce_svn: u16,
    /// 16 bytes. In Intel's certificates the same as `components`.
    pub(crate) cpu_svn: Vec<u8>,
    /// 2 bytes.
    pub(crate) pce_id: Vec<u8>,
    /// 6 bytes.
    pub(crate) fmspc: Vec<u8>,
    pub(crate) sgx_type: u8,
    /// Platform instance id (16 bytes) and flags, in certificates of the Platform CA.
    pub(crate) platform: Option<([u8; 16], PlatformFlags)>,
}

impl SgxExtension {
    /// In DER.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let tcb_arc = arc(SGX_EXTENSION, 2);
        let mut tcb: Vec<u8> = (1..)
            .zip(&self.components)
            .flat_map(|(component, svn)| entry(arc(tcb_arc, component), der(svn)))
            .collect();
        tcb.extend(entry(arc(tcb_arc, 17), der(&self.pce_svn)));
        tcb.extend(entry(arc(tcb_arc, 18), octets(&self.cpu_svn)));

        let field = |number, value| entry(arc(SGX_EXTENSION, number), value);
        let mut content = field(1, octets(&self.ppid));
        content.extend(field(2, element(Tag::Sequence, tcb)));
        content.extend(field(3, octets(&self.pce_id)));
        content.extend(field(4, octets(&self.fmspc)));
        content.extend(field(5, element(Tag::Enumerated, vec![self.sgx_type])));
        if let Some((instance, flags)) = &self.platform {
            let configuration_arc = arc(SGX_EXTENSION, 7);
            let flags = [flags.dynamic_platform, flags.cached_keys, flags.smt_enabled];
            let configuration = (1..)
                .zip(flags)
                .flat_map(|(number, flag)| entry(arc(configuration_arc, number), der(&flag)))
                .collect();
            content.extend(field(6, octets(instance)));
            content.extend(field(7, element(Tag::Sequence, configuration)));
        }
        element(Tag::Sequence, content)
    }
}

/// SEQUENCE { OBJECT IDENTIFIER, value }
fn entry(oid: ObjectIdentifier, value: Vec<u8>) -> Vec<u8> {
    element(Tag::Sequence, [der(&oid), value].concat())
}

fn element(tag: Tag, content: Vec<u8>) -> Vec<u8> {
    der(&Any::new(tag, content).expect("short contents fit an element"))
}

fn octets(value: &[u8]) -> Vec<u8> {
    der(&OctetStringRef::new(value).expect("short contents fit an element"))
}

fn der<T: Encode + ?Sized>(value: &T) -> Vec<u8> {
    value.to_der().expect("what is built here has an encoding")
}

fn arc(parent: ObjectIdentifier, number: u32) -> ObjectIdentifier {
    parent.push_arc(number).expect("Intel's identifiers are short")
}
