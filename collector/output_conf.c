/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/output_conf.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/addr.h"

#define PREFIX "outputs."
#define TIMEOUT_S 30

static const char *const ways[] = { [OUTPUT_SOCKET] = "socket",
				    [OUTPUT_WEBHOOK] = "webhook",
				    [OUTPUT_ECS] = "ecs" };

const char *
output_way_name(enum output_way way)
{
	return ways[way];
}

/* Notes an output when this is its first setting. */
static void
add_key(void *arg, const char *key, const char *value)
{
	struct output_conf_set *s = arg;
	size_t n = sizeof(PREFIX) - 1 + strcspn(key + sizeof(PREFIX) - 1, ".");

	(void)value;
	if (key[n] != '.' || n >= sizeof(s->all[0].key)) {
		s->bad_name = true;
		return;
	}
	for (unsigned i = 0; i < s->n; i++) {
		if (strncmp(s->all[i].key, key, n) == 0 &&
		    s->all[i].key[n] == '\0') {
			return;
		}
	}
	if (s->n == OUTPUTS_MAX) {
		s->too_many = true;
		return;
	}
	memcpy(s->all[s->n].key, key, n);
	s->all[s->n++].key[n] = '\0';
}

struct spelling {
	struct diag *d;
	enum err err;
};

static void
check_word(void *arg, const char *key, const char *value)
{
	static const char *const words[] = {
		"name", "type",  "url",         "min-severity", "exercises",
		"from", "index", "secret-file", "login-file",   "token-file",
		"cert", "key",   "ca",          "timeout",
	};
	struct spelling *s = arg;
	const char *word = key + sizeof(PREFIX) - 1;

	(void)value;
	word += strcspn(word, ".");
	word += *word == '.';
	if (strncmp(word, "types.", 6) == 0) {
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		if (strcmp(word, words[i]) == 0) {
			return;
		}
	}
	if (s->err == ERR_OK) {
		s->err = diag_set(s->d, ERR_USAGE,
				  "%.200s: there is no such setting; see "
				  "picket-collector(8)",
				  key);
	}
}

static void
add_type(void *arg, const char *key, const char *value)
{
	struct output_conf *o = arg;

	(void)key;
	if (o->n_types < OUTPUT_TYPES_MAX) {
		o->types[o->n_types] = value;
	}
	o->n_types++;
}

static const char *
named(const struct conf *c, const struct output_conf *o, const char *word)
{
	char key[128];

	snprintf(key, sizeof(key), "%s.%s", o->key, word);
	return conf_named(c, key);
}

static bool
is_loopback(const char *host)
{
	struct view v = view_cstr(host);
	struct addr a;
	struct cidr four, six;

	if (v.len > 2 && v.p[0] == '[' && v.p[v.len - 1] == ']') {
		v = view_sub(v, 1, v.len - 1);
	}
	return view_caseeq(v, VIEW_LIT("localhost")) ||
	       (addr_parse(v, &a) &&
		cidr_parse(VIEW_LIT("127.0.0.0/8"), &four) &&
		cidr_parse(VIEW_LIT("::1/128"), &six) &&
		(cidr_contains(&four, &a) || cidr_contains(&six, &a)));
}

/* What is told may be secret: it goes by TLS, or does not leave the machine. */
static enum err
check_http(const struct output_conf *o, struct diag *d)
{
	CURLU *u = curl_url();
	char *scheme = NULL, *host = NULL, *user = NULL;
	enum err e = ERR_OK;

	if (u == NULL) {
		return diag_set(d, ERR_NOMEM, "out of memory");
	}
	if (curl_url_set(u, CURLUPART_URL, o->url, 0) != CURLUE_OK ||
	    curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK ||
	    curl_url_get(u, CURLUPART_HOST, &host, 0) != CURLUE_OK) {
		e = diag_set(d, ERR_USAGE, "%s.url: %.200s: not a URL", o->key,
			     o->url);
	} else if (curl_url_get(u, CURLUPART_USER, &user, 0) == CURLUE_OK) {
		e = diag_set(d, ERR_USAGE,
			     "%s.url: a name or password in it: give them in "
			     "login-file",
			     o->key);
	} else if (strcmp(scheme, "https") != 0 &&
		   (strcmp(scheme, "http") != 0 || !is_loopback(host))) {
		e = diag_set(d, ERR_USAGE,
			     "%s.url: https is needed, except on the loopback",
			     o->key);
	}
	curl_free(scheme);
	curl_free(host);
	curl_free(user);
	curl_url_cleanup(u);
	return e;
}

