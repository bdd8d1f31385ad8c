/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/exchange_json.h"

#include "collector/exchange_out_store.h"

static void
put_numbers(struct json *j, const struct exchange_state *s)
{
	json_u64(j, "made", s->seq);
	json_u64(j, "acknowledged", s->acked);
	json_u64(j, "waiting", s->waiting);
	json_u64(j, "waiting_bytes", s->waiting_bytes);
	json_u64(j, "objects", s->objects);
	json_u64(j, "held", s->held);
}

static void
put_metrics(void *arg, const char *party, const struct exchange_state *s)
{
	struct json *j = arg;

	json_obj(j, NULL);
	json_cstr(j, "name", party);
	json_bool(j, "up", s->down_us == 0);
	put_numbers(j, s);
	json_obj_end(j);
}

enum err
exchange_json_metrics(struct store_reader *r, struct json *j)
{
	enum err e;

	json_arr(j, "exchange");
	e = exchange_out_list(r, put_metrics, j);
	json_arr_end(j);
	return e;
}

static void
put_party(void *arg, const char *party, const struct exchange_state *s)
{
	struct json *j = arg;

	json_obj(j, NULL);
	json_cstr(j, "partner", party);
	json_u64(j, "epoch", s->epoch);
	json_u64(j, "sent", s->sent);
	put_numbers(j, s);
	json_time_known(j, "made_at", s->made_us);
	json_time_known(j, "acknowledged_at", s->acked_us);
	json_time_known(j, "down_since", s->down_us);
	json_cstr(j, "error", s->error);
	json_obj_end(j);
}

enum err
exchange_json(struct store_reader *r, struct json *j)
{
	enum err e;

	json_arr(j, "partners");
	e = exchange_out_list(r, put_party, j);
	json_arr_end(j);
	return e;
}
