/* SPDX-License-Identifier: Apache-2.0 */
/* The one-shot digest calls of OpenSSL 3 allocate for each digest. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/sha.h>

#include "rules/ioc_live.h"
#include "rules/ioc_set_db.h"

/* One call's hits begin at 'first'. */
struct matching {
	const struct ioc_set *s; /* or NULL */
	struct ioc_live_reader *live; /* entered, or NULL */
	const struct inspect *in;
	struct rule_hits *out;
	uint32_t first;
};

static void
hit(struct matching *m, const struct ioc *ioc)
{
	struct rule_hits *out = m->out;

	if (ioc == NULL) {
		return;
	}
	/* Ten queries for one domain in one message are one sighting. */
	for (uint32_t i = m->first; i < out->n; i++) {
		if (out->v[i].ioc == ioc) {
			return;
		}
	}
	if (out->n == out->cap) {
		out->overflowed++;
		return;
	}
	out->v[out->n++] = (struct rule_hit){
		.rule = ioc_rule(ioc->note->type),
		.ioc = ioc,
		.tx_id = m->in->tx_id,
		.has_tx = m->in->kind == INSPECT_TX,
	};
}

static void
look_addr(struct matching *m, const struct addr *a)
{
	uint64_t now = m->in->pkt.ts_us;

	if (m->s != NULL) {
		hit(m, ioc_find_addr(m->s, a, now));
	}
	if (m->live != NULL) {
		hit(m, ioc_live_addr(m->live, a, now));
	}
}

static void
look_domain(struct matching *m, struct view name)
{
	uint64_t now = m->in->pkt.ts_us;

	if (m->s != NULL) {
		hit(m, ioc_find_domain(m->s, name, now));
	}
	if (m->live != NULL) {
		hit(m, ioc_live_domain(m->live, name, now));
	}
}

static void
look_url(struct matching *m, struct view host, struct view uri)
{
	uint64_t now = m->in->pkt.ts_us;

	if (m->s != NULL) {
		hit(m, ioc_find_url(m->s, host, uri, now));
	}
	if (m->live != NULL) {
		hit(m, ioc_live_url(m->live, host, uri, now));
	}
}

static void
look_text(struct matching *m, enum ioc_type type, struct view hex)
{
	uint64_t now = m->in->pkt.ts_us;

	if (m->s != NULL) {
		hit(m, ioc_find_text(m->s, type, hex, now));
	}
	if (m->live != NULL) {
		hit(m, ioc_live_text(m->live, type, hex, now));
	}
}

static bool
fresh(const struct matching *m, enum inspect_buf b)
{
	return inspect_bit(m->in->fresh, b) && !inspect_bit(m->in->known, b) &&
	       m->in->buf[b].n > 0;
}

static void
match_addrs(struct matching *m)
{
	const struct inspect_packet *p = &m->in->pkt;

	if (p->ip_version == 0 ||
	    (m->in->flow != NULL && !m->in->flow->first_packet)) {
		return;
	}
	if (m->s != NULL) {
		ioc_fetch_addr(m->s, &p->src);
		ioc_fetch_addr(m->s, &p->dst);
	}
	look_addr(m, &p->src);
	look_addr(m, &p->dst);
}

static void
match_domains(struct matching *m)
{
	static const enum inspect_buf bufs[] = { BUF_DNS_QUERY, BUF_TLS_SNI,
						 BUF_HTTP_HOST };

	for (size_t i = 0; i < ARRAY_LEN(bufs); i++) {
		const struct inspect_list *l = &m->in->buf[bufs[i]];

		if (!fresh(m, bufs[i])) {
			continue;
		}
		for (uint32_t k = 0; k < l->n; k++) {
			look_domain(m, l->v[k]);
		}
	}
}

/* The URI as sent first; lists are also written from decoded ones. */
static void
match_url(struct matching *m)
{
	static const enum inspect_buf uris[] = { BUF_HTTP_URI_RAW,
						 BUF_HTTP_URI };
	const struct inspect_list *host = &m->in->buf[BUF_HTTP_HOST_RAW];
	struct view name = VIEW_NONE;

	if (host->n == 0) {
		host = &m->in->buf[BUF_HTTP_HOST];
	}
	if (host->n > 0) {
		name = host->v[0];
	}
	for (size_t i = 0; i < ARRAY_LEN(uris); i++) {
		if (fresh(m, uris[i])) {
			look_url(m, name, m->in->buf[uris[i]].v[0]);
		}
	}
}

static void
match_text(struct matching *m, enum ioc_type type, enum inspect_buf b)
{
	if (fresh(m, b)) {
		look_text(m, type, m->in->buf[b].v[0]);
	}
}

static bool
has(const struct matching *m, enum ioc_type type)
{
	return (m->s != NULL && m->s->count[type] > 0) ||
	       (m->live != NULL && ioc_live_has(m->live, type));
}

