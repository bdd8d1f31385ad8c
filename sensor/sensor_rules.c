/* SPDX-License-Identifier: Apache-2.0 */
/* The first rules, and --check. */
#include "sensor/sensor.h"

#include <malloc.h>
#include <stdio.h>

#include "common/log.h"
#include "rules/admission.h"

/* --check: everything that can be told before the first packet. */
static int
print_check(struct sensor *s)
{
	struct admission *a = admission_new(s->rules, s->opt.conf);

	if (a == NULL) {
		log_err("out of memory");
		return SENSOR_FAILED;
	}
	if (s->opt.check_json) {
		json_reset(&s->json);
		admission_json(a, s->rules, &s->json);
		printf("%.*s\n", (int)s->json.len, s->json.p);
	} else {
		admission_print(a, s->rules, stdout);
		if (ruleset_indicator_count(s->rules) > 0) {
			fprintf(stderr, "indicators: %u loaded\n",
				ruleset_indicator_count(s->rules));
		}
	}
	admission_free(a);
	return SENSOR_DONE;
}

/* --check-json prints JSON also when there is nothing else to tell. */
void
sensor_print_failure(struct sensor *s, const char *why)
{
	json_reset(&s->json);
	json_obj(&s->json, NULL);
	json_cstr(&s->json, "error", why);
	json_obj_end(&s->json);
	if (!s->json.failed) {
		printf("%.*s\n", (int)s->json.len, s->json.p);
	}
}

/* Files with keys that a run would read. */
static enum err
check_keys(const struct conf *c, struct diag *d)
{
	const struct forward_options o = {
		.sign_key = conf_get(c, "forward.sign.key"),
		.collector_key = conf_get(c, "forward.sign.collector-key"),
		.control_key = conf_get(c, "control.public-key"),
	};

	return forward_check_keys(&o, d);
}

static int
refuse(struct sensor *s, const char *why)
{
	if (s->opt.check && s->opt.check_json) {
		sensor_print_failure(s, why);
	}
	log_err("%s", why);
	return SENSOR_USAGE;
}

int
sensor_load_rules(struct sensor *s)
{
	const struct ruleset_report *r;
	struct diag d;
	enum err e;

	s->loading = (struct reload_settings){
		.conf = s->opt.conf,
		.rules = s->opt.rules.v,
		.n_rules = s->opt.rules.n,
		.indicators = s->opt.indicators.v,
		.n_indicators = s->opt.indicators.n,
		.n_workers = s->opt.workers,
		.strict = s->opt.strict,
		.profile = s->opt.profile != NULL,
	};
	s->rules = (s->opt.check ? ruleset_examine : ruleset_load)(
		s->opt.conf, s->opt.rules.v, s->opt.rules.n,
		s->opt.indicators.v, s->opt.indicators.n, &d);
	if (s->rules == NULL) {
		return refuse(s, d.msg);
	}
	if (s->armed == NULL && sensor_open_armed(s, &d) != ERR_OK) {
		return refuse(s, d.msg);
	}
	if (s->armed != NULL) {
		s->loading.live = armed_live(s->armed);
		s->loading.armed = armed_patterns(s->armed);
		s->loading.live_files =
			conf_bool(s->opt.conf, "arming.files", true);
		if (!s->loading.live_files) {
			ioc_live_skip(s->loading.live,
				      1U << INDICATOR_FILE_MD5 |
					      1U << INDICATOR_FILE_SHA1 |
					      1U << INDICATOR_FILE_SHA256);
		}
		ruleset_arm(s->rules, s->loading.live, s->loading.live_files);
	}
	r = ruleset_report(s->rules);
	if (s->opt.check &&
	    confined_apply(&s->opt, s->rules, &s->confined, &d) != ERR_OK) {
		return refuse(s, d.msg);
	}
	if (s->opt.check && check_keys(s->opt.conf, &d) != ERR_OK) {
		return refuse(s, d.msg);
	}
	if (s->opt.check && print_check(s) != SENSOR_DONE) {
		return SENSOR_FAILED;
	}
	e = ruleset_admit(s->rules, s->opt.conf, s->opt.strict, &d);
	if (e != ERR_OK) {
		if (!s->opt.check && e == ERR_FORMAT) {
			admission_print_problems(s->rules, stderr);
		}
		log_err("%s", d.msg);
		return SENSOR_USAGE;
	}
	/* Parsers and compilers leave much behind that is free. */
	malloc_trim(0);
	if (!s->opt.check) {
		reload_say_refused(s->rules, "");
	}
	if (s->opt.rules.n > 0 && r->loaded == 0 &&
	    ruleset_indicator_count(s->rules) == 0) {
		log_warn("no rule is loaded: only protocol events are written");
	}
	return SENSOR_DONE;
}
