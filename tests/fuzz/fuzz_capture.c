/* SPDX-License-Identifier: Apache-2.0 */
/* A capture file of any format, from its first byte. */
#include "sensor/capture.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static struct batch_frames *b;
	static char path[64];
	static int fd = -1;
	const char *paths[1] = { path };
	struct capture *c;
	struct diag d;
	unsigned errors = 0;
	enum err e;

	if (fd < 0) {
		fd = memfd_create("fuzz", 0);
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		b = batch_frames_new();
	}
	if (ftruncate(fd, 0) != 0 || pwrite(fd, p, n, 0) != (ssize_t)n ||
	    capture_open_files(&c, paths, 1, NULL, &d) != ERR_OK) {
		return 0;
	}
	while ((e = capture_next(c, b, &d)) != ERR_EOF) {
		errors += e != ERR_OK;
		for (uint32_t i = 0; i < b->n; i++) {
			const struct frame *f = &b->frame[i];

			if (f->data < b->slab ||
			    f->data + f->caplen > b->slab + BATCH_SLAB ||
			    f->wirelen < f->caplen) {
				abort();
			}
		}
	}
	if (errors > 1) {
		abort();
	}
	capture_close(c);
	return 0;
}
