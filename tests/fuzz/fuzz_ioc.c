/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as an indicator file: all is accounted for, all loaded is found. */
#include <stdlib.h>

#include "rules/ioc_load.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
require(bool ok)
{
	if (!ok) {
		abort();
	}
}

static const struct ioc *
find_again(const struct ioc_set *s, const struct ioc *ioc)
{
	struct view v = view_cstr(ioc->value);
	const uint8_t *slash;
	struct cidr net;

	switch (ioc->note->type) {
	case IOC_IP:
		require(cidr_parse(v, &net));
		return ioc_find_addr(s, &net.addr, 0);
	case IOC_DOMAIN:
		return ioc_find_domain(s, v, 0);
	case IOC_URL:
		slash = memchr(v.p, '/', v.len);
		require(slash != NULL);
		return ioc_find_url(
			s, view_of(v.p, (size_t)(slash - v.p)),
			view_of(slash, v.len - (size_t)(slash - v.p)), 0);
	case IOC_JA3:
	case IOC_CERT_SHA1:
	case IOC_CERT_SHA256:
	case IOC_JA4:
	case IOC_FILE_MD5:
	case IOC_FILE_SHA1:
	case IOC_FILE_SHA256:
	case IOC_USER_AGENT:
		return ioc_find_text(s, ioc->note->type, v, 0);
	case IOC_TYPE_COUNT:
		break;
	}
	return NULL;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ioc_set *s = ioc_set_new();
	struct ioc_load_report rep = { 0 };
	struct diag d;
	enum err e;

	require(s != NULL);
	e = ioc_load_bytes(s, "fuzz", view_of(data, size), &rep, &d);
	require(e == ERR_OK || d.msg[0] != '\0');
	require(rep.total == rep.loaded + rep.refused);
	require(rep.loaded == rep.repeated + ioc_set_count(s));
	require(ioc_set_seal(s) == ERR_OK);
	for (uint32_t i = 0; i < ioc_set_count(s); i++) {
		const struct ioc *ioc = ioc_set_at(s, i);
		const struct ioc *found = find_again(s, ioc);

		/* The first address of a network may lie in a narrower one. */
		require(found == ioc ||
			(found != NULL && ioc->note->type == IOC_IP));
	}
	ioc_find_domain(s, view_of(data, size), 1);
	ioc_find_url(s, view_of(data, size / 2),
		     view_sub(view_of(data, size), size / 2, size), 1);
	ioc_set_free(s);
	ioc_load_report_fini(&rep);
	return 0;
}
