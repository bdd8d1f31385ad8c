/* SPDX-License-Identifier: Apache-2.0 */
#include "common/redis_url.h"

#include <stdio.h>
#include <sys/un.h>

#define DB_MAX 1000000
#define PORT_REDIS 6379
#define PORT_SENTINEL 26379

static enum err
bad(struct diag *d, const char *what)
{
	/* The URL may hold a password: say what is wrong, not what it is. */
	return diag_set(d, ERR_USAGE,
			"Redis URL: %s; write redis://[user:password@]host"
			"[:port][/db], rediss:// for TLS, "
			"redis+cluster://host:port,host:port, redis+sentinel://"
			"host:port,host:port/MASTERNAME or unix:///path",
			what);
}

/* Copies 'v' undoing %XX (RFC 3986 section 2.1); false when it does not fit. */
static bool
unescape(struct view v, char *out, size_t cap)
{
	size_t n = 0;

	for (size_t i = 0; i < v.len; i++) {
		int c = v.p[i];

		if (c == '%') {
			int hi = i + 2 < v.len ? ascii_hex(v.p[i + 1]) : -1;
			int lo = hi >= 0 ? ascii_hex(v.p[i + 2]) : -1;

			if (lo < 0) {
				return false;
			}
			c = hi << 4 | lo;
			i += 2;
		}
		if (c == 0 || n + 1 >= cap) {
			return false;
		}
		out[n++] = (char)c;
	}
	out[n] = '\0';
	return true;
}

static bool
read_number(struct view v, unsigned max, unsigned *out)
{
	unsigned n = 0;

	if (v.len == 0 || v.len > 7) {
		return false;
	}
	for (size_t i = 0; i < v.len; i++) {
		if (v.p[i] < '0' || v.p[i] > '9') {
			return false;
		}
		n = n * 10 + (v.p[i] - '0');
	}
	*out = n;
	return n <= max;
}

static struct view
cut_at(struct view *rest, size_t at)
{
	struct view head = view_sub(*rest, 0, at);

	*rest = view_sub(*rest, at, rest->len);
	return head;
}

static size_t
find(struct view v, uint8_t c)
{
	const uint8_t *p = v.len > 0 ? memchr(v.p, c, v.len) : NULL;

	return p != NULL ? (size_t)(p - v.p) : v.len;
}

/* Takes "user:password@" off the front of the authority. */
static bool
take_userinfo(struct redis_url *u, struct view *authority)
{
	size_t at = authority->len, colon;
	struct view info;

	/* The last @: one in a password need not be escaped. */
	while (at > 0 && authority->p[at - 1] != '@') {
		at--;
	}
	if (at == 0) {
		return true;
	}
	info = view_sub(*authority, 0, at - 1);
	*authority = view_sub(*authority, at, authority->len);
	colon = find(info, ':');
	u->has_pass = true;
	if (colon == info.len) {
		return false;
	}
	return unescape(view_sub(info, 0, colon), u->user, sizeof(u->user)) &&
	       unescape(view_sub(info, colon + 1, info.len), u->pass,
			sizeof(u->pass));
}

static enum err
parse_unix(struct redis_url *u, struct view rest, struct diag *d)
{
	size_t q = find(rest, '?');
	struct view path = cut_at(&rest, q);
	struct redis_endpoint *at = &u->at[0];
	struct sockaddr_un sun;

	at->is_unix = true;
	u->n_at = 1;
	if (path.len == 0 || path.p[0] != '/') {
		return bad(d, "the path of a unix socket begins with /");
	}
	if (path.len >= MIN(sizeof(sun.sun_path), sizeof(at->host)) ||
	    !unescape(path, at->host, sizeof(at->host))) {
		return bad(d, "the path of the unix socket is too long");
	}
	if (rest.len > 0 &&
	    (rest.len < 5 || memcmp(rest.p, "?db=", 4) != 0 ||
	     !read_number(view_sub(rest, 4, rest.len), DB_MAX, &u->db))) {
		return bad(d, "after the path only ?db=N may follow");
	}
	snprintf(u->shown, sizeof(u->shown), "unix://%s", at->host);
	return ERR_OK;
}

bool
redis_endpoint_parse(struct redis_endpoint *e, struct view text,
		     unsigned default_port)
{
	unsigned port = default_port;
	struct view host;

	*e = (struct redis_endpoint){ .is_unix = false };
	if (text.len > 0 && text.p[0] == '[') {
		size_t end = find(text, ']');

		if (end == text.len) {
			return false;
		}
		host = view_sub(text, 1, end - 1);
		text = view_sub(text, end + 1, text.len);
	} else {
		host = cut_at(&text, find(text, ':'));
	}
	if (host.len == 0 || !unescape(host, e->host, sizeof(e->host))) {
		return false;
	}
	if (text.len > 0 &&
	    (text.p[0] != ':' ||
	     !read_number(view_sub(text, 1, text.len), 65535, &port) ||
	     port == 0)) {
		return false;
	}
	snprintf(e->port, sizeof(e->port), "%u", port);
	return true;
}

bool
redis_endpoint_same(const struct redis_endpoint *a,
		    const struct redis_endpoint *b)
{
	return a->is_unix == b->is_unix && strcmp(a->host, b->host) == 0 &&
	       strcmp(a->port, b->port) == 0;
}

