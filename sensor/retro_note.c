/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/retro_note.h"

#include "common/clock.h"
#include "common/indicator_value.h"
#include "sensor/app_dns.h"
#include "sensor/app_tls.h"
#include "sensor/hex_digest.h"
#include "sensor/http_tx.h"

/* Of app_tx.noted. */
enum { NOTED_REQUEST = 1, NOTED_HELLO = 2, NOTED_CERT = 4 };

void
retro_notes_init(struct retro_notes *n, const struct retro_secret *s)
{
	n->secret = *s;
	n->tokens = RETRO_UNANSWERED_BURST;
}

static inline bool
wants(const struct retro_notes *n, enum indicator_kind k)
{
	return (n->types >> k & 1) != 0;
}

static inline uint32_t
seconds(uint64_t us)
{
	return (uint32_t)(us / US_PER_S);
}

/* An entry that tells of 'f' and has no key yet. */
static struct retro_entry
entry_of(const struct flow *f, uint64_t ts_us)
{
	uint32_t at = MAX(seconds(ts_us), 1U);

	return (struct retro_entry){
		.proto = f->proto,
		.port = f->port[1],
		.first_s = at,
		.last_s = at,
		.count = 1,
		.src = f->addr[0],
		.dst = f->addr[1],
	};
}

/* The same of a value, which the client has to do with.  One that is not ours
 * does not count: strangers could make any name of theirs a common one. */
static struct retro_entry
value_of(const struct retro_notes *n, const struct flow *f, uint64_t ts_us)
{
	struct retro_entry e = entry_of(f, ts_us);

	if (n->home == NULL || range_set_has(n->home, addr_value(&e.src))) {
		e.hosts = host_bits_of(&e.src);
	}
	return e;
}

/* --- addresses --- */

static void
note_ends(struct retro_notes *n, struct retro_entry *e)
{
	e->kind = INDICATOR_IP;
	retro_addr_key(&e->src, e->key);
	retro_ring_note(&n->ring, e);
	retro_addr_key(&e->dst, e->key);
	retro_ring_note(&n->ring, e);
}

/* One more that nobody answered yet; false: too many of late. */
static bool
take_token(struct retro_notes *n, uint32_t now_s)
{
	if (now_s > n->tokens_s) {
		uint64_t more =
			(uint64_t)(now_s - n->tokens_s) * RETRO_UNANSWERED_RATE;

		n->tokens = (uint32_t)MIN(n->tokens + more,
					  (uint64_t)RETRO_UNANSWERED_BURST);
		n->tokens_s = now_s;
	}
	if (n->tokens == 0) {
		n->ring.count.unanswered_left++;
		return false;
	}
	n->tokens--;
	return true;
}

void
retro_note_flow(struct retro_notes *n, const struct flow *f, uint64_t ts_us)
{
	struct retro_entry e = entry_of(f, ts_us);
	bool answer = f->pkts[0] > 0 && f->pkts[1] > 0;

	if (!wants(n, INDICATOR_IP)) {
		return;
	}
	if (answer) {
		/* counted with its first packet, or else it was left out and
		 * is known from now on */
		e.count = 0;
		n->tokens += n->tokens < RETRO_UNANSWERED_BURST;
	} else if (!take_token(n, e.last_s)) {
		return;
	}
	note_ends(n, &e);
}

void
retro_note_flow_end(struct retro_notes *n, const struct flow *f)
{
	struct retro_entry e = entry_of(f, f->last_us);

	if (!wants(n, INDICATOR_IP) || f->pkts[0] == 0 || f->pkts[1] == 0 ||
	    f->last_us < f->first_us + RETRO_FOLD_S * US_PER_S) {
		return; /* its beginning says the same */
	}
	e.first_s = MAX(seconds(f->first_us), 1U);
	e.count = 0;
	note_ends(n, &e);
}

void
retro_note_packet(struct retro_notes *n, const struct packet *p, uint64_t ts_us)
{
	uint32_t at = MAX(seconds(ts_us), 1U);
	struct retro_entry e = {
		.proto = p->proto,
		.port = p->dport,
		.first_s = at,
		.last_s = at,
		.count = 1,
		.src = p->src,
		.dst = p->dst,
	};

	if (p->ip_version != 0 && wants(n, INDICATOR_IP) && take_token(n, at)) {
		note_ends(n, &e);
	}
}

