/* SPDX-License-Identifier: Apache-2.0 */
/* What can be in a certificate that we refuse. */
#include "common/redis_tls.c"

#include "tests/test.h"

static void
add(GENERAL_NAMES *names, int type, const void *bytes, int len)
{
	GENERAL_NAME *g = GENERAL_NAME_new();
	ASN1_STRING *s = ASN1_STRING_type_new(
		type == GEN_DNS ? V_ASN1_IA5STRING : V_ASN1_OCTET_STRING);

	assert_non_null(g);
	assert_non_null(s);
	assert_int_equal(ASN1_STRING_set(s, bytes, len), 1);
	GENERAL_NAME_set0_value(g, type, s);
	assert_true(sk_GENERAL_NAME_push(names, g) > 0);
}

/* Addresses of no length that an address has are no names, and nothing is
 * read behind them. */
static void
lists_names_of_hostile_certificates(void **state)
{
	static const unsigned char v4[] = { 192, 0, 2, 1 },
				   v6[16] = { 0x20, 1 };
	GENERAL_NAMES *names = sk_GENERAL_NAME_new_null();
	X509 *cert = X509_new();
	char text[160];

	(void)state;
	assert_non_null(names);
	assert_non_null(cert);
	add(names, GEN_IPADD, v4, 1);
	add(names, GEN_IPADD, v4, sizeof(v4));
	add(names, GEN_IPADD, v6, 5);
	add(names, GEN_IPADD, v6, 15);
	add(names, GEN_IPADD, v6, sizeof(v6));
	add(names, GEN_DNS, "a\nb.example", 11);
	add(names, GEN_DNS, "redis.example", 13);
	assert_int_equal(
		X509_add1_ext_i2d(cert, NID_subject_alt_name, names, 0, 0), 1);
	list_names(cert, text, sizeof(text));
	assert_string_equal(text, "192.0.2.1, 2001::, redis.example");
	/* As much as there is room for. */
	list_names(cert, text, 12);
	assert_int_equal(strlen(text), 11);
	X509_free(cert);
	GENERAL_NAMES_free(names);
}

/* A process that connects for months begins more sessions than OpenSSL has
 * numbers for kinds of BIO. */
static void
begins_session_after_session(void **state)
{
	static const struct redis_tls_files files;
	struct diag d = { "" };

	(void)state;
	for (int i = 0; i < 300; i++) {
		struct redis_tls *t = NULL;

		assert_int_equal(
			redis_tls_begin(&t, &files, -1, "r.example", &d),
			ERR_OK);
		assert_int_equal(BIO_method_type(SSL_get_rbio(t->ssl)) &
					 ~0xff, /* its number */
				 BIO_TYPE_SOURCE_SINK);
		redis_tls_end(t);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lists_names_of_hostile_certificates),
		cmocka_unit_test(begins_session_after_session),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
