/* SPDX-License-Identifier: Apache-2.0 */
/* The settings of live capture: of all interfaces, and of one. */
#include "tests/test.h"

#include <stdlib.h>
#include <string.h>

#include "sensor/live_conf.h"

static struct live_conf got;
static struct diag diag;

/* 'sets' ends with NULL, and so do 'names'. */
static enum err
reads(const char *const *sets, const char *const *names)
{
	struct conf *c = conf_new();
	size_t n = 0;
	enum err e;

	assert_non_null(c);
	for (; *sets != NULL; sets++) {
		assert_int_equal(conf_set_arg(c, *sets, &diag), ERR_OK);
	}
	while (names[n] != NULL) {
		n++;
	}
	e = live_conf_read(&got, c, names, n, &diag);
	/* texts of 'got' are the settings': only numbers are looked at */
	conf_free(c);
	return e;
}

#define SETS(...) ((const char *const[]){ __VA_ARGS__, NULL })
#define NAMES(...) ((const char *const[]){ __VA_ARGS__, NULL })
#define NOTHING ((const char *const[]){ NULL })

static void
test_defaults(void **state)
{
	const struct capture_live_options *o = &got.iface[0].open;

	(void)state;
	assert_int_equal(reads(NOTHING, NAMES("eth0", "eth1")), ERR_OK);
	assert_int_equal(got.n, 2);
	assert_string_equal(o->name, "eth0");
	assert_string_equal(o->timestamp, "host");
	assert_null(o->filter);
	assert_int_equal(o->snaplen, 262144);
	assert_int_equal(o->ring_bytes, 64 << 20);
	assert_int_equal(o->timeout_ms, 10);
	assert_true(o->promiscuous);
	assert_false(o->immediate);
	assert_int_equal(got.iface[1].fanout, FANOUT_PAIR);
	assert_int_equal(got.n_cpus, 0);
	assert_int_equal(reads(NOTHING, NOTHING), ERR_OK);
	assert_int_equal(got.n, 0);
}

static void
test_one_differs(void **state)
{
	(void)state;
	assert_int_equal(
		reads(SETS("capture.ring-size=8mb", "capture.promiscuous=no",
			   "capture.interfaces.0.name=eth0",
			   "capture.interfaces.1.name=eth1",
			   "capture.interfaces.1.ring-size=16mb",
			   "capture.interfaces.1.fanout=hash",
			   "capture.interfaces.1.snaplen=100",
			   "capture.cpu-affinity=3, 5 7"),
		      NOTHING),
		ERR_OK);
	assert_int_equal(got.n, 2);
	assert_int_equal(got.iface[0].open.ring_bytes, 8 << 20);
	assert_int_equal(got.iface[1].open.ring_bytes, 16 << 20);
	assert_int_equal(got.iface[0].open.snaplen, 262144);
	assert_int_equal(got.iface[1].open.snaplen, 100);
	assert_int_equal(got.iface[0].fanout, FANOUT_PAIR);
	assert_int_equal(got.iface[1].fanout, FANOUT_HASH);
	assert_false(got.iface[1].open.promiscuous);
	assert_int_equal(got.n_cpus, 3);
	assert_int_equal(got.cpu[2], 7);
	/* what the command line names is what is opened, with its settings */
	assert_int_equal(reads(SETS("capture.interfaces.0.name=eth0",
				    "capture.interfaces.1.name=eth1",
				    "capture.interfaces.1.snaplen=100"),
			       NAMES("eth1")),
			 ERR_OK);
	assert_int_equal(got.n, 1);
	assert_int_equal(got.iface[0].open.snaplen, 100);
}

static void
test_names_alone(void **state)
{
	(void)state;
	assert_int_equal(reads(SETS("capture.interfaces.0=eth0",
				    "capture.interfaces.1.name=eth1",
				    "capture.interfaces.1.snaplen=100"),
			       NOTHING),
			 ERR_OK);
	assert_int_equal(got.n, 2);
	assert_int_equal(got.iface[0].open.snaplen, 262144);
	assert_int_equal(got.iface[1].open.snaplen, 100);
}

static void
refused(const char *const *sets, const char *const *names, const char *word)
{
	assert_int_equal(reads(sets, names), ERR_USAGE);
	if (strstr(diag.msg, word) == NULL) {
		fail_msg("'%s' does not say '%s'", diag.msg, word);
	}
}

static void
test_what_is_refused(void **state)
{
	(void)state;
	refused(NOTHING, NAMES("any"), "name each");
	refused(NOTHING, NAMES("eth0", "eth0"), "twice");
	refused(NOTHING, NAMES("a-very-long-name"), "not a name");
	refused(NOTHING, NAMES(""), "not a name");
	refused(SETS("capture.fanout=cpu"), NAMES("eth0"),
		"capture.fanout: 'cpu': expected pair or hash");
	refused(SETS("capture.ring_size=1"), NAMES("eth0"),
		"capture.ring_size");
	refused(SETS("capture.interfaces.0.name=a",
		     "capture.interfaces.0.ringsize=1"),
		NOTHING, "capture.interfaces.0.ringsize");
	refused(SETS("capture.cpu-affinity=all"), NAMES("eth0"),
		"capture.cpu-affinity");
	refused(SETS("capture.interfaces.eth0="), NOTHING, "list");
	refused(SETS("capture.interfaces.0=eth0",
		     "capture.interfaces.1.name=eth0"),
		NOTHING, "twice");
	/* Suricata's have no effect, and do no harm */
	assert_int_equal(
		reads(SETS("capture.disable-offloading=yes"), NAMES("eth0")),
		ERR_OK);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_one_differs),
		cmocka_unit_test(test_names_alone),
		cmocka_unit_test(test_what_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
