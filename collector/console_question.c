/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/console_question.h"

#include <errno.h>
#include <stdlib.h>

#include "common/clock.h"

#define DEFAULT_ROWS 200

unsigned
question_refuse(struct json *j, unsigned status, const char *why)
{
	json_reset(j);
	json_obj(j, NULL);
	json_cstr(j, "error", why);
	json_obj_end(j);
	return status;
}

unsigned
question_failure(struct json *j, enum err e)
{
	return e == ERR_NOTFOUND
		       ? question_refuse(j, 404, "there is no such thing")
		       : question_refuse(
				 j, 503,
				 "the store did not answer in time: narrow the "
				 "question or ask again");
}

/* -------------------------------------------------------------- parameters */

static uint64_t
number_param(struct question *q, const char *name, uint64_t fallback,
	     uint64_t max)
{
	const char *s = q->r->param(q->r->arg, name);
	char *end;
	uint64_t v;

	if (s == NULL || *s == '\0') {
		return fallback;
	}
	errno = 0;
	v = strtoull(s, &end, 10);
	if (s[0] < '0' || s[0] > '9' || *end != '\0' || errno != 0 || v > max) {
		q->wrong = name;
		return fallback;
	}
	return v;
}

const char *
question_text(struct question *q, const char *name)
{
	const char *s = q->r->param(q->r->arg, name);

	return s != NULL && *s != '\0' ? s : NULL;
}

static uint64_t
time_param(struct question *q, const char *name)
{
	const char *s = question_text(q, name);
	uint64_t us = 0;

	if (s != NULL && !clock_parse_iso(view_cstr(s), &us)) {
		q->wrong = name;
	}
	return us;
}

void
question_read(struct question *q)
{
	struct store_alert_filter *f = &q->f;
	const char *s = question_text(q, "address");

	if (s != NULL) {
		f->has_addr = addr_parse(view_cstr(s), &f->addr);
		q->wrong = f->has_addr ? q->wrong : "address";
	}
	f->exercise = question_text(q, "exercise");
	f->scope = f->exercise == NULL             ? STORE_REAL
		   : strcmp(f->exercise, "*") == 0 ? STORE_BOTH
						   : STORE_EXERCISE;
	f->site = question_text(q, "site");
	f->sensor = question_text(q, "sensor");
	f->text = question_text(q, "text");
	f->sid = (uint32_t)number_param(q, "sid", 0, UINT32_MAX);
	f->max_severity = (uint8_t)number_param(q, "severity", 0, UINT8_MAX);
	f->from_us = time_param(q, "from");
	f->to_us = time_param(q, "to");
	f->before_id = (int64_t)number_param(q, "before", 0, INT64_MAX);
	f->after_id = (int64_t)number_param(q, "after", 0, INT64_MAX);
	q->limit = (unsigned)number_param(q, "limit", DEFAULT_ROWS,
					  STORE_MAX_ROWS);
	q->limit = MIN(q->limit, (unsigned)API_MAX_ROWS);
	q->offset = (unsigned)number_param(q, "offset", 0, 1000000000);
	q->step_s = number_param(q, "step", 60, 31536000);
}
