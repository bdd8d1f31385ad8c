#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What is wrong is named, in one line, with the right exit status, and what is
# right is still done: captures, options, rules, indicators, settings, frames.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib.sh"
need awk gzip

capture=$top/pcaps/exercise-jp-east.pcap
good_rules=$top/rules/dist/exercise.rules

# run STATUS PROGRAM... : standard output and error in $tmp/out and $tmp/err.
run() {
	want=$1
	shift
	told=$*
	"$@" >"$tmp/out" 2>"$tmp/err"
	got=$?
	[ $got -eq "$want" ] ||
		fail "$told: expected exit status $want, got $got: $(cat "$tmp/err")"
	no_sanitizer "$tmp/err"
}

# says WORD... : each word stands in the one line of error of the last run.
says() {
	lines=$(grep -c -v ': info: ' "$tmp/err")
	[ "$lines" -eq 1 ] ||
		fail "$told: $lines lines instead of one: $(cat "$tmp/err")"
	for word in "$@"; do
		grep -q -F -e "$word" "$tmp/err" ||
			fail "$told: the error does not name '$word': $(cat "$tmp/err")"
	done
}

# stat KEY : the first number of that name in $tmp/stats.
stat() {
	sed -n "s/.*\"$1\":\([0-9]*\).*/\1/p" "$tmp/stats"
}

# Captures: the readable part counts, the message names file and packet.  A
# file that ends inside its last record is what a killed tcpdump leaves: a
# warning.  All other damage is an error.
head -c 100000 "$capture" >"$tmp/cut.pcap"
run 0 "$sensor" --read "$tmp/cut.pcap" --rules "$good_rules" \
	--eve "$tmp/eve.json" --stats "$tmp/stats"
says cut.pcap "packet 476"
same "packets read before the cut" 475 "$(stat in)"
same "files cut short" 1 "$(stat files_cut_short)"
grep -q '"event_type":"alert"' "$tmp/eve.json" ||
	fail "no alert from the readable part of a truncated capture"

{
	cat "$capture"
	head -c 64 /dev/zero | tr '\0' '\377'
} >"$tmp/corrupt.pcap"
run 1 "$sensor" --read "$tmp/corrupt.pcap" --stats "$tmp/stats"
says corrupt.pcap "packet 776"
same "packets read before the damage" 775 "$(stat in)"

head -c 5000 "$top/pcaps/http.pcap.gz" >"$tmp/cut.pcap.gz"
run 1 "$sensor" --read "$tmp/cut.pcap.gz"
says cut.pcap.gz packet
head -c 3000 "$top/pcaps/http.pcapng.zst" >"$tmp/cut.pcapng.zst"
run 1 "$sensor" --read "$tmp/cut.pcapng.zst"
says cut.pcapng.zst
zstd -dcq "$top/pcaps/http.pcapng.zst" | head -c 3000 >"$tmp/cut.pcapng"
run 0 "$sensor" --read "$tmp/cut.pcapng"
says cut.pcapng packet
head -c 20 "$capture" >"$tmp/head.pcap"
run 1 "$sensor" --read "$tmp/head.pcap"
says head.pcap
: >"$tmp/empty.pcap"
run 1 "$sensor" --read "$tmp/empty.pcap"
says empty.pcap
echo "no capture at all" >"$tmp/text.pcap"
run 1 "$sensor" --read "$tmp/text.pcap"
says text.pcap

# The next file is still read after a damaged one.
run 0 "$sensor" --read "$tmp/cut.pcap" "$top/pcaps/tls.pcap" \
	--stats "$tmp/stats"
says cut.pcap
[ "$(stat in)" -gt 475 ] || fail "a damaged capture ends the whole run"
run 1 "$sensor" --read "$tmp/corrupt.pcap" "$top/pcaps/tls.pcap" \
	--stats "$tmp/stats"
says corrupt.pcap
[ "$(stat in)" -gt 775 ] || fail "a damaged capture ends the whole run"

run 2 "$sensor" --read "$tmp/none.pcap"
says none.pcap "No such file"

# Options.
run 2 "$sensor" --reda "$capture"
says --reda --help
run 2 "$sensor" --read
says --read value
run 2 "$sensor" -x
says -x
run 2 "$sensor" stray
says stray
run 2 "$sensor"
says --read
run 2 "$sensor" --read "$capture" --workers 0
says --workers
run 2 "$sensor" --read "$capture" --pace -1
says --pace
run 2 "$sensor" --read "$capture" -k maybe
says -k
run 2 "$sensor" --read "$capture" --eve-types alert,nonsense
says nonsense
run 2 "$sensor" --read "$capture" --eve "$tmp/none/eve.json"
says none/eve.json
run 1 "$sensor" --read "$capture" --stats "$tmp/none/stats"
says none/stats
run 2 "$sensor" --read "$capture" --profile-rules "$tmp/table"
says table "--profile-rules behind a ="

