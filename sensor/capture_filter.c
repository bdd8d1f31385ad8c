/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/capture_filter.h"

#include <pcap/pcap.h>
#include <stdlib.h>

/* Compiled filters, one per link type; captures mix few. */
#define MAX_FILTERS 8

struct filter {
	bool used;
	uint16_t linktype;
	struct bpf_program program;
};

struct capture_filter {
	char *bpf;
	struct filter filters[MAX_FILTERS];
};

/*
 * libpcap calls raw IP by a number of its own that differs between systems;
 * the other link types have the number they have in files.
 */
static int
filter_dlt(uint16_t linktype)
{
	return linktype == 101 ? DLT_RAW : linktype;
}

static bool
compile_filter(const char *bpf, uint16_t linktype, struct bpf_program *out,
	       char *why, size_t cap)
{
	pcap_t *dead = pcap_open_dead(filter_dlt(linktype), CAPTURE_MAX_FRAME);
	bool ok;

	if (dead == NULL) {
		return false;
	}
	ok = pcap_compile(dead, out, bpf, 1, PCAP_NETMASK_UNKNOWN) == 0;
	if (!ok) {
		size_t n = strnlen(pcap_geterr(dead), cap - 1);

		memcpy(why, pcap_geterr(dead), n);
		why[n] = '\0';
	}
	pcap_close(dead);
	return ok;
}

/*
 * An expression may make sense for some link types only ("wlan type mgt"), so
 * it is refused when none of the usual ones takes it.
 */
static enum err
check_filter(const char *bpf, struct diag *d)
{
	static const uint16_t usual[] = { DLT_EN10MB,    101,
					  DLT_LINUX_SLL, DLT_IEEE802_11_RADIO,
					  DLT_PPP,       DLT_NULL };
	char first[PCAP_ERRBUF_SIZE] = "", why[PCAP_ERRBUF_SIZE] = "";

	for (size_t i = 0; i < ARRAY_LEN(usual); i++) {
		struct bpf_program program;

		if (compile_filter(bpf, usual[i], &program,
				   i == 0 ? first : why, sizeof(why))) {
			pcap_freecode(&program);
			return ERR_OK;
		}
	}
	return diag_set(d, ERR_USAGE, "filter '%s': %s", bpf, first);
}

enum err
capture_filter_new(struct capture_filter **out, const char *bpf, struct diag *d)
{
	enum err e = check_filter(bpf, d);
	struct capture_filter *f;

	*out = NULL;
	if (e != ERR_OK) {
		return e;
	}
	f = calloc(1, sizeof(*f));
	if (f != NULL) {
		f->bpf = strdup(bpf);
	}
	if (f == NULL || f->bpf == NULL) {
		capture_filter_free(f);
		return diag_set(d, ERR_NOMEM, "out of memory");
	}
	*out = f;
	return ERR_OK;
}

void
capture_filter_free(struct capture_filter *f)
{
	if (f == NULL) {
		return;
	}
	for (size_t i = 0; i < MAX_FILTERS; i++) {
		if (f->filters[i].used) {
			pcap_freecode(&f->filters[i].program);
		}
	}
	free(f->bpf);
	free(f);
}

static struct filter *
filter_for(struct capture_filter *c, uint16_t linktype, struct diag *d)
{
	char why[PCAP_ERRBUF_SIZE] = "";
	struct filter *f = NULL;

	for (size_t i = 0; i < MAX_FILTERS; i++) {
		f = &c->filters[i];
		if (!f->used) {
			break;
		}
		if (f->linktype == linktype) {
			return f;
		}
	}
	if (f->used) {
		/* More link types than slots: the last slot is shared. */
		pcap_freecode(&f->program);
		f->used = false;
	}
	if (!compile_filter(c->bpf, linktype, &f->program, why, sizeof(why))) {
		(void)diag_set(d, ERR_FORMAT,
			       "filter '%s' does not go with link type %u: %s",
			       c->bpf, linktype, why);
		return NULL;
	}
	f->used = true;
	f->linktype = linktype;
	return f;
}

enum err
capture_filter_take(struct capture_filter *c, const struct capture_record *rec,
		    struct diag *d)
{
	const struct filter *f = filter_for(c, rec->linktype, d);
	struct pcap_pkthdr h;

	if (f == NULL) {
		return ERR_FORMAT;
	}
	memset(&h, 0, sizeof(h));
	h.caplen = (bpf_u_int32)rec->data.len;
	h.len = rec->wirelen;
	return pcap_offline_filter(&f->program, &h, rec->data.p) != 0
		       ? ERR_OK
		       : ERR_NOTFOUND;
}
