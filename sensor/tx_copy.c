/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/tx_copy.h"

#include <assert.h>
#include <stdlib.h>

#include "sensor/app_dns.h"
#include "sensor/app_ssh.h"
#include "sensor/app_tls.h"
#include "sensor/http_tx.h"

/* The fields of HTTP that events show. */
static const enum http_name told_request[] = { HTTP_NAME_USER_AGENT,
					       HTTP_NAME_REFERER };
static const enum http_name told_response[] = { HTTP_NAME_CONTENT_TYPE,
						HTTP_NAME_CONTENT_RANGE,
						HTTP_NAME_LOCATION };

struct http_room {
	struct http_tx tx;
	struct http_field request[ARRAY_LEN(told_request)];
	struct http_field response[ARRAY_LEN(told_response)];
};

struct dns_room {
	struct dns_tx tx;
	struct dns_question questions[DNS_MAX_RRS];
	struct dns_rr rr[DNS_SECTIONS][DNS_MAX_RRS];
};

struct tls_room {
	struct tls_tx tx;
	struct view alpn[2][TLS_MAX_ALPN];
	struct view sans[2][TLS_CERT_MAX_SANS];
};

/* One of each kind.  What a copy does not have stays as it was made, zero. */
struct tx_room {
	struct http_room http;
	struct dns_room dns;
	struct tls_room tls;
	struct ssh_tx ssh;
	struct app_tx other;
};

/*
 * Both ways are one: each function below names the fields of its subject once,
 * and what is written by it is read by it.
 */
struct copier {
	struct json *out; /* NULL: reads */
	struct view in;
};

struct tx_room *
tx_room_new(void)
{
	struct tx_room *r = calloc(1, sizeof(*r));

	if (r == NULL) {
		return NULL;
	}
	r->http.tx.msg[FLOW_TOSERVER].fields = r->http.request;
	r->http.tx.msg[FLOW_TOCLIENT].fields = r->http.response;
	r->dns.tx.questions = r->dns.questions;
	for (unsigned s = 0; s < DNS_SECTIONS; s++) {
		r->dns.tx.rr[s] = r->dns.rr[s];
	}
	for (unsigned d = 0; d < 2; d++) {
		r->tls.tx.hello[d].alpn = r->tls.alpn[d];
		r->tls.tx.chain[d].leaf.sans = r->tls.sans[d];
	}
	return r;
}

void
tx_room_free(struct tx_room *r)
{
	free(r);
}

/* json_room(), without a call most of the time. */
static inline char *
room_for(struct json *j, size_t n)
{
	return LIKELY(!j->failed && j->cap - j->len >= n) ? j->p + j->len
							  : json_room(j, n);
}

static inline void
copy_bytes(struct copier *c, void *p, size_t n)
{
	if (c->out != NULL) {
		char *to = room_for(c->out, n);

		if (to != NULL) {
			memcpy(to, p, n);
			c->out->len += n;
		}
		return;
	}
	assert(n <= c->in.len); /* the bytes are our own */
	memcpy(p, c->in.p, n);
	c->in = view_of(c->in.p + n, c->in.len - n);
}

#define COPY(c, field) copy_bytes(c, &(field), sizeof(field))

static void
copy_text(struct copier *c, struct view *v)
{
	uint32_t n = (uint32_t)v->len;

	COPY(c, n);
	if (c->out != NULL) {
		if (n > 0) {
			json_append(c->out, *v);
		}
		return;
	}
	assert(n <= c->in.len);
	*v = view_of(c->in.p, n);
	c->in = view_of(c->in.p + n, c->in.len - n);
}

/* How many there are of something that has room for 'max'. */
static void
copy_count(struct copier *c, uint32_t *n, size_t max)
{
	COPY(c, *n);
	assert(*n <= max);
}

static void
copy_list(struct copier *c, struct view *v, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		copy_text(c, &v[i]);
	}
}

/* --- HTTP --- */

