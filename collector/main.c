/* SPDX-License-Identifier: Apache-2.0 */
/* Start and stop order of picket-collector; nothing else. */
#include <config.h>

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/arming.h"
#include "collector/check.h"
#include "collector/confined.h"
#include "collector/console.h"
#include "collector/correlator_file.h"
#include "collector/exchange_out.h"
#include "collector/indicator_files.h"
#include "collector/indicator_polls.h"
#include "collector/lease.h"
#include "collector/options.h"
#include "collector/service.h"
#include "common/clock.h"
#include "common/hide_args.h"
#include "common/log.h"
#include "common/sign.h"
#include "common/thread.h"

static volatile sig_atomic_t stop, report, rotate, reread;

static void
on_signal(int sig)
{
	if (sig == SIGUSR1) {
		report = 1;
	} else if (sig == SIGHUP) {
		rotate = 1;
	} else if (sig == SIGUSR2) {
		reread = 1;
	} else {
		stop = 1;
	}
}

static void
catch_signals(void)
{
	struct sigaction sa = { .sa_handler = on_signal };

	sigaction(SIGTERM, &sa, NULL);
	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGUSR1, &sa, NULL);
	sigaction(SIGHUP, &sa, NULL);
	sigaction(SIGUSR2, &sa, NULL);
	sa.sa_handler = SIG_IGN;
	sigaction(SIGPIPE, &sa, NULL);
}

static void
summary(const struct pipeline *p)
{
	struct pipeline_stats s;

	pipeline_stats(p, &s);
	fprintf(stderr,
		"picket-collector: %" PRIu64 " alerts in %" PRIu64
		" frames stored, %" PRIu64 " repeated, %" PRIu64
		" refused, %" PRIu64 " lines refused, %" PRIu64
		" frames lost at sensors, %" PRIu64
		" incidents opened, %" PRIu64 " merged",
		s.alerts, s.frames, s.frames_repeated, s.frames_refused,
		s.lines_refused, s.frames_lost, s.incidents_opened,
		s.incidents_merged);
	if (s.busy_us > 0) {
		fprintf(stderr, " (%.0f alerts/s while busy)",
			(double)s.alerts * 1e6 / (double)s.busy_us);
	}
	fputc('\n', stderr);
}

static int
fail(int status, const struct diag *d)
{
	log_err("%s", d->msg);
	return status;
}

/* The mission map, without which nothing is anybody's. */
static enum err
load_missions(struct pipeline_config *cfg, struct mission_map **map,
	      const struct conf *conf, struct diag *d)
{
	const char *path = conf_get(conf, "missions");
	enum err e = ERR_OK;

	if (path != NULL) {
		e = mission_load(map, path, d);
	} else {
		*map = mission_empty();
		if (*map == NULL) {
			e = diag_set(d, ERR_NOMEM, "out of memory");
		}
	}
	if (e == ERR_OK) {
		e = mission_default_read(
			*map, conf_str(conf, "release.default-mark", "amber"),
			d);
	}
	cfg->missions = *map;
	return e;
}

/* What the file of correlators says goes over correlate.*. */
static enum err
load_correlators(struct pipeline_config *cfg, const struct conf *conf,
		 struct diag *d)
{
	const char *path = conf_named(conf, "correlators");

	cfg->finding = finding_defaults;
	cfg->correlators = (struct correlator_lines){ { 0 } };
	cfg->correlators_file = path;
	return path != NULL
		       ? correlator_file_load(&cfg->correlate, &cfg->finding,
					      &cfg->correlators, path, d)
		       : ERR_OK;
}

/* Levels of readiness, and the key that sensors are told them by. */
static enum err
load_postures(struct pipeline_config *cfg, const struct conf *conf,
	      struct diag *d)
{
	static struct posture_levels levels;
	const char *key = conf_named(conf, "control.sign-key");
	enum err e = posture_levels_load(&levels,
					 conf_named(conf, "posture.file"), d);

	cfg->postures = &levels;
	cfg->control_key = NULL;
	return e == ERR_OK && key != NULL
		       ? sign_key_load(&cfg->control_key, key, true, d)
		       : e;
}

/* The servers that are asked for indicators; libcurl wants to be the only one
 * that runs when it begins. */
static enum err
load_polls(struct indicator_poll_set *polls, const struct conf *conf,
	   struct diag *d)
{
	enum err e = indicator_polls_read(polls, conf, d);

	return e == ERR_OK && polls->n > 0 &&
			       curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK
		       ? diag_set(d, ERR_NOMEM, "libcurl cannot begin")
		       : e;
}

/* The command line, to read the settings once more. */
struct command_line {
	int argc;
	char **argv;
};

/* The settings as they are now; of these only keys, and what the exchange reads
 * again, take effect before the next start. */
