/* SPDX-License-Identifier: Apache-2.0 */
/* DNS over UDP (bit 0 of the first byte clear) and TCP (set). */
#include "sensor/fill_dns.h"
#include "sensor/log_dns.h"
#include "tests/fuzz/fuzz_app.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct fuzz_app app;

static void
fill(struct inspect *in, struct app_tx *tx, const uint64_t all[2])
{
	fill_dns(in, (struct dns_tx *)tx, all);
}

static void
tell(struct json *j, struct app_tx *tx)
{
	log_dns(j, (struct dns_tx *)tx);
}

static const struct fuzz_app_tale tale = { APP_DNS, fill, tell };

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct json whole, parts;
	struct view in = view_of(data, size);

	if (size < 2) {
		return 0;
	}
	if (!(data[0] & 1)) {
		fuzz_app_open(&app, IPP_UDP, 53);
		fuzz_app_data(&app, data[0] & 2 ? FLOW_TOCLIENT : FLOW_TOSERVER,
			      view_sub(in, 1, size), SIZE_MAX);
		fuzz_app_describe(&app, &tale, &whole);
		fuzz_app_close(&app);
		return 0;
	}
	for (unsigned round = 0; round < 2; round++) {
		fuzz_app_open(&app, IPP_TCP, 53);
		fuzz_app_data(&app, FLOW_TOSERVER, view_sub(in, 1, size),
			      round == 0 ? SIZE_MAX
					 : 1 + ((size_t)data[0] >> 2));
		fuzz_app_describe(&app, &tale, round == 0 ? &whole : &parts);
		fuzz_app_close(&app);
	}
	if (!view_eq(json_view(&whole), json_view(&parts))) {
		abort();
	}
	return 0;
}
