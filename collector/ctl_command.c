/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/ctl_command.h"

#include "collector/ctl_case.h"
#include "collector/ctl_inbox.h"
#include "collector/ctl_indicator.h"
#include "common/hide_args.h"

static enum err
no_more(const struct ctl_arguments *args, int n, struct diag *d)
{
	char shown[HIDE_ARG_CAP];

	return args->n_words <= n
		       ? ERR_OK
		       : diag_set(d, ERR_USAGE,
				  "'%s' is one word too many" CTL_TRY_HELP,
				  hide_arg(args->words[n], shown));
}

static enum err
incident_command(const struct ctl_arguments *args, struct ctl_command *cmd,
		 struct diag *d)
{
	const char *verb = args->n_words > 1 ? args->words[1] : NULL;
	char shown[HIDE_ARG_CAP];
	uint64_t id;
	enum err e;

	if (verb == NULL) {
		cmd->what = CTL_LIST;
		return ERR_OK;
	}
	if (strcmp(verb, "show") == 0) {
		cmd->what = args->n_words > 2 ? CTL_SHOW : CTL_SHOW_ALL;
	} else if (strcmp(verb, "ack") == 0) {
		cmd->what = CTL_ACK;
	} else if (strcmp(verb, "close") == 0) {
		cmd->what = CTL_CLOSE;
	} else if (strcmp(verb, "keys") == 0) {
		cmd->what = CTL_KEYS;
	} else if (strcmp(verb, "split") == 0) {
		cmd->what = CTL_SPLIT;
	} else if (strcmp(verb, "merge") == 0) {
		cmd->what = CTL_MERGE;
	} else if (strcmp(verb, "mute") == 0) {
		return diag_set(d, ERR_USAGE,
				"incidents: keys are muted, not incidents: "
				"incidents keys ID lists them, and mute add "
				"KIND KEY --why TEXT mutes one" CTL_TRY_HELP);
	} else {
		return diag_set(d, ERR_USAGE,
				"incidents: '%s' is not one of show, ack, "
				"close, keys, split, merge" CTL_TRY_HELP,
				hide_arg(verb, shown));
	}
	if (cmd->what == CTL_SHOW_ALL) {
		return ERR_OK;
	}
	if (args->n_words < 3) {
		return diag_set(d, ERR_USAGE,
				"incidents %s: which one? Give its number, as "
				"in incidents %s 3" CTL_TRY_HELP,
				verb, verb);
	}
	e = ctl_number("incidents", args->words[2], 1, INT64_MAX, &id, d);
	cmd->id = (int64_t)id;
	if (e == ERR_OK && (cmd->what == CTL_SPLIT || cmd->what == CTL_MERGE)) {
		e = ctl_case_check(args, d);
	}
	return e == ERR_OK && cmd->what != CTL_SPLIT
		       ? no_more(args, cmd->what == CTL_MERGE ? 4 : 3, d)
		       : e;
}

static enum err
consult_say(const struct ctl_arguments *args, struct ctl_command *cmd,
	    struct diag *d)
{
	struct consult_order *o = &cmd->consult;

	cmd->what = CTL_CONSULT_SAY;
	o->as = args->as;
	o->to = o->kind == CONSULT_HANDOVER ? args->to : NULL;
	o->who = args->who;
	o->why = args->note;
	if (o->kind == CONSULT_ACK && o->as == NULL) {
		return diag_set(d, ERR_USAGE,
				"consult ack: for whom? Give --as "
				"OWNER" CTL_TRY_HELP);
	}
	if (o->kind == CONSULT_HANDOVER &&
	    (o->to == NULL || o->why == NULL || o->why[0] == '\0')) {
		return diag_set(d, ERR_USAGE,
				"consult handover: give --to OWNER and --why "
				"TEXT" CTL_TRY_HELP);
	}
	return ERR_OK;
}

static enum err
consult_command(const struct ctl_arguments *args, struct ctl_command *cmd,
		struct diag *d)
{
	static const struct {
		const char *verb;
		int what;
		enum consult_kind kind;
	} verbs[] = {
		{ "show", CTL_CONSULT_SHOW, CONSULT_KINDS },
		{ "log", CTL_CONSULT_LOG, CONSULT_KINDS },
		{ "ack", CTL_CONSULT_SAY, CONSULT_ACK },
		{ "handover", CTL_CONSULT_SAY, CONSULT_HANDOVER },
		{ "close", CTL_CONSULT_SAY, CONSULT_CLOSE },
	};
	const char *verb = args->n_words > 1 ? args->words[1] : "list";
	char shown[HIDE_ARG_CAP];
	size_t i = 0;

