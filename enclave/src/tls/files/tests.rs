// SPDX-License-Identifier: Apache-2.0

use rcgen::{CertificateParams, KeyPair};

use super::*;
use crate::tls::{tests::DEADLINE, TlsMode};

fn certificate(key: &KeyPair) -> String {
    let names = [String::from("enclave.example")];
    CertificateParams::new(names).unwrap().self_signed(key).unwrap().pem()
}

struct Given(tempfile::TempDir);

impl Given {
    fn new(cert: &str, key: &str) -> Self {
        let given = Self(tempfile::tempdir().unwrap());
        given.bring(cert, key);
        given
    }

    fn bring(&self, cert: &str, key: &str) {
        std::fs::write(self.0.path().join("c.pem"), cert).unwrap();
        std::fs::write(self.0.path().join("k.pem"), key).unwrap();
    }

    fn options(&self) -> TlsOptions {
        let file = |name| Some(self.0.path().join(name));
        TlsOptions {
            mode: TlsMode::Files,
            cert: file("c.pem"),
            key: file("k.pem"),
            ..Default::default()
        }
    }

    fn error(&self) -> String {
        Files::open(&self.options()).unwrap_err().to_string()
    }
}

#[test]
fn files_that_cannot_be_used_are_named_without_their_content() {
    let (key, other) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
    let (cert, pem) = (certificate(&key), key.serialize_pem());
    let chain = cert.repeat(MAX_CHAIN + 1);
    let cases = [
        ("", pem.as_str(), "c.pem"),
        ("no certificate", &pem, "c.pem"),
        (&pem, &pem, "c.pem"),
        (&chain, &pem, "c.pem"),
        (&cert, "", "k.pem"),
        (&cert, &cert, "k.pem"),
        (&cert, &other.serialize_pem(), "k.pem"),
    ];
    for (cert, key, named) in cases {
        let error = Given::new(cert, key).error();
        assert!(error.contains(named), "{error}");
        let lines = key.lines().filter(|line| line.len() > 20 && !line.starts_with('-'));
        assert!(lines.clone().all(|line| !error.contains(line)), "{error}");
    }
    let given = Given::new(&cert, &pem);
    std::fs::remove_file(given.0.path().join("k.pem")).unwrap();
    assert!(given.error().contains("is not there"));
}

#[tokio::test]
async fn f42_a_certificate_that_the_operator_renews_is_shown_without_restart() {
    let (key, other) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
    let pem = key.serialize_pem();
    let given = Given::new(&certificate(&key), &pem);
    let (files, first) = Files::open(&given.options()).unwrap();
    let before = first.cert.clone();
    let certificates = Arc::new(Certificates::new(first));
    let (_outlook, seen) = watch::channel(Outlook::default());
    let every = Duration::from_millis(5);
    tokio::spawn(files.run_every(every, seen, certificates.clone()));

    // A key without its certificate, and half a file, are nothing to show.
    given.bring(&certificate(&key), &other.serialize_pem());
    time::sleep(Duration::from_millis(50)).await;
    given.bring("-----BEGIN CERTIFICATE-----\nAAAA", &pem);
    time::sleep(Duration::from_millis(50)).await;
    assert_eq!(certificates.shown().cert, before);

    // The same key, and another one.
    for (number, key) in [(7u64, &key), (8, &other)] {
        let mut renewed = CertificateParams::new([String::from("enclave.example")]).unwrap();
        renewed.serial_number = Some(number.into());
        let renewed = renewed.self_signed(key).unwrap();
        given.bring(&renewed.pem(), &key.serialize_pem());
        let seen = time::timeout(DEADLINE, async {
            while certificates.shown().cert[0] != *renewed.der() {
                time::sleep(Duration::from_millis(2)).await;
            }
        });
        seen.await.unwrap();
    }
}
