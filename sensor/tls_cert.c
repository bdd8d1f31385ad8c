/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/tls_cert.h"

#include <stdio.h>

#include "common/addr.h"
#include "sensor/hex_digest.h"

/* X.690 8.1.2 identifier octets, those certificates use. */
enum {
	TAG_INTEGER = 0x02,
	TAG_BIT_STRING = 0x03,
	TAG_OCTET_STRING = 0x04,
	TAG_OID = 0x06,
	TAG_BMP_STRING = 0x1e,
	TAG_UTC_TIME = 0x17,
	TAG_GENERALIZED_TIME = 0x18,
	TAG_SEQUENCE = 0x30,
	TAG_SET = 0x31,
	TAG_VERSION = 0xa0, /* RFC 5280 4.1: [0] EXPLICIT */
	TAG_EXTENSIONS = 0xa3, /* [3] EXPLICIT */
};

struct element {
	uint8_t tag;
	struct view value;
	struct view whole;
};

/*
 * Takes the next element off 'in'.  Only definite lengths of at most four
 * bytes and single-byte tags: DER in certificates has no others.
 */
static bool
der_next(struct view *in, struct element *e)
{
	size_t head = 2, len;

	if (in->len < 2 || (in->p[0] & 0x1f) == 0x1f) {
		return false;
	}
	len = in->p[1];
	if (len >= 0x80) {
		size_t n = len & 0x7f;

		if (n == 0 || n > 4 || in->len - 2 < n) {
			return false;
		}
		len = 0;
		for (size_t i = 0; i < n; i++) {
			len = len << 8 | in->p[2 + i];
		}
		head += n;
	}
	if (in->len - head < len) {
		return false;
	}
	e->tag = in->p[0];
	e->value = view_of(in->p + head, len);
	e->whole = view_of(in->p, head + len);
	*in = view_of(in->p + head + len, in->len - head - len);
	return true;
}

static bool
der_expect(struct view *in, uint8_t tag, struct view *value)
{
	struct element e;

	if (!der_next(in, &e) || e.tag != tag) {
		return false;
	}
	*value = e.value;
	return true;
}

struct text {
	char b[TLS_CERT_MAX_NAME];
	size_t len;
};

static void
put(struct text *t, const void *p, size_t n)
{
	n = MIN(n, sizeof(t->b) - t->len);
	memcpy(t->b + t->len, p, n);
	t->len += n;
}

static void
put_cstr(struct text *t, const char *s)
{
	put(t, s, strlen(s));
}

/* X.690 8.19: "1.2.840.113549" */
static void
put_oid(struct text *t, struct view oid)
{
	uint64_t arc = 0;
	bool first = true;
	char tmp[48];

	for (size_t i = 0; i < oid.len; i++) {
		int n;

		arc = arc << 7 | (oid.p[i] & 0x7f);
		if (oid.p[i] & 0x80) {
			continue;
		}
		if (first) {
			uint64_t root = MIN(arc / 40, (uint64_t)2);

			n = snprintf(tmp, sizeof(tmp), "%llu.%llu",
				     (unsigned long long)root,
				     (unsigned long long)(arc - root * 40));
			first = false;
		} else {
			n = snprintf(tmp, sizeof(tmp), ".%llu",
				     (unsigned long long)arc);
		}
		put(t, tmp, (size_t)n);
		arc = 0;
	}
}