	if (strcmp(verb, "list") == 0) {
		cmd->what = CTL_CONSULT_LIST;
		return no_more(args, 2, d);
	}
	while (i < ARRAY_LEN(verbs) && strcmp(verb, verbs[i].verb) != 0) {
		i++;
	}
	if (i == ARRAY_LEN(verbs)) {
		return diag_set(d, ERR_USAGE,
				"consult: '%s' is not one of list, show, log, "
				"ack, handover, close" CTL_TRY_HELP,
				hide_arg(verb, shown));
	}
	if (args->n_words < 3 ||
	    !consult_id_parse(args->words[2], &cmd->consult.id)) {
		return diag_set(d, ERR_USAGE,
				"consult %s: which one? Give its id, as in "
				"consult %s JP-3" CTL_TRY_HELP,
				verb, verb);
	}
	cmd->what = verbs[i].what;
	cmd->consult.kind = verbs[i].kind;
	if (no_more(args, 3, d) != ERR_OK) {
		return ERR_USAGE;
	}
	return verbs[i].what == CTL_CONSULT_SAY ? consult_say(args, cmd, d)
						: ERR_OK;
}

/* "new" is what "make FILE" was called before sensors had keys. */
static enum err
keys_command(const struct ctl *c, const struct ctl_arguments *args,
	     struct ctl_command *cmd, struct diag *d)
{
	const char *verb = args->n_words > 1 ? args->words[1] : "";
	bool sensor = c->filter.sensor != NULL;

	cmd->what = CTL_KEYS_MAKE;
	if ((strcmp(verb, "make") != 0 && strcmp(verb, "new") != 0) ||
	    (args->n_words < 3 && !sensor)) {
		return diag_set(d, ERR_USAGE,
				"keys: write keys make FILE, or keys make "
				"--sensor SITE/SENSOR" CTL_TRY_HELP);
	}
	if (args->hmac && !sensor) {
		return diag_set(d, ERR_USAGE,
				"--hmac: for the key of a sensor: give "
				"--sensor SITE/SENSOR too" CTL_TRY_HELP);
	}
	return args->n_words > 2 ? no_more(args, 3, d) : ERR_OK;
}

static enum err
rules_command(const struct ctl_arguments *args, struct ctl_command *cmd,
	      struct diag *d)
{
	if (args->n_words > 1 && strcmp(args->words[1], "noisy") == 0) {
		cmd->what = CTL_RULES_NOISY;
		return no_more(args, 2, d);
	}
	cmd->what = CTL_RULES_RELOAD;
	if (args->n_words < 2 || strcmp(args->words[1], "reload") != 0) {
		return diag_set(d, ERR_USAGE,
				"rules: write rules reload, or rules "
				"noisy" CTL_TRY_HELP);
	}
	if (args->order.key == NULL) {
		return diag_set(d, ERR_USAGE,
				"rules reload: give --redis URL and --key "
				"FILE" CTL_TRY_HELP);
	}
	return no_more(args, 2, d);
}

static enum err
evidence_command(const struct ctl_arguments *args, struct ctl_command *cmd,
		 struct diag *d)
{
	const char *verb = args->n_words > 2 ? args->words[1] : "";
	uint64_t id;
	enum err e;

	if (strcmp(verb, "verify") == 0) {
		cmd->what = CTL_EVIDENCE_VERIFY;
		return args->order.key != NULL
			       ? no_more(args, 3, d)
			       : diag_set(d, ERR_USAGE,
					  "evidence verify: give --key FILE, "
					  "the public key" CTL_TRY_HELP);
	}
	if (strcmp(verb, "get") != 0 && strcmp(verb, "bundle") != 0) {
		return diag_set(d, ERR_USAGE,
				"evidence: write evidence get ALERT, evidence "
				"bundle ALERT or evidence verify "
				"FILE" CTL_TRY_HELP);
	}
	cmd->what = verb[0] == 'g' ? CTL_EVIDENCE_GET : CTL_EVIDENCE_BUNDLE;
	if (args->order.key == NULL) {
		return diag_set(d, ERR_USAGE,
				"evidence %s: give --redis URL and --key "
				"FILE" CTL_TRY_HELP,
				verb);
	}
	e = ctl_number("evidence", args->words[2], 1, INT64_MAX, &id, d);
	cmd->id = (int64_t)id;
	return e == ERR_OK ? no_more(args, 3, d) : e;
}

static enum err
ledger_command(const struct ctl_arguments *args, struct diag *d)
{
	const char *name = args->n_words > 1 ? args->words[1] : "a/b";
	const char *slash = strchr(name, '/');
	char shown[HIDE_ARG_CAP];

	if (slash == NULL || slash == name || slash[1] == '\0') {
		return diag_set(d, ERR_USAGE,
				"ledger: '%s' is no SITE/SENSOR" CTL_TRY_HELP,
				hide_arg(name, shown));
	}
	return no_more(args, 2, d);
}

