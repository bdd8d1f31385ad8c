/* SPDX-License-Identifier: Apache-2.0 */
/* picketctl: carries a command out, and says what came of it. */
#include <inttypes.h>
#include <pwd.h>
#include <signal.h>
#include <unistd.h>

#include "collector/ctl_blind.h"
#include "collector/ctl_case.h"
#include "collector/ctl_collectors.h"
#include "collector/ctl_command.h"
#include "collector/ctl_consult.h"
#include "collector/ctl_correlator.h"
#include "collector/ctl_evidence.h"
#include "collector/ctl_exchange.h"
#include "collector/ctl_exercise.h"
#include "collector/ctl_finding.h"
#include "collector/ctl_inbox.h"
#include "collector/ctl_incident.h"
#include "collector/ctl_indicator.h"
#include "collector/ctl_keys.h"
#include "collector/ctl_ledger.h"
#include "collector/ctl_part.h"
#include "collector/ctl_partner.h"
#include "collector/ctl_posture.h"
#include "collector/ctl_rules.h"
#include "collector/ctl_taps.h"
#include "collector/ctl_top.h"
#include "collector/ctl_warning.h"
#include "common/hide_args.h"

#define DEFAULT_LIMIT 50
#define EVIDENCE_WAIT_S 60

/* The store's name: --store, else that of the settings file. */
static enum err
store_name(const struct ctl_arguments *args, struct conf *conf,
	   const char **out, struct conf **file, struct diag *d)
{
	enum err e = ERR_OK;

	*out = conf_get(conf, "store");
	if (*out == NULL && args->config != NULL) {
		*file = conf_new();
		e = *file == NULL ? diag_set(d, ERR_NOMEM, "out of memory")
				  : conf_load(*file, args->config, d);
		*out = e == ERR_OK ? conf_get(*file, "store") : NULL;
	}
	if (e == ERR_OK && *out == NULL) {
		e = diag_set(d, ERR_USAGE,
			     "no store: give --store FILE.db, the file that "
			     "picket-collector writes" CTL_TRY_HELP);
	}
	return e;
}

static const char *
login_name(void)
{
	const struct passwd *pw = getpwuid(getuid());

	return pw != NULL && pw->pw_name[0] != '\0' ? pw->pw_name : "picketctl";
}

static const char *
who_of(const struct ctl_arguments *args)
{
	return args->who != NULL ? args->who : login_name();
}

static enum err
change_state(struct ctl *c, const struct ctl_arguments *args, int64_t id,
	     const char *state, struct diag *d)
{
	enum err e = store_incident_set_state(c->store, id, state, who_of(args),
					      args->note, d);

	if (e != ERR_OK) {
		return e;
	}
	if (c->json) {
		json_obj(&c->j, NULL);
		json_i64(&c->j, "id", id);
		json_cstr(&c->j, "state", state);
		json_obj_end(&c->j);
		return ctl_flush_json(c);
	}
	fprintf(c->text.out,
		word(c->text.lang, "incident %" PRId64 " is now %s\n"), id,
		word(c->text.lang,
		     strcmp(state, "ack") == 0 ? WORD("acknowledged") : state));
	return ERR_OK;
}

struct copy {
	struct conf *to;
	enum err err;
};

static void
copy_setting(void *arg, const char *key, const char *value)
{
	struct copy *c = arg;

	if (c->err == ERR_OK) {
		c->err = conf_set(c->to, key, value);
	}
}

/* The settings file's, and over them the command line's. */
static enum err
merge_settings(const struct ctl_arguments *args, struct conf *conf,
	       struct conf *all, struct diag *d)
{
	struct copy copy = { all, ERR_OK };
	enum err e = ERR_OK;

	if (args->config != NULL) {
		e = conf_load(all, args->config, d);
	}
	if (e == ERR_OK) {
		conf_each(conf, "", copy_setting, &copy);
		e = copy.err == ERR_OK ? ERR_OK
				       : diag_set(d, copy.err, "out of memory");
	}
	return e;
}

