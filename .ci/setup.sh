# SPDX-License-Identifier: Apache-2.0
# Sourced by ./demo and ./check: installs the Debian packages that are missing
# and builds in build/.  Says what it does; fails with one line and the mend.

say() {
	printf '\033[1m== %s\033[0m\n' "$*" >&2
}

die() {
	printf '%s: %s\n' "${0##*/}" "$*" >&2
	exit 1
}

# need_packages PACKAGE... : installs those that dpkg does not know as installed.
need_packages() {
	missing=
	for p in "$@"; do
		dpkg-query -W -f='${db:Status-Abbrev}' "$p" 2>/dev/null |
			grep -q '^ii' || missing="$missing $p"
	done
	[ -n "$missing" ] || return 0
	command -v apt-get >/dev/null 2>&1 ||
		die "missing packages:$missing (this is not Debian; install their equivalents)"
	sudo=
	if [ "$(id -u)" -ne 0 ]; then
		command -v sudo >/dev/null 2>&1 ||
			die "missing packages; as root: apt-get install$missing"
		sudo=sudo
	fi
	say "installing:$missing"
	$sudo apt-get update -qq >/dev/null 2>&1 || true
	# shellcheck disable=SC2086
	DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq \
		--no-install-recommends $missing >/dev/null 2>/tmp/picket-apt.$$ || {
		cat /tmp/picket-apt.$$ >&2
		rm -f /tmp/picket-apt.$$
		die "apt-get could not install:$missing"
	}
	rm -f /tmp/picket-apt.$$
}

# What the literal matcher is compared with in tests and benchmarks: Hyperscan
# where it exists (amd64), Vectorscan elsewhere: one API.
case $(uname -m) in
x86_64 | i?86) HS_PACKAGE=libhyperscan-dev ;;
*) HS_PACKAGE=libvectorscan-dev ;;
esac

# Quick compression, where it exists.
case $(uname -m) in
x86_64 | aarch64) ISAL_PACKAGE=libisal-dev ;;
*) ISAL_PACKAGE= ;;
esac

BUILD_PACKAGES="gcc libc6-dev make autoconf automake pkg-config libpcap-dev
	zlib1g-dev libzstd-dev libmaxminddb-dev libhiredis-dev libpcre2-dev
	libpsl-dev libyaml-dev libjansson-dev libsqlite3-dev libssl-dev
	libcurl4-openssl-dev
	libmicrohttpd-dev libxxhash-dev libmagic-dev liblzma-dev libbrotli-dev
	libdeflate-dev libcap-ng-dev libseccomp-dev $ISAL_PACKAGE"
RUN_PACKAGES="redis-server redis-tools openssl tor-geoipdb curl"
TEST_PACKAGES="libcmocka-dev gettext sqlite3 python3 python3-yaml zstd gzip jq xz-utils
	$HS_PACKAGE valgrind faketime tcpreplay tcpdump iproute2"
# The packages, their checks, and what they install is checked with.
PACKAGE_PACKAGES="debhelper lintian fakeroot dpkg-dev logrotate strace"

# build_tree DIR CONFIGURE-OPTION... : configures once, then makes.
build_tree() {
	dir=$1
	shift
	[ -x configure ] && [ configure -nt configure.ac ] &&
		[ configure -nt Makefile.am ] || {
		say "preparing configure"
		./autogen.sh >/dev/null 2>build-aux.log || {
			cat build-aux.log >&2
			rm -f build-aux.log
			die "autogen.sh failed"
		}
		rm -f build-aux.log
	}
	mkdir -p "$dir"
	if [ ! -f "$dir/config.status" ] || [ configure -nt "$dir/config.status" ]; then
		say "configuring $dir"
		(cd "$dir" && ../configure "$@" >configure.out 2>&1) || {
			tail -n 5 "$dir/configure.out" >&2
			die "configure failed; see $dir/config.log"
		}
	fi
	say "building in $dir (a minute or two the first time; see $dir/make.out)"
	make -C "$dir" -s -j"$(nproc)" >"$dir/make.out" 2>&1 || {
		tail -n 30 "$dir/make.out" >&2
		die "the build failed; see $dir/make.out"
	}
}