static enum err
reread_settings(const struct command_line *line, struct conf **out,
		struct diag *d)
{
	struct options options = { .n_geoip = 0 };
	struct pipeline_config cfg = { 0 };
	struct conf *conf = conf_new();
	enum err e =
		conf != NULL ? ERR_OK : diag_set(d, ERR_NOMEM, "out of memory");

	if (e == ERR_OK) {
		e = options_read(&options, line->argc, line->argv, true, conf,
				 d);
	}
	if (e == ERR_OK) {
		e = options_read(&options, line->argc, line->argv, false, conf,
				 d);
	}
	if (e == ERR_OK) {
		e = options_configure(&options, conf, &cfg, d);
	}
	if (e != ERR_OK) {
		conf_free(conf);
		return e;
	}
	*out = conf;
	return ERR_OK;
}

/* Keys may have come and gone, in their files and in the settings. */
static enum err
read_keys(void *arg, struct keyring **out, struct diag *d)
{
	struct conf *conf = NULL;
	enum err e = reread_settings(arg, &conf, d);

	if (e == ERR_OK) {
		e = keyring_load(out, conf, d);
	}
	conf_free(conf);
	return e;
}

static int
check(struct pipeline_config *cfg, const struct conf *conf)
{
	struct mission_map *map = NULL;
	struct confine_state state;
	struct exchange_conf exchange;
	struct diag d = { "" };
	enum err e = load_missions(cfg, &map, conf, &d);

	if (e == ERR_OK) {
		e = load_postures(cfg, conf, &d);
	}
	if (e == ERR_OK) {
		e = load_correlators(cfg, conf, &d);
	}
	if (e == ERR_OK) {
		e = keyring_load(&cfg->keys, conf, &d);
	}
	if (e == ERR_OK) {
		e = part_config_keys(&cfg->parts, conf, &d);
	}
	if (e == ERR_OK) {
		e = arming_check(conf, &d);
	}
	if (e == ERR_OK) {
		e = exchange_conf_load(&exchange, conf, &d);
	}
	if (e == ERR_OK) {
		check_exchange(&exchange);
		exchange_conf_free(&exchange);
		e = check_settings(cfg, conf, &d);
	}
	if (e == ERR_OK) {
		e = confined_apply(cfg, conf, true, &state, &d);
	}
	mission_free(map);
	keyring_free(cfg->keys);
	sign_key_free(cfg->control_key);
	part_config_fini(&cfg->parts);
	if (e != ERR_OK) {
		return fail(e == ERR_NOMEM ? 1 : 2, &d);
	}
	puts("settings: ok");
	return 0;
}

/* ------------------------------------------------------------- running */

/* What runs, and what it runs by. */
struct running {
	struct pipeline_config *cfg;
	const struct conf *conf;
	struct correlate_config correlate; /* without the file of correlators */
	struct console_config at;
	struct mission_map *map;
	struct indicator_poll_set servers;
	struct lease *lease;
	struct pipeline *p;
	struct arming arming;
	struct indicator_files *lists;
	struct indicator_polls *polls;
	struct exchange_conf *exchange;
	struct exchange_conf *exchange_was; /* until all have the new one */
	struct exchange_out *partners;
	struct console *console;
	bool ran;
	bool console_late; /* its port was another's still */
	struct service service;
};

/* What is read with the rights that are left, as it will be read again. */
static enum err
load(struct running *r, struct diag *d)
{
	enum err e = load_postures(r->cfg, r->conf, d);

	r->cfg->correlate = r->correlate;
	if (e == ERR_OK) {
		e = load_correlators(r->cfg, r->conf, d);
	}
	if (e == ERR_OK) {
		e = keyring_load(&r->cfg->keys, r->conf, d);
	}
	if (e == ERR_OK) {
		e = part_config_keys(&r->cfg->parts, r->conf, d);
	}
	return e;
}

static void
unload(struct running *r)
{
	keyring_free(r->cfg->keys);
	r->cfg->keys = NULL;
	sign_key_free(r->cfg->control_key);
	r->cfg->control_key = NULL;
	part_config_fini(&r->cfg->parts);
}

/* Until the store is ours.  Whoever stood by for long reads the files anew: in
 * the meantime they were changed for the one that ran. */
static enum err
take_lease(struct running *r, const struct lease_config *lease, struct diag *d)
{
	enum err e = lease_new(&r->lease, lease, d);

	if (e == ERR_OK) {
		service_standby(&r->service, r->lease);
		e = lease_wait(r->lease, &stop, service_standby_turn,
			       &r->service, d);
	}
	if (e == ERR_OK && lease_waited(r->lease)) {
		mission_free(r->map);
		r->map = NULL;
		unload(r);
		e = load_missions(r->cfg, &r->map, r->conf, d);
		if (e == ERR_OK) {
			e = load(r, d);
		}
	}
	r->at.missions = r->map;
	return e;
}

