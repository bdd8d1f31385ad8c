/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/pseudonym.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdlib.h>

#define BLOCK 16

struct pseudonym {
	EVP_CIPHER_CTX *aes;
	uint8_t pad[BLOCK];
};

static bool
encrypt(struct pseudonym *p, const uint8_t in[BLOCK], uint8_t out[BLOCK])
{
	int n = 0;

	return EVP_EncryptUpdate(p->aes, out, &n, in, BLOCK) == 1 && n == BLOCK;
}

enum err
pseudonym_new(struct pseudonym **out, const uint8_t key[PSEUDONYM_KEY_BYTES])
{
	struct pseudonym *p = calloc(1, sizeof(*p));

	*out = NULL;
	if (p == NULL) {
		return ERR_NOMEM;
	}
	p->aes = EVP_CIPHER_CTX_new();
	if (p->aes == NULL ||
	    EVP_EncryptInit_ex(p->aes, EVP_aes_128_ecb(), NULL, key, NULL) !=
		    1 ||
	    EVP_CIPHER_CTX_set_padding(p->aes, 0) != 1 ||
	    !encrypt(p, key + BLOCK, p->pad)) {
		pseudonym_free(p);
		return ERR_NOMEM;
	}
	*out = p;
	return ERR_OK;
}

void
pseudonym_free(struct pseudonym *p)
{
	if (p != NULL) {
		EVP_CIPHER_CTX_free(p->aes);
		OPENSSL_cleanse(p, sizeof(*p));
		free(p);
	}
}

enum err
pseudonym_addr(struct pseudonym *p, const struct addr *a, struct addr *out)
{
	unsigned from = addr_is_v4(a) ? 12 : 0;
	unsigned bits = (16 - from) * 8;
	uint8_t block[BLOCK], cipher[BLOCK];

	*out = *a;
	memcpy(block, p->pad, BLOCK);
	for (unsigned i = 0; i < bits; i++) {
		uint8_t bit = (uint8_t)(0x80 >> i % 8);

		if (!encrypt(p, block, cipher)) {
			return ERR_NOMEM;
		}
		out->b[from + i / 8] ^= cipher[0] & 0x80 ? bit : 0;
		/* The next block has one bit more of the address. */
		block[i / 8] = (uint8_t)((block[i / 8] & ~bit) |
					 (a->b[from + i / 8] & bit));
	}
	return ERR_OK;
}
