#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# picketctl on a store with friendly and hostile texts: what it shows, what it
# refuses and how it exits.
set -u
bin=${builddir:-.}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
bad=0
db=$work/picket.db

fail() {
	echo "FAIL: $*" >&2
	bad=1
}

# runs STATUS ARG... : picketctl ends with STATUS; output in $work/out, err.
runs() {
	want=$1
	shift
	"$bin/picketctl" "$@" >"$work/out" 2>"$work/err"
	got=$?
	[ $got -eq "$want" ] || {
		fail "picketctl $*: exit $got, not $want"
		cat "$work/err" >&2
	}
	# Nothing but printable bytes and line ends reaches the terminal: no
	# escape sequence, no C1 control, no direction override.
	if LC_ALL=C tr -d '\12\40-\176' <"$work/out" | LC_ALL=C grep -q .; then
		fail "picketctl $*: bytes that are not printable"
	fi
	if [ "$want" -ne 0 ] && [ "$(wc -l <"$work/err")" -ne 1 ]; then
		fail "picketctl $*: not one line on standard error"
	fi
}

# shows TEXT : the last output has it.
shows() {
	grep -qF -e "$1" "$work/out" || {
		fail "output lacks: $1"
		cat "$work/out" >&2
	}
}

lacks() {
	if grep -qF -e "$1" "$work/out"; then
		fail "output has: $1"
	fi
}

"$bin/storefill" "$db" || exit 1

runs 0 --help
shows 'incidents show ID'
runs 0 --version
shows 'picketctl '

runs 0 --store "$db" status
shows '2 live'
shows 'Exercise    KEEN TEST, 1 alerts'
runs 0 -s "$db" sensors
shows 'alpha'
shows 'beta'
shows ' 41/2 v7'
shows 'reload failed: no \x1b[1mrules'

runs 0 -s "$db" alerts
shows 'PICKET TEST plain signature'
shows '[2001:db8::7]:443'
shows '\x1b]0;owned\x07\x0d\x0a'
lacks "an exercise's"
runs 0 -s "$db" alerts --all
shows 'EXERCISE KEEN TEST'
# by arrival 3, 2, 1; the second is of an hour before
for order in arrival:3,2,1 time:3,1,2; do
	runs 0 -s "$db" alerts --all --order ${order%%:*} --json
	ids=$(grep -o '"id":[0-9]*' "$work/out" | cut -d: -f2 | paste -sd,)
	[ "$ids" = "${order#*:}" ] || fail "--order $order: $ids"
	runs 0 -s "$db" alerts --all --order ${order%%:*}
	[ "$(wc -l <"$work/out")" -eq 3 ] || fail "--order $order: rows"
done
runs 0 -s "$db" alerts --all --order time --limit 2
[ "$(wc -l <"$work/out")" -eq 2 ] || fail '--order time --limit 2: rows'
runs 2 -s "$db" alerts --order size
runs 0 -s "$db" alerts --exercise 'KEEN TEST'
shows "an exercise's"
lacks 'plain'
runs 0 -s "$db" alerts --site alpha --sid 9000001 --address 198.51.100.7 --severity 1 --limit 1
shows 'plain'
runs 0 -s "$db" alerts --site "x' OR 1=1 --"
shows 'no alerts'

runs 0 -s "$db" rules noisy
shows 'PICKET TEST plain signature'
shows '1:9000001'
[ "$(wc -l <"$work/out")" -eq 2 ] || fail 'rules noisy: rows'
runs 0 -s "$db" rules noisy --sid 4000000
shows 'no rule raised anything'
runs 0 -s "$db" rules noisy --json
shows '"alerts":2'
shows '"loaded":41'
shows '"reload_error"'
runs 2 -s "$db" rules loud

runs 0 -s "$db" missions
shows 'no mission is known'
runs 0 -s "$db" blind --limit 3
shows 'no sensor is known to have been blind'