/* The console's port may be kept by one that hangs, from which we took the
 * store: it is tried again then, and nothing else waits for it. */
static enum err
start_console(struct running *r, struct diag *d)
{
	enum err e = ERR_OK;

	if (r->at.listen != NULL) {
		e = console_start(&r->console, &r->at, d);
	}
	r->console_late = e == ERR_IO && lease_waited(r->lease);
	if (r->console_late) {
		log_warn("%s; trying on", d->msg);
		e = ERR_OK;
	}
	return e;
}

static void
free_exchange(struct exchange_conf *x)
{
	if (x != NULL) {
		exchange_conf_free(x);
		free(x);
	}
}

static enum err
load_exchange(struct running *r, struct diag *d)
{
	r->exchange = calloc(1, sizeof(*r->exchange));
	if (r->exchange == NULL) {
		return diag_set(d, ERR_NOMEM, "out of memory");
	}
	return exchange_conf_load(r->exchange, r->conf, d);
}

/* Keys of partners and of ours, and what partners may see.  The threads that
 * send take it up by themselves: one exchange of them at a time. */
static enum err
read_exchange(void *arg, const struct exchange_conf **out, struct diag *d)
{
	struct running *r = arg;
	struct exchange_conf *next;
	struct conf *conf = NULL;
	enum err e;

	if (!exchange_out_settled(r->partners)) {
		return diag_set(d, ERR_AGAIN,
				"what was read last is not at work everywhere "
				"yet; send SIGHUP again");
	}
	free_exchange(r->exchange_was);
	r->exchange_was = NULL;
	next = calloc(1, sizeof(*next));
	e = next != NULL ? reread_settings(r->cfg->read_keys_arg, &conf, d)
			 : diag_set(d, ERR_NOMEM, "out of memory");
	if (e == ERR_OK) {
		e = exchange_conf_reload(next, r->exchange, conf, d);
	}
	conf_free(conf);
	if (e != ERR_OK) {
		free(next);
		return e;
	}
	r->exchange_was = r->exchange;
	r->exchange = next;
	exchange_out_use(r->partners, next);
	*out = next;
	return ERR_OK;
}

/* What works on the store, once it is ours. */
static enum err
start(struct running *r, struct diag *d)
{
	struct pipeline_config *cfg = r->cfg;
	enum err e = load_exchange(r, d);

	if (e != ERR_OK) {
		return e;
	}
	cfg->exchange = r->exchange;
	cfg->read_exchange = read_exchange;
	cfg->read_exchange_arg = r;
	consult_rule_among(&cfg->consult, r->exchange->us);
	e = pipeline_open(&r->p, cfg, d);
	/* they are its own from here on, whatever came of it */
	r->cfg->keys = NULL;
	r->cfg->control_key = NULL;
	r->cfg->parts.own = NULL;
	r->cfg->parts.n_keys = 0;
	if (e == ERR_OK) {
		e = arming_start(&r->arming, r->conf, &cfg->redis, cfg->store,
				 lease_held, r->lease, d);
	}
	if (e == ERR_OK && cfg->n_files > 0) {
		e = indicator_files_start(&r->lists, cfg->store, cfg->files,
					  cfg->n_files, &reread, d);
	}
	if (e == ERR_OK) {
		e = indicator_polls_start(&r->polls, cfg->store, &r->servers,
					  d);
	}
	if (e == ERR_OK) {
		e = exchange_out_start(&r->partners, cfg->store, r->exchange,
				       r->map, d);
	}
	if (e == ERR_OK) {
		e = start_console(r, d);
	}
	r->service.arm = r->arming.arm;
	r->service.polls = r->polls;
	if (e == ERR_OK) {
		e = service_running(&r->service, r->p, d);
	}
	return e;
}

/* The store is given up last, when nothing of ours uses it. */
static void
end(struct running *r)
{
	service_stopping(&r->service);
	exchange_out_stop(r->partners);
	console_stop(r->console);
	indicator_polls_stop(r->polls);
	indicator_files_stop(r->lists);
	service_stop(&r->service);
	arming_stop(&r->arming);
	if (r->ran) {
		summary(r->p);
	}
	pipeline_close(r->p);
	free_exchange(r->exchange);
	free_exchange(r->exchange_was);
	lease_free(r->lease);
	unload(r);
	mission_free(r->map);
}

/* No thread is started from here on, unless the console is late. */
static enum err
settle(struct diag *d)
{
	int rc = thread_become(THREAD_MAIN);

	return rc == 0 ? ERR_OK
		       : diag_set(d, ERR_IO, "seccomp: the main thread: %s",
				  strerror(rc));
}

