/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store_fixture.h - a small store with friendly and with hostile texts
 *
 * Place    tests only.
 * Threads  one.
 * Memory   nothing kept.
 */
#ifndef TESTS_STORE_FIXTURE_H
#define TESTS_STORE_FIXTURE_H

#include "collector/store.h"

/* Markup, quotes, an escape sequence, a line end, a direction override, a C1
 * control and bytes that are not UTF-8. */
#define HOSTILE \
	"<img src=x onerror=document.title='owned'>\"'\\\033]0;owned\007\r\n" \
	"\xe2\x80\xae\xc2\x9b\xff\xfe</script>"
/* A part of it that every consumer must show as it is. */
#define HOSTILE_MARKUP "<img src=x onerror=document.title='owned'>"

#define FIXTURE_TITLE "Shared address at two sites: a title & <b>no markup</b>"
#define FIXTURE_SIGNATURE "PICKET TEST plain signature"
#define FIXTURE_EXERCISE "KEEN TEST"

/*
 * Two sites with a sensor each; an alert that is plain, one that is hostile in
 * every text, one of an exercise; an incident (1), a hostile one (2) and one of
 * an exercise (3), each with a log.  False when the store refused.
 */
bool store_fixture_fill(struct store *s) MUST_CHECK;
/* One more alert, by a frame of its own with sequence 'seq' (from 100 on). */
bool store_fixture_alert(struct store *s, uint64_t seq, const char *signature,
			 const char *exercise) MUST_CHECK;

#endif
