/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/indicator_read.h"
#include "common/json_stream.h"

#define MAX_KEPT 64

/* What one reading handed over, as lines of text. */
struct kept {
	char taken[MAX_KEPT][3000], told[MAX_KEPT][700];
	size_t n_taken, n_told, n_doubts;
	struct indicator_report r;
	struct diag d;
	enum err e;
};

static struct kept k;

static enum err
take(void *arg, const struct indicator *i, struct diag *d)
{
	char mark[MARKING_TEXT_CAP];

	(void)arg;
	if (strcmp(i->value, "no.test") == 0) {
		return diag_set(d, ERR_FORMAT, "not wanted");
	}
	if (strcmp(i->value, "stop.test") == 0) {
		return diag_set(d, ERR_LIMIT, "full");
	}
	assert_true(k.n_taken < MAX_KEPT);
	snprintf(k.taken[k.n_taken++], sizeof(k.taken[0]),
		 "%s|%s|%s|%s|by=%s|l=%s|t=%s|k=%s|c=%u|s=%u%s%s",
		 indicator_kind_name(i->kind), i->value, i->id,
		 i->marked ? marking_text(&i->mark, mark) : "-", i->created_by,
		 i->labels, i->tactic, i->kill_chain, i->confidence,
		 i->severity, i->exact ? "|exact" : "",
		 i->revoked ? "|revoked" : "");
	if (!i->marked) {
		assert_string_equal(marking_text(&i->mark, mark), "red//");
	}
	return ERR_OK;
}

static void
tell(const char *how, const struct indicator_refusal *r)
{
	assert_true(k.n_told < MAX_KEPT);
	snprintf(k.told[k.n_told++], sizeof(k.told[0]), "%s%s:%u:%s: %s", how,
		 r->file, r->line, r->id, r->reason);
}

static void
refused(void *arg, const struct indicator_refusal *r)
{
	(void)arg;
	tell("", r);
}

static void
doubted(void *arg, const struct indicator_refusal *r)
{
	(void)arg;
	k.n_doubts++;
	tell("?", r);
}

static const struct indicator_sink sink = { NULL, take, refused, doubted };

static void
settle(enum err want)
{
	if (k.e != want) {
		fail_msg("%s: %s", err_name(k.e), k.d.msg);
	}
	assert_int_equal(k.r.total, k.r.loaded + k.r.refused);
	assert_int_equal(k.r.loaded, k.n_taken);
	assert_int_equal(k.r.refused, k.n_told - k.n_doubts);
}

static void
reading(struct view text, enum err want)
{
	memset(&k, 0, sizeof(k));
	k.e = indicator_read_bytes("x", text, &sink, &k.r, &k.d);
	settle(want);
}

static void
taken(size_t i, const char *want)
{
	assert_true(i < k.n_taken);
	assert_string_equal(k.taken[i], want);
}

static void
told(size_t i, const char *want)
{
	assert_true(i < k.n_told);
	if (strstr(k.told[i], want) == NULL) {
		fail_msg("\"%s\" lacks \"%s\"", k.told[i], want);
	}
}

/* Single quotes stand for double ones: JSON in C is hard to read else. */
static char *
json(const char *text)
{
	char *copy = strdup(text);

	assert_non_null(copy);
	for (char *p = copy; *p != '\0'; p++) {
		*p = *p == '`' ? '"' : *p;
	}
	return copy;
}

static void
read_json(const char *text, enum err want)
{
	char *doc = json(text);

	reading(view_cstr(doc), want);
	free(doc);
}

#define IND(id, more, pattern) \
	"{`type`:`indicator`,`id`:`" id "`," more \
	"`pattern_type`:`stix`,`pattern`:`" pattern "`}"
#define DOMAIN(name) "[domain-name:value = '" name "']"

/* JSON in macros, which clang-format would scatter. */
/* clang-format off */
#define MARK(id, more) "{`type`:`marking-definition`,`id`:`" id "`," more "}"
#define REFS(list) "`object_marking_refs`:[" list "],"
#define TLP2 "extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d"

