/* SPDX-License-Identifier: Apache-2.0 */
#include "common/redis_reply.h"

static const struct {
	const char *word; /* the reply's first; NULL: not from a reply */
	const char *name;
	enum err e;
	const char *mend; /* what whoever runs it can do; NULL: nothing known */
} troubles[REDIS_TROUBLES] = {
	[REDIS_NO_TROUBLE] = { NULL, "none", ERR_OK, NULL },
	[REDIS_OOM] = { "OOM", "oom", ERR_AGAIN,
			"give it more maxmemory, or start the collector, which "
			"makes room" },
	[REDIS_READONLY] = { "READONLY", "readonly", ERR_AGAIN,
			     "its master is elsewhere: put all its addresses, "
			     "as redis+sentinel:// or redis+cluster://, into "
			     "the URL" },
	[REDIS_LOADING] = { "LOADING", "loading", ERR_AGAIN,
			    "it reads its file and goes on by itself" },
	[REDIS_BUSY] = { "BUSY", "busy", ERR_AGAIN,
			 "a script runs there for long: SCRIPT KILL ends it" },
	[REDIS_CLUSTERDOWN] = { "CLUSTERDOWN", "clusterdown", ERR_AGAIN,
				"a part of the cluster has no master: see "
				"CLUSTER NODES" },
	[REDIS_MASTERDOWN] = { "MASTERDOWN", "masterdown", ERR_AGAIN,
			       "see its link to the master: INFO replication" },
	[REDIS_TRYAGAIN] = { "TRYAGAIN", "tryagain", ERR_AGAIN,
			     "a slot moves between nodes; it goes on by "
			     "itself" },
	[REDIS_MISCONF] = { "MISCONF", "misconf", ERR_AGAIN,
			    "it cannot save to its disk: see its log and its "
			    "directory" },
	[REDIS_NOREPLICAS] = { "NOREPLICAS", "noreplicas", ERR_AGAIN,
			       "it has fewer replicas than "
			       "min-replicas-to-write" },
	[REDIS_NOPERM] = { "NOPERM", "noperm", ERR_AUTH,
			   "grant its user what docs/formats.md lists: ACL "
			   "SETUSER" },
	[REDIS_NOAUTH] = { "NOAUTH", "noauth", ERR_AUTH,
			   "the URL wants user:password@ before the host" },
	[REDIS_WRONGPASS] = { "WRONGPASS", "wrongpass", ERR_AUTH,
			      "compare user and password of the URL with ACL "
			      "LIST" },
	[REDIS_MOVED] = { "MOVED", "moved", ERR_AGAIN, NULL },
	[REDIS_ASK] = { "ASK", "ask", ERR_AGAIN, NULL },
	[REDIS_OTHER] = { NULL, "other", ERR_FORMAT, NULL },
	[REDIS_UNREACHABLE] = { NULL, "unreachable", ERR_CLOSED, NULL },
	[REDIS_CLOSED] = { NULL, "closed", ERR_CLOSED, NULL },
	[REDIS_SILENT] = { NULL, "silent", ERR_AGAIN, NULL },
	[REDIS_GARBAGE] = { NULL, "garbage", ERR_CLOSED, NULL },
	[REDIS_TLS] = { NULL, "tls", ERR_CLOSED, NULL },
	[REDIS_NOT_MASTER] = { NULL, "notmaster", ERR_CLOSED, NULL },
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

const char *
redis_trouble_mend(enum redis_trouble t)
{
	return troubles[t].mend;
}

enum err
redis_reply_err(const redisReply *r)
{
	return troubles[redis_reply_trouble(r)].e;
}
