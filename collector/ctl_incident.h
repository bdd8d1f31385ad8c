/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ctl_incident.h - one incident in plain words
 *
 * Place    above ctl_show.
 * Threads  one.
 * Memory   the incident's summary, parsed.
 */
#ifndef COLLECTOR_CTL_INCIDENT_H
#define COLLECTOR_CTL_INCIDENT_H

#include "collector/ctl_show.h"

/* ERR_NOTFOUND when there is none of that id. */
enum err ctl_incident_show(struct ctl *c, int64_t id) MUST_CHECK;
/* All that ctl_incidents() would list, worst first. */
enum err ctl_incident_show_all(struct ctl *c) MUST_CHECK;

#endif
