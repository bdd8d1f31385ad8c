/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/correlator_file.h"

#include <stdio.h>
#include <string.h>

#include "tests/test.h"

static struct finding_config found;

static enum err
read_text(struct correlate_config *out, const char *text, struct diag *d)
{
	*out = correlate_defaults;
	found = finding_defaults;
	d->msg[0] = '\0';
	return correlator_file_read(out, &found, NULL, "c.yaml",
				    view_cstr(text), d);
}

static bool
same(const struct correlate_config *a, const struct correlate_config *b)
{
	return a->window_us == b->window_us && a->slack_us == b->slack_us &&
	       a->shared == b->shared && a->stages == b->stages &&
	       a->min_sites == b->min_sites && a->min_owners == b->min_owners &&
	       a->min_stages == b->min_stages && a->flood == b->flood &&
	       a->flood_alerts == b->flood_alerts &&
	       a->flood_rule_alerts == b->flood_rule_alerts &&
	       a->flood_seconds == b->flood_seconds &&
	       a->max_runs == b->max_runs && a->max_links == b->max_links;
}

/* The text between .Bd and .Ed of the man page's section. */
static void
what_the_page_shows_is_what_holds(void **state)
{
	static char page[1 << 18];
	struct correlate_config c;
	struct diag d;
	char *from, *to;
	FILE *f = fopen(MAN_PAGE, "r");

	(void)state;
	assert_non_null(f);
	page[fread(page, 1, sizeof(page) - 1, f)] = '\0';
	fclose(f);
	from = strstr(page, ".Sh CORRELATORS");
	assert_non_null(from);
	from = strstr(from, "correlators:\n");
	assert_non_null(from);
	to = strstr(from, ".Ed");
	assert_non_null(to);
	*to = '\0';
	/* Each threshold is said there, so what it is before does not count. */
	c = correlate_defaults;
	c.shared = c.stages = c.flood = false;
	c.flood_alerts = c.flood_rule_alerts = c.flood_seconds = 9;
	c.min_sites = c.min_owners = c.min_stages = 9;
	memset(&found, 0, sizeof(found));
	assert_int_equal(correlator_file_read(&c, &found, NULL, "page",
					      view_cstr(from), &d),
			 ERR_OK);
	assert_true(same(&c, &correlate_defaults));
	assert_memory_equal(&found, &finding_defaults, sizeof(found));
}

static void
each_kind_can_be_set_and_switched(void **state)
{
	struct correlate_config c, want = correlate_defaults;
	struct diag d;

	(void)state;
	assert_int_equal(read_text(&c,
				   "correlators:\n"
				   "  - min-sites: 3\n"
				   "    kind: shared\n"
				   "    min-owners: 4\n"
				   "  - {kind: stages, enabled: no}\n",
				   &d),
			 ERR_OK);
	want.min_sites = 3;
	want.min_owners = 4;
	want.stages = false;
	assert_true(same(&c, &want));
	assert_int_equal(read_text(&c, "correlators: []\n", &d), ERR_OK);
	assert_true(same(&c, &correlate_defaults));
}

static void
kinds_that_find_and_whom_they_ignore(void **state)
{
	struct finding_config want = finding_defaults;
	struct correlate_config c;
	struct diag d;

	(void)state;
	assert_int_equal(
		read_text(&c,
			  "ignore: [10.0.0.9, 192.0.2.0/24, '::1']\n"
			  "correlators:\n"
			  "  - {kind: slow-scan, hours: 12, ports: 20}\n"
			  "  - {kind: volume, enabled: no}\n",
			  &d),
		ERR_OK);
	want.slow_hours = 12;
	want.slow_ports = 20;
	want.on[FINDING_VOLUME] = false;
	assert_int_equal(found.n_ignore, 3);
	assert_int_equal(found.ignore[1].bits, 120);
	found.n_ignore = 0;
	memset(found.ignore, 0, sizeof(found.ignore));
	assert_memory_equal(&found, &want, sizeof(want));
	assert_true(same(&c, &correlate_defaults));
}

static void
what_is_wrong_is_named_with_its_line(void **state)
{
	static const struct {
		const char *text, *says;
	} bad[] = {
		{ "", "c.yaml:1: no correlators" },
		{ "- a\n", "c.yaml:1: no correlators" },
		{ "{}\n", "c.yaml:1: correlators: a list" },
		{ "correlators: 3\n", "c.yaml:1: correlators: a list" },
		{ "correlators: []\nmore: 1\n", "c.yaml:2: only" },
		{ "correlators: []\ncorrelators: []\n",
		  "c.yaml:2: correlators: there twice" },
		{ "correlators:\n  - shared\n", "c.yaml:2: correlators: each" },
		{ "correlators:\n  - enabled: no\n",
		  "c.yaml:2: kind: '' is none of shared, " },
		{ "correlators:\n  - kind: beacons\n",
		  "c.yaml:2: kind: 'beacons' is none of shared, stages, " },
		{ "correlators:\n  - kind: shared\n    min-stages: 3\n",
		  "c.yaml:3: min-stages: nothing" },
		{ "correlators:\n  - kind: shared\n    min-sites: 1\n",
		  "c.yaml:3: min-sites: a number from 2 to 1000" },
		{ "correlators:\n  - kind: shared\n    min-sites: 2x\n",
		  "c.yaml:3: min-sites: a number" },
		{ "correlators:\n  - kind: shared\n    min-sites: "
		  "18446744073709551618\n",
		  "c.yaml:3: min-sites: a number" },
		{ "correlators:\n  - kind: shared\n    min-sites: [2]\n",
		  "c.yaml:3: min-sites: a number" },
		{ "correlators:\n  - kind: shared\n    enabled: maybe\n",
		  "c.yaml:3: enabled: write yes or no" },
		{ "correlators:\n  - kind: shared\n    enabled: no\n"
		  "    enabled: yes\n",
		  "c.yaml:4: enabled: there twice" },
		{ "correlators:\n  - kind: shared\n  - kind: shared\n",
		  "c.yaml:3: kind: shared is there twice" },
		{ "correlators:\n  - kind: shared\n---\n- more\n",
		  "c.yaml:4: a second document" },
		{ "correlators: [\n", "c.yaml:" },
		{ "correlators:\n  - kind: scan\n    peers: 4\n",
		  "c.yaml:3: peers: a number from 5" },
		{ "correlators:\n  - kind: beacon\n    peers: 40\n",
		  "c.yaml:3: peers: nothing" },
		{ "correlators:\n  - kind: beacon\n    most-seconds: 10\n",
		  "c.yaml:1: beacon: least-seconds" },
		{ "correlators: []\nignore: 10.0.0.1\n",
		  "c.yaml:2: ignore: a list" },
		{ "correlators: []\nignore: [10.0.0.1,\n  10.0.0.300]\n",
		  "c.yaml:3: ignore: 10.0.0.300: no address" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct correlate_config c;
		struct diag d;

		assert_int_equal(read_text(&c, bad[i].text, &d), ERR_USAGE);
		if (strncmp(d.msg, bad[i].says, strlen(bad[i].says)) != 0) {
			fail_msg("'%s' and not '%s'", d.msg, bad[i].says);
		}
		/* Half a file is none. */
		assert_true(same(&c, &correlate_defaults));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_the_page_shows_is_what_holds),
		cmocka_unit_test(each_kind_can_be_set_and_switched),
		cmocka_unit_test(kinds_that_find_and_whom_they_ignore),
		cmocka_unit_test(what_is_wrong_is_named_with_its_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
