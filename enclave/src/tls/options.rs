// SPDX-License-Identifier: Apache-2.0
//! What the operator chooses.

use std::{net::IpAddr, path::PathBuf};

use clap::{Args, ValueEnum};
use rustls::pki_types::DnsName;

use super::TlsError;

/// Names in a certificate, at most.
pub const MAX_DOMAINS: usize = 8;

/// Longest name, as DNS has it.
const MAX_DOMAIN_LEN: usize = 253;

/// Where certificates come from.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum TlsMode {
    /// Plain HTTP: for development, and behind a proxy of the operator that speaks TLS and reads
    /// everything that plain requests carry.
    Off,
    /// The enclave makes key and certificate; the certificate carries a quote.
    SelfSigned,
    /// The enclave makes the key, an authority issues the certificate (RFC 8555, tls-alpn-01).
    Acme,
    /// The operator brings both, and knows the key, which is therefore not attested.
    Files,
}

/// The directory of Let's Encrypt.
const LETS_ENCRYPT: &str = "https://acme-v02.api.letsencrypt.org/directory";

/// How the API speaks TLS.
#[derive(Args, Clone, Debug)]
pub struct TlsOptions {
    /// Where the API's certificate comes from; `off` speaks plain HTTP.
    #[arg(
        long = "tls",
        env = "TEE_ENCLAVE_TLS",
        value_enum,
        default_value_t = TlsMode::SelfSigned,
        id = "tls"
    )]
    pub mode: TlsMode,

    /// Name or IP address under which clients reach the API, for its certificate; several by commas.
    #[arg(
        long = "tls-domain",
        env = "TEE_ENCLAVE_TLS_DOMAIN",
        value_delimiter = ',',
        value_parser = parse_domain
    )]
    pub domains: Vec<String>,

    /// With `--tls files`: the certificates (PEM), the API's first. They are read again when they
    /// change.
    #[arg(long = "tls-cert", env = "TEE_ENCLAVE_TLS_CERT")]
    pub cert: Option<PathBuf>,

    /// With `--tls files`: the key (PEM). It is read again together with the certificates.
    #[arg(long = "tls-key", env = "TEE_ENCLAVE_TLS_KEY")]
    pub key: Option<PathBuf>,

    /// With `--tls acme`: an e-mail address that the authority may write to.
    #[arg(long, env = "TEE_ENCLAVE_ACME_CONTACT", value_parser = parse_contact)]
    pub acme_contact: Option<String>,

    /// With `--tls acme`: the authority's directory, https://. Its terms of service are agreed to.
    #[arg(
        long,
        env = "TEE_ENCLAVE_ACME_DIRECTORY",
        default_value = LETS_ENCRYPT,
        value_parser = parse_directory
    )]
    pub acme_directory: String,

    /// With `--tls acme`: certificates (PEM) by which the authority's own server is recognised, instead
    /// of those of the machine.
    #[arg(long, env = "TEE_ENCLAVE_ACME_ROOT")]
    pub acme_root: Option<PathBuf>,
}

impl Default for TlsOptions {
    /// Plain HTTP.
    fn default() -> Self {
        Self {
            mode: TlsMode::Off,
            domains: Vec::new(),
            cert: None,
            key: None,
            acme_contact: None,
            acme_directory: LETS_ENCRYPT.to_owned(),
            acme_root: None,
        }
    }
}

impl TlsOptions {
    /// What addresses of the API begin with.
    pub fn scheme(&self) -> &'static str {
        if self.mode == TlsMode::Off {
            "http"
        } else {
            "https"
        }
    }

    /// Fails if the options contradict each other, or have values that no flag could have.
    pub fn check(&self) -> Result<(), TlsError> {
        let (is_acme, is_files) = (self.mode == TlsMode::Acme, self.mode == TlsMode::Files);
        let problem = if is_files != self.cert.is_some() || is_files != self.key.is_some() {
            Some("a certificate and a key are given with `files`, both, and only then")
        } else if is_acme && self.domains.is_empty() {
            Some("an authority needs to know the domain")
        } else if is_acme && self.domains.iter().any(|domain| domain.parse::<IpAddr>().is_ok()) {
            Some("an authority is asked for names, not for IP addresses")
        } else if !is_acme && (self.acme_contact.is_some() || self.acme_root.is_some()) {
            Some("what is for an authority is given with `acme` only")
        } else if self.domains.len() > MAX_DOMAINS {
            Some("there are too many domains")
        } else if self.domains.iter().any(|domain| parse_domain(domain).is_err()) {
            Some("a domain is neither a name nor an IP address")
        } else if parse_directory(&self.acme_directory).is_err()
            || self.acme_contact.as_deref().is_some_and(|contact| parse_contact(contact).is_err())
        {
            Some("the authority's directory or the contact is none")
        } else {
            None
        };
        problem.map_or(Ok(()), |problem| Err(TlsError::Options(problem)))
    }
}

