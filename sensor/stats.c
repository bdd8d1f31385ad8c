/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/stats.h"

#include "common/clock.h"
#include "sensor/stats_overload.h"
#include "sensor/tag.h"

#define WORST_RULES 20

void
stats_sum_workers(const struct stats_source *s, struct worker_counters *out)
{
	*out = (struct worker_counters){ 0 };
	for (unsigned i = 0; i < s->n_workers; i++) {
		const struct worker_counters *c =
			worker_counters(s->workers[i]);
#define C(name) out->name += c->name;
		WORKER_COUNTER_LIST(C)
#undef C
	}
}

void
stats_captured(const struct stats_source *s, struct capture_stats *out)
{
	if (s->live != NULL) {
		live_sum(s->live, out);
	} else {
		*out = *capture_stats(s->capture);
	}
}

/* Suricata's names, over all interfaces. */
static void
put_capture(struct json *j, const struct stats_source *s)
{
	uint64_t seen = 0, dropped = 0, errors = 0;

	if (s->live == NULL) {
		return;
	}
	for (unsigned i = 0; i < live_interfaces(s->live); i++) {
		struct live_counters n;

		live_get_counters(s->live, i, &n);
		seen += n.kernel_seen;
		dropped += n.kernel_dropped;
		errors += n.errors;
	}
	json_obj(j, "capture");
	json_u64(j, "kernel_packets", seen);
	json_u64(j, "kernel_drops", dropped);
	json_u64(j, "errors", errors);
	json_obj_end(j);
}

/* Each interface's way from the wire to the workers: see live.h. */
static void
put_interfaces(struct json *j, const struct stats_source *s)
{
	if (s->live == NULL) {
		return;
	}
	json_arr(j, "capture");
	for (unsigned i = 0; i < live_interfaces(s->live); i++) {
		struct live_counters n;

		live_get_counters(s->live, i, &n);
		json_obj(j, NULL);
		json_cstr(j, "interface", n.name);
		json_bool(j, "up", n.up);
		json_u64(j, "wire_packets", n.wire_packets);
		json_u64(j, "wire_bytes", n.wire_bytes);
		json_u64(j, "if_dropped", n.if_dropped);
		json_u64(j, "kernel_seen", n.kernel_seen);
		json_u64(j, "kernel_dropped", n.kernel_dropped);
		json_u64(j, "delivered", n.delivered);
		json_u64(j, "bytes", n.bytes);
		json_u64(j, "waiting", n.waiting);
		json_u64(j, "unread", n.unread);
		json_u64(j, "opens", n.opens);
		json_u64(j, "downs", n.downs);
		json_u64(j, "errors", n.errors);
		if (n.last_packet_us > 0) {
			json_time(j, "last_packet", n.last_packet_us);
		}
		json_obj_end(j);
	}
	json_arr_end(j);
}

static void
put_decoder(struct json *j, const struct stats_source *s)
{
	struct decode_counters sum = { 0 };

	for (unsigned i = 0; i < s->n_workers; i++) {
		struct decode_counters c;

		worker_decode(s->workers[i], &c);
#define C(name) sum.name += c.name;
		DECODE_COUNTER_LIST(C)
#undef C
	}
	json_obj(j, "decoder");
#define C(name) json_u64(j, #name, sum.name);
	DECODE_COUNTER_LIST(C)
#undef C
	json_obj_end(j);
}

static void
put_flow(struct json *j, const struct stats_source *s)
{
	struct flow_counters sum = { 0 };

	for (unsigned i = 0; i < s->n_workers; i++) {
		const struct flow_counters *c = worker_flows(s->workers[i]);

		sum.total += c->total;
		sum.tcp += c->tcp;
		sum.udp += c->udp;
		sum.icmp += c->icmp;
		sum.other += c->other;
		sum.active += c->active;
		sum.emergency_evicted += c->emergency_evicted;
		sum.no_memory += c->no_memory;
		sum.mem += c->mem;
		sum.tcp_judged += c->tcp_judged;
		sum.tcp_one_way += c->tcp_one_way;
	}
	json_obj(j, "flow");
	json_u64(j, "total", sum.total);
	json_u64(j, "active", sum.active);
	json_u64(j, "tcp", sum.tcp);
	json_u64(j, "udp", sum.udp);
	json_u64(j, "icmpv4", sum.icmp);
	json_u64(j, "other", sum.other);
	json_u64(j, "emergency_evicted", sum.emergency_evicted);
	json_u64(j, "memcap", sum.no_memory);
	json_u64(j, "memuse", sum.mem);
	json_u64(j, "tcp_judged", sum.tcp_judged);
	json_u64(j, "tcp_one_way", sum.tcp_one_way);
	json_obj_end(j);
}

