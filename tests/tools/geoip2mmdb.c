/* SPDX-License-Identifier: Apache-2.0 */
/*
 * geoip2mmdb - address ranges with countries to a MaxMind DB
 *
 *	geoip2mmdb OUT.mmdb TYPE FILE...
 *
 * Each FILE holds lines of one of two forms; '#' begins a comment.  A later
 * line overrides an earlier one where they overlap.
 *
 *	FIRST,LAST,CC
 *		as tor's geoip and geoip6 (numbers, or IPv6 addresses)
 *	NETWORK;CC;CITY;ASN;ORGANISATION;LATITUDE;LONGITUDE
 *		fields may be empty
 *
 * Names of countries come from tzdata's iso3166.tab.  The format written is
 * MaxMind DB 2.0 with one IPv6 tree, IPv4 under ::/96.  With
 * SOURCE_DATE_EPOCH set the same input gives the same bytes.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "common/addr.h"

#define MAX_NODES (1u << 25)
#define MAX_RECORDS 65536
#define LINE_CAP 512
/* A child: 0 is nothing, even is node n/2, odd is record n/2. */
#define NODE(n) ((uint32_t)(n) << 1)
#define RECORD(n) ((uint32_t)(n) << 1 | 1)

struct node {
	uint32_t child[2];
};

struct record {
	char text[LINE_CAP]; /* CC;CITY;ASN;ORG;LAT;LON */
	size_t offset; /* in the data section */
};

static struct node *nodes; /* 0 is unused, 1 the root */
static uint32_t n_nodes = 2, cap_nodes;
static struct record *records; /* 0 is unused */
static uint32_t n_records = 1;
static char countries[26 * 26][64];
static uint8_t *out;
static size_t out_len, out_cap;

static void
die(const char *what, const char *why)
{
	fprintf(stderr, "geoip2mmdb: %s: %s\n", what, why);
	exit(1);
}

static uint32_t
new_node(void)
{
	if (n_nodes >= cap_nodes) {
		cap_nodes = cap_nodes == 0 ? 65536 : cap_nodes * 2;
		nodes = cap_nodes <= MAX_NODES
				? realloc(nodes, cap_nodes * sizeof(*nodes))
				: NULL;
		if (nodes == NULL) {
			die("tree", "out of memory");
		}
	}
	nodes[n_nodes] = (struct node){ { 0, 0 } };
	return n_nodes++;
}

static uint32_t
record_id(const char *text)
{
	/* Neighbouring lines mostly repeat one of the last. */
	for (uint32_t i = n_records; i-- > 1;) {
		if (strcmp(records[i].text, text) == 0) {
			return i;
		}
	}
	if (n_records == MAX_RECORDS) {
		die("records", "too many different ones");
	}
	snprintf(records[n_records].text, LINE_CAP, "%s", text);
	return n_records++;
}

/* Sets [addr]/bits (of 128) to a record. */
static void
insert(const struct addr *a, unsigned bits, uint32_t record)
{
	uint32_t at = 1;

	for (unsigned i = 0; i < bits; i++) {
		unsigned bit = a->b[i / 8] >> (7 - i % 8) & 1;
		uint32_t child = nodes[at].child[bit];

		if (i + 1 == bits) {
			nodes[at].child[bit] = RECORD(record);
			return;
		}
		if (child == 0 || (child & 1) != 0) {
			uint32_t n = new_node();

			/* What was said of the whole holds for its halves. */
			nodes[n].child[0] = nodes[n].child[1] = child;
			nodes[at].child[bit] = NODE(n);
			at = n;
		} else {
			at = child >> 1;
		}
	}
}

static bool
add_one(struct addr *a)
{
	for (unsigned i = 16; i-- > 0;) {
		if (++a->b[i] != 0) {
			return true;
		}
	}
	return false;
}

/* The largest network that begins at 'lo' and ends at or before 'hi'. */
static unsigned
network_at(const struct addr *lo, const struct addr *hi, struct addr *last)
{
	unsigned bits = 128;

	*last = *lo;
	while (bits > 1) {
		struct addr wider = *last;
		unsigned i = bits - 1;

		if ((lo->b[i / 8] >> (7 - i % 8) & 1) != 0) {
			break;
		}
		wider.b[i / 8] |= (uint8_t)(1u << (7 - i % 8));
		if (addr_cmp(&wider, hi) > 0) {
			break;
		}
		*last = wider;
		bits--;
	}
	return bits;
}

static void
insert_range(struct addr lo, struct addr hi, uint32_t record)
{
	while (addr_cmp(&lo, &hi) <= 0) {
		struct addr last;
		unsigned bits = network_at(&lo, &hi, &last);

		insert(&lo, bits, record);
		lo = last;
		if (!add_one(&lo)) {
			return;
		}
	}
}

/* IPv4 stands at ::/96 in the file, not where 'struct addr' keeps it. */
static void
move_v4(struct addr *a)
{
	if (addr_is_v4(a)) {
		memset(a->b, 0, 12);
	}
}

