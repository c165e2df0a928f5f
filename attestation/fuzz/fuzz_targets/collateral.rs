// SPDX-License-Identifier: Apache-2.0
//! Fuzzes the verification of collateral.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tee_dcap_fuzz::collateral(data));