static const char marks[] =
	"{`objects`:["
	IND("i1", REFS("`m1`"), DOMAIN("a.test")) ","
	IND("i2", REFS("`m2`"), DOMAIN("b.test")) ","
	IND("i3", REFS("`m3`"), DOMAIN("c.test")) ","
	IND("i4", REFS("`m4`"), DOMAIN("d.test")) ","
	IND("i5", REFS("`m5`,`m1`"), DOMAIN("e.test")) ","
	IND("i6", REFS("`m1`") "`x_picket_releasable_to`:[`US`,`JP`],",
	    DOMAIN("f.test")) ","
	IND("i7", REFS("`m1`") "`x_picket_releasable_to`:`JP`,",
	    DOMAIN("g.test")) ","
	IND("i8", "`granular_markings`:[{`marking_ref`:`m2`,"
		  "`selectors`:[`name`]}],", DOMAIN("h.test")) ","
	IND("i9", REFS("`m6`"), DOMAIN("i.test")) ","
	IND("i10", "`x_picket_releasable_to`:[`JP`],", DOMAIN("j.test")) ","
	MARK("m1", "`definition`:{`tlp`:`green`}") ","
	MARK("m2", "`extensions`:{`" TLP2 "`:{`tlp_2_0`:`amber+strict`}}") ","
	MARK("m3", "`definition`:{`tlp`:`pink`}") ","
	MARK("m5", "`definition_type`:`statement`,"
		   "`definition`:{`statement`:`(c)`}") ","
	MARK("m6", "`definition`:{`tlp`:`amber`},"
		   "`x_picket_releasable_to`:[`JP`,`US`]")
	"]}";

static const char words[] =
	"{`objects`:["
	IND("i1", "`modified`:`2026-01-02`,`revoked`:true,`confidence`:85,"
		  "`created_by_ref`:`w`,`labels`:[`a,b`,`severity:low`],"
		  "`indicator_types`:[`c2`],`kill_chain_phases`:[{"
		  "`kill_chain_name`:`mitre-attack`,"
		  "`phase_name`:`exfiltration`}],", DOMAIN("a.test")) ","
	IND("i1", "`modified`:`2026-01-01`,", DOMAIN("old.test")) ","
	IND("i2", "`modified`:`2026-01-01`,", DOMAIN("b.test")) ","
	IND("i2", "`modified`:`2026-01-01`,", DOMAIN("b.test")) ","
	IND("i3", "`modified`:`yesterday`,", DOMAIN("c.test")) ","
	IND("i4", "`confidence`:101,", DOMAIN("no.test")) ","
	IND("", "", DOMAIN("c.test")) ","
	IND("i\\u001b6", "", DOMAIN("c.test")) ","
	"{`type`:`indicator`,`id`:`i5`,`pattern_type`:`s\\u001bigma`,"
	"`pattern`:`x`},"
	"{`type`:`malware`},7,"
	"{`type`:`identity`,`id`:`w`,`name`:`CERT W`}]}";

static const char patterns[] =
	"{`objects`:["
	IND("i1", "", "[domain-name:value = 'a.test' OR file:hashes.MD5 = "
		      "'d41d8cd98f00b204e9800998ecf8427e' OR "
		      "user-account:user_id = 'x']") ","
	IND("i2", "", DOMAIN("a.test") " AND [network-traffic:dst_port = 443]")
	"," IND("i3", "", "[process:pid = 1 AND process:pid = 2]") "]}";
/* clang-format on */

