// SPDX-License-Identifier: Apache-2.0
//! Tests that each start a network of their own. They mostly wait for blocks, so they run at the same
//! time.

mod networks {
    mod attestation;
    mod backup;
    mod kills;
    mod liar;
    mod replication;
    mod succession;
    mod ternoa_js;
    mod upgrade;
    mod validators;
}
