#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The console in a browser: what the store holds is on the page, and markup in
# it is text.  Needs Debian's chromium; skipped without it.
set -u
bin=${builddir:-.}
command -v chromium >/dev/null 2>&1 || {
	echo "chromium is not installed: skipped"
	exit 77
}
work=$(mktemp -d)
pid=
cleanup() {
	exec 9>&-
	[ -z "$pid" ] || wait "$pid"
	rm -rf "$work"
}
trap cleanup EXIT
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

# dump NAME TARGET : the page as the browser has it, in $work/NAME
dump() {
	timeout 300 chromium --headless --no-sandbox --disable-gpu --disable-quic \
		--no-first-run --disable-background-networking \
		--disable-component-update --disable-sync \
		--user-data-dir="$work/profile" --enable-logging=stderr \
		--virtual-time-budget=4000 --dump-dom "$url$2" \
		>"$work/$1" 2>"$work/$1.err"
}
bad=0
has() {
	grep -qF -e "$2" "$work/$1" || {
		echo "FAIL: the page lacks: $2" >&2
		bad=1
	}
}
lacks() {
	if grep -qF -e "$2" "$work/$1"; then
		echo "FAIL: the page has: $2" >&2
		bad=1
	fi
}

dump page 'old.html?live=no#incident-2'
if ! grep -q '<title>' "$work/page"; then
	cat "$work/page.err" >&2
	# A browser that does not start here (no shared memory, no namespaces)
	# says nothing about the console.
	echo "chromium did not draw any page: skipped"
	exit 77
fi
has page 'Shared address at two sites: a title &amp; &lt;b&gt;no markup&lt;/b&gt;'
has page 'PICKET TEST plain signature'
has page '&lt;img src=x onerror='
has page '\u{202e}'
has page 'emergency'
has page 'Acknowledge'
lacks page '<img src="x"'
lacks page '<title>owned'
lacks page "an exercise's"
# What this class is on is for screen readers only: no other may share its name.
if grep -nE 'class: .*"[^"]+ unseen"|class: .*"unseen [^"]+"|class="([^"]+ unseen|unseen [^"]+)"' \
	"${srcdir:-.}"/collector/assets/*.js "${srcdir:-.}"/collector/assets/*.html "$work/page" >&2; then
	echo "FAIL: hidden from sight with the class that is for screen readers" >&2
	bad=1
fi
# Neither the page's script nor its policy complained.
if grep -iE 'Uncaught|Content Security Policy|TrustedHTML|SyntaxError' "$work/page.err" >&2; then
	echo "FAIL: the browser complained" >&2
	bad=1
fi
[ $bad -eq 0 ] || sed -n '/<main>/,$p' "$work/page" | head -c 6000 >&2
exit $bad
