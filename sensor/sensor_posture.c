/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The posture that the collector told: settings that change while packets flow.
 * What a level does not name is as the settings have it.
 */
#include <stdio.h>

#include "common/clock.h"
#include "common/log.h"
#include "sensor/alert_conf.h"
#include "sensor/sensor.h"

struct forward_pace
sensor_pace(const struct sensor *s, const struct posture *p)
{
	static const struct posture none;
	const struct conf *c = s->opt.conf;

	p = p != NULL ? p : &none;
	return (struct forward_pace){
		.batch_ms = (unsigned)posture_number(
			p, "forward.batch-ms",
			conf_u64(c, "forward.batch-ms", 250, 10, 60000)),
		.presence_ms = (unsigned)posture_number(
			p, "forward.presence-ms",
			conf_u64(c, "forward.presence-ms", 2000, 200, 10000)),
		.ledger_s = (unsigned)posture_number(
			p, "ledger.interval",
			conf_u64(c, "ledger.interval", 60, 1, 3600)),
	};
}

void
sensor_posture_told(struct sensor *s, const struct control_doc *doc)
{
	struct sensor_posture *p = &s->posture;

	pthread_mutex_lock(&p->lock);
	p->told = doc->posture;
	p->told_version = doc->version;
	p->waits = true;
	pthread_mutex_unlock(&p->lock);
	__atomic_store_n(&sensor_idle_wanted, 1, __ATOMIC_RELAXED);
}

void
sensor_posture_facts(struct sensor *s, struct presence_facts *out)
{
	struct sensor_posture *p = &s->posture;

	pthread_mutex_lock(&p->lock);
	snprintf(out->posture, sizeof(out->posture), "%s", p->running.level);
	snprintf(out->posture_error, sizeof(out->posture_error), "%s",
		 p->error);
	out->posture_version = p->running_version;
	pthread_mutex_unlock(&p->lock);
}

/* Event types by a level, or as the settings have them. */
static enum err
types_of(const struct posture *p, const char *key, uint32_t configured,
	 uint32_t *out, struct diag *d)
{
	const char *list = posture_get(p, key);

	*out = configured;
	return list != NULL ? options_read_types(list, out, key, d) : ERR_OK;
}

static struct alert_conf
alerts_of(const struct sensor *s, const struct posture *p)
{
	struct alert_conf c;

	alert_conf_read(&c, s->opt.conf);
	c.payload = posture_bool(p, "eve.alert.payload", c.payload);
	c.payload_printable = posture_bool(p, "eve.alert.payload-printable",
					   c.payload_printable);
	c.http_body = posture_bool(p, "eve.alert.http-body", c.http_body);
	c.http_body_printable = posture_bool(p, "eve.alert.http-body-printable",
					     c.http_body_printable);
	c.packet_alert_max = (uint32_t)posture_number(p, "packet-alert-max",
						      c.packet_alert_max);
	return c;
}

/*
 * Which packets are kept.  A sensor that has no place for them obeys in all
 * else, and says so: *why.
 */
static void
keep_evidence(struct sensor *s, const struct posture *p, char *why, size_t cap)
{
	const char *told = posture_get(p, "evidence.mode");
	enum evidence_mode mode = s->opt.evidence.mode;

	if (told != NULL && !evidence_mode_read(told, &mode)) {
		mode = s->opt.evidence.mode; /* no level has such a word */
	}
	if ((s->evidence == NULL || !evidence_set_mode(s->evidence, mode)) &&
	    mode != EVIDENCE_NONE) {
		snprintf(why, cap,
			 "evidence.mode: %s is left out: this sensor has no "
			 "evidence.dir",
			 evidence_mode_name(mode));
	}
}

/* All of it, or nothing with diag. */
enum err
sensor_put_in_force(struct sensor *s, const struct posture *p, struct diag *d)
{
	struct alert_conf alert = alerts_of(s, p);
	struct forward_pace pace = sensor_pace(s, p);
	uint32_t eve = 0, forwarded = 0, all;
	enum err e = types_of(p, "eve.types", s->opt.eve_types, &eve, d);

	if (e == ERR_OK) {
		e = types_of(p, "forward.types", s->opt.forward_types,
			     &forwarded, d);
	}
	all = eve | (s->forward != NULL ? forwarded : 0);
	for (unsigned i = 0; e == ERR_OK && i < s->n_workers; i++) {
		if (!worker_set_posture(s->worker[i], all, &alert, s->lanes)) {
			/* Those before have more than they need, no less. */
			e = diag_set(d, ERR_NOMEM, "out of memory");
		}
	}
	if (e != ERR_OK) {
		return e;
	}
	sink_set_posture(
		s->sink, eve, forwarded,
		(unsigned)posture_number(p, "detect.thresholds.percent",
					 conf_u64(s->opt.conf,
						  "detect.thresholds.percent",
						  100, 1, 10000)));
	if (s->forward != NULL) {
		forward_set_pace(s->forward, &pace);
	}
	s->opt.stats_s = (unsigned)posture_number(
		p, "stats.interval",
		conf_u64(s->opt.conf, "stats.interval", 8, 0, 86400));
	s->stats_due_us = MIN(s->stats_due_us,
			      clock_mono_us() + s->opt.stats_s * US_PER_S);
	return ERR_OK;
}

void
sensor_posture_turn(struct sensor *s, bool idle)
{
	struct sensor_posture *p = &s->posture;
	struct posture told;
	struct diag d = { "" };
	uint64_t version;
	bool waits;
	enum err e;

	pthread_mutex_lock(&p->lock);
	waits = p->waits;
	told = p->told;
	version = p->told_version;
	p->waits = waits && !idle;
	pthread_mutex_unlock(&p->lock);
	if (!waits) {
		return;
	}
	if (!idle) {
		__atomic_store_n(&sensor_idle_wanted, 1, __ATOMIC_RELAXED);
		return;
	}
	e = sensor_put_in_force(s, &told, &d);
	if (e == ERR_OK) {
		keep_evidence(s, &told, d.msg, sizeof(d.msg));
	}
	pthread_mutex_lock(&p->lock);
	if (e == ERR_OK) {
		p->running = told;
		p->running_version = version;
	}
	snprintf(p->error, sizeof(p->error), "%.159s", d.msg);
	pthread_mutex_unlock(&p->lock);
	if (e == ERR_OK) {
		log_info("posture: %s", told.level);
		if (d.msg[0] != '\0') {
			log_warn("posture %s: %s", told.level, d.msg);
		}
	} else {
		log_err("posture %s is not in force: %s", told.level, d.msg);
	}
}
