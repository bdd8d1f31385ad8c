/* SPDX-License-Identifier: Apache-2.0 */
#include "common/redis_reply.h"

static const struct {
	const char *word; /* the reply's first; NULL: not from a reply */
	const char *name;
	enum err e;
} troubles[REDIS_TROUBLES] = {
	[REDIS_NO_TROUBLE] = { NULL, "none", ERR_OK },
	[REDIS_OOM] = { "OOM", "oom", ERR_AGAIN },
	[REDIS_READONLY] = { "READONLY", "readonly", ERR_AGAIN },
	[REDIS_LOADING] = { "LOADING", "loading", ERR_AGAIN },
	[REDIS_BUSY] = { "BUSY", "busy", ERR_AGAIN },
	[REDIS_CLUSTERDOWN] = { "CLUSTERDOWN", "clusterdown", ERR_AGAIN },
	[REDIS_MASTERDOWN] = { "MASTERDOWN", "masterdown", ERR_AGAIN },
	[REDIS_TRYAGAIN] = { "TRYAGAIN", "tryagain", ERR_AGAIN },
	[REDIS_MISCONF] = { "MISCONF", "misconf", ERR_AGAIN },
	[REDIS_NOREPLICAS] = { "NOREPLICAS", "noreplicas", ERR_AGAIN },
	[REDIS_NOPERM] = { "NOPERM", "noperm", ERR_AUTH },
	[REDIS_NOAUTH] = { "NOAUTH", "noauth", ERR_AUTH },
	[REDIS_WRONGPASS] = { "WRONGPASS", "wrongpass", ERR_AUTH },
	[REDIS_MOVED] = { "MOVED", "moved", ERR_AGAIN },
	[REDIS_ASK] = { "ASK", "ask", ERR_AGAIN },
	[REDIS_OTHER] = { NULL, "other", ERR_FORMAT },
	[REDIS_UNREACHABLE] = { NULL, "unreachable", ERR_CLOSED },
	[REDIS_CLOSED] = { NULL, "closed", ERR_CLOSED },
	[REDIS_SILENT] = { NULL, "silent", ERR_AGAIN },
	[REDIS_GARBAGE] = { NULL, "garbage", ERR_CLOSED },
	[REDIS_TLS] = { NULL, "tls", ERR_CLOSED },
	[REDIS_NOT_MASTER] = { NULL, "notmaster", ERR_CLOSED },
};

enum redis_trouble
redis_reply_trouble(const redisReply *r)
{
	if (r->type != REDIS_REPLY_ERROR) {
		return REDIS_NO_TROUBLE;
	}
	for (int t = 0; t < REDIS_TROUBLES; t++) {
		const char *word = troubles[t].word;
		size_t n = word != NULL ? strlen(word) : 0;

		if (n > 0 && r->len >= n && memcmp(r->str, word, n) == 0 &&
		    (r->len == n || r->str[n] == ' ')) {
			return (enum redis_trouble)t;
		}
	}
	return REDIS_OTHER;
}

const char *
redis_trouble_name(enum redis_trouble t)
{
	return troubles[t].name;
}

enum err
redis_reply_err(const redisReply *r)
{
	return troubles[redis_reply_trouble(r)].e;
}