static enum err
share(struct ctl *c, const struct ctl_arguments *args,
      const struct ctl_command *cmd, struct conf *conf, struct diag *d)
{
	struct conf *all = conf_new();
	struct ctl_share s = args->share;
	enum err e = all != NULL ? merge_settings(args, conf, all, d)
				 : diag_set(d, ERR_NOMEM, "out of memory");

	s.who = args->who != NULL ? args->who : login_name();
	s.since_us = args->since_us;
	if (e == ERR_OK) {
		e = cmd->what == CTL_SHARE_EXPORT
			    ? ctl_share_export(c, all, &s, d)
			    : ctl_share_held(c, all, &s, d);
	}
	conf_free(all);
	return e;
}

static enum err
audit(struct ctl *c, const struct ctl_arguments *args, struct ctl_command *cmd,
      struct diag *d)
{
	struct ctl_audit a = args->audit;
	enum err e;

	a.key = args->order.key;
	a.who = args->who != NULL ? args->who : login_name();
	switch (cmd->what) {
	case CTL_AUDIT_VERIFY:
		e = ctl_audit_verify(c, &a, d);
		break;
	case CTL_AUDIT_EXPORT:
		e = ctl_audit_export(c, &a, d);
		break;
	case CTL_AUDIT_CHECKPOINT:
		e = ctl_audit_checkpoint(c, &a, d);
		break;
	default:
		e = ctl_audit_list(c, d);
		break;
	}
	return e;
}

/* Where Redis is: the command line's word, over the settings file's. */
static enum err
read_redis(struct ctl_arguments *args, struct conf *conf, struct conf *all,
	   struct diag *d)
{
	enum err e = merge_settings(args, conf, all, d);

	if (e == ERR_OK) {
		e = redis_options_read(&args->order.redis, all, args->redis, d);
	}
	if (e == ERR_OK && args->order.redis.url == NULL) {
		e = diag_set(d, ERR_USAGE,
			     "%s: give --redis URL and --key "
			     "FILE" CTL_TRY_HELP,
			     args->words[0]);
	}
	return e;
}

/* Of one alert: its sensor is asked. */
static enum err
evidence(struct ctl *c, struct ctl_arguments *args,
	 const struct ctl_command *cmd, struct conf *conf, struct diag *d)
{
	struct ctl_evidence o = {
		.order = &args->order,
		.alert = cmd->id,
		.out = args->share.out,
		.who = who_of(args),
		.bundle = cmd->what == CTL_EVIDENCE_BUNDLE,
	};
	struct conf *all = conf_new();
	enum err e = all != NULL ? read_redis(args, conf, all, d)
				 : diag_set(d, ERR_NOMEM, "out of memory");

	if (e == ERR_OK) {
		o.wait_ms = 1000 * (unsigned)conf_u64(all, "evidence.wait",
						      EVIDENCE_WAIT_S, 1, 3600);
		e = ctl_evidence_get(c, &o, d);
	}
	conf_free(all);
	return e;
}

static enum err
execute(struct ctl *c, struct ctl_arguments *args, struct ctl_command *cmd,
	struct conf *conf, struct diag *d)
{
	bool well = true;
	enum err e;

