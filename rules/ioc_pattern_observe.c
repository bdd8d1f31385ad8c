/* SPDX-License-Identifier: Apache-2.0 */
/* The one-shot digest calls of OpenSSL 3 allocate for each digest. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/sha.h>

#include "common/indicator_value.h"
#include "rules/ioc_pattern_match.h"

struct observer {
	struct observation *o;
	const struct ioc_pattern_set *s;
	const struct inspect *in;
	bool begin, end;
	uint8_t traffic; /* the object */
};

static bool
asked(const struct observer *w, enum pattern_property p)
{
	return (w->s->properties >> p & 1) != 0;
}

static void
put_text(const struct observer *w, enum pattern_property p, uint8_t object,
	 struct view text, bool news)
{
	struct observed_fact *f;

	if (!asked(w, p)) {
		return;
	}
	if (pattern_property_row(p)->type == PATTERN_T_LOWER) {
		text = observation_lower(w->o, text);
	}
	f = observation_add(w->o, p, object, news);
	if (f != NULL) {
		f->text = text;
	}
}

static void
put_number(const struct observer *w, enum pattern_property p, int64_t n,
	   bool news)
{
	struct observed_fact *f;

	if (asked(w, p)) {
		f = observation_add(w->o, p, w->traffic, news);
		if (f != NULL) {
			f->number = n;
		}
	}
}

static void
put_addr(const struct observer *w, enum pattern_property p, uint8_t object,
	 const struct addr *a)
{
	struct observation *o = w->o;
	struct observed_fact *f;

	if (!asked(w, p)) {
		return;
	}
	f = observation_add(o, p, object, w->begin);
	if (f == NULL) {
		return;
	}
	f->addr = *a;
	if (w->s->address_text && sizeof(o->room) - o->used >= ADDR_TEXT_CAP) {
		char *text = (char *)o->room + o->used;

		f->text = view_of(text, addr_format(a, text));
		o->used += f->text.len;
	}
}

static struct view
transport_of(uint8_t proto)
{
	switch (proto) {
	case IPP_TCP:
		return VIEW_LIT("tcp");
	case IPP_UDP:
		return VIEW_LIT("udp");
	case IPP_ICMP:
		return VIEW_LIT("icmp");
	case IPP_ICMPV6:
		return VIEW_LIT("icmp6");
	case IPP_SCTP:
		return VIEW_LIT("sctp");
	default:
		return VIEW_NONE;
	}
}

static void
put_protocols(const struct observer *w)
{
	const struct inspect *in = w->in;
	enum app_proto app = in->kind == INSPECT_TX ? in->app
			     : in->flow != NULL     ? in->flow->app
						    : APP_UNKNOWN;
	struct view names[3] = {
		in->pkt.ip_version == 4 ? VIEW_LIT("ipv4") : VIEW_LIT("ipv6"),
		transport_of(in->pkt.proto),
		app > APP_FAILED && !w->begin ? view_cstr(app_proto_name(app))
					      : VIEW_NONE,
	};

	for (uint16_t i = 0, at = 0; i < ARRAY_LEN(names); i++) {
		struct observed_fact *f;

		if (names[i].len == 0 || !asked(w, PATTERN_P_PROTOCOLS)) {
			continue;
		}
		/* Which application it is, is known for sure at the end. */
		f = observation_add(w->o, PATTERN_P_PROTOCOLS, w->traffic,
				    i < 2 ? w->begin : w->end);
		if (f != NULL) {
			f->text = names[i];
			f->index = at++;
		}
	}
}

