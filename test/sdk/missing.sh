#!/bin/sh
# Says which of the SDKs' languages were not tested, and what to install for them.
cd "$(dirname "$0")/../.." || exit
if ! command -v clang >/dev/null || ! command -v wasm-ld >/dev/null; then
	echo "not run: the SDK in C. To run it: apt-get install clang lld"
fi
if [ ! -x /usr/bin/cargo ] || [ ! -x /usr/bin/rustc ] || [ ! -d "$(/usr/bin/rustc --print sysroot)/lib/rustlib/wasm32-unknown-unknown" ]; then
	echo "not run: the SDK in Rust. To run it: apt-get install rustc cargo libstd-rust-dev-wasm32 lld"
fi
if [ ! -x sdk/assemblyscript/node_modules/.bin/asc ] || ! command -v node >/dev/null; then
	echo "not run: the SDK in AssemblyScript. To run it: npm ci --prefix sdk/assemblyscript"
fi
exit 0
