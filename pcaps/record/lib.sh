# SPDX-License-Identifier: Apache-2.0
# Sourced by the recording scripts: a small network of namespaces on one
# machine, with documentation addresses only.  Everything it makes is removed
# when the script ends, also when it fails.

set -eu
here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)
out=$(dirname "$here")
work=$(mktemp -d /tmp/picket-record.XXXXXX)
chmod 755 "$work" # nginx reads its pages as another user
tag=pk$$ # namespaces of this run: several runs do not meet
hosts=
pids=

cleanup() {
	for p in $pids; do
		kill "$p" 2>/dev/null || true
	done
	for h in $hosts; do
		for p in $(ip netns pids "$tag-$h" 2>/dev/null); do
			kill "$p" 2>/dev/null || true
		done
	done
	sleep 0.2
	for h in $hosts; do
		ip netns del "$tag-$h" 2>/dev/null || true
	done
	rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 1' INT TERM

need() {
	for c in "$@"; do
		command -v "$c" >/dev/null || {
			echo "recording needs $c; see pcaps/INDEX.md for the packages" >&2
			exit 1
		}
	done
}

# in_host HOST COMMAND... : runs in that host's namespace.
in_host() {
	h=$1
	shift
	ip netns exec "$tag-$h" "$@"
}

# background HOST COMMAND... : the same, until the script ends.
background() {
	h=$1
	shift
	ip netns exec "$tag-$h" "$@" >"$work/$h.$(basename "$1").log" 2>&1 &
	pids="$pids $!"
}

new_host() {
	ip netns add "$tag-$1"
	hosts="$hosts $1"
	in_host "$1" ip link set lo up
	# Real programs at real sizes: no segments larger than the wire's.
	in_host "$1" sysctl -qw net.ipv6.conf.all.accept_dad=0 \
		net.ipv6.conf.default.accept_dad=0 || true
}

# new_switch NAME : a bridge of its own.
new_switch() {
	new_host "$1"
	in_host "$1" ip link add br0 type bridge
	in_host "$1" ip link set br0 up
}

# plug SWITCH HOST ADDRESS... : a cable from host (eth0) to switch.
plug() {
	sw=$1 host=$2
	shift 2
	in_host "$sw" ip link add "p-$host" type veth peer name eth0 netns "$tag-$host"
	in_host "$sw" ip link set "p-$host" master br0 up
	in_host "$host" ip link set eth0 up
	for a in "$@"; do
		case $a in
		*:*) in_host "$host" ip -6 addr add "$a/64" dev eth0 nodad ;;
		*) in_host "$host" ip addr add "$a/32" dev eth0 ;;
		esac
	done
	in_host "$host" ip route add default dev eth0 2>/dev/null || true
	for dev in eth0; do
		in_host "$host" ethtool -K $dev tso off gso off gro off tx off \
			rx off >/dev/null 2>&1 || true
	done
}

# uplink SWITCH SWITCH : a cable between two switches; the first has "up0".
uplink() {
	in_host "$1" ip link add up0 type veth peer name "d-$1" netns "$tag-$2"
	in_host "$1" ip link set up0 master br0 up
	in_host "$2" ip link set "d-$1" master br0 up
}

# tap HOST INTERFACE FILE [FILTER...] : records until untap.
tap() {
	h=$1 dev=$2 file=$3
	shift 3
	ip netns exec "$tag-$h" tcpdump -q -i "$dev" -s 0 -U -B 8192 -w "$file" \
		"$@" >"$work/tcpdump.$h.log" 2>&1 &
	tap_pids="${tap_pids:-} $!"
	sleep 0.7
}

untap() {
	sleep 0.7
	for p in ${tap_pids:-}; do
		kill -INT "$p" 2>/dev/null || true
		wait "$p" 2>/dev/null || true
	done
	tap_pids=
}

# certificate NAME : a self-signed one in $work/NAME.{key,crt}
certificate() {
	openssl req -x509 -newkey rsa:2048 -nodes -days 365 -subj "$2" \
		-addext "subjectAltName=DNS:$1" \
		-keyout "$work/$1.key" -out "$work/$1.crt" 2>/dev/null
}

# web HOST NAME : nginx with plain and TLS listeners and a few pages.
web() {
	host=$1 name=$2
	root=$work/$host-root
	mkdir -p "$root/docs" "$work/$host-nginx"
	printf '<html><head><title>%s</title></head><body><h1>%s</h1>%s</body></html>\n' \
		"$name" "$name" "$(seq -s ' ' 1 600)" >"$root/index.html"
	printf 'plain text for range requests %s\n' "$(seq -s , 1 400)" >"$root/docs/a.txt"
	head -c 40000 /dev/zero | tr '\0' 'x' >"$root/docs/big.html"
	[ -f "$work/$name.crt" ] || certificate "$name" "/C=JP/O=Example/CN=$name"
	cat >"$work/$host-nginx/nginx.conf" <<-EOF
		worker_processes 1;
		pid $work/$host-nginx/pid;
		error_log $work/$host-nginx/error.log;
		events { worker_connections 64; }
		http {
		    access_log off;
		    types { text/html html; text/plain txt sh; application/octet-stream bin; }
		    client_body_temp_path $work/$host-nginx/body;
		    proxy_temp_path $work/$host-nginx/proxy;
		    fastcgi_temp_path $work/$host-nginx/fastcgi;
		    uwsgi_temp_path $work/$host-nginx/uwsgi;
		    scgi_temp_path $work/$host-nginx/scgi;
		    gzip on; gzip_types text/plain; gzip_min_length 100;
		    ssl_certificate $work/$name.crt;
		    ssl_certificate_key $work/$name.key;
		    ssl_protocols TLSv1.2 TLSv1.3;
		    server {
		        listen 80; listen [::]:80; listen 443 ssl; listen [::]:443 ssl;
		        server_name $name;
		        root $root;
		        location /upload { client_max_body_size 8m; proxy_pass http://127.0.0.1:8081/; }
		        location /cgi-bin/ { return 403; }
		    }
		    server { listen 127.0.0.1:8081; location / { return 200 "stored\n"; } }
		}
	EOF
	background "$host" nginx -c "$work/$host-nginx/nginx.conf" -g 'daemon off;'
}

# resolver HOST NAME=ADDRESS... : dnsmasq that knows these names.
resolver() {
	host=$1
	shift
	for pair in "$@"; do
		printf 'address=/%s/%s\n' "${pair%%=*}" "${pair#*=}"
	done >"$work/$host-dnsmasq.conf"
	cat >>"$work/$host-dnsmasq.conf" <<-EOF
		no-resolv
		no-hosts
		user=root
		mx-host=example,mail.example,10
		txt-record=example,"v=spf1 ip4:203.0.113.0/24 -all"
		srv-host=_sip._tcp.example,sip.example,5060
		local=/example/
		pid-file=$work/$host-dnsmasq.pid
	EOF
	background "$host" dnsmasq -k -C "$work/$host-dnsmasq.conf"
}
