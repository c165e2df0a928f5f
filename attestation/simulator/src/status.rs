// SPDX-License-Identifier: Apache-2.0
//! How up to date a platform or a quoting enclave is.
//!
//! A platform has the status of the first level, from the highest down, that its certificate
//! reaches: each of 16 components and PCESVN at least as high (Intel PCS API v4, "Get SGX TCB
//! Info").

/// A TCB status of an SGX platform (Intel PCS API v4, `tcbStatus`).
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum TcbStatus {
    /// Nothing is to do.
    UpToDate,
    /// Enclaves must be compiled with mitigations.
    SwHardeningNeeded,
    /// A setting of the machine must change.
    ConfigurationNeeded,
    /// Both.
    ConfigurationAndSwHardeningNeeded,
    /// Microcode or platform software is old.
    OutOfDate,
    /// That, and a setting must change.
    OutOfDateConfigurationNeeded,
    /// Keys of such platforms are known to be compromised.
    Revoked,
}

impl TcbStatus {
    /// Every status.
    pub const ALL: &[Self] = &[
        Self::UpToDate,
        Self::SwHardeningNeeded,
        Self::ConfigurationNeeded,
        Self::ConfigurationAndSwHardeningNeeded,
        Self::OutOfDate,
        Self::OutOfDateConfigurationNeeded,
        Self::Revoked,
    ];

    /// As Intel's documents write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::UpToDate => "UpToDate",
            Self::SwHardeningNeeded => "SWHardeningNeeded",
            Self::ConfigurationNeeded => "ConfigurationNeeded",
            Self::ConfigurationAndSwHardeningNeeded => "ConfigurationAndSWHardeningNeeded",
            Self::OutOfDate => "OutOfDate",
            Self::OutOfDateConfigurationNeeded => "OutOfDateConfigurationNeeded",
            Self::Revoked => "Revoked",
        }
    }
}

/// A level of the TCB info.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TcbLevel {
    /// SVN that each component must have at least.
    pub components: [u8; 16],
    /// SVN that the provisioning certification enclave must have at least.
    pub pce_svn: u16,
    /// When the level was the newest, Unix time.
    pub date: u64,
    /// Status of platforms of this level.
    pub status: TcbStatus,
    /// Intel's security advisories that apply.
    pub advisories: Vec<String>,
}

/// A level of the QE identity.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct QeLevel {
    /// ISVSVN that the quoting enclave must have at least.
    pub isv_svn: u16,
    /// When the level was the newest, Unix time.
    pub date: u64,
    /// Status of quoting enclaves of this level.
    pub status: TcbStatus,
    /// Intel's security advisories that apply.
    pub advisories: Vec<String>,
}

/// 2025-05-14T00:00:00Z: date of the newest levels by default, Unix time.
pub const NEWEST_DATE: u64 = 1_747_180_800;

/// The levels of a platform by default, highest first. Each status has one, and OutOfDate also one
/// that only an older PCESVN reaches.
pub fn default_levels() -> Vec<TcbLevel> {
    use TcbStatus::*;
    // Component 1 and 2 are microcode. Component 7 stands for what a machine's owner sets.
    let level = |microcode, setting, pce_svn, date, status, advisories: &[&str]| {
        let mut components =
            [microcode, microcode, 3, 3, 255, 1, setting, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        if status == Revoked {
            components[2..6].copy_from_slice(&[2, 2, 255, 1]);
        }
        let advisories = advisories.iter().map(|&name| name.into()).collect();
        TcbLevel { components, pce_svn, date, status, advisories }
    };
    const DAY: u64 = 86_400;
    let (year_ago, long_ago) = (NEWEST_DATE - 364 * DAY, NEWEST_DATE - 2_000 * DAY);
    let (hardening, setting, microcode) = ("INTEL-SA-00334", "INTEL-SA-00289", "INTEL-SA-00828");
    vec![
        level(12, 3, 15, NEWEST_DATE, UpToDate, &[]),
        level(12, 2, 15, NEWEST_DATE, SwHardeningNeeded, &[hardening]),
        level(12, 1, 15, NEWEST_DATE, ConfigurationNeeded, &[setting]),
        level(12, 0, 15, NEWEST_DATE, ConfigurationAndSwHardeningNeeded, &[setting, hardening]),
        level(12, 0, 13, year_ago, OutOfDate, &[microcode, "INTEL-SA-00615"]),
        level(11, 1, 15, year_ago, OutOfDate, &[microcode]),
        level(11, 0, 15, year_ago, OutOfDateConfigurationNeeded, &[microcode, setting]),
        level(5, 0, 5, long_ago, Revoked, &["INTEL-SA-00106", "INTEL-SA-00115"]),
    ]
}

/// The levels of the quoting enclave by default, highest first.
pub fn default_qe_levels() -> Vec<QeLevel> {
    let level = |isv_svn, date, status, advisories: &[&str]| {
        let advisories = advisories.iter().map(|&name| name.into()).collect();
        QeLevel { isv_svn, date, status, advisories }
    };
    const YEAR: u64 = 364 * 86_400;
    vec![
        level(8, NEWEST_DATE, TcbStatus::UpToDate, &[]),
        level(6, NEWEST_DATE - YEAR, TcbStatus::OutOfDate, &["INTEL-SA-00615"]),
        level(2, NEWEST_DATE - 5 * YEAR, TcbStatus::Revoked, &["INTEL-SA-00202"]),
    ]
}
