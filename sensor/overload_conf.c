/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/overload_conf.h"

#include <string.h>

#include "common/clock.h"

#define PERCENT (OVERLOAD_FULL / 100)

static enum err
read_fills(struct overload_conf *out, const struct conf *c, struct diag *d)
{
	uint64_t start = conf_u64(c, "overload.start", 25, 1, 100);
	uint64_t urgent = conf_u64(c, "overload.urgent", 60, 1, 100);
	uint64_t stop = conf_u64(c, "overload.stop", 5, 0, 99);

	if (stop >= start || start > urgent) {
		return diag_set(d, ERR_USAGE,
				"overload: stop (%u), start (%u) and urgent "
				"(%u) are percents of the capture buffer; "
				"stop has to be below start, and start not "
				"above urgent",
				(unsigned)stop, (unsigned)start,
				(unsigned)urgent);
	}
	out->start = (unsigned)start * PERCENT;
	out->urgent = (unsigned)urgent * PERCENT;
	out->stop = (unsigned)stop * PERCENT;
	return ERR_OK;
}

static enum err
read_table(struct overload_conf *out, const struct conf *c, const char *site,
	   struct diag *d)
{
	const char *missions = conf_str(c, "overload.missions", "");
	enum err e = asset_priorities_add_conf(out->table, c, d);

	out->missions = missions[0] != '\0';
	if (e == ERR_OK && out->missions) {
		e = asset_priorities_add_missions(out->table, missions, site,
						  d);
	}
	asset_priorities_seal(out->table);
	return e;
}

enum err
overload_conf_read(struct overload_conf *out, const struct conf *c,
		   const char *site, struct diag *d)
{
	enum err e;

	memset(out, 0, sizeof(*out));
	out->enabled = conf_bool(c, "overload.enabled", true);
	out->step_us = conf_u64(c, "overload.step-ms", 20, 1, 60000) * 1000;
	out->calm_us = conf_u64(c, "overload.calm-ms", 1000, 1, 3600000) * 1000;
	out->elephant_bytes = conf_u64(c, "overload.elephant-bytes",
				       UINT64_C(10) << 20, 0, UINT64_MAX);
	out->elephant_keep = conf_u64(c, "overload.elephant-keep",
				      UINT64_C(64) << 10, 0, UINT64_MAX);
	out->default_priority =
		(uint8_t)conf_u64(c, "overload.default-priority", PRIORITY_LAST,
				  PRIORITY_FIRST, PRIORITY_LAST);
	e = read_fills(out, c, d);
	if (e != ERR_OK) {
		return e;
	}
	out->table = asset_priorities_new();
	if (out->table == NULL) {
		return diag_set(d, ERR_NOMEM, "out of memory");
	}
	e = read_table(out, c, site, d);
	if (e != ERR_OK) {
		overload_conf_fini(out);
		return e;
	}
	overload_make_levels(out, asset_priorities_used(out->table) |
					  1U << out->default_priority);
	return ERR_OK;
}

void
overload_conf_fini(struct overload_conf *c)
{
	asset_priorities_free(c->table);
	c->table = NULL;
}
