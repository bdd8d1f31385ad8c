/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "sensor/metrics.h"

#include "common/confine.h"

/* clang-format off */
const struct metric_row metrics_rows[] = {
	{ "info", "info", METRIC_INFO, NULL,
	  "Who this is: version, site, sensor, owner, digest of the rules." },
	{ "confined.is", "confined", METRIC_INFO, NULL,
	  "What is held back from the program, in words." },
	{ "confined.landlock", "confined_landlock_version", METRIC_GAUGE, NULL,
	  "Version of Landlock in force; 0: none." },
	{ "confined.seccomp", "confined_system_calls", METRIC_GAUGE, NULL,
	  "System calls that seccomp lets through; 0: all." },
	{ "confined.threads.*", "confined_thread_system_calls", METRIC_GAUGE,
	  "kind", "Of those, what a thread of this kind may call." },
	{ "confined.capabilities", "confined_capabilities", METRIC_GAUGE,
	  NULL, "Capabilities that are left." },
	{ "stats.uptime", "uptime_seconds", METRIC_GAUGE, NULL,
	  "Seconds since the start." },
	{ "stats.memuse", "memory_bytes", METRIC_GAUGE, NULL,
	  "Bytes of the workers' pools in use." },

	{ "stats.capture.*", "capture_%_total", METRIC_COUNTER, NULL,
	  "Of all interfaces: % (capture.% of the statistics)." },
	{ "stats.decoder.*", "decoder_%_total", METRIC_COUNTER, NULL,
	  "Packets, layers or bytes decoded: % (decoder.% of the statistics)." },
	{ "stats.flow.total", "flows_total", METRIC_COUNTER, NULL,
	  "Flows seen." },
	{ "stats.flow.active", "flow_active", METRIC_GAUGE, NULL,
	  "Flows in the tables." },
	{ "stats.flow.memuse", "flow_memory_bytes", METRIC_GAUGE, NULL,
	  "Bytes that the flow tables take." },
	{ "stats.flow.*", "flow_%_total", METRIC_COUNTER, NULL,
	  "Flows: % (flow.% of the statistics)." },
	{ "stats.flow_bypassed.payload_not_inspected.*",
	  "flow_payload_not_inspected_%_total", METRIC_COUNTER, NULL,
	  "Encrypted and no longer looked into: %." },
	{ "stats.flow_bypassed.*", "flow_bypassed_%_total", METRIC_COUNTER,
	  NULL, "Counted and no longer inspected: %." },
	{ "stats.tcp.*", "tcp_%_total", METRIC_COUNTER, NULL,
	  "TCP reassembly: % (tcp.% of the statistics)." },
	{ "stats.app_layer.flow.*", "app_layer_flows_total", METRIC_COUNTER,
	  "protocol", "Flows by application protocol." },
	{ "stats.app_layer.tx.*", "app_layer_transactions_total",
	  METRIC_COUNTER, "protocol",
	  "Transactions by application protocol." },
	{ "stats.app_layer.error.*", "app_layer_errors_total", METRIC_COUNTER,
	  "protocol", "Flows whose parser gave up, by protocol." },
	{ "stats.file.*", "file_%_total", METRIC_COUNTER, NULL,
	  "Files carried by protocols: %." },
	{ "stats.file_store.*", "file_store_%_total", METRIC_COUNTER, NULL,
	  "The file store: %." },
	/* the same stands below "picket.rules" */
	{ "stats.detect.engines.**", NULL, METRIC_NONE, NULL, NULL },
	{ "stats.detect.indicators", "indicators", METRIC_GAUGE, NULL,
	  "Indicators in use." },
	{ "stats.detect.*", "detect_%_total", METRIC_COUNTER, NULL,
	  "The detection engine: % (detect.% of the statistics)." },

	{ "stats.picket.frames.in", "frames_total", METRIC_COUNTER, NULL,
	  "Frames that came in." },
	{ "stats.picket.frames.bytes", "frame_bytes_total", METRIC_COUNTER,
	  NULL, "Their captured bytes." },
	{ "stats.picket.frames.inspected", "frames_inspected_total",
	  METRIC_COUNTER, NULL, "Frames inspected." },
	{ "stats.picket.frames.skipped.*", "frames_skipped_total",
	  METRIC_COUNTER, "reason", "Frames not inspected, by reason." },
	{ "stats.picket.frames.dropped.*", "frames_dropped_total",
	  METRIC_COUNTER, "reason", "Frames dropped, by reason." },
	{ "stats.picket.frames.truncated_by_snaplen", "frames_truncated_total",
	  METRIC_COUNTER, NULL, "Frames of which the end was not captured." },
	{ "stats.picket.frames.files_cut_short", "files_cut_short_total",
	  METRIC_COUNTER, NULL, "Captures that end inside a record." },
	{ "stats.picket.capture.*.up", "interface_up", METRIC_GAUGE,
	  "interface", "1 while the interface is there and up." },
	{ "stats.picket.capture.*.waiting", "interface_waiting_packets",
	  METRIC_GAUGE, "interface", "Packets in the capture buffers." },
	{ "stats.picket.capture.*.*", "interface_%_total", METRIC_COUNTER,
	  "interface",
	  "On its way from the wire to the workers: % (picket.capture)." },
	{ "stats.picket.packets", "packets_total", METRIC_COUNTER, NULL,
	  "Packets inspected, those in tunnels counted apart." },
	{ "stats.picket.tunnel_packets", "tunnel_packets_total",
	  METRIC_COUNTER, NULL, "Packets found inside of others." },
	{ "stats.picket.bypassed_packets", "bypassed_packets_total",
	  METRIC_COUNTER, NULL, "Packets of flows no longer inspected." },
	{ "stats.picket.retro.notes.*", "retro_notes_total", METRIC_COUNTER,
	  "what", "What workers saw for the index, by what became of it." },
	{ "stats.picket.retro.index.*", "retro_index_total", METRIC_COUNTER,
	  "what", "What the index did and lost." },
	{ "stats.picket.retro.questions.*", "retro_questions_total",
	  METRIC_COUNTER, "what", "Indicators asked for in the past." },
	{ "stats.picket.retro.*", "retro_%", METRIC_GAUGE, NULL,
	  "The index of what was seen, on disk: %." },
	{ "stats.picket.evidence.stored_bytes", "evidence_stored_bytes",
	  METRIC_GAUGE, NULL, "Packets of alerts on disk." },
	{ "stats.picket.evidence.*", "evidence_%_total", METRIC_COUNTER, NULL,
	  "Packets of alerts kept: % (picket.evidence.% of the statistics)." },
	{ "stats.picket.contacts.*", "contacts_%_total", METRIC_COUNTER, NULL,
	  "Who contacts whom: % (picket.contacts.% of the statistics)." },
	{ "stats.picket.overload.level", "overload_level", METRIC_GAUGE, NULL,
	  "What is given up now: 0 is nothing." },
	{ "stats.picket.overload.highest_level", "overload_highest_level",
	  METRIC_GAUGE, NULL, "The highest level so far." },
	{ "stats.picket.overload.levels", "overload_levels", METRIC_GAUGE,
	  NULL, "Levels that the settings make, above 0." },
	{ "stats.picket.overload.shed_bytes.*", "overload_shed_bytes_total",
	  METRIC_COUNTER, "reason", "Bytes given up, by reason." },
	{ "stats.picket.overload.shed_flows.*", "overload_shed_flows_total",
	  METRIC_COUNTER, "reason", "Flows that lost some, by reason." },
	{ "stats.picket.overload.*", "overload_%_total", METRIC_COUNTER, NULL,
	  "Overload: % (picket.overload.% of the statistics)." },
	{ "stats.picket.alerts.raised", "alerts_raised_total", METRIC_COUNTER,
	  NULL, "Alerts that workers raised." },
	{ "stats.picket.alerts.written", "alerts_written_total",
	  METRIC_COUNTER, NULL, "Alerts written or forwarded." },
	{ "stats.picket.alerts.suppressed.worst.**", NULL, METRIC_NONE, NULL,
	  NULL },
	{ "stats.picket.alerts.suppressed.rules", "alerts_held_rules",
	  METRIC_GAUGE, NULL, "Rules of which matches became no alert." },
	{ "stats.picket.alerts.suppressed.*", "alerts_held_total",
	  METRIC_COUNTER, "cause", "Matches that became no alert, by cause." },
	{ "stats.picket.alerts.*", "alerts_not_written_total", METRIC_COUNTER,
	  "cause", "Alerts raised and not written, by cause." },
	{ "stats.picket.anomalies", "anomalies_total", METRIC_COUNTER, NULL,
	  "Anomalies of decoding and protocols." },
	{ "stats.picket.events_lost", "events_lost_total", METRIC_COUNTER,
	  NULL, "Events for which a worker had no memory." },
	{ "stats.picket.forwarded", "events_forwarded_total", METRIC_COUNTER,
	  NULL, "Events handed to the forwarder." },
	{ "stats.picket.events_lost_writer_behind",
	  "events_lost_writer_behind_total", METRIC_COUNTER, NULL,
	  "Live: events that the writer did not take in time." },
	{ "stats.picket.claims_lost_writer_behind",
	  "claims_lost_writer_behind_total", METRIC_COUNTER, NULL,
	  "Live: what rules without an alert would have left for others." },
	{ "stats.picket.write_errors", "write_errors_total", METRIC_COUNTER,
	  NULL, "Writes of the EVE file that failed." },
	{ "stats.picket.eve_unwritten", "eve_unwritten_total",
	  METRIC_COUNTER, NULL,
	  "Events that did not get into the EVE output." },
	{ "stats.picket.thresholds_evicted", "thresholds_evicted_total",
	  METRIC_COUNTER, NULL,
	  "Threshold counts given up for want of room." },
	/* the same stand below "forward", as of now */
	{ "stats.picket.forward.**", NULL, METRIC_NONE, NULL, NULL },
	{ "stats.picket.redis.**", NULL, METRIC_NONE, NULL, NULL },
	{ "stats.picket.shared_state.*", "shared_state_%_total",
	  METRIC_COUNTER, NULL, "State that rules share: %." },
	{ "stats.picket.workers", "workers", METRIC_GAUGE, NULL,
	  "Threads that inspect." },
	{ "stats.picket.armed.indicators", "armed_indicators", METRIC_GAUGE,
	  NULL, "Common indicators in force." },
	{ "stats.picket.armed.memory", "armed_memory_bytes", METRIC_GAUGE, NULL,
	  "Bytes that they take." },
	{ "stats.picket.armed.refused", "armed_refused", METRIC_GAUGE, NULL,
	  "Common indicators that this sensor does not look for." },
	{ "stats.picket.armed.lag_us", "armed_lag_us", METRIC_GAUGE, NULL,
	  "From the making of the latest delta until it was in force." },
	{ "stats.picket.armed.most_lag_us", "armed_most_lag_us", METRIC_GAUGE,
	  NULL, "The longest that it took since the start." },
	{ "stats.picket.armed.saved", "armed_saved", METRIC_GAUGE, NULL,
	  "1 while they are kept on disk for the next start." },
	{ "stats.picket.armed.version", NULL, METRIC_NONE, NULL, NULL },
	{ "stats.picket.armed.*", "armed_%_total", METRIC_COUNTER, NULL,
	  "Common indicators: % (picket.armed.% of the statistics)." },
	{ "stats.picket.rules.loaded", "rules_loaded", METRIC_GAUGE, NULL,
	  "Rules in use." },
	{ "stats.picket.rules.failed", "rules_failed", METRIC_GAUGE, NULL,
	  "Rules refused." },
	{ "stats.picket.rules.skipped", "rules_skipped", METRIC_GAUGE, NULL,
	  "Rules that 'requires' switches off." },
	{ "stats.picket.rules.version", "rules_version", METRIC_GAUGE, NULL,
	  "Version of the control document that brought the rules." },
	{ "stats.picket.rules.reloads", "rule_reloads_total", METRIC_COUNTER,
	  NULL, "Reloads that went through." },
	{ "stats.picket.rules.reload_failed", "rule_reload_failures_total",
	  METRIC_COUNTER, NULL, "Reloads that left the old rules in use." },

	{ "forward.queue_dropped.*", "forward_dropped_events_total",
	  METRIC_COUNTER, "class",
	  "Events that found the forwarder's queue full, by severity." },
	{ "forward.shed_events.*", "spool_shed_events_total", METRIC_COUNTER,
	  "class",
	  "Events shed from a full spool since its birth, by severity." },
	{ "forward.shed_batches.*", "spool_shed_batches_total",
	  METRIC_COUNTER, "class",
	  "Batches shed from a full spool since its birth, by severity." },
	{ "forward.shed_causes.*", "spool_shed_by_cause_events_total",
	  METRIC_COUNTER, "cause",
	  "Events shed from the spool since the start, by cause." },
	{ "ledger.raised.*", "ledger_raised_events_total", METRIC_COUNTER,
	  "class", "Events raised since the spool's birth, by severity." },
	{ "ledger.spooled.*", "ledger_spooled_events_total", METRIC_COUNTER,
	  "class", "Of these, those that reached the spool." },
	{ "ledger.memory.*", "ledger_memory_events", METRIC_GAUGE, "class",
	  "Of these, those in the queue and in open batches." },
	{ "ledger.held.*", "ledger_held_events", METRIC_GAUGE, "class",
	  "Events in the spool that the collector has not committed." },
	{ "ledger.lost.*.*", "ledger_lost_events_total", METRIC_COUNTER,
	  "cause,class", "Events that never reached the spool." },
	{ "ledger.gone.*.*", "ledger_gone_events_total", METRIC_COUNTER,
	  "cause,class",
	  "Events that left the spool without being committed." },
	{ "ledger.tcp_flows", "tcp_judged_flows_total", METRIC_COUNTER, NULL,
	  "TCP flows that told whether both of their sides are seen." },
	{ "ledger.tcp_one_way", "tcp_one_way_flows_total", METRIC_COUNTER,
	  NULL, "Of these, those of which one side only is." },
	{ "forward.spool.epoch", "spool_epoch", METRIC_GAUGE, NULL,
	  "The spool's birth, milliseconds since 1970." },
	{ "forward.spool.last_seq", "spool_last_seq", METRIC_GAUGE, NULL,
	  "Number of the newest batch in this epoch." },
	{ "forward.spool.committed", "spool_committed_seq", METRIC_GAUGE, NULL,
	  "Number of the last batch that the collector has committed." },
	{ "forward.spool.*", "spool_depth_%", METRIC_GAUGE, NULL,
	  "Waiting to be committed by the collector: %." },
	{ "forward.redis_errors.*", "redis_errors_total", METRIC_COUNTER,
	  "kind",
	  "Error replies of Redis, and failures of the connection, by kind." },
	{ "forward.up", "redis_up", METRIC_GAUGE, NULL,
	  "1 while connected to Redis." },
	{ "forward.*", "forward_%_total", METRIC_COUNTER, NULL,
	  "The forwarder: %." },

	{ "workers.*.memuse", "worker_memory_bytes", METRIC_GAUGE, "worker",
	  "Bytes of the worker's pool in use." },
	{ "workers.*.*", "worker_%_total", METRIC_COUNTER, "worker",
	  "Of one worker: %." },
};
/* clang-format on */
const size_t metrics_n_rows = ARRAY_LEN(metrics_rows);

