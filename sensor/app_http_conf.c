/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/app_http_conf.h"

#include <stdlib.h>

#define KEY(s) "app-layer.protocols.http.libhtp.default-config." s

/* 0 is Suricata's "no limit"; here the largest block is. */
static size_t
limit(const struct conf *c, const char *key)
{
	uint64_t n = conf_u64(c, key, POOL_MAX_BLOCK, 0, UINT64_MAX);

	return n == 0 ? POOL_MAX_BLOCK : (size_t)MIN(n, POOL_MAX_BLOCK);
}

/* Settings that Suricata's own files spell in two ways. */
static bool
renamed(const struct conf *c, const char *key, const char *other, bool fallback)
{
	return conf_bool(c, key, conf_bool(c, other, fallback));
}

bool
http_setup(struct app_ctx *ctx)
{
	const struct conf *c = ctx->conf;
	struct http_settings *s = calloc(1, sizeof(*s));

	if (s == NULL) {
		return false;
	}
	s->body_limit[0] = limit(c, KEY("request-body-limit"));
	s->body_limit[1] = limit(c, KEY("response-body-limit"));
	s->body_step[0] =
		(uint32_t)conf_u64(c, KEY("request-body-minimal-inspect-size"),
				   32 << 10, 1, POOL_MAX_BLOCK);
	s->body_step[1] =
		(uint32_t)conf_u64(c, KEY("response-body-minimal-inspect-size"),
				   40 << 10, 1, POOL_MAX_BLOCK);
	s->bomb_limit = conf_u64(c, KEY("compression-bomb-limit"), 1 << 20,
				 1 << 10, UINT64_MAX);
	if (conf_bool(c, KEY("lzma-enabled"), false)) {
		s->lzma_limit = (size_t)conf_u64(c, KEY("lzma-memlimit"),
						 1 << 20, 1 << 12, UINT32_MAX);
	}
	s->coding_layers = (uint32_t)conf_u64(
		c, KEY("response-body-decompress-layer-limit"), 2, 0,
		HTTP_CODINGS_MAX);
	s->decode_request = true;
	s->double_decode_path = conf_bool(c, KEY("double-decode-path"), false);
	s->double_decode_query =
		conf_bool(c, KEY("double-decode-query"), false);
	s->plus_is_space = conf_bool(c, KEY("query-plusspace-decode"), false);
	s->uri_include_all = conf_bool(c, KEY("uri-include-all"), false);
	s->lower_path = renamed(c, KEY("path-convert-lowercase"),
				KEY("convert-lowercase"), false);
	s->backslash_is_slash =
		renamed(c, KEY("path-convert-backslash-separators"),
			KEY("backslash-convert-slashes"), true);
	s->compress_slashes =
		conf_bool(c, KEY("path-separators-compress"), true);
	ctx->http = s;
	return true;
}

void
http_teardown(struct app_ctx *ctx)
{
	free(ctx->http);
	ctx->http = NULL;
}