# What is repeated shows no password, wherever a broker's URL went astray.
secret() {
	says '://me:****'
	grep -e topsecret "$tmp/err" && fail "$told: the error shows a password"
}
url=redis://me:topsecret=@127.0.0.1
for program in "$sensor" "$collector" "$bin/picketctl"; do
	[ -x "$program" ] || continue
	for stray in "$url" "--redsi=$url"; do
		run 2 "$program" "$stray"
		secret
	done
	run 2 "$program" --set "$url"
	secret
done
run 2 "$sensor" --read "$capture" "$url"
secret
run 2 "$bin/picketctl" status "$url"
secret

# What cannot be written is said once, and what it was.
if [ -c /dev/full ]; then
	"$sensor" --read "$capture" --rules "$good_rules" --eve - \
		>/dev/full 2>"$tmp/err"
	same "exit status of a full standard output" 1 $?
	told="--eve - >/dev/full"
	# How many were lost is said at the end, apart from why.
	grep -q 'events were not written to standard output' "$tmp/err" ||
		fail "$told: does not say how many events: $(cat "$tmp/err")"
	sed -i '/events were not written to/d' "$tmp/err"
	says "standard output" "No space left"
fi

# Where rules save is looked at before the first packet.
echo 'alert dns any any -> any any (dns.query; dataset:set,seen,type string,save seen.lst; sid:1;)' \
	>"$tmp/save.rules"
run 2 "$sensor" --read "$capture" --rules "$tmp/save.rules" \
	--data-dir "$tmp/none"
says seen none/seen.lst "No such file" --data-dir
run 2 "$sensor" --check --rules "$tmp/save.rules" --data-dir "$tmp/none"
says none/seen.lst
run 2 "$sensor" --check --rules "$tmp/save.rules" --data-dir "$tmp/save.rules"
says "Not a directory"
mkdir "$tmp/data"
run 0 "$sensor" --check --rules "$tmp/save.rules" --data-dir "$tmp/data"
run 0 "$sensor" --read "$capture" --rules "$tmp/save.rules" \
	--data-dir "$tmp/data"
[ -s "$tmp/data/seen.lst" ] || fail "nothing was saved"

# Rules: each bad one named, the others loaded; strict refuses all.
cat >"$tmp/bad.rules" <<'RULES'
alert tcp any any -> any any (msg:"good"; flags:S; sid:1; rev:1;)
alert tcp any any -> any any (msg:"keyword"; nonsense:1; sid:2; rev:1;)
alert tcp any any - any any (msg:"arrow"; sid:3; rev:1;)
alert tcp any any -> any any (msg:"no closing quote; sid:4; rev:1;)
alert tcp any any -> $NO_SUCH any (msg:"group"; sid:5; rev:1;)
alert tcp any any -> any any (msg:"sid again"; sid:1; rev:1;)
alert tcp any any -> any any (msg:"expression"; pcre:"/(/"; sid:7; rev:1;)
alert tcp any any -> any any (msg:"good too"; flags:FA; sid:8; rev:1;)
RULES
run 0 "$sensor" --check --rules "$tmp/bad.rules"
for line in 2 3 4 5 6 7; do
	grep -q "^$tmp/bad.rules:$line:.* sid " "$tmp/out" ||
		fail "--check does not name bad.rules:$line"
done
same "summary of --check" "rules: 2 loaded, 6 failed, 0 skipped" \
	"$(tail -n 1 "$tmp/out")"
same "lines of --check" 8 "$(wc -l <"$tmp/out" | tr -d ' ')"
run 0 "$sensor" --check-json --rules "$tmp/bad.rules"
same "problems of --check-json" 6 "$(jq '.problems | length' "$tmp/out")"
same "keyword of --check-json" nonsense "$(jq -r '.problems[0].keyword' "$tmp/out")"
run 2 "$sensor" --check --rules "$tmp/bad.rules" --set rules.min-load-percent=26
says rules.min-load-percent
run 0 "$sensor" --check --rules "$tmp/bad.rules" --set rules.min-load-percent=25
run 0 "$sensor" --read "$capture" --rules "$tmp/bad.rules" \
	--eve "$tmp/two.json" --eve-types alert
same "warnings of the start" 5 "$(grep -c ': warning: ' "$tmp/err")"
for word in "6 of 8" ": sid 2: unknown keyword" "bad.rules:4:" "--check"; do
	grep -q -F -e "$word" "$tmp/err" ||
		fail "the start's warnings lack '$word'"
done
same "rules that fire" "1 8" "$(sed -n \
	's/.*"signature_id":\([0-9]*\).*/\1/p' "$tmp/two.json" |
	sort -n -u | tr '\n' ' ' | sed 's/ $//')"