static bool
read_end(const char *s, struct addr *a)
{
	char *end;
	unsigned long v = strtoul(s, &end, 10);

	if (*end == '\0' && end != s && v <= UINT32_MAX) {
		uint32_t be = htonl((uint32_t)v);

		*a = addr_from_v4(&be);
	} else if (!addr_parse(view_cstr(s), a)) {
		return false;
	}
	move_v4(a);
	return true;
}

static bool
read_line(char *line)
{
	char *semicolon = strchr(line, ';'), *save = NULL, text[LINE_CAP];
	struct addr lo, hi;

	if (semicolon != NULL) {
		struct cidr net;
		unsigned bits;

		*semicolon = '\0';
		if (!cidr_parse(view_cstr(line), &net)) {
			return false;
		}
		bits = net.bits;
		move_v4(&net.addr);
		insert(&net.addr, bits, record_id(semicolon + 1));
		return true;
	}
	{
		const char *first = strtok_r(line, ",", &save);
		const char *last = strtok_r(NULL, ",", &save);
		const char *cc = strtok_r(NULL, ",", &save);

		if (first == NULL || last == NULL || cc == NULL ||
		    strlen(cc) != 2 || !read_end(first, &lo) ||
		    !read_end(last, &hi)) {
			return false;
		}
		/* Tor marks what it does not know. */
		if (strcmp(cc, "??") != 0) {
			snprintf(text, sizeof(text), "%s;;;;;", cc);
			insert_range(lo, hi, record_id(text));
		}
	}
	return true;
}

static void
read_file(const char *path)
{
	char line[LINE_CAP], where[LINE_CAP];
	unsigned n = 0;
	FILE *f = fopen(path, "r");

	if (f == NULL) {
		die(path, strerror(errno));
	}
	while (fgets(line, sizeof(line), f) != NULL) {
		line[strcspn(line, "\r\n")] = '\0';
		n++;
		if (line[0] != '#' && line[0] != '\0' && !read_line(line)) {
			snprintf(where, sizeof(where), "%s:%u", path, n);
			die(where, "neither FIRST,LAST,CC nor NETWORK;CC;...");
		}
	}
	fclose(f);
}

static void
read_countries(void)
{
	FILE *f = fopen("/usr/share/zoneinfo/iso3166.tab", "r");
	char line[LINE_CAP];

	while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
		line[strcspn(line, "\r\n")] = '\0';
		if (line[0] >= 'A' && line[0] <= 'Z' && line[1] >= 'A' &&
		    line[1] <= 'Z' && line[2] == '\t') {
			snprintf(
				countries[(line[0] - 'A') * 26 + line[1] - 'A'],
				sizeof(countries[0]), "%.63s", line + 3);
		}
	}
	if (f != NULL) {
		fclose(f);
	}
}

/* --------------------------------------------------------------- encoding */

static void
put(const void *p, size_t n)
{
	if (out_cap - out_len < n) {
		out_cap = MAX(out_cap * 2, out_len + n + 65536);
		out = realloc(out, out_cap);
		if (out == NULL) {
			die("output", "out of memory");
		}
	}
	memcpy(out + out_len, p, n);
	out_len += n;
}

static void
put_byte(unsigned b)
{
	uint8_t c = (uint8_t)b;

	put(&c, 1);
}

/* Types of the MaxMind DB 2.0 data section. */
enum {
	T_TEXT = 2,
	T_DOUBLE = 3,
	T_U16 = 5,
	T_U32 = 6,
	T_MAP = 7,
	T_U64 = 9,
	T_ARRAY = 11
};

static void
put_control(unsigned type, size_t size)
{
	unsigned low = (unsigned)MIN(size, (size_t)29);

	put_byte((type <= 7 ? type << 5 : 0) | low);
	if (type > 7) {
		put_byte(type - 7);
	}
	if (size >= 29) {
		put_byte((unsigned)MIN(size - 29, (size_t)255));
	}
}

static void
put_text(const char *s)
{
	size_t n = MIN(strlen(s), (size_t)284);

	put_control(T_TEXT, n);
	put(s, n);
}

static void
put_number(unsigned type, uint64_t v)
{
	uint8_t b[8];
	unsigned n = 0;

	for (unsigned i = 8; i-- > 0;) {
		if (n > 0 || v >> (i * 8) != 0) {
			b[n++] = (uint8_t)(v >> (i * 8));
		}
	}
	put_control(type, n);
	put(b, n);
}

static void
put_double(const char *s)
{
	double d = strtod(s, NULL);
	uint64_t v;
	uint8_t b[8];

	memcpy(&v, &d, 8);
	for (unsigned i = 0; i < 8; i++) {
		b[i] = (uint8_t)(v >> (56 - i * 8));
	}
	put_control(T_DOUBLE, 8);
	put(b, 8);
}

static void
put_named(const char *key, const char *name)
{
	put_text(key);
	put_control(T_MAP, 1);
	put_text("names");
	put_control(T_MAP, 1);
	put_text("en");
	put_text(name);
}

