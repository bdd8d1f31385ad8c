# SPDX-License-Identifier: Apache-2.0

dist_doc_DATA += docs/formats.md
dist_doc_DATA += docs/missions.md
