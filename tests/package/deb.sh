#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Builds the Debian packages twice from the tarball that "make dist" makes: the
# same bytes both times, nothing that lintian calls an error, programs and
# settings in them that work, in a root of their own.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib.sh"
need dpkg-buildpackage dh lintian fakeroot
[ -f "$bin/Makefile" ] || skip "no Makefile beside the programs"
umask 022

(cd "$bin" && make -s dist) >"$tmp/dist.log" 2>&1 ||
	{ tail "$tmp/dist.log"; fail "make dist"; finish; }
mv "$bin"/picket-*.tar.xz "$tmp/picket.tar.xz"

# build WHERE : unpacked there, under another name and time, and built.
build() {
	mkdir -p "$tmp/$1"
	tar -xf "$tmp/picket.tar.xz" -C "$tmp/$1"
	mv "$tmp/$1"/picket-* "$tmp/$1/$1"
	(cd "$tmp/$1/$1" && DEB_BUILD_OPTIONS="parallel=$(nproc)" \
		dpkg-buildpackage -us -uc -b) >"$tmp/$1.log" 2>&1 ||
		{ tail -n 30 "$tmp/$1.log"; fail "dpkg-buildpackage"; finish; }
}
build one
TZ=Asia/Tokyo build two
[ -n "$(ls "$tmp"/one/*.deb)" ] || { fail "no packages"; finish; }
for deb in "$tmp"/one/picket*.deb; do
	cmp "$deb" "$tmp/two/${deb##*/}" ||
		fail "${deb##*/} differs between two builds"
done
lintian --fail-on error "$tmp"/one/*.changes >"$tmp/lintian" 2>&1 ||
	fail "lintian: $(cat "$tmp/lintian")"
grep -E '^[EW]:' "$tmp/lintian"

# Installed: all of it, without what the machine has.
root=$tmp/root
mkdir -p "$root"
for deb in "$tmp"/one/picket*.deb; do
	case $deb in *dbgsym*) continue ;; esac
	dpkg-deb -x "$deb" "$root" || fail "${deb##*/} cannot be unpacked"
done
here() { sed -e "s|/etc/picket|$root/etc/picket|" \
	-e "s|/usr/share/picket|$root/usr/share/picket|"; }
for p in picket-sensor picket-collector picketctl; do
	"$root/usr/bin/$p" --version || fail "$p --version"
	"$root/usr/bin/$p" --help >"$tmp/x" || fail "$p --help"
done
here <"$root/etc/picket/sensor.yaml" >"$tmp/sensor.yaml"
"$root/usr/bin/picket-sensor" --check --config "$tmp/sensor.yaml" >"$tmp/x" \
	2>&1 || fail "--check with sensor.yaml: $(cat "$tmp/x")"
tail -n 1 "$tmp/x"
"$root/usr/bin/picket-collector" --check --config \
	"$root/etc/picket/collector.yaml" || fail "--check with collector.yaml"
grep -q '^ExecStart=/usr/bin/picket-sensor --config /etc/picket/sensor.yaml$' \
	"$root/lib/systemd/system/picket-sensor.service" || fail "the unit's paths"

# What runs at installation: users before directories, nothing is started.
for p in picket-sensor picket-collector; do
	dpkg-deb -e "$tmp"/one/${p}_*.deb "$tmp/control"
	order=$(grep -oE 'systemd-(sysusers|tmpfiles)' "$tmp/control/postinst" |
		uniq | xargs)
	same "$p: order" "systemd-sysusers systemd-tmpfiles" "$order"
	grep -E 'deb-systemd-(helper enable|invoke start)|invoke \$_dh_action' \
		"$tmp/control/postinst" >"$tmp/x" && grep -v restart "$tmp/x" &&
		fail "$p: the service is started"
	grep -q "^/etc/picket/${p#picket-}.yaml$" "$tmp/control/conffiles" ||
		fail "$p: settings are no conffile"
	rm -rf "$tmp/control"
done
finish