/* Short names of RFC 4519 and the usual ones beside them. */
static void
put_attribute_type(struct text *t, struct view oid)
{
	static const struct {
		const char *oid;
		uint8_t len;
		const char *name;
	} known[] = {
		{ "\x55\x04\x03", 3, "CN" },
		{ "\x55\x04\x04", 3, "SN" },
		{ "\x55\x04\x05", 3, "serialNumber" },
		{ "\x55\x04\x06", 3, "C" },
		{ "\x55\x04\x07", 3, "L" },
		{ "\x55\x04\x08", 3, "ST" },
		{ "\x55\x04\x09", 3, "STREET" },
		{ "\x55\x04\x0a", 3, "O" },
		{ "\x55\x04\x0b", 3, "OU" },
		{ "\x55\x04\x0c", 3, "title" },
		{ "\x55\x04\x0d", 3, "description" },
		{ "\x55\x04\x0f", 3, "businessCategory" },
		{ "\x55\x04\x10", 3, "postalAddress" },
		{ "\x55\x04\x11", 3, "postalCode" },
		{ "\x55\x04\x29", 3, "name" },
		{ "\x55\x04\x2a", 3, "GN" },
		{ "\x55\x04\x2b", 3, "initials" },
		{ "\x55\x04\x2c", 3, "generationQualifier" },
		{ "\x55\x04\x2e", 3, "dnQualifier" },
		{ "\x55\x04\x41", 3, "pseudonym" },
		{ "\x55\x04\x61", 3, "organizationIdentifier" },
		{ "\x09\x92\x26\x89\x93\xf2\x2c\x64\x01\x01", 10, "UID" },
		{ "\x09\x92\x26\x89\x93\xf2\x2c\x64\x01\x19", 10, "DC" },
		{ "\x2a\x86\x48\x86\xf7\x0d\x01\x09\x01", 9, "emailAddress" },
		{ "\x2a\x86\x48\x86\xf7\x0d\x01\x09\x02", 9,
		  "unstructuredName" },
		{ "\x2b\x06\x01\x04\x01\x82\x37\x3c\x02\x01\x01", 11,
		  "jurisdictionL" },
		{ "\x2b\x06\x01\x04\x01\x82\x37\x3c\x02\x01\x02", 11,
		  "jurisdictionST" },
		{ "\x2b\x06\x01\x04\x01\x82\x37\x3c\x02\x01\x03", 11,
		  "jurisdictionC" },
	};

	for (size_t i = 0; i < ARRAY_LEN(known); i++) {
		if (view_eq(oid, view_of(known[i].oid, known[i].len))) {
			put_cstr(t, known[i].name);
			return;
		}
	}
	put_oid(t, oid);
}

/* UCS-2 to UTF-8; half of a surrogate pair becomes U+FFFD. */
static void
put_bmp(struct text *t, struct view v)
{
	for (size_t i = 0; i + 2 <= v.len; i += 2) {
		uint32_t c = load_be16(v.p + i);
		uint8_t u[3];

		if (c >= 0xd800 && c < 0xe000) {
			c = 0xfffd;
		}
		if (c < 0x80) {
			u[0] = (uint8_t)c;
			put(t, u, 1);
		} else if (c < 0x800) {
			u[0] = (uint8_t)(0xc0 | c >> 6);
			u[1] = (uint8_t)(0x80 | (c & 0x3f));
			put(t, u, 2);
		} else {
			u[0] = (uint8_t)(0xe0 | c >> 12);
			u[1] = (uint8_t)(0x80 | (c >> 6 & 0x3f));
			u[2] = (uint8_t)(0x80 | (c & 0x3f));
			put(t, u, 3);
		}
	}
}

/* RFC 5280 4.1.2.4: a sequence of sets of (type, value). */
static bool
read_name(struct view in, struct arena *a, struct view *out)
{
	struct text t;

	t.len = 0;
	while (in.len > 0) {
		struct view set, pair, type;
		struct element value;
		bool first = true;

		if (!der_expect(&in, TAG_SET, &set)) {
			return false;
		}
		while (set.len > 0) {
			if (!der_expect(&set, TAG_SEQUENCE, &pair) ||
			    !der_expect(&pair, TAG_OID, &type) ||
			    !der_next(&pair, &value)) {
				return false;
			}
			put_cstr(&t, t.len == 0 ? "" : first ? ", " : " + ");
			put_attribute_type(&t, type);
			put_cstr(&t, "=");
			if (value.tag == TAG_BMP_STRING) {
				put_bmp(&t, value.value);
			} else {
				put(&t, value.value.p, value.value.len);
			}
			first = false;
		}
	}
	*out = arena_copy(a, view_of(t.b, t.len));
	return true;
}

