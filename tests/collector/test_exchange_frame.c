/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frames and points of the exchange: each field is signed, and what is not just
 * what a party made for us is refused, for the right reason.  And the settings
 * that name the parties.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "collector/exchange_conf.h"
#include "tests/test.h"

static char dir[64];
static struct sign_key *ours, *theirs;
static struct exchange_party jp;

static char *
path(const char *name)
{
	static char out[4][128];
	static unsigned n;

	n = (n + 1) % 4;
	snprintf(out[n], sizeof(out[n]), "%s/%s", dir, name);
	return out[n];
}

static void
write_file(const char *name, const char *text)
{
	FILE *f = fopen(path(name), "wb");

	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, strlen(text), f), strlen(text));
	assert_int_equal(fclose(f), 0);
}

static int
setup(void **state)
{
	struct diag d = { "" };
	char policy[256];

	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/test_exchange.XXXXXX");
	assert_non_null(mkdtemp(dir));
	assert_int_equal(sign_key_make(path("jp"), &d), ERR_OK);
	assert_int_equal(sign_key_make(path("us"), &d), ERR_OK);
	assert_int_equal(sign_key_load(&ours, path("jp"), true, &d), ERR_OK);
	assert_int_equal(sign_key_load(&theirs, path("us"), true, &d), ERR_OK);
	strcpy(jp.name, "JP");
	assert_int_equal(sign_key_load(&jp.keys[0], path("us.pub"), false, &d),
			 ERR_OK);
	assert_int_equal(sign_key_load(&jp.keys[1], path("jp.pub"), false, &d),
			 ERR_OK);
	jp.n_keys = 2;
	/* any secret that only we may read will do */
	snprintf(policy, sizeof(policy),
		 "producer: US\npartners:\n"
		 "  - name: JP\n    owner: JP\n    pseudonym-key: %s/us\n"
		 "  - name: au\n    owner: AU\n    pseudonym-key: %s/us\n",
		 dir, dir);
	write_file("policy.yaml", policy);
	return 0;
}

static int
teardown(void **state)
{
	static const char *const files[] = { "jp", "jp.pub", "us", "us.pub",
					     "policy.yaml" };

	(void)state;
	sign_key_free(ours);
	sign_key_free(theirs);
	sign_key_free(jp.keys[0]);
	sign_key_free(jp.keys[1]);
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		unlink(path(files[i]));
	}
	return rmdir(dir);
}

/* A frame of JP for US, signed. */
static struct exchange_frame
signed_frame(uint8_t mac[FRAME_MAC_MAX])
{
	struct exchange_frame f = { .from = "JP",
				    .to = "US",
				    .epoch = 7,
				    .seq = 3,
				    .n = 2,
				    .len = 100,
				    .data = VIEW_LIT("zlib, it says"),
				    .deflated = true };
	size_t len;

	assert_int_equal(exchange_frame_sign(ours, &f, mac, &len), ERR_OK);
	f.mac = view_of(mac, len);
	return f;
}

static void
test_every_field_is_signed(void **state)
{
	uint8_t mac[FRAME_MAC_MAX];
	struct exchange_frame good = signed_frame(mac), f;

	(void)state;
	assert_int_equal(exchange_frame_judge(&jp, "US", &good), EXCHANGE_OK);
	f = good;
	f.epoch++;
	assert_int_equal(exchange_frame_judge(&jp, "US", &f), EXCHANGE_FORGED);
	f = good;
	f.seq++;
	assert_int_equal(exchange_frame_judge(&jp, "US", &f), EXCHANGE_FORGED);
	f = good;
	f.n++;
	assert_int_equal(exchange_frame_judge(&jp, "US", &f), EXCHANGE_FORGED);
	f = good;
	f.len++;
	assert_int_equal(exchange_frame_judge(&jp, "US", &f), EXCHANGE_FORGED);
	f = good;
	f.data = VIEW_LIT("zlib, it saya");
	assert_int_equal(exchange_frame_judge(&jp, "US", &f), EXCHANGE_FORGED);
	f = good;
	f.deflated = false;
	f.len = f.data.len;
	assert_int_equal(exchange_frame_judge(&jp, "US", &f), EXCHANGE_FORGED);
	/* readdressed, with a party and a name of ours that would take it */
	f = good;
	strcpy(f.to, "AU");
	assert_int_equal(exchange_frame_judge(&jp, "AU", &f), EXCHANGE_FORGED);
}