	switch (cmd->what) {
	case CTL_LEDGER:
		e = ctl_ledger(c, args->n_words > 1 ? args->words[1] : NULL,
			       &well, d);
		cmd->broken = !well;
		if (e == ERR_OK && !well) {
			diag_set(d, ERR_FORMAT, "a ledger does not add up");
		}
		return e;
	case CTL_BLIND:
		return ctl_blind(c, args->since_us, args->asset, d);
	case CTL_MISSIONS:
		return ctl_missions(c);
	case CTL_SKEW:
		return ctl_skew(c);
	case CTL_COLLECTORS:
		e = ctl_collectors(c, &well, d);
		cmd->broken = !well;
		if (e == ERR_OK && !well) {
			diag_set(d, ERR_NOTFOUND, "no collector takes batches");
		}
		return e;
	case CTL_PARTS:
		e = ctl_parts(c, &well, d);
		cmd->broken = !well;
		if (e == ERR_OK && !well) {
			diag_set(d, ERR_NOTFOUND,
				 "a part is silent, or has lost records");
		}
		return e;
	case CTL_TOP:
		return ctl_top(c, d);
	case CTL_STATUS:
		return ctl_status(c);
	case CTL_SENSORS:
		return ctl_sensors(c);
	case CTL_ALERTS:
		return ctl_alerts(c);
	case CTL_ALERTS_SHOW:
		return ctl_alerts_show(c, args->words + 2, args->n_words - 2,
				       d);
	case CTL_LIST:
		return ctl_incidents(c);
	case CTL_SHOW_ALL:
		return ctl_incident_show_all(c);
	case CTL_CONSULT_LIST:
		return ctl_consult_list(c);
	case CTL_CONSULT_SHOW:
		return ctl_consult_show(c, &cmd->consult.id, d);
	case CTL_CONSULT_LOG:
		return ctl_consult_log(c, &cmd->consult.id, d);
	case CTL_CONSULT_SAY:
		if (cmd->consult.who == NULL) {
			cmd->consult.who = login_name();
		}
		return ctl_consult_say(c, &cmd->consult, d);
	case CTL_ALERTS_QUERY:
		return ctl_alerts_query(c, args, d);
	case CTL_INBOX:
		return ctl_inbox(c, args, d);
	case CTL_INBOX_ACT:
		return ctl_inbox_act(c, args, who_of(args), d);
	case CTL_ACK:
		return change_state(c, args, cmd->id, "ack", d);
	case CTL_CLOSE:
		return change_state(c, args, cmd->id, "closed", d);
	case CTL_KEYS:
		return ctl_incident_keys(c, cmd->id);
	case CTL_SPLIT:
		return ctl_incident_split(c, args, cmd->id, who_of(args),
					  &cmd->broken, d);
	case CTL_MERGE:
		return ctl_incident_merge(c, args, cmd->id, who_of(args),
					  &cmd->broken, d);
	case CTL_MUTE:
		return ctl_mute(c, args, who_of(args), &cmd->broken, d);
	case CTL_INDICATORS:
		return ctl_indicators(c, args, who_of(args), &cmd->broken, d);
	case CTL_WARNINGS:
		return ctl_warnings(c);
	case CTL_PARTNERS:
		return ctl_partners(c);
	case CTL_PARTNER_SHOW:
		return ctl_partner_show(c, args->words[2], d);
	case CTL_CORRELATORS:
		return ctl_correlators(c);
	case CTL_FINDINGS:
		return ctl_findings(c, args->kind);
	case CTL_RULES_NOISY:
		return ctl_rules_noisy(c);
	case CTL_POSTURE:
		return args->n_words > 1
			       ? ctl_posture_order(c, args->words[1],
						   who_of(args), args->note, d)
			       : ctl_posture(c);
	case CTL_EXERCISES:
		return ctl_exercise_list(c);
	case CTL_EXERCISE_START:
		return ctl_exercise_start(c, args->words[2], who_of(args), d);
	case CTL_EXERCISE_STOP:
		return ctl_exercise_stop(c, args->words[2], who_of(args), d);
	case CTL_EXERCISE_REPORT:
		return ctl_exercise_report(c, args->words[2], args->html, d);
	case CTL_EXERCISE_CHECK:
	case CTL_SHARE_STATUS:
		return ctl_share_status(c);
	case CTL_SHARE_EXPORT:
	case CTL_SHARE_HELD:
		return share(c, args, cmd, conf, d);
	case CTL_AUDIT_LIST:
	case CTL_AUDIT_VERIFY:
	case CTL_AUDIT_EXPORT:
	case CTL_AUDIT_CHECKPOINT:
		return audit(c, args, cmd, d);
	case CTL_EVIDENCE_GET:
	case CTL_EVIDENCE_BUNDLE:
		return evidence(c, args, cmd, conf, d);
	case CTL_SHOW:
	case CTL_KEYS_MAKE:
	case CTL_RULES_RELOAD:
	case CTL_EVIDENCE_VERIFY:
		break;
	}
	return ctl_incident_show(c, cmd->id);
}

