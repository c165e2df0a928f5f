// SPDX-License-Identifier: Apache-2.0
//! Fuzzes everything that is done with a quote.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tee_dcap_fuzz::quote(data));