/* The flow as such, from the side that began it. */
static void
put_traffic(struct observer *w)
{
	const struct inspect_packet *p = &w->in->pkt;
	/* which way the packet went that 'in' has */
	bool back = (w->in->dir == DIR_TOCLIENT) != w->in->pkt_is_reverse;
	const struct addr *ends[2] = { back ? &p->dst : &p->src,
				       back ? &p->src : &p->dst };
	bool v4 = p->ip_version == 4;
	struct view family = v4 ? VIEW_LIT("ipv4-addr") : VIEW_LIT("ipv6-addr");

	w->traffic = observation_object(w->o, OBSERVED_TRAFFIC);
	for (unsigned i = 0; i < 2; i++) {
		uint8_t object = observation_object(w->o, v4 ? OBSERVED_IPV4
							     : OBSERVED_IPV6);

		put_addr(w, v4 ? PATTERN_P_IPV4 : PATTERN_P_IPV6, object,
			 ends[i]);
		put_addr(w, i == 0 ? PATTERN_P_SRC : PATTERN_P_DST, w->traffic,
			 ends[i]);
		put_text(w, i == 0 ? PATTERN_P_SRC_TYPE : PATTERN_P_DST_TYPE,
			 w->traffic, family, w->begin);
	}
	if (p->proto == IPP_TCP || p->proto == IPP_UDP ||
	    p->proto == IPP_SCTP) {
		put_number(w, PATTERN_P_SRC_PORT, back ? p->dport : p->sport,
			   w->begin);
		put_number(w, PATTERN_P_DST_PORT, back ? p->sport : p->dport,
			   w->begin);
	}
	put_protocols(w);
	put_number(w, PATTERN_P_START,
		   (int64_t)(w->in->flow != NULL ? w->in->flow->first_us
						 : p->ts_us),
		   w->begin);
	put_number(w, PATTERN_P_IS_ACTIVE, w->end ? 0 : 1, w->begin || w->end);
}

static void
put_end(const struct observer *w)
{
	const struct inspect_flow *f = w->in->flow;

	put_number(w, PATTERN_P_END, (int64_t)w->in->pkt.ts_us, true);
	put_number(w, PATTERN_P_SRC_BYTES, (int64_t)f->bytes[0], true);
	put_number(w, PATTERN_P_DST_BYTES, (int64_t)f->bytes[1], true);
	put_number(w, PATTERN_P_SRC_PACKETS, (int64_t)f->pkts[0], true);
	put_number(w, PATTERN_P_DST_PACKETS, (int64_t)f->pkts[1], true);
}

static bool
fresh(const struct observer *w, enum inspect_buf b)
{
	return inspect_bit(w->in->fresh, b) && !inspect_bit(w->in->known, b);
}

/* That a buffer's value is final, even if there is none. */
static void
note_known(const struct observer *w, enum pattern_property p,
	   enum inspect_buf b)
{
	if (asked(w, p) && inspect_bit(w->in->done, b)) {
		w->o->known |= UINT64_C(1) << p;
		w->o->fresh |= (uint64_t)fresh(w, b) << p;
	}
}

static void
put_buffer(const struct observer *w, enum pattern_property p,
	   enum inspect_buf b, uint8_t object)
{
	note_known(w, p, b);
	if (w->in->buf[b].n > 0) {
		put_text(w, p, object, w->in->buf[b].v[0], fresh(w, b));
	}
}

static void
put_domains(const struct observer *w)
{
	static const enum inspect_buf bufs[] = { BUF_DNS_QUERY, BUF_TLS_SNI,
						 BUF_HTTP_HOST };

	for (size_t i = 0; i < ARRAY_LEN(bufs); i++) {
		const struct inspect_list *l = &w->in->buf[bufs[i]];

		for (uint32_t k = 0; k < l->n; k++) {
			struct view name = l->v[k];

			if (name.len > 1 && name.p[name.len - 1] == '.') {
				name.len--;
			}
			put_text(w, PATTERN_P_DOMAIN,
				 observation_object(w->o, OBSERVED_DOMAIN),
				 name, fresh(w, bufs[i]));
		}
	}
}

/* "http://host/path?query"; the request line's own when it names a host. */
static void
put_url(const struct observer *w)
{
	static const struct view scheme = VIEW_LIT("http://");
	const struct inspect_list *host = &w->in->buf[BUF_HTTP_HOST_RAW];
	const struct inspect_list *uri = &w->in->buf[BUF_HTTP_URI_RAW];
	struct observation *o = w->o;
	char *out = (char *)o->room + o->used;
	size_t n;

	if (host->n == 0 || uri->n == 0 || !asked(w, PATTERN_P_URL)) {
		return;
	}
	if (view_caseeq(view_sub(uri->v[0], 0, scheme.len), scheme)) {
		put_text(w, PATTERN_P_URL, observation_object(o, OBSERVED_URL),
			 uri->v[0], fresh(w, BUF_HTTP_URI_RAW));
		return;
	}
	if (sizeof(o->room) - o->used < INDICATOR_VALUE_CAP + scheme.len) {
		o->dropped++;
		return;
	}
	memcpy(out, scheme.p, scheme.len);
	n = indicator_url_text(host->v[0], uri->v[0], out + scheme.len);
	if (n > 0) {
		o->used += n + scheme.len;
		put_text(w, PATTERN_P_URL, observation_object(o, OBSERVED_URL),
			 view_of(out, n + scheme.len),
			 fresh(w, BUF_HTTP_URI_RAW));
	}
}