static enum err
exercise_command(const struct ctl_arguments *args, struct ctl_command *cmd,
		 struct diag *d)
{
	const char *verb = args->n_words > 1 ? args->words[1] : NULL;
	char shown[HIDE_ARG_CAP];

	if (verb == NULL) {
		cmd->what = CTL_EXERCISES;
		return ERR_OK;
	}
	if (strcmp(verb, "check") == 0) {
		cmd->what = CTL_EXERCISE_CHECK;
	} else if (strcmp(verb, "start") == 0) {
		cmd->what = CTL_EXERCISE_START;
	} else if (strcmp(verb, "stop") == 0) {
		cmd->what = CTL_EXERCISE_STOP;
	} else if (strcmp(verb, "report") == 0) {
		cmd->what = CTL_EXERCISE_REPORT;
	} else {
		return diag_set(d, ERR_USAGE,
				"exercise: '%s' is not one of check, start, "
				"stop, report" CTL_TRY_HELP,
				hide_arg(verb, shown));
	}
	if (args->n_words < 3) {
		return diag_set(d, ERR_USAGE,
				"exercise %s: which one? Give %s" CTL_TRY_HELP,
				verb,
				cmd->what == CTL_EXERCISE_CHECK ||
						cmd->what == CTL_EXERCISE_START
					? "the file of its plan"
					: "its name");
	}
	return no_more(args, 3, d);
}

static enum err
share_command(const struct ctl_arguments *args, struct ctl_command *cmd,
	      struct diag *d)
{
	const char *verb = args->n_words > 1 ? args->words[1] : "";

	if (strcmp(verb, "status") == 0) {
		cmd->what = CTL_SHARE_STATUS;
		return no_more(args, 2, d);
	}
	cmd->what =
		strcmp(verb, "held") == 0 ? CTL_SHARE_HELD : CTL_SHARE_EXPORT;
	if (strcmp(verb, "export") != 0 && strcmp(verb, "held") != 0) {
		return diag_set(
			d, ERR_USAGE,
			"share: write share status, share export --to "
			"PARTNER or share held --to PARTNER" CTL_TRY_HELP);
	}
	if (args->share.to == NULL) {
		return diag_set(d, ERR_USAGE,
				"share %s: give --to PARTNER" CTL_TRY_HELP,
				verb);
	}
	return no_more(args, 2, d);
}

static enum err
partner_command(const struct ctl_arguments *args, struct ctl_command *cmd,
		struct diag *d)
{
	if (args->n_words < 2) {
		cmd->what = CTL_PARTNERS;
		return ERR_OK;
	}
	cmd->what = CTL_PARTNER_SHOW;
	if (strcmp(args->words[1], "show") != 0 || args->n_words < 3) {
		return diag_set(d, ERR_USAGE,
				"partners: write partners or partners show "
				"NAME" CTL_TRY_HELP);
	}
	return no_more(args, 3, d);
}

static enum err
audit_command(const struct ctl_arguments *args, struct ctl_command *cmd,
	      struct diag *d)
{
	static const char *const verbs[] = { "list", "verify", "export",
					     "checkpoint" };
	const char *verb = args->n_words > 1 ? args->words[1] : "list";
	char shown[HIDE_ARG_CAP];

	for (unsigned i = 0; i < ARRAY_LEN(verbs); i++) {
		if (strcmp(verb, verbs[i]) == 0) {
			cmd->what = CTL_AUDIT_LIST + i;
			return no_more(args, 2, d);
		}
	}
	return diag_set(d, ERR_USAGE,
			"audit: '%s' is not one of list, verify, export, "
			"checkpoint" CTL_TRY_HELP,
			hide_arg(verb, shown));
}

/* "alerts show NUMBER...": these, wherever they stand. */
static enum err
alerts_command(const struct ctl_arguments *args, struct ctl_command *cmd,
	       struct diag *d)
{
	uint64_t id;
	enum err e = ERR_OK;

	cmd->what = CTL_ALERTS;
	if (args->n_words < 2) {
		return ERR_OK;
	}
	if (strcmp(args->words[1], "show") != 0) {
		cmd->what = CTL_ALERTS_QUERY;
		return ERR_OK;
	}
	if (args->n_words < 3) {
		return diag_set(d, ERR_USAGE,
				"alerts: write alerts, alerts QUERY, or alerts "
				"show NUMBER..." CTL_TRY_HELP);
	}
	cmd->what = CTL_ALERTS_SHOW;
	for (int i = 2; i < args->n_words && e == ERR_OK; i++) {
		e = ctl_number("alerts show", args->words[i], 1, INT64_MAX, &id,
			       d);
	}
	return e;
}

