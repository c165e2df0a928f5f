// SPDX-License-Identifier: Apache-2.0
//! Where things are in a quote of version 3. Numbers are little-endian ("Intel SGX ECDSA
//! QuoteLibReference DCAP API", appendix A.4).
//!
//! ```text
//!    0 header   48   48 report 384   432 length of the signature data, u32   436 signature data
//! ```

/// Offset of the version, u16: 3.
pub const VERSION: usize = 0;
/// Offset of the attestation key's type, u16: 2 is ECDSA with P-256.
pub const KEY_TYPE: usize = 2;
/// Offset of what is the TEE type in later versions, u32: 0 is SGX.
pub const TEE_TYPE: usize = 4;
/// Offset of the quoting enclave's ISVSVN, u16.
pub const QE_SVN: usize = 8;
/// Offset of the PCESVN, u16.
pub const PCE_SVN: usize = 10;
/// Offset of the quoting enclave's vendor, 16 bytes.
pub const QE_VENDOR: usize = 12;
/// Offset of the user data, 20 bytes; the first 16 are the quoting enclave's id of the machine.
pub const USER_DATA: usize = 28;
/// Offset of the enclave's report.
pub const REPORT: usize = 48;
/// Length of a report.
pub const REPORT_LEN: usize = 384;
/// Length of what the attestation key signs: header and report.
pub const SIGNED_LEN: usize = REPORT + REPORT_LEN;
/// Offset of the length of the signature data, u32.
pub const SIGNATURE_DATA_LEN: usize = SIGNED_LEN;
/// Offset of the signature data, which begins with the attestation key's signature, 64 bytes.
pub const SIGNATURE: usize = 436;
/// Offset of the attestation key, 64 bytes.
pub const ATTESTATION_KEY: usize = 500;
/// Offset of the quoting enclave's report.
pub const QE_REPORT: usize = 564;
/// Offset of the PCK's signature over that, 64 bytes.
pub const QE_REPORT_SIGNATURE: usize = 948;
/// Offset of the length of the authentication data, u16. The data follow; then the certification
/// data's type (u16), their length (u32) and themselves.
pub const AUTH_DATA_LEN: usize = 1012;

/// Offsets in a report (Intel SDM, volume 3D, "REPORT").
pub mod report {
    /// CPUSVN, 16 bytes.
    pub const CPU_SVN: usize = 0;
    /// MISCSELECT, u32.
    pub const MISC_SELECT: usize = 16;
    /// Reserved, 12 bytes.
    pub const RESERVED_1: usize = 20;
    /// ISVEXTPRODID, 16 bytes.
    pub const ISV_EXT_PROD_ID: usize = 32;
    /// ATTRIBUTES: flags, u64.
    pub const FLAGS: usize = 48;
    /// ATTRIBUTES: XFRM, u64.
    pub const XFRM: usize = 56;
    /// MRENCLAVE, 32 bytes.
    pub const MR_ENCLAVE: usize = 64;
    /// Reserved, 32 bytes.
    pub const RESERVED_2: usize = 96;
    /// MRSIGNER, 32 bytes.
    pub const MR_SIGNER: usize = 128;
    /// Reserved, 32 bytes.
    pub const RESERVED_3: usize = 160;
    /// CONFIGID, 64 bytes.
    pub const CONFIG_ID: usize = 192;
    /// ISVPRODID, u16.
    pub const ISV_PROD_ID: usize = 256;
    /// ISVSVN, u16.
    pub const ISV_SVN: usize = 258;
    /// CONFIGSVN, u16.
    pub const CONFIG_SVN: usize = 260;
    /// Reserved, 42 bytes.
    pub const RESERVED_4: usize = 262;
    /// ISVFAMILYID, 16 bytes.
    pub const ISV_FAMILY_ID: usize = 304;
    /// REPORTDATA, 64 bytes.
    pub const REPORT_DATA: usize = 320;
}

/// Flags of ATTRIBUTES (Intel SDM, volume 3D, "ATTRIBUTES").
pub mod flags {
    /// The enclave is initialised.
    pub const INIT: u64 = 0x1;
    /// Its memory can be read from outside.
    pub const DEBUG: u64 = 0x2;
    /// It runs in 64-bit mode.
    pub const MODE_64_BIT: u64 = 0x4;
    /// It may have the provisioning key, which identifies the machine.
    pub const PROVISION_KEY: u64 = 0x10;
    /// It may make launch tokens.
    pub const EINITTOKEN_KEY: u64 = 0x20;
}
