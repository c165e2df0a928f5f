// SPDX-License-Identifier: Apache-2.0
//! The attestation pallet of the scripted chain. It checks what makes a difference to an enclave,
//! and no signatures of Intel's.

use codec::{Decode, DecodeAll};
use subxt_signer::sr25519;
use tee_primitives::{
    abi::ENCLAVE_ABI,
    abi::{calls, storage},
    attestation::{
        collateral::{CollateralId, CollateralItem, PckCa},
        record::{AllowedMeasurement, Fmspc, Standards},
        tcb::{Tcb, TcbPolicy, TcbStatus},
        AttestationPayload, LogHead, Measurement, PlatformId,
    },
    cluster::Enclave,
    keyshare::KeyshareConfirmation,
    traits::AttestationFacts,
    BlockNumber, RawAccountId,
};
use tee_simulator::{Authority, EnclaveIdentity, DEVELOPMENT_FMSPC};

use super::Scripted;
use crate::{chain::facts::Record, identity::Identity, view::Understood};

/// The chain's time at first, in seconds since the Unix epoch.
pub(crate) const NOW: u64 = 1_800_000_000;

/// How long an attestation counts, in seconds.
pub(crate) const VALIDITY: u64 = 600;

pub(crate) const MEASUREMENT: Measurement = [0x3e; 32];
pub(crate) const SIGNER: Measurement = [0x51; 32];
pub(crate) const PLATFORM: PlatformId = [0x9a; 32];
pub(crate) const CA: PckCa = PckCa::Processor;
pub(crate) const FMSPC: Fmspc = DEVELOPMENT_FMSPC;

/// The documents that judge the tests' machines, in the order in which the chain takes them.
pub(crate) const COLLATERAL: [CollateralId; 4] = [
    CollateralId::RootCrl,
    CollateralId::PckCrl(CA),
    CollateralId::TcbInfo(FMSPC),
    CollateralId::QeIdentity,
];

/// A transaction.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Sent {
    Confirmations(Vec<KeyshareConfirmation>),
    Attestation {
        payload: Box<AttestationPayload>,
        quote: Vec<u8>,
    },
    Collateral(CollateralItem),
    /// Of an operator, up to where in the sync log.
    TakingOver(RawAccountId, u64),
}

impl Sent {
    pub(super) fn decode(call: &[u8]) -> Self {
        let ([pallet, index], mut arguments) = call.split_first_chunk::<2>().unwrap();
        match (*pallet, *index) {
            (calls::TEE_PALLET, calls::CONFIRM_KEYSHARES) => {
                Self::Confirmations(DecodeAll::decode_all(&mut arguments).unwrap())
            }
            (calls::TEE_PALLET, calls::COMPLETE_UPDATE) => {
                let (operator, cursor) = DecodeAll::decode_all(&mut arguments).unwrap();
                Self::TakingOver(operator, cursor)
            }
            (calls::ATTESTATION_PALLET, calls::ATTEST) => {
                let (payload, quote) = DecodeAll::decode_all(&mut arguments).unwrap();
                Self::Attestation { payload: Box::new(payload), quote }
            }
            (calls::ATTESTATION_PALLET, calls::SUBMIT_COLLATERAL) => {
                Self::Collateral(CollateralItem::decode(&mut arguments).unwrap())
            }
            call => panic!("no call of an enclave: {call:?}"),
        }
    }
}

/// DER of the certificate that the chain trusts at first.
pub(crate) fn root() -> Vec<u8> {
    Authority::development().root_der().to_vec()
}

/// What enclaves in tests understand.
pub(crate) fn build() -> Understood {
    Understood { root: root(), abis: vec![ENCLAVE_ABI] }
}

/// A quote of a simulated machine.
pub(crate) fn quote(measurement: Measurement, report_data: &[u8; 64]) -> Vec<u8> {
    let enclave =
        EnclaveIdentity { mr_enclave: measurement, mr_signer: SIGNER, isv_prod_id: 0, isv_svn: 0 };
    Authority::development().machine(1).quote(&enclave, report_data)
}

/// What governance says of [`MEASUREMENT`] at first.
pub(crate) fn allowed() -> AllowedMeasurement {
    AllowedMeasurement { mr_signer: SIGNER, isv_prod_id: 0, min_isv_svn: 0, acts_from: 0 }
}

/// An attestation as of [`NOW`].
pub(crate) fn record(own: &Identity, quote_block: BlockNumber) -> Record {
    Record {
        operator: own.operator,
        facts: AttestationFacts { measurement: own.measurement, isv_svn: 0, platform: PLATFORM },
        fmspc: FMSPC,
        tcb: Tcb {
            status: TcbStatus::UpToDate,
            advisories: Default::default(),
            date: NOW - 1_000,
            evaluation_number: 17,
        },
        encryption_key: own.encryption_key,
        tls_spki_hash: own.tls_spki_hash,
        session: own.session,
        log_head: LogHead::default(),
        quote_block,
        attested_at: NOW,
        expires_at: NOW + VALIDITY,
    }
}

impl Scripted {
    /// The chain's values at first.
    pub(super) fn trust(&self) {
        self.set(storage::enclave_abi(), ENCLAVE_ABI);
        self.set_root(Some(&root()));
        self.set_time(NOW);
        self.set(storage::allowed_measurement(&MEASUREMENT), allowed());
        for id in COLLATERAL {
            self.set(key_of(id), 1u8);
        }
    }

    pub(crate) fn set_root(&self, root: Option<&[u8]>) {
        match root {
            Some(root) => self.set(storage::attestation_root(), root),
            None => self.remove(&storage::attestation_root()),
        }
    }