static void
test_refused_for_the_reason(void **state)
{
	uint8_t mac[FRAME_MAC_MAX], bad[FRAME_MAC_MAX];
	struct exchange_frame good = signed_frame(mac), f = good;
	struct exchange_party other = jp;

	(void)state;
	f.mac = VIEW_NONE;
	assert_int_equal(exchange_frame_judge(&jp, "US", &f),
			 EXCHANGE_UNSIGNED);
	assert_int_equal(exchange_frame_judge(&jp, "AU", &good),
			 EXCHANGE_MISADDRESSED);
	strcpy(other.name, "AU");
	assert_int_equal(exchange_frame_judge(&other, "US", &good),
			 EXCHANGE_MISADDRESSED);
	other = jp;
	other.n_keys = 1; /* only the wrong one */
	assert_int_equal(exchange_frame_judge(&other, "US", &good),
			 EXCHANGE_UNKNOWN_KEY);
	f = good;
	f.mac.len--;
	assert_int_equal(exchange_frame_judge(&jp, "US", &f),
			 EXCHANGE_MALFORMED);
	f = good;
	f.seq = 0;
	assert_int_equal(exchange_frame_judge(&jp, "US", &f),
			 EXCHANGE_MALFORMED);
	f = good;
	f.len = EXCHANGE_MAX_LEN + 1;
	assert_int_equal(exchange_frame_judge(&jp, "US", &f),
			 EXCHANGE_MALFORMED);
	f = good;
	f.n = EXCHANGE_MAX_OBJECTS + 1;
	assert_int_equal(exchange_frame_judge(&jp, "US", &f),
			 EXCHANGE_MALFORMED);
	for (size_t i = 0; i < good.mac.len; i++) {
		memcpy(bad, mac, good.mac.len);
		bad[i] ^= 1;
		f = good;
		f.mac = view_of(bad, good.mac.len);
		assert_int_not_equal(exchange_frame_judge(&jp, "US", &f),
				     EXCHANGE_OK);
	}
}

static void
test_sig_file(void **state)
{
	uint8_t mac[FRAME_MAC_MAX], read_mac[FRAME_MAC_MAX];
	struct exchange_frame f = signed_frame(mac), g;
	char name[EXCHANGE_FILE_CAP], *text;
	struct diag d = { "" };
	struct json j;
	size_t len;

	(void)state;
	f.deflated = false;
	f.len = f.data.len;
	assert_int_equal(exchange_frame_sign(ours, &f, mac, &len), ERR_OK);
	json_init(&j);
	exchange_sig_write(&j, &f);
	assert_false(j.failed);
	assert_true(exchange_sig_read(json_view(&j), &g, read_mac, &d));
	assert_string_equal(g.from, "JP");
	assert_string_equal(g.to, "US");
	g.data = f.data;
	assert_int_equal(exchange_frame_judge(&jp, "US", &g), EXCHANGE_OK);
	g.data = VIEW_LIT("zlib, it sayt");
	assert_int_equal(exchange_frame_judge(&jp, "US", &g), EXCHANGE_FORGED);
	text = strndup(j.p, j.len);
	memcpy(strstr(text, "\"seq\":3"), "\"sek\":3", 7);
	assert_false(exchange_sig_read(view_cstr(text), &g, read_mac, &d));
	assert_non_null(strstr(d.msg, "'seq'"));
	memcpy(strstr(text, "\"JP\""), "\"..\"", 4);
	assert_false(exchange_sig_read(view_cstr(text), &g, read_mac, &d));
	assert_non_null(strstr(d.msg, "'from'"));
	assert_false(exchange_sig_read(VIEW_LIT("{"), &g, read_mac, &d));
	free(text);
	json_fini(&j);
	exchange_file_name(&f, ".sig", name);
	assert_string_equal(name, "JP-US-7-3.sig");
	exchange_point_file("JP", "US", name);
	assert_string_equal(name, "US-JP-point");
}

static void
test_point(void **state)
{
	char text[POINT_TEXT_CAP + 1], plain[POINT_TEXT_CAP];
	uint64_t epoch = 0, seq = 0;
	struct exchange_party us = jp;

	(void)state;
	strcpy(us.name, "US");
	/* JP sent to US, US signs how far it is, JP reads. */
	assert_int_equal(exchange_point_write(theirs, "JP", "US", 7, 41, text),
			 ERR_OK);
	assert_int_equal(
		exchange_point_read(&us, "JP", view_cstr(text), &epoch, &seq),
		EXCHANGE_OK);
	assert_int_equal(epoch, 7);
	assert_int_equal(seq, 41);
	/* it is no point of what another sent, or was sent by another */
	assert_int_equal(
		exchange_point_read(&us, "AU", view_cstr(text), &epoch, &seq),
		EXCHANGE_FORGED);
	assert_int_equal(
		exchange_point_read(&jp, "US", view_cstr(text), &epoch, &seq),
		EXCHANGE_FORGED);
	strcat(text, "\n");
	assert_int_equal(
		exchange_point_read(&us, "JP", view_cstr(text), &epoch, &seq),
		EXCHANGE_OK);
	text[2] = '5';
	assert_int_equal(
		exchange_point_read(&us, "JP", view_cstr(text), &epoch, &seq),
		EXCHANGE_FORGED);
	assert_int_equal(seq, 41);
	assert_int_equal(
		exchange_point_read(&us, "JP", VIEW_LIT("7 50"), &epoch, &seq),
		EXCHANGE_UNSIGNED);
	assert_int_equal(
		exchange_point_read(&us, "JP", VIEW_LIT("seven"), &epoch, &seq),
		EXCHANGE_MALFORMED);
	/* a point of a sensor's batches is none of this */
	assert_int_equal(point_write(theirs, "JP/US", 7, 50, plain), ERR_OK);
	assert_int_equal(
		exchange_point_read(&us, "JP", view_cstr(plain), &epoch, &seq),
		EXCHANGE_FORGED);
}