/* The first certificate is the server's own (RFC 8446 4.4.2). */
static void
match_leaf_sha256(struct matching *m)
{
	static const char digit[] = "0123456789abcdef";
	uint8_t sum[SHA256_DIGEST_LENGTH], hex[2 * sizeof(sum)];
	const struct inspect_list *certs = &m->in->buf[BUF_TLS_CERTS];
	SHA256_CTX ctx;

	if (!has(m, IOC_CERT_SHA256) || !fresh(m, BUF_TLS_CERTS)) {
		return;
	}
	SHA256_Init(&ctx);
	SHA256_Update(&ctx, certs->v[0].p, certs->v[0].len);
	SHA256_Final(sum, &ctx);
	for (size_t i = 0; i < sizeof(sum); i++) {
		hex[2 * i] = (uint8_t)digit[sum[i] >> 4];
		hex[2 * i + 1] = (uint8_t)digit[sum[i] & 15];
	}
	look_text(m, IOC_CERT_SHA256, view_of(hex, sizeof(hex)));
}

/* The digests of files that have ended whole; each end is told once. */
static void
match_files(struct matching *m)
{
	static const struct {
		enum inspect_digest digest;
		enum ioc_type type;
		size_t len;
	} kinds[] = { { INSPECT_MD5, IOC_FILE_MD5, 16 },
		      { INSPECT_SHA1, IOC_FILE_SHA1, 20 },
		      { INSPECT_SHA256, IOC_FILE_SHA256, 32 } };
	static const char digit[] = "0123456789abcdef";
	char hex[2 * 32];

	for (uint32_t i = 0; i < m->in->n_files; i++) {
		const struct inspect_file *f = &m->in->files[i];

		for (size_t k = 0; f->whole && k < ARRAY_LEN(kinds); k++) {
			const uint8_t *sum = f->digest[kinds[k].digest];

			for (size_t n = 0; sum != NULL && n < kinds[k].len;
			     n++) {
				hex[2 * n] = digit[sum[n] >> 4];
				hex[2 * n + 1] = digit[sum[n] & 15];
			}
			if (sum != NULL) {
				look_text(m, kinds[k].type,
					  view_of(hex, 2 * kinds[k].len));
			}
		}
	}
}

static void
match_all(struct matching *m)
{
	switch (m->in->kind) {
	case INSPECT_PACKET:
		match_addrs(m);
		break;
	case INSPECT_TX:
		match_domains(m);
		match_url(m);
		match_text(m, IOC_JA3, BUF_JA3_HASH);
		match_text(m, IOC_CERT_SHA1, BUF_TLS_CERT_FINGERPRINT);
		match_leaf_sha256(m);
		match_text(m, IOC_JA4, BUF_JA4_HASH);
		match_text(m, IOC_USER_AGENT, BUF_HTTP_USER_AGENT);
		match_files(m);
		break;
	case INSPECT_STREAM:
		break;
	}
}

void
ioc_match(const struct ioc_set *s, struct ioc_live_reader *live,
	  const struct inspect *in, struct rule_hits *out)
{
	struct matching m = { s != NULL && s->n > 0 ? s : NULL, live, in, out,
			      out->n };
	uint64_t lost;

	if (live != NULL && !ioc_live_enter(live)) {
		m.live = NULL;
	}
	if (m.s == NULL && m.live == NULL) {
		return;
	}
	lost = m.live != NULL ? ioc_live_lost(live) : 0;
	match_all(&m);
	if (m.live != NULL) {
		ioc_live_leave(live);
		out->overflowed += ioc_live_lost(live) - lost;
	}
}

static void
need(uint64_t needed[2], enum inspect_buf b)
{
	needed[b / 64] |= UINT64_C(1) << (b % 64);
}

void
ioc_set_needed(const struct ioc_set *s, uint64_t needed[2])
{
	needed[0] = needed[1] = 0;
	if (s->count[IOC_DOMAIN] > 0) {
		need(needed, BUF_DNS_QUERY);
		need(needed, BUF_TLS_SNI);
		need(needed, BUF_HTTP_HOST);
	}
	if (s->count[IOC_URL] > 0) {
		need(needed, BUF_HTTP_HOST);
		need(needed, BUF_HTTP_HOST_RAW);
		need(needed, BUF_HTTP_URI);
		need(needed, BUF_HTTP_URI_RAW);
	}
	if (s->count[IOC_JA3] > 0) {
		need(needed, BUF_JA3_HASH);
	}
	if (s->count[IOC_CERT_SHA1] > 0) {
		need(needed, BUF_TLS_CERT_FINGERPRINT);
	}
	if (s->count[IOC_CERT_SHA256] > 0) {
		need(needed, BUF_TLS_CERTS);
	}
	if (s->count[IOC_JA4] > 0) {
		need(needed, BUF_JA4_HASH);
	}
	if (s->count[IOC_USER_AGENT] > 0) {
		need(needed, BUF_HTTP_USER_AGENT);
	}
}

unsigned
ioc_set_digests(const struct ioc_set *s)
{
	return (s->count[IOC_FILE_MD5] > 0 ? 1U << INSPECT_MD5 : 0) |
	       (s->count[IOC_FILE_SHA1] > 0 ? 1U << INSPECT_SHA1 : 0) |
	       (s->count[IOC_FILE_SHA256] > 0 ? 1U << INSPECT_SHA256 : 0);
}
