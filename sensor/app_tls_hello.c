/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/app_tls.h"

#define EXT_SNI 0 /* RFC 6066 section 3 */
#define EXT_GROUPS 10 /* RFC 8422 5.1.1 */
#define EXT_POINT_FORMATS 11 /* RFC 8422 5.1.2 */
#define EXT_SIGALGS 13 /* RFC 8446 4.2.3 */
#define EXT_ALPN 16 /* RFC 7301 3.1 */
#define EXT_VERSIONS 43 /* RFC 8446 4.2.1 */

#define RANDOM_LEN 32

/* Takes 'n' bytes off the front. */
static bool
take(struct view *in, size_t n, struct view *out)
{
	if (in->len < n) {
		return false;
	}
	*out = view_of(in->p, n);
	*in = view_of(in->p + n, in->len - n);
	return true;
}

/* Takes a vector whose length stands before it in 'width' bytes. */
static bool
take_vector(struct view *in, size_t width, struct view *out)
{
	struct view v;
	size_t len = 0;

	if (!take(in, width, &v)) {
		return false;
	}
	for (size_t i = 0; i < width; i++) {
		len = len << 8 | v.p[i];
	}
	return take(in, len, out);
}

static void
read_sni(struct tls_tx *tx, struct tls_hello *h, struct view v)
{
	struct view list, type, name;

	if (h->has_sni) {
		event_set_add(&tx->tx.events, EV_TLS_MULTIPLE_SNI_EXTENSIONS);
		return;
	}
	h->has_sni = true;
	if (v.len == 0) {
		return; /* a server's acknowledgement */
	}
	if (!take_vector(&v, 2, &list) || !take(&list, 1, &type)) {
		event_set_add(&tx->tx.events, EV_TLS_INVALID_SNI_LENGTH);
		return;
	}
	if (type.p[0] != 0) {
		event_set_add(&tx->tx.events, EV_TLS_INVALID_SNI_TYPE);
		return;
	}
	if (!take_vector(&list, 2, &name) || name.len == 0 || name.len > 255) {
		event_set_add(&tx->tx.events, EV_TLS_INVALID_SNI_LENGTH);
		return;
	}
	h->sni = name;
}

static void
read_alpn(struct tls_tx *tx, struct tls_hello *h, struct view v)
{
	struct view list, name, probe;
	uint32_t n = 0;

	if (h->alpn != NULL || !take_vector(&v, 2, &list)) {
		return;
	}
	for (probe = list; n < TLS_MAX_ALPN && take_vector(&probe, 1, &name);) {
		n++;
	}
	h->alpn = arena_alloc(&tx->tx.arena, MAX(n, 1) * sizeof(*h->alpn));
	if (h->alpn == NULL) {
		return;
	}
	while (h->n_alpn < n && take_vector(&list, 1, &name)) {
		h->alpn[h->n_alpn++] = name;
	}
}

/* The newest version a client offers; drafts count as what they became. */
static void
read_versions(struct tls_hello *h, struct view v, enum flow_dir dir)
{
	struct view list = v;
	uint16_t best = 0;

	if (dir == FLOW_TOSERVER && !take_vector(&v, 1, &list)) {
		return;
	}
	for (size_t i = 0; i + 2 <= list.len; i += 2) {
		uint16_t version = load_be16(list.p + i);

		if (!tls_is_grease(version)) {
			best = MAX(best, version);
		}
	}
	if (best != 0) {
		h->best_version = best;
	}
}

static void
read_extension(struct tls_tx *tx, enum flow_dir dir, uint16_t type,
	       struct view v)
{
	struct tls_hello *h = &tx->hello[dir];

	switch (type) {
	case EXT_SNI:
		read_sni(tx, h, v);
		break;
	case EXT_GROUPS:
		(void)take_vector(&v, 2, &h->curves);
		break;
	case EXT_POINT_FORMATS:
		(void)take_vector(&v, 1, &h->point_formats);
		break;
	case EXT_SIGALGS:
		(void)take_vector(&v, 2, &h->sigalgs);
		break;
	case EXT_ALPN:
		read_alpn(tx, h, v);
		break;
	case EXT_VERSIONS:
		read_versions(h, v, dir);
		break;
	default:
		break;
	}
}

/* RFC 8446 4.2; absent altogether in old hellos. */
static bool
read_extensions(struct tls_tx *tx, enum flow_dir dir, struct view in)
{
	struct tls_hello *h = &tx->hello[dir];
	struct view list, type, v;

	if (in.len == 0) {
		return true;
	}
	if (!take_vector(&in, 2, &list)) {
		return false;
	}
	h->exts = arena_alloc(&tx->tx.arena, MIN(list.len / 4 + 1,
						 (size_t)TLS_MAX_EXTENSIONS) *
						     sizeof(*h->exts));
	while (list.len > 0) {
		if (!take(&list, 2, &type) || !take_vector(&list, 2, &v)) {
			return false;
		}
		if (h->exts != NULL && h->n_exts < TLS_MAX_EXTENSIONS) {
			h->exts[h->n_exts++] = load_be16(type.p);
		}
		read_extension(tx, dir, load_be16(type.p), v);
	}
	return true;
}

