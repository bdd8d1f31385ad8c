/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/console_right.h"

#include <string.h>

#define NAME_MAX_BYTES 128

/* post, path, least role, partners too, what is recorded.  Rows with ID stand
 * before those with NAME, for the first that fits counts. */
const struct console_right console_rights[] = {
	/* Who is there */
	{ false, "/api/me", ROLE_NONE, true, RIGHT_QUIET },
	{ true, "/api/me", ROLE_VIEWER, true, RIGHT_ACTED },
	{ true, "/api/login", ROLE_NONE, true, RIGHT_QUIET },
	{ true, "/api/logout", ROLE_NONE, true, RIGHT_QUIET },
	{ false, "/api/users", ROLE_ADMINISTRATOR, false, RIGHT_QUIET },
	{ true, "/api/users", ROLE_ADMINISTRATOR, false, RIGHT_ACTED },
	/* What a partner gets */
	{ false, "/api/share", ROLE_VIEWER, true, RIGHT_READ },
	/* The picture */
	{ false, "/api/status", ROLE_VIEWER, false, RIGHT_QUIET },
	{ false, "/api/sites", ROLE_VIEWER, false, RIGHT_QUIET },
	{ false, "/api/sensors", ROLE_VIEWER, false, RIGHT_QUIET },
	{ false, "/api/sensors/NAME", ROLE_VIEWER, false, RIGHT_QUIET },
	{ false, "/api/missions", ROLE_VIEWER, false, RIGHT_QUIET },
	{ false, "/api/clocks", ROLE_VIEWER, false, RIGHT_QUIET },
	{ false, "/api/coverage", ROLE_VIEWER, false, RIGHT_QUIET },
	{ false, "/api/blind", ROLE_VIEWER, false, RIGHT_QUIET },
	{ false, "/api/timeline", ROLE_VIEWER, false, RIGHT_QUIET },
	{ false, "/api/rate", ROLE_VIEWER, false, RIGHT_QUIET },
	{ false, "/api/events", ROLE_VIEWER, false, RIGHT_QUIET },
	/* Alerts and the inbox */
	{ false, "/api/alerts", ROLE_VIEWER, false, RIGHT_QUIET },
	{ false, "/api/alerts/ID", ROLE_VIEWER, false, RIGHT_QUIET },
	{ false, "/api/alerts/ID/taps", ROLE_VIEWER, false, RIGHT_QUIET },
	{ false, "/api/alerts/ID/pcap", ROLE_ANALYST, false, RIGHT_READ },
	{ false, "/api/alerts/ID/bundle", ROLE_ANALYST, false, RIGHT_READ },
	{ false, "/api/inbox", ROLE_VIEWER, false, RIGHT_QUIET },
	{ true, "/api/inbox/act", ROLE_ANALYST, false, RIGHT_ACTED },
	{ true, "/api/undo", ROLE_ANALYST, false, RIGHT_ACTED },
	{ false, "/api/groups", ROLE_VIEWER, false, RIGHT_QUIET },
	{ false, "/api/groups/ID", ROLE_VIEWER, false, RIGHT_QUIET },
	{ true, "/api/groups/ID/note", ROLE_ANALYST, false, RIGHT_ACTED },
	{ false, "/api/suggest", ROLE_VIEWER, false, RIGHT_QUIET },
	{ false, "/api/queries", ROLE_VIEWER, false, RIGHT_QUIET },
	{ true, "/api/queries", ROLE_ANALYST, false, RIGHT_ACTED },
	{ true, "/api/queries/ID/remove", ROLE_ANALYST, false, RIGHT_ACTED },
	{ false, "/api/archive-rules", ROLE_VIEWER, false, RIGHT_QUIET },
	{ true, "/api/archive-rules", ROLE_ANALYST, false, RIGHT_ACTED },
	{ true, "/api/archive-rules/ID/remove", ROLE_ANALYST, false,
	  RIGHT_ACTED },
	{ false, "/api/export/alerts", ROLE_ANALYST, false, RIGHT_READ },
	{ false, "/api/evidence", ROLE_ANALYST, false, RIGHT_QUIET },
	{ false, "/api/evidence/ID", ROLE_ANALYST, false, RIGHT_READ },
	/* Incidents */
	{ false, "/api/incidents", ROLE_VIEWER, false, RIGHT_QUIET },
	{ false, "/api/incidents/ID", ROLE_VIEWER, false, RIGHT_QUIET },
	{ false, "/api/incidents/ID/export", ROLE_ANALYST, false, RIGHT_READ },
	{ false, "/api/incidents/ID/pcap", ROLE_ANALYST, false, RIGHT_READ },
	{ false, "/api/incidents/ID/bundle", ROLE_ANALYST, false, RIGHT_READ },
	{ true, "/api/incidents/ID/ack", ROLE_ANALYST, false, RIGHT_ACTED },
	{ true, "/api/incidents/ID/close", ROLE_ANALYST, false, RIGHT_ACTED },
	{ true, "/api/incidents/ID/reopen", ROLE_ANALYST, false, RIGHT_ACTED },
	{ true, "/api/incidents/ID/note", ROLE_ANALYST, false, RIGHT_ACTED },
	{ true, "/api/incidents/ID/split", ROLE_ANALYST, false, RIGHT_ACTED },
	{ true, "/api/incidents/ID/merge", ROLE_ANALYST, false, RIGHT_ACTED },
	{ true, "/api/incidents/ID/mute", ROLE_COORDINATOR, false,
	  RIGHT_ACTED },
	{ false, "/api/mutes", ROLE_VIEWER, false, RIGHT_QUIET },
	{ true, "/api/mutes", ROLE_COORDINATOR, false, RIGHT_ACTED },
	{ true, "/api/mutes/ID/remove", ROLE_COORDINATOR, false, RIGHT_ACTED },
	{ false, "/api/consultations", ROLE_VIEWER, false, RIGHT_QUIET },
	{ false, "/api/consultations/ID", ROLE_VIEWER, false, RIGHT_QUIET },
	{ true, "/api/consultations/ID/ack", ROLE_COORDINATOR, false,
	  RIGHT_ACTED },
	{ true, "/api/consultations/ID/handover", ROLE_COORDINATOR, false,
	  RIGHT_ACTED },
	{ true, "/api/consultations/ID/close", ROLE_COORDINATOR, false,
	  RIGHT_ACTED },
	{ false, "/api/consultations/NAME", ROLE_VIEWER, false, RIGHT_QUIET },
	{ true, "/api/consultations/NAME/ack", ROLE_COORDINATOR, false,
	  RIGHT_ACTED },
	{ true, "/api/consultations/NAME/handover", ROLE_COORDINATOR, false,
	  RIGHT_ACTED },
	{ true, "/api/consultations/NAME/close", ROLE_COORDINATOR, false,
	  RIGHT_ACTED },
	/* Indicators and exchange */
	{ false, "/api/indicators", ROLE_ANALYST, false, RIGHT_QUIET },
	{ false, "/api/indicators/ID", ROLE_ANALYST, false, RIGHT_QUIET },
	{ false, "/api/indicators/NAME", ROLE_ANALYST, false, RIGHT_QUIET },
	{ false, "/api/indicators/ID/sightings", ROLE_ANALYST, false,
	  RIGHT_QUIET },
	{ true, "/api/indicators", ROLE_COORDINATOR, false, RIGHT_ACTED },
	{ true, "/api/indicators/import", ROLE_COORDINATOR, false,
	  RIGHT_ACTED },
	{ true, "/api/indicators/ID/release", ROLE_COORDINATOR, false,
	  RIGHT_ACTED },
	{ true, "/api/indicators/ID/remove", ROLE_COORDINATOR, false,
	  RIGHT_ACTED },
	{ true, "/api/indicators/NAME/release", ROLE_COORDINATOR, false,
	  RIGHT_ACTED },
	{ true, "/api/indicators/NAME/remove", ROLE_COORDINATOR, false,
	  RIGHT_ACTED },
	{ false, "/api/exchange", ROLE_COORDINATOR, false, RIGHT_QUIET },
	{ false, "/api/exchange/NAME", ROLE_COORDINATOR, false, RIGHT_QUIET },
	{ false, "/api/audit", ROLE_COORDINATOR, false, RIGHT_QUIET },
	/* Exercises, rules, posture */
	{ false, "/api/exercises", ROLE_VIEWER, false, RIGHT_QUIET },
	{ false, "/api/exercises/NAME", ROLE_VIEWER, false, RIGHT_QUIET },
	{ false, "/api/exercises/NAME/report", ROLE_VIEWER, false,
	  RIGHT_QUIET },
	{ true, "/api/exercises", ROLE_COORDINATOR, false, RIGHT_ACTED },
	{ true, "/api/exercises/NAME/start", ROLE_COORDINATOR, false,
	  RIGHT_ACTED },
	{ true, "/api/exercises/NAME/stop", ROLE_COORDINATOR, false,
	  RIGHT_ACTED },
	{ false, "/api/rules", ROLE_VIEWER, false, RIGHT_QUIET },
	{ false, "/api/posture", ROLE_VIEWER, false, RIGHT_QUIET },
	{ true, "/api/posture", ROLE_COORDINATOR, false, RIGHT_ACTED },
};
const size_t n_console_rights = ARRAY_LEN(console_rights);