/* --- values --- */

static void
note_value(struct retro_notes *n, struct retro_entry *e, unsigned kind,
	   struct view value)
{
	uint32_t hosts = e->hosts;

	e->kind = (uint8_t)kind;
	retro_key(&n->secret, value, e->key);
	e->hosts = hosts;
	retro_ring_note(&n->ring, e);
}

/* Whether one more name below this domain, whose key is in hand, may be noted
 * whole; those noted a moment ago always are. */
static bool
takes_name(struct retro_notes *n, const struct retro_entry *parent,
	   struct view name, uint32_t now_s)
{
	uint64_t key = retro_be64(parent->key);
	struct retro_parent *p = &n->parent[key % RETRO_PARENTS];
	uint8_t whole[RETRO_KEY_LEN];

	retro_key(&n->secret, name, whole);
	if (retro_ring_is_recent(&n->ring, INDICATOR_DOMAIN, whole)) {
		return true;
	}

	if (p->key != key || now_s >= p->since_s + RETRO_PARENT_S) {
		*p = (struct retro_parent){ .key = key, .since_s = now_s };
	}
	if (p->n == RETRO_PARENT_NAMES) {
		n->ring.count.names_left++;
		return false;
	}
	p->n++;
	return true;
}

/* Its suffixes of two labels and more, from the right, and the name whole. */
static void
note_suffixes(struct retro_notes *n, struct retro_entry *e, struct view name)
{
	unsigned labels = 0;
	size_t at = name.len;
	bool whole = true;

	while (at > 0 && labels < RETRO_LABELS_MAX && whole) {
		size_t from = at;

		while (from > 0 && name.p[from - 1] != '.') {
			from--;
		}
		labels++;
		at = from > 0 ? from - 1 : 0;
		if (labels < 2 || from == 0) {
			continue;
		}
		note_value(n, e, RETRO_BELOW,
			   view_of(name.p + from, name.len - from));
		if (labels == 2) {
			whole = takes_name(n, e, name, e->last_s);
		}
	}
	if (whole) {
		note_value(n, e, INDICATOR_DOMAIN, name);
	}
}

static void
note_name(struct retro_notes *n, struct retro_entry *e, struct view name)
{
	uint8_t lower[INDICATOR_DOMAIN_MAX];

	if (name.len > 0 && name.p[name.len - 1] == '.') {
		name.len--;
	}
	if (name.len == 0 || name.len > sizeof(lower) ||
	    !wants(n, INDICATOR_DOMAIN)) {
		return;
	}
	for (size_t i = 0; i < name.len; i++) {
		lower[i] = ascii_lower(name.p[i]);
	}
	note_suffixes(n, e, view_of(lower, name.len));
}

static void
note_dns(struct retro_notes *n, struct retro_entry *e, struct dns_tx *tx)
{
	if (tx->tx.noted != 0 ||
	    !tx->tx.done[tx->response ? FLOW_TOCLIENT : FLOW_TOSERVER]) {
		return;
	}
	tx->tx.noted = NOTED_REQUEST;
	/* an answer repeats its question, which most often was seen */
	e->count = !tx->response;
	for (uint32_t i = 0; i < tx->n_questions; i++) {
		note_name(n, e, tx->questions[i].name.text);
	}
}

static void
note_url(struct retro_notes *n, struct retro_entry *e, struct view host,
	 struct view uri)
{
	char text[INDICATOR_VALUE_CAP];
	size_t len;

	/* RFC 9112 3.2.2: a request to a proxy names scheme and host itself */
	for (size_t i = 0; i + 2 < uri.len && i < 8; i++) {
		if (uri.p[i] == '/' && i == 0) {
			break;
		}
		if (memcmp(uri.p + i, "://", 3) == 0) {
			size_t from = i + 3, end = from;

			while (end < uri.len && uri.p[end] != '/' &&
			       uri.p[end] != '?') {
				end++;
			}
			host = view_sub(uri, from, end - from);
			uri = view_sub(uri, end, uri.len);
			break;
		}
	}
	len = indicator_url_text(host, uri, text);
	if (len > 0) {
		note_value(n, e, INDICATOR_URL, view_of(text, len));
	}
}