static void
test_markings_behind_their_users(void **state)
{
	(void)state;
	read_json(marks, ERR_OK);
	assert_int_equal(k.n_taken, 10);
	assert_int_equal(k.r.others, 5);
	taken(0, "domain|a.test|i1|green|by=|l=|t=|k=|c=255|s=1");
	taken(1, "domain|b.test|i2|amber+strict|by=|l=|t=|k=|c=255|s=1");
	taken(2, "domain|c.test|i3|red//|by=|l=|t=|k=|c=255|s=1");
	taken(3, "domain|d.test|i4|red//|by=|l=|t=|k=|c=255|s=1");
	taken(4, "domain|e.test|i5|green|by=|l=|t=|k=|c=255|s=1");
	taken(5, "domain|f.test|i6|green//JP,US|by=|l=|t=|k=|c=255|s=1");
	taken(6, "domain|g.test|i7|green//|by=|l=|t=|k=|c=255|s=1");
	taken(7, "domain|h.test|i8|amber+strict|by=|l=|t=|k=|c=255|s=1");
	taken(8, "domain|i.test|i9|amber//JP,US|by=|l=|t=|k=|c=255|s=1");
	taken(9, "domain|j.test|i10|red//JP|by=|l=|t=|k=|c=255|s=1");
	assert_int_equal(k.n_doubts, 2);
	told(0, "?x:0:i4: marking m4 is not in the bundle");
	told(1, "?x:0:i7: x_picket_releasable_to is no list");
}

static void
test_words_and_versions(void **state)
{
	(void)state;
	read_json(words, ERR_OK);
	assert_int_equal(k.n_taken, 2);
	taken(0, "domain|a.test|i1|-|by=CERT W|l=a b,severity:low,c2|t=TA0010|"
		 "k=mitre-attack:exfiltration|c=85|s=3|revoked");
	taken(1, "domain|b.test|i2|-|by=|l=|t=|k=|c=255|s=1");
	told(0, "i1: a later version");
	told(1, "i2: a later version");
	told(2, "i3: modified 'yesterday' is no timestamp");
	told(3, "i4: domain 'no.test': not wanted");
	told(4, "an indicator without id");
	told(5, "x:0:: control bytes in its id");
	told(6, "i5: pattern_type 's?igma'");
	assert_int_equal(k.r.others, 3);
	read_json("{`objects`:[" IND("i", "", DOMAIN("stop.test")) "," IND(
			  "j", "", DOMAIN("a.test")) "]}",
		  ERR_LIMIT);
	assert_int_equal(k.n_taken, 0);
	assert_string_equal(k.d.msg, "x: full");
}

static void
test_patterns(void **state)
{
	(void)state;
	read_json(patterns, ERR_OK);
	assert_int_equal(k.n_taken, 3);
	taken(1, "file-md5|d41d8cd98f00b204e9800998ecf8427e|i1|-|by=|l=|t=|k=|"
		 "c=255|s=1");
	assert_non_null(strstr(k.taken[2], "pattern|[domain-name:value = "));
	told(0, "i1: ");
	told(1, "i3: ");
}

/* What is wrong with one object costs that object only. */
static void
test_hostile_objects(void **state)
{
	size_t big = (size_t)2 << 20, at;
	char *doc = malloc(big + 4096);

	(void)state;
	assert_non_null(doc);
	at = (size_t)sprintf(doc, "{\"objects\":[{\"type\":\"indicator\","
				  "\"id\":\"deep\",\"x\":");
	memset(doc + at, '[', 5000);
	memset(doc + at + 5000, ']', 5000);
	at += 10000;
	at += (size_t)sprintf(doc + at,
			      "},{\"type\":\"indicator\",\"id\":\"big\","
			      "\"description\":\"");
	memset(doc + at, 'x', big / 2);
	at += big / 2;
	at += (size_t)sprintf(doc + at, "\"},{\"type\":\"malware\",\"d\":\"");
	memset(doc + at, 'x', big / 2 - 12000);
	at += big / 2 - 12000;
	at += (size_t)sprintf(
		doc + at,
		"\"},{\"type\":\"indicator\",\"id\":\"twice\",\"a\":1,"
		"\"a\":1},{\"type\":\"indicator\",\"id\":\"i\",\"pattern\":"
		"\"[domain-name:value = 'a.test']\"}]}");
	reading(view_of(doc, at), ERR_OK);
	free(doc);
	assert_int_equal(k.n_taken, 1);
	told(0, "deep: at byte 12: an object that is not valid JSON");
	told(1, "big: at byte 10050: an object of more than 1 MiB");
	told(2, "twice: at byte ");
	assert_int_equal(k.r.others, 1);
}