/* What was counted and no more looked at; Suricata's flow_bypassed. */
static void
put_bypassed(struct json *j, const struct stats_source *s)
{
	struct worker_counters w;

	stats_sum_workers(s, &w);
	json_obj(j, "flow_bypassed");
	json_u64(j, "local_pkts", w.bypassed_packets);
	json_u64(j, "local_bytes", w.bypassed_bytes);
	json_u64(j, "by_rule", w.bypassed_by_rule);
	json_u64(j, "encrypted", w.bypassed_encrypted);
	json_u64(j, "depth", w.bypassed_depth);
	json_obj(j, "payload_not_inspected");
	json_u64(j, "flows", w.unseen_flows);
	json_u64(j, "pkts", w.unseen_packets);
	json_u64(j, "bytes", w.unseen_bytes);
	json_obj_end(j);
	json_obj_end(j);
}

/* Who contacts whom, see contacts.h. */
static void
put_contacts(struct json *j, const struct stats_source *s)
{
	struct contacts_counters sum = { 0 };
	bool any = false;

	for (unsigned i = 0; i < s->n_workers; i++) {
		const struct contacts_counters *c =
			worker_contacts(s->workers[i]);

		if (c != NULL) {
			any = true;
#define C(name) sum.name += c->name;
			CONTACTS_COUNTER_LIST(C)
#undef C
		}
	}
	if (any) {
		json_obj(j, "contacts");
#define C(name) json_u64(j, #name, sum.name);
		CONTACTS_COUNTER_LIST(C)
#undef C
		json_obj_end(j);
	}
}

static void
put_tcp(struct json *j, const struct stats_source *s)
{
	struct stream_counters sum = { 0 };

	for (unsigned i = 0; i < s->n_workers; i++) {
		const struct stream_counters *c = worker_streams(s->workers[i]);
#define C(name) sum.name += c->name;
		STREAM_COUNTER_LIST(C)
#undef C
	}
	json_obj(j, "tcp");
#define C(name) json_u64(j, #name, sum.name);
	STREAM_COUNTER_LIST(C)
#undef C
	json_obj_end(j);
}

/* The protocols that were met, by name. */
static void
put_by_proto(struct json *j, const char *key,
	     const uint64_t count[APP_PROTO_COUNT])
{
	json_obj(j, key);
	for (unsigned p = APP_FAILED; p < APP_PROTO_COUNT; p++) {
		if (count[p] > 0) {
			json_u64(j, app_proto_name((enum app_proto)p),
				 count[p]);
		}
	}
	json_obj_end(j);
}

static void
put_app_layer(struct json *j, const struct stats_source *s)
{
	struct app_counters sum = { 0 };

	for (unsigned i = 0; i < s->n_workers; i++) {
		const struct app_counters *c = worker_apps(s->workers[i]);

		for (unsigned p = 0; p < APP_PROTO_COUNT; p++) {
			sum.flows[p] += c->flows[p];
			sum.txs[p] += c->txs[p];
			sum.failed[p] += c->failed[p];
		}
	}
	json_obj(j, "app_layer");
	put_by_proto(j, "flow", sum.flows);
	put_by_proto(j, "tx", sum.txs);
	put_by_proto(j, "error", sum.failed);
	json_obj_end(j);
}

/* What became of files, and of the store. */
static void
put_files(struct json *j, const struct stats_source *s)
{
	struct file_counters f = { 0 };
	struct file_store_counters k = { 0 };

	for (unsigned i = 0; i < s->n_workers; i++) {
		const struct file_ctx *c = worker_files(s->workers[i]);
		const struct file_store_counters *of = file_store_counts(c);

		f.opened += file_counters(c)->opened;
		f.refused += file_counters(c)->refused;
		f.no_digest += file_counters(c)->no_digest;
		k.stored += of->stored;
		k.errors += of->errors;
		k.too_many += of->too_many;
		k.too_large += of->too_large;
	}
	json_obj(j, "file");
	json_u64(j, "opened", f.opened);
	json_u64(j, "refused", f.refused);
	json_u64(j, "no_digest", f.no_digest);
	json_obj_end(j);
	json_obj(j, "file_store");
	json_u64(j, "stored", k.stored);
	json_u64(j, "fs_errors", k.errors);
	json_u64(j, "open_files_max_hit", k.too_many);
	json_u64(j, "too_large", k.too_large);
	json_obj_end(j);
}

