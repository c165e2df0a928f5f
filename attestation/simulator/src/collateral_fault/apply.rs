// SPDX-License-Identifier: Apache-2.0
//! How each fault is put in.

use std::mem;

use crate::{
    authority::{Authority, Issuer, TCB_SIGNER_NAME},
    certificate::{self, Role},
    collateral::{chain_below_root, Collateral, CollateralOptions, Draft, Signer, Unsigned, DAY},
    crl, derive,
    document::{date, Component},
    machine::{Machine, MachineOptions, PckCa},
    CollateralFault, Crl, Document,
};

impl Authority {
    /// Collateral in which one thing is wrong. Panics if a time is after the year 9999, or if the
    /// options have no levels.
    pub fn faulty_collateral(
        &self,
        options: &CollateralOptions,
        fault: CollateralFault,
    ) -> Collateral {
        let mut draft = Draft::new(self, options);
        in_content(&mut draft, self, options, fault);
        let mut unsigned = draft.write();
        in_text(&mut unsigned, self, options, fault);
        let mut collateral = unsigned.sign();
        after_signing(&mut collateral, options, fault);
        collateral
    }
}

/// What is wrong in what documents and CRLs say.
fn in_content(
    draft: &mut Draft,
    authority: &Authority,
    options: &CollateralOptions,
    fault: CollateralFault,
) {
    use CollateralFault::*;
    use Document::{QeIdentity, TcbInfo};
    let (tcb, qe) = (&mut draft.tcb_info, &mut draft.qe_identity);
    let (issued, end) = (options.issued, options.issued + options.valid_for);
    let before = (date(issued - options.valid_for - 1), date(issued - 1));
    let after = (date(end + 1), date(end + 1 + options.valid_for));
    match fault {
        Expired(TcbInfo) => (tcb.issue_date, tcb.next_update) = before,
        Expired(QeIdentity) => (qe.issue_date, qe.next_update) = before,
        NotYetValid(TcbInfo) => (tcb.issue_date, tcb.next_update) = after,
        NotYetValid(QeIdentity) => (qe.issue_date, qe.next_update) = after,
        BadDate(TcbInfo) => tcb.next_update = "2049-13-01T00:00:00Z".into(),
        BadDate(QeIdentity) => qe.next_update = "2049-13-01T00:00:00Z".into(),

        UnknownStatus(TcbInfo) => tcb.tcb_levels[0].tcb_status = "Unknown".into(),
        UnknownStatus(QeIdentity) => qe.tcb_levels[0].tcb_status = "Unknown".into(),
        SvnTooLarge(TcbInfo) => tcb.tcb_levels[0].tcb.pcesvn = 65_536,
        SvnTooLarge(QeIdentity) => qe.tcb_levels[0].tcb.isvsvn = 65_536,
        MalformedHex(TcbInfo) => tcb.fmspc.replace_range(0..1, "G"),
        MalformedHex(QeIdentity) => qe.mrsigner.replace_range(0..1, "G"),
        ShortHex(TcbInfo) => tcb.fmspc.truncate(10),
        ShortHex(QeIdentity) => qe.mrsigner.truncate(62),
        ComponentMissing => drop(tcb.tcb_levels[0].tcb.sgxtcbcomponents.pop()),
        ComponentSurplus => {
            let surplus = Component { svn: 0, category: None, kind: None };
            tcb.tcb_levels[0].tcb.sgxtcbcomponents.push(surplus);
        }
        ComponentTooLarge => tcb.tcb_levels[0].tcb.sgxtcbcomponents[0].svn = 256,

        KindOfTdx(TcbInfo) => tcb.id = "TDX".into(),
        KindOfTdx(QeIdentity) => qe.id = "TD_QE".into(),
        VersionTooHigh(TcbInfo) => tcb.version = 4,
        VersionTooHigh(QeIdentity) => qe.version = 3,
        VersionTooLow(TcbInfo) => tcb.version = 1,
        VersionTooLow(QeIdentity) => qe.version = 1,
        UnknownTcbType => tcb.tcb_type = 1,

        OtherFmspc => {
            tcb.fmspc.replace_range(11..12, if tcb.fmspc.ends_with('E') { "F" } else { "E" })
        }
        OtherPceId => {
            tcb.pce_id.replace_range(0..1, if tcb.pce_id.starts_with('1') { "2" } else { "1" })
        }
        OtherQeSigner => qe.mrsigner.replace_range(0..1, "F"),
        OtherQeProductId => qe.isvprodid += 1,
        OtherQeMiscSelect => qe.miscselect.replace_range(0..2, "01"),
        OtherQeAttributes => qe.attributes.replace_range(0..2, "01"),

        NoLevels(TcbInfo) => tcb.tcb_levels.clear(),
        NoLevels(QeIdentity) => qe.tcb_levels.clear(),
        LevelsTooHigh(TcbInfo) => {
            for level in &mut tcb.tcb_levels {
                level.tcb.sgxtcbcomponents[15].svn = 255;
            }
        }
        LevelsTooHigh(QeIdentity) => {
            qe.tcb_levels.iter_mut().for_each(|level| level.tcb.isvsvn = 65_535)
        }
        PlatformStatus(status) => tcb.tcb_levels[0].tcb_status = status.name().into(),
        QeStatus(status) => qe.tcb_levels[0].tcb_status = status.name().into(),

        CrlExpired(list) => {
            let list = crl(&mut draft.rest, list);
            list.this_update = issued - options.valid_for - 1;
            list.next_update = Some(issued - 1);
        }
        CrlNotYetValid(list) => {
            // As long as the longest-lived of the four.
            let life = options.valid_for.max(options.root_crl_valid_for);
            let list = crl(&mut draft.rest, list);
            list.this_update = issued + life + 1;
            list.next_update = Some(issued + 2 * life + 1);
        }
        CrlWithoutNextUpdate(list) => crl(&mut draft.rest, list).next_update = None,
        CrlSignature(list) => {
            crl(&mut draft.rest, list).key = derive::key(authority.seed(), "attacker");
        }
        CrlByWrongCa(list) => {
            let issuer = match (list, options.ca) {
                (Crl::Root, _) => authority.ca(options.ca),
                (Crl::Pck, PckCa::Processor) => authority.ca(PckCa::Platform),
                (Crl::Pck, PckCa::Platform) => authority.ca(PckCa::Processor),
            };
            set_issuer(&mut draft.rest, list, issuer);
            if list == Crl::Pck {
                draft.rest.pck_crl_issuer_chain = chain_below_root(authority, issuer);
            }
        }
        CrlByForeignCa(Crl::Root) => {
            set_issuer(&mut draft.rest, Crl::Root, authority.imposter().root());
        }
        CrlByForeignCa(Crl::Pck) => {
            let imposter = authority.imposter();
            let ca = imposter.ca(options.ca);
            set_issuer(&mut draft.rest, Crl::Pck, ca);
            draft.rest.pck_crl_issuer_chain = chain_below_root(&imposter, ca);
        }
        CrlChainEmpty => draft.rest.pck_crl_issuer_chain.clear(),

        PckRevoked => {
            let serial = machine_zero(authority, options).serial();
            draft.rest.pck_crl.revoked.push(serial);
        }
        PckCaRevoked => draft.rest.root_crl.revoked.push(authority.ca_serial(options.ca)),
        TcbSignerRevoked => draft.rest.root_crl.revoked.push(authority.tcb_signer_serial()),
        RootRevoked => draft.rest.root_crl.revoked.push(authority.root_serial()),
        _ => (),
    }
}