runs 0 -s "$db" incidents
shows 'Shared address at two sites'
shows 'emergency'
shows '(and 1 of exercises: --all shows them)'
runs 0 -s "$db" incidents show 1
shows '82 of 100, level 5, emergency'
shows 'JP; in support: US'
shows 'initial access'
shows 'Consultation JP-1, open, lead JP; JP not yet, US not yet'
# Who leads here stands beside who leads at the partner.
if command -v sqlite3 >/dev/null 2>&1; then
	sqlite3 "$db" "INSERT INTO incident_keys VALUES('kdomain x',1);
		INSERT INTO partner_incidents SELECT column1,column1,'t',4,70,
			column2,'','','','','',1,0,0,1,0,'green',1
			FROM (VALUES('US','US'),('AU','JP'),('FR',''));
		INSERT INTO partner_keys SELECT 'kdomain x',party,id
			FROM partner_incidents" || fail 'sqlite3'
	runs 0 -s "$db" incidents show 1
	shows 'US: level 4 severe, score 70, lead US (JP here): t'
	shows 'AU: level 4 severe, score 70, lead JP (here too): t'
	shows 'FR: level 4 severe, score 70, lead not told (JP here): t'
	sqlite3 "$db" 'DELETE FROM partner_incidents; DELETE FROM incident_keys'
fi
runs 0 -s "$db" consult
shows 'JP-1'
lacks 'KEEN TEST'
shows '(and 1 of exercises: --all shows them)'
runs 0 -s "$db" consult list --all
shows 'EXERCISE KEEN TEST'
runs 0 -s "$db" consult show JP-1
shows 'to acknowledge until'
runs 0 -s "$db" consult log JP-1
shows 'opened, automation: fine'
runs 1 -s "$db" consult show JP-99
runs 2 -s "$db" consult show JP
runs 2 -s "$db" consult nonsense JP-1
runs 2 -s "$db" consult ack JP-1
runs 2 -s "$db" consult handover JP-1 --to US
runs 0 -s "$db" consult ack JP-1 --as US --who miller
shows 'by miller'
runs 1 -s "$db" consult close JP-1 --as US
runs 0 -s "$db" consult close JP-1 --why 'all clear'
shows 'all clear'
runs 0 -s "$db" incidents show 2
shows '<img src=x'
runs 0 -s "$db" incidents show --all
shows 'EXERCISE KEEN TEST, not a real-world event'
runs 0 -s "$db" incidents ack 1 --note 'calling them' --who sato
shows 'acknowledged'
runs 1 -s "$db" incidents ack 1
runs 0 -s "$db" incidents close 1
runs 0 -s "$db" incidents
lacks 'Shared address at two sites'
runs 0 -s "$db" incidents show 1
shows 'ack, sato: calling them'

for c in status sensors blind missions alerts 'alerts --all' incidents 'incidents show' 'incidents show 2' consult 'consult list --all' \
	'consult show JP-1' 'consult log JP-1'; do
	# shellcheck disable=SC2086
	runs 0 -s "$db" --json $c
	[ "$(wc -l <"$work/out")" -eq 1 ] || fail "--json $c: not one line"
	case $(cat "$work/out") in
	'{'*'}') ;;
	*) fail "--json $c: not an object" ;;
	esac
done

runs 0 -s "$db" exercise
shows 'no exercises: exercise start FILE orders one'
for i in 1 2; do
	cat >"$work/plan.yaml" <<-EOF
		name: PLAN-$i
		from: 2030-01-0${i}T00:00:00Z
		until: 2030-01-0${i}T12:00:00Z
		ranges: [198.51.100.0/24]
		injects:
		  - id: one
		    sources: [198.51.100.7]
	EOF
	runs 0 -s "$db" exercise start "$work/plan.yaml"
done
runs 0 -s "$db" exercise
shows 'what is not told yet stays so'
[ "$(sed -n '1,3s/ .*//p' "$work/out" | paste -sd ' ')" = \
	'EXERCISE PLAN-2 PLAN-1' ] || fail "exercises: $(cat "$work/out")"

runs 1 -s "$db" incidents show 99
runs 1 -s "$db" incidents close 99
runs 2
runs 2 status
runs 2 -s "$work/none.db" status
runs 2 -s "$db" frobnicate
runs 2 -s "$db" postures
runs 2 -s "$db" incidents melt 1
runs 2 -s "$db" incidents ack
runs 2 -s "$db" incidents show one
runs 2 -s "$db" status now
runs 2 -s "$db" alerts --address nowhere
runs 2 -s "$db" alerts --limit 0
runs 2 -s "$db" --frob alerts
runs 2 -s "$db" --set store.odd=1 alerts
echo 'not a store' >"$work/text"
runs 2 -s "$work/text" status
printf 'store: %s\nredis: redis://127.0.0.1\n' "$db" >"$work/collector.yaml"
runs 0 --config "$work/collector.yaml" status

exit $bad