/* Days from 1970-01-01 to a date of the proleptic Gregorian calendar. */
static int64_t
days_from_civil(int64_t y, unsigned m, unsigned d)
{
	int64_t era;
	unsigned yoe, doy, doe;

	y -= m <= 2;
	era = (y >= 0 ? y : y - 399) / 400;
	yoe = (unsigned)(y - era * 400);
	doy = (153 * (m > 2 ? m - 3 : m + 9) + 2) / 5 + d - 1;
	doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
	return era * 146097 + (int64_t)doe - 719468;
}

static bool
digits(struct view *in, unsigned n, unsigned *out)
{
	unsigned value = 0;

	if (in->len < n) {
		return false;
	}
	for (unsigned i = 0; i < n; i++) {
		if (in->p[i] < '0' || in->p[i] > '9') {
			return false;
		}
		value = value * 10 + (in->p[i] - '0');
	}
	*in = view_of(in->p + n, in->len - n);
	*out = value;
	return true;
}

/* RFC 5280 4.1.2.5; seconds are optional since old certificates omit them. */
static bool
read_time(struct view *in, int64_t *out)
{
	unsigned year, month, day, hour, minute, second = 0;
	struct element e;
	struct view v;

	if (!der_next(in, &e) ||
	    (e.tag != TAG_UTC_TIME && e.tag != TAG_GENERALIZED_TIME)) {
		return false;
	}
	v = e.value;
	if (!digits(&v, e.tag == TAG_UTC_TIME ? 2 : 4, &year) ||
	    !digits(&v, 2, &month) || !digits(&v, 2, &day) ||
	    !digits(&v, 2, &hour) || !digits(&v, 2, &minute)) {
		return false;
	}
	(void)digits(&v, 2, &second);
	if (e.tag == TAG_UTC_TIME) { /* 4.1.2.5.1 */
		year += year >= 50 ? 1900 : 2000;
	}
	if (month < 1 || month > 12 || day < 1 || day > 31 || hour > 23 ||
	    minute > 59 || second > 60) {
		return false;
	}
	*out = days_from_civil(year, month, day) * 86400 + hour * 3600 +
	       minute * 60 + second;
	return true;
}

static bool
read_validity(struct view in, struct tls_cert *out)
{
	return read_time(&in, &out->not_before) &&
	       read_time(&in, &out->not_after);
}

/* RFC 5280 4.2.1.6: GeneralNames. */
static bool
read_sans(struct view in, struct arena *a, struct tls_cert *out)
{
	struct view names, probe;
	struct element e;
	uint32_t n = 0;

	if (!der_expect(&in, TAG_SEQUENCE, &names)) {
		return false;
	}
	for (probe = names; probe.len > 0 && n < TLS_CERT_MAX_SANS; n++) {
		if (!der_next(&probe, &e)) {
			return false;
		}
	}
	out->sans = arena_alloc(a, n * sizeof(*out->sans));
	if (out->sans == NULL) {
		return true;
	}
	while (out->n_sans < n && der_next(&names, &e)) {
		char text[ADDR_TEXT_CAP];
		struct view v = VIEW_NONE;
		struct addr addr;

		switch (e.tag) {
		case 0x81: /* rfc822Name */
		case 0x82: /* dNSName */
		case 0x86: /* uniformResourceIdentifier */
			v = e.value;
			break;
		case 0x87: /* iPAddress */
			if (e.value.len == 4) {
				addr = addr_from_v4(e.value.p);
			} else if (e.value.len == 16) {
				addr = addr_from_v6(e.value.p);
			} else {
				n--;
				continue;
			}
			v = view_of(text, addr_format(&addr, text));
			break;
		default:
			n--;
			continue;
		}
		out->sans[out->n_sans++] = arena_copy(a, v);
	}
	return true;
}

static bool
read_extensions(struct view in, struct arena *a, struct tls_cert *out)
{
	struct view list, ext, oid;
	struct element e;

	if (!der_expect(&in, TAG_SEQUENCE, &list)) {
		return false;
	}
	while (list.len > 0) {
		if (!der_expect(&list, TAG_SEQUENCE, &ext) ||
		    !der_expect(&ext, TAG_OID, &oid) || !der_next(&ext, &e)) {
			return false;
		}
		/* The value is last; a BOOLEAN 'critical' may come before. */
		if (e.tag != TAG_OCTET_STRING &&
		    (!der_next(&ext, &e) || e.tag != TAG_OCTET_STRING)) {
			return false;
		}
		if (view_eq(oid, VIEW_LIT("\x55\x1d\x11")) &&
		    out->sans == NULL && !read_sans(e.value, a, out)) {
			return false;
		}
	}
	return true;
}

