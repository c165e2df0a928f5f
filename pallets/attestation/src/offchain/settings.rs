// SPDX-License-Identifier: Apache-2.0
//! What the node's operator has configured. The node writes it into its own off-chain storage when
//! it starts; nothing of it comes from the chain.

use alloc::string::String;

use sp_runtime::offchain::storage::StorageValueRef;

/// Key, in the node's persistent off-chain storage, of the caching service's URL, UTF-8.
pub const PCCS_URL: &[u8] = b"tee::pccs_url";

/// Key, in the node's persistent off-chain storage, whose presence lets enclaves be asked at
/// private, loopback and literal addresses.
pub const ALLOW_PRIVATE: &[u8] = b"tee::allow_private_addresses";

/// The settings.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Settings {
    /// The caching service, without a slash at the end.
    pub pccs_url: Option<String>,
    /// Whether enclaves may be asked at private, loopback and literal addresses.
    pub allow_private: bool,
}

/// Reads the settings.
pub(crate) fn read() -> Settings {
    let raw = |key| StorageValueRef::persistent(key).get::<alloc::vec::Vec<u8>>().ok().flatten();
    Settings {
        pccs_url: raw(PCCS_URL)
            .and_then(|url| String::from_utf8(url).ok())
            .map(|url| url.trim_end_matches('/').into())
            .filter(|url: &String| !url.is_empty()),
        allow_private: raw(ALLOW_PRIVATE).is_some(),
    }
}