/* Lists of a header's values are counted by its name. */
static uint16_t
count_named(const struct observation *o, struct view name)
{
	uint16_t n = 0;

	for (uint16_t i = o->first[PATTERN_P_HEADER]; i != OBSERVATION_NONE;
	     i = o->v[i].next) {
		n += view_eq(o->v[i].name, name);
	}
	return n;
}

static void
put_headers(const struct observer *w)
{
	const struct inspect_list *l = &w->in->buf[BUF_HTTP_REQ_ONE_HEADER];

	note_known(w, PATTERN_P_HEADER, BUF_HTTP_REQ_ONE_HEADER);
	for (uint32_t i = 0; i < l->n && asked(w, PATTERN_P_HEADER); i++) {
		const uint8_t *colon = memchr(l->v[i].p, ':', l->v[i].len);
		size_t n = colon != NULL ? (size_t)(colon - l->v[i].p) : 0;
		struct observed_fact *f;
		struct view name;
		uint16_t index;

		if (n == 0) {
			continue;
		}
		name = observation_lower(w->o, view_sub(l->v[i], 0, n));
		index = count_named(w->o, name);
		f = observation_add(w->o, PATTERN_P_HEADER, w->traffic,
				    fresh(w, BUF_HTTP_REQ_ONE_HEADER));
		if (f != NULL && name.len > 0) {
			f->name = name;
			f->index = index;
			f->text = view_sub(l->v[i], n + 2, l->v[i].len);
		}
	}
}

/* In lower-case hex, in the observation's room. */
static struct view
hex_of(struct observation *o, const uint8_t *p, size_t n)
{
	static const char digit[] = "0123456789abcdef";
	uint8_t *out = o->room + o->used;

	if (sizeof(o->room) - o->used < 2 * n) {
		o->dropped++;
		return VIEW_NONE;
	}
	for (size_t i = 0; i < n; i++) {
		out[2 * i] = (uint8_t)digit[p[i] >> 4];
		out[2 * i + 1] = (uint8_t)digit[p[i] & 15];
	}
	o->used += 2 * n;
	return view_of(out, 2 * n);
}

/* As certificates' digests and numbers are shown, but without the colons. */
static void
put_colons(const struct observer *w, enum pattern_property p,
	   enum inspect_buf b, uint8_t object)
{
	struct view v;
	uint8_t *at;
	size_t n = 0;

	if (w->in->buf[b].n == 0 || !asked(w, p)) {
		return;
	}
	v = observation_lower(w->o, w->in->buf[b].v[0]);
	at = (uint8_t *)v.p;
	for (size_t i = 0; i < v.len; i++) {
		if (at[i] != ':') {
			at[n++] = at[i];
		}
	}
	put_text(w, p, object, view_of(at, n), fresh(w, b));
}

static void
put_validity(const struct observer *w, enum pattern_property p,
	     enum inspect_num n, uint8_t object, bool news)
{
	struct observed_fact *f;

	if (!asked(w, p) || (w->in->num_set >> n & 1) == 0) {
		return;
	}
	f = observation_add(w->o, p, object, news);
	if (f != NULL) {
		f->number = w->in->num[n] * 1000000;
	}
}

/* The first certificate is the server's own (RFC 8446 4.4.2). */
static void
put_certificate(const struct observer *w)
{
	const struct inspect_list *der = &w->in->buf[BUF_TLS_CERTS];
	uint8_t sum[SHA256_DIGEST_LENGTH];
	uint8_t object;
	SHA256_CTX ctx;

	if (der->n == 0) {
		return;
	}
	object = observation_object(w->o, OBSERVED_CERT);
	put_buffer(w, PATTERN_P_CERT_SUBJECT, BUF_TLS_CERT_SUBJECT, object);
	put_buffer(w, PATTERN_P_CERT_ISSUER, BUF_TLS_CERT_ISSUER, object);
	put_colons(w, PATTERN_P_CERT_SERIAL, BUF_TLS_CERT_SERIAL, object);
	put_colons(w, PATTERN_P_CERT_SHA1, BUF_TLS_CERT_FINGERPRINT, object);
	put_validity(w, PATTERN_P_CERT_FROM, NUM_TLS_NOT_BEFORE, object,
		     fresh(w, BUF_TLS_CERTS));
	put_validity(w, PATTERN_P_CERT_TO, NUM_TLS_NOT_AFTER, object,
		     fresh(w, BUF_TLS_CERTS));
	if (asked(w, PATTERN_P_CERT_SHA256) && fresh(w, BUF_TLS_CERTS)) {
		SHA256_Init(&ctx);
		SHA256_Update(&ctx, der->v[0].p, der->v[0].len);
		SHA256_Final(sum, &ctx);
		put_text(w, PATTERN_P_CERT_SHA256, object,
			 hex_of(w->o, sum, sizeof(sum)), true);
	}
}

