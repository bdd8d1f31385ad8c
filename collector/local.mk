# SPDX-License-Identifier: Apache-2.0
noinst_LIBRARIES += libcollector.a
libcollector_a_SOURCES =
