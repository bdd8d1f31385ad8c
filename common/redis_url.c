/* SPDX-License-Identifier: Apache-2.0 */
#include "common/redis_url.h"

#include <stdio.h>
#include <sys/un.h>

#define DB_MAX 1000000

static enum err
bad(struct diag *d, const char *what)
{
	/* The URL may hold a password: say what is wrong, not what it is. */
	return diag_set(d, ERR_USAGE,
			"Redis URL: %s; write redis://[user:password@]host"
			"[:port][/db] or unix:///path[?db=N]",
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
	struct sockaddr_un sun;

	if (path.len == 0 || path.p[0] != '/') {
		return bad(d, "the path of a unix socket begins with /");
	}
	if (path.len >= MIN(sizeof(sun.sun_path), sizeof(u->host)) ||
	    !unescape(path, u->host, sizeof(u->host))) {
		return bad(d, "the path of the unix socket is too long");
	}
	if (rest.len > 0 &&
	    (rest.len < 5 || memcmp(rest.p, "?db=", 4) != 0 ||
	     !read_number(view_sub(rest, 4, rest.len), DB_MAX, &u->db))) {
		return bad(d, "after the path only ?db=N may follow");
	}
	snprintf(u->shown, sizeof(u->shown), "unix://%s", u->host);
	return ERR_OK;
}

static enum err
parse_tcp(struct redis_url *u, struct view authority, struct view rest,
	  struct diag *d)
{
	unsigned port = 6379;
	struct view host;
	bool v6 = authority.len > 0 && authority.p[0] == '[';

	if (v6) {
		size_t end = find(authority, ']');

		if (end == authority.len) {
			return bad(d, "[ without ]");
		}
		host = view_sub(authority, 1, end - 1);
		authority = view_sub(authority, end + 1, authority.len);
	} else {
		host = cut_at(&authority, find(authority, ':'));
	}
	if (host.len == 0 || !unescape(host, u->host, sizeof(u->host))) {
		return bad(d, "no host, or one that is too long");
	}
	if (authority.len > 0 &&
	    (authority.p[0] != ':' ||
	     !read_number(view_sub(authority, 1, authority.len), 65535,
			  &port) ||
	     port == 0)) {
		return bad(d, "the port is not a number from 1 to 65535");
	}
	if (rest.len > 1 &&
	    !read_number(view_sub(rest, 1, rest.len), DB_MAX, &u->db)) {
		return bad(d, "after the host only a database number follows");
	}
	snprintf(u->port, sizeof(u->port), "%u", port);
	snprintf(u->shown, sizeof(u->shown),
		 v6 ? "redis://[%s]:%u/%u" : "redis://%s:%u/%u", u->host, port,
		 u->db);
	return ERR_OK;
}

enum err
redis_url_parse(struct redis_url *u, const char *url, struct diag *d)
{
	struct view rest = view_cstr(url), authority;

	*u = (struct redis_url){ 0 };
	if (strncmp(url, "rediss://", 9) == 0) {
		return diag_set(d, ERR_USAGE,
				"rediss:// needs TLS, which this build does "
				"not have; use unix:// or redis:// over a "
				"protected link");
	}
	if (strncmp(url, "redis://", 8) == 0) {
		rest = view_sub(rest, 8, rest.len);
	} else if (strncmp(url, "unix://", 7) == 0) {
		u->is_unix = true;
		rest = view_sub(rest, 7, rest.len);
	} else {
		return bad(d, "it begins with neither redis:// nor unix://");
	}
	authority = cut_at(&rest, find(rest, '/'));
	if (!take_userinfo(u, &authority)) {
		redis_url_wipe(u);
		return bad(d, "before @ stands user:password, each at most "
			      "255 bytes, special ones as %XX");
	}
	if (!u->is_unix) {
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