/* Fields stand in 'names', which the reader has 'fields' for. */
static void
copy_fields(struct copier *c, struct http_msg *m, const enum http_name *names,
	    uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		struct view v = http_value_of(m, names[i]);

		copy_text(c, &v);
		if (c->out == NULL) {
			m->fields[i].value = v;
			m->at[names[i]] = (uint16_t)(i + 1);
		}
	}
}

static void
copy_http(struct copier *c, struct http_tx *tx)
{
	struct http_msg *req = &tx->msg[FLOW_TOSERVER];
	struct http_msg *resp = &tx->msg[FLOW_TOCLIENT];

	COPY(c, tx->port);
	COPY(c, tx->status);
	COPY(c, resp->body.wire_len);
	copy_text(c, &tx->host);
	copy_text(c, &tx->uri_raw);
	copy_text(c, &tx->method);
	copy_text(c, &tx->stat_code);
	copy_text(c, &req->protocol);
	copy_fields(c, req, told_request, ARRAY_LEN(told_request));
	copy_fields(c, resp, told_response, ARRAY_LEN(told_response));
}

/* --- DNS --- */

static void
copy_name(struct copier *c, struct dns_name *n)
{
	COPY(c, n->truncated);
	copy_text(c, &n->text);
}

/* A record's data: as far as events show that of its type. */
static void
copy_rdata(struct copier *c, struct dns_rr *rr)
{
	switch (rr->type) {
	case DNS_TYPE_A:
	case DNS_TYPE_AAAA:
	case DNS_TYPE_TXT:
	case DNS_TYPE_NULL:
	case DNS_TYPE_SSHFP:
	case DNS_TYPE_CAA:
		copy_text(c, &rr->rdata);
		break;
	case DNS_TYPE_SOA:
		COPY(c, rr->soa);
		copy_name(c, &rr->target);
		copy_name(c, &rr->rname);
		break;
	case DNS_TYPE_SRV:
		COPY(c, rr->prio);
		COPY(c, rr->weight);
		COPY(c, rr->port);
		copy_name(c, &rr->target);
		break;
	case DNS_TYPE_CNAME:
	case DNS_TYPE_NS:
	case DNS_TYPE_PTR:
	case DNS_TYPE_DNAME:
	case DNS_TYPE_MX:
		copy_name(c, &rr->target);
		break;
	default:
		break;
	}
}

static void
copy_section(struct copier *c, struct dns_tx *tx, enum dns_section s)
{
	copy_count(c, &tx->n_rr[s], DNS_MAX_RRS);
	for (uint32_t i = 0; i < tx->n_rr[s]; i++) {
		struct dns_rr *rr = &tx->rr[s][i];

		COPY(c, rr->type);
		COPY(c, rr->parsed);
		COPY(c, rr->ttl);
		copy_name(c, &rr->name);
		if (rr->parsed) {
			copy_rdata(c, rr);
		}
	}
}

static void
copy_dns(struct copier *c, struct dns_tx *tx)
{
	COPY(c, tx->response);
	COPY(c, tx->id);
	COPY(c, tx->flags);
	COPY(c, tx->opcode);
	COPY(c, tx->rcode);
	copy_count(c, &tx->n_questions, DNS_MAX_RRS);
	for (uint32_t i = 0; i < tx->n_questions; i++) {
		COPY(c, tx->questions[i].type);
		copy_name(c, &tx->questions[i].name);
	}
	for (unsigned s = 0; s < DNS_SECTIONS; s++) {
		copy_section(c, tx, (enum dns_section)s);
	}
}

/* --- TLS --- */

static void
copy_certificate(struct copier *c, struct tls_chain *chain)
{
	struct tls_cert *leaf = &chain->leaf;

	COPY(c, chain->n);
	COPY(c, leaf->has_validity);
	COPY(c, leaf->not_before);
	COPY(c, leaf->not_after);
	copy_text(c, &leaf->subject);
	copy_text(c, &leaf->issuer);
	copy_text(c, &leaf->serial);
	copy_text(c, &leaf->fingerprint);
	copy_count(c, &leaf->n_sans, TLS_CERT_MAX_SANS);
	copy_list(c, leaf->sans, leaf->n_sans);
}

