#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Records ordinary traffic of real programs, one capture a subject, between two
# hosts with documentation addresses.  Needs root.

. "$(dirname "$0")/lib.sh"
need ip tcpdump nginx dnsmasq dig curl wget openssl nmap ethtool ping sshd ssh python3 zstd

new_switch sw
new_host server
plug sw server 192.0.2.80 2001:db8::80
new_host client
plug sw client 192.0.2.20 2001:db8::20
web server www.example
resolver server www.example=192.0.2.80 www.example=2001:db8::80 \
	mail.example=192.0.2.80 cdn.updates-sync.example=198.51.100.23
sleep 1.5

c() { in_host client "$@"; }
quiet() { in_host client "$@" >/dev/null 2>&1 || true; }
site="--resolve www.example:80:192.0.2.80 --resolve www.example:443:192.0.2.80"

record() {
	echo "$1" >&2
	tap sw p-server "$out/$1"
}

record http.pcap tcp port 80
# shellcheck disable=SC2086
{
	quiet curl -s $site http://www.example/
	quiet curl -s --compressed $site http://www.example/docs/a.txt
	quiet curl -s -I $site http://www.example/docs/a.txt
	quiet curl -s -r 10-99 $site http://www.example/docs/a.txt
	quiet curl -s $site http://www.example/ http://www.example/docs/a.txt http://www.example/missing
	quiet curl -s $site -H 'Cookie: session=abc; theme=dark' -e http://www.example/ \
		'http://www.example/docs/%61.txt?q=a%20b&x=1'
	quiet curl -s $site -F 'file=@/etc/hostname;filename=report.txt' http://www.example/upload
	quiet curl -s $site -H 'Transfer-Encoding: chunked' -d 'chunked body' http://www.example/upload
	quiet curl -s $site -H 'Expect: 100-continue' -d "$(seq 1 300)" http://www.example/upload
	quiet wget -q -O /dev/null http://192.0.2.80/docs/big.html
	quiet curl -g -s 'http://[2001:db8::80]/'
}
untap

record tls.pcap
for v in -tls1_2 -tls1_3; do
	printf 'GET / HTTP/1.0\r\n\r\n' | c timeout 3 openssl s_client -quiet $v \
		-servername www.example -alpn http/1.1 -connect 192.0.2.80:443 >/dev/null 2>&1 || true
done
# shellcheck disable=SC2086
quiet curl -sk $site https://www.example/docs/a.txt
c timeout 3 openssl s_client -tls1_2 -connect 192.0.2.80:443 </dev/null >/dev/null 2>&1 || true
untap

record dns.pcap
for q in "www.example A" "www.example AAAA" "example MX" "example TXT" \
	"_sip._tcp.example SRV" "nothing.example A" "cdn.updates-sync.example A"; do
	# shellcheck disable=SC2086
	quiet dig +tries=1 +time=2 @192.0.2.80 $q
done
quiet dig +tcp +tries=1 +time=2 @192.0.2.80 www.example A
quiet dig +tries=1 +time=2 -x 192.0.2.80 @192.0.2.80
quiet dig +tries=1 +time=2 @2001:db8::80 www.example A
untap

record ssh.pcap
mkdir -p "$work/ssh" /run/sshd
ssh-keygen -q -t ed25519 -N '' -f "$work/ssh/host"
ssh-keygen -q -t ed25519 -N '' -f "$work/ssh/user"
cp "$work/ssh/user.pub" "$work/ssh/authorized"
chmod 755 "$work" "$work/ssh"
background server /usr/sbin/sshd -D -e -p 22 -h "$work/ssh/host" -o UsePAM=no \
	-o "AuthorizedKeysFile=$work/ssh/authorized" -o StrictModes=no -o PidFile=none
sleep 0.7
quiet ssh -i "$work/ssh/user" -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null \
	-o BatchMode=yes root@192.0.2.80 uname -s
untap