static void
test_broken_documents(void **state)
{
	(void)state;
	read_json("{`objects`:[" IND("i1", "", DOMAIN("a.test")) ",\n{`type",
		  ERR_TRUNCATED);
	assert_int_equal(k.n_taken, 1);
	assert_non_null(strstr(k.d.msg, "x:2: JSON, byte "));
	read_json("{`objects`:[" IND("i1", "", DOMAIN("a.test")) "}",
		  ERR_FORMAT);
	assert_int_equal(k.n_taken, 1);
	read_json("{`objects`:[{]}", ERR_FORMAT);
	read_json("{`objects`:[] } x", ERR_FORMAT);
	read_json("{`objects`:[1,]}", ERR_FORMAT);
	read_json("{`hello`:1}", ERR_FORMAT);
	read_json("{", ERR_TRUNCATED);
	read_json("{`more`:false}", ERR_FORMAT);
	read_json("{`type`:`bundle`,`objects`:[]}", ERR_OK);
}

static void
test_misp(void **state)
{
	(void)state;
	read_json(
		"{`response`:[{`Event`:{`Attribute`:["
		"{`uuid`:`1`,`type`:`ip-dst|port`,`to_ids`:true,"
		"`value`:`192.0.2.1|80`},"
		"{`uuid`:`2`,`type`:`domain|ip`,`to_ids`:true,"
		"`value`:`a.test|192.0.2.2`,`Tag`:[{`name`:`tlp:red`},"
		"{`name`:`misp-galaxy:mitre-tactic=\\`exfiltration\\``}]},"
		"{`uuid`:`3`,`type`:`filename|md5`,`to_ids`:true,"
		"`value`:`x.exe|d41d8cd98f00b204e9800998ecf8427e`},"
		"{`uuid`:`4`,`type`:`user-agent`,`to_ids`:true,"
		"`value`:`Evil/1.0 (x)`},"
		"{`uuid`:`5`,`type`:`ja4`,`to_ids`:true,`value`:"
		"`T13d1516h2_8daaf6152771_b186095e22b6`},"
		"{`uuid`:`6`,`type`:`uri`,`to_ids`:true,`value`:`/x`},"
		"{`uuid`:`7`,`type`:`domain`,`to_ids`:false,`value`:`b.test`},"
		"9],`Object`:[{`Attribute`:[{`uuid`:`8`,`type`:`sha1`,"
		"`to_ids`:true,"
		"`value`:`da39a3ee5e6b4b0d3255bfef95601890afd80709`}]}],"
		"`info`:`late`,`threat_level_id`:2,`Orgc`:{`name`:`Y`},"
		"`Tag`:[{`name`:`tlp:amber`},{`name`:`x`}]}}]}",
		ERR_OK);
	assert_int_equal(k.n_taken, 7);
	taken(0, "ip|192.0.2.1|1|amber|by=Y|l=tlp:amber,x|t=|k=|c=255|s=2");
	taken(1, "domain|a.test|2|red|by=Y|l=tlp:amber,x,tlp:red,misp-galaxy:"
		 "mitre-tactic=\"exfiltration\"|t=TA0010|k=|c=255|s=2");
	assert_non_null(strstr(k.taken[2], "ip|192.0.2.2|2|red"));
	assert_non_null(strstr(k.taken[3], "file-md5|d41d8cd98f00b204"));
	assert_non_null(strstr(k.taken[4], "user-agent|Evil/1.0 (x)|4"));
	assert_non_null(
		strstr(k.taken[5], "ja4|t13d1516h2_8daaf6152771_b186095e22b6"));
	assert_non_null(strstr(k.taken[6], "file-sha1|da39a3ee"));
	told(0, "6: attribute type 'uri'");
	told(1, "7: to_ids is not set");
	told(2, "not an object");
}

