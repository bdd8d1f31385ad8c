/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/iface.h"

#include <arpa/inet.h>
#include <pcap/pcap.h>
#include <stdlib.h>
#include <string.h>

#include "sensor/decode.h"

#define NEAR_MAX 2 /* letters wrong */

/* Those of the kernel, not what else libpcap captures from (USB, D-Bus, ...),
 * and not the sum of all. */
static bool
is_interface(const pcap_if_t *i)
{
	return if_nametoindex(i->name) != 0;
}

/* Letters to be changed, added or left out. */
static unsigned
letters_apart(const char *a, const char *b)
{
	unsigned row[IF_NAMESIZE + 1];
	size_t n = strlen(b);

	if (strlen(a) > IF_NAMESIZE || n > IF_NAMESIZE) {
		return IF_NAMESIZE;
	}
	for (unsigned j = 0; j <= n; j++) {
		row[j] = j;
	}
	for (unsigned i = 0; a[i] != '\0'; i++) {
		unsigned corner = row[0];

		row[0] = i + 1;
		for (unsigned j = 1; j <= n; j++) {
			unsigned change = corner + (a[i] != b[j - 1]);

			corner = row[j];
			row[j] = MIN(MIN(row[j], row[j - 1]) + 1, change);
		}
	}
	return row[n];
}

void
iface_suggest(const char *name, char *out, size_t cap)
{
	struct if_nameindex *v = if_nameindex();
	unsigned least = NEAR_MAX + 1;
	size_t at;

	at = (size_t)snprintf(out, cap, "; there %s",
			      v == NULL || v[0].if_name == NULL ? "are none"
								: "are");
	for (size_t i = 0; v != NULL && v[i].if_name != NULL; i++) {
		unsigned apart = letters_apart(name, v[i].if_name);

		if (at < cap && least > NEAR_MAX) {
			at += (size_t)snprintf(out + at, cap - at, "%s %s",
					       i > 0 ? "," : "", v[i].if_name);
		}
		if (apart < least) {
			least = apart;
			at = (size_t)snprintf(out, cap, "; did you mean %s?",
					      v[i].if_name);
		}
	}
	if_freenameindex(v);
}

static void
print_addresses(FILE *f, const pcap_addr_t *a)
{
	/* A list may hold no IP address at all, only the adapter's own. */
	const char *before = "; ";

	for (; a != NULL; a = a->next) {
		char text[INET6_ADDRSTRLEN];
		const void *bytes = NULL;

		if (a->addr == NULL) {
			continue;
		}
		if (a->addr->sa_family == AF_INET) {
			bytes = &((const struct sockaddr_in *)(const void *)
					  a->addr)
					 ->sin_addr;
		} else if (a->addr->sa_family == AF_INET6) {
			bytes = &((const struct sockaddr_in6 *)(const void *)
					  a->addr)
					 ->sin6_addr;
		}
		if (bytes != NULL &&
		    inet_ntop(a->addr->sa_family, bytes, text, sizeof(text))) {
			fprintf(f, "%s%s", before, text);
			before = " ";
		}
	}
}

/* What only an opened handle knows. */
static void
print_opened(FILE *f, const char *name)
{
	char why[PCAP_ERRBUF_SIZE];
	pcap_t *p = pcap_create(name, why);
	int *types, n, link;

	if (p == NULL) {
		return;
	}
	n = pcap_list_tstamp_types(p, &types);
	fprintf(f, "; timestamps: %s", n > 0 ? "" : "host");
	for (int i = 0; i < n; i++) {
		const char *t = pcap_tstamp_type_val_to_name(types[i]);

		fprintf(f, "%s%s", i > 0 ? ", " : "", t != NULL ? t : "?");
	}
	if (n > 0) {
		pcap_free_tstamp_types(types);
	}
	if (pcap_activate(p) >= 0) {
		const char *t;

		link = pcap_datalink(p);
		t = pcap_datalink_val_to_name(link);
		fprintf(f, "; link type %s%s", t != NULL ? t : "unknown",
			decode_knows_link((uint16_t)link) ? ""
							  : " (not decoded)");
	}
	pcap_close(p);
}

static const char *
state_name(const pcap_if_t *i)
{
	if ((i->flags & PCAP_IF_UP) == 0) {
		return "down";
	}
	return (i->flags & PCAP_IF_RUNNING) != 0 ? "up" : "no carrier";
}

enum err
iface_print_all(FILE *f, struct diag *d)
{
	char why[PCAP_ERRBUF_SIZE];
	pcap_if_t *all;

	if (pcap_findalldevs(&all, why) != 0) {
		return diag_set(d, ERR_IO, "interfaces: %s", why);
	}
	for (const pcap_if_t *i = all; i != NULL; i = i->next) {
		if (!is_interface(i)) {
			continue;
		}
		fprintf(f, "%s: %s", i->name, state_name(i));
		if (i->description != NULL) {
			fprintf(f, "; %s", i->description);
		}
		print_addresses(f, i->addresses);
		print_opened(f, i->name);
		fputs("\n", f);
	}
	pcap_freealldevs(all);
	return ERR_OK;
}
