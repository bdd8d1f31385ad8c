# SPDX-License-Identifier: Apache-2.0
noinst_LIBRARIES += libsensor.a
libsensor_a_SOURCES = sensor/packet.h

# capture and decode
libsensor_a_SOURCES += \
	sensor/capture.h \
	sensor/decode.h

# flow and stream
libsensor_a_SOURCES += \
	sensor/flow.h sensor/flow.c sensor/community_id.c \
	sensor/flow_timer.h sensor/flow_timer.c \
	sensor/stream_rob.h sensor/stream_rob.c \
	sensor/stream.h sensor/stream.c \
	sensor/stream_session.h sensor/stream_state.c sensor/stream_raw.c

# application protocols: driver, DNS, TLS
libsensor_a_SOURCES += \
	sensor/app_parser.h \
	sensor/app.h

# application protocols: HTTP and bodies
libsensor_a_SOURCES +=

# batch, spool, forward
libsensor_a_SOURCES +=

# worker and program
libsensor_a_SOURCES +=
