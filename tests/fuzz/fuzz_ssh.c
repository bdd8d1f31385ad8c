/* SPDX-License-Identifier: Apache-2.0 */
/* SSH in both directions; the first byte is the size of the small steps. */
#include "rules/inspect.h"
#include "sensor/fill_ssh.h"
#include "sensor/log_ssh.h"
#include "tests/fuzz/fuzz_app.h"
#include "tests/sensor/copy_same.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct fuzz_app app;

static void
describe(struct json *j)
{
	uint64_t all[2] = { UINT64_MAX, UINT64_MAX };
	struct inspect in = { .dir = DIR_TOSERVER };

	json_reset(j);
	json_arr(j, NULL);
	for (struct app_tx *tx = app.flow.app != NULL ? app.flow.app->txs
						      : NULL;
	     tx != NULL; tx = tx->next) {
		if (tx->parser->proto != APP_SSH) {
			continue;
		}
		fill_ssh(&in, (struct ssh_tx *)tx, all);
		json_obj(j, NULL);
		log_ssh(j, (struct ssh_tx *)tx);
		json_hex(j, "events", view_of(&tx->events, sizeof(tx->events)));
		json_obj_end(j);
		copy_same_all(tx);
	}
	json_arr_end(j);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct json whole, parts;
	struct view in = view_of(data, size);

	if (size < 2) {
		return 0;
	}
	for (unsigned round = 0; round < 2; round++) {
		fuzz_app_open(&app, IPP_TCP, 22);
		fuzz_app_runs(&app, view_sub(in, 1, size),
			      round == 0 ? SIZE_MAX : 1 + (size_t)data[0]);
		describe(round == 0 ? &whole : &parts);
		fuzz_app_close(&app);
	}
	if (!view_eq(json_view(&whole), json_view(&parts))) {
		abort();
	}
	return 0;
}