bool
tls_read_client_hello(struct tls_tx *tx, struct view body)
{
	struct tls_hello *h = &tx->hello[FLOW_TOSERVER];
	struct view v;

	if (!take(&body, 2, &v)) {
		return false;
	}
	h->version = h->best_version = load_be16(v.p);
	if (!take(&body, RANDOM_LEN, &h->random) ||
	    !take_vector(&body, 1, &h->session_id) ||
	    !take_vector(&body, 2, &h->ciphers) ||
	    !take_vector(&body, 1, &v)) { /* compression methods */
		return false;
	}
	h->seen = true;
	return read_extensions(tx, FLOW_TOSERVER, body);
}

/* RFC 8446 4.1.3 and, for drafts below 22, as they were without session id. */
bool
tls_read_server_hello(struct tls_tx *tx, struct view body)
{
	struct tls_hello *h = &tx->hello[FLOW_TOCLIENT];
	struct view v;
	bool draft;

	if (!take(&body, 2, &v)) {
		return false;
	}
	h->version = h->best_version = load_be16(v.p);
	draft = h->version >> 8 == 0x7f || h->version == 0x0304;
	if (!take(&body, RANDOM_LEN, &h->random) ||
	    (!draft && !take_vector(&body, 1, &h->session_id)) ||
	    !take(&body, 2, &h->ciphers) ||
	    (!draft && !take(&body, 1, &v))) { /* compression method */
		return false;
	}
	h->seen = true;
	return read_extensions(tx, FLOW_TOCLIENT, body);
}

/* RFC 5246 E.2; ciphers of three bytes, those of TLS begin with 0. */
bool
tls_read_sslv2_client_hello(struct tls_tx *tx, struct view body)
{
	struct tls_hello *h = &tx->hello[FLOW_TOSERVER];
	struct view head, specs;
	uint8_t *pairs;
	size_t n = 0;

	if (!take(&body, 8, &head)) {
		return false;
	}
	h->version = h->best_version = load_be16(head.p);
	if (!take(&body, load_be16(head.p + 2), &specs) ||
	    !take(&body, load_be16(head.p + 4), &h->session_id) ||
	    !take(&body, load_be16(head.p + 6), &h->random)) {
		return false;
	}
	pairs = arena_alloc(&tx->tx.arena, specs.len + 1);
	for (size_t i = 0; pairs != NULL && i + 3 <= specs.len; i += 3) {
		if (specs.p[i] == 0) {
			pairs[n++] = specs.p[i + 1];
			pairs[n++] = specs.p[i + 2];
		}
	}
	h->ciphers = view_of(pairs, n);
	h->seen = h->sslv2 = true;
	return true;
}

bool
tls_read_certificates(struct tls_tx *tx, enum flow_dir dir, struct view body)
{
	struct tls_chain *c = &tx->chain[dir];
	struct view list, der, probe;
	uint32_t n = 0;

	if (!take_vector(&body, 3, &list)) {
		return false;
	}
	c->seen = true;
	for (probe = list; n < TLS_MAX_CHAIN && take_vector(&probe, 3, &der);) {
		n++;
	}
	c->der = arena_alloc(&tx->tx.arena, MAX(n, 1) * sizeof(*c->der));
	if (c->der == NULL) {
		return true;
	}
	while (list.len > 0) {
		if (!take_vector(&list, 3, &der)) {
			return false;
		}
		if (c->n < n) {
			c->der[c->n++] = der;
		} else {
			c->n_dropped++;
		}
	}
	return true;
}

const char *
tls_version_name(uint16_t version)
{
	static const struct {
		uint16_t version;
		const char *name;
	} names[] = {
		{ 0x0002, "SSLv2" },
		{ 0x0300, "SSLv3" },
		{ 0x0301, "TLSv1" },
		{ 0x0302, "TLS 1.1" },
		{ 0x0303, "TLS 1.2" },
		{ 0x0304, "TLS 1.3" },
		{ TLS_VERSION_EARLY_DRAFT, "TLS 1.3 draft-<16" },
		{ 0x7f10, "TLS 1.3 draft-16" },
		{ 0x7f11, "TLS 1.3 draft-17" },
		{ 0x7f12, "TLS 1.3 draft-18" },
		{ 0x7f13, "TLS 1.3 draft-19" },
		{ 0x7f14, "TLS 1.3 draft-20" },
		{ 0x7f15, "TLS 1.3 draft-21" },
		{ 0x7f16, "TLS 1.3 draft-22" },
		{ 0x7f17, "TLS 1.3 draft-23" },
		{ 0x7f18, "TLS 1.3 draft-24" },
		{ 0x7f19, "TLS 1.3 draft-25" },
		{ 0x7f1a, "TLS 1.3 draft-26" },
		{ 0x7f1b, "TLS 1.3 draft-27" },
		{ 0x7f1c, "TLS 1.3 draft-28" },
		{ 0xfb17, "TLS 1.3 draft-23 fb" },
		{ 0xfb1a, "TLS 1.3 draft-26 fb" },
	};

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (names[i].version == version) {
			return names[i].name;
		}
	}
	return "UNDETERMINED";
}
