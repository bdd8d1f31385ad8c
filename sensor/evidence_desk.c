/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/evidence_desk.h"

#include <pthread.h>
#include <stdlib.h>

#include "common/log.h"
#include "sensor/hex_digest.h"

enum stage { IDLE, CUTTING, ANSWERING };

struct evidence_desk {
	struct evidence_cut *cut; /* the evidence's thread's, but: ANSWERING */
	uint32_t snaplen;
	pthread_mutex_t lock; /* for what follows */
	struct evidence_ask wait[EVIDENCE_ASKS];
	unsigned n_wait;
	enum stage stage;
	/* The one in hand, and when ANSWERING what was found. */
	struct evidence_ask now;
	struct evidence_cut_result found;
	char sha256[HEX_DIGEST_CAP + 1];
	uint32_t n, of; /* the next piece */
};

struct evidence_desk *
evidence_desk_new(uint32_t snaplen)
{
	struct evidence_desk *k = calloc(1, sizeof(*k));

	if (k != NULL) {
		pthread_mutex_init(&k->lock, NULL);
		k->snaplen = snaplen;
	}
	return k;
}

void
evidence_desk_free(struct evidence_desk *k)
{
	if (k != NULL) {
		evidence_cut_free(k->cut);
		pthread_mutex_destroy(&k->lock);
		free(k);
	}
}

bool
evidence_desk_ask(struct evidence_desk *k, const struct evidence_ask *a)
{
	bool taken;

	pthread_mutex_lock(&k->lock);
	taken = k->n_wait < EVIDENCE_ASKS;
	if (taken) {
		k->wait[k->n_wait++] = *a;
	}
	pthread_mutex_unlock(&k->lock);
	return taken;
}

/* Takes the question that waits longest; false: there is none. */
static bool
begin(struct evidence_desk *k, struct evidence_dir *dir)
{
	char(*names)[EVIDENCE_NAME_CAP] = NULL;
	bool any;
	size_t n = 0;

	pthread_mutex_lock(&k->lock);
	any = k->stage == IDLE && k->n_wait > 0;
	if (any) {
		k->now = k->wait[0];
		k->n_wait--;
		memmove(k->wait, k->wait + 1, k->n_wait * sizeof(*k->wait));
	}
	pthread_mutex_unlock(&k->lock);
	if (!any) {
		return false;
	}
	if (k->cut == NULL) {
		k->cut = evidence_cut_new(k->snaplen);
	}
	if (k->cut == NULL || evidence_dir_names(dir, &names, &n) != ERR_OK) {
		log_err("evidence %s is not answered: out of memory",
			k->now.id);
		return false;
	}
	evidence_cut_begin(k->cut, &k->now, evidence_dir_fd(dir), names, n);
	return true;
}

static void
answer(struct evidence_desk *k)
{
	struct evidence_cut_result r = evidence_cut_result(k->cut);

	k->sha256[hex_digest(HEX_SHA256, r.file, '\0', k->sha256)] = '\0';
	log_info("evidence %s: %llu packets, %zu bytes, of %llu files%s",
		 k->now.id, (unsigned long long)r.packets, r.file.len,
		 (unsigned long long)r.files,
		 r.cut ? "; there may be more" : "");
	if (r.damaged > 0) {
		log_warn("evidence: %llu damaged files were read in part",
			 (unsigned long long)r.damaged);
	}
	pthread_mutex_lock(&k->lock);
	k->found = r;
	k->n = 0;
	k->of = (uint32_t)((r.file.len + EVIDENCE_CHUNK - 1) / EVIDENCE_CHUNK);
	k->stage = ANSWERING;
	pthread_mutex_unlock(&k->lock);
}

static void
set_stage(struct evidence_desk *k, enum stage s)
{
	pthread_mutex_lock(&k->lock);
	k->stage = s;
	pthread_mutex_unlock(&k->lock);
}

bool
evidence_desk_step(struct evidence_desk *k, struct evidence_dir *dir)
{
	enum stage stage;
	enum err e;

	pthread_mutex_lock(&k->lock);
	stage = k->stage;
	pthread_mutex_unlock(&k->lock);
	if (stage == IDLE && begin(k, dir)) {
		set_stage(k, CUTTING);
		return true;
	}
	if (stage != CUTTING) {
		return false;
	}
	e = evidence_cut_step(k->cut);
	if (e == ERR_OK) {
		answer(k);
	} else if (e != ERR_AGAIN) {
		log_err("evidence %s is not answered: %s", k->now.id,
			err_name(e));
		set_stage(k, IDLE);
	}
	return e == ERR_AGAIN;
}

bool
evidence_desk_next(struct evidence_desk *k, struct evidence_chunk *out)
{
	bool any;

	pthread_mutex_lock(&k->lock);
	any = k->stage == ANSWERING;
	if (any) {
		size_t from = k->n * EVIDENCE_CHUNK;

		*out = (struct evidence_chunk){
			.id = k->now.id,
			.state = k->found.cut ? "cut" : "whole",
			.sha256 = k->sha256,
			.n = k->n,
			.of = k->of,
			.packets = k->found.packets,
			.data = view_of(
				k->found.file.p + from,
				MIN(EVIDENCE_CHUNK, k->found.file.len - from)),
		};
	}
	pthread_mutex_unlock(&k->lock);
	return any;
}

void
evidence_desk_sent(struct evidence_desk *k)
{
	pthread_mutex_lock(&k->lock);
	if (k->stage == ANSWERING && ++k->n >= k->of) {
		k->stage = IDLE;
	}
	pthread_mutex_unlock(&k->lock);
}
