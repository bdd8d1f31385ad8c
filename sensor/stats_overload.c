/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/stats_overload.h"

#include <stdio.h>

/* Of what workers gave up alike: from the first to the last. */
static void
add_span(struct overload_span *sum, const struct overload_span *s)
{
	if (s->since_us != 0) {
		/* an overload that began behind the end of the other is the
		 * latest */
		bool later = sum->since_us == 0 || s->since_us > sum->last_us;
		bool earlier = sum->since_us != 0 && s->last_us < sum->since_us;

		if (later) {
			sum->since_us = s->since_us;
		} else if (!earlier) {
			sum->since_us = MIN(sum->since_us, s->since_us);
		}
		sum->last_us = MAX(sum->last_us, s->last_us);
	}
	sum->frames += s->frames;
}

void
stats_overload_sum(const struct stats_source *s, struct overload *out)
{
	*out = (struct overload){ .conf = NULL };
	for (unsigned i = 0; i < s->n_workers; i++) {
		const struct overload *o = worker_overload(s->workers[i]);

		out->conf = o->conf;
		out->level = MAX(out->level, o->level);
		for (unsigned r = 0; r < SHED_REASONS; r++) {
			out->count.shed[r].packets += o->count.shed[r].packets;
			out->count.shed[r].bytes += o->count.shed[r].bytes;
			out->count.shed[r].flows += o->count.shed[r].flows;
		}
		for (unsigned p = 0; p <= PRIORITY_LAST; p++) {
			add_span(&out->count.payload[p], &o->count.payload[p]);
			add_span(&out->count.all[p], &o->count.all[p]);
		}
		out->count.raised += o->count.raised;
		out->count.lowered += o->count.lowered;
		out->count.overloaded_us += o->count.overloaded_us;
		out->count.highest = MAX(out->count.highest, o->count.highest);
	}
}

void
stats_put_shed(struct json *j, const struct stats_source *s)
{
	struct overload sum;

	stats_overload_sum(s, &sum);
	for (unsigned r = 0; r < SHED_REASONS; r++) {
		char name[32];

		snprintf(name, sizeof(name), "shed_%s",
			 overload_shed_name((enum overload_shed)r));
		json_u64(j, name, sum.count.shed[r].packets);
	}
}

void
stats_put_overload(struct json *j, const struct stats_source *s)
{
	struct overload sum;

	stats_overload_sum(s, &sum);
	if (sum.conf == NULL) {
		return; /* files wait */
	}
	json_obj(j, "overload");
	json_u64(j, "level", sum.level);
	json_u64(j, "highest_level", sum.count.highest);
	json_u64(j, "levels", sum.conf->n_levels - 1);
	json_u64(j, "raised", sum.count.raised);
	json_u64(j, "lowered", sum.count.lowered);
	json_u64(j, "ms", sum.count.overloaded_us / 1000);
	json_obj(j, "shed_bytes");
	for (unsigned r = 0; r < SHED_REASONS; r++) {
		json_u64(j, overload_shed_name((enum overload_shed)r),
			 sum.count.shed[r].bytes);
	}
	json_obj_end(j);
	json_obj(j, "shed_flows");
	for (unsigned r = 0; r < SHED_REASONS; r++) {
		json_u64(j, overload_shed_name((enum overload_shed)r),
			 sum.count.shed[r].flows);
	}
	json_obj_end(j);
	json_obj_end(j);
}
