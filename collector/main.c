/* SPDX-License-Identifier: Apache-2.0 */
/* Start and stop order of picket-collector; nothing else. */
#include <config.h>

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "collector/arming.h"
#include "collector/check.h"
#include "collector/confined.h"
#include "collector/console.h"
#include "collector/correlator_file.h"
#include "collector/indicator_files.h"
#include "collector/indicator_polls.h"
#include "collector/options.h"
#include "collector/service.h"
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

	return path != NULL ? correlator_file_load(&cfg->correlate, path, d)
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

/* Keys may have come and gone, in their files and in the settings; of these
 * nothing else takes effect before the next start. */
static enum err
read_keys(void *arg, struct keyring **out, struct diag *d)
{
	const struct command_line *line = arg;
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

/* Everything after the settings are known. */
static int
run(struct pipeline_config *cfg, const struct conf *conf)
{
	struct console_config at = {
		.listen = conf_named(conf, "listen"),
		.store = cfg->store,
		.allow_remote = conf_bool(conf, "console.allow-remote", false),
	};
	struct mission_map *map = NULL;
	struct pipeline *p = NULL;
	struct console *console = NULL;
	struct indicator_files *lists = NULL;
	struct indicator_poll_set servers;
	struct indicator_polls *polls = NULL;
	struct service service = { .pipeline = NULL };
	struct arming arming = { .arm = NULL };
	struct diag d = { "" };
	int status = 0;
	enum err e;

	e = load_missions(cfg, &map, conf, &d);
	if (e == ERR_OK) {
		e = load_polls(&servers, conf, &d);
	}
	if (e != ERR_OK) {
		mission_free(map);
		return fail(2, &d);
	}
	at.missions = map;
	cfg->turn = service_turn;
	cfg->turn_arg = &service;
	cfg->armed = arming_seen;
	cfg->armed_arg = &arming;
	/* there is no other thread yet */
	e = confined_apply(cfg, conf, false, &service.confined, &d);
	/* With the rights that are left, as they will be read again. */
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
		if (e != ERR_OK) {
			keyring_free(cfg->keys);
		}
	}
	if (e == ERR_OK) {
		e = service_start(&service, conf, &d);
		if (e != ERR_OK) {
			keyring_free(cfg->keys);
		}
	}
	if (e != ERR_OK) {
		sign_key_free(cfg->control_key);
		part_config_fini(&cfg->parts);
	}
	if (e == ERR_OK) {
		e = pipeline_open(&p, cfg, &d);
	}
	if (e == ERR_OK) {
		e = arming_start(&arming, conf, &cfg->redis, cfg->store, &d);
	}
	if (e == ERR_OK && cfg->n_files > 0) {
		e = indicator_files_start(&lists, cfg->store, cfg->files,
					  cfg->n_files, &reread, &d);
	}
	if (e == ERR_OK) {
		e = indicator_polls_start(&polls, cfg->store, &servers, &d);
	}
	if (e == ERR_OK && at.listen != NULL) {
		e = console_start(&console, &at, &d);
	}
	if (e != ERR_OK) {
		arming_stop(&arming);
		indicator_polls_stop(polls);
		indicator_files_stop(lists);
		service_stop(&service);
		pipeline_close(p);
		mission_free(map);
		/* What the system refused may work the next time: who starts us
		 * again must not take it for a wrong setting. */
		return fail(e == ERR_NOMEM || e == ERR_IO ? 1 : 2, &d);
	}
	service.arm = arming.arm;
	service.polls = polls;
	service_running(&service, p);
	status = thread_become(THREAD_MAIN);
	e = status == 0 ? pipeline_run(p, &stop, &report, &rotate, &d)
			: diag_set(&d, ERR_IO, "seccomp: the main thread: %s",
				   strerror(status));
	if (e != ERR_OK) {
		status = fail(1, &d);
	}
	service_stopping(&service);
	console_stop(console);
	indicator_polls_stop(polls);
	indicator_files_stop(lists);
	service_stop(&service);
	arming_stop(&arming);
	summary(p);
	pipeline_close(p);
	mission_free(map);
	return status;
}

int
main(int argc, char **argv)
{
	struct options options = { .n_geoip = 0 };
	struct pipeline_config cfg = { 0 };
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
		status = run(&cfg, conf);
	}
	conf_free(conf);
	return status;
}