static enum err
read_way(struct output_conf *o, const struct conf *c, struct diag *d)
{
	const char *type = named(c, o, "type");

	for (size_t i = 0; type != NULL && i < ARRAY_LEN(ways); i++) {
		if (strcmp(type, ways[i]) == 0) {
			o->way = (enum output_way)i;
			o->url = named(c, o, "url");
			if (o->url == NULL ||
			    strlen(o->url) >= OUTPUT_URL_CAP) {
				return diag_set(d, ERR_USAGE,
						"%s.url: say where to", o->key);
			}
			if (o->way != OUTPUT_SOCKET) {
				return check_http(o, d);
			}
			/* as long as sun_path is */
			return strncmp(o->url, "unix:///", 8) == 0 &&
					       strlen(o->url + 7) < 108
				       ? ERR_OK
				       : diag_set(d, ERR_USAGE,
						  "%s.url: unix:///PATH, of "
						  "less than 108 bytes",
						  o->key);
		}
	}
	return diag_set(d, ERR_USAGE, "%s.type: socket, webhook or ecs",
			o->key);
}

static enum err
read_name(struct output_conf *o, const struct conf *c, struct diag *d)
{
	size_t n;

	o->name = named(c, o, "name");
	n = o->name != NULL ? strspn(o->name, "abcdefghijklmnopqrstuvwxyz"
					      "0123456789-")
			    : 0;
	return n > 0 && o->name[n] == '\0' && n < OUTPUT_NAME_CAP
		       ? ERR_OK
		       : diag_set(d, ERR_USAGE,
				  "%s.name: up to %d of a-z, 0-9 and '-'",
				  o->key, OUTPUT_NAME_CAP - 1);
}

static enum err
read_output(struct output_conf *o, const struct conf *c, struct diag *d)
{
	const char *from = named(c, o, "from");
	char key[128];
	enum err e = read_name(o, c, d);

	if (e == ERR_OK) {
		e = read_way(o, c, d);
	}
	if (e != ERR_OK) {
		return e;
	}
	snprintf(key, sizeof(key), "%s.types.", o->key);
	conf_each(c, key, add_type, o);
	if (o->n_types > OUTPUT_TYPES_MAX) {
		return diag_set(d, ERR_USAGE, "%s.types: more than %d", o->key,
				OUTPUT_TYPES_MAX);
	}
	if (from != NULL && strcmp(from, "start") != 0 &&
	    strcmp(from, "now") != 0) {
		return diag_set(d, ERR_USAGE, "%s.from: start or now", o->key);
	}
	o->from_start = from != NULL && strcmp(from, "start") == 0;
	snprintf(key, sizeof(key), "%s.min-severity", o->key);
	o->min_severity = (uint8_t)conf_u64(c, key, 0, 0, 255);
	snprintf(key, sizeof(key), "%s.exercises", o->key);
	o->exercises = conf_bool(c, key, false);
	snprintf(key, sizeof(key), "%s.timeout", o->key);
	o->timeout_s = (unsigned)conf_u64(c, key, TIMEOUT_S, 1, 600);
	o->index = named(c, o, "index");
	o->index = o->index != NULL ? o->index : "picket";
	o->secret_file = named(c, o, "secret-file");
	o->login_file = named(c, o, "login-file");
	o->token_file = named(c, o, "token-file");
	o->cert_file = named(c, o, "cert");
	o->key_file = named(c, o, "key");
	o->ca_file = named(c, o, "ca");
	return ERR_OK;
}

enum err
output_conf_read(struct output_conf_set *s, const struct conf *c,
		 struct diag *d)
{
	struct spelling spelling = { d, ERR_OK };
	enum err e;

	memset(s, 0, sizeof(*s));
	conf_each(c, PREFIX, add_key, s);
	if (s->bad_name || s->too_many) {
		return diag_set(
			d, ERR_USAGE,
			"outputs: a list of %d at most, each with name, "
			"type and url; see picket-collector(8)",
			OUTPUTS_MAX);
	}
	conf_each(c, PREFIX, check_word, &spelling);
	e = spelling.err;
	for (unsigned i = 0; i < s->n && e == ERR_OK; i++) {
		e = read_output(&s->all[i], c, d);
		for (unsigned k = 0; k < i && e == ERR_OK; k++) {
			if (strcmp(s->all[i].name, s->all[k].name) == 0) {
				e = diag_set(d, ERR_USAGE,
					     "%s.name: %s is another's already",
					     s->all[i].key, s->all[i].name);
			}
		}
	}
	return e;
}

void
output_conf_files(const struct output_conf_set *s,
		  void (*fn)(void *arg, const char *path), void *arg)
{
	for (unsigned i = 0; i < s->n; i++) {
		const struct output_conf *o = &s->all[i];
		const char *files[] = { o->secret_file, o->login_file,
					o->token_file,  o->cert_file,
					o->key_file,    o->ca_file };

		for (size_t k = 0; k < ARRAY_LEN(files); k++) {
			if (files[k] != NULL) {
				fn(arg, files[k]);
			}
		}
	}
}
