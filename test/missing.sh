#!/bin/sh
# Says which tests cannot run here, for what is missing, and what to do for them.
cd "$(dirname "$0")/.." || exit
test/sdk/missing.sh
for tool in ip:iproute2 nft:nftables iptables:iptables conntrack:conntrack promtool:prometheus wat2wasm:wabt \
	buildah:buildah chromium:chromium curl:curl openssl:openssl zsh:zsh fish:fish; do
	command -v "${tool%%:*}" >/dev/null ||
		echo "not run: tests with ${tool%%:*}, which is missing. To run them: apt-get install ${tool##*:}"
done
[ -e /usr/share/bash-completion/bash_completion ] ||
	echo "not run: tests with bash-completion, which is missing. To run them: apt-get install bash-completion"
