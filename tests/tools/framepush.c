/* SPDX-License-Identifier: Apache-2.0 */
/*
 * framepush - EVE lines from standard input to a sensor's stream, as frames
 *
 *	framepush URL SITE/SENSOR EPOCH FIRST_SEQ LINES_PER_FRAME
 *
 * Stands in for a sensor in tests and measurements.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/frame.h"
#include "common/redis_link.h"

#define PIPELINE 64

static struct frame_codec *codec;
static struct redis_link *link_to;

static enum err
drain(struct diag *d)
{
	enum err e = ERR_OK;

	while (e == ERR_OK && redis_link_unanswered(link_to) > 0) {
		redisReply *r = NULL;

		e = redis_link_reply(link_to, 30000, &r, d);
		if (e == ERR_OK && r->type == REDIS_REPLY_ERROR) {
			e = diag_set(d, redis_reply_err(r), "%s", r->str);
		}
		freeReplyObject(r);
	}
	return e;
}

static enum err
push(const char *key, struct view raw, struct frame_header *h, struct diag *d)
{
	char text[5][24];
	struct view data;
	enum err e = frame_pack(codec, raw, h, &data);
	const char *argv[] = { "XADD",  key,     "*",     "v",     "1",
			       "epoch", text[0], "seq",   text[1], "enc",
			       "zlib",  "n",     text[2], "sev",   text[3],
			       "crc",   text[4], "data",  NULL };
	size_t len[19];

	if (e != ERR_OK) {
		return e;
	}
	snprintf(text[0], sizeof(text[0]), "%" PRIu64, h->epoch);
	snprintf(text[1], sizeof(text[1]), "%" PRIu64, h->seq);
	snprintf(text[2], sizeof(text[2]), "%" PRIu32, h->n);
	snprintf(text[3], sizeof(text[3]), "%u", h->sev);
	snprintf(text[4], sizeof(text[4]), "%" PRIu32, h->crc);
	argv[18] = (const char *)data.p;
	for (int i = 0; i < 18; i++) {
		len[i] = strlen(argv[i]);
	}
	len[18] = data.len;
	e = redis_link_queue(link_to, 19, argv, len);
	if (e == ERR_OK && redis_link_unanswered(link_to) >= PIPELINE) {
		e = drain(d);
	}
	return e;
}

static enum err
push_all(const char *name, uint64_t epoch, uint64_t seq, unsigned long per,
	 struct diag *d)
{
	char key[256], *line = NULL, *raw = malloc(FRAME_MAX_RAW);
	size_t cap = 0, len = 0;
	struct frame_header h = { .epoch = epoch, .seq = seq, .sev = 1 };
	redisReply *r = NULL;
	ssize_t n;
	enum err e = redis_link_call(link_to, 5000, &r, d,
				     "SADD picket:sensors %s", name);

	freeReplyObject(r);
	snprintf(key, sizeof(key), "picket:alerts:{%s}", name);
	while (e == ERR_OK && raw != NULL &&
	       (n = getline(&line, &cap, stdin)) > 0) {
		if (h.n == per || len + (size_t)n > FRAME_MAX_RAW) {
			e = push(key, view_of(raw, len), &h, d);
			len = 0;
			h.n = 0;
			h.seq++;
		}
		if ((size_t)n <= FRAME_MAX_RAW) {
			memcpy(raw + len, line, (size_t)n);
			len += (size_t)n;
			h.n++;
		}
	}
	if (e == ERR_OK && h.n > 0) {
		e = push(key, view_of(raw, len), &h, d);
	}
	if (e == ERR_OK) {
		e = drain(d);
	}
	free(raw);
	free(line);
	return e;
}

int
main(int argc, char **argv)
{
	struct diag d = { "" };
	enum err e;

	if (argc != 6) {
		fputs("usage: framepush URL SITE/SENSOR EPOCH FIRST_SEQ "
		      "LINES_PER_FRAME <eve.json\n",
		      stderr);
		return 2;
	}
	codec = frame_codec_new(6);
	e = redis_link_new(&link_to, argv[1], &d);
	if (e == ERR_OK) {
		e = redis_link_connect(link_to, 5000, &d);
	}
	if (e == ERR_OK) {
		e = push_all(argv[2], strtoull(argv[3], NULL, 10),
			     strtoull(argv[4], NULL, 10),
			     strtoul(argv[5], NULL, 10), &d);
	}
	if (e != ERR_OK) {
		fprintf(stderr, "framepush: %s\n", d.msg);
	}
	redis_link_free(link_to);
	frame_codec_free(codec);
	return e == ERR_OK ? 0 : 1;
}
