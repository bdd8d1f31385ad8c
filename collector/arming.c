/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/arming.h"

#include "collector/indicator_list.h"

#define KEY "control.sign-key"

enum err
arming_check(const struct conf *c, struct diag *d)
{
	const char *key = conf_named(c, KEY);
	struct sign_key *k = NULL;
	enum err e = key != NULL ? sign_key_load_any(&k, key, true, d) : ERR_OK;

	if (e == ERR_OK && k != NULL && sign_key_alg(k) != SIGN_ED25519) {
		e = diag_set(d, ERR_USAGE,
			     KEY ": sensors take an Ed25519 key only; make one "
				 "with: picketctl keys make FILE");
	}
	sign_key_free(k);
	return e;
}

enum err
arming_start(struct arming *a, const struct conf *c,
	     const struct redis_options *redis, const char *store,
	     bool (*held)(void *arg), void *held_arg, struct diag *d)
{
	struct arm_options o = { .redis = redis,
				 .key = conf_named(c, KEY),
				 .held = held,
				 .held_arg = held_arg };
	enum err e;

	if (o.key == NULL) {
		return ERR_OK;
	}
	e = arming_check(c, d);
	if (e == ERR_OK) {
		e = store_reader_open(&a->store, store, d);
	}
	if (e == ERR_OK) {
		o.source = (struct arm_source){ a->store,
						indicator_changes_version,
						indicator_changes };
		e = arm_new(&a->arm, &o, d);
	}
	if (e == ERR_OK) {
		e = arm_start(a->arm, d);
	}
	if (e != ERR_OK) {
		arming_stop(a);
	}
	return e;
}

void
arming_stop(struct arming *a)
{
	arm_free(a->arm);
	store_reader_close(a->store);
	*a = (struct arming){ .arm = NULL };
}

void
arming_seen(void *arg, const char *version)
{
	struct arming *a = arg;

	if (a->arm != NULL) {
		arm_seen(a->arm, version);
	}
}