static void
put_classes(struct json *j, const char *key, const uint64_t v[SPOOL_CLASSES])
{
	json_obj(j, key);
	for (unsigned i = 0; i < SPOOL_CLASSES; i++) {
		json_u64(j, ledger_class_name(i), v[i]);
	}
	json_obj_end(j);
}

/* Where every event went, see common/ledger.h. */
static void
put_events(struct json *j, struct forward *f)
{
	static const char *const gone[LEDGER_GONES] = {
#define X(name) #name,
		LEDGER_GONE_LIST(X)
#undef X
	};
	struct ledger l;

	STATIC_ASSERT(LEDGER_CLASSES == SPOOL_CLASSES, "the same classes");
	forward_get_ledger(f, &l);
	json_obj(j, "ledger");
	put_classes(j, "raised", l.raised);
	put_classes(j, "spooled", l.spooled);
	put_classes(j, "memory", l.memory);
	put_classes(j, "held", l.held);
	json_obj(j, "lost");
	for (unsigned i = 0; i < LEDGER_LOSTS; i++) {
		put_classes(j, ledger_lost_name((enum ledger_lost)i),
			    l.lost[i]);
	}
	json_obj_end(j);
	json_obj(j, "gone");
	for (unsigned i = 0; i < LEDGER_GONES; i++) {
		put_classes(j, gone[i], l.gone[i]);
	}
	json_obj_end(j);
	json_u64(j, "tcp_flows", l.tcp_flows);
	json_u64(j, "tcp_one_way", l.tcp_one_way);
	json_obj_end(j);
}

