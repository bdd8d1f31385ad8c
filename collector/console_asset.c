/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/console_asset.h"

#include <stdio.h>

#include <openssl/evp.h>

#define MAX_ASSETS 64
/* Half a digest tells apart what one program can hold. */
#define TAG_BYTES 16

static char etags[MAX_ASSETS][2 * TAG_BYTES + 3];

enum err
console_asset_init(void)
{
	for (unsigned i = 0; console_assets[i].path != NULL; i++) {
		unsigned char md[EVP_MAX_MD_SIZE];
		char *p = etags[i];

		if (i == MAX_ASSETS ||
		    EVP_Digest(console_assets[i].data, console_assets[i].len,
			       md, NULL, EVP_sha256(), NULL) != 1) {
			return ERR_NOMEM;
		}
		*p++ = '"';
		for (unsigned k = 0; k < TAG_BYTES; k++, p += 2) {
			snprintf(p, 3, "%02x", md[k]);
		}
		*p++ = '"';
		*p = '\0';
	}
	return ERR_OK;
}

const struct console_asset *
console_asset_find(const char *path, const char **etag)
{
	for (unsigned i = 0; console_assets[i].path != NULL; i++) {
		if (strcmp(console_assets[i].path, path) == 0) {
			*etag = etags[i];
			return &console_assets[i];
		}
	}
	return NULL;
}