static void
note_http(struct retro_notes *n, struct retro_entry *e, struct http_tx *tx)
{
	const struct http_msg *m = &tx->msg[FLOW_TOSERVER];
	struct view agent, host;

	if (tx->tx.noted != 0 || !m->head_done || tx->request_unseen) {
		return;
	}
	tx->tx.noted = NOTED_REQUEST;
	note_name(n, e, tx->host);
	host = tx->host_raw.len > 0 ? tx->host_raw : tx->host;
	if (wants(n, INDICATOR_URL)) {
		note_url(n, e, host, tx->uri_raw);
		if (!view_eq(tx->uri, tx->uri_raw)) {
			note_url(n, e, host, tx->uri);
		}
	}
	agent = http_value_of(m, HTTP_NAME_USER_AGENT);
	if (agent.len > 0 && wants(n, INDICATOR_USER_AGENT)) {
		note_value(n, e, INDICATOR_USER_AGENT, agent);
	}
}

static void
note_leaf(struct retro_notes *n, struct retro_entry *e,
	  const struct tls_chain *c)
{
	char hex[HEX_DIGEST_CAP];
	size_t len;

	if (c->n == 0) {
		return;
	}
	if (wants(n, INDICATOR_CERT_SHA1)) {
		len = hex_digest(HEX_SHA1, c->der[0], 0, hex);
		note_value(n, e, INDICATOR_CERT_SHA1, view_of(hex, len));
	}
	if (wants(n, INDICATOR_CERT_SHA256)) {
		len = hex_digest(HEX_SHA256, c->der[0], 0, hex);
		note_value(n, e, INDICATOR_CERT_SHA256, view_of(hex, len));
	}
}

static void
note_tls(struct retro_notes *n, struct retro_entry *e, struct tls_tx *tx)
{
	const struct tls_hello *client = &tx->hello[FLOW_TOSERVER];

	if ((tx->tx.noted & NOTED_HELLO) == 0 && client->seen) {
		tx->tx.noted |= NOTED_HELLO;
		note_name(n, e, client->sni);
		if (tx->ja3_hash.len > 0 && wants(n, INDICATOR_JA3)) {
			note_value(n, e, INDICATOR_JA3, tx->ja3_hash);
		}
		if (tx->ja4.len > 0 && wants(n, INDICATOR_JA4)) {
			note_value(n, e, INDICATOR_JA4, tx->ja4);
		}
	}
	for (unsigned d = 0; d < 2; d++) {
		if ((tx->tx.noted & NOTED_CERT << d) == 0 &&
		    tx->chain[d].seen) {
			tx->tx.noted |= (uint8_t)(NOTED_CERT << d);
			note_leaf(n, e, &tx->chain[d]);
		}
	}
}

void
retro_note_tx(struct retro_notes *n, const struct flow *f, struct app_tx *tx,
	      uint64_t ts_us)
{
	struct retro_entry e = value_of(n, f, ts_us);

	switch (tx->parser->proto) {
	case APP_DNS:
	case APP_MDNS:
		note_dns(n, &e, (struct dns_tx *)tx);
		break;
	case APP_HTTP:
		note_http(n, &e, (struct http_tx *)tx);
		break;
	case APP_TLS:
		note_tls(n, &e, (struct tls_tx *)tx);
		break;
	default:
		break;
	}
}

static void
note_sum(struct retro_notes *n, struct retro_entry *e, enum indicator_kind k,
	 const uint8_t *sum, size_t len)
{
	char hex[HEX_DIGEST_CAP];

	if (wants(n, k)) {
		len = hex_text(view_of(sum, len), 0, false, hex, sizeof(hex));
		note_value(n, e, k, view_of(hex, len));
	}
}

void
retro_note_file(struct retro_notes *n, const struct flow *f,
		const struct file *file, uint64_t ts_us)
{
	struct retro_entry e = value_of(n, f, ts_us);
	const struct digest_sums *s = &file->sums;

	if ((s->has & DIGEST_MD5) != 0) {
		note_sum(n, &e, INDICATOR_FILE_MD5, s->md5, sizeof(s->md5));
	}
	if ((s->has & DIGEST_SHA1) != 0) {
		note_sum(n, &e, INDICATOR_FILE_SHA1, s->sha1, sizeof(s->sha1));
	}
	if ((s->has & DIGEST_SHA256) != 0) {
		note_sum(n, &e, INDICATOR_FILE_SHA256, s->sha256,
			 sizeof(s->sha256));
	}
}