static void
test_csv(void **state)
{
	(void)state;
	read_json("{`response`:{`Attribute`:[{`uuid`:`1`,`type`:`domain`,"
		  "`to_ids`:true,`value`:`a.test`}]}}",
		  ERR_OK);
	assert_int_equal(k.n_taken, 1);
	reading(VIEW_LIT("Indicator,kind,releasable_to,tlp,tags,confidence,"
			 "description\n"
			 "a.test,domain,\"US, JP\",amber,a;b,med,\"two\n"
			 "lines\"\n"
			 "b.test,domain,,green//JP,,,\n"
			 "c.test,domain,JP,,,,\n"
			 "d.test,domain,\"J P/\",,,,\n"
			 "e.test,domain,,,,101,\n"
			 "f.test,domain,,,,,\"open\n"
			 "g.test,domain,,,,,\"x\" y\n"
			 "\"[domain-name:value = 'h.test']\",pattern,,,,,\n"
			 "Mozilla/4.0,user_agent,,,,,a \"quote\" within\n"),
		ERR_OK);
	assert_int_equal(k.n_taken, 5);
	taken(0, "domain|a.test||amber//JP,US|by=|l=a,b|t=|k=|c=50|s=1");
	taken(1, "domain|b.test||green//JP|by=|l=|t=|k=|c=255|s=1");
	taken(2, "domain|c.test||red//JP|by=|l=|t=|k=|c=255|s=1");
	taken(3, "domain|h.test||-|by=|l=|t=|k=|c=255|s=1");
	taken(4, "user-agent|Mozilla/4.0||-|by=|l=|t=|k=|c=255|s=1");
	told(0, "x:6:: releasable_to");
	told(1, "x:7:: confidence '101'");
	told(2, "x:8:: ");
	told(3, "x:9:: text behind a closing quote");
}

/* Types and words of MISP beyond the plain ones. */
static void
test_misp_more(void **state)
{
	(void)state;
	read_json("{`Event`:{`Attribute`:["
		  "{`uuid`:`1`,`type`:`malware-sample`,`to_ids`:true,"
		  "`value`:`x.exe|d41d8cd98f00b204e9800998ecf8427e`},"
		  "{`uuid`:`2`,`type`:`stix2-pattern`,`to_ids`:true,`value`:"
		  "`[url:value LIKE '%/gate.php']`},"
		  "{`uuid`:`3`,`type`:`hostname|port`,`to_ids`:true,"
		  "`value`:`c2.a.test|8443`},"
		  "{`uuid`:`4`,`type`:`x509-fingerprint-sha1`,`to_ids`:true,"
		  "`value`:`DA39A3EE5E6B4B0D3255BFEF95601890AFD80709`},"
		  "{`uuid`:`5`,`type`:`ja3-fingerprint-md5`,`to_ids`:true,"
		  "`value`:`e7d705a3286e19ea42f587b344ee6865`,"
		  "`decay_score`:[{`decayed`:true},{`decayed`:false}]},"
		  "{`uuid`:`6`,`type`:`filename|sha256`,`to_ids`:true,"
		  "`value`:`no-bar`},"
		  "{`uuid`:`7`,`type`:`domain`,`to_ids`:true,`value`:`b.test`,"
		  "`decay_score`:[{`decayed`:true},{`decayed`:true}]},"
		  "{`uuid`:`8`,`type`:`ip-dst`,`to_ids`:true,`value`:`8.8.8.8`,"
		  "`warnings`:[{`warninglist_name`:`Public resolvers`}]},"
		  "{`uuid`:`9`,`type`:`email-src`,`to_ids`:true,"
		  "`value`:`a@b.test`},"
		  "{`uuid`:`10`,`type`:`stix2-pattern`,`to_ids`:true,`value`:"
		  "`[process:pid = 1]`},"
		  "{`uuid`:`11`,`type`:`domain|ip`,`to_ids`:true,"
		  "`value`:`d.test`}]}}",
		  ERR_OK);
	assert_int_equal(k.n_taken, 6);
	assert_non_null(strstr(k.taken[0], "file-md5|d41d8cd98f00b204"));
	assert_non_null(
		strstr(k.taken[1], "pattern|[url:value LIKE '%/gate.php']|2|"));
	assert_non_null(strstr(k.taken[2], "domain|c2.a.test|3|"));
	assert_non_null(strstr(k.taken[2], "|exact"));
	assert_non_null(strstr(k.taken[3], "cert-sha1|da39a3ee"));
	assert_non_null(strstr(k.taken[4], "ja3|e7d705a3"));
	assert_non_null(strstr(k.taken[5], "domain|d.test|11|"));
	told(0, "6: file-sha256 '': empty value");
	told(1, "7: decayed: all");
	told(2, "8: on its source's warning list 'Public resolvers'");
	told(3, "9: attribute type 'email-src' is not matched");
	told(4, "10: process:pid is not matched by this sensor");
	told(5, "11: ip '': empty value");
}

