#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Installs what a build needs and the machine lacks. Run it as often as you like: when everything
# is there it says so within a second. It changes no Rust toolchain that already works.
#
#   scripts/setup.sh                    what `make setup` runs
#   scripts/setup.sh --tests            also what the tests need: Node.js and npm
#   scripts/setup.sh --wasm-from-debian take the WebAssembly toolchain from Debian's packages, even
#                                       where rustup could download one
set -euo pipefail

# Oldest Rust that builds the workspace (Cargo.toml, rust-version).
MIN_RUST=93
# Oldest Node.js that runs the test of the published client (tests/ternoa-js/package.json, engines).
MIN_NODE=18
# Name under which the Debian compiler is linked for the runtime's WebAssembly; see the Makefile.
WASM_TOOLCHAIN=debian-wasm
WASM_TARGET=wasm32v1-none

PACKAGES=(build-essential ca-certificates git libssl-dev pkg-config protobuf-compiler)
NODE_PACKAGES=(nodejs npm)
WASM_PACKAGES=(cargo-web lld-22 rust-web-llvm rust-web-src rustc-web)

say() { printf 'setup: %s\n' "$*"; }
fail() { printf 'setup: %s\n' "$*" >&2; exit 1; }

tests=no wasm_from_debian=no
for option in "$@"; do
  case $option in
    --tests) tests=yes ;;
    --wasm-from-debian) wasm_from_debian=yes ;;
    *) fail "there is no option $option; there are --tests and --wasm-from-debian" ;;
  esac
done

is_debian() { command -v apt-get >/dev/null && command -v dpkg-query >/dev/null; }

can_be_root() { [ "$(id -u)" = 0 ] || command -v sudo >/dev/null; }

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

missing_of() {
  local name
  for name in "$@"; do
    dpkg-query -W -f='${db:Status-Status}\n' "$name" 2>/dev/null | grep -qx installed || echo "$name"
  done
}

