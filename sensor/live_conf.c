/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/live_conf.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RING_SIZE (UINT64_C(64) << 20)
#define RING_MIN (UINT64_C(1) << 20)
#define RING_MAX (UINT64_C(2047) << 20) /* libpcap counts in int */
#define SNAPLEN_MIN 64
#define TIMEOUT_MS 10
#define TIMEOUT_MAX_MS 1000
#define KEY_CAP 160
#define LIST "capture.interfaces."

/* What may be said of one interface; the same of all, under "capture.". */
static const char *const of_interface[] = {
	"name",      "snaplen",   "promiscuous", "ring-size",  "timeout-ms",
	"immediate", "timestamp", "fanout",      "bpf-filter",
};

struct reading {
	struct live_conf *out;
	const struct conf *conf;
	enum err err;
	struct diag *d;
};

/*
 * The number of the list's item, and what is behind it; NULL: no item.  An item
 * that is only a name, "- eth0", is what "- name: eth0" is.
 */
static const char *
item_key(const char *key, unsigned long *item)
{
	const char *number = key + strlen(LIST);
	char *end;

	*item = strtoul(number, &end, 10);
	if (end > number && *end == '\0') {
		return "name";
	}
	return *end == '.' ? end + 1 : NULL;
}

/* Of all interfaces; the last two are Suricata's, and without effect here. */
static const char *const of_all[] = {
	"snaplen",
	"promiscuous",
	"ring-size",
	"timeout-ms",
	"immediate",
	"timestamp",
	"fanout",
	"cpu-affinity",
	"disable-offloading",
	"checksum-validation",
};

static bool
is_of_all(const char *word)
{
	size_t len = strcspn(word, ".");

	for (size_t i = 0; i < ARRAY_LEN(of_all); i++) {
		if (strlen(of_all[i]) == len &&
		    strncmp(word, of_all[i], len) == 0) {
			return true;
		}
	}
	return false;
}

static void
check_key(void *arg, const char *key, const char *value)
{
	struct reading *r = arg;
	unsigned long item;
	const char *word;

	(void)value;
	if (strncmp(key, LIST, strlen(LIST)) != 0) {
		if (r->err == ERR_OK &&
		    strcmp(key, "capture.interfaces") != 0 &&
		    !is_of_all(key + strlen("capture."))) {
			r->err = diag_set(r->d, ERR_USAGE,
					  "unknown setting '%s'; see "
					  "picket-sensor.yaml(5)",
					  key);
		}
		return;
	}
	word = item_key(key, &item);
	for (size_t i = 0; word != NULL && i < ARRAY_LEN(of_interface); i++) {
		if (strcmp(word, of_interface[i]) == 0) {
			return;
		}
	}
	if (r->err == ERR_OK) {
		r->err = diag_set(
			r->d, ERR_USAGE,
			word == NULL ? "%s: expected a list of interfaces, "
				       "\"- eth0\" or \"- name: eth0\" each"
				     : "unknown setting '%s'; see "
				       "picket-sensor.yaml(5)",
			key);
	}
}

static enum err
add_interface(struct live_conf *out, const char *name, struct diag *d)
{
	if (name[0] == '\0' || strlen(name) >= 16) {
		return diag_set(d, ERR_USAGE,
				"--interface '%s': not a name of an interface",
				name);
	}
	if (strcmp(name, "any") == 0) {
		return diag_set(d, ERR_USAGE,
				"--interface any: name each interface; see "
				"--list-interfaces");
	}
	for (unsigned i = 0; i < out->n; i++) {
		if (strcmp(out->name[i], name) == 0) {
			return diag_set(d, ERR_USAGE,
					"--interface %s: named twice", name);
		}
	}
	if (out->n == LIVE_MAX_INTERFACES) {
		return diag_set(d, ERR_USAGE, "more than %d interfaces",
				LIVE_MAX_INTERFACES);
	}
	out->name[out->n++] = name;
	return ERR_OK;
}

static void
add_named(void *arg, const char *key, const char *value)
{
	struct reading *r = arg;
	unsigned long item;
	const char *word = item_key(key, &item);

	if (r->err == ERR_OK && word != NULL && strcmp(word, "name") == 0) {
		r->err = add_interface(r->out, value, r->d);
	}
}

/* --- one interface --- */

struct item {
	const struct conf *conf;
	const char *name;
	long number; /* in the list; -1: it is not there */
	char key[KEY_CAP]; /* where the value was, for messages */
};

