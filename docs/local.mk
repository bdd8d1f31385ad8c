# SPDX-License-Identifier: Apache-2.0

dist_doc_DATA += docs/formats.md docs/missions.md docs/console.md docs/guide.md docs/operations.md docs/design.md \
	docs/contributing.md docs/performance.md docs/performance-stages.svg \
	docs/performance-rules.svg docs/performance-flows.svg
dist_doc_DATA += docs/correlators.md
dist_doc_DATA += docs/scale.md
dist_man_MANS += docs/picket-sensor.8 docs/picket-collector.8 docs/picketctl.1 \
	docs/picket-rules.7 docs/picket-sensor.yaml.5