if command -v exim4 >/dev/null; then
	record smtp.pcap
	mkdir -p "$work/exim"
	chmod 777 "$work/exim"
	cat >"$work/exim/conf" <<-EOF
		primary_hostname = mail.example
		spool_directory = $work/exim
		log_file_path = $work/exim/%slog
		exim_user = Debian-exim
		exim_group = Debian-exim
		never_users =
		acl_smtp_rcpt = accept
		acl_smtp_data = accept
		begin acl
		begin routers
		sink:
		  driver = redirect
		  data = :blackhole:
		begin transports
	EOF
	chown -R Debian-exim:Debian-exim "$work/exim"
	chown root:root "$work/exim/conf"
	background server exim4 -C "$work/exim/conf" -bdf -oX 25
	sleep 1
	printf 'From: a@example\r\nTo: b@example\r\nSubject: minutes\r\n\r\nHello.\r\n' >"$work/mail"
	quiet curl -s smtp://192.0.2.80 --mail-from a@example --mail-rcpt b@example \
		--upload-file "$work/mail"
	untap
fi

record icmp-fragments.pcap
quiet ping -c 2 -i 0.2 192.0.2.80
quiet ping -c 1 -s 4000 192.0.2.80
quiet ping -6 -c 1 -s 4000 2001:db8::80
quiet ping -c 1 -W 1 192.0.2.99
printf 'to a closed port' | c timeout 1 sh -c 'exec 3>/dev/udp/192.0.2.80/9; cat >&3' 2>/dev/null || true
quiet curl -s -m 1 http://192.0.2.80:81/
untap

record scan.pcap
quiet nmap -n -Pn -sS -T4 -p 1-60 192.0.2.80
quiet nmap -n -Pn -sU -T4 --max-retries 0 -p 50-60 192.0.2.80
quiet nmap -n -Pn -sX -p 22,80 192.0.2.80
untap

# tunnel FILE SERVER-LINK CLIENT-LINK : a web page and a look-up through a link.
tunnel() {
	name=$1 server_opts=$2 client_opts=$3
	# shellcheck disable=SC2086
	in_host server ip link add tun0 $server_opts 2>/dev/null || {
		echo "$name: this kernel has no such link; left as it is" >&2
		return 0
	}
	# shellcheck disable=SC2086
	in_host client ip link add tun0 $client_opts
	in_host server ip addr add 192.0.2.129/30 dev tun0
	in_host client ip addr add 192.0.2.130/30 dev tun0
	in_host server ip link set tun0 up
	in_host client ip link set tun0 up
	record "$name"
	quiet curl -s -m 3 http://192.0.2.129/
	quiet dig +tries=1 +time=2 @192.0.2.129 www.example A
	untap
	in_host server ip link del tun0
	in_host client ip link del tun0
}
tunnel gre.pcap "type gre local 192.0.2.80 remote 192.0.2.20" \
	"type gre local 192.0.2.20 remote 192.0.2.80"
tunnel ipip.pcap "type ipip local 192.0.2.80 remote 192.0.2.20" \
	"type ipip local 192.0.2.20 remote 192.0.2.80"
tunnel vxlan.pcap "type vxlan id 42 remote 192.0.2.20 dstport 4789 dev eth0" \
	"type vxlan id 42 remote 192.0.2.80 dstport 4789 dev eth0"
tunnel vlan.pcap "link eth0 type vlan id 7" "link eth0 type vlan id 7"
tunnel qinq.pcap "link eth0 type vlan proto 802.1ad id 8" \
	"link eth0 type vlan proto 802.1ad id 8"

# The same capture in the other containers that can be read.
tcpdump -q -r "$out/http.pcap" -w - 2>/dev/null | gzip -9n >"$out/http.pcap.gz"
if command -v editcap >/dev/null; then
	editcap -F pcapng "$out/http.pcap" "$work/http.pcapng"
	zstd -q -19 -f "$work/http.pcapng" -o "$out/http.pcapng.zst"
fi
ls -l "$out"/*.pcap* >&2