/* As reports write what nobody shall follow by mistake. */
static void
test_refanged(void **state)
{
	(void)state;
	reading(VIEW_LIT("\xef\xbb\xbf# a comment\r\n"
			 "hxxp[:]//Evil[.]test/a[.]b?c=[.]  # found here\r\n"
			 "evil(dot)a[DOT]test\r\n"
			 "198[.]51[.]100[.]0/24\r\n"
			 "2001[:]db8::1\r\n"
			 "hxxps[://]evil{.}test:8443\r\n"
			 "evil[.test\r\n"
			 "b\xc3\xbc"
			 "cher.test\r\n"),
		ERR_OK);
	assert_int_equal(k.n_taken, 5);
	assert_non_null(strstr(k.taken[0], "url|evil.test/a[.]b?c=[.]|"));
	assert_non_null(strstr(k.taken[1], "domain|evil.a.test|"));
	assert_non_null(strstr(k.taken[2], "ip|198.51.100.0/24|"));
	assert_non_null(strstr(k.taken[3], "ip|2001:db8::1|"));
	assert_non_null(strstr(k.taken[4], "url|evil.test:8443/|"));
	told(0, "x:7:: domain 'evil[.test': byte 0x5b");
	told(1, "x:8:: domain 'b\xc3\xbc"
		"cher.test': not ASCII; give the xn-- form");
	reading(VIEW_LIT("# type: user-agent\nEvil[.]1\n"), ERR_OK);
	assert_non_null(strstr(k.taken[0], "user-agent|Evil[.]1|"));
}

/* What restricts is never lost: in labels, in columns that stand twice. */
static void
test_csv_columns(void **state)
{
	(void)state;
	reading(VIEW_LIT("\xef\xbb\xbfType,Value,tags,tlp,to_ids,seen by\r\n"
			 "domain,a[.]test,\"x;TLP:AMBER\",green,1,me\r\n"
			 "domain,b.test,tlp:ex:chr,,True,\r\n"
			 "domain,c.test,,,0,\r\n"
			 "domain,d.test\r\n"),
		ERR_OK);
	assert_int_equal(k.n_taken, 3);
	taken(0, "domain|a.test||amber|by=|l=x,TLP:AMBER|t=|k=|c=255|s=1");
	taken(1, "domain|b.test||red//|by=|l=tlp:ex:chr|t=|k=|c=255|s=1");
	taken(2, "domain|d.test||-|by=|l=|t=|k=|c=255|s=1");
	assert_int_equal(k.n_doubts, 1);
	told(0, "?x:1:: column 'seen by' is not known and passed over");
	told(1, "x:4:: to_ids is not set");
	reading(VIEW_LIT("type,value,TLP,tlp\ndomain,a.test,green,red\n"),
		ERR_FORMAT);
	assert_int_equal(k.n_taken, 0);
	assert_string_equal(k.d.msg, "x: columns 'TLP' and 'tlp' say the "
				     "same; leave one");
	reading(VIEW_LIT("marking,type,value,tlp\nred,domain,a.test,green\n"),
		ERR_FORMAT);
	reading(VIEW_LIT("value,type,value\na.test,domain,b.test\n"),
		ERR_FORMAT);
	/* As MISP gives them: of the event, and of the attribute. */
	reading(VIEW_LIT("type,value,attribute_tag,event_tag\n"
			 "domain,a.test,x,\"y,tlp:red\"\n"),
		ERR_OK);
	taken(0, "domain|a.test||red|by=|l=x|t=|k=|c=255|s=1");
	reading(VIEW_LIT("type,value\n"
			 "ip-dst|port,192.0.2.1|443\n"
			 "domain|ip,b.test|192.0.2.2\n"
			 "filename|md5,a.exe|d41d8cd98f00b204e9800998ecf8427e\n"
			 "filename|port,a.exe|1\n"
			 "hostname|port,c.test\n"
			 "email-src,a@b.test\n"),
		ERR_OK);
	assert_int_equal(k.n_taken, 4);
	assert_non_null(strstr(k.taken[0], "ip|192.0.2.1|"));
	assert_non_null(strstr(k.taken[1], "domain|b.test|"));
	assert_non_null(strstr(k.taken[2], "ip|192.0.2.2|"));
	assert_non_null(strstr(k.taken[3], "file-md5|d41d8cd98f00b204"));
	told(0, "x:5:: type 'filename|port' is not known");
	told(1, "x:6:: type 'hostname|port' is not known");
	told(2, "x:7:: type 'email-src' is not known");
	/* Of others the usual name stands before what some call them. */
	reading(VIEW_LIT("uuid,type,value,id\n1,domain,a.test,2\n"), ERR_OK);
	assert_non_null(strstr(k.taken[0], "domain|a.test|2|"));
}

