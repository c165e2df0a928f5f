// SPDX-License-Identifier: Apache-2.0

use std::sync::atomic::Ordering;

use tokio::time::timeout;

use super::*;
use crate::{
    chain::{
        scripted::{GENESIS, NOW},
        ChainInfo, Head,
    },
    server::tests::limits,
    tls::{
        tests::{connect, shown, Served, DEADLINE},
        Tls, TlsMode, ACME_TLS,
    },
    view::{View, Why},
};

mod authority;

use authority::Authority;

const DOMAIN: &str = "enclave.example";

struct World {
    authority: Authority,
    folder: tempfile::TempDir,
}

/// An enclave that has started.
struct Started {
    served: Served,
    key_hash: [u8; 32],
    outlook: watch::Sender<Outlook>,
    certificates: Arc<Certificates>,
    task: task::JoinHandle<()>,
}

impl World {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let authority = Authority::start().await;
        std::fs::write(folder.path().join("root.pem"), authority.root_pem()).unwrap();
        Self { authority, folder }
    }

    fn options(&self) -> TlsOptions {
        TlsOptions {
            mode: TlsMode::Acme,
            domains: vec![DOMAIN.to_owned()],
            acme_contact: Some(String::from("operator@enclave.example")),
            acme_directory: self.authority.directory(),
            acme_root: Some(self.folder.path().join("root.pem")),
            ..Default::default()
        }
    }

    async fn start(&self) -> Started {
        let (options, sealer) = (self.options(), Arc::new(Sealer::new(&[1; 32])));
        let tls = Tls::open(&options, self.folder.path(), &sealer, "account").unwrap().unwrap();
        let (acceptor, key_hash) = (tls.acceptor(), tls.attested_key());
        let Tls { certificates, keeper: super::super::Keeper::Acme(_, mut acme), .. } = tls else {
            panic!("an authority is asked")
        };
        let served = Served::start(acceptor, limits()).await;
        *self.authority.enclave.lock().unwrap() = Some(served.address);
        let brief = Duration::from_millis(20);
        acme.pauses = Pauses { first: brief, last: brief * 4 };
        let (outlook, seen) = watch::channel(Outlook::default());
        let task = tokio::spawn(acme.run(seen, certificates.clone()));
        Started { served, key_hash, outlook, certificates, task }
    }
}

impl Started {
    fn see(&self, number: u32, now: u64) {
        self.outlook.send_replace(Outlook::Known(View {
            chain: Arc::new(ChainInfo { name: "scripted".into(), genesis_hash: GENESIS }),
            finalized: Head { number, hash: [0; 32] },
            now,
            assignment: None,
            record: None,
            measurement: None,
            is_platform_banned: false,
            attestation: Err(Why::Missing),
        }));
    }

    /// Waits until ordinary clients are shown another certificate than this one; what they are shown.
    async fn another(&self, than: &[u8]) -> rustls::pki_types::CertificateDer<'static> {
        let seen = timeout(DEADLINE, async {
            while self.certificates.shown().cert[0].as_ref() == than {
                time::sleep(Duration::from_millis(5)).await;
            }
        });
        seen.await.unwrap();
        shown(self.served.address, &[b"http/1.1"]).await
    }
}