static enum err
inbox_command(const struct ctl_arguments *args, struct ctl_command *cmd,
	      struct diag *d)
{
	cmd->what = CTL_INBOX;
	if (!ctl_inbox_is_act(args)) {
		return ERR_OK;
	}
	cmd->what = CTL_INBOX_ACT;
	if (args->n_words < 3) {
		return diag_set(d, ERR_USAGE,
				"inbox %s: which ones? Give numbers of groups "
				"or a query; undo: its token" CTL_TRY_HELP,
				args->words[1]);
	}
	return strcmp(args->words[1], "undo") == 0 ? no_more(args, 3, d)
						   : ERR_OK;
}

enum err
ctl_command_read(const struct ctl *c, const struct ctl_arguments *args,
		 struct ctl_command *cmd, struct diag *d)
{
	const char *word = args->n_words > 0 ? args->words[0] : NULL;
	char shown[HIDE_ARG_CAP];

	if (word == NULL) {
		return diag_set(
			d, ERR_USAGE,
			"no command: one of status, top, sensors, ledger, "
			"blind, missions, skew, alerts, inbox, incidents, "
			"indicators, consult, posture, exercise, share, "
			"partners, mute, warnings, findings, "
			"correlators, collectors, parts, audit, evidence, "
			"keys, "
			"rules" CTL_TRY_HELP);
	}
	if (strcmp(word, "keys") == 0) {
		return keys_command(c, args, cmd, d);
	}
	if (strcmp(word, "rules") == 0) {
		return rules_command(args, cmd, d);
	}
	if (strcmp(word, "evidence") == 0) {
		return evidence_command(args, cmd, d);
	}
	if (strcmp(word, "exercise") == 0) {
		return exercise_command(args, cmd, d);
	}
	if (strcmp(word, "posture") == 0) {
		cmd->what = CTL_POSTURE;
		return no_more(args, 2, d);
	}
	if (strcmp(word, "share") == 0) {
		return share_command(args, cmd, d);
	}
	if (strcmp(word, "partners") == 0) {
		return partner_command(args, cmd, d);
	}
	if (strcmp(word, "audit") == 0) {
		return audit_command(args, cmd, d);
	}
	if (strcmp(word, "incidents") == 0) {
		return incident_command(args, cmd, d);
	}
	if (strcmp(word, "mute") == 0) {
		cmd->what = CTL_MUTE;
		return ctl_mute_check(args, d);
	}
	if (strcmp(word, "indicators") == 0) {
		cmd->what = CTL_INDICATORS;
		return ctl_indicators_check(args, d);
	}
	if (strcmp(word, "consult") == 0) {
		return consult_command(args, cmd, d);
	}
	if (strcmp(word, "alerts") == 0) {
		return alerts_command(args, cmd, d);
	}
	if (strcmp(word, "inbox") == 0) {
		return inbox_command(args, cmd, d);
	}
	if (strcmp(word, "ledger") == 0) {
		cmd->what = CTL_LEDGER;
		return ledger_command(args, d);
	}
	if (strcmp(word, "status") == 0) {
		cmd->what = CTL_STATUS;
	} else if (strcmp(word, "top") == 0) {
		cmd->what = CTL_TOP;
		if (c->json) {
			return diag_set(d, ERR_USAGE,
					"top: is for eyes; for a program ask "
					"status, sensors and incidents with "
					"--json" CTL_TRY_HELP);
		}
	} else if (strcmp(word, "sensors") == 0) {
		cmd->what = CTL_SENSORS;
	} else if (strcmp(word, "blind") == 0) {
		cmd->what = CTL_BLIND;
	} else if (strcmp(word, "missions") == 0) {
		cmd->what = CTL_MISSIONS;
	} else if (strcmp(word, "warnings") == 0) {
		cmd->what = CTL_WARNINGS;
	} else if (strcmp(word, "findings") == 0) {
		cmd->what = CTL_FINDINGS;
	} else if (strcmp(word, "correlators") == 0) {
		cmd->what = CTL_CORRELATORS;
	} else if (strcmp(word, "skew") == 0) {
		cmd->what = CTL_SKEW;
	} else if (strcmp(word, "collectors") == 0) {
		cmd->what = CTL_COLLECTORS;
	} else if (strcmp(word, "parts") == 0) {
		cmd->what = CTL_PARTS;
	} else {
		return diag_set(
			d, ERR_USAGE,
			"'%s' is no command: use status, top, sensors, "
			"ledger, blind, missions, skew, alerts, "
			"inbox, incidents, indicators, consult, posture, "
			"exercise, share, partners, mute, warnings, "
			"findings, correlators, "
			"collectors, parts, audit, evidence, keys or "
			"rules" CTL_TRY_HELP,
			hide_arg(word, shown));
	}
	return no_more(args, 1, d);
}
