#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# "make install" puts everything where services look for it, the units are
# right and as closed as is said of them, and "make uninstall" leaves nothing
# but what somebody changed.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib.sh"
need make
dest=$tmp/dest
[ -f "$bin/Makefile" ] || skip "no Makefile beside the programs"
at() { (cd "$bin" && make -s "$@" DESTDIR="$dest") >"$tmp/make.log" 2>&1; }

at install || { tail "$tmp/make.log"; fail "make install"; finish; }
# What a build needs is what the Debian packages say they need.
(. "$top/.ci/setup.sh" && printf '%s\n' $BUILD_PACKAGES) |
	grep -v -x -E 'gcc|libc6-dev|make' | sort >"$tmp/want"
sed -n '/^Build-Depends:/,/^Standards/p' "$top/debian/control" |
	sed -e 's/^[A-Z].*://' -e 's/\[[^]]*\]//g' -e 's/([^)]*)//g' |
	tr -s ', ' '\n' | grep . | sort >"$tmp/all"
same "packages of the build that debian/control does not name" '' \
	"$(comm -23 "$tmp/want" "$tmp/all" | xargs)"
[ "$(wc -l <"$tmp/want")" -gt 10 ] || fail "no packages found in .ci/setup.sh"

# found NAME : where it was put, whatever the prefix.
found() { find "$dest" -type f -path "*/$1" | head -n 1; }
for f in bin/picket-sensor bin/picket-collector bin/picketctl \
	etc/picket/sensor.yaml etc/picket/collector.yaml \
	etc/logrotate.d/picket-sensor etc/logrotate.d/picket-collector \
	lib/systemd/system/picket-sensor.service \
	lib/systemd/system/picket-sensor@.service \
	lib/systemd/system/picket-collector.service \
	lib/systemd/system/picket-collector-standby.service \
	lib/sysusers.d/picket-sensor.conf lib/sysusers.d/picket-collector.conf \
	lib/tmpfiles.d/picket-sensor.conf lib/tmpfiles.d/picket-collector.conf \
	bash-completion/completions/picket-sensor \
	bash-completion/completions/picket-collector \
	bash-completion/completions/picketctl \
	share/man/man8/picket-sensor.8 picket/rules/base-web.rules \
	picket/examples/sensor.yaml; do
	[ -n "$(found "$f")" ] || fail "not installed: $f"
done
for p in picket-sensor picket-collector picketctl; do
	"$(found "bin/$p")" --version >"$tmp/x" || fail "$p --version"
done
grep -rl '@[a-z]*dir@' "$dest" >"$tmp/x" && fail "not filled in: $(cat "$tmp/x")"

# score NAME MOST : in tenths, of what systemd calls the exposure.
units=$(dirname "$(found lib/systemd/system/picket-sensor.service)")
mkdir -p "$tmp/units"
for u in picket-sensor picket-sensor@ picket-collector; do
	sed -e "s|^ExecStart=/|ExecStart=$dest/|" -e '/^Documentation=/d' \
		"$units/$u.service" >"$tmp/units/$u.service"
done
score() {
	out=$(systemd-analyze security --offline=true --threshold="$2" \
		"$tmp/units/$1.service" 2>&1) ||
		fail "$1: $(printf '%s\n' "$out" | tail -n 1); at most $2 tenths"
	printf '%s\n' "$out" | tail -n 1
}
if command -v systemd-analyze >/dev/null 2>&1 &&
	systemd-analyze security --help 2>&1 | grep -q -- --offline; then
	score picket-sensor 20
	score picket-sensor@ 20
	score picket-collector 15
	for u in picket-sensor picket-sensor@x picket-collector; do
		case $u in *@x) cp "$tmp/units/picket-sensor@.service" \
			"$tmp/units/$u.service" ;;
		esac
		# units that are not there on this machine are no fault of ours
		systemd-analyze verify "$tmp/units/$u.service" 2>&1 |
			grep "$u" | grep -v -i 'redis' >"$tmp/x" &&
			fail "verify: $(cat "$tmp/x")"
	done
else
	echo "systemd-analyze cannot score files here: not tried"
fi
if command -v systemd-sysusers >/dev/null 2>&1; then
	for f in sensor collector; do
		systemd-sysusers --dry-run \
			"$(found lib/sysusers.d/picket-$f.conf)" >"$tmp/x" 2>&1 ||
			fail "sysusers: $(cat "$tmp/x")"
	done
fi
if command -v logrotate >/dev/null 2>&1; then
	for f in sensor collector; do
		# the users are not there on this machine
		sed '/^	su /d' "$(found etc/logrotate.d/picket-$f)" >"$tmp/rotate"
		logrotate -d "$tmp/rotate" >"$tmp/x" 2>&1 ||
			fail "logrotate: $(cat "$tmp/x")"
		grep -i error "$tmp/x" && fail "logrotate: $(cat "$tmp/x")"
	done
fi

# Settings of somebody's own are neither overwritten nor removed.
mine=$(found etc/picket/sensor.yaml)
echo '## mine' >>"$mine"
at install || fail "make install again"
grep -q '## mine' "$mine" || fail "make install overwrites settings"
at uninstall || { tail "$tmp/make.log"; fail "make uninstall"; }
same "left behind" "$mine" "$(find "$dest" ! -type d)"
find "$dest" -type d -empty -name 'picket*' >"$tmp/x"
[ ! -s "$tmp/x" ] || fail "directories left behind: $(cat "$tmp/x")"
finish