/// What is wrong in how documents are written and in who signs them.
fn in_text(
    unsigned: &mut Unsigned,
    authority: &Authority,
    options: &CollateralOptions,
    fault: CollateralFault,
) {
    use CollateralFault::*;
    let attacker = || derive::key(authority.seed(), "attacker");
    match fault {
        Incomplete(document) => drop(text(unsigned, document).pop()),
        Trailing(document) => text(unsigned, document).push_str("{}"),
        DuplicateField(document) => {
            let text = text(unsigned, document);
            let version = if document == Document::TcbInfo { 3 } else { 2 };
            *text = text.replacen('{', &format!("{{\"version\":{version},"), 1);
        }
        MissingField(document) => {
            let field = format!("\"tcbEvaluationDataNumber\":{},", options.evaluation_number);
            let text = text(unsigned, document);
            *text = text.replacen(&field, "", 1);
        }

        SignedByOtherKey(document) => {
            signer(unsigned, document).key = authority.ca(options.ca).key.clone();
        }
        ChainEmpty(document) => signer(unsigned, document).chain.clear(),
        ChainNotPem(document) => signer(unsigned, document).chain = "no certificate".into(),
        SignerIsRoot(document) => {
            let chain = certificate::pem([authority.root_der()]);
            *signer(unsigned, document) = Signer { key: authority.root().key.clone(), chain };
        }
        SignerIsPckCa(document) => {
            *signer(unsigned, document) = Signer::below_root(authority, authority.ca(options.ca));
        }
        SignerIsPck(document) => {
            let machine = machine_zero(authority, options);
            let chain = certificate::pem(machine.chain_der().iter().map(Vec::as_slice));
            *signer(unsigned, document) = Signer { key: machine.pck, chain };
        }
        SignerBelowPckCa(document) => {
            let ca = authority.ca(options.ca);
            let issuer = Some((ca.name, &ca.key));
            let own = Issuer::with_key(attacker(), TCB_SIGNER_NAME, Role::Leaf, issuer);
            let chain = certificate::pem([own.der.as_slice(), &ca.der, authority.root_der()]);
            *signer(unsigned, document) = Signer { key: own.key, chain };
        }
        SignerBelowForeignRoot(document) => {
            let imposter = authority.imposter();
            *signer(unsigned, document) = Signer::below_root(&imposter, imposter.tcb_signer());
        }
        SignerExpired(document) => {
            let root = authority.root();
            let expired = Issuer::with_validity(
                authority.tcb_signer().key.clone(),
                TCB_SIGNER_NAME,
                Role::Leaf,
                Some((root.name, &root.key)),
                // 2020-01-01 to 2020-12-31.
                (1_577_836_800, 1_609_459_199),
            );
            *signer(unsigned, document) = Signer::below_root(authority, &expired);
        }
        SignerCertificateBroken(document) => {
            let mut leaf = authority.tcb_signer().der.clone();
            // The signature is the last element.
            *leaf.last_mut().expect("a certificate has bytes") ^= 1;
            let chain = certificate::pem([leaf.as_slice(), authority.root_der()]);
            signer(unsigned, document).chain = chain;
        }
        _ => (),
    }
}

