// SPDX-License-Identifier: Apache-2.0
//! Times, in seconds since the Unix epoch.

use core::time::Duration;

use rustls_pki_types::UnixTime;

use crate::Error;

/// As webpki asks for it.
pub(crate) fn unix(now: u64) -> UnixTime {
    UnixTime::since_unix_epoch(Duration::from_secs(now))
}

/// Of a JSON document: RFC 3339.
pub(crate) fn parse(text: &str) -> Result<u64, Error> {
    let time = chrono::DateTime::parse_from_rfc3339(text);
    let time = time.map_err(|_| Error::CollateralMalformed)?;
    u64::try_from(time.timestamp()).map_err(|_| Error::CollateralMalformed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_those_of_rfc_3339_since_1970() {
        for (text, expected) in [
            ("1970-01-01T00:00:00Z", Some(0)),
            ("2026-01-01T00:00:00Z", Some(1_767_225_600)),
            ("2026-01-01T01:00:00+01:00", Some(1_767_225_600)),
            ("2026-01-01T00:00:00.999Z", Some(1_767_225_600)),
            ("2024-02-29T00:00:00Z", Some(1_709_164_800)),
            ("9999-12-31T23:59:59Z", Some(253_402_300_799)),
            ("1969-12-31T23:59:59Z", None),
            ("2023-02-29T00:00:00Z", None),
            ("2026-13-01T00:00:00Z", None),
            ("2026-01-01T25:00:00Z", None),
            ("2026-01-01T00:00:00", None),
            ("2026-01-01", None),
            (" 2026-01-01T00:00:00Z", None),
            ("2026-01-01T00:00:00Z ", None),
            ("10000-01-01T00:00:00Z", None),
            ("1767225600", None),
            ("", None),
        ] {
            assert_eq!(parse(text), expected.ok_or(Error::CollateralMalformed), "{text}");
        }
    }

    #[test]
    fn every_time_can_be_asked_for() {
        for now in [0, 1, u64::MAX] {
            assert_eq!(unix(now).as_secs(), now);
        }
    }
}
