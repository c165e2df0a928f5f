// SPDX-License-Identifier: Apache-2.0
//! Which addresses may be asked. An enclave's URI is its operator's choice: without care a node
//! could be made to call services of its own network (server-side request forgery).
//!
//! A name that resolves to a private address is not noticed here: who runs a worker beside private
//! services should also keep the node from reaching them.

use core::net::{Ipv4Addr, Ipv6Addr};

/// Lowest port that may be asked, besides those of HTTP.
const FIRST_FREE_PORT: u16 = 1_024;

/// Why an enclave is not asked.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum UrlRejection {
    /// It is neither http nor https.
    Scheme,
    /// It has more than scheme, host and port.
    MoreThanHost,
    /// The host is no name of a public machine.
    PrivateHost,
    /// The port is that of another service.
    Port,
    /// It cannot be read.
    Malformed,
}

/// Whether an enclave may be asked at `uri`.
pub fn check(uri: &str, allow_private: bool) -> Result<(), UrlRejection> {
    let rest = uri
        .strip_prefix("https://")
        .or_else(|| uri.strip_prefix("http://"))
        .ok_or(UrlRejection::Scheme)?;
    let authority = rest.strip_suffix('/').unwrap_or(rest);
    if authority.contains(['/', '?', '#', '@', '\\']) {
        return Err(UrlRejection::MoreThanHost);
    }
    let (host, port) = split_port(authority)?;
    if let Some(port) = port {
        let is_free = matches!(port, 80 | 443) || port >= FIRST_FREE_PORT;
        if !is_free {
            return Err(UrlRejection::Port);
        }
    }
    if allow_private {
        return Ok(());
    }
    if is_public_name(host) {
        Ok(())
    } else {
        Err(UrlRejection::PrivateHost)
    }
}

fn split_port(authority: &str) -> Result<(&str, Option<u16>), UrlRejection> {
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => {
            let (host, rest) = rest.split_once(']').ok_or(UrlRejection::Malformed)?;
            host.parse::<Ipv6Addr>().map_err(|_| UrlRejection::Malformed)?;
            match rest.strip_prefix(':') {
                Some(port) => (host, Some(port)),
                None if rest.is_empty() => (host, None),
                None => return Err(UrlRejection::Malformed),
            }
        }
        None => match authority.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        },
    };
    let port = port.map(str::parse).transpose().map_err(|_| UrlRejection::Malformed)?;
    Ok((host, port))
}

/// A name with a dot, not of a private zone, and not an address in any of its spellings.
fn is_public_name(host: &str) -> bool {
    const PRIVATE_ZONES: [&str; 8] =
        ["localhost", "local", "internal", "intranet", "lan", "home", "corp", "arpa"];
    let host = host.strip_suffix('.').unwrap_or(host);
    let Some((_, zone)) = host.rsplit_once('.') else { return false };
    let is_label = |label: &str| {
        !label.is_empty()
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
    };
    // A top-level domain has a letter first: what ends in a number is an address, also in octal,
    // hexadecimal or with fewer parts.
    host.split('.').all(is_label)
        && zone.starts_with(|first: char| first.is_ascii_alphabetic())
        && host.parse::<Ipv4Addr>().is_err()
        && !PRIVATE_ZONES.iter().any(|private| zone.eq_ignore_ascii_case(private))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn public_names_are_asked() {
        for uri in [
            "https://enclave.example.com",
            "https://enclave.example.com/",
            "http://enclave.example.com:8000",
            "https://a-b.example:443",
            "https://example.com.",
        ] {
            assert_eq!(check(uri, false), Ok(()), "{uri}");
        }
    }

    #[test]
    fn private_loopback_and_literal_addresses_only_with_the_flag() {
        for uri in [
            "http://127.0.0.1:8000",
            "http://10.0.0.1",
            "http://192.168.1.1:8080",
            "http://93.184.216.34",
            "http://[::1]:8000",
            "http://[fe80::1]",
            "http://localhost:8000",
            "http://LOCALHOST:8000",
            "http://enclave",
            "http://enclave.internal",
            "http://a.local.",
            "http://2130706433",
            "http://0x7f.1",
            "http://127.1",
            "http://0177.0.0.0x1",
        ] {
            assert_eq!(check(uri, false), Err(UrlRejection::PrivateHost), "{uri}");
            assert_eq!(check(uri, true), Ok(()), "{uri}");
        }
    }

    #[test]
    fn what_is_more_than_a_host_is_never_asked() {
        for (uri, rejection) in [
            ("ftp://enclave.example", UrlRejection::Scheme),
            ("enclave.example", UrlRejection::Scheme),
            ("https://user@enclave.example", UrlRejection::MoreThanHost),
            ("https://enclave.example/admin", UrlRejection::MoreThanHost),
            ("https://enclave.example?x", UrlRejection::MoreThanHost),
            ("https://enclave.example#x", UrlRejection::MoreThanHost),
            ("https://enclave.example\\@evil.example", UrlRejection::MoreThanHost),
            ("https://enclave.example:22", UrlRejection::Port),
            ("https://enclave.example:99999", UrlRejection::Malformed),
            ("https://enclave.example:", UrlRejection::Malformed),
            ("https://[::1", UrlRejection::Malformed),
            ("https://[::1]x", UrlRejection::Malformed),
            ("https://[x]", UrlRejection::Malformed),
        ] {
            for allow_private in [false, true] {
                assert_eq!(check(uri, allow_private), Err(rejection), "{uri}");
            }
        }
        assert_eq!(check("https://", false), Err(UrlRejection::PrivateHost));
        assert_eq!(check("https://a..example", false), Err(UrlRejection::PrivateHost));
    }
}
