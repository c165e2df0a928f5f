// SPDX-License-Identifier: Apache-2.0
//! The command line `tee` and what it is made of.
//!
//! | module | holds |
//! |---|---|
//! | [`app`] | the command line |
//! | [`devnet`] | a network on this machine, as child processes; end-to-end tests use it too |
//! | [`demo`] | `tee demo` |
//! | [`wallet_cmd`] | `tee wallet` |
//! | [`status`] | `tee status` |
//! | [`committee_cmd`] | `tee committee` |
//! | [`committee`] | motions |
//! | [`operator_cmd`] | `tee operator` |
//! | [`operator`] | registration |
//! | [`archive`] | backups of enclaves |
//! | [`attestation`] | attestations and what they are judged by, for people |
//! | [`words`] | what calls and events say |
//! | [`tokens`] | amounts of money |
//! | [`keys`] | where signing keys come from |
//! | [`process`] | child processes |
//! | [`report`] | progress for people |

pub mod app;
pub mod archive;
pub mod attestation;
pub mod committee;
pub mod committee_cmd;
pub mod demo;
pub mod devnet;
pub mod keys;
pub mod operator;
pub mod operator_cmd;
pub mod process;
pub mod report;
pub mod status;
pub mod tokens;
pub mod wallet_cmd;
pub mod words;
