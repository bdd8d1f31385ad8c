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
	sensor/dns_name.h sensor/dns_name.c \
	sensor/app_dns.h sensor/app_dns.c sensor/app_dns_text.c \
	sensor/fill_dns.h sensor/fill_dns.c \
	sensor/log_dns.h sensor/log_dns.c \
	sensor/hex_digest.h sensor/hex_digest.c \
	sensor/tls_cert.h sensor/tls_cert.c \
	sensor/app_tls.h sensor/app_tls.c sensor/app_tls_hello.c \
	sensor/ja3.h sensor/ja3.c \
	sensor/ja4.h sensor/ja4.c \
	sensor/fill_tls.h sensor/fill_tls.c \
	sensor/log_tls.h sensor/log_tls.c \
	sensor/app_detect.h sensor/app_detect.c \
	sensor/app.h sensor/app.c

# application protocols: HTTP and bodies
libsensor_a_SOURCES +=

# batch, spool, forward
libsensor_a_SOURCES +=

# worker and program
libsensor_a_SOURCES +=
