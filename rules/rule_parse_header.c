/* SPDX-License-Identifier: Apache-2.0 */
/* The header: action, protocol, addresses, ports and the arrow between. */
#include "rules/rule_draft.h"

static enum err
read_action(struct rule_draft *r)
{
	static const struct {
		const char *word;
		enum rule_action action;
		enum reject_to to;
	} words[] = {
		{ "alert", ACTION_ALERT, 0 },
		{ "config", ACTION_ALERT, 0 }, /* without an alert */
		{ "pass", ACTION_PASS, 0 },
		{ "drop", ACTION_DROP, 0 },
		{ "reject", ACTION_REJECT, REJECT_SRC },
		{ "rejectsrc", ACTION_REJECT, REJECT_SRC },
		{ "rejectdst", ACTION_REJECT, REJECT_DST },
		{ "rejectboth", ACTION_REJECT, REJECT_BOTH },
	};

	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		if (text_is(r->words.action, words[i].word)) {
			r->rule->action = words[i].action;
			r->rule->reject = words[i].to;
			r->rule->noalert = text_is(r->words.action, "config");
			return ERR_OK;
		}
	}
	return diag_set(r->d, ERR_FORMAT,
			"unknown action \"%.*s\": alert, pass, drop or reject",
			TEXT_ARG(r->words.action));
}

static enum err
read_proto(struct rule_draft *r)
{
	static const struct {
		const char *word;
		uint8_t protos, versions;
	} words[] = { { "ip", PROTO_ALL, 0 },
		      { "ipv4", PROTO_ALL, 1 },
		      { "ip4", PROTO_ALL, 1 },
		      { "ipv6", PROTO_ALL, 2 },
		      { "ip6", PROTO_ALL, 2 },
		      { "pkthdr", PROTO_ALL, 0 },
		      { "tcp", PROTO_TCP, 0 },
		      { "tcp-pkt", PROTO_TCP, 0 },
		      { "tcp-stream", PROTO_TCP, 0 },
		      { "udp", PROTO_UDP, 0 },
		      { "icmp", PROTO_ICMP4 | PROTO_ICMP6, 0 },
		      { "icmpv4", PROTO_ICMP4, 0 },
		      { "icmpv6", PROTO_ICMP6, 0 },
		      { "sctp", PROTO_SCTP, 0 } };
	struct view name = r->words.proto;

	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		if (text_is(name, words[i].word)) {
			r->prog.protos = words[i].protos;
			r->prog.ip_versions = words[i].versions;
			r->tcp_pkt = text_is(name, "tcp-pkt");
			r->tcp_stream = text_is(name, "tcp-stream");
			return ERR_OK;
		}
	}
	r->header_is_app = true;
	r->prog.flow |= FLOW_NEEDED;
	r->prog.protos = PROTO_TCP | PROTO_UDP;
	r->prog.app = (uint8_t)(text_is(name, "ssl") ? APP_TLS
						     : app_proto_by_name(name));
	r->prog.app_strict = true;
	r->prog.app_exact = text_is(name, "http1");
	if (r->prog.app <= APP_FAILED) {
		return diag_set(r->d, ERR_FORMAT, "unknown protocol \"%.*s\"",
				TEXT_ARG(name));
	}
	return ERR_OK;
}

enum err
draft_header(struct rule_draft *r)
{
	struct rule_words *w = &r->words;
	struct rule_prog *p = &r->prog;
	struct view src = w->src, sport = w->sport, dst = w->dst,
		    dport = w->dport;
	enum err e;

	r->at = w->action;
	e = read_action(r);
	if (e == ERR_OK) {
		r->at = w->proto;
		e = read_proto(r);
	}
	if (e != ERR_OK) {
		return e;
	}
	r->at = w->arrow;
	if (text_is(w->arrow, "<>")) {
		p->both_ways = true;
	} else if (text_is(w->arrow, "=>")) {
		p->two_halves = true;
	} else if (!text_is(w->arrow, "->")) {
		return diag_set(r->d, ERR_FORMAT,
				"\"%.*s\" stands where ->, <> or => belongs",
				TEXT_ARG(w->arrow));
	}
	r->at = src;
	e = rule_vars_addrs(r->env->vars, src, &p->src, r->d);
	if (e == ERR_OK) {
		r->at = sport;
		e = rule_vars_ports(r->env->vars, sport, &p->sport, r->d);
	}
	if (e == ERR_OK) {
		r->at = dst;
		e = rule_vars_addrs(r->env->vars, dst, &p->dst, r->d);
	}
	if (e == ERR_OK) {
		r->at = dport;
		e = rule_vars_ports(r->env->vars, dport, &p->dport, r->d);
	}
	return e;
}
