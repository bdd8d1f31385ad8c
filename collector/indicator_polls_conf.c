/* SPDX-License-Identifier: Apache-2.0 */
/* The settings of indicators.taxii: what may be said of a source. */
#include <stdio.h>

#include "collector/indicator_polls.h"

#define PREFIX "indicators.taxii."
#define SOURCE_CAP 128

/* Notes the name of a source when it is the first setting of that one. */
static void
add_key(void *arg, const char *key, const char *value)
{
	struct indicator_poll_set *s = arg;
	const char *name = key + sizeof(PREFIX) - 1;
	size_t n = sizeof(PREFIX) - 1 + strcspn(name, ".");

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
	if (s->n == INDICATOR_POLLS_MAX) {
		s->too_many = true;
		return;
	}
	memcpy(s->all[s->n].key, key, n);
	s->all[s->n++].key[n] = '\0';
}

static const char *const words[] = { "url",        "collection", "source",
				     "login-file", "token-file", "cert",
				     "key",        "ca",         "interval",
				     "mark" };

struct spelling {
	struct diag *d;
	enum err err;
};

static void
check_word(void *arg, const char *key, const char *value)
{
	struct spelling *s = arg;
	const char *word = strrchr(key, '.') + 1;

	(void)value;
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

static const char *
named(const struct conf *c, const struct indicator_poll *p, const char *word)
{
	char key[128];

	snprintf(key, sizeof(key), "%s.%s", p->key, word);
	return conf_named(c, key);
}

static enum err
read_login(struct indicator_poll *p, const struct conf *c, struct diag *d)
{
	struct taxii_login *l = &p->login;

	l->basic_file = named(c, p, "login-file");
	l->token_file = named(c, p, "token-file");
	l->cert_file = named(c, p, "cert");
	l->key_file = named(c, p, "key");
	l->ca_file = named(c, p, "ca");
	if (l->basic_file != NULL && l->token_file != NULL) {
		return diag_set(d, ERR_USAGE,
				"%s: login-file and token-file: name one",
				p->key);
	}
	return l->key_file == NULL || l->cert_file != NULL
		       ? ERR_OK
		       : diag_set(d, ERR_USAGE, "%s: key without cert", p->key);
}

static enum err
read_source(struct indicator_poll *p, const struct conf *c, struct diag *d)
{
	const char *mark = named(c, p, "mark");
	struct diag why = { "" };
	char key[128];

	p->url = named(c, p, "url");
	p->collection = named(c, p, "collection");
	p->source = named(c, p, "source");
	if (p->source == NULL) {
		p->source = p->key + sizeof(PREFIX) - 1;
	}
	if (p->url == NULL || strlen(p->url) >= TAXII_URL_CAP) {
		return diag_set(d, ERR_USAGE, "%s.url: give the server's URL",
				p->key);
	}
	if (strlen(p->source) >= SOURCE_CAP) {
		return diag_set(d, ERR_USAGE, "%s.source: longer than %d bytes",
				p->key, SOURCE_CAP - 1);
	}
	p->marks = mark != NULL;
	if (p->marks &&
	    marking_read(&p->mark, view_cstr(mark), &why) != ERR_OK) {
		return diag_set(d, ERR_USAGE, "%s.mark: %.200s", p->key,
				why.msg);
	}
	snprintf(key, sizeof(key), "%s.interval", p->key);
	p->interval_s =
		conf_u64(c, key, INDICATOR_POLLS_USUAL_S,
			 INDICATOR_POLLS_LEAST_S, INDICATOR_POLLS_MOST_S);
	return read_login(p, c, d);
}

enum err
indicator_polls_read(struct indicator_poll_set *s, const struct conf *c,
		     struct diag *d)
{
	struct spelling spelling = { d, ERR_OK };
	enum err e;

	memset(s, 0, sizeof(*s));
	conf_each(c, PREFIX, add_key, s);
	if (s->bad_name) {
		return diag_set(d, ERR_USAGE,
				"indicators.taxii: a list of sources, each "
				"with its url; see picket-collector(8)");
	}
	if (s->too_many) {
		return diag_set(d, ERR_USAGE,
				"indicators.taxii: more than %d sources",
				INDICATOR_POLLS_MAX);
	}
	conf_each(c, PREFIX, check_word, &spelling);
	e = spelling.err;
	for (unsigned i = 0; i < s->n && e == ERR_OK; i++) {
		e = read_source(&s->all[i], c, d);
		for (unsigned k = 0; k < i && e == ERR_OK; k++) {
			if (strcmp(s->all[i].source, s->all[k].source) == 0) {
				e = diag_set(d, ERR_USAGE,
					     "%s.source: %s is another's name "
					     "already",
					     s->all[i].key, s->all[i].source);
			}
		}
	}
	return e;
}

void
indicator_polls_files(const struct indicator_poll_set *s,
		      void (*fn)(void *arg, const char *path), void *arg)
{
	for (unsigned i = 0; i < s->n; i++) {
		const struct taxii_login *l = &s->all[i].login;
		const char *files[] = { l->basic_file, l->token_file,
					l->cert_file, l->key_file, l->ca_file };

		for (size_t k = 0; k < ARRAY_LEN(files); k++) {
			if (files[k] != NULL) {
				fn(arg, files[k]);
			}
		}
	}
}
