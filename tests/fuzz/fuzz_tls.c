/* SPDX-License-Identifier: Apache-2.0 */
/* TLS in both directions; the first byte is the size of the small steps. */
#include "sensor/fill_tls.h"
#include "sensor/log_tls.h"
#include "tests/fuzz/fuzz_app.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct fuzz_app app;

static void
fill(struct inspect *in, struct app_tx *tx, const uint64_t all[2])
{
	fill_tls(in, (struct tls_tx *)tx, all);
}

static void
tell(struct json *j, struct app_tx *tx)
{
	log_tls_extra(j, (struct tls_tx *)tx, ~0U);
}

static const struct fuzz_app_tale tale = { APP_TLS, fill, tell };

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct json whole, parts;
	struct view in = view_of(data, size);

	if (size < 2) {
		return 0;
	}
	for (unsigned round = 0; round < 2; round++) {
		fuzz_app_open(&app, IPP_TCP, 443);
		fuzz_app_runs(&app, view_sub(in, 1, size),
			      round == 0 ? SIZE_MAX : 1 + (size_t)data[0]);
		fuzz_app_describe(&app, &tale, round == 0 ? &whole : &parts);
		fuzz_app_close(&app);
	}
	if (!view_eq(json_view(&whole), json_view(&parts))) {
		abort();
	}
	return 0;
}