static void
read_serial(struct view v, struct arena *a, struct tls_cert *out)
{
	char text[3 * 64]; /* RFC 5280 4.1.2.2: 20 bytes; more is cut */
	size_t n = hex_text(v, ':', true, text, sizeof(text));

	out->serial = arena_copy(a, view_of(text, n));
}

/* RFC 5280 4.1: the fields in their order. */
static enum tls_cert_result
read_tbs(struct view in, struct arena *a, struct tls_cert *out)
{
	struct view v, peek = in;
	struct element e;

	if (!der_next(&peek, &e)) {
		return TLS_CERT_BAD_VERSION;
	}
	if (e.tag == TAG_VERSION) {
		in = peek;
	}
	if (!der_expect(&in, TAG_INTEGER, &v)) {
		return TLS_CERT_BAD_SERIAL;
	}
	read_serial(v, a, out);
	if (!der_expect(&in, TAG_SEQUENCE, &v)) { /* signature */
		return TLS_CERT_BAD_ALGORITHM;
	}
	if (!der_expect(&in, TAG_SEQUENCE, &v) ||
	    !read_name(v, a, &out->issuer)) {
		return TLS_CERT_BAD_ISSUER;
	}
	if (!der_expect(&in, TAG_SEQUENCE, &v)) {
		return TLS_CERT_BAD_VALIDITY;
	}
	out->has_validity = read_validity(v, out);
	if (!der_expect(&in, TAG_SEQUENCE, &v) ||
	    !read_name(v, a, &out->subject)) {
		return TLS_CERT_BAD_SUBJECT;
	}
	if (!der_expect(&in, TAG_SEQUENCE, &v)) { /* subjectPublicKeyInfo */
		return TLS_CERT_BAD_KEY;
	}
	while (in.len > 0) {
		if (!der_next(&in, &e) || (e.tag == TAG_EXTENSIONS &&
					   !read_extensions(e.value, a, out))) {
			return TLS_CERT_BAD_EXTENSIONS;
		}
	}
	return out->has_validity ? TLS_CERT_OK : TLS_CERT_BAD_VALIDITY;
}

enum tls_cert_result
tls_cert_parse(struct view der, struct arena *a, struct tls_cert *out)
{
	struct view in = der, cert, tbs;
	char text[HEX_DIGEST_CAP];
	size_t n = hex_digest(HEX_SHA1, der, ':', text);

	memset(out, 0, sizeof(*out));
	out->fingerprint = arena_copy(a, view_of(text, n));
	if (!der_expect(&in, TAG_SEQUENCE, &cert) ||
	    !der_expect(&cert, TAG_SEQUENCE, &tbs)) {
		return TLS_CERT_BAD_DER;
	}
	return read_tbs(tbs, a, out);
}

size_t
tls_time_text(int64_t seconds, char out[TLS_TIME_CAP])
{
	int64_t days = seconds / 86400, rest = seconds % 86400;
	int64_t era, y;
	unsigned doe, yoe, doy, mp, d, m;
	int n;

	if (rest < 0) {
		rest += 86400;
		days--;
	}
	days += 719468;
	era = (days >= 0 ? days : days - 146096) / 146097;
	doe = (unsigned)(days - era * 146097);
	yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	mp = (5 * doy + 2) / 153;
	d = doy - (153 * mp + 2) / 5 + 1;
	m = mp < 10 ? mp + 3 : mp - 9;
	y = (int64_t)yoe + era * 400 + (m <= 2);
	n = snprintf(out, TLS_TIME_CAP, "%04d-%02u-%02uT%02u:%02u:%02u", (int)y,
		     m, d, (unsigned)(rest / 3600), (unsigned)(rest / 60 % 60),
		     (unsigned)(rest % 60));
	return (size_t)MIN(n, TLS_TIME_CAP - 1);
}
