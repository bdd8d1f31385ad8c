/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/loss_report.h"

#include <stdio.h>

#include "common/clock.h"
#include "common/ledger.h"
#include "common/log.h"

static const char *const cause_names[SPOOL_CAUSES] = {
	[SPOOL_FULL] = "spool_full",
	[SPOOL_DISK_FULL] = "disk_full",
	[SPOOL_DISK_ERROR] = "disk_error",
	[SPOOL_NO_MEMORY] = "no_memory",
};

const char *
loss_cause_name(enum spool_cause cause)
{
	return cause_names[cause];
}

static uint64_t
shed(const struct loss_counts *c)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < SPOOL_CAUSES; i++) {
		n += c->causes[i];
	}
	return n;
}

uint64_t
loss_total(const struct loss_counts *c)
{
	return shed(c) + c->queue_full + c->oversize;
}

void
loss_report_init(struct loss_report *r, const struct loss_counts *now)
{
	*r = (struct loss_report){ .told = *now };
}

void
loss_counts_json(const struct loss_counts *c, struct json *j)
{
	json_u64(j, "queue_full", c->queue_full);
	json_u64(j, "oversize", c->oversize);
	for (unsigned i = 0; i < SPOOL_CAUSES; i++) {
		json_u64(j, cause_names[i], c->causes[i]);
	}
}

static void
write_alert(const struct loss_report *r, const struct loss_counts *c,
	    const struct loss_origin *o, struct json *j)
{
	json_reset(j);
	json_obj(j, NULL);
	json_time(j, "timestamp", clock_wall_us());
	json_cstr(j, "event_type", "alert");
	json_obj(j, "alert");
	json_cstr(j, "action", "allowed");
	json_u64(j, "gid", 1);
	json_u64(j, "signature_id", LOSS_REPORT_SID);
	json_u64(j, "rev", 2);
	json_cstr(j, "signature", "PICKET events lost before they were sent");
	json_cstr(j, "category", "Sensor Health");
	json_u64(j, "severity", 1);
	json_obj_end(j);
	json_obj(j, "picket");
	json_cstr(j, "site", o->site);
	json_cstr(j, "sensor", o->sensor);
	if (o->exercise[0] != '\0') {
		json_cstr(j, "exercise", o->exercise);
	}
	json_u64(j, "lost_since", loss_total(c) - loss_total(&r->told));
	json_obj(j, "lost");
	loss_counts_json(c, j);
	json_obj_end(j);
	json_u64(j, "shed_since", shed(c) - shed(&r->told));
	json_obj(j, "shed");
	for (unsigned i = 0; i < SPOOL_CLASSES; i++) {
		json_u64(j, ledger_class_name(i), c->shed[i]);
	}
	json_obj_end(j);
	json_obj_end(j);
	json_obj_end(j);
}

void
loss_counts_text(const struct loss_counts *c, char *out, size_t cap)
{
	snprintf(out, cap,
		 "%llu the queue was full, %llu too long, %llu spool full, "
		 "%llu disk full, %llu disk error, %llu out of memory",
		 (unsigned long long)c->queue_full,
		 (unsigned long long)c->oversize,
		 (unsigned long long)c->causes[SPOOL_FULL],
		 (unsigned long long)c->causes[SPOOL_DISK_FULL],
		 (unsigned long long)c->causes[SPOOL_DISK_ERROR],
		 (unsigned long long)c->causes[SPOOL_NO_MEMORY]);
}

static void
say_begun(const struct loss_counts *c, const struct loss_counts *told)
{
	struct loss_counts now = *c;
	char text[200];

	now.queue_full -= told->queue_full;
	now.oversize -= told->oversize;
	for (unsigned i = 0; i < SPOOL_CAUSES; i++) {
		now.causes[i] -= told->causes[i];
	}
	loss_counts_text(&now, text, sizeof(text));
	log_warn("events are being lost before they are sent: %s", text);
}

bool
loss_report(struct loss_report *r, const struct loss_counts *c,
	    const struct loss_origin *o, uint64_t now_us, bool last,
	    struct json *j)
{
	uint64_t lost = loss_total(c) - loss_total(&r->told);

	if (now_us < r->next_us && !last) {
		return false;
	}
	if (lost == 0) {
		if (r->losing) {
			log_info("no more events are lost; at most %llu were",
				 (unsigned long long)r->since);
			r->losing = false;
		}
		return false;
	}
	if (!r->losing) {
		say_begun(c, &r->told);
		r->losing = true;
		r->since = 0;
	}
	write_alert(r, c, o, j);
	r->since += lost;
	r->alerts++;
	r->told = *c;
	r->next_us = now_us + LOSS_REPORT_US;
	return !j->failed;
}
