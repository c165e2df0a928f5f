// SPDX-License-Identifier: Apache-2.0

use codec::DecodeAll;
use tee_primitives::attestation::AttestationPayload;
use x509_cert::{
    der::{asn1::OctetString, Decode},
    Certificate,
};

use super::*;
use crate::{
    account::Account,
    chain::{
        scripted::{attesting, GENESIS, NOW, OWN},
        ChainInfo, Head,
    },
    identity::Identity,
    platform::testing::Machine,
    seal::Sealer,
    store::LogState,
    tls::tests::DEADLINE,
};

struct World {
    key_hash: [u8; 32],
    certificates: Arc<Certificates>,
    machine: Arc<Machine>,
    outlook: watch::Sender<Outlook>,
    _folder: tempfile::TempDir,
}

impl World {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let sealer = Sealer::new(&[1; 32]);
        let account = Arc::new(Account::load_or_create(folder.path(), &sealer).unwrap());
        let key = TlsKey::load_or_create(folder.path(), &sealer, account.address(), &[]).unwrap();
        let key_hash = key.hash();
        let own = Identity {
            tls_spki_hash: key_hash,
            ..Identity::new(&account, [2; 32], attesting::MEASUREMENT)
        };
        let machine = Machine::good();
        let (_, log) = watch::channel(LogState::default());
        let (quotes, _) = Quotes::start(account, own, machine.clone(), log);
        let (outlook, seen) = watch::channel(Outlook::default());
        let certificates = Arc::new(Certificates::new(key.bare().unwrap()));
        let pause = Duration::from_millis(1);
        tokio::spawn(run_with(Arc::new(key), quotes, seen, certificates.clone(), pause));
        Self { key_hash, certificates, machine, outlook, _folder: folder }
    }

    /// The chain comes to a block at this time, with an attestation whose quote is of that block.
    fn see(&self, number: BlockNumber, now: u64, attested: Option<BlockNumber>) {
        let record = attested.map(|block| Arc::new(attesting::record(&OWN, block)));
        self.outlook.send_replace(Outlook::Known(view(number, now, record)));
    }

    /// The payload in the certificate, if there is evidence in it; it is of the certificate's key.
    fn evidence(&self) -> Option<AttestationPayload> {
        let shown = self.certificates.shown();
        assert_eq!(tee_tls::key_hash(&shown.cert[0]).unwrap(), self.key_hash);
        let certificate = Certificate::from_der(&shown.cert[0]).unwrap();
        let extensions = certificate.tbs_certificate().extensions().unwrap();
        let found = extensions.iter().find(|it| it.extn_id.to_string() == "2.25.1414090805.1")?;
        let value = OctetString::from_der(found.extn_value.as_bytes()).unwrap();
        let bytes = value.as_bytes();
        // As clients of /api/quote take it apart.
        let length = u32::from_le_bytes(*bytes[432..].first_chunk().unwrap());
        let (quote, payload) = bytes.split_at(436 + usize::try_from(length).unwrap());
        let payload = AttestationPayload::decode_all(&mut &payload[..]).unwrap();
        let quote = tee_dcap::Quote::parse(quote).unwrap();
        let signature = subxt_signer::sr25519::Signature(quote.report().report_data);
        let signer = subxt_signer::sr25519::PublicKey(payload.account);
        assert!(subxt_signer::sr25519::verify(&signature, payload.message(), &signer));
        assert_eq!(payload.tls_spki_hash, self.key_hash);
        Some(payload)
    }

    async fn evidence_of(&self, block: BlockNumber) {
        let shown = time::timeout(DEADLINE, async {
            while self.evidence().map(|payload| payload.block_number) != Some(block) {
                time::sleep(Duration::from_millis(2)).await;
            }
        });
        shown.await.unwrap();
    }
}

fn view(number: BlockNumber, now: u64, record: Option<Arc<crate::chain::facts::Record>>) -> View {
    View {
        chain: Arc::new(ChainInfo { name: "scripted".into(), genesis_hash: GENESIS }),
        finalized: Head { number, hash: [number as u8; 32] },
        now,
        assignment: None,
        record,
        measurement: None,
        is_platform_banned: false,
        attestation: Err(Why::Missing),
    }
}

#[tokio::test]
async fn the_certificate_carries_what_binds_its_key_to_the_enclave() {
    let world = World::start();
    assert_eq!(world.evidence(), None);
    world.see(10, NOW, None);
    world.evidence_of(10).await;
    // As long as it says what the chain has, it stays.
    world.see(20, NOW + 60, Some(10));
    world.see(21, NOW + FRESH - 1, Some(10));
    // After an attestation, or an hour, there is new evidence.
    world.see(22, NOW + 61, Some(21));
    world.evidence_of(22).await;
    world.see(30, NOW + 61 + FRESH, Some(21));
    world.evidence_of(30).await;
    assert_eq!(world.machine.asked(), 3);
}

#[tokio::test]
async fn a_machine_that_fails_leaves_the_certificate_as_it_was() {
    let world = World::start();
    world.machine.set_failing(true);
    world.see(10, NOW, None);
    let tried = time::timeout(DEADLINE, async {
        while world.machine.asked() == 0 {
            time::sleep(Duration::from_millis(2)).await;
        }
    });
    tried.await.unwrap();
    assert_eq!(world.evidence(), None);
    world.machine.set_failing(false);
    world.see(11, NOW, None);
    world.evidence_of(11).await;
}

#[test]
fn new_evidence_is_due_for_a_reason_only() {
    let record = |block| Some(Arc::new(attesting::record(&OWN, block)));
    let shown = Shown { block: 10, since: NOW };
    assert!(is_due(None, &view(10, NOW, None)));
    assert!(!is_due(Some(&shown), &view(11, NOW, None)));
    assert!(!is_due(Some(&shown), &view(11, NOW, record(10))));
    assert!(is_due(Some(&shown), &view(12, NOW, record(11))));
    assert!(!is_due(Some(&shown), &view(11, NOW + FRESH - 1, None)));
    assert!(is_due(Some(&shown), &view(11, NOW + FRESH, None)));
    // A clock that goes back is no reason.
    assert!(!is_due(Some(&shown), &view(11, 0, None)));
    let superseded =
        View { attestation: Err(Why::Superseded), ..view(12, NOW + FRESH, record(11)) };
    assert!(!is_due(None, &superseded) && !is_due(Some(&shown), &superseded));
}
