# SPDX-License-Identifier: Apache-2.0
noinst_LIBRARIES += libsensor.a
libsensor_a_SOURCES = sensor/packet.h

# capture and decode
libsensor_a_SOURCES += \
	sensor/capture.h \
	sensor/decode.h

# flow and stream
libsensor_a_SOURCES += \
	sensor/flow.h \
	sensor/stream.h

# application protocols: driver, DNS, TLS
libsensor_a_SOURCES += \
	sensor/app_parser.h \
	sensor/app.h

# application protocols: HTTP and bodies
libsensor_a_SOURCES +=

# batch, spool, forward
libsensor_a_SOURCES += \
	sensor/spool_meta.h sensor/spool_meta.c \
	sensor/spool_seg.h sensor/spool_seg.c \
	sensor/spool.h sensor/spool_state.h \
	sensor/spool.c sensor/spool_open.c \
	sensor/batch.h sensor/batch.c \
	sensor/presence.h sensor/presence.c \
	sensor/sender.h sensor/sender.c \
	sensor/forward.h sensor/forward.c

# worker and program
libsensor_a_SOURCES +=
