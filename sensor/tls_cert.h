/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tls_cert.h - what an X.509 certificate says about itself
 *
 * Reads RFC 5280's TBSCertificate from DER (X.690) far enough for names,
 * serial, validity and alternative names.  Nothing is verified: a sensor
 * reports what was shown.
 *
 * Place    above arena.h and hex_digest.h.
 * Threads  pure.
 * Memory   texts from the caller's arena; each list and text is bounded.
 * Cost     one pass over the bytes.
 */
#ifndef SENSOR_TLS_CERT_H
#define SENSOR_TLS_CERT_H

#include "common/arena.h"

#define TLS_CERT_MAX_NAME 4096 /* text of a distinguished name */
#define TLS_CERT_MAX_SANS 256

struct tls_cert {
	struct view subject, issuer; /* "C=US, O=Example, CN=www" */
	struct view serial; /* "08:3A:84" */
	struct view fingerprint; /* SHA-1 of the DER, "aa:bb" */
	struct view *sans; /* names, addresses and URIs as text */
	uint32_t n_sans;
	bool has_validity;
	int64_t not_before, not_after; /* seconds since 1970, may be negative */
};

enum tls_cert_result {
	TLS_CERT_OK,
	TLS_CERT_BAD_DER, /* not even a SEQUENCE that fits */
	/* the field that could not be read; 'out' holds what came before */
	TLS_CERT_BAD_VERSION,
	TLS_CERT_BAD_SERIAL,
	TLS_CERT_BAD_ALGORITHM,
	TLS_CERT_BAD_ISSUER,
	TLS_CERT_BAD_SUBJECT,
	TLS_CERT_BAD_KEY,
	TLS_CERT_BAD_EXTENSIONS,
	TLS_CERT_BAD_VALIDITY, /* all the rest was read */
};

/* 'der' is one certificate. */
enum tls_cert_result tls_cert_parse(struct view der, struct arena *a,
				    struct tls_cert *out);

/* "2017-03-23T00:00:00", UTC; returns the length. */
#define TLS_TIME_CAP 32
size_t tls_time_text(int64_t seconds, char out[TLS_TIME_CAP]);

#endif
