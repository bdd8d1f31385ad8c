/* SPDX-License-Identifier: Apache-2.0 */
/* What a forwarder is made of. */
#include "sensor/forward_state.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>

#include "common/log.h"

#define QUEUE_BYTES ((size_t)8 << 20)

bool
forward_name_ok(const char *s)
{
	size_t n = s != NULL ? strlen(s) : 0;

	/* It stands in paths, in Redis keys and between their braces. */
	return n > 0 && n <= 63 && s[0] != '.' &&
	       strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
			 "0123456789._-") == n;
}

static enum err
open_spool(struct forward *f, struct diag *d)
{
	struct spool_options so = { .dir = f->o.spool_dir,
				    .name = f->name,
				    .max_bytes = f->o.spool_max_bytes,
				    .sync = f->o.spool_sync };
	struct spool_stats st;
	enum err e;

	if (so.dir == NULL) {
		e = spool_default_dir(f->name, f->dir, sizeof(f->dir), d);
		if (e != ERR_OK) {
			return e;
		}
		so.dir = f->dir;
	} else {
		snprintf(f->dir, sizeof(f->dir), "%s", so.dir);
	}
	e = spool_open(&f->spool, &so, d);
	if (e != ERR_OK) {
		return e;
	}
	spool_get_stats(f->spool, &st);
	forward_losses(f, &f->at_start);
	loss_report_init(&f->losses, &f->at_start);
	if (st.unreadable > 0) {
		log_err("spool %s: the disk does not let %llu of its files be "
			"read to their end; what they hold is lost",
			so.dir, (unsigned long long)st.unreadable);
	}
	if (st.cut_bytes > 0 || st.bad_records > 0) {
		log_warn("spool %s: cut %llu bytes of an unfinished write, "
			 "passed over %llu damaged batches",
			 so.dir, (unsigned long long)st.cut_bytes,
			 (unsigned long long)st.bad_records);
	}
	if (st.frames > 0) {
		log_info("spool %s: %llu batches with %llu events from "
			 "before wait to be committed",
			 so.dir, (unsigned long long)st.frames,
			 (unsigned long long)st.events);
	}
	return ERR_OK;
}

/* An order to reload is one for keys as well. */
static void
take_control(void *arg, const struct control_doc *doc, struct view text)
{
	struct forward *f = arg;

	if (doc->action == CONTROL_RULES_RELOAD) {
		forward_reload_keys(f);
	}
	f->o.control(f->o.control_arg, doc, text);
}

/* The newest version is remembered beside the spool's own files. */
static enum err
open_control(struct forward *f, struct diag *d)
{
	char state[sizeof(f->dir) + 16], kept[sizeof(f->dir) + 16];
	struct control_feed_options co = {
		.key = f->keys.control,
		.site = f->o.site,
		.sensor = f->o.sensor,
		.state = state,
		.kept = kept,
		.take = take_control,
		.arg = f,
	};

	f->keys.control = NULL; /* the feed's from now on */
	snprintf(state, sizeof(state), "%s/control", f->dir);
	snprintf(kept, sizeof(kept), "%s/documents", f->dir);
	return control_feed_new(&f->control, &co, d);
}

enum err
forward_open_parts(struct forward *f, struct diag *d)
{
	struct sender_options so = {
		.redis = { .url = f->o.redis_url },
		.name = f->name,
		.depth = f->o.depth,
		.resend_us = f->o.resend_s * US_PER_S,
		.window_bytes = f->o.window_bytes,
	};
	enum err e = open_spool(f, d);

	if (f->o.redis != NULL) {
		so.redis = *f->o.redis;
	}
	if (e == ERR_OK) {
		e = forward_ledger_open(&f->ledger, f->dir, f->spool, d);
	}
	if (e == ERR_OK) {
		e = forward_keys_load(&f->keys, &f->o, d);
	}
	if (e == ERR_OK && f->keys.control != NULL) {
		e = open_control(f, d);
		so.control = f->control;
	}
	so.sign = f->keys.sign;
	so.collector = f->keys.collector;
	if (e == ERR_OK) {
		e = sender_new(&f->sender, &so, f->spool, d);
	}
	if (e != ERR_OK) {
		return e;
	}
	f->codec = frame_codec_new(f->o.level != 0 ? f->o.level : 6);
	f->half_cap =
		(f->o.queue_bytes != 0 ? f->o.queue_bytes : QUEUE_BYTES) / 2;
	/* One line of any allowed length fits. */
	f->half_cap = MAX(f->half_cap, FRAME_MAX_RAW + LINE_HEAD);
	f->fill.p = malloc(f->half_cap);
	f->drain.p = malloc(f->half_cap);
	f->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	for (unsigned c = 0; c < SPOOL_CLASSES; c++) {
		if (batch_init(&f->batch[c]) != ERR_OK) {
			return diag_set(d, ERR_NOMEM, "out of memory");
		}
	}
	if (f->codec == NULL || f->fill.p == NULL || f->drain.p == NULL) {
		return diag_set(d, ERR_NOMEM, "out of memory");
	}
	return f->wake_fd >= 0
		       ? ERR_OK
		       : diag_set(d, ERR_IO, "eventfd: %s", strerror(errno));
}
