/* SPDX-License-Identifier: Apache-2.0 */
#include "common/indicator_value.h"

#include <ctype.h>

#include "common/addr.h"

size_t
indicator_hex_digits(enum indicator_kind kind)
{
	switch (kind) {
	case INDICATOR_JA3:
	case INDICATOR_FILE_MD5:
		return 32;
	case INDICATOR_CERT_SHA1:
	case INDICATOR_FILE_SHA1:
		return 40;
	case INDICATOR_CERT_SHA256:
	case INDICATOR_FILE_SHA256:
		return 64;
	default:
		break;
	}
	return 0;
}

size_t
indicator_hex_text(struct view in, size_t digits, char *out)
{
	size_t n = 0;

	for (size_t i = 0; i < in.len; i++) {
		uint8_t c = ascii_lower(in.p[i]);

		if (c == ':') {
			continue;
		}
		if (!isxdigit(c) || n == digits) {
			return 0;
		}
		out[n++] = (char)c;
	}
	return n == digits ? n : 0;
}

static enum err
canon_ip(struct view in, char *out, size_t *len, struct diag *d)
{
	static const uint8_t any_v4[4];
	const struct addr v4 = addr_from_v4(any_v4);
	struct cidr net;
	unsigned least;

	if (!cidr_parse(in, &net)) {
		return diag_set(d, ERR_FORMAT, "not an address or network");
	}
	least = net.bits >= 96 && addr_is_v4(&net.addr) ? 96 + 8 : 16;
	if (net.bits < least || (net.bits < 96 && cidr_contains(&net, &v4))) {
		return diag_set(d, ERR_FORMAT,
				"the network is too wide: /%u is the widest "
				"that is taken",
				least > 96 ? least - 96 : least);
	}
	*len = net.bits == 128 ? addr_format(&net.addr, out)
			       : cidr_format(&net, out);
	return ERR_OK;
}

/* RFC 1035 2.3.1 with the underscore that service names use (RFC 2782). */
static enum err
check_labels(const char *name, size_t len, unsigned *n_labels, struct diag *d)
{
	size_t label = 0;

	*n_labels = 1;
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)name[i];

		if (c == '.') {
			if (label == 0) {
				return diag_set(d, ERR_FORMAT, "empty label");
			}
			label = 0;
			++*n_labels;
			continue;
		}
		if (c >= 0x80) {
			return diag_set(d, ERR_FORMAT,
					"not ASCII; give the xn-- form");
		}
		if (!isalnum(c) && c != '-' && c != '_') {
			return diag_set(d, ERR_FORMAT,
					"byte 0x%02x in a domain name", c);
		}
		if (++label > 63) {
			return diag_set(d, ERR_FORMAT,
					"label longer than 63 bytes");
		}
	}
	return label > 0 ? ERR_OK : diag_set(d, ERR_FORMAT, "empty label");
}

static size_t
lower_into(char *out, struct view in)
{
	for (size_t i = 0; i < in.len; i++) {
		out[i] = (char)ascii_lower(in.p[i]);
	}
	return in.len;
}

static enum err
canon_host(struct view in, char *out, size_t *len, unsigned *n_labels,
	   struct diag *d)
{
	if (in.len > 0 && in.p[in.len - 1] == '.') {
		in.len--;
	}
	if (in.len == 0) {
		return diag_set(d, ERR_FORMAT, "empty domain name");
	}
	if (in.len > INDICATOR_DOMAIN_MAX) {
		return diag_set(d, ERR_FORMAT,
				"domain name longer than %d bytes",
				INDICATOR_DOMAIN_MAX);
	}
	*len = lower_into(out, in);
	return check_labels(out, *len, n_labels, d);
}

static enum err
canon_domain(bool exact, struct view in, char *out, size_t *len, struct diag *d)
{
	unsigned n_labels;
	struct addr a;
	enum err e;

	/* Lists write "*.example.org" or ".example.org" for a whole domain. */
	if (in.len > 2 && in.p[0] == '*' && in.p[1] == '.') {
		in = view_sub(in, 2, in.len);
	} else if (in.len > 1 && in.p[0] == '.') {
		in = view_sub(in, 1, in.len);
	}
	if (addr_parse(in, &a)) {
		return diag_set(d, ERR_FORMAT, "an address, not a domain name");
	}
	e = canon_host(in, out, len, &n_labels, d);
	if (e == ERR_OK && n_labels == 1 && !exact) {
		return diag_set(d, ERR_FORMAT,
				"a top-level name would match all below it");
	}
	return e;
}

/* The port without ':', empty when there is none; cuts it off 'host'. */
static struct view
cut_port(struct view *host)
{
	struct view port = VIEW_NONE;
	size_t i = host->len;

	while (i > 0 && isdigit(host->p[i - 1])) {
		i--;
	}
	/* In a bare IPv6 address the last group is no port. */
	if (i == 0 || host->p[i - 1] != ':' ||
	    (host->p[0] != '[' && memchr(host->p, ':', i - 1) != NULL)) {
		return port;
	}
	port = view_sub(*host, i, host->len);
	host->len = i - 1;
	return port;
}

static bool
is_default_port(struct view port)
{
	return port.len == 0 || view_eq(port, VIEW_LIT("80")) ||
	       view_eq(port, VIEW_LIT("443"));
}

size_t
indicator_url_text(struct view host, struct view uri,
		   char out[INDICATOR_VALUE_CAP])
{
	struct view port = cut_port(&host);
	size_t n;

	if (host.len > 0 && host.p[host.len - 1] == '.') {
		host.len--;
	}
	if (host.len == 0 ||
	    host.len + port.len + 2 + uri.len > INDICATOR_URL_MAX) {
		return 0;
	}
	n = lower_into(out, host);
	if (!is_default_port(port)) {
		out[n++] = ':';
		memcpy(out + n, port.p, port.len);
		n += port.len;
	}
	if (uri.len == 0 || uri.p[0] != '/') {
		out[n++] = '/';
	}
	if (uri.len > 0) {
		memcpy(out + n, uri.p, uri.len);
	}
	return n + uri.len;
}

