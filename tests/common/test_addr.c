/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/test.h"

#include <arpa/inet.h>

#include "common/addr.h"

static void
parses_and_formats(void **state)
{
	static const char *const good[] = {
		"192.0.2.1", "0.0.0.0", "255.255.255.255", "2001:db8::1",
		"::1",       "::",      "fe80::1:2"
	};
	static const char *const bad[] = {
		"",          "192.0.2",       "192.0.2.256", "1.2.3.4 ",
		"2001:db8:", "::ffff:1.2.3.", "host",        "01.2.3.4.5"
	};
	char text[ADDR_TEXT_CAP];
	struct addr a;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		assert_true(addr_parse(view_cstr(good[i]), &a));
		addr_format(&a, text);
		assert_string_equal(text, good[i]);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		assert_false(addr_parse(view_cstr(bad[i]), &a));
	}
	assert_false(addr_parse(view_of("1.2.3.4\0x", 9), &a));
}

/* Every shape of zero runs, with groups of every length, as the library. */
static void
formats_as_the_library(void **state)
{
	static const uint16_t groups[] = {
		0, 1, 0xa, 0x10, 0xff, 0x100, 0xfff, 0x1000, 0xabcd, 0xffff
	};
	uint32_t r = 1;
	char text[ADDR_TEXT_CAP], want[ADDR_TEXT_CAP];

	(void)state;
	for (unsigned i = 0; i < 256 * 64; i++) {
		struct addr a;
		bool v4;

		for (unsigned g = 0; g < 8; g++) {
			r = r * 1664525 + 1013904223;
			store_be16(a.b + 2 * g,
				   (i >> g & 1) != 0
					   ? 0
					   : groups[(r >> 16) %
						    ARRAY_LEN(groups)]);
		}
		if (i % 5 == 0) {
			a = addr_from_v4(a.b + 12);
		}
		v4 = addr_is_v4(&a);
		assert_non_null(inet_ntop(v4 ? AF_INET : AF_INET6,
					  v4 ? a.b + 12 : a.b, want,
					  sizeof(want)));
		assert_int_equal(addr_format(&a, text), strlen(want));
		assert_string_equal(text, want);
	}
}

static void
networks_contain(void **state)
{
	static const struct {
		const char *net, *addr;
		bool in;
	} cases[] = {
		{ "192.0.2.0/24", "192.0.2.255", true },
		{ "192.0.2.0/24", "192.0.3.0", false },
		{ "192.0.2.77/24", "192.0.2.1", true },
		{ "192.0.2.0/255.255.255.0", "192.0.2.9", true },
		{ "10.0.0.0/7", "11.255.0.1", true },
		{ "10.0.0.0/7", "12.0.0.1", false },
		{ "0.0.0.0/0", "203.0.113.5", true },
		{ "0.0.0.0/0", "2001:db8::1", false },
		{ "::/0", "203.0.113.5", true },
		{ "2001:db8::/33", "2001:db8:7fff::", true },
		{ "2001:db8::/33", "2001:db8:8000::", false },
		{ "198.51.100.7", "198.51.100.7", true },
		{ "198.51.100.7", "198.51.100.6", false },
	};
	struct cidr net;
	struct addr a;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_true(cidr_parse(view_cstr(cases[i].net), &net));
		assert_true(addr_parse(view_cstr(cases[i].addr), &a));
		assert_int_equal(cidr_contains(&net, &a), cases[i].in);
	}
}

static void
bad_networks_are_refused(void **state)
{
	static const char *const bad[] = {
		"192.0.2.0/33", "192.0.2.0/",          "192.0.2.0/a", "/24",
		"::/129",       "1.2.3.4/255.0.255.0", "1.2.3.4/-1"
	};
	struct cidr net;
	char text[ADDR_TEXT_CAP + 4];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		assert_false(cidr_parse(view_cstr(bad[i]), &net));
	}
	assert_true(cidr_parse(VIEW_LIT("192.0.2.77/24"), &net));
	cidr_format(&net, text);
	assert_string_equal(text, "192.0.2.0/24");
	assert_true(cidr_parse(VIEW_LIT("2001:db8::5/32"), &net));
	cidr_format(&net, text);
	assert_string_equal(text, "2001:db8::/32");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parses_and_formats),
		cmocka_unit_test(formats_as_the_library),
		cmocka_unit_test(networks_contain),
		cmocka_unit_test(bad_networks_are_refused),
	};

	return cmocka_run_group_tests_name("addr", tests, NULL, NULL);
}