static void
put_transaction(const struct observer *w)
{
	static const struct {
		enum pattern_property p;
		enum inspect_buf b;
	} of_traffic[] = {
		{ PATTERN_P_METHOD, BUF_HTTP_METHOD },
		{ PATTERN_P_REQUEST, BUF_HTTP_URI_RAW },
		{ PATTERN_P_VERSION, BUF_HTTP_REQ_PROTOCOL },
		{ PATTERN_P_JA3, BUF_JA3_HASH },
		{ PATTERN_P_JA4, BUF_JA4_HASH },
		{ PATTERN_P_SNI, BUF_TLS_SNI },
	};

	for (size_t i = 0; i < ARRAY_LEN(of_traffic); i++) {
		put_buffer(w, of_traffic[i].p, of_traffic[i].b, w->traffic);
	}
	if (asked(w, PATTERN_P_DOMAIN)) {
		put_domains(w);
	}
	put_url(w);
	put_headers(w);
	put_certificate(w);
}

static void
put_file(const struct observer *w, const struct inspect_file *file)
{
	static const struct {
		enum pattern_property p;
		enum inspect_digest digest;
		size_t len;
	} sums[] = { { PATTERN_P_FILE_MD5, INSPECT_MD5, 16 },
		     { PATTERN_P_FILE_SHA1, INSPECT_SHA1, 20 },
		     { PATTERN_P_FILE_SHA256, INSPECT_SHA256, 32 } };
	uint8_t object = observation_object(w->o, OBSERVED_FILE);
	struct observed_fact *f;

	for (size_t i = 0; i < ARRAY_LEN(sums); i++) {
		const uint8_t *sum = file->digest[sums[i].digest];

		if (sum != NULL && asked(w, sums[i].p)) {
			put_text(w, sums[i].p, object,
				 hex_of(w->o, sum, sums[i].len), true);
		}
	}
	if (file->name.len > 0) {
		put_text(w, PATTERN_P_FILE_NAME, object, file->name, true);
	}
	if (asked(w, PATTERN_P_FILE_SIZE)) {
		f = observation_add(w->o, PATTERN_P_FILE_SIZE, object, true);
		if (f != NULL) {
			f->number = (int64_t)file->size;
		}
	}
}

/* All that becomes known at this moment, whether there is any or not. */
static void
know_all(const struct observer *w, enum pattern_moment at)
{
	for (int p = 0; p < PATTERN_PROPERTIES; p++) {
		enum pattern_moment first =
			pattern_property_row((enum pattern_property)p)->at;
		uint64_t bit = UINT64_C(1) << p;

		if (first == at) {
			w->o->known |= bit;
			w->o->fresh |= bit;
		} else if (first == PATTERN_AT_BEGIN) {
			w->o->known |= bit;
		}
	}
}

void
ioc_observe(struct observation *o, const struct ioc_pattern_set *s,
	    const struct inspect *in, enum pattern_moment at,
	    const struct inspect_file *file)
{
	struct observer w = { .o = o,
			      .s = s,
			      .in = in,
			      .begin = at == PATTERN_AT_BEGIN,
			      .end = at == PATTERN_AT_END };

	observation_reset(o, at, in->pkt.ts_us);
	put_traffic(&w);
	switch (at) {
	case PATTERN_AT_BEGIN:
		know_all(&w, at);
		break;
	case PATTERN_AT_TX:
		know_all(&w, (enum pattern_moment)0);
		put_transaction(&w);
		break;
	case PATTERN_AT_FILE:
		know_all(&w, at);
		put_file(&w, file);
		break;
	case PATTERN_AT_END:
		know_all(&w, at);
		put_end(&w);
		break;
	}
}