/* clang-format off */
static const char taken_back[] =
	"{`objects`:["
	IND("indicator--1", "`revoked`:true,`labels`:[`tlp:green`],",
	    "[process:pid = 1]") ","
	IND("indicator--2", "`revoked`:true,", "no pattern") ","
	IND("indicator--3", "`revoked`:true,", "[a:b = 1] AND [a:c = 2]") ","
	"{`type`:`indicator`,`id`:`indicator--4`,`pattern_type`:`snort`,"
	"`revoked`:true,`pattern`:`alert tcp`},"
	IND("no name", "`revoked`:true,", "no pattern") ","
	IND("indicator--6", "", "no pattern") "]}";
/* clang-format on */

/* A source takes back by the id, whatever the pattern says by now. */
static void
test_taken_back(void **state)
{
	(void)state;
	read_json(taken_back, ERR_OK);
	assert_int_equal(k.n_taken, 4);
	taken(0, "domain|indicator--1.forgotten.invalid|indicator--1|green|"
		 "by=|l=tlp:green|t=|k=|c=255|s=1|exact|revoked");
	taken(1, "domain|indicator--2.forgotten.invalid|indicator--2|-|by=|l=|"
		 "t=|k=|c=255|s=1|exact|revoked");
	assert_non_null(strstr(k.taken[2], "|indicator--3|"));
	assert_non_null(strstr(k.taken[3], "|indicator--4|"));
	told(0, "no name: the pattern does not parse");
	told(1, "indicator--6: the pattern does not parse");
}

static void
put_file(const char *dir, const char *name, const char *text)
{
	char path[256], *doc = json(text);
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(doc, f);
	fclose(f);
	free(doc);
}

#define UUID(n) "0000000" n "-0000-4000-8000-000000000000"

static void
test_feed(void **state)
{
	static const char *const names[] = { "manifest.json", "hashes.csv",
					     UUID("1") ".json",
					     UUID("2") ".json" };
	char dir[] = "/tmp/test_feed.XXXXXX", path[256];

	(void)state;
	assert_non_null(mkdtemp(dir));
	put_file(dir, names[0],
		 "{`" UUID("2") "`:{},`../../etc/passwd`:{},`" UUID(
			 "3") "`:{},`" UUID("1") "`:{`info`:`x`}}");
	put_file(dir, names[1],
		 "900150983cd24fb0d6963f7d28e17f72," UUID(
			 "1") "\r\n"
			      "900150983cd24fb0d6963f7d28e17f72," UUID(
				      "9") "\r\n");
	put_file(dir, names[2],
		 "{`Event`:{`Attribute`:[{`uuid`:`1`,`type`:`domain`,"
		 "`to_ids`:true,`value`:`a.test`}]}}");
	put_file(dir, names[3], "{`Event`:{`Attribute`:[{");
	memset(&k, 0, sizeof(k));
	k.e = indicator_read_path(dir, &sink, &k.r, &k.d);
	settle(ERR_OK);
	assert_int_equal(k.n_taken, 1);
	told(0, UUID("2") ": ");
	told(1, "'../../etc/passwd' in the manifest is no event");
	told(2, UUID("3") ": ");
	told(3, UUID("9") " is in hashes.csv");
	assert_int_equal(k.n_doubts, 1);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		unlink(path);
	}
	memset(&k, 0, sizeof(k));
	k.e = indicator_read_path(dir, &sink, &k.r, &k.d);
	settle(ERR_IO);
	rmdir(dir);
}