static void
find_item(void *arg, const char *key, const char *value)
{
	struct item *it = arg;
	unsigned long n;
	const char *word = item_key(key, &n);

	if (word != NULL && strcmp(word, "name") == 0 &&
	    strcmp(value, it->name) == 0) {
		it->number = (long)n;
	}
}

static const char *
value_of(struct item *it, const char *word, const char *general)
{
	const char *v = NULL;

	if (it->number >= 0) {
		snprintf(it->key, sizeof(it->key), LIST "%ld.%s", it->number,
			 word);
		v = conf_get(it->conf, it->key);
	}
	if (v == NULL) {
		snprintf(it->key, sizeof(it->key), "%s", general);
		v = conf_get(it->conf, it->key);
	}
	return v;
}

static uint64_t
number_of(struct item *it, const char *word, const char *general,
	  uint64_t fallback, uint64_t min, uint64_t max)
{
	(void)value_of(it, word, general);
	return conf_u64(it->conf, it->key, fallback, min, max);
}

static bool
truth_of(struct item *it, const char *word, const char *general, bool fallback)
{
	(void)value_of(it, word, general);
	return conf_bool(it->conf, it->key, fallback);
}

static enum err
read_fanout(struct item *it, enum fanout_mode *out, struct diag *d)
{
	const char *v = value_of(it, "fanout", "capture.fanout");

	*out = FANOUT_PAIR;
	if (v == NULL || strcmp(v, "pair") == 0) {
		return ERR_OK;
	}
	*out = FANOUT_HASH;
	return strcmp(v, "hash") == 0
		       ? ERR_OK
		       : diag_set(d, ERR_USAGE,
				  "%s: '%s': expected pair or hash", it->key,
				  v);
}

static enum err
read_interface(struct live_iface_conf *out, const struct conf *c,
	       const char *name, struct diag *d)
{
	struct item it = { .conf = c, .name = name, .number = -1 };
	struct capture_live_options *o = &out->open;

	conf_each(c, LIST, find_item, &it);
	o->name = name;
	o->filter = value_of(&it, "bpf-filter", "bpf-filter");
	o->timestamp = value_of(&it, "timestamp", "capture.timestamp");
	if (o->timestamp == NULL) {
		o->timestamp = "host";
	}
	o->snaplen = (uint32_t)number_of(&it, "snaplen", "capture.snaplen",
					 CAPTURE_LIVE_SNAPLEN, SNAPLEN_MIN,
					 CAPTURE_LIVE_SNAPLEN);
	o->ring_bytes =
		(uint32_t)number_of(&it, "ring-size", "capture.ring-size",
				    RING_SIZE, RING_MIN, RING_MAX);
	o->timeout_ms =
		(uint32_t)number_of(&it, "timeout-ms", "capture.timeout-ms",
				    TIMEOUT_MS, 1, TIMEOUT_MAX_MS);
	o->promiscuous =
		truth_of(&it, "promiscuous", "capture.promiscuous", true);
	o->immediate = truth_of(&it, "immediate", "capture.immediate", false);
	return read_fanout(&it, &out->fanout, d);
}

/* --- processors --- */

static void
add_cpus(void *arg, const char *key, const char *value)
{
	struct reading *r = arg;
	struct live_conf *o = r->out;

	while (r->err == ERR_OK && *value != '\0') {
		char *end;
		unsigned long cpu = strtoul(value, &end, 10);

		while (*end == ' ' || *end == ',') {
			end++;
		}
		if (end == value || value[0] == '-' || cpu >= CPU_SETSIZE ||
		    o->n_cpus == LIVE_MAX_WORKERS) {
			r->err = diag_set(r->d, ERR_USAGE,
					  "%s: '%s': expected numbers of "
					  "processors, at most %d",
					  key, value, LIVE_MAX_WORKERS);
			return;
		}
		o->cpu[o->n_cpus++] = (int)cpu;
		value = end;
	}
}

enum err
live_conf_read(struct live_conf *out, const struct conf *c,
	       const char *const *names, size_t n_names, struct diag *d)
{
	struct reading r = { .out = out, .conf = c, .d = d };

	*out = (struct live_conf){ .n = 0 };
	conf_each(c, "capture.", check_key, &r);
	for (size_t i = 0; i < n_names && r.err == ERR_OK; i++) {
		r.err = add_interface(out, names[i], d);
	}
	if (n_names == 0) {
		conf_each(c, LIST, add_named, &r);
	}
	for (unsigned i = 0; i < out->n && r.err == ERR_OK; i++) {
		r.err = read_interface(&out->iface[i], c, out->name[i], d);
	}
	conf_each(c, "capture.cpu-affinity", add_cpus, &r);
	return r.err;
}
