// SPDX-License-Identifier: Apache-2.0
//! Chain specifications. Genesis itself is in the runtime's presets.

use sc_service::{ChainType, Properties};
use tee_runtime::WASM_BINARY;

/// The node's chain specification.
pub type ChainSpec = sc_service::GenericChainSpec;

/// The chain named `id` on the command line: `dev`, `local`, or the path of a JSON file.
pub fn load(id: &str) -> Result<ChainSpec, String> {
    match id {
        "dev" => built_in(
            "Development",
            "dev",
            ChainType::Development,
            sp_genesis_builder::DEV_RUNTIME_PRESET,
        ),
        "local" | "" => built_in(
            "Local Testnet",
            "local_testnet",
            ChainType::Local,
            sp_genesis_builder::LOCAL_TESTNET_RUNTIME_PRESET,
        ),
        path => ChainSpec::from_json_file(path.into()),
    }
}

fn built_in(name: &str, id: &str, kind: ChainType, preset: &str) -> Result<ChainSpec, String> {
    let code = WASM_BINARY.ok_or(
        "This node was compiled without its runtime (SKIP_WASM_BUILD was set): \
         compile it again, or give a chain specification with --chain FILE.",
    )?;
    Ok(ChainSpec::builder(code, None)
        .with_name(name)
        .with_id(id)
        .with_chain_type(kind)
        .with_protocol_id("tee")
        .with_properties(properties())
        .with_genesis_config_preset_name(preset)
        .build())
}

/// What wallets show: clients that are not told assume 12 decimals.
fn properties() -> Properties {
    let mut properties = Properties::new();
    properties.insert("tokenSymbol".into(), "CAPS".into());
    properties.insert("tokenDecimals".into(), 18.into());
    properties.insert("ss58Format".into(), 42.into());
    properties
}
