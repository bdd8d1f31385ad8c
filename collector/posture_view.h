/* SPDX-License-Identifier: Apache-2.0 */
/*
 * posture_view.h - which posture holds where, and who obeys
 *
 * Place    above store_posture; below console_ops and ctl_posture.
 * Threads  as the reader.
 * Memory   the newest order of each site, at most 4096.
 * Cost     a walk over the orders and the sensors.
 */
#ifndef COLLECTOR_POSTURE_VIEW_H
#define COLLECTOR_POSTURE_VIEW_H

#include "collector/store_posture.h"
#include "collector/store_reader.h"
#include "common/json.h"

#define POSTURE_VIEW_ORDERS 10 /* that are shown when nobody says how many */

struct posture_view;

/* What holds now.  ERR_NOMEM, ERR_IO. */
enum err posture_view_new(struct posture_view **out,
			  struct store_reader *r) MUST_CHECK;
void posture_view_free(struct posture_view *p);

/* The level that holds at 'site' ("": at all sites); NULL: none was ordered. */
const char *posture_view_level(const struct posture_view *p, const char *site);
/* "" when the sensor does as it was told, else why not. */
const char *posture_view_trouble(const struct posture_view *p,
				 const struct store_posture_sensor *s);
/* Members of an open object: "posture", "levels", "settings", the last
 * 'orders' orders and "sensors".  ERR_IO. */
enum err posture_view_json(struct posture_view *p, struct store_reader *r,
			   unsigned orders, struct json *j) MUST_CHECK;

#endif
