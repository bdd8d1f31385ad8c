# SPDX-License-Identifier: Apache-2.0
# Sourced after lib.sh by the tests of what stands around Redis: servers on TCP
# ports that the system gives, certificates, and a sensor with a collector.
# shellcheck shell=sh
need redis-server redis-cli python3 sqlite3
[ -x "$collector" ] || skip "picket-collector is not built"

# free_ports N : so many ports that nobody listens on, and whose number plus
# 10000 is free as well (a cluster's bus).
free_ports() {
	python3 - "$1" <<'PY'
import socket, sys
want, found, held = int(sys.argv[1]), [], []
while len(found) < want:
    s, b = socket.socket(), socket.socket()
    try:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
        if port + 10000 > 65535:
            continue
        b.bind(("127.0.0.1", port + 10000))
        found.append(port)
        held += [s, b]
    except OSError:
        pass
print(*found)
PY
}

# server NAME OPTION... : a redis-server in a directory of its own; its process
# number in $tmp/NAME.pid.
server() {
	_name=$1
	shift
	mkdir -p "$tmp/$_name"
	redis-server --dir "$tmp/$_name" --save '' --appendonly no \
		--loglevel warning "$@" >>"$tmp/$_name.log" 2>&1 &
	echo $! >"$tmp/$_name.pid"
	pids="$pids $!"
}

# up PORT [OPTION...] : waits until that server answers.
up() {
	_port=$1
	shift
	eventually 30 redis-cli -p "$_port" "$@" ping || {
		cat "$tmp"/*.log
		fail "waited 30 s for the server at port $_port"
		exit 99
	}
}

# nodes TIMEOUT-MS PORT... : servers that a cluster can be made of.
nodes() {
	_timeout=$1
	shift
	for _p in "$@"; do
		server "node$_p" --port "$_p" --cluster-enabled yes \
			--cluster-node-timeout "$_timeout" \
			--cluster-config-file nodes.conf
	done
	for _p in "$@"; do
		up "$_p"
	done
}

# cluster PORT... : a cluster of these nodes, each a master.
cluster() {
	_masters=$*
	# shellcheck disable=SC2046
	redis-cli --cluster create $(printf '127.0.0.1:%s ' "$@") \
		--cluster-yes >"$tmp/create.out" 2>&1 || {
		cat "$tmp/create.out"
		exit 99
	}
	eventually 30 agree || fail "waited 30 s for the cluster to agree"
}
agree() {
	for _p in $_masters; do
		redis-cli -p "$_p" cluster info | grep -q cluster_state:ok || return 1
	done
}

# authority NAME, certificate NAME AUTHORITY SUBJECT-ALT-NAMES [DAYS]
authority() {
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj "/CN=$1" \
		-keyout "$tmp/$1.key" -out "$tmp/$1.crt" 2>/dev/null
}

certificate() {
	openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$1" \
		-keyout "$tmp/$1.key" -out "$tmp/$1.csr" 2>/dev/null
	echo "subjectAltName=$3" >"$tmp/$1.ext"
	openssl x509 -req -in "$tmp/$1.csr" -CA "$tmp/$2.crt" \
		-CAkey "$tmp/$2.key" -CAcreateserial -days "${4:-30}" \
		-extfile "$tmp/$1.ext" -out "$tmp/$1.crt" 2>/dev/null
}

# send URL OPTION... : replays a capture for site jp-east and forwards it.
send() {
	_url=$1
	shift
	sensor_home --read "$top/pcaps/exercise-jp-east.pcap" \
		--site jp-east --sensor tap1 --redis "$_url" \
		--spool "$tmp/spool" --eve "$tmp/eve.json" \
		--set forward.drain-ms=60000 --set spool.resend-seconds=1 "$@"
}

# take URL OPTION... : the collector there.
take() {
	_url=$1
	shift
	${exec-} "$collector" --redis "$_url" --store "$tmp/picket.db" "$@"
}

wrote() {
	grep -c '"event_type":"alert"' "$tmp/eve.json"
}

stored() {
	sql 'SELECT coalesce(sum(alerts), 0) FROM frames' 2>/dev/null || echo 0
}

counted_once() {
	same "frames stored twice" 0 "$(sql "SELECT count(*) -
		count(DISTINCT sensor || '/' || epoch || '/' || seq)
		FROM frames")"
	same "alerts counted twice, or not, by groups" 0 "$(sql "SELECT
		(SELECT sum(count) FROM alert_groups) -
		(SELECT sum(alerts) FROM frames)")"
}

# all_there : whether the store has what the sensor wrote, once each.
all_there() {
	same "alerts stored" "$(wrote)" "$(stored)"
	counted_once
	same "gaps" 0 "$(sql 'SELECT count(*) FROM gaps')"
}
