/* SPDX-License-Identifier: Apache-2.0 */
/* The forwarder's keys: read at the start, and again when asked to. */
#include "sensor/forward_state.h"

#include <unistd.h>

#include "common/log.h"

void
forward_keys_free(struct forward_keys *k)
{
	sign_key_free(k->sign);
	sign_key_free(k->collector);
	sign_key_free(k->control);
	*k = (struct forward_keys){ .sign = NULL };
}

enum err
forward_keys_load(struct forward_keys *k, const struct forward_options *o,
		  struct diag *d)
{
	enum err e = ERR_OK;

	*k = (struct forward_keys){ .sign = NULL };
	if (o->sign_key != NULL) {
		e = sign_key_load_any(&k->sign, o->sign_key, true, d);
	}
	if (e == ERR_OK && o->collector_key != NULL) {
		e = sign_key_load_any(&k->collector, o->collector_key, false,
				      d);
	}
	if (e == ERR_OK && o->control_key != NULL) {
		e = sign_key_load(&k->control, o->control_key, false, d);
	}
	if (e != ERR_OK) {
		forward_keys_free(k);
	}
	return e;
}

enum err
forward_check_keys(const struct forward_options *o, struct diag *d)
{
	struct forward_keys k;
	enum err e = forward_keys_load(&k, o, d);

	forward_keys_free(&k);
	return e;
}

/* All keys or none: half of a change is no state that anybody meant. */
static void
reload(struct forward *f)
{
	struct forward_keys next;
	struct diag d;

	if (forward_keys_load(&next, &f->o, &d) != ERR_OK) {
		f->st.keys_failed++;
		log_err("keys are not reloaded, the former ones stay: %s",
			d.msg);
		return;
	}
	if (f->control != NULL) {
		control_feed_set_key(f->control, next.control);
		next.control = NULL;
	}
	sender_set_keys(f->sender, next.sign, next.collector);
	forward_keys_free(&f->keys);
	f->keys = next;
	f->st.keys_reloads++;
	log_info("keys are reloaded");
}

void
forward_keys_turn(struct forward *f)
{
	bool wanted;

	pthread_mutex_lock(&f->lock);
	wanted = f->keys_wanted;
	f->keys_wanted = false;
	pthread_mutex_unlock(&f->lock);
	if (wanted) {
		reload(f);
	}
}

void
forward_reload_keys(struct forward *f)
{
	uint64_t one = 1;

	if (f == NULL || (f->o.sign_key == NULL && f->o.collector_key == NULL &&
			  f->o.control_key == NULL)) {
		return;
	}
	pthread_mutex_lock(&f->lock);
	f->keys_wanted = true;
	pthread_mutex_unlock(&f->lock);
	/* Should this fail, the thread looks by itself soon. */
	(void)!write(f->wake_fd, &one, sizeof(one));
}