/* Counts, and a sum over what was handed over in its order. */
static enum err
add_up(void *arg, const struct indicator *i, struct diag *d)
{
	uint64_t *sum = arg;

	(void)d;
	for (const char *p = i->value; *p != '\0'; p++) {
		*sum = *sum * 31 + (uint8_t)*p;
	}
	for (const char *p = i->description; *p != '\0'; p++) {
		*sum = *sum * 31 + (uint8_t)*p;
	}
	return ERR_OK;
}

/* A document that lies across blocks reads as the same one in memory. */
static void
test_file_and_memory_agree(void **state)
{
	char path[] = "/tmp/test_indicators.XXXXXX", *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);
	struct indicator_report of_file = { 0 }, of_bytes = { 0 };
	uint64_t sums[2] = { 0, 0 };
	const struct indicator_sink sinks[2] = {
		{ &sums[0], add_up, NULL, NULL },
		{ &sums[1], add_up, NULL, NULL },
	};
	int fd;

	(void)state;
	assert_non_null(f);
	fputs("{\"objects\":[", f);
	for (int i = 0; i < 6000; i++) {
		fprintf(f,
			"%s{\"type\":\"indicator\",\"id\":\"i%d\",\"name\":"
			"\"%0*d\\\\\\\"\",\"pattern\":"
			"\"[domain-name:value = 'd%d.test']\"}",
			i > 0 ? "," : "", i % 5900, i % 197 + 1, 0, i);
	}
	fputs("]}", f);
	fclose(f);
	fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, len), len);
	close(fd);
	assert_int_equal(indicator_read_path(path, &sinks[0], &of_file, &k.d),
			 ERR_OK);
	assert_int_equal(indicator_read_bytes("x", view_of(text, len),
					      &sinks[1], &of_bytes, &k.d),
			 ERR_OK);
	unlink(path);
	free(text);
	assert_int_equal(of_file.loaded, 5900);
	assert_int_equal(of_file.refused, 100);
	assert_memory_equal(&of_file, &of_bytes, sizeof(of_file));
	assert_true(sums[0] == sums[1] && sums[0] != 0);
}

/* A word that the end of a file ends is no more than what was there. */
static void
test_word_at_the_end(void **state)
{
	char path[] = "/tmp/picket-word.XXXXXX";
	int fd = mkstemp(path);
	struct block_read in;
	struct json_stream s;
	struct view v;
	bool whole;

	(void)state;
	assert_true(fd >= 0);
	unlink(path);
	assert_int_equal(write(fd, "      true", 10), 10);
	for (unsigned file = 0; file < 2; file++) {
		if (file) {
			assert_int_equal(block_read_file(&in, fd), ERR_OK);
		} else {
			block_read_memory(&in, VIEW_LIT("      true"));
		}
		json_stream_init(&s, &in);
		assert_true(json_stream_take(&s, 1 << 20, &v, &whole));
		assert_true(whole);
		assert_int_equal(v.len, 4);
		assert_memory_equal(v.p, "true", 4);
		json_stream_fini(&s);
		block_read_fini(&in);
	}
	close(fd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_markings_behind_their_users),
		cmocka_unit_test(test_words_and_versions),
		cmocka_unit_test(test_patterns),
		cmocka_unit_test(test_hostile_objects),
		cmocka_unit_test(test_broken_documents),
		cmocka_unit_test(test_misp),
		cmocka_unit_test(test_csv),
		cmocka_unit_test(test_misp_more),
		cmocka_unit_test(test_refanged),
		cmocka_unit_test(test_csv_columns),
		cmocka_unit_test(test_taken_back),
		cmocka_unit_test(test_feed),
		cmocka_unit_test(test_file_and_memory_agree),
		cmocka_unit_test(test_word_at_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