void
redis_endpoint_show(const struct redis_endpoint *e, char *out, size_t cap)
{
	if (e->is_unix) {
		snprintf(out, cap, "%s", e->host);
	} else {
		snprintf(out, cap,
			 strchr(e->host, ':') != NULL ? "[%s]:%s" : "%s:%s",
			 e->host, e->port);
	}
}

/* "host:port,host:port" */
static enum err
parse_hosts(struct redis_url *u, struct view hosts, struct diag *d)
{
	unsigned port =
		u->layout == REDIS_SENTINEL ? PORT_SENTINEL : PORT_REDIS;

	while (u->n_at == 0 || hosts.len > 0) {
		struct view one = cut_at(&hosts, find(hosts, ','));

		if (u->n_at == REDIS_URL_HOSTS) {
			return bad(d, "more than 16 hosts");
		}
		if (u->layout == REDIS_SINGLE && hosts.len > 0) {
			return bad(d, "several hosts need redis+cluster:// or "
				      "redis+sentinel://");
		}
		if (!redis_endpoint_parse(&u->at[u->n_at++], one, port)) {
			return bad(d, "each host is a name, an IPv4 address or "
				      "[IPv6], then :PORT from 1 to 65535");
		}
		if (hosts.len == 1) {
			return bad(d, "nothing after the last comma");
		}
		hosts = view_sub(hosts, hosts.len > 0, hosts.len);
	}
	return ERR_OK;
}

/* "/MASTERNAME" off the front of what follows the hosts. */
static bool
take_master(struct redis_url *u, struct view *rest)
{
	struct view name = view_sub(*rest, 1, rest->len);
	size_t n = find(name, '/');

	*rest = view_sub(name, n, name.len);
	return n > 0 &&
	       unescape(view_sub(name, 0, n), u->master, sizeof(u->master));
}

static void
show(struct redis_url *u)
{
	static const char *const words[] = { "", "+sentinel", "+cluster" };
	char first[REDIS_HOST_CAP + 16], master[REDIS_URL_TEXT + 16] = "";

	redis_endpoint_show(&u->at[0], first, sizeof(first));
	if (u->layout == REDIS_SENTINEL) {
		snprintf(master, sizeof(master), "/%s", u->master);
	} else if (u->layout == REDIS_SINGLE) {
		snprintf(master, sizeof(master), "/%u", u->db);
	}
	/* Longer ones are cut: the first host is what matters. */
	snprintf(u->shown, sizeof(u->shown), "redis%s%s://%.200s%s%.100s",
		 u->tls ? "s" : "", words[u->layout], first,
		 u->n_at > 1 ? ",..." : "", master);
}

static enum err
parse_tcp(struct redis_url *u, struct view authority, struct view rest,
	  struct diag *d)
{
	enum err e = parse_hosts(u, authority, d);

	if (e != ERR_OK) {
		return e;
	}
	if (u->layout == REDIS_SENTINEL && !take_master(u, &rest)) {
		return bad(d, "the name by which the Sentinels know the "
			      "master is missing");
	}
	if (rest.len > 1 &&
	    !read_number(view_sub(rest, 1, rest.len), DB_MAX, &u->db)) {
		return bad(d, "after the host only a database number follows");
	}
	if (u->layout == REDIS_CLUSTER && u->db != 0) {
		return bad(d, "a Redis Cluster has database 0 only");
	}
	show(u);
	return ERR_OK;
}

static bool
take_scheme(struct redis_url *u, struct view *rest)
{
	static const struct {
		const char *text;
		enum redis_layout layout;
		bool tls, is_unix;
	} schemes[] = {
		{ "redis://", REDIS_SINGLE, false, false },
		{ "rediss://", REDIS_SINGLE, true, false },
		{ "redis+sentinel://", REDIS_SENTINEL, false, false },
		{ "rediss+sentinel://", REDIS_SENTINEL, true, false },
		{ "redis+cluster://", REDIS_CLUSTER, false, false },
		{ "rediss+cluster://", REDIS_CLUSTER, true, false },
		{ "unix://", REDIS_SINGLE, false, true },
	};

	for (size_t i = 0; i < ARRAY_LEN(schemes); i++) {
		size_t n = strlen(schemes[i].text);

		if (rest->len >= n &&
		    memcmp(rest->p, schemes[i].text, n) == 0) {
			*rest = view_sub(*rest, n, rest->len);
			u->layout = schemes[i].layout;
			u->tls = schemes[i].tls;
			u->at[0].is_unix = schemes[i].is_unix;
			return true;
		}
	}
	return false;
}

enum err
redis_url_parse(struct redis_url *u, const char *url, struct diag *d)
{
	struct view rest = view_cstr(url), authority;
	bool is_unix;

	*u = (struct redis_url){ .n_at = 0 };
	if (!take_scheme(u, &rest)) {
		return bad(d, "it begins with neither redis:// nor unix://");
	}
	is_unix = u->at[0].is_unix;
	authority = cut_at(&rest, find(rest, '/'));
	if (!take_userinfo(u, &authority)) {
		redis_url_wipe(u);
		return bad(d, "before @ stands user:password, each at most "
			      "255 bytes, special ones as %XX");
	}
	if (!is_unix) {
		return parse_tcp(u, authority, rest, d);
	}
	if (authority.len > 0) {
		return bad(d, "a unix socket has no host");
	}
	return parse_unix(u, rest, d);
}

void
redis_url_wipe(struct redis_url *u)
{
	explicit_bzero(u->pass, sizeof(u->pass));
}
