/* SPDX-License-Identifier: Apache-2.0 */
#include "common/listen.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>

enum err
listen_parse(const char *text, const char *option, const char *example,
	     struct listen_address *out, struct diag *d)
{
	const char *colon = strrchr(text, ':');
	size_t n = colon != NULL ? (size_t)(colon - text) : 0;
	const char *digits = colon != NULL ? colon + 1 : "";
	const char *host = text;
	struct in6_addr v6;
	struct in_addr v4;

	*out = (struct listen_address){ .port = 0 };
	if (n >= 2 && text[0] == '[' && text[n - 1] == ']') {
		host++;
		n -= 2;
	}
	if (colon == NULL || n >= sizeof(out->host) || digits[0] == '\0' ||
	    strlen(digits) > 5 ||
	    strspn(digits, "0123456789") != strlen(digits) ||
	    strtoul(digits, NULL, 10) > 65535) {
		return diag_set(d, ERR_USAGE,
				"%s %.64s: give ADDRESS:PORT, as in %s %s",
				option, text, option, example);
	}
	out->port = (uint16_t)strtoul(digits, NULL, 10);
	memcpy(out->host, host, n);
	if (n == 0 || strcmp(out->host, "localhost") == 0) {
		snprintf(out->host, sizeof(out->host), "127.0.0.1");
	}
	if (inet_pton(AF_INET, out->host, &v4) == 1) {
		out->loopback = (ntohl(v4.s_addr) >> 24) == 127;
	} else if (inet_pton(AF_INET6, out->host, &v6) == 1) {
		out->loopback = IN6_IS_ADDR_LOOPBACK(&v6);
	} else {
		return diag_set(d, ERR_USAGE,
				"%s %.64s: '%s' is no address; give one "
				"as a number, as in %s %s",
				option, text, out->host, option, example);
	}
	return ERR_OK;
}

void
listen_sockaddr(const struct listen_address *at, struct sockaddr_storage *out)
{
	struct sockaddr_in *in = (struct sockaddr_in *)out;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)out;

	memset(out, 0, sizeof(*out));
	if (inet_pton(AF_INET, at->host, &in->sin_addr) == 1) {
		in->sin_family = AF_INET;
		in->sin_port = htons(at->port);
	} else if (inet_pton(AF_INET6, at->host, &in6->sin6_addr) == 1) {
		in6->sin6_family = AF_INET6;
		in6->sin6_port = htons(at->port);
	}
}