apt_install() {
  local missing
  mapfile -t missing < <(missing_of "$@")
  [ ${#missing[@]} = 0 ] && return
  say "installing ${missing[*]}"
  can_be_root || fail "not root, and sudo is not installed. As root, run: apt-get install ${missing[*]}"
  as_root apt-get update -qq || fail "apt cannot update its lists; its words are above."
  # --no-remove: a package that conflicts with one that is there (Debian's compilers conflict with
  # each other and with its rustup) must not push it out.
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
    --no-remove "${missing[@]}" >/dev/null ||
    fail "apt cannot install ${missing[*]}; its words are above. Please install them by hand."
}

system_packages() {
  if is_debian; then
    apt_install "${PACKAGES[@]}"
    return
  fi
  local tool absent=()
  for tool in cc git make pkg-config protoc; do
    command -v "$tool" >/dev/null || absent+=("$tool")
  done
  pkg-config --exists openssl 2>/dev/null || absent+=("OpenSSL's headers, found by pkg-config")
  [ $tests = no ] || has_node || absent+=("Node.js $MIN_NODE or newer, with npm")
  [ ${#absent[@]} = 0 ] && return
  {
    echo "setup: this is neither Debian nor Ubuntu. Please install:"
    printf '  - %s\n' "${absent[@]}"
    echo "  - for the runtime: rustup target add $WASM_TARGET"
  } >&2
  exit 1
}

rust() {
  command -v cargo >/dev/null && command -v rustc >/dev/null ||
    fail "Rust is not installed. See https://rustup.rs, then run this again."
  local version
  version=$(rustc --version | sed -E 's/^rustc 1\.([0-9]+).*/\1/')
  [ "$version" -ge "$MIN_RUST" ] 2>/dev/null ||
    fail "Rust 1.$MIN_RUST or newer is needed; this is $(rustc --version). Run: rustup update stable"
  # rustup's stand-ins are on the PATH also when the component is not there: ask them to run.
  if ! rustfmt --version >/dev/null 2>&1 || ! cargo clippy --version >/dev/null 2>&1; then
    say "adding rustfmt and clippy by rustup"
    command -v rustup >/dev/null && rustup component add rustfmt clippy ||
      fail "rustfmt or clippy is missing, and rustup cannot add them."
  fi
}

has_node() {
  local version
  version=$(node --version 2>/dev/null | sed -E 's/^v([0-9]+).*/\1/') || return 1
  [ "$version" -ge "$MIN_NODE" ] 2>/dev/null && command -v npm >/dev/null
}

node_js() {
  has_node && return
  apt_install "${NODE_PACKAGES[@]}"
  hash -r
  has_node || fail "Node.js $MIN_NODE or newer and npm are needed, and apt has older ones. See https://nodejs.org"
}

has_wasm() { [ -d "$1/lib/rustlib/$WASM_TARGET/lib" ]; }

# Debian's compiler takes only a library that it compiled itself, not one of its last version.
debian_has_wasm() {
  [ -x /usr/bin/rustc ] && has_wasm "$(debian_sysroot)" &&
    [ "$(cat "$(debian_sysroot)/lib/rustlib/$WASM_TARGET/compiler" 2>/dev/null)" = "$(/usr/bin/rustc -vV)" ]
}

wasm_target() {
  if [ $wasm_from_debian = no ]; then
    has_wasm "$(rustc --print sysroot)" && return
    if command -v rustup >/dev/null; then
      rustup run "$WASM_TOOLCHAIN" rustc --version >/dev/null 2>&1 && debian_has_wasm && return
      say "adding the target $WASM_TARGET by rustup"
      env -u RUST_BACKTRACE rustup target add "$WASM_TARGET" && return
      say "rustup cannot add it; taking Debian's compiler for the runtime instead"
    fi
  fi
  wasm_toolchain_from_debian
}

debian_sysroot() { /usr/bin/rustc --print sysroot; }

# Debian ships the library's sources and a linker for WebAssembly, but no compiled library: it is
# compiled once and put where the compiler looks for it.
wasm_toolchain_from_debian() {
  is_debian || fail "the Rust target $WASM_TARGET is missing. Run: rustup target add $WASM_TARGET"
  command -v rustup >/dev/null ||
    fail "the Rust target $WASM_TARGET is missing, and so is rustup to add it. See https://rustup.rs"
  local package
  for package in "${WASM_PACKAGES[@]}"; do
    apt-cache show "$package" >/dev/null 2>&1 ||
      fail "there is no package $package here. Run where there is a network: rustup target add $WASM_TARGET"
  done
  apt_install "${WASM_PACKAGES[@]}"

  if ! debian_has_wasm; then
    say "compiling Rust's core library for $WASM_TARGET"
    can_be_root || fail "not root, and sudo is not installed: the library belongs under /usr."
    local base lib
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    mkdir "$work/src"
    printf '[package]\nname = "wasm-core"\nversion = "0.0.0"\nedition = "2021"\n[profile.release]\npanic = "abort"\n' \
      >"$work/Cargo.toml"
    printf '#![no_std]\nextern crate alloc;\n' >"$work/src/lib.rs"
    # Embedded bitcode is what the runtime's link-time optimisation reads.
    (cd "$work" && env -u CARGO_TARGET_DIR -u RUSTUP_TOOLCHAIN PATH="/usr/bin:$PATH" \
      RUSTC_BOOTSTRAP=1 RUSTFLAGS="-Cembed-bitcode=yes" CARGO_HOME="$work/cargo-home" \
      /usr/bin/cargo build --quiet --release --target "$WASM_TARGET" -Zbuild-std=core,alloc)
    base="$(debian_sysroot)/lib/rustlib/$WASM_TARGET"
    lib="$base/lib"
    as_root rm -rf "$lib" "$lib.new" "$base/compiler"
    as_root mkdir -p "$lib.new"
    for crate in core alloc compiler_builtins; do
      as_root cp "$work/target/$WASM_TARGET/release/deps/lib$crate-"*.rlib "$lib.new/"
    done
    as_root mv "$lib.new" "$lib"
    /usr/bin/rustc -vV | as_root tee "$base/compiler" >/dev/null
  fi
  rustup run "$WASM_TOOLCHAIN" rustc --version >/dev/null 2>&1 ||
    rustup toolchain link "$WASM_TOOLCHAIN" /usr
}

system_packages
[ $tests = no ] || node_js
rust
wasm_target
say "everything is there"
