// SPDX-License-Identifier: Apache-2.0
// Coverage: which assets are watched, and when nobody was looking.

import { ago, h, plural } from "./old_dom.js";

const CAUSES = {
	silent: "silent", ended: "ended", killed: "killed", collector_down: "no collector", tap_silent: "no packets",
	interface_down: "interface down", kernel_drops: "packets dropped", one_way: "one direction only",
	rules_failed: "rules failed", feed_stale: "indicators stale", clock: "clock off", events_lost: "events lost",
	overload: "overload",
};

function causeName(s) {
	return s.cause === "overload" && s.all_from_priority === null
		? "overload: payload only"
		: CAUSES[s.cause] ?? s.cause;
}

/* The newest first; what still lasts before all that is over. */
function newest(a, b) {
	return (a.to === null) === (b.to === null) ? b.from.localeCompare(a.from) : a.to === null ? -1 : 1;
}

function spanItem(s) {
	const open = s.to === null;

	return h("li", { class: open ? "blind open" : "blind" },
		h("div", { class: "row" },
			h("span", { class: "name" }, `${s.site}/${s.sensor}`),
			h("span", { class: open ? "health silent" : "health" }, causeName(s))),
		h("div", { class: "small" }, open ? `since ${ago(s.from)}` : `${ago(s.from)}, until ${ago(s.to)}`,
			s.detail ? `: ${s.detail}` : "", s.assets ? `; assets: ${s.assets}` : "",
			s.n_assets > 5 ? ` and ${s.n_assets - 5} more` : ""));
}

function assetItem(a) {
	const bad = a.state !== "watched";

	return h("li", { class: "asset" },
		h("div", { class: "row" },
			h("span", { class: "name" }, a.asset),
			h("span", { class: "owner" }, a.site),
			h("span", { class: bad ? "health silent" : "health live" }, a.state)),
		h("div", { class: "small" }, a.why, a.since_known.watched < 100 && a.sensors > 0
			? `${a.why ? "; " : ""}watched ${a.since_known.watched} % of ${a.since_known.whole ? "the day" : `the time since its sensor began, ${ago(a.since_known.from)}`}` : ""));
}

/* Items for the list: assets that are not watched as they should be, then
 * blind intervals, at most 'limit'. */
export function coverageItems(coverage, limit) {
	const assets = coverage.assets.filter((a) => !("from" in a));
	const bad = assets.filter((a) => a.state !== "watched");
	const spans = [...coverage.blind].sort(newest);
	const items = [...bad.map(assetItem), ...spans.map(spanItem)];
	const rest = items.length - limit + coverage.blind_left_out;

	if (items.length === 0) {
		return [h("li", { class: "none" }, assets.length > 0
			? `All ${plural(assets.length, "asset")} watched; nobody was blind in the last day.`
			: "Nobody was blind in the last day.")];
	}
	return rest > 0
		? [...items.slice(0, limit), h("li", { class: "none" }, `and ${rest} more: picketctl blind`)]
		: items;
}