/* What log_tls() shows; not the lists that only log_tls_extra() does. */
static void
copy_tls(struct copier *c, struct tls_tx *tx)
{
	COPY(c, tx->version);
	COPY(c, tx->resumed);
	copy_text(c, &tx->ja3);
	copy_text(c, &tx->ja3_hash);
	copy_text(c, &tx->ja3s);
	copy_text(c, &tx->ja3s_hash);
	copy_text(c, &tx->ja4);
	copy_text(c, &tx->hello[FLOW_TOSERVER].sni);
	for (unsigned d = 0; d < 2; d++) {
		struct tls_hello *h = &tx->hello[d];

		copy_count(c, &h->n_alpn, TLS_MAX_ALPN);
		copy_list(c, h->alpn, h->n_alpn);
		copy_certificate(c, &tx->chain[d]);
	}
}

/* --- SSH --- */

static void
copy_ssh(struct copier *c, struct ssh_tx *tx)
{
	for (unsigned d = 0; d < 2; d++) {
		struct ssh_side *s = &tx->side[d];

		COPY(c, s->has_version);
		copy_text(c, &s->proto);
		copy_text(c, &s->software);
		copy_text(c, &s->hassh);
		copy_text(c, &s->hassh_string);
	}
}

/* --- files --- */

static void
copy_file(struct copier *c, struct file *f)
{
	COPY(c, f->number);
	COPY(c, f->state);
	COPY(c, f->gaps);
	COPY(c, f->stored);
	COPY(c, f->sums);
	COPY(c, f->size);
	COPY(c, f->has_range);
	COPY(c, f->start);
	COPY(c, f->end);
	copy_text(c, &f->name);
	copy_text(c, &f->magic);
}

void
tx_copy_put_file(struct json *j, const struct file *f)
{
	struct copier c = { .out = j };

	assert(f->storing == NULL);
	copy_file(&c, (struct file *)f); /* read only, this way */
}

void
tx_copy_get_file(struct file *out, struct view *from)
{
	struct copier c = { .in = *from };

	*out = (struct file){ 0 };
	copy_file(&c, out);
	*from = c.in;
}

/* --- any --- */

static void
copy_tx(struct copier *c, struct app_tx *tx)
{
	switch (tx->parser->proto) {
	case APP_HTTP:
		copy_http(c, (struct http_tx *)tx);
		break;
	case APP_DNS:
	case APP_MDNS:
		copy_dns(c, (struct dns_tx *)tx);
		break;
	case APP_TLS:
		copy_tls(c, (struct tls_tx *)tx);
		break;
	case APP_SSH:
		copy_ssh(c, (struct ssh_tx *)tx);
		break;
	default: /* nothing is written of others but their number */
		break;
	}
}

static struct app_tx *
place_of(struct tx_room *r, enum app_proto proto)
{
	switch (proto) {
	case APP_HTTP:
		return &r->http.tx.tx;
	case APP_DNS:
	case APP_MDNS:
		return &r->dns.tx.tx;
	case APP_TLS:
		return &r->tls.tx.tx;
	case APP_SSH:
		return &r->ssh.tx;
	default:
		return &r->other;
	}
}

void
tx_copy_put(struct json *j, const struct app_tx *tx)
{
	struct copier c = { .out = j };
	struct app_tx *t = (struct app_tx *)tx; /* read only, this way */

	COPY(&c, t->parser);
	COPY(&c, t->id);
	copy_tx(&c, t);
}

const struct app_tx *
tx_copy_get(struct tx_room *r, struct view *from)
{
	struct copier c = { .in = *from };
	const struct app_parser *parser;
	struct app_tx *tx;

	COPY(&c, parser);
	tx = place_of(r, parser->proto);
	tx->parser = parser;
	COPY(&c, tx->id);
	copy_tx(&c, tx);
	*from = c.in;
	return tx;
}
