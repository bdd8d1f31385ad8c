/* SPDX-License-Identifier: Apache-2.0 */
/* What a worker and its parts have counted, for whoever tells of it. */
#include "sensor/worker_state.h"

#include "sensor/tag.h"

const struct overload *
worker_overload(const struct worker *w)
{
	return &w->overload;
}

const struct worker_counters *
worker_counters(const struct worker *w)
{
	return &w->count;
}

void
worker_decode(const struct worker *w, struct decode_counters *out)
{
	decode_counters(w->decoder, out);
}

const struct decoder *
worker_decoder(const struct worker *w)
{
	return w->decoder;
}

const struct flow_counters *
worker_flows(const struct worker *w)
{
	return flow_counters(w->flows);
}

const struct stream_counters *
worker_streams(const struct worker *w)
{
	return stream_counters(w->streams);
}

const struct app_counters *
worker_apps(const struct worker *w)
{
	return app_counters(w->apps);
}

const struct file_ctx *
worker_files(const struct worker *w)
{
	return w->apps->files;
}

const struct rule_matcher_stats *
worker_matcher(const struct worker *w)
{
	return rule_matcher_stats(w->matcher);
}

const struct rule_profile *
worker_costs(const struct worker *w)
{
	return rule_matcher_costs(w->matcher);
}

const struct contacts_counters *
worker_contacts(const struct worker *w)
{
	return w->contacts != NULL ? contacts_desk_counters(w->contacts) : NULL;
}

const struct tag_counters *
worker_tags(const struct worker *w)
{
	return w->tags != NULL ? tag_counters(w->tags) : NULL;
}

size_t
worker_memory(const struct worker *w)
{
	return pool_in_use(w->pool);
}

uint64_t
worker_pool_misses(const struct worker *w)
{
	return pool_misses(w->pool);
}
