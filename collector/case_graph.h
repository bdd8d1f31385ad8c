/* SPDX-License-Identifier: Apache-2.0 */
/*
 * case_graph.h - an incident as a graph, and as a story
 *
 * The graph's nodes are the runs that the incident is made of and the hosts of
 * ours that they are linked with; an edge is a link: one strong alert showed
 * both.  The story is what happened in order of time: the first time at each
 * site and of each ATT&CK tactic, sensors that went blind, and what was done.
 *
 * Place    above store_reader, store_cases, sighting; below console_cases.
 * Threads  as the reader.
 * Memory   GRAPH_MAX_NODES and GRAPH_MAX_EDGES; STORY_MAX lines of the story,
 *          the first ones and all that was cut counted.
 * Cost     one indexed query for nodes, one for edges.
 */
#ifndef COLLECTOR_CASE_GRAPH_H
#define COLLECTOR_CASE_GRAPH_H

#include <jansson.h>

#include "collector/store_cases.h"
#include "common/json.h"

#define GRAPH_MAX_NODES 200
#define GRAPH_MAX_EDGES 600
#define STORY_MAX 200

/* The object "graph"; 'summary' names the assets, NULL: it cannot be read. */
enum err case_graph_json(struct store_reader *r, int64_t incident,
			 const json_t *summary, struct json *j) MUST_CHECK;
/* The list "story" and the number "story_cut". */
enum err case_story_json(struct store_reader *r, int64_t incident,
			 const json_t *summary, struct json *j) MUST_CHECK;

#endif
