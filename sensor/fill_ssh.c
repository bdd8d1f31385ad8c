/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/fill_ssh.h"

static void
set_one(struct inspect *in, const uint64_t needed[2], enum inspect_buf b,
	const struct view *v)
{
	if (inspect_bit(needed, b)) {
		inspect_set(in, b, v, v->len > 0 ? 1 : 0);
	}
}

void
fill_ssh(struct inspect *in, const struct ssh_tx *tx, const uint64_t needed[2])
{
	bool client = in->dir == DIR_TOSERVER;
	enum flow_dir dir = client ? FLOW_TOSERVER : FLOW_TOCLIENT;
	const struct ssh_side *s = &tx->side[dir];

	if (s->has_version || tx->tx.done[dir]) {
		set_one(in, needed, BUF_SSH_PROTO, &s->proto);
		set_one(in, needed, BUF_SSH_SOFTWARE, &s->software);
	}
	if (s->has_kex || tx->tx.done[dir]) {
		set_one(in, needed,
			client ? BUF_SSH_HASSH : BUF_SSH_HASSH_SERVER,
			&s->hassh);
		set_one(in, needed,
			client ? BUF_SSH_HASSH_STRING
			       : BUF_SSH_HASSH_SERVER_STRING,
			&s->hassh_string);
	}
}
