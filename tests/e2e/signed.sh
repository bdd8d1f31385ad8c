#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Signed batches, and somebody else who may write to Redis: what he changes,
# moves, makes up or plays back is refused and counted by cause, the true
# batches are stored once, and the ledger balances.
. "${srcdir:-$(dirname "$0")/../..}/tests/lib.sh"
need jq redis-cli mkfifo
redis_start
ctl=$bin/picketctl
store=$tmp/picket.db

for name in hq/tap1 hq/tap3; do
	"$ctl" keys make --sensor $name "$tmp/${name#*/}" >/dev/null ||
		fail "keys make: status $?"
done
"$ctl" keys make --sensor hq/tap2 --hmac "$tmp/tap2" >/dev/null ||
	fail "keys make --hmac: status $?"
same "mode of a private key" 600 "$(stat -c %a "$tmp/tap1")"
same "mode of a secret" 600 "$(stat -c %a "$tmp/tap2")"
"$ctl" keys make --sensor hq/tap1 "$tmp/tap1" 2>/dev/null &&
	fail "a key was written over"

cat >"$tmp/collector.yaml" <<END
store: $store
redis: unix://$sock
feed: $tmp/feed.json
ingest:
  signatures: require
  keys:
    - sensor: hq/tap1
      key: $tmp/tap1.pub
    - sensor: hq/tap2
      key: hmac:$tmp/tap2
    - sensor: hq/tap3
      key: $tmp/tap3.pub
END

# key_of SENSOR : as the setting has it.
key_of() {
	case $1 in
	tap2) echo "hmac:$tmp/tap2" ;;
	*) echo "$tmp/$1" ;;
	esac
}

# run SENSOR [OPTION...]
run() {
	name=$1
	shift
	sensor_home --site hq --sensor "$name" --redis "unix://$sock" \
		--spool "$tmp/spool-$name" --set forward.drain-ms=60000 \
		--set forward.linger-ms=0 \
		--set "forward.sign.key=$(key_of "$name")" \
		--set spool.resend-seconds=1 "$@" 2>>"$tmp/$name.log"
}

# settle : what is in Redis is read to its end.
settle() {
	"$collector" --config "$tmp/collector.yaml" --until-idle 1 \
		2>>"$tmp/collector.log" || fail "collector: exit status $?"
}

# raised SENSOR : what its ledger says in Redis.
raised() {
	redis-cli -s "$sock" --raw HGET "picket:sensor:{hq/$1}" ledger |
		jq '.events.raised | add'
}

# refused SENSOR CAUSE : how many.
refused() {
	"$ctl" --store "$store" sensors --json | jq -r \
		"[.refused[] | select(.sensor == \"$1\" and .cause == \"$2\") |
			.count][0] // 0"
}

alerts() {
	"$ctl" --store "$store" sensors --json |
		jq "[.sensors[] | select(.sensor == \"$1\").alerts][0]"
}

# attack LUA : for each entry of tap1's stream as it was sent, 'f' its fields.
attack() {
	redis-cli -s "$sock" --raw EVAL "
		local key = 'picket:alerts:{hq/tap1}'
		local made = 0
		local function put(to, f)
			local args = {}
			for k, v in pairs(f) do
				args[#args + 1] = k
				args[#args + 1] = v
			end
			redis.call('XADD', to, '*', unpack(args))
			made = made + 1
		end
		local function flip(s, at)
			return s:sub(1, at - 1) ..
				string.char(bit.bxor(s:byte(at), 1)) ..
				s:sub(at + 1)
		end
		for _, e in ipairs(redis.call('XRANGE', key, '-', ARGV[1])) do
			local f = {}
			for i = 1, #e[2], 2 do
				f[e[2][i]] = e[2][i + 1]
			end
			$1
		end
		return made" 0 "$last"
}

# --- signed, and not meddled with: what anybody can check
# Each batch is there once, however long it takes.
for name in tap1 tap2; do
	run $name --read "$top/pcaps/exercise-jp-east.pcap" \
		--set spool.resend-seconds=3600 || fail "$name: status $?"
done
n=$(raised tap1)
[ "$n" -gt 10 ] || fail "only $n events to try with"
if command -v python3 >/dev/null 2>&1; then
	for name in tap1 tap2; do
		redis-cli -s "$sock" --raw EVAL "
			local r = redis.call('XRANGE', KEYS[1], '-', '+')
			local out = {}
			for i = 1, #r[1][2], 2 do
				local hex = {}
				for b = 1, #r[1][2][i + 1] do
					hex[b] = string.format('%02x',
						r[1][2][i + 1]:byte(b))
				end
				out[r[1][2][i]] = table.concat(hex)
			end
			return cjson.encode(out)" 1 "picket:alerts:{hq/$name}" \
			>"$tmp/entry"
		public=$(key_of $name)
		[ $name = tap2 ] || public=$public.pub
		python3 "$top/tests/e2e/signed.py" "hq/$name" "$public" \
			<"$tmp/entry"
		case $? in
		0) ;;
		77) printf 'python3 without cryptography: %s not checked\n' $name ;;
		*) fail "$name: another client finds the signature wrong" ;;
		esac
		python3 "$top/tests/e2e/signed.py" hq/other "$public" \
			<"$tmp/entry"
		[ $? -ne 0 ] || fail "$name: a signature for any sensor"
	done