run 2 "$sensor" --strict --check --rules "$tmp/bad.rules"
says --strict
run 2 "$sensor" --strict --read "$capture" --rules "$tmp/bad.rules"
run 2 "$sensor" --check --rules "$tmp/none.rules"
says none.rules
# The others are read all the same.
run 2 "$sensor" --check --rules "$tmp/none.rules" "$tmp/bad.rules"
says none.rules
grep -q "^$tmp/bad.rules:7:" "$tmp/out" ||
	fail "--check stopped at the missing file"
grep -q "^$tmp/none.rules: No such file" "$tmp/out" ||
	fail "--check does not list the missing file"
run 2 "$sensor" --check-json --rules "$tmp/none.rules" "$tmp/bad.rules"
same "problems with a missing file" "file 7" \
	"$(jq -r '"\(.problems[0].kind) \(.problems | length)"' "$tmp/out")"
run 2 "$sensor" --check-json --rules "$tmp/bad.rules" --set threshold-file=none.config
says threshold-file none.config "looked for in"
same "JSON of what cannot be checked" true \
	"$(jq '.error | contains("none.config")' "$tmp/out")"
run 2 "$sensor" --check-json --rules "$good_rules" \
	--set "control.public-key=$tmp/none.pem"
same "JSON of a key that is not there" true \
	"$(jq '.error | contains("none.pem")' "$tmp/out")"
run 2 "$sensor" --check-json --set nosuch
jq -e .error "$tmp/out" >/dev/null || fail "no JSON of wrong settings"
for setting in classification-file reference-config-file \
	reputation-categories-file; do
	run 2 "$sensor" --check --rules "$good_rules" --set "$setting=none.config"
	says "$setting" none.config "looked for in $(pwd)" "leave the setting out"
done
# Lines of settings' files are no rules.
printf 'suppress gen_id 1\n' >"$tmp/thresholds"
run 0 "$sensor" --check --rules "$good_rules" \
	--set "threshold-file=$tmp/thresholds" --set rules.min-load-percent=100
same "count of refused settings" "settings: 1 lines refused" \
	"$(tail -n 2 "$tmp/out" | head -n 1)"
run 2 "$sensor" --check --strict --rules "$good_rules" \
	--set "threshold-file=$tmp/thresholds"
says --strict

# Indicators.
printf '{"type":"bundle","objects":[{' >"$tmp/bad.json"
run 2 "$sensor" --check --indicators "$tmp/bad.json"
says bad.json:1
printf 'type,value\nip,999.1.1.1\nip,192.0.2.1\nnonsense,x\n' >"$tmp/bad.csv"
run 0 "$sensor" --check --indicators "$tmp/bad.csv"
for line in 2 4; do
	grep -q "^$tmp/bad.csv:$line: " "$tmp/out" ||
		fail "--check does not name bad.csv:$line"
done
run 2 "$sensor" --check --indicators "$tmp/none.csv"
says none.csv

# Settings: Picket's own keys are checked, Suricata's are let by.
run 2 "$sensor" --check --rules "$good_rules" --set novalue
says novalue KEY=VALUE
# Below Suricata's sections a misspelt key is a warning, below ours an error.
for pair in stream.midstraem:stream.midstream \
	file-store.enable:file-store.enabled \
	datasets.limts.single-hashsize:datasets.limits.single-hashsize \
	flow-timeouts.tpc.new:flow-timeouts.tcp.new \
	pcre.match-limt:pcre.match-limit \
	app-layer.protocols.htpp.enabled:app-layer.protocols.http.enabled; do
	run 0 "$sensor" -q --read "$capture" --set "${pair%:*}=1"
	says warning "${pair%:*} " "did you mean \"${pair#*:}\""
done
run 0 "$sensor" -q --read "$capture" --set stream.drop-invalid=yes \
	--set stream.reassembly.raw=yes --set flow.memcpa=1mb
says "3 settings" "flow.memcpa; did you mean \"flow.memcap\""
run 2 "$sensor" --read "$capture" --set eve.alert.payloed=no
says eve.alert.payloed "\"eve.alert.payload\""
run 0 "$sensor" -q --read "$capture" --set stream.midstream=yes \
	--set datasets.a.b.type=string --set eve.alert.metadata.rule.raw=yes \
	--set app-layer.protocols.dns.udp.detection-ports.dp=53 \
	--set host-os-policy.linux.0=10.0.0.0/8