#[tokio::test]
async fn f42_an_authority_issues_and_renews_for_the_attested_key_while_the_enclave_serves() {
    let world = World::new().await;
    let enclave = world.start().await;
    let own = shown(enclave.served.address, &[b"http/1.1"]).await;
    // Nothing is asked before the chain's time is known.
    assert_eq!(world.authority.orders.load(Ordering::SeqCst), 0);
    enclave.see(1, NOW);
    let first = enclave.another(&own).await;
    assert!(world.authority.has_issued(&first));
    assert_eq!(tee_tls::key_hash(&first).unwrap(), enclave.key_hash);
    assert_eq!(*world.authority.contacts.lock().unwrap(), ["mailto:operator@enclave.example"]);
    // What the authority was shown is gone.
    assert!(connect(enclave.served.address, &[ACME_TLS], |_| ()).await.is_err());

    // It is left alone for two thirds of its life, and then renewed.
    enclave.see(2, NOW + authority::LIFE / 2);
    time::sleep(Duration::from_millis(100)).await;
    assert_eq!(world.authority.orders.load(Ordering::SeqCst), 1);
    world.authority.now.store(NOW + authority::LIFE, Ordering::SeqCst);
    enclave.see(3, NOW + authority::LIFE * 3 / 4);
    let second = enclave.another(&first).await;
    assert!(world.authority.has_issued(&second));
    assert_eq!(tee_tls::key_hash(&second).unwrap(), enclave.key_hash);
    // The account is the same.
    assert_eq!(world.authority.contacts.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn the_next_start_shows_the_last_certificate_and_asks_for_none() {
    let world = World::new().await;
    let enclave = world.start().await;
    let own = enclave.certificates.shown().cert[0].clone();
    enclave.see(1, NOW);
    let issued = enclave.another(&own).await;
    enclave.task.abort();

    let again = world.start().await;
    assert_eq!(shown(again.served.address, &[]).await, issued);
    again.see(2, NOW + 1);
    time::sleep(Duration::from_millis(100)).await;
    assert_eq!(world.authority.orders.load(Ordering::SeqCst), 1);
    // What is kept is sealed.
    let kept = std::fs::read(world.folder.path().join("tls-acme")).unwrap();
    assert!(!kept.windows(10).any(|part| part == &b"CERTIFICATE"[..10]));
    let options = TlsOptions { domains: vec![String::from("other.example")], ..world.options() };
    let sealer = Arc::new(Sealer::new(&[1; 32]));
    let tls = Tls::open(&options, world.folder.path(), &sealer, "account").unwrap().unwrap();
    assert_ne!(tls.certificates.shown().cert[0], issued, "it is for another domain");
}

#[tokio::test]
async fn an_authority_that_fails_is_asked_again_and_the_enclave_serves_meanwhile() {
    let world = World::new().await;
    world.authority.failures.store(3, Ordering::SeqCst);
    let enclave = world.start().await;
    let own = enclave.certificates.shown().cert[0].clone();
    enclave.see(1, NOW);
    let refused = timeout(DEADLINE, async {
        while world.authority.failures.load(Ordering::SeqCst) > 0 {
            assert_eq!(shown(enclave.served.address, &[]).await, own);
            time::sleep(Duration::from_millis(5)).await;
        }
    });
    refused.await.unwrap();
    assert!(world.authority.has_issued(&enclave.another(&own).await));
}

#[tokio::test]
async fn an_account_that_the_authority_has_forgotten_is_made_anew() {
    let world = World::new().await;
    world.authority.failures.store(1, Ordering::SeqCst);
    *world.authority.failure.lock().unwrap() = "accountDoesNotExist";
    let enclave = world.start().await;
    let own = enclave.certificates.shown().cert[0].clone();
    enclave.see(1, NOW);
    assert!(world.authority.has_issued(&enclave.another(&own).await));
    assert_eq!(world.authority.contacts.lock().unwrap().len(), 2);
}

#[tokio::test]
async fn what_is_issued_for_another_key_is_not_shown() {
    let world = World::new().await;
    world.authority.for_another_key.store(true, Ordering::SeqCst);
    let enclave = world.start().await;
    let own = enclave.certificates.shown().cert[0].clone();
    enclave.see(1, NOW);
    let tried = timeout(DEADLINE, async {
        while world.authority.orders.load(Ordering::SeqCst) < 2 {
            time::sleep(Duration::from_millis(5)).await;
        }
    });
    tried.await.unwrap();
    assert_eq!(shown(enclave.served.address, &[]).await, own);
    world.authority.for_another_key.store(false, Ordering::SeqCst);
    assert!(world.authority.has_issued(&enclave.another(&own).await));
}

#[test]
fn the_last_third_of_a_certificates_life_is_for_its_renewal() {
    let validity = Validity { from: 1000, until: 4000 };
    assert!(!validity.is_ending(0));
    assert!(!validity.is_ending(3000));
    assert!(validity.is_ending(3001));
    assert!(validity.is_ending(u64::MAX));
    // One that was never valid is renewed at once.
    assert!(!Validity { from: 4000, until: 1000 }.is_ending(0));
}

#[test]
fn pauses_grow_up_to_a_limit() {
    let minutes = |failures| PAUSES.after(failures).as_secs() / 60;
    assert_eq!([1, 2, 3, 4].map(minutes), [1, 2, 4, 8]);
    assert_eq!([9, 10, 33, u32::MAX].map(minutes), [256, 360, 360, 360]);
}