static void
put_causes(struct json *j, const uint64_t v[SPOOL_CAUSES])
{
	json_obj(j, "shed_causes");
	for (unsigned i = 0; i < SPOOL_CAUSES; i++) {
		json_u64(j, loss_cause_name((enum spool_cause)i), v[i]);
	}
	json_obj_end(j);
}

static void
put_troubles(struct json *j, const uint64_t v[REDIS_TROUBLES])
{
	json_obj(j, "redis_errors");
	for (int t = REDIS_NO_TROUBLE + 1; t < REDIS_TROUBLES; t++) {
		json_u64(j, redis_trouble_name((enum redis_trouble)t), v[t]);
	}
	json_obj_end(j);
}

static void
put_forward(struct json *j, struct forward *f)
{
	struct forward_stats s;

	forward_get_stats(f, &s);
	json_obj(j, "forward");
	json_u64(j, "events", s.events);
	json_u64(j, "bytes", s.bytes);
	json_u64(j, "batches", s.batches);
	json_u64(j, "batch_bytes", s.batch_bytes);
	json_u64(j, "sent_batches", s.sent);
	json_u64(j, "resent_batches", s.resent);
	json_u64(j, "oversize_events", s.oversize);
	json_u64(j, "sync_failures", s.sync_failures);
	json_u64(j, "read_failures", s.read_failures);
	json_u64(j, "connects", s.connects);
	json_u64(j, "refused_commands", s.refused);
	json_u64(j, "points_forged", s.points_forged);
	json_u64(j, "points_old", s.points_old);
	json_u64(j, "keys_reloads", s.keys_reloads);
	json_u64(j, "keys_failed", s.keys_failed);
	json_bool(j, "up", s.redis == SENDER_UP);
	put_troubles(j, s.errors);
	put_classes(j, "queue_dropped", s.dropped);
	put_classes(j, "shed_events", s.shed_events);
	put_classes(j, "shed_batches", s.shed_batches);
	put_causes(j, s.lost.causes);
	json_obj(j, "spool");
	json_u64(j, "epoch", s.epoch);
	json_u64(j, "last_seq", s.last_seq);
	json_u64(j, "committed", s.committed);
	json_u64(j, "batches", s.depth_batches);
	json_u64(j, "bytes", s.depth_bytes);
	json_u64(j, "events", s.depth_events);
	json_obj_end(j);
	json_obj_end(j);
}

static void
put_workers(struct json *j, const struct stats_source *s)
{
	json_arr(j, "workers");
	for (unsigned i = 0; i < s->n_workers; i++) {
		const struct worker_counters *c =
			worker_counters(s->workers[i]);

		json_obj(j, NULL);
#define C(name) json_u64(j, #name, c->name);
		WORKER_COUNTER_LIST(C)
#undef C
		json_u64(j, "memuse", worker_memory(s->workers[i]));
		json_obj_end(j);
	}
	json_arr_end(j);
}

void
metrics_write(struct json *j, const struct stats_source *s, struct forward *f)
{
	json_reset(j);
	json_obj(j, NULL);
	json_obj(j, "info");
	json_cstr(j, "version", PACKAGE_VERSION);
	json_cstr(j, "site", s->origin.site);
	json_cstr(j, "sensor", s->origin.sensor);
	json_cstr(j, "owner", s->origin.owner);
	json_cstr(j, "ruleset", ruleset_digest(reload_rules(s->reload)));
	json_obj_end(j);
	confine_json(s->confined, j, "confined");
	stats_write(j, "stats", s);
	if (f != NULL) {
		put_forward(j, f);
		put_events(j, f);
	}
	put_workers(j, s);
	json_obj_end(j);
}
