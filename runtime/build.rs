// SPDX-License-Identifier: Apache-2.0
//! Compiles the runtime to WebAssembly; in debug builds also under the next spec version, for tests
//! of a runtime upgrade, with the same interface for enclaves and with another.

fn main() {
    println!("cargo:rustc-check-cfg=cfg(next_version)");
    #[cfg(feature = "std")]
    {
        substrate_wasm_builder::WasmBuilder::build_using_defaults();
        #[cfg(not(feature = "runtime-benchmarks"))]
        if std::env::var("PROFILE").is_ok_and(|profile| profile == "debug") {
            for (feature, file_name) in [
                ("next-version", "wasm_binary_next_version.rs"),
                ("next-abi", "wasm_binary_next_abi.rs"),
            ] {
                substrate_wasm_builder::WasmBuilder::init_with_defaults()
                    .enable_feature(feature)
                    .set_file_name(file_name)
                    .build();
            }
            println!("cargo:rustc-cfg=next_version");
        }
    }
}