static const char *const roles[ROLES] = { "none", "viewer", "analyst",
					  "coordinator", "administrator" };

const char *
role_name(enum role r)
{
	return (size_t)r < ROLES ? roles[r] : roles[ROLE_NONE];
}

enum role
role_read(const char *word)
{
	for (unsigned r = ROLE_VIEWER; r < ROLES; r++) {
		if (strcmp(word, roles[r]) == 0) {
			return (enum role)r;
		}
	}
	return ROLE_NONE;
}

/* Segment by segment. */
static bool
fits(const char *row, const char *path)
{
	while (*row != '\0' && *path != '\0') {
		size_t n = strcspn(row, "/"), m = strcspn(path, "/");
		bool number = n == 2 && strncmp(row, "ID", 2) == 0;
		bool name = n == 4 && strncmp(row, "NAME", 4) == 0;

		if (number ? m == 0 || m > 18 || strspn(path, "0123456789") < m
		    : name ? m == 0 || m > NAME_MAX_BYTES
			   : n != m || strncmp(row, path, n) != 0) {
			return false;
		}
		row += n;
		path += m;
		if (*row == '/' && *path == '/') {
			row++;
			path++;
		}
	}
	return *row == *path;
}

const struct console_right *
console_right_find(const char *path, bool post)
{
	for (size_t i = 0; i < n_console_rights; i++) {
		if (console_rights[i].post == post &&
		    fits(console_rights[i].path, path)) {
			return &console_rights[i];
		}
	}
	return NULL;
}

unsigned
console_right_check(const struct console_right *row, const struct viewer *v)
{
	if (row == NULL) {
		/* nothing is told to who is not logged in */
		return v->role == ROLE_NONE ? 401 : 404;
	}
	if (row->least == ROLE_NONE) {
		return 0;
	}
	if (v->role == ROLE_NONE) {
		return 401;
	}
	if (v->role < row->least) {
		return 403;
	}
	/* An owner whom neither we nor the policy know sees nothing. */
	return v->partner != NULL && !row->partner ? 403 : 0;
}
