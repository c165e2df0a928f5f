// SPDX-License-Identifier: Apache-2.0
//! The documents by which quotes are judged: verified once, and kept in parsed form.
//!
//! | module | holds |
//! |---|---|
//! | [`crl`] | lists of revoked certificates |
//! | [`tcb_info`] | the TCB levels of a type of platform |
//! | [`identity`] | what the quoting enclave must show |
//! | `document` | what the two JSON documents have in common |

pub mod crl;
mod document;
pub mod identity;
pub mod tcb_info;

pub(crate) use document::merge;
pub use document::{Signer, MAX_LEVELS};
