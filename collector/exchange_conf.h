/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exchange_conf.h - the parties that we exchange with, from the settings
 *
 * exchange.partners.NAME.* says how a party is reached and whose signatures are
 * its own; what it may see is the entry of the same name in the policy
 * (share_policy.h), whose 'producer' is our own name.
 *
 * Place    above conf.h, share_policy.h and exchange_frame.h; below what sends
 *          and what receives.
 * Threads  read at the start by one; keys check for any number, the own key
 *          signs for one thread at a time: who signs in another thread loads
 *          one with exchange_conf_own().
 * Memory   heap, freed whole; the settings may go before.
 * Cost     cold.
 */
#ifndef COLLECTOR_EXCHANGE_CONF_H
#define COLLECTOR_EXCHANGE_CONF_H

#include "collector/exchange_frame.h"
#include "collector/share_policy.h"
#include "common/conf.h"

#define EXCHANGE_MAX_PARTIES 16
#define EXCHANGE_QUOTA UINT64_C(1000000)
#define EXCHANGE_OUTBOX_BYTES (UINT64_C(256) << 20)
#define EXCHANGE_OUTBOX_BUNDLES 1000

/* Rows for the program's table of settings. */
#define EXCHANGE_ROWS \
	{ "exchange.sign-key", "string", "", \
	  "Ed25519 key that signs what partners get" }, \
		{ "exchange.interval", "number", "1", \
		  "seconds between looks at what there is for them" }, \
		{ "exchange.outbox-size", "size", "256mb", \
		  "bundles that wait for one partner, in bytes" }, \
		{ "exchange.outbox-bundles", "number", "1000", \
		  "bundles that wait for one partner" }, \
	{ \
		"exchange.partners.*", "list", "", \
			"other parties: url, outbox, inbox, public-key, quota" \
	}

struct exchange_conf {
	struct exchange_party *parties; /* in the order of their names */
	unsigned n;
	struct sign_key *own; /* NULL: there is no party */
	const char *us; /* the policy's producer */
	uint64_t interval_us;
	uint64_t outbox_bytes, outbox_bundles; /* most that wait for one */
	struct share_policy *policy; /* NULL: there is no party */
	const char *key_file;
	/* what the texts of all parties point to */
	char **texts;
	unsigned n_texts;
};

/* Without "exchange.partners" all is empty.  ERR_USAGE with diag that names the
 * setting; what share_policy_load() and sign_key_load() say; ERR_NOMEM. */
enum err exchange_conf_load(struct exchange_conf *out, const struct conf *c,
			    struct diag *d) MUST_CHECK;
void exchange_conf_free(struct exchange_conf *x);

/*
 * The same once more, for settings that were read again: keys, the policy and
 * quotas may be others.  ERR_USAGE with diag where something else is, which
 * takes a restart: a party that is new or gone, how one is reached, and our own
 * name.
 */
enum err exchange_conf_reload(struct exchange_conf *out,
			      const struct exchange_conf *was,
			      const struct conf *c, struct diag *d) MUST_CHECK;

/* The own key once more, for another thread: sign_key_free() it. */
enum err exchange_conf_own(const struct exchange_conf *x, struct sign_key **out,
			   struct diag *d) MUST_CHECK;
/* NULL: no party of that name. */
const struct exchange_party *exchange_conf_party(const struct exchange_conf *x,
						 const char *name);
/* What the policy lets that party see; NULL: nothing, it only sends. */
const struct share_partner *
exchange_conf_policy(const struct exchange_conf *x,
		     const struct exchange_party *party);

/* Calls 'fn' for each file and directory that the settings name; 'write': it
 * is written to. */
void exchange_conf_paths(const struct conf *c,
			 void (*fn)(void *arg, const char *path, bool write),
			 void *arg);

#endif
