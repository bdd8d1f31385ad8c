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
	sensor/app_parser.h sensor/app_ctx.c \
	sensor/app.h

# application protocols: HTTP and bodies
libsensor_a_SOURCES += \
	sensor/http_inflate.h sensor/http_inflate.c \
	sensor/app_http_body.h sensor/app_http_body.c \
	sensor/app_http.h sensor/app_http.c \
	sensor/app_http_line.c sensor/app_http_field.c \
	sensor/app_http_uri.c sensor/app_http_head.c \
	sensor/fill_http.h sensor/fill_http.c \
	sensor/log_http.h sensor/log_http.c \
	sensor/log_file.h sensor/log_file.c

# batch, spool, forward
libsensor_a_SOURCES +=

# worker and program
libsensor_a_SOURCES +=
