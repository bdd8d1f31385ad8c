# SPDX-License-Identifier: Apache-2.0
noinst_LIBRARIES += libcommon.a
libcommon_a_SOURCES = \
	common/base.h common/cpu.h common/utf8.h \
	common/err.h common/err.c \
	common/hide_args.h common/hide_args.c \
	common/clock.h common/clock.c \
	common/thread.h common/thread.c \
	common/log.h common/log.c \
	common/addr.h common/addr.c \
	common/proto.h common/proto.c \
	common/csum.h common/csum.c \
	common/hll.h common/hll.c \
	common/host_bits.h common/host_bits.c \
	common/dns_text.h common/dns_text.c \
	common/words.h common/words_table.h common/words.c \
	common/events.def common/events.h common/events.c \
	common/pool.h common/pool.c \
	common/arena.h common/arena.c \
	common/json.h common/json_parts.h common/json.c \
	common/json_text.c common/json_bytes.c \
	common/conf.h common/conf.c

# transport
libcommon_a_SOURCES += \
	common/frame.h common/frame.c \
	common/redis_url.h common/redis_url.c \
	common/redis_reply.h common/redis_reply.c \
	common/redis_tls.h common/redis_tls.c \
	common/redis_sock.h common/redis_sock.c \
	common/redis_link.h common/redis_link_state.h \
	common/redis_link.c common/redis_link_connect.c \
	common/redis_cluster.h common/redis_cluster.c \
	common/redis_options.h common/redis_options.c \
	common/redis_pool.h common/redis_pool_state.h common/redis_pool.c \
	common/redis_pool_node.c common/redis_pool_find.c

# the alert record and its lines, read back
libcommon_a_SOURCES += \
	common/trace.h common/trace.c \
	common/alert.h \
	common/json_read.h common/json_read.c \
	common/ledger_overload.h common/ledger_overload.c \
	common/ledger.h common/ledger.c \
	common/eve.h common/eve.c

# what is shared, and with whom
libcommon_a_SOURCES += \
	common/marking.h common/marking.c \
	common/indicator.h common/indicator.c
libcommon_a_SOURCES += \
	common/delta.h common/delta_bytes.h common/delta.c \
	common/delta_write.c

# STIX patterns
libcommon_a_SOURCES += \
	common/pattern_tree.h common/pattern_object.h common/pattern_object.c \
	common/pattern.h common/pattern_lex.h common/pattern_lex.c \
	common/pattern.c common/pattern_print.c common/pattern_values.c
# indicators, from lists of others
libcommon_a_SOURCES += \
	common/block_read.h common/block_read.c \
	common/id_map.h common/id_map.c \
	common/json_stream.h common/json_stream.c \
	common/indicator_value.h common/indicator_value.c \
	common/indicator_read.h common/indicator_read.c \
	common/indicator_reading.h common/indicator_words.c \
	common/indicator_entry.c \
	common/indicator_lines.h common/indicator_text.c \
	common/indicator_csv.c \
	common/indicator_refang.c \
	common/indicator_json.c \
	common/indicator_stix_index.h common/indicator_stix_index.c \
	common/indicator_stix.c \
	common/indicator_misp.c \
	common/indicator_feed.c

# signed documents
libcommon_a_SOURCES += \
	common/sign.h common/sign.c \
	common/frame_sign.h common/frame_sign.c \
	common/point_sign.h common/point_sign.c \
	common/presence_sign.h common/presence_sign.c \
	common/posture.h common/posture.c \
	common/exercise.h common/exercise.c \
	common/exercise_match.c common/exercise_token.c \
	common/evidence_ask.h common/evidence_ask.c \
	common/control.h common/control.c \
	common/control_send.h common/control_send.c

# what whoever runs the programs is told
libcommon_a_SOURCES += \
	common/notify.h common/notify.c \
	common/listen.h common/listen.c \
	common/metrics_text.h common/metrics_text.c \
	common/metrics_http.h common/metrics_http.c

# what they give up
libcommon_a_SOURCES += \
	common/confine.h common/confine_parts.h common/confine.c \
	common/confine_rights.c common/confine_files.c common/confine_calls.c \
	common/confine_filter.h common/confine_filter.c common/confine_threads.c

# What people read, in their language: the catalogue as C and as JavaScript.
nodist_libcommon_a_SOURCES = common/words/table.c
EXTRA_DIST += common/words/words.awk common/words/ja.po common/words/update.sh
CLEANFILES += common/words/table.c collector/assets/words.ja.js
WORDS_FROM = common/words/words.awk common/words/ja.po
common/words/table.c: $(WORDS_FROM)
	$(AM_V_GEN)$(MKDIR_P) common/words && LC_ALL=C $(AWK) -v out=c \
	-f $(srcdir)/common/words/words.awk $(srcdir)/common/words/ja.po >$@.tmp && \
	mv -f $@.tmp $@
collector/assets/words.ja.js: $(WORDS_FROM)
	$(AM_V_GEN)$(MKDIR_P) collector/assets && LC_ALL=C $(AWK) -v out=js \
	-f $(srcdir)/common/words/words.awk $(srcdir)/common/words/ja.po >$@.tmp && \
	mv -f $@.tmp $@

# After texts were added or changed: fills ja.po up with what it lacks.
.PHONY: update-words
update-words:
	cd $(srcdir) && $(SHELL) common/words/update.sh
