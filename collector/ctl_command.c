/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/ctl_command.h"

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
	} else {
		return diag_set(d, ERR_USAGE,
				"incidents: '%s' is not one of show, ack, "
				"close" CTL_TRY_HELP,
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
	return e == ERR_OK ? no_more(args, 3, d) : e;
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
	cmd->what = CTL_RULES_RELOAD;
	if (args->n_words < 2 || strcmp(args->words[1], "reload") != 0) {
		return diag_set(d, ERR_USAGE,
				"rules: write rules reload" CTL_TRY_HELP);
	}
	if (args->order.key == NULL) {
		return diag_set(d, ERR_USAGE,
				"rules reload: give --redis URL and --key "
				"FILE" CTL_TRY_HELP);
	}
	return no_more(args, 2, d);
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

enum err
ctl_command_read(const struct ctl *c, const struct ctl_arguments *args,
		 struct ctl_command *cmd, struct diag *d)
{
	const char *word = args->n_words > 0 ? args->words[0] : NULL;
	char shown[HIDE_ARG_CAP];

	if (word == NULL) {
		return diag_set(d, ERR_USAGE,
				"no command: one of status, sensors, ledger, "
				"blind, missions, skew, alerts, incidents, "
				"keys, rules" CTL_TRY_HELP);
	}
	if (strcmp(word, "keys") == 0) {
		return keys_command(c, args, cmd, d);
	}
	if (strcmp(word, "rules") == 0) {
		return rules_command(args, cmd, d);
	}
	if (strcmp(word, "incidents") == 0) {
		return incident_command(args, cmd, d);
	}
	if (strcmp(word, "ledger") == 0) {
		cmd->what = CTL_LEDGER;
		return ledger_command(args, d);
	}
	if (strcmp(word, "status") == 0) {
		cmd->what = CTL_STATUS;
	} else if (strcmp(word, "sensors") == 0) {
		cmd->what = CTL_SENSORS;
	} else if (strcmp(word, "blind") == 0) {
		cmd->what = CTL_BLIND;
	} else if (strcmp(word, "missions") == 0) {
		cmd->what = CTL_MISSIONS;
	} else if (strcmp(word, "skew") == 0) {
		cmd->what = CTL_SKEW;
	} else if (strcmp(word, "alerts") == 0) {
		cmd->what = CTL_ALERTS;
	} else {
		return diag_set(d, ERR_USAGE,
				"'%s' is no command: use status, sensors, "
				"ledger, blind, missions, skew, alerts, "
				"incidents, keys or "
				"rules" CTL_TRY_HELP,
				hide_arg(word, shown));
	}
	return no_more(args, 1, d);
}