static void
on_turn(void *arg)
{
	static uint64_t next_us;
	struct running *r = arg;
	uint64_t now = clock_mono_us();
	struct diag d = { "" };

	service_turn(&r->service);
	if (!r->console_late || now < next_us) {
		return;
	}
	next_us = now + US_PER_S;
	if (console_start(&r->console, &r->at, &d) == ERR_OK) {
		r->console_late = false;
		if (settle(&d) != ERR_OK) {
			log_err("%s", d.msg);
			stop = 1;
		}
	}
}

static int
serve(struct running *r)
{
	struct diag d = { "" };
	int status = 0;
	enum err e = r->console_late ? ERR_OK : settle(&d);

	if (e == ERR_OK) {
		r->ran = true;
		lease_serving(r->lease);
		e = pipeline_run(r->p, &stop, &report, &rotate, &d);
	}
	if (e != ERR_OK) {
		status = fail(1, &d);
	}
	end(r);
	return status;
}

/* Everything after the settings are known. */
static int
run(struct pipeline_config *cfg, const struct lease_config *lease,
    const struct conf *conf)
{
	struct running r = {
		.cfg = cfg,
		.conf = conf,
		.correlate = cfg->correlate,
		.at = { .listen = conf_named(conf, "listen"),
			.store = cfg->store,
			.policy = conf_named(conf, "partners.policy"),
			.certificate = conf_named(conf, "console.certificate"),
			.key = conf_named(conf, "console.key"),
			.allow_remote = conf_bool(conf, "console.allow-remote",
						  false) },
	};
	struct diag d = { "" };
	enum err e = load_missions(cfg, &r.map, conf, &d);

	if (e == ERR_OK) {
		e = load_polls(&r.servers, conf, &d);
	}
	if (e != ERR_OK) {
		mission_free(r.map);
		return fail(2, &d);
	}
	cfg->turn = on_turn;
	cfg->turn_arg = &r;
	cfg->armed = arming_seen;
	cfg->armed_arg = &r.arming;
	/* there is no other thread yet */
	e = confined_apply(cfg, conf, false, &r.service.confined, &d);
	if (e == ERR_OK) {
		e = load(&r, &d);
	}
	if (e == ERR_OK) {
		e = service_start(&r.service, conf, &d);
	}
	if (e == ERR_OK) {
		e = take_lease(&r, lease, &d);
	}
	if (e == ERR_CLOSED) { /* it never became ours */
		end(&r);
		return 0;
	}
	cfg->held = lease_held;
	cfg->held_arg = r.lease;
	cfg->took_over = e == ERR_OK && lease_waited(r.lease);
	cfg->missions = r.map;
	if (e == ERR_OK) {
		e = start(&r, &d);
	}
	if (e != ERR_OK) {
		/* What the system refused may work the next time: who starts us
		 * again must not take it for a wrong setting. */
		int status = e == ERR_NOMEM || e == ERR_IO ? 1 : 2;

		fail(status, &d);
		end(&r);
		return status;
	}
	return serve(&r);
}

int
main(int argc, char **argv)
{
	struct options options = { .n_geoip = 0 };
	struct pipeline_config cfg = { 0 };
	struct lease_config lease = { .store = NULL };
	struct conf *conf = conf_new();
	struct diag d = { "out of memory" };
	int status;
	struct command_line line = { argc, argv = hide_args(argc, argv) };
	enum err e = ERR_NOMEM;

	log_init("picket-collector", LOG_INFO, false);
	if (conf != NULL) {
		e = options_read(&options, argc, argv, true, conf, &d);
	}
	if (e == ERR_OK && options.done) {
		conf_free(conf);
		return 0;
	}
	log_init("picket-collector", options.verbose ? LOG_DEBUG : LOG_INFO,
		 options.log_json);
	if (e == ERR_OK) {
		e = options_read(&options, argc, argv, false, conf, &d);
	}
	if (e == ERR_OK) {
		e = options_configure(&options, conf, &cfg, &d);
	}
	if (e == ERR_OK) {
		e = lease_configure(&lease, conf, &d);
		lease.store = cfg.store;
		lease.standby = options.standby;
	}
	if (e != ERR_OK) {
		status = fail(2, &d);
	} else if (!sign_ready()) {
		diag_set(&d, ERR_NOMEM, "out of memory");
		status = fail(1, &d);
	} else if (options.check) {
		status = check(&cfg, conf);
	} else {
		catch_signals();
		cfg.read_keys = read_keys;
		cfg.read_keys_arg = &line;
		status = run(&cfg, &lease, conf);
	}
	conf_free(conf);
	return status;
}