    pub(crate) fn set_time(&self, seconds: u64) {
        self.set(storage::now(), seconds * 1000 + 999);
    }

    pub(crate) fn time(&self) -> u64 {
        self.get::<u64>(&storage::now()).unwrap() / 1000
    }

    pub(crate) fn ban_platform(&self, is_banned: bool) {
        let key = storage::banned_platform(&PLATFORM);
        if is_banned {
            self.set(key, ());
        } else {
            self.remove(&key);
        }
    }

    pub(crate) fn set_policy(&self, policy: TcbPolicy) {
        self.set(storage::tcb_policy(), policy);
    }

    /// The operator names the account in a registration.
    pub(crate) fn register(&self, operator: RawAccountId) {
        let enclave = Enclave { enclave_address: self.account, api_uri: b"http://e".to_vec() };
        self.set(storage::enclave_registration(&operator), enclave);
    }

    /// The operator names the account as successor.
    pub(crate) fn name_successor(&self, operator: RawAccountId) {
        let enclave = Enclave { enclave_address: self.account, api_uri: b"http://e".to_vec() };
        self.set(storage::enclave_update(&operator), enclave);
    }

    /// The chain loses its collateral.
    pub(crate) fn forget_collateral(&self) {
        for id in COLLATERAL {
            self.remove(&key_of(id));
        }
    }

    pub(crate) fn has_collateral(&self, id: CollateralId) -> bool {
        self.get::<u8>(&key_of(id)).is_some()
    }

    /// Takes an attestation that nobody sent.
    pub(crate) fn attest(&self, own: &Identity, quote_block: BlockNumber) {
        self.put_record(own.account, record(own, quote_block));
    }

    fn put_record(&self, account: RawAccountId, record: Record) {
        let now = self.time();
        let record = Record { attested_at: now, expires_at: now + VALIDITY, ..record };
        self.set(storage::attestation(&account), record);
    }

    pub(crate) fn forget_attestation(&self) {
        self.remove(&storage::attestation(&self.account));
    }

    pub(crate) fn record(&self) -> Option<Record> {
        self.get(&storage::attestation(&self.account))
    }

    pub(super) fn is_attested(&self) -> bool {
        let standards = Standards {
            measurement: self.get(&storage::allowed_measurement(&MEASUREMENT)),
            is_platform_banned: self.get::<()>(&storage::banned_platform(&PLATFORM)).is_some(),
            policy: &self.get(&storage::tcb_policy()).unwrap_or_default(),
            block: self.finalized(),
            now: self.time(),
        };
        self.record().is_some_and(|record| record.check(&standards).is_ok())
    }

    pub(super) fn take_attestation(&self, payload: &AttestationPayload, quote: &[u8]) -> bool {
        let quote = tee_dcap::Quote::parse(quote).unwrap();
        let report = quote.report();
        let is_signed = sr25519::verify(
            &sr25519::Signature(report.report_data),
            payload.message(),
            &sr25519::PublicKey(payload.account),
        );
        assert!(is_signed, "enclaves send what they have signed");
        assert_eq!(payload.mrenclave, report.mr_enclave);
        let hash = Self::hash(payload.block_number);
        let is_newer = self.record().is_none_or(|record| record.quote_block < payload.block_number);
        let is_allowed = self
            .get::<AllowedMeasurement>(&storage::allowed_measurement(&payload.mrenclave))
            .is_some_and(|allowed| allowed.acts_from <= self.finalized());
        if hash != payload.block_hash
            || !is_newer
            || !is_allowed
            || !COLLATERAL.into_iter().all(|id| self.has_collateral(id))
        {
            return false;
        }
        let own = Identity {
            account: payload.account,
            operator: payload.operator,
            measurement: payload.mrenclave,
            encryption_key: payload.encryption_key,
            tls_spki_hash: payload.tls_spki_hash,
            session: payload.session,
        };
        self.put_record(payload.account, record(&own, payload.block_number));
        true
    }

    pub(super) fn take_collateral(&self, item: &CollateralItem) -> bool {
        let id = id_of(item);
        let is_taken = id == CollateralId::RootCrl || self.has_collateral(CollateralId::RootCrl);
        if is_taken {
            self.set(key_of(id), 1u8);
        }
        is_taken
    }

    /// All transactions that came.
    pub(crate) fn sent(&self) -> Vec<Sent> {
        self.state.lock().unwrap().sent.clone()
    }

    /// The attestations among them.
    pub(crate) fn attestations(&self) -> Vec<AttestationPayload> {
        let payload = |sent| match sent {
            Sent::Attestation { payload, .. } => Some(*payload),
            _ => None,
        };
        self.sent().into_iter().filter_map(payload).collect()
    }
}

pub(crate) fn key_of(id: CollateralId) -> Vec<u8> {
    match id {
        CollateralId::RootCrl => storage::root_crl(),
        CollateralId::PckCrl(ca) => storage::pck_crl(ca),
        CollateralId::TcbInfo(fmspc) => storage::tcb_info(&fmspc),
        CollateralId::QeIdentity => storage::qe_identity(),
    }
}

/// Which document an item is, if it is of the tests' machines.
pub(crate) fn id_of(item: &CollateralItem) -> CollateralId {
    match item {
        CollateralItem::RootCrl { .. } => CollateralId::RootCrl,
        CollateralItem::PckCrl { .. } => CollateralId::PckCrl(CA),
        CollateralItem::TcbInfo { .. } => CollateralId::TcbInfo(FMSPC),
        CollateralItem::QeIdentity { .. } => CollateralId::QeIdentity,
    }
}