[ ! -s "$tmp/err" ] || fail "known settings: $(cat "$tmp/err")"
run 2 "$sensor" --check --rules "$good_rules" --set spool.max-siez=1
says spool.max-siez
run 0 "$sensor" --check --rules "$good_rules" --set nosuch.0.fast=yes
says nosuch.0.fast
printf 'spool:\n  max-siez: 1gb\n' >"$tmp/own.yaml"
run 2 "$sensor" --check --rules "$good_rules" --config "$tmp/own.yaml"
says spool.max-siez
printf 'logging:\n  default-log-level: notice\n' >"$tmp/suricata.yaml"
run 0 "$sensor" --check --rules "$good_rules" --config "$tmp/suricata.yaml"
says logging.default-log-level
printf 'a: [1, 2\nb: }\n' >"$tmp/broken.yaml"
run 2 "$sensor" --check --rules "$good_rules" --config "$tmp/broken.yaml"
says broken.yaml:2
run 2 "$sensor" --check --rules "$good_rules" --config "$tmp/none.yaml"
says none.yaml

# Files that settings name: one that cannot be read is an error, whether a rule
# asks for it or not.
echo '1,Bad,bad hosts' >"$tmp/cat"
for key in geoip-database threshold-file classification-file \
	reference-config-file reputation-categories-file reputation-files.0 \
	control.public-key forward.sign.key; do
	case $key in
	reputation-files.*) set -- --set "reputation-categories-file=$tmp/cat" ;;
	control.* | forward.*) set -- --site a --redis "unix://$sock" --spool "$tmp/s" ;;
	*) set -- ;;
	esac
	run 2 "$sensor" --read "$capture" --rules "$good_rules" \
		--set "$key=$tmp/none.file" "$@"
	says none.file
done
run 2 "$sensor" --read "$capture" --rules "$good_rules" \
	--set "geoip-database=$tmp/bad.csv"
says geoip-database bad.csv
run 2 "$sensor" --read "$capture" --rules "$good_rules" \
	--set datasets.hosts.type=string --set "datasets.hosts.load=$tmp/bad.csv"
says bad.csv:1

# Redis.
for url in http://127.0.0.1 redis://127.0.0.1:99999; do
	run 2 "$sensor" --read "$capture" --site a --redis "$url"
	says redis://
	run 2 "$collector" --store "$tmp/x.db" --redis "$url"
	says redis://
done
run 2 "$sensor" --read "$capture" --redis "unix://$sock"
says --site
run 2 "$sensor" --read "$capture" --site a/b --redis "unix://$sock"
says --site

# The collector's own.
run 2 "$collector"
says --redis
run 2 "$collector" --redis "unix://$sock"
says --store
run 2 "$collector" --nonsense
says --nonsense
run 2 "$collector" --redis "unix://$sock" --store "$capture"
says exercise-jp-east.pcap
run 2 "$collector" --redis "unix://$sock" --store "$tmp/x.db" \
	--missions "$tmp/broken.yaml"
says broken.yaml:2
run 2 "$collector" --redis "unix://$sock" --store "$tmp/x.db" \
	--missions "$tmp/none.yaml"
says none.yaml
run 2 "$collector" --redis "unix://$sock" --store "$tmp/x.db" \
	--geoip "$capture"
says exercise-jp-east.pcap
run 2 "$collector" --redis "unix://$sock" --store "$tmp/x.db" \
	--set correlate.nonsense=1
says correlate.nonsense

# A frame that is none goes aside, with the reason; the next ones go on.
command -v redis-server >/dev/null 2>&1 &&
	command -v sqlite3 >/dev/null 2>&1 || finish
redis_start
cli() {
	redis-cli -s "$sock" "$@" >/dev/null
}
cli SADD picket:sensors evil/tap1
key='picket:alerts:{evil/tap1}'
cli XADD "$key" '*' v 1 epoch 1 seq 1 enc zlib n 1 sev 1 crc 0 data garbage
cli XADD "$key" '*' v 99 epoch 1 seq 2 enc zlib n 1 sev 1 crc 0 data x
cli XADD "$key" '*' nothing known data x
cli XADD "$key" '*' v 1 epoch -7 seq 18446744073709551616 enc zlib n -1 \
	sev 999 crc x data x
replay jp-east 2>"$tmp/sensor.log" || fail "the sensor ended with status $?"
run 0 collect --until-idle 2
same "alerts stored beside bad frames" "$(alerts_written jp-east)" \
	"$(alerts_stored jp-east)"
same "dead letters" 4 \
	"$(redis-cli -s "$sock" XLEN 'picket:deadletter:{evil/tap1}')"
same "frames left in the stream" 1 "$(redis-cli -s "$sock" XLEN "$key")"
finish