static void
put_country(const char *cc)
{
	const char *name = "";

	if (cc[0] >= 'A' && cc[0] <= 'Z' && cc[1] >= 'A' && cc[1] <= 'Z') {
		name = countries[(cc[0] - 'A') * 26 + cc[1] - 'A'];
	}
	put_text("country");
	put_control(T_MAP, 2);
	put_text("iso_code");
	put_text(cc);
	put_text("names");
	put_control(T_MAP, 1);
	put_text("en");
	put_text(name[0] != '\0' ? name : cc);
}

static void
put_record(struct record *r)
{
	char text[LINE_CAP], *rest = text;
	const char *f[6];

	snprintf(text, sizeof(text), "%s", r->text);
	for (int i = 0; i < 6; i++) {
		const char *field = strsep(&rest, ";");

		f[i] = field != NULL ? field : "";
	}
	put_control(T_MAP, (size_t)(f[0][0] != '\0') + (f[1][0] != '\0') +
				   (f[2][0] != '\0') + (f[3][0] != '\0') +
				   (f[4][0] != '\0'));
	if (f[0][0] != '\0') {
		put_country(f[0]);
	}
	if (f[1][0] != '\0') {
		put_named("city", f[1]);
	}
	if (f[2][0] != '\0') {
		put_text("autonomous_system_number");
		put_number(T_U32, strtoul(f[2], NULL, 10));
	}
	if (f[3][0] != '\0') {
		put_text("autonomous_system_organization");
		put_text(f[3]);
	}
	if (f[4][0] != '\0') {
		put_text("location");
		put_control(T_MAP, 2);
		put_text("latitude");
		put_double(f[4]);
		put_text("longitude");
		put_double(f[5]);
	}
}

/* Numbers the nodes that can be reached, root first. */
static uint32_t
number_nodes(uint32_t *order, uint32_t *number)
{
	uint32_t n = 0;

	order[n++] = 1;
	number[1] = 0;
	for (uint32_t i = 0; i < n; i++) {
		for (unsigned bit = 0; bit < 2; bit++) {
			uint32_t child = nodes[order[i]].child[bit];

			if (child != 0 && (child & 1) == 0) {
				number[child >> 1] = n;
				order[n++] = child >> 1;
			}
		}
	}
	return n;
}

static void
put_tree(const uint32_t *order, const uint32_t *number, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		for (unsigned bit = 0; bit < 2; bit++) {
			uint32_t child = nodes[order[i]].child[bit];
			uint64_t v = n;
			uint8_t be[4];

			if (child != 0 && (child & 1) == 0) {
				v = number[child >> 1];
			} else if (child != 0) {
				v = n + 16 + records[child >> 1].offset;
			}
			store_be32(be, (uint32_t)v);
			put(be, 4);
		}
	}
}

static void
put_metadata(const char *type, uint32_t n)
{
	const char *epoch = getenv("SOURCE_DATE_EPOCH");

	put("\xab\xcd\xefMaxMind.com", 14);
	put_control(T_MAP, 9);
	put_text("binary_format_major_version");
	put_number(T_U16, 2);
	put_text("binary_format_minor_version");
	put_number(T_U16, 0);
	put_text("build_epoch");
	put_number(T_U64, epoch != NULL ? strtoull(epoch, NULL, 10)
					: (uint64_t)time(NULL));
	put_text("database_type");
	put_text(type);
	put_text("description");
	put_control(T_MAP, 1);
	put_text("en");
	put_text(type);
	put_text("ip_version");
	put_number(T_U16, 6);
	put_text("languages");
	put_control(T_ARRAY, 1);
	put_text("en");
	put_text("node_count");
	put_number(T_U32, n);
	put_text("record_size");
	put_number(T_U16, 32);
}

static void
write_all(const char *path, const char *type)
{
	uint32_t *order = malloc((size_t)n_nodes * sizeof(*order));
	uint32_t *number = malloc((size_t)n_nodes * sizeof(*number));
	uint32_t n;
	FILE *f;

	if (order == NULL || number == NULL) {
		die("tree", "out of memory");
	}
	/* Offsets are needed before the tree is written. */
	for (uint32_t i = 1; i < n_records; i++) {
		records[i].offset = out_len;
		put_record(&records[i]);
	}
	out_len = 0;
	n = number_nodes(order, number);
	put_tree(order, number, n);
	put("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 16);
	for (uint32_t i = 1; i < n_records; i++) {
		put_record(&records[i]);
	}
	put_metadata(type, n);
	f = fopen(path, "wb");
	if (f == NULL || fwrite(out, 1, out_len, f) != out_len ||
	    fclose(f) != 0) {
		die(path, strerror(errno));
	}
	printf("%s: %u nodes, %u records, %zu bytes\n", path, n, n_records - 1,
	       out_len);
	free(order);
	free(number);
}

int
main(int argc, char **argv)
{
	if (argc < 4) {
		fputs("usage: geoip2mmdb OUT.mmdb TYPE FILE...\n", stderr);
		return 2;
	}
	records = calloc(MAX_RECORDS, sizeof(*records));
	if (records == NULL) {
		die("records", "out of memory");
	}
	n_nodes = 1;
	new_node();
	read_countries();
	for (int i = 3; i < argc; i++) {
		read_file(argv[i]);
	}
	write_all(argv[1], argv[2]);
	free(out);
	free(nodes);
	free(records);
	return 0;
}
