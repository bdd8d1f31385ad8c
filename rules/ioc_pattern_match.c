/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/ioc_pattern_match.h"

#include "rules/ioc_set_db.h"

static void
put_hit(const struct ioc_set *s, const struct ioc_pattern_hit *h,
	const struct inspect *in, struct rule_hits *out)
{
	const struct ioc *ioc = ioc_set_at(s, h->prog->ioc);
	const struct ioc_note *n = ioc->note;
	uint64_t now = in->pkt.ts_us;

	if (now < n->valid_from_us ||
	    (n->valid_until_us != 0 && now >= n->valid_until_us) ||
	    (!h->prog->stateful &&
	     !ioc_pattern_holds(h->prog, h->leaves, now))) {
		return;
	}
	if (out->n == out->cap) {
		out->overflowed++;
		return;
	}
	out->v[out->n] = (struct rule_hit){
		.rule = ioc_rule(IOC_PATTERN),
		.ioc = ioc,
		.tx_id = in->tx_id,
		.has_tx = in->kind == INSPECT_TX,
	};
	if (h->prog->stateful) {
		out->v[out->n].claim = (struct shared_claim){
			.pattern = h->prog,
			.leaves = h->leaves,
			.ts_us = now,
		};
	}
	out->n++;
}

static void
match_moment(const struct ioc_set *s, struct ioc_matching *m,
	     const struct inspect *in, enum pattern_moment at,
	     const struct inspect_file *file, struct rule_hits *out)
{
	uint64_t overflowed = m->hits.overflowed;

	if ((s->patterns->moments & at) == 0) {
		return;
	}
	ioc_observe(&m->obs, s->patterns, in, at, file);
	ioc_pattern_find(s->patterns, &m->run, &m->hits);
	for (unsigned i = 0; i < m->hits.n; i++) {
		put_hit(s, &m->hits.v[i], in, out);
	}
	out->overflowed += m->hits.overflowed - overflowed;
}

void
ioc_pattern_match(const struct ioc_set *s, struct ioc_matching *m,
		  const struct inspect *in, struct rule_hits *out)
{
	if (in->pkt.ip_version == 0) {
		return;
	}
	switch (in->kind) {
	case INSPECT_PACKET:
		if (in->flow == NULL || in->flow->first_packet) {
			match_moment(s, m, in, PATTERN_AT_BEGIN, NULL, out);
		}
		break;
	case INSPECT_TX:
		match_moment(s, m, in, PATTERN_AT_TX, NULL, out);
		for (uint32_t i = 0; i < in->n_files; i++) {
			if (in->files[i].ended) {
				match_moment(s, m, in, PATTERN_AT_FILE,
					     &in->files[i], out);
			}
		}
		break;
	case INSPECT_STREAM:
		break;
	}
}

void
ioc_pattern_match_end(const struct ioc_set *s, struct ioc_matching *m,
		      const struct inspect *in, struct rule_hits *out)
{
	if (in->pkt.ip_version != 0 && in->flow != NULL) {
		match_moment(s, m, in, PATTERN_AT_END, NULL, out);
	}
}

unsigned
ioc_pattern_needed(const struct ioc_set *s, uint64_t needed[2])
{
	static const struct {
		uint64_t properties;
		enum inspect_buf buf;
	} table[] = {
#define BIT(p) (UINT64_C(1) << PATTERN_P_##p)
		{ BIT(DOMAIN), BUF_DNS_QUERY },
		{ BIT(DOMAIN) | BIT(SNI), BUF_TLS_SNI },
		{ BIT(DOMAIN), BUF_HTTP_HOST },
		{ BIT(URL), BUF_HTTP_HOST_RAW },
		{ BIT(URL) | BIT(REQUEST), BUF_HTTP_URI_RAW },
		{ BIT(METHOD), BUF_HTTP_METHOD },
		{ BIT(VERSION), BUF_HTTP_REQ_PROTOCOL },
		{ BIT(HEADER), BUF_HTTP_REQ_ONE_HEADER },
		{ BIT(JA3), BUF_JA3_HASH },
		{ BIT(JA4), BUF_JA4_HASH },
		{ BIT(CERT_SUBJECT), BUF_TLS_CERT_SUBJECT },
		{ BIT(CERT_ISSUER), BUF_TLS_CERT_ISSUER },
		{ BIT(CERT_SERIAL), BUF_TLS_CERT_SERIAL },
		{ BIT(CERT_SHA1), BUF_TLS_CERT_FINGERPRINT },
		{ BIT(CERT_SHA1) | BIT(CERT_SHA256) | BIT(CERT_SUBJECT) |
			  BIT(CERT_ISSUER) | BIT(CERT_SERIAL) | BIT(CERT_FROM) |
			  BIT(CERT_TO),
		  BUF_TLS_CERTS },
	};
	uint64_t has = s->patterns != NULL ? s->patterns->properties : 0;

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		enum inspect_buf b = table[i].buf;

		if ((table[i].properties & has) != 0) {
			needed[b / 64] |= UINT64_C(1) << (b % 64);
		}
	}
	return ((has & BIT(FILE_MD5)) != 0 ? 1U << INSPECT_MD5 : 0) |
	       ((has & BIT(FILE_SHA1)) != 0 ? 1U << INSPECT_SHA1 : 0) |
	       ((has & BIT(FILE_SHA256)) != 0 ? 1U << INSPECT_SHA256 : 0);
#undef BIT
}