fi

# --- somebody else writes too, in front of the collector
last=$(redis-cli -s "$sock" --raw XREVRANGE "picket:alerts:{hq/tap1}" + - \
	COUNT 1 | head -n 1)
batches=$(redis-cli -s "$sock" --raw XLEN "picket:alerts:{hq/tap1}")
redis-cli -s "$sock" SADD picket:sensors hq/tap3 north/tap1 >/dev/null
unsigned=$(attack "f.mac = nil; put(key, f)")
changed=$(attack "
	for at = 1, #f.data, 7 do
		local g = {}
		for k, v in pairs(f) do g[k] = v end
		g.data = flip(f.data, at)
		put(key, g)
	end
	for _, k in ipairs({'epoch', 'seq', 'n', 'sev', 'crc', 'raw'}) do
		local g = {}
		for a, v in pairs(f) do g[a] = v end
		g[k] = tostring(tonumber(f[k]) + 1)
		put(key, g)
	end")
cut=$(attack "f.data = f.data:sub(1, -2); put(key, f)")
short=$(attack "f.mac = f.mac:sub(1, -2); put(key, f)")
moved=$(attack "put('picket:alerts:{hq/tap3}', f)")
abroad=$(attack "put('picket:alerts:{north/tap1}', f)")
again=$(attack "put(key, f)")
other=$(attack "
	f.mac = f.mac:sub(1, 2) .. string.rep('k', 8) .. f.mac:sub(11)
	put(key, f)")
gaps=$(attack "
	f.gap_from = '1'; f.gap_to = '1000000'; f.seq = '1000000'; f.n = '0'
	put(key, f)")
redis-cli -s "$sock" XADD "picket:alerts:{hq/tap1}" '*' v 1 epoch 1 seq 1 \
	enc zlib n 1 sev 1 crc 1 data made-up >/dev/null
redis-cli -s "$sock" XADD "picket:alerts:{hq/tap1}" '*' junk 1 v 9 >/dev/null
settle
settle

same "tap1: unsigned" $((unsigned + 1)) "$(refused tap1 unsigned)"
same "tap1: bad-signature" $((changed + cut + gaps)) \
	"$(refused tap1 bad-signature)"
same "tap1: malformed-mac" "$short" "$(refused tap1 malformed-mac)"
same "tap1: unknown-key" "$other" "$(refused tap1 unknown-key)"
same "tap1: bad-header" 1 "$(refused tap1 bad-header)"
same "tap3: foreign" "$moved" "$(refused tap3 foreign)"
same "north: foreign" "$abroad" "$("$ctl" --store "$store" sensors --json |
	jq '[.refused[] | select(.site == "north").count] | add')"
same "tap3: alerts" 0 "$(alerts tap3)"
same "repeats counted once" "$again" \
	"$("$ctl" --store "$store" ledger hq/tap1 --json | jq '.sensors[0].repeats')"
for name in tap1 tap2; do
	"$ctl" --store "$store" ledger hq/$name --json >"$tmp/ledger.json" ||
		fail "$name: the ledger is broken"
	same "$name: the ledger holds" true "$(jq .holds "$tmp/ledger.json")"
	same "$name: nothing waits" 0 "$(jq '.sensors[0].waiting' \
		"$tmp/ledger.json")"
	same "$name: raised" "$(raised $name)" \
		"$(jq '.sensors[0].raised' "$tmp/ledger.json")"
done
same "as many alerts of both" "$(alerts tap2)" "$(alerts tap1)"
"$ctl" --store "$store" sensors | grep -q 'refused hq/tap1.*bad-signature' ||
	fail "picketctl sensors does not tell what was refused"
jq -r 'select(.event_type == "refused" and .picket.sensor == "tap1") |
	.refused.cause' "$tmp/feed.json" | grep -q bad-signature ||
	fail "the feed does not tell what was refused"
words=$(grep -c 'tap1: .* refused: bad-signature' "$tmp/collector.log")
[ "$words" -ge 1 ] && [ "$words" -le 3 ] ||
	fail "bad-signature was logged $words times"

# --- all of it once more: nothing new
before=$(alerts tap1)
redis-cli -s "$sock" DEL "picket:alerts:{hq/tap2}" >/dev/null
last=+
[ "$batches" -gt 0 ] || fail "no batches"
settle
same "alerts after a replay" "$before" "$(alerts tap1)"

# --- only changed ones arrive: the sensor's own come again
mkfifo "$tmp/pipe"
exec=exec run tap3 --read - <"$tmp/pipe" &
pid=$!
pids="$pids $pid"
exec 9>"$tmp/pipe"
cat "$top/pcaps/exercise-jp-east.pcap" >&9
some() { [ "$(redis-cli -s "$sock" --raw XLEN "picket:alerts:{hq/tap3}")" -ge "$1" ]; }
here=$(redis-cli -s "$sock" --raw XLEN "picket:alerts:{hq/tap3}")
eventually 60 some $((here + 1)) || fail "tap3 sends nothing"
redis-cli -s "$sock" --raw EVAL "
	local key = KEYS[1]
	for _, e in ipairs(redis.call('XRANGE', key, '-', '+')) do
		for i = 1, #e[2], 2 do
			if e[2][i] == 'data' then
				e[2][i + 1] = e[2][i + 1] .. 'x'
			end
		end
		redis.call('XADD', key, '*', unpack(e[2]))
		redis.call('XDEL', key, e[1])
	end" 1 "picket:alerts:{hq/tap3}" >/dev/null
"$collector" --config "$tmp/collector.yaml" 2>>"$tmp/collector.log" 9>&- &
drainer=$!
pids="$pids $drainer"
all_here() { [ "$(alerts tap3)" = "$(alerts tap2)" ]; }
eventually 120 all_here ||
	fail "tap3: $(alerts tap3) of $(alerts tap2) alerts came after all"
exec 9>&-
wait $pid || fail "tap3: status $?"
kill -TERM $drainer
wait $drainer || fail "collector: status $?"
[ "$(refused tap3 bad-signature)" -gt 0 ] || fail "tap3: nothing was refused"

# --- revoked: refused, and stored once another key signs the same batches
"$ctl" keys make --sensor hq/tap1 "$tmp/next" >/dev/null
sed -i "s|signatures: require|&\n  revoked: [ $tmp/tap1.pub ]|
	s|  keys:|&\n    - { sensor: 'hq/*', key: $tmp/next.pub }|" \
	"$tmp/collector.yaml"
before=$(alerts tap1)
run tap1 --read "$top/pcaps/exercise-jp-east.pcap" || fail "tap1: status $?"
settle
[ "$(refused tap1 revoked-key)" -gt 0 ] || fail "a revoked key was not refused"
same "alerts with a revoked key" "$before" "$(alerts tap1)"
mv "$tmp/next" "$tmp/tap1"
"$collector" --config "$tmp/collector.yaml" 2>>"$tmp/collector.log" 9>&- &
drainer=$!
pids="$pids $drainer"
# Its spool says that all was sent: they come when nothing was committed for
# some time.
rm "$tmp/pipe"
mkfifo "$tmp/pipe"
exec=exec run tap1 --read - <"$tmp/pipe" &
pid=$!
pids="$pids $pid"
exec 9>"$tmp/pipe"
head -c 24 "$top/pcaps/exercise-jp-east.pcap" >&9
twice() { [ "$(alerts tap1)" = $((before * 2)) ]; }
eventually 120 twice ||
	fail "$(alerts tap1) alerts, not $((before * 2)), with the next key"
exec 9>&-
wait $pid || fail "tap1: status $?"
kill -TERM $drainer
wait $drainer || fail "collector: status $?"
no_sanitizer "$tmp"/*.log
finish