static void
put_detect(struct json *j, const struct stats_source *s)
{
	struct rule_matcher_stats sum = { 0 };
	struct tag_counters tags = { 0 };
	const struct sink_counters *k = sink_counters(s->sink);
	struct reload_status r;

	for (unsigned i = 0; i < s->n_workers; i++) {
		const struct rule_matcher_stats *m =
			worker_matcher(s->workers[i]);
		const struct tag_counters *g = worker_tags(s->workers[i]);

		sum.calls += m->calls;
		sum.candidates += m->candidates;
		sum.verified += m->verified;
		sum.hits += m->hits;
		sum.pcre_limit += m->pcre_limit;
		sum.step_limit += m->step_limit;
		sum.pattern_facts_dropped += m->pattern_facts_dropped;
		sum.prefilter_linear += m->prefilter_linear;
		sum.pending_full += m->pending_full;
		if (g != NULL) {
			tags.set += g->set;
			tags.full += g->full;
		}
	}
	reload_get_status(s->reload, &r);
	json_obj(j, "detect");
	json_arr(j, "engines");
	json_obj(j, NULL);
	json_u64(j, "id", r.done);
	json_time(j, "last_reload", r.last_us);
	json_u64(j, "rules_loaded", r.loaded);
	json_u64(j, "rules_failed", r.refused);
	json_u64(j, "rules_skipped", r.skipped);
	json_obj_end(j);
	json_arr_end(j);
	json_u64(j, "indicators", r.indicators);
	json_u64(j, "alert", k->alerts);
	json_u64(j, "alert_queue_overflow",
		 held_total(sink_held(s->sink), HELD_ALERT_MAX));
	json_u64(j, "alerts_suppressed",
		 k->suppressed + held_total(sink_held(s->sink), HELD_SUPPRESS));
	json_u64(j, "calls", sum.calls);
	json_u64(j, "candidates", sum.candidates);
	json_u64(j, "verified", sum.verified);
	json_u64(j, "matches", sum.hits);
	json_u64(j, "pcre_limit", sum.pcre_limit);
	json_u64(j, "step_limit", sum.step_limit);
	json_u64(j, "pattern_facts_dropped", sum.pattern_facts_dropped);
	json_u64(j, "prefilter_linear", sum.prefilter_linear);
	json_u64(j, "pending_full", sum.pending_full);
	json_u64(j, "tags", tags.set);
	json_u64(j, "tags_full", tags.full);
	json_obj_end(j);
}

/* What was held back, by cause, and the rules that it happened to most. */
static void
put_held(struct json *j, const struct held *h)
{
	const struct held_rule *worst[WORST_RULES];
	uint32_t n = held_worst(h, worst, WORST_RULES);

	json_obj(j, "suppressed");
	for (unsigned c = 0; c < HELD_CAUSES; c++) {
		json_u64(j, held_cause_name((enum held_cause)c),
			 held_total(h, (enum held_cause)c));
	}
	json_u64(j, "rules", held_rules(h));
	json_arr(j, "worst");
	for (uint32_t i = 0; i < n; i++) {
		json_obj(j, NULL);
		json_u64(j, "gid", worst[i]->gid);
		json_u64(j, "signature_id", worst[i]->sid);
		json_u64(j, "total", worst[i]->total);
		for (unsigned c = 0; c < HELD_CAUSES; c++) {
			if (worst[i]->by[c] > 0) {
				json_u64(j, held_cause_name((enum held_cause)c),
					 worst[i]->by[c]);
			}
		}
		json_obj_end(j);
	}
	json_arr_end(j);
	json_obj_end(j);
}