static void
set(struct conf *c, const char *key, const char *value)
{
	assert_int_equal(conf_set(c, key, value), ERR_OK);
}

/* The settings of a whole exchange with JP. */
static struct conf *
settings(void)
{
	struct conf *c = conf_new();

	assert_non_null(c);
	set(c, "partners.policy", path("policy.yaml"));
	set(c, "exchange.sign-key", path("us"));
	set(c, "exchange.partners.JP.url", "redis://127.0.0.1");
	set(c, "exchange.partners.JP.public-key.0", path("jp.pub"));
	return c;
}

/* With one more setting it is refused, and the words say why. */
static void
refused(const char *key, const char *value, const char *why)
{
	struct conf *c = settings();
	struct exchange_conf x;
	struct diag d = { "" };

	set(c, key, value);
	assert_int_equal(exchange_conf_load(&x, c, &d), ERR_USAGE);
	if (strstr(d.msg, why) == NULL) {
		fail_msg("'%s' lacks '%s'", d.msg, why);
	}
	conf_free(c);
}

static void
count_path(void *arg, const char *p, bool write)
{
	(void)p;
	((unsigned *)arg)[write]++;
}

static void
test_settings(void **state)
{
	struct conf *c = settings();
	struct exchange_conf x;
	struct diag d = { "" };
	unsigned n[2] = { 0, 0 };

	(void)state;
	set(c, "exchange.partners.AU.inbox", "/var/in");
	set(c, "exchange.partners.AU.public-key", path("jp.pub"));
	set(c, "exchange.partners.AU.quota", "5");
	set(c, "exchange.interval", "0.5");
	if (exchange_conf_load(&x, c, &d) != ERR_OK) {
		fail_msg("%s", d.msg);
	}
	assert_int_equal(x.n, 2);
	assert_string_equal(x.us, "US");
	assert_string_equal(x.parties[0].name, "AU");
	assert_int_equal(x.parties[0].quota, 5);
	assert_int_equal(x.parties[1].n_keys, 1);
	assert_int_equal(x.interval_us, 500000);
	assert_ptr_equal(exchange_conf_party(&x, "JP"), &x.parties[1]);
	assert_null(exchange_conf_party(&x, "US"));
	assert_non_null(exchange_conf_policy(&x, &x.parties[1]));
	assert_null(exchange_conf_policy(&x, &x.parties[0]));
	exchange_conf_free(&x);
	exchange_conf_paths(c, count_path, n);
	assert_int_equal(n[false], 3);
	assert_int_equal(n[true], 1);
	conf_free(c);
	c = conf_new();
	assert_int_equal(exchange_conf_load(&x, c, &d), ERR_OK);
	assert_int_equal(x.n, 0);
	assert_null(x.us);
	exchange_conf_free(&x);
	conf_free(c);
}

static void
test_settings_refused(void **state)
{
	(void)state;
	refused("exchange.partners.JP.colour", "red", "JP.colour: there is no");
	refused("exchange.partners.JP.url.x", "red", "there is no such");
	refused("exchange.partners.KR.url", "redis://x", "KR: give public-key");
	refused("exchange.partners.KR.public-key", path("jp.pub"),
		"KR: give its url");
	refused("exchange.partners.A B.url", "redis://x", "a partner's name");
	refused("exchange.partners.US.url", "redis://x", "US: ");
	refused("exchange.partners.JP.cert", "/x", "cert and key");
	refused("exchange.partners.JP.public-key.1", path("none"), "none");
	refused("exchange.sign-key", "", "exchange.sign-key");
	refused("partners.policy", "", "partners.policy");
	refused("exchange.interval", "0", "exchange.interval");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_field_is_signed),
		cmocka_unit_test(test_refused_for_the_reason),
		cmocka_unit_test(test_sig_file),
		cmocka_unit_test(test_point),
		cmocka_unit_test(test_settings),
		cmocka_unit_test(test_settings_refused),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
