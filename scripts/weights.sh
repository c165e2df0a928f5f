#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Measures what the calls of our own pallets weigh, on the runtime's WebAssembly, and writes it to
# runtime/src/weights. Arguments are pallets; without any, all of ours.
#
# Needs frame-omni-bencher: `cargo install frame-omni-bencher --version 0.28.0 --locked`, which itself
# needs libclang. On an idle machine, and on the kind of machine that validators run.
set -euo pipefail
cd "$(dirname "$0")/.."

BENCHER="${FRAME_OMNI_BENCHER:-frame-omni-bencher}"
# Another set of features is another build of the whole SDK: it gets a folder of its own.
BUILD="${CARGO_TARGET_DIR:-target}/weights"
RUNTIME="$BUILD/debug/wbuild/tee-runtime/tee_runtime.wasm"
PALLETS=("$@")
[ ${#PALLETS[@]} -gt 0 ] ||
  PALLETS=(pallet_attestation pallet_mandate pallet_nft pallet_rent pallet_tee
    pallet_validator_set)

command -v "$BENCHER" >/dev/null || {
  echo "weights: $BENCHER is missing; scripts/weights.sh says how to install it" >&2
  exit 1
}
# Checking runs the build script, which compiles the WebAssembly; native code is not needed.
# shellcheck disable=SC2046
env $(scripts/wasm-toolchain.sh) cargo check --locked --target-dir "$BUILD" \
  -p tee-runtime --features runtime-benchmarks

header="$(mktemp)"
trap 'rm -f "$header"' EXIT
echo '// SPDX-License-Identifier: Apache-2.0' >"$header"
for pallet in "${PALLETS[@]}"; do
  "$BENCHER" v1 benchmark pallet --runtime "$RUNTIME" --genesis-builder-preset development \
    --pallet "$pallet" --extrinsic '*' --steps "${STEPS:-50}" --repeat "${REPEAT:-20}" \
    --header "$header" --template scripts/weights.hbs --output "runtime/src/weights/$pallet.rs"
done
