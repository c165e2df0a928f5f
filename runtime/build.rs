// SPDX-License-Identifier: Apache-2.0
//! Compiles the runtime to WebAssembly; in debug builds also under the next spec version, for tests
//! of a runtime upgrade.

fn main() {
    println!("cargo:rustc-check-cfg=cfg(next_version)");
    #[cfg(feature = "std")]
    {
        substrate_wasm_builder::WasmBuilder::build_using_defaults();
        #[cfg(not(feature = "runtime-benchmarks"))]
        if std::env::var("PROFILE").is_ok_and(|profile| profile == "debug") {
            substrate_wasm_builder::WasmBuilder::init_with_defaults()
                .enable_feature("next-version")
                .set_file_name("wasm_binary_next_version.rs")
                .build();
            println!("cargo:rustc-cfg=next_version");
        }
    }
}
