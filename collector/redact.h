/* SPDX-License-Identifier: Apache-2.0 */
/*
 * redact.h - texts that leave, without what is ours
 *
 * Every text of an outgoing object passes here, whatever field it is in.
 * Looked for are
 *
 *   - addresses of ours: those of the mission map, at whatever site, and
 *     private ones (RFC 1918, 3927, 4193, 6598, loopback, link-local); as
 *     inet_ntop() writes them and in other spellings of RFC 4291 2.2, with a
 *     port or prefix behind them, with '-' or '_' for dots, and as names below
 *     in-addr.arpa and ip6.arpa; of IPv6, what has one of IPv4 in it (RFC 4291
 *     2.5.5.1, 6052, 3056);
 *   - names of assets, sites, services and missions, in any case, where they
 *     stand as words of their own, with any blanks, '-' and '_' between these;
 *   - host names within our domains;
 *
 * however these are written: in full width, "%2E", "[.]" (redact_fold.h).
 *
 * What they become is the partner's policy.  What replaces something never
 * reads as an address or a name: a pseudonym has "anon:" before it, all else
 * is a word in brackets.
 *
 * Place    above mission, pseudonym and share_policy; below stix_out.
 * Threads  one.
 * Memory   a table of the map's names, once.
 * Cost     by the text's length, times the words of the longest name.
 */
#ifndef COLLECTOR_REDACT_H
#define COLLECTOR_REDACT_H

#include "collector/mission.h"
#include "collector/share_policy.h"
#include "common/json.h"

struct redact;

/* The map, policy and partner are borrowed.  'key': 32 bytes for pseudonyms. */
enum err redact_new(struct redact **out, const struct mission_map *map,
		    const struct share_policy *policy,
		    const struct share_partner *partner,
		    const uint8_t *key) MUST_CHECK;
void redact_free(struct redact *r);

/*
 * Writes 'in' into 'out' (emptied first; out->failed: no memory).  'kind' is
 * that of the object: services and missions are named in an incident only if
 * its fields have them.  'mark' is the object's: a site, service or mission is
 * named, and a service stands for an asset, only if its own marking is not above
 * that.  Returns how many things were
 * taken out.
 */
size_t redact_text(struct redact *r, enum share_kind kind,
		   const struct marking *mark, struct view in,
		   struct json *out);

/* Whether a text says anything of ours, with nothing allowed: such a text
 * cannot stand in an indicator. */
bool redact_finds(struct redact *r, struct view in);

#endif