static struct view
without_scheme(struct view in)
{
	for (size_t i = 0; i + 3 <= in.len && in.p[i] != '/'; i++) {
		if (memcmp(in.p + i, "://", 3) == 0) {
			return view_sub(in, i + 3, in.len);
		}
	}
	return in;
}

static enum err
check_url_host(struct view host, struct diag *d)
{
	char text[INDICATOR_VALUE_CAP];
	unsigned n_labels;
	struct addr a;
	size_t len;

	if (host.len > 0 && memchr(host.p, '@', host.len) != NULL) {
		return diag_set(d, ERR_FORMAT, "a URL with a user name");
	}
	cut_port(&host);
	if (host.len > 2 && host.p[0] == '[' && host.p[host.len - 1] == ']') {
		host = view_sub(host, 1, host.len - 2);
	}
	return addr_parse(host, &a)
		       ? ERR_OK
		       : canon_host(host, text, &len, &n_labels, d);
}

/* RFC 3986 3: [scheme:]//host[:port]/path[?query][#fragment] */
static enum err
canon_url(struct view in, char *out, size_t *len, struct diag *d)
{
	struct view host;
	size_t n = 0;
	enum err e;

	in = without_scheme(in);
	for (size_t i = 0; i < in.len; i++) {
		if (in.p[i] <= ' ' || in.p[i] == 0x7f) {
			return diag_set(d, ERR_FORMAT,
					"blank or control byte in a URL");
		}
		if (in.p[i] == '#') { /* a fragment is never sent */
			in.len = i;
		}
	}
	while (n < in.len && in.p[n] != '/' && in.p[n] != '?') {
		n++;
	}
	host = view_of(in.p, n);
	e = check_url_host(host, d);
	if (e != ERR_OK) {
		return e;
	}
	*len = indicator_url_text(host, view_sub(in, n, in.len), out);
	return *len > 0 ? ERR_OK
			: diag_set(d, ERR_FORMAT, "longer than %d bytes",
				   INDICATOR_URL_MAX);
}

/* "t13d1516h2_8daaf6152771_b186095e22b6": FoxIO's JA4 of a TLS client. */
static enum err
canon_ja4(struct view in, char *out, size_t *len, struct diag *d)
{
	/* a letter or digit, digit, hexadecimal digit, or itself */
	static const char form[] = "aaaaddddaa_xxxxxxxxxxxx_xxxxxxxxxxxx";
	bool ok = in.len == sizeof(form) - 1;

	for (size_t i = 0; ok && i < in.len; i++) {
		int c = ascii_lower(in.p[i]);

		ok = form[i] == 'a'   ? isalnum(c) && c < 0x80
		     : form[i] == 'd' ? c >= '0' && c <= '9'
		     : form[i] == 'x' ? ascii_hex((uint8_t)c) >= 0
				      : c == form[i];
	}
	if (!ok) {
		return diag_set(d, ERR_FORMAT,
				"no JA4 such as "
				"t13d1516h2_8daaf6152771_b186095e22b6");
	}
	*len = lower_into(out, in);
	return ERR_OK;
}

/* Sent as it is, so compared as it is (RFC 9110 10.1.5). */
static enum err
canon_user_agent(struct view in, char *out, size_t *len, struct diag *d)
{
	if (in.len > INDICATOR_VALUE_CAP - 1) {
		return diag_set(d, ERR_FORMAT, "longer than %d bytes",
				INDICATOR_VALUE_CAP - 1);
	}
	for (size_t i = 0; i < in.len; i++) {
		if (in.p[i] < ' ' || in.p[i] == 0x7f) {
			return diag_set(d, ERR_FORMAT, "control byte 0x%02x",
					in.p[i]);
		}
	}
	memcpy(out, in.p, in.len);
	*len = in.len;
	return ERR_OK;
}

enum err
indicator_value_canon(enum indicator_kind kind, bool exact, struct view in,
		      char out[INDICATOR_VALUE_CAP], size_t *len,
		      struct diag *d)
{
	size_t digits = indicator_hex_digits(kind);
	enum err e = ERR_OK;

	if (in.len == 0) {
		return diag_set(d, ERR_FORMAT, "empty value");
	}
	switch (kind) {
	case INDICATOR_IP:
		e = canon_ip(in, out, len, d);
		break;
	case INDICATOR_DOMAIN:
		e = canon_domain(exact, in, out, len, d);
		break;
	case INDICATOR_URL:
		e = canon_url(in, out, len, d);
		break;
	case INDICATOR_JA3:
	case INDICATOR_CERT_SHA1:
	case INDICATOR_CERT_SHA256:
	case INDICATOR_FILE_MD5:
	case INDICATOR_FILE_SHA1:
	case INDICATOR_FILE_SHA256:
		*len = indicator_hex_text(in, digits, out);
		if (*len == 0) {
			e = diag_set(d, ERR_FORMAT, "not %zu hex digits",
				     digits);
		}
		break;
	case INDICATOR_JA4:
		e = canon_ja4(in, out, len, d);
		break;
	case INDICATOR_USER_AGENT:
		e = canon_user_agent(in, out, len, d);
		break;
	case INDICATOR_PATTERN:
	case INDICATOR_KINDS:
		e = diag_set(d, ERR_FORMAT, "not a kind of single values");
		break;
	}
	if (e == ERR_OK) {
		out[*len] = '\0';
	}
	return e;
}
