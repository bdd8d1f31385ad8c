/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/app_driver.h"

#include <stdio.h>
#include <stdlib.h>

#include "sensor/app_dns.h"
#include "sensor/app_http.h"
#include "sensor/app_ssh.h"
#include "sensor/app_tls.h"
#include "sensor/file_range.h"

/* Order matters only where two parsers could both say yes. */
static const struct app_parser *const registry[] = {
	&app_http, &app_dns_udp, &app_dns_tcp, &app_mdns, &app_tls, &app_ssh,
};

STATIC_ASSERT(ARRAY_LEN(registry) == APP_N_PARSERS,
	      "a driver has one entry a parser");

enum wanted { WANT_NO, WANT_DETECT, WANT_YES };

static enum wanted
read_wanted(const struct conf *conf, const char *key, enum wanted fallback)
{
	const char *s = conf_get(conf, key);

	if (s == NULL) {
		return fallback;
	}
	if (strcmp(s, "detection-only") == 0) {
		return WANT_DETECT;
	}
	return conf_bool(conf, key, fallback != WANT_NO) ? WANT_YES : WANT_NO;
}

/* app-layer.protocols.NAME[.tcp|.udp].enabled; the closer one counts. */
static enum wanted
wanted(const struct conf *conf, enum app_proto proto, bool tcp)
{
	const char *name = app_proto_name(proto);
	enum wanted w;
	char key[96];

	snprintf(key, sizeof(key), "app-layer.protocols.%s.enabled", name);
	w = read_wanted(conf, key, WANT_YES);
	snprintf(key, sizeof(key), "app-layer.protocols.%s.%s.enabled", name,
		 tcp ? "tcp" : "udp");
	return read_wanted(conf, key, w);
}

/* "53, 1053" or "[5060:5070]"; what is not a number separates. */
static void
read_ports(struct app_entry *e, const char *s)
{
	while (*s != '\0' && e->n_ports < MAX_PORT_RANGES) {
		unsigned long lo, hi;
		char *end;

		if (*s < '0' || *s > '9') {
			s++;
			continue;
		}
		lo = hi = strtoul(s, &end, 10);
		s = end;
		if ((*s == ':' || *s == '-') && s[1] >= '0' && s[1] <= '9') {
			hi = strtoul(s + 1, &end, 10);
			s = end;
		}
		if (lo <= hi && hi <= UINT16_MAX) {
			e->ports[e->n_ports++] =
				(struct port_range){ (uint16_t)lo,
						     (uint16_t)hi };
		}
	}
}

static void
add_port_setting(void *arg, const char *key, const char *value)
{
	(void)key;
	read_ports(arg, value);
}

static void
setup_ports(struct app_entry *e, const struct conf *conf)
{
	const char *name = app_proto_name(e->parser->proto);
	char key[96];

	snprintf(key, sizeof(key), "app-layer.protocols.%s.%s.detection-ports",
		 name, e->parser->tcp ? "tcp" : "udp");
	if (!conf_has(conf, key)) {
		snprintf(key, sizeof(key),
			 "app-layer.protocols.%s.detection-ports", name);
	}
	conf_each(conf, key, add_port_setting, e);
	for (unsigned i = 0; e->n_ports == 0 && e->parser->ports != NULL &&
			     e->parser->ports[i] != 0;
	     i++) {
		if (i == MAX_PORT_RANGES) {
			break;
		}
		e->ports[i].lo = e->ports[i].hi = e->parser->ports[i];
		if (e->parser->ports[i + 1] == 0) {
			e->n_ports = i + 1;
		}
	}
}

/* Suricata's words; "default" is track-only to it. */
static enum app_encryption
read_encryption(const struct conf *conf, enum app_proto proto)
{
	static const char *const names[] = { "encrypt-handling",
					     "encryption-handling" };
	const char *word = "track-only";
	char key[96];

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		snprintf(key, sizeof(key), "app-layer.protocols.%s.%s",
			 app_proto_name(proto), names[i]);
		word = conf_str(conf, key, word);
	}
	return strcmp(word, "full") == 0     ? ENCRYPTED_FULL
	       : strcmp(word, "bypass") == 0 ? ENCRYPTED_BYPASS
					     : ENCRYPTED_TRACK;
}

struct app_ctx *
app_ctx_new(const struct conf *conf, struct pool *pool)
{
	struct app_driver *d = calloc(1, sizeof(*d));

	if (d == NULL) {
		return NULL;
	}
	d->ctx.pool = pool;
	d->ctx.parse_tcp = d->ctx.parse_udp = UINT64_MAX;
	d->ctx.conf = conf;
	d->ctx.tls_encrypted = read_encryption(conf, APP_TLS);
	d->ctx.ssh_encrypted = read_encryption(conf, APP_SSH);
	d->ctx.max_open_tx =
		(uint32_t)conf_u64(conf, "app.max-open-tx", 256, 1, UINT32_MAX);
	d->ctx.tx_arena_limit = (size_t)conf_u64(conf, "app.tx-memory", 4 << 20,
						 64 << 10, UINT64_C(1) << 30);
	for (size_t i = 0; i < ARRAY_LEN(registry); i++) {
		struct app_entry *e = &d->entries[i];
		enum wanted w =
			wanted(conf, registry[i]->proto, registry[i]->tcp);

		e->parser = registry[i];
		e->detect = w != WANT_NO;
		e->parse = w == WANT_YES;
		setup_ports(e, conf);
	}
	for (unsigned p = APP_FAILED + 1; p < APP_PROTO_COUNT; p++) {
		d->allowed_tcp[p] = wanted(conf, p, true) != WANT_NO;
		d->allowed_udp[p] = wanted(conf, p, false) != WANT_NO;
	}
	d->ctx.files = file_ctx_new(conf, pool);
	d->ctx.ranges = range_table_new(conf, pool);
	if (d->ctx.files == NULL || d->ctx.ranges == NULL ||
	    !http_setup(&d->ctx)) {
		range_table_free(d->ctx.ranges);
		file_ctx_free(d->ctx.files);
		free(d);
		return NULL;
	}
	return &d->ctx;
}

void
app_want(struct app_ctx *ctx, uint64_t tcp, uint64_t udp)
{
	ctx->parse_tcp = tcp;
	ctx->parse_udp = udp;
}

void
app_ctx_free(struct app_ctx *ctx)
{
	if (ctx != NULL) {
		http_teardown(ctx);
		range_table_drop(ctx->ranges, ctx->files);
		range_table_free(ctx->ranges);
		file_ctx_free(ctx->files);
		free(app_driver_of(ctx));
	}
}
