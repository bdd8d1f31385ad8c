/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The other side of an exchange, by hand:
 *
 *	exchange_peer dump URL CA PUB FROM US DIRECTORY
 *		judges each entry of FROM's stream, one line an entry: "EPOCH
 *		SEQ OBJECTS VERDICT", and writes DIRECTORY/SEQ.json
 *	exchange_peer judge PUB FROM US FILE.sig FILE.json
 *		judges a bundle that came as files
 *	exchange_peer point KEY FROM US EPOCH SEQ
 *		the point of what FROM sent to US, signed
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <zlib.h>

#include "collector/exchange_frame.h"
#include "common/redis_pool.h"

static struct exchange_party party;
static uint8_t mac[FRAME_MAC_MAX];

static void
check(enum err e, const struct diag *d)
{
	if (e != ERR_OK) {
		fprintf(stderr, "exchange_peer: %s\n",
			d->msg[0] != '\0' ? d->msg : err_name(e));
		exit(1);
	}
}

static void
set_party(const char *pub, const char *name)
{
	struct diag d = { "" };

	snprintf(party.name, sizeof(party.name), "%.63s", name);
	check(sign_key_load(&party.keys[0], pub, false, &d), &d);
	party.n_keys = 1;
}

static void
take_field(struct exchange_frame *f, const char *k, const redisReply *v)
{
	size_t len;

	if (strcmp(k, "from") == 0) {
		snprintf(f->from, sizeof(f->from), "%.63s", v->str);
	} else if (strcmp(k, "to") == 0) {
		snprintf(f->to, sizeof(f->to), "%.63s", v->str);
	} else if (strcmp(k, "epoch") == 0) {
		f->epoch = strtoull(v->str, NULL, 10);
	} else if (strcmp(k, "seq") == 0) {
		f->seq = strtoull(v->str, NULL, 10);
	} else if (strcmp(k, "n") == 0) {
		f->n = (uint32_t)strtoul(v->str, NULL, 10);
	} else if (strcmp(k, "len") == 0) {
		f->len = strtoull(v->str, NULL, 10);
	} else if (strcmp(k, "enc") == 0) {
		f->deflated = strcmp(v->str, "zlib") == 0;
	} else if (strcmp(k, "data") == 0) {
		f->data = view_of(v->str, v->len);
	} else if (strcmp(k, "mac") == 0 &&
		   frame_mac_unhex(view_of(v->str, v->len), mac, &len)) {
		f->mac = view_of(mac, len);
	}
}

static void
write_text(const char *dir, const struct exchange_frame *f)
{
	uLongf len = (uLongf)f->len;
	uint8_t *text = malloc(f->len + 1);
	char path[512];
	FILE *out;

	snprintf(path, sizeof(path), "%s/%" PRIu64 ".json", dir, f->seq);
	out = fopen(path, "wb");
	if (text == NULL || out == NULL ||
	    uncompress(text, &len, f->data.p, (uLong)f->data.len) != Z_OK ||
	    len != f->len || fwrite(text, 1, len, out) != len) {
		fprintf(stderr, "exchange_peer: bundle %" PRIu64 "\n", f->seq);
		exit(1);
	}
	fclose(out);
	free(text);
}

static int
dump(char **a)
{
	struct redis_options o = { .url = a[0], .tls = { .ca = a[1] } };
	char stream[EXCHANGE_KEY_CAP];
	struct redis_pool *pool;
	struct diag d = { "" };
	redisReply *r;

	set_party(a[2], a[3]);
	exchange_stream_key(a[3], stream);
	check(redis_pool_new(&pool, &o, &d), &d);
	check(redis_pool_call(pool, stream, 5000, &r, &d, "XRANGE %s - +",
			      stream),
	      &d);
	for (size_t i = 0; r->type == REDIS_REPLY_ARRAY && i < r->elements;
	     i++) {
		const redisReply *kv = r->element[i]->element[1];
		struct exchange_frame f = { .seq = 0 };
		enum exchange_verdict v;

		for (size_t k = 0; k + 1 < kv->elements; k += 2) {
			take_field(&f, kv->element[k]->str, kv->element[k + 1]);
		}
		v = exchange_frame_judge(&party, a[4], &f);
		printf("%" PRIu64 " %" PRIu64 " %" PRIu32 " %s\n", f.epoch,
		       f.seq, f.n, exchange_verdict_name(v));
		if (v == EXCHANGE_OK) {
			write_text(a[5], &f);
		}
	}
	freeReplyObject(r);
	redis_pool_free(pool);
	return 0;
}

static struct view
whole(const char *path)
{
	FILE *f = fopen(path, "rb");
	uint8_t *p = malloc(EXCHANGE_MAX_LEN + 1);
	size_t n =
		f != NULL && p != NULL ? fread(p, 1, EXCHANGE_MAX_LEN, f) : 0;

	if (f != NULL) {
		fclose(f);
	}
	return view_of(p, n);
}

static int
judge(char **a)
{
	struct view sig = whole(a[3]), text = whole(a[4]);
	struct exchange_frame f;
	struct diag d = { "" };

	set_party(a[0], a[1]);
	if (!exchange_sig_read(sig, &f, mac, &d)) {
		check(ERR_FORMAT, &d);
	}
	f.data = text;
	puts(exchange_verdict_name(exchange_frame_judge(&party, a[2], &f)));
	free((void *)(uintptr_t)sig.p);
	free((void *)(uintptr_t)text.p);
	return 0;
}

static int
point(char **a)
{
	char text[POINT_TEXT_CAP];
	struct sign_key *key;
	struct diag d = { "" };

	check(sign_key_load(&key, a[0], true, &d), &d);
	check(exchange_point_write(key, a[1], a[2], strtoull(a[3], NULL, 10),
				   strtoull(a[4], NULL, 10), text),
	      &d);
	puts(text);
	sign_key_free(key);
	return 0;
}

int
main(int argc, char **argv)
{
	int status = 2;

	if (argc == 8 && strcmp(argv[1], "dump") == 0) {
		status = dump(argv + 2);
	} else if (argc == 7 && strcmp(argv[1], "judge") == 0) {
		status = judge(argv + 2);
	} else if (argc == 7 && strcmp(argv[1], "point") == 0) {
		status = point(argv + 2);
	}
	sign_key_free(party.keys[0]);
	return status;
}
