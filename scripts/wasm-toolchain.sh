#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Prints WASM_BUILD_TOOLCHAIN=…, the toolchain that compiles the runtime's WebAssembly, where that is
# not the one that compiles the rest. See scripts/setup.sh.
set -u
sysroot=$(rustc --print sysroot 2>/dev/null) || exit 0
[ -d "$sysroot/lib/rustlib/wasm32v1-none/lib" ] && exit 0
rustup toolchain list 2>/dev/null | grep -qx debian-wasm && echo WASM_BUILD_TOOLCHAIN=debian-wasm
exit 0
