#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Captures of others, below $PICKET_CORPUS: none brings the sensor down, and
# all packets are counted.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib.sh"
[ -d "${PICKET_CORPUS:-}" ] || skip "PICKET_CORPUS is not set"
need awk find sed
corpus=$(cd "$PICKET_CORPUS" && pwd)

# batch_read NAME CAPTURE... : one process over all; $tmp/stats has counters.
batch_read() {
	batch=$1
	shift
	rm -f "$tmp/stats"
	sensor_home --read "$@" --workers 2 --stats "$tmp/stats" \
		--eve "$tmp/eve.json" 2>"$tmp/log"
	status=$?
	[ $status -le 1 ] ||
		fail "$batch: exit status $status: $(tail -n 3 "$tmp/log")"
	no_sanitizer "$tmp/log"
	rm -f "$tmp/eve.json"
	frames=$(sed -n 's/.*"frames":{"in":\([0-9]*\).*/\1/p' "$tmp/stats")
}

# batch_check NAME WANTED-FRAMES CAPTURE... : when the sum is wrong, each
# capture alone says which.
batch_check() {
	wanted=$2
	name=$1
	shift 2
	[ $# -gt 0 ] || return 0
	batch_read "$name" "$@"
	[ "$frames" != "$wanted" ] || return 0
	fail "$name: $frames frames counted, $wanted are there"
	for one in "$@"; do
		batch_read "$one" "$one"
		known=$(packets_of "$one")
		same "$one: frames" "$known" "$frames"
	done
}

# packets_of CAPTURE : as tshark counted; empty when it does not know the link.
packets_of() {
	sed -n -e '/"tshark_exit":0/!{/"packets":0,/d;}' \
		-e 's/^{"packets":\([0-9]*\),.*/\1/p' \
		"$corpus/truth/${1#"$corpus/"}.json"
}

n_files=0
for set in zeek-traces ndpi-pcaps tcpdump-pcaps; do
	find "$corpus/truth/$set" -name '*.json' ! -name MANIFEST.json |
		sort >"$tmp/truths"
	set --
	sum=0
	while read -r truth; do
		capture=${truth#"$corpus/truth/"}
		capture=$corpus/${capture%.json}
		[ -f "$capture" ] || continue
		n_files=$((n_files + 1))
		count=$(packets_of "$capture")
		if [ -z "$count" ]; then
			printf '%s\n' "$capture" >>"$tmp/uncounted"
			continue
		fi
		sum=$((sum + count))
		set -- "$@" "$capture"
		if [ $# -ge 150 ]; then
			batch_check "$set" $sum "$@"
			set --
			sum=0
		fi
	done <"$tmp/truths"
	batch_check "$set" $sum "$@"
done

# Captures of whose count nothing is known must be survived.
find "$corpus/suricata-verify" -name '*.pcap' | sort >>"$tmp/uncounted"
set --
while read -r capture; do
	n_files=$((n_files + 1))
	set -- "$@" "$capture"
	if [ $# -ge 150 ]; then
		batch_read suricata-verify "$@"
		set --
	fi
done <"$tmp/uncounted"
[ $# -eq 0 ] || batch_read suricata-verify "$@"
printf '%s captures read\n' $n_files
[ $n_files -gt 0 ] || fail "no capture found below $corpus"

finish