/* The set in use, and what became of the attempts to replace it. */
static void
put_rules(struct json *j, const struct stats_source *s)
{
	struct reload_status r;

	reload_get_status(s->reload, &r);
	json_obj(j, "rules");
	json_u64(j, "loaded", r.loaded);
	json_u64(j, "failed", r.refused);
	json_u64(j, "skipped", r.skipped);
	json_cstr(j, "digest", r.digest);
	json_u64(j, "version", r.version);
	json_u64(j, "reloads", r.done);
	json_u64(j, "reload_failed", r.failed);
	if (r.error[0] != '\0') {
		json_cstr(j, "reload_error", r.error);
	}
	json_obj_end(j);
}

/* The common indicators. */
static void
put_armed(struct json *j, struct armed *armed)
{
	char version[DELTA_VERSION_CAP];
	struct armed_status a;

	if (armed == NULL) {
		return;
	}
	armed_read(armed, &a);
	json_obj(j, "armed");
	json_cstr(j, "version",
		  delta_version_text(a.n.epoch, a.n.version, version));
	json_u64(j, "indicators", a.indicators);
	json_u64(j, "memory", a.memory);
	json_u64(j, "patterns", a.patterns);
	json_u64(j, "refused", a.n.refused + a.patterns_refused);
	json_u64(j, "lag_us", a.lag_us);
	json_u64(j, "most_lag_us", a.most_lag_us);
	json_u64(j, "deltas", a.n.deltas);
	json_u64(j, "bases", a.n.bases);
	json_u64(j, "put_in", a.n.armed);
	json_u64(j, "taken_out", a.n.disarmed);
	json_u64(j, "forged", a.n.forged);
	json_u64(j, "malformed", a.n.bad);
	json_u64(j, "old", a.n.old);
	json_u64(j, "gaps", a.n.gaps);
	json_u64(j, "reads_failed", a.reads_failed);
	json_bool(j, "saved", a.saved);
	json_obj_end(j);
}

/* What was handed on so far, and what was lost on the way to the spool. */
static void
put_forward(struct json *j, const struct forward_stats *f)
{
	if (f == NULL) {
		return;
	}
	json_obj(j, "forward");
	json_u64(j, "events", f->events);
	json_u64(j, "batches", f->batches);
	json_u64(j, "sent", f->sent);
	json_u64(j, "resent", f->resent);
	json_u64(j, "sync_failures", f->sync_failures);
	json_u64(j, "read_failures", f->read_failures);
	json_obj(j, "lost");
	loss_counts_json(&f->lost, j);
	json_obj_end(j);
	json_obj_end(j);
}

/* What Redis refused and how its connection failed, since the start. */
static void
put_redis(struct json *j, const struct forward_stats *f)
{
	if (f == NULL) {
		return;
	}
	json_obj(j, "redis");
	json_u64(j, "points_forged", f->points_forged);
	json_u64(j, "points_old", f->points_old);
	json_u64(j, "keys_reloads", f->keys_reloads);
	json_u64(j, "keys_failed", f->keys_failed);
	json_obj(j, "errors");
	for (int t = REDIS_NO_TROUBLE + 1; t < REDIS_TROUBLES; t++) {
		json_u64(j, redis_trouble_name((enum redis_trouble)t),
			 f->errors[t]);
	}
	json_obj_end(j);
	json_obj_end(j);
}

