#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Scripts of tests/e2e that take a time, with a bound on it: a sensor that goes on
# at a new master, the worst alerts of a backlog over a slow link, a warning from
# its cause to the sensors of other sites, and an indicator to a partner's sensor
# and its sighting back.
PICKET_RESUME_MS=${PICKET_RESUME_MS:-5000}
PICKET_WORST_FIRST_S=${PICKET_WORST_FIRST_S:-20}
PICKET_WARN_S=${PICKET_WARN_S:-2}
PICKET_LOOP_S=${PICKET_LOOP_S:-5}
export PICKET_RESUME_MS PICKET_WORST_FIRST_S PICKET_WARN_S PICKET_LOOP_S
e2e=${srcdir:-$(dirname "$0")/../..}/tests/e2e
for t in redis_sentinel worst_first warnings exchange; do
	sh "$e2e/$t.sh"
	case $? in 0 | 77) ;; *) exit 1 ;; esac
done
