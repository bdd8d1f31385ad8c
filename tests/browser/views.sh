#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The console's views in a browser that a script drives: tests/browser/*.mjs on
# a collector's store.  Needs Debian's chromium, nodejs and npm, and what
# package-lock.json names; skipped without them.
set -u
bin=$(cd "${builddir:-.}" && pwd)
src=$(cd "${srcdir:-.}" && pwd)/tests/browser
for tool in chromium node npm; do
	command -v $tool >/dev/null 2>&1 || {
		echo "$tool is not installed: skipped"
		exit 77
	}
done
node=$bin/browser-modules
mkdir -p "$node"
cp "$src/package.json" "$src/package-lock.json" "$src/.npmrc" "$src"/*.mjs "$node"
if ! cmp -s "$src/package-lock.json" "$node/installed"; then
	(cd "$node" && timeout 300 npm ci --ignore-scripts --no-audit --no-fund) >"$node/npm.log" 2>&1 || {
		tail -3 "$node/npm.log"
		echo "npm cannot install playwright-core and axe-core: skipped"
		exit 77
	}
	cp "$src/package-lock.json" "$node/installed"
fi
work=$(mktemp -d)
pid=
stop() {
	exec 9>&-
	[ -z "$pid" ] || wait "$pid"
	pid=
}
trap 'stop; rm -rf "$work"' EXIT

# serve : a store and a console of its own, at $url
serve() {
	rm -rf "${work:?}"/*
	mkfifo "$work/stop"
	"$bin/storefill" "$work/picket.db" --serve <"$work/stop" >"$work/port" 2>"$work/log" &
	pid=$!
	exec 9>"$work/stop" # closing it ends the server
	n=0
	while [ ! -s "$work/port" ] && [ $n -lt 600 ]; do
		n=$((n + 1))
		sleep 0.1
	done
	url=http://127.0.0.1:$(cat "$work/port")/
}

bad=0
for one in "$src"/*.mjs; do
	name=${one##*/}
	[ "$name" != harness.mjs ] || continue
	echo "$name"
	serve
	timeout 500 node "$node/$name" "$url" 9>&- || bad=1
	stop
done
exit $bad
