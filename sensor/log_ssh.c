/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/log_ssh.h"

static void
put_side(struct json *j, const char *key, const struct ssh_side *s)
{
	if (!s->has_version) {
		return;
	}
	json_obj(j, key);
	json_str(j, "proto_version", s->proto);
	json_str(j, "software_version", s->software);
	if (s->hassh.len > 0) {
		json_obj(j, "hassh");
		json_str(j, "hash", s->hassh);
		json_str(j, "string", s->hassh_string);
		json_obj_end(j);
	}
	json_obj_end(j);
}

void
log_ssh(struct json *j, const struct ssh_tx *tx)
{
	json_obj(j, "ssh");
	put_side(j, "client", &tx->side[FLOW_TOSERVER]);
	put_side(j, "server", &tx->side[FLOW_TOCLIENT]);
	json_obj_end(j);
}
