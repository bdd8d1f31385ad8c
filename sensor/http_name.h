/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http_name.h - names of HTTP fields, told apart once
 *
 * Names compare without case and without NULs, which some servers drop.
 * Those that the sensor itself looks for have a number, so that finding such
 * a field takes no comparison once its message is read.
 *
 * Place    above common/; below http_tx.
 * Threads  no state.
 * Memory   none.
 * Cost     http_name_known() is one look-up and one comparison.
 */
#ifndef SENSOR_HTTP_NAME_H
#define SENSOR_HTTP_NAME_H

#include "common/base.h"

#define HTTP_NAME_LIST(NAME) \
	NAME(COOKIE, "cookie") \
	NAME(USER_AGENT, "user-agent") \
	NAME(REFERER, "referer") \
	NAME(ACCEPT, "accept") \
	NAME(ACCEPT_LANGUAGE, "accept-language") \
	NAME(ACCEPT_ENCODING, "accept-encoding") \
	NAME(CONNECTION, "connection") \
	NAME(CONTENT_TYPE, "content-type") \
	NAME(CONTENT_LENGTH, "content-length") \
	NAME(SET_COOKIE, "set-cookie") \
	NAME(SERVER, "server") \
	NAME(LOCATION, "location") \
	NAME(HOST, "host") \
	NAME(AUTHORIZATION, "authorization") \
	NAME(TRANSFER_ENCODING, "transfer-encoding") \
	NAME(CONTENT_ENCODING, "content-encoding") \
	NAME(CONTENT_DISPOSITION, "content-disposition") \
	NAME(CONTENT_RANGE, "content-range") \
	NAME(UPGRADE, "upgrade")

enum http_name {
#define NAME(sym, text) HTTP_NAME_##sym,
	HTTP_NAME_LIST(NAME)
#undef NAME
		HTTP_NAME_COUNT /* and: none of them */
};

bool http_name_eq(struct view a, struct view b);
/* The same for names that are equal. */
uint32_t http_name_hash(struct view name);
/* HTTP_NAME_COUNT when it has no number. */
enum http_name http_name_known(struct view name);
/* Both of 'name', which is a token (RFC 9110 5.6.2), at once. */
enum http_name http_name_of_token(struct view name, uint32_t *hash);

#endif