/// What is wrong behind the signers' backs.
fn after_signing(collateral: &mut Collateral, options: &CollateralOptions, fault: CollateralFault) {
    use CollateralFault::*;
    match fault {
        SignatureBroken(document) => signed(collateral, document).1[63] ^= 1,
        ChangedAfterSigning(document) => {
            let end = options.issued + options.valid_for;
            let text = signed(collateral, document).0;
            *text = text.replacen(&date(end), &date(end + 365 * DAY), 1);
        }
        Reformatted(document) => {
            let text = signed(collateral, document).0;
            *text = text.replacen(':', ": ", 1);
        }
        DocumentsSwapped => {
            mem::swap(&mut collateral.tcb_info, &mut collateral.qe_identity);
            mem::swap(&mut collateral.tcb_info_signature, &mut collateral.qe_identity_signature);
        }
        CrlEmpty(list) => signed_crl(collateral, list).clear(),
        CrlIncomplete(list) => drop(signed_crl(collateral, list).pop()),
        CrlTrailingByte(list) => signed_crl(collateral, list).push(0),
        CrlsSwapped => mem::swap(&mut collateral.root_crl, &mut collateral.pck_crl),
        _ => (),
    }
}

/// The machine that faults are about.
fn machine_zero(authority: &Authority, options: &CollateralOptions) -> Machine {
    let kind = MachineOptions { ca: options.ca, fmspc: options.fmspc, ..MachineOptions::default() };
    authority.machine_with(0, &kind)
}

fn crl(unsigned: &mut Unsigned, list: Crl) -> &mut crl::Crl {
    match list {
        Crl::Root => &mut unsigned.root_crl,
        Crl::Pck => &mut unsigned.pck_crl,
    }
}

fn set_issuer(unsigned: &mut Unsigned, list: Crl, issuer: &Issuer) {
    let list = crl(unsigned, list);
    list.issuer = issuer.certificate.clone();
    list.key = issuer.key.clone();
}

fn text(unsigned: &mut Unsigned, document: Document) -> &mut String {
    match document {
        Document::TcbInfo => &mut unsigned.tcb_info,
        Document::QeIdentity => &mut unsigned.qe_identity,
    }
}

fn signer(unsigned: &mut Unsigned, document: Document) -> &mut Signer {
    match document {
        Document::TcbInfo => &mut unsigned.tcb_info_signer,
        Document::QeIdentity => &mut unsigned.qe_identity_signer,
    }
}

fn signed(collateral: &mut Collateral, document: Document) -> (&mut String, &mut [u8; 64]) {
    match document {
        Document::TcbInfo => (&mut collateral.tcb_info, &mut collateral.tcb_info_signature),
        Document::QeIdentity => {
            (&mut collateral.qe_identity, &mut collateral.qe_identity_signature)
        }
    }
}

fn signed_crl(collateral: &mut Collateral, list: Crl) -> &mut Vec<u8> {
    match list {
        Crl::Root => &mut collateral.root_crl,
        Crl::Pck => &mut collateral.pck_crl,
    }
}
