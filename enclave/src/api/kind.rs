// SPDX-License-Identifier: Apache-2.0
//! In which words the API speaks of secrets and of capsules. Nothing else differs between them.

use tee_primitives::keyshare::KeyshareKind;

/// The words for one kind.
pub(super) struct Words {
    /// Names a store request in descriptions.
    pub(super) store: &'static str,
    /// Names a retrieve request in descriptions.
    pub(super) retrieve: &'static str,
    /// Names a remove request in descriptions.
    pub(super) remove: &'static str,
    /// What is answered to a store request that is granted.
    pub(super) stored: &'static str,
    /// What is answered to a retrieve request that is granted.
    pub(super) retrieved: &'static str,
    /// What is answered to a remove request that is granted.
    pub(super) removed: &'static str,
    /// The same, if there was nothing to remove.
    pub(super) was_not_held: &'static str,
}

/// The words for a kind.
pub(super) fn words(kind: KeyshareKind) -> &'static Words {
    match kind {
        KeyshareKind::Secret => &Words {
            store: "NFTSTORE",
            retrieve: "NFTRETRIEVE",
            remove: "NFTREMOVE",
            stored: "Keyshare is successfully stored to TEE",
            retrieved: "TEE Key-share NFTRETRIEVE: Success retrieving nft_id key-share.",
            removed: "Keyshare is successfully removed from enclave.",
            was_not_held: "NFT Keyshare was not available already",
        },
        KeyshareKind::Capsule => &Words {
            store: "CAPSULESET",
            retrieve: "CAPSULERETRIEVE",
            remove: "CAPSULEREMOVE",
            stored: "Capsule key-share is successfully stored to TEE",
            retrieved: "Success retrieving Capsule key-share.",
            removed: "Keyshare is successfully removed from enclave.",
            was_not_held: "CAPSULE Keyshare was not available already",
        },
    }
}
