// SPDX-License-Identifier: Apache-2.0
//! Certificates of a network's own authority, for clients that trust authorities only, as browsers and
//! the published SDK do. Nobody else should trust it: its key is forgotten, but the enclaves' are files.

use std::{
    fmt, fs,
    io::Write,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use anyhow::Context;
use clap::ValueEnum;
use rcgen::{
    BasicConstraints, Certificate, CertificateParams, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
};
use tee_wallet::enclave::{EnclaveClient, EnclaveError};

/// How a network's enclaves speak TLS.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, ValueEnum)]
pub enum DevnetTls {
    /// Not at all.
    #[default]
    Off,
    /// With keys of their own, which the chain attests.
    SelfSigned,
    /// With certificates of the network's own authority, as browsers and the published SDK need them.
    Authority,
}

impl DevnetTls {
    /// What addresses of the enclaves begin with.
    pub fn scheme(self) -> &'static str {
        match self {
            Self::Off => "http",
            Self::SelfSigned | Self::Authority => "https",
        }
    }
}

/// What every enclave of the network is reached by.
const NAMES: [&str; 2] = ["localhost", "127.0.0.1"];

/// An authority.
pub struct Authority {
    dir: PathBuf,
    root: PathBuf,
    certificate: Certificate,
    issuer: Issuer<'static, KeyPair>,
}

impl fmt::Debug for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authority").field("root", &self.root).finish_non_exhaustive()
    }
}

/// Where an enclave's certificate and key are.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CertificateFiles {
    /// The certificate, PEM.
    pub cert: PathBuf,
    /// Its key, PEM.
    pub key: PathBuf,
}

impl Authority {
    /// Makes one, with its own certificate in a folder.
    pub fn create(dir: &Path) -> anyhow::Result<Self> {
        let mut params = CertificateParams::default();
        params.distinguished_name = name("TEE development network");
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate()?;
        let certificate = params.self_signed(&key)?;
        fs::create_dir_all(dir).with_context(|| format!("cannot create {}", dir.display()))?;
        let root = dir.join("ca.pem");
        write(&root, &certificate.pem())?;
        let issuer = Issuer::new(params, key);
        Ok(Self { dir: dir.to_owned(), root, certificate, issuer })
    }

    /// Its certificate, PEM.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// A client that believes this authority, where the chain has no key.
    pub fn client(&self) -> Result<EnclaveClient, EnclaveError> {
        EnclaveClient::of_authority(self.certificate.der().to_vec())
    }

    /// A certificate for an enclave on this machine.
    pub fn issue(&self, enclave: &str) -> anyhow::Result<CertificateFiles> {
        let mut params = CertificateParams::new(NAMES.map(String::from))?;
        params.distinguished_name = name(enclave);
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &self.issuer)?;
        let file = |kind: &str| self.dir.join(format!("{enclave}-{kind}.pem"));
        let files = CertificateFiles { cert: file("cert"), key: file("key") };
        write(&files.cert, &certificate.pem())?;
        write(&files.key, &key.serialize_pem())?;
        Ok(files)
    }
}

fn name(common: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, common);
    name
}

/// Writes a file that only its owner can read.
fn write(path: &Path, content: &str) -> anyhow::Result<()> {
    let mut options = fs::OpenOptions::new();
    let file = options.write(true).create(true).truncate(true).mode(0o600).open(path);
    let written = file.and_then(|mut file| file.write_all(content.as_bytes()));
    written.with_context(|| format!("cannot write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_enclave_gets_a_key_and_a_certificate_of_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let authority = Authority::create(&folder.path().join("tls")).unwrap();
        let read = |path: &Path| fs::read_to_string(path).unwrap();
        assert!(read(authority.root()).contains("BEGIN CERTIFICATE"));
        let [one, two] = ["enclave-1", "enclave-2"].map(|name| authority.issue(name).unwrap());
        for files in [&one, &two] {
            assert!(read(&files.cert).contains("BEGIN CERTIFICATE"));
            assert!(read(&files.key).contains("BEGIN PRIVATE KEY"));
        }
        assert_ne!(read(&one.key), read(&two.key));
        assert_ne!(read(&one.cert), read(&two.cert));
    }
}