/* frames.in = inspected + skipped + dropped; alerts raised = written + ... */
static void
put_ledger(struct json *j, const struct stats_source *s)
{
	struct worker_counters w;
	const struct sink_counters *k = sink_counters(s->sink);
	struct capture_stats captured, *c = &captured;
	const struct held *h = sink_held(s->sink);

	stats_captured(s, c);
	stats_sum_workers(s, &w);
	json_obj(j, "picket");
	put_interfaces(j, s);
	json_obj(j, "frames");
	json_u64(j, "in", c->frames + c->filtered + c->oversized);
	json_u64(j, "bytes", c->bytes);
	json_u64(j, "inspected", w.inspected);
	json_obj(j, "skipped");
	json_u64(j, "not_ip", w.skipped_not_ip);
	json_u64(j, "invalid", w.skipped_invalid);
	stats_put_shed(j, s);
	json_u64(j, "bpf_filter", c->filtered);
	json_u64(j, "oversized", c->oversized);
	json_obj_end(j);
	json_obj(j, "dropped");
	json_u64(j, "stopped", c->frames - w.frames);
	json_obj_end(j);
	json_u64(j, "truncated_by_snaplen", c->truncated);
	json_u64(j, "files_cut_short", c->cut_short);
	json_obj_end(j);
	json_u64(j, "packets", w.packets);
	json_u64(j, "tunnel_packets", w.tunnel_packets);
	json_u64(j, "bypassed_packets", w.bypassed_packets);
	stats_put_overload(j, s);
	put_contacts(j, s);
	stats_put_retro(j, s->retro);
	stats_put_evidence(j, s->evidence);
	json_obj(j, "alerts");
	/* HELD_NO_MEMORY: raised, and found no memory for its line */
	json_u64(j, "raised", w.alerts + w.alerts_lost);
	json_u64(j, "written", k->alerts);
	json_u64(j, "suppressed_by_threshold", k->suppressed);
	json_u64(j, "held_by_shared_state", k->unmet);
	json_u64(j, "suppressed_by_list", held_total(h, HELD_SUPPRESS));
	json_u64(j, "beyond_packet_alert_max", held_total(h, HELD_ALERT_MAX));
	json_u64(j, "lost_no_memory",
		 w.alerts_lost + k->lost + held_total(h, HELD_NO_MEMORY));
	if (s->live != NULL) {
		json_u64(j, "lost_writer_behind", k->behind_alerts);
	}
	put_held(j, h);
	json_obj_end(j);
	json_u64(j, "anomalies", w.anomalies);
	json_u64(j, "events_lost", w.events_lost);
	json_u64(j, "forwarded", k->forwarded);
	put_redis(j, s->forward);
	json_u64(j, "write_errors", k->write_errors);
	json_u64(j, "eve_unwritten", k->unwritten);
	if (s->live != NULL) {
		json_u64(j, "events_lost_writer_behind", k->behind_events);
		json_u64(j, "claims_lost_writer_behind", k->behind_claims);
	}
	json_u64(j, "thresholds_evicted", k->threshold_evicted);
	if (s->shared != NULL) {
		struct shared_counters sc = shared_state_counters(s->shared);

		json_obj(j, "shared_state");
		json_u64(j, "host_bits_evicted", sc.host_bits_evicted);
		json_u64(j, "pair_bits_evicted", sc.pair_bits_evicted);
		json_u64(j, "dataset_values_refused", sc.values_refused);
		json_u64(j, "pattern_observations", sc.patterns_kept);
		json_u64(j, "pattern_observations_evicted",
			 sc.patterns_evicted);
		json_u64(j, "pattern_searches_limited", sc.patterns_limited);
		json_obj_end(j);
	}
	json_u64(j, "workers", s->n_workers);
	json_str(j, "ruleset",
		 view_cstr(ruleset_digest(reload_rules(s->reload))));
	put_rules(j, s);
	put_armed(j, s->armed);
	put_forward(j, s->forward);
	json_obj_end(j);
}

void
stats_write(struct json *j, const char *key, const struct stats_source *s)
{
	uint64_t mem = 0;

	for (unsigned i = 0; i < s->n_workers; i++) {
		mem += worker_memory(s->workers[i]);
	}
	json_obj(j, key);
	json_u64(j, "uptime",
		 (clock_mono_us() - s->started_mono_us) / US_PER_S);
	json_u64(j, "memuse", mem);
	put_capture(j, s);
	put_decoder(j, s);
	put_flow(j, s);
	put_bypassed(j, s);
	put_tcp(j, s);
	put_app_layer(j, s);
	put_files(j, s);
	put_detect(j, s);
	put_ledger(j, s);
	json_obj_end(j);
}

void
stats_event(struct json *j, const struct stats_source *s, uint64_t ts_us)
{
	json_reset(j);
	json_obj(j, NULL);
	json_time(j, "timestamp", ts_us);
	json_cstr(j, "event_type", "stats");
	stats_write(j, "stats", s);
	if (s->origin.site[0] != '\0') {
		json_obj(j, "picket");
		json_cstr(j, "site", s->origin.site);
		json_cstr(j, "sensor", s->origin.sensor);
		if (s->origin.exercise[0] != '\0') {
			json_cstr(j, "exercise", s->origin.exercise);
		}
		json_obj_end(j);
	}
	json_obj_end(j);
}
