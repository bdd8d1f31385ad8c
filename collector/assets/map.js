// SPDX-License-Identifier: Apache-2.0
// map.js - sites on the outline of the land, when their places are known.
//
// Place    above ui.js; /vendor/world.js is the land.
// Contract <SiteMap sites/>: a site is { site, latitude, longitude, health, open, blind }. Degrees are drawn as they are
//          (east is right, a tenth of a degree is a unit), and the frame is drawn around the sites.

import { html, inert } from "./ui.js";
import { t } from "./words.js";
import { LAND } from "/vendor/world.js";

const LEAST = 300; // a tenth of a degree: no closer than that, for the outline is coarse

function frame(placed) {
	const xs = placed.map((s) => s.longitude * 10);
	const ys = placed.map((s) => -s.latitude * 10);
	const w = Math.max(LEAST, (Math.max(...xs) - Math.min(...xs)) * 1.3);
	const h = Math.max(LEAST / 2, (Math.max(...ys) - Math.min(...ys)) * 1.3);
	const cx = (Math.max(...xs) + Math.min(...xs)) / 2;
	const cy = (Math.max(...ys) + Math.min(...ys)) / 2;
	const wide = Math.min(3600, Math.max(w, h * 2));

	return { x: cx - wide / 2, y: cy - wide / 4, w: wide, h: wide / 2 };
}

export function SiteMap({ sites }) {
	const placed = sites.filter((s) => Number.isFinite(s.latitude) && Number.isFinite(s.longitude));

	if (placed.length === 0) {
		return null;
	}
	const f = frame(placed);
	const unit = f.w / 100;

	return html`<svg class="map" viewBox=${`${f.x} ${f.y} ${f.w} ${f.h}`} role="img"
		aria-label=${t("{n} sites on a map; the list below says the same", { n: placed.length })}>
		<path class="land" d=${LAND} stroke-width=${unit / 8}/>
		${placed.map((s) => html`<g key=${s.site} class=${`spot ${s.health} ${s.open.length > 0 ? "case" : ""}`}
			transform=${`translate(${s.longitude * 10} ${-s.latitude * 10})`}>
			${s.open.length > 0 && html`<circle class="ring" r=${unit * 2.2} stroke-width=${unit / 3}/>`}
			<circle class="dot" r=${unit * 1.1}/><text x=${unit * 2.6} y=${unit * 0.9} font-size=${unit * 2.6}>${inert(s.site)}</text></g>`)}</svg>`;
}