/* The commands that ask no store. */
static int
command_sensors(struct ctl *c, struct ctl_arguments *args,
		const struct ctl_command *cmd, struct conf *conf,
		struct diag *d)
{
	struct conf *all = conf_new();
	enum err e =
		all != NULL ? ERR_OK : diag_set(d, ERR_NOMEM, "out of memory");

	args->order.site = c->filter.site;
	args->order.sensor = c->filter.sensor;
	if (e == ERR_OK && cmd->what == CTL_KEYS_MAKE) {
		struct ctl_keys make = {
			.sensor = c->filter.sensor,
			.file = args->n_words > 2 ? args->words[2] : NULL,
			.hmac = args->hmac,
		};

		e = ctl_keys_make(c, &make, d);
	} else if (e == ERR_OK && cmd->what == CTL_EXERCISE_CHECK) {
		e = ctl_exercise_check(c, args->words[2], d);
	} else if (e == ERR_OK && cmd->what == CTL_EVIDENCE_VERIFY) {
		e = ctl_evidence_verify(c, args->words[2], args->order.key, d);
	} else if (e == ERR_OK) {
		e = read_redis(args, conf, all, d);
		if (e == ERR_OK) {
			e = ctl_rules_reload(c, &args->order, d);
		}
	}
	conf_free(all);
	if (e == ERR_OK && (fflush(stdout) != 0 || c->text.failed)) {
		e = diag_set(d, ERR_IO, "not everything was written");
	}
	return e == ERR_OK ? 0 : e == ERR_USAGE ? 2 : 1;
}

static int
run(struct ctl *c, struct ctl_arguments *args, struct conf *conf,
    struct diag *d)
{
	struct conf *file = NULL;
	struct ctl_command cmd = { .id = 0 };
	const char *path = NULL;
	int status = 2;
	enum err e = ctl_command_read(c, args, &cmd, d);

	if (e == ERR_OK && cmd.what >= CTL_KEYS_MAKE) {
		return command_sensors(c, args, &cmd, conf, d);
	}
	if (e == ERR_OK) {
		e = store_name(args, conf, &path, &file, d);
	}
	if (e == ERR_OK) {
		e = store_reader_open(&c->store, path, d);
	}
	if (e == ERR_OK) {
		status = 1;
		d->msg[0] = '\0';
		e = execute(c, args, &cmd, conf, d);
		if (e != ERR_OK && d->msg[0] == '\0') {
			diag_set(d, e,
				 e == ERR_NOTFOUND
					 ? "there is no incident %" PRId64
					 : "the store cannot be read",
				 cmd.id);
		}
		if (e == ERR_OK && (fflush(stdout) != 0 || c->text.failed)) {
			e = diag_set(d, ERR_IO, "not everything was written");
		}
	}
	store_reader_close(c->store);
	conf_free(file);
	if (e == ERR_USAGE && cmd.what >= CTL_SHARE_EXPORT) {
		status = 2;
	}
	return e == ERR_OK ? cmd.broken : status;
}

int
main(int argc, char **argv)
{
	struct ctl c = { .limit = DEFAULT_LIMIT };
	struct ctl_arguments args = { .n_words = 0 };
	struct conf *conf = conf_new();
	struct diag d = { "out of memory" };
	int status = 1;

	argv = hide_args(argc, argv);
	signal(SIGPIPE, SIG_DFL);
	ctl_text_init(&c.text, stdout);
	json_init(&c.j);
	if (conf != NULL) {
		status = 2;
		if (ctl_options_read(argc, argv, &c, &args, conf, &d) ==
		    ERR_OK) {
			status = args.done ? 0 : run(&c, &args, conf, &d);
		}
	}
	if (status != 0) {
		fprintf(stderr, "picketctl: %s\n", ctl_clean(&c.text, d.msg));
	}
	json_fini(&c.j);
	ctl_text_fini(&c.text);
	conf_free(conf);
	return status;
}