/// A name is kept in lower case, as authorities answer it.
fn parse_domain(text: &str) -> Result<String, &'static str> {
    let is_name = text.len() <= MAX_DOMAIN_LEN && DnsName::try_from(text).is_ok();
    if is_name || text.parse::<IpAddr>().is_ok() {
        return Ok(text.to_ascii_lowercase());
    }
    Err("neither a name nor an IP address")
}

fn parse_contact(text: &str) -> Result<String, &'static str> {
    let is_address = text.len() <= MAX_DOMAIN_LEN
        && text.split_once('@').is_some_and(|(user, host)| !user.is_empty() && !host.is_empty())
        && text.bytes().all(|byte| byte.is_ascii_graphic());
    is_address.then(|| text.to_owned()).ok_or("not an e-mail address")
}

fn parse_directory(text: &str) -> Result<String, &'static str> {
    let url = reqwest::Url::parse(text).map_err(|_| "not a URL")?;
    if url.scheme() != "https" {
        return Err("the URL must begin with https://");
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Flags {
        #[command(flatten)]
        tls: TlsOptions,
    }

    fn parse(flags: &[&str]) -> Result<TlsOptions, clap::Error> {
        Flags::try_parse_from([&["x"], flags].concat()).map(|flags| flags.tls)
    }

    #[test]
    fn the_enclave_speaks_tls_with_its_own_key_unless_it_is_told_otherwise() {
        let options = parse(&[]).unwrap();
        assert_eq!((options.mode, options.scheme()), (TlsMode::SelfSigned, "https"));
        assert!(options.check().is_ok());
        let off = parse(&["--tls", "off"]).unwrap();
        assert_eq!((off.mode, off.scheme()), (TlsMode::Off, "http"));
        assert!(off.check().is_ok());
        assert!(parse(&["--tls", "sometimes"]).is_err());
    }

    #[test]
    fn options_that_do_not_belong_together_are_refused() {
        let refused: [&[&str]; 10] = [
            &["--tls", "files"],
            &["--tls", "files", "--tls-cert", "c"],
            &["--tls", "files", "--tls-key", "k"],
            &["--tls-cert", "c", "--tls-key", "k"],
            &["--tls", "off", "--tls-cert", "c", "--tls-key", "k"],
            &["--tls", "acme"],
            &["--tls", "acme", "--tls-domain", "192.0.2.1"],
            &["--acme-contact", "a@b.example"],
            &["--acme-root", "r"],
            &["--tls-domain", "a.example,b.example,c.example,d.example,e.example,f.example,g.example,h.example,i.example"],
        ];
        for flags in refused {
            assert!(parse(flags).unwrap().check().is_err(), "{flags:?}");
        }
        let taken: [&[&str]; 3] = [
            &["--tls", "files", "--tls-cert", "c", "--tls-key", "k"],
            &["--tls", "acme", "--tls-domain", "a.example", "--acme-contact", "a@b.example"],
            &["--tls-domain", "192.0.2.1,2001:db8::1,a.example"],
        ];
        for flags in taken {
            assert!(parse(flags).unwrap().check().is_ok(), "{flags:?}");
        }
    }

    #[test]
    fn values_are_checked_wherever_they_come_from() {
        for domain in ["", "a b", "-a.example", "a_b!.example", &"a.".repeat(200)] {
            assert!(parse(&["--tls-domain", domain]).is_err(), "{domain}");
            let options = TlsOptions { domains: vec![domain.to_owned()], ..Default::default() };
            assert!(options.check().is_err(), "{domain}");
        }
        for directory in ["http://acme.example/", "acme.example", ""] {
            assert!(parse(&["--acme-directory", directory]).is_err(), "{directory}");
            let options = TlsOptions { acme_directory: directory.to_owned(), ..Default::default() };
            assert!(options.check().is_err(), "{directory}");
        }
        for contact in ["nobody", "@", "a@", "@b", "a@b\r\nc"] {
            assert!(parse(&["--acme-contact", contact]).is_err(), "{contact:?}");
        }
        assert_eq!(parse(&["--tls-domain", "A.Example"]).unwrap().domains, ["a.example"]);
    }
}
