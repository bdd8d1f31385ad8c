/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/contacts_conf.h"

#include "common/clock.h"

#define HOME_MEMORY ((size_t)16 << 20)

static enum err
read_home(struct contacts_conf *out, const struct conf *c, struct diag *d)
{
	struct rule_vars *vars;
	struct diag why = { "" };
	enum err e;

	out->pool = pool_new(HOME_MEMORY);
	if (out->pool == NULL) {
		return diag_set(d, ERR_NOMEM, "out of memory");
	}
	arena_init(&out->arena, out->pool, HOME_MEMORY);
	arena_allow_heap(&out->arena);
	vars = rule_vars_new(c, &out->arena);
	if (vars == NULL) {
		return diag_set(d, ERR_NOMEM, "out of memory");
	}
	e = rule_vars_addrs(vars, VIEW_LIT("$HOME_NET"), &out->home, &why);
	rule_vars_free(vars);
	return e == ERR_OK ? e : diag_set(d, e, "HOME_NET: %s", why.msg);
}

enum err
contacts_conf_read(struct contacts_conf *out, const struct conf *c,
		   struct diag *d)
{
	enum err e;

	*out = (struct contacts_conf){
		.enabled = conf_bool(c, "contacts.enabled", true),
		.interval_us = conf_u64(c, "contacts.interval", 60, 1, 3600) *
			       US_PER_S,
		.max_hosts = (uint32_t)conf_u64(c, "contacts.max-hosts", 8192,
						16, 1 << 20),
	};
	/* Also when nobody tells of contacts: whose a host is, others ask. */
	e = read_home(out, c, d);
	if (e != ERR_OK) {
		contacts_conf_fini(out);
	}
	return e;
}

void
contacts_conf_fini(struct contacts_conf *c)
{
	if (c->pool != NULL) {
		arena_reset(&c->arena);
		pool_free(c->pool);
	}
	*c = (struct contacts_conf){ .enabled = false };
}
