#!/bin/sh
# Says which of the SDKs' languages cannot be tested here, and what to install for them:
# of those that are named, or of all.
cd "$(dirname "$0")/../.." || exit
[ $# -gt 0 ] || set -- c rust assemblyscript
for language; do
	case $language in
	c) needs="clang wasm-ld" install="apt-get install clang lld" ;;
	rust)
		needs="/usr/bin/rustc /usr/bin/cargo /usr/lib/rustlib/wasm32-unknown-unknown lld"
		install="apt-get install rustc cargo libstd-rust-dev-wasm32 lld"
		;;
	assemblyscript)
		needs="node npm sdk/assemblyscript/node_modules/.bin/asc"
		install="apt-get install nodejs npm && npm ci --prefix sdk/assemblyscript"
		;;
	esac
	for need in $needs; do
		[ -e "$need" ] || command -v "$need" >/dev/null || {
			echo "not run: the SDK in $language, for $need is missing. To run it: $install"
			break
		}
	done
done
