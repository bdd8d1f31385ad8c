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
lintian --allow-root --fail-on error "$tmp"/one/*.changes >"$tmp/lintian" 2>&1 ||
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
here <"$root/etc/picket/collector.yaml" >"$tmp/collector.yaml"
"$root/usr/bin/picket-collector" --check --config "$tmp/collector.yaml" \
	>"$tmp/x" 2>&1 || fail "--check with collector.yaml: $(cat "$tmp/x")"
tail -n 1 "$tmp/x"
grep -q '^ExecStart=/usr/bin/picket-sensor --config /etc/picket/sensor.yaml$' \
	"$root/lib/systemd/system/picket-sensor.service" || fail "the unit's paths"

for doc in guide operations missions; do
	[ -n "$(ls "$root/usr/share/doc/picket/$doc.md"* 2>/dev/null)" ] ||
		fail "picket-doc has no $doc"
done

# What runs at installation: users before what belongs to them; nothing is
# enabled and nothing started.  The tools it calls only say that they were.
mkdir -p "$tmp/fake"
for tool in systemd-sysusers systemd-tmpfiles systemctl deb-systemd-helper \
	deb-systemd-invoke; do
	printf '#!/bin/sh\necho "%s $*" >>"%s"\n' "$tool" "$tmp/called" \
		>"$tmp/fake/$tool"
done
# as it is when a unit was not known before
echo 'case $* in *installed*|*was-enabled*) exit 1 ;; esac' \
	>>"$tmp/fake/deb-systemd-helper"
chmod +x "$tmp"/fake/*
for p in picket-sensor picket-collector; do
	dpkg-deb -e "$tmp"/one/${p}_*.deb "$tmp/control"
	: >"$tmp/called"
	PATH=$tmp/fake:$PATH sh "$tmp/control/postinst" configure '' ||
		fail "$p: postinst: exit status $?"
	same "$p: users, then directories" "systemd-sysusers systemd-tmpfiles" \
		"$(grep -oE '^systemd-(sysusers|tmpfiles)' "$tmp/called" | xargs)"
	grep -E ' (enable|start|restart) ' "$tmp/called" &&
		fail "$p: installing it enables or starts it"
	grep -q "^/etc/picket/${p#picket-}.yaml$" "$tmp/control/conffiles" ||
		fail "$p: settings are no conffile"
	rm -rf "$tmp/control"
done
finish
