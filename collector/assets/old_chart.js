// SPDX-License-Identifier: Apache-2.0
// The timeline: alerts by severity, stacked, drawn as SVG.

import { h, svg, utc, number } from "./old_dom.js";

const STEPS = [60, 300, 900, 3600, 10800, 21600, 43200, 86400];
const BARS = 120;
const LEAST = 30;
const HEIGHT = 96;
const LEFT = 44;
const FOOT = 16;

// How wide a bar is, in seconds, so that all of [first, last] fits.
export function stepFor(first, last) {
	const span = (last - first) / 1000;

	return STEPS.find((s) => span / s < BARS) ?? STEPS[STEPS.length - 1];
}

function niceTop(n) {
	const unit = 10 ** Math.floor(Math.log10(Math.max(n, 1)));

	return [1, 2, 5, 10].map((k) => k * unit).find((k) => k >= n) ?? n;
}

function legend(total) {
	const names = ["", "severity 1", "severity 2", "severity 3", "lower"];

	return h("ul", { class: "legend" }, [1, 2, 3, 4].filter((s) => total[s] > 0).map((s) =>
		h("li", { class: `sev${s}` }, `${names[s]}: ${number(total[s])}`)));
}

export function timeline(box, buckets, step, first, last) {
	const ms = step * 1000;
	const end = Math.floor(last / ms) * ms + ms;
	const n = Math.min(BARS, Math.max(LEAST, Math.ceil((end - first) / ms)));
	const begin = end - n * ms;
	const counts = Array.from({ length: n }, () => [0, 0, 0, 0, 0]);
	const total = [0, 0, 0, 0, 0];

	for (const b of buckets) {
		const i = Math.floor((b.at - begin) / ms);
		const s = b.severity >= 1 && b.severity <= 3 ? b.severity : 4;

		if (i >= 0 && i < n) {
			counts[i][s] += b.count;
			total[s] += b.count;
		}
	}
	const width = Math.max(280, box.clientWidth || 800);
	const top = niceTop(Math.max(...counts.map((c) => c.reduce((a, b) => a + b, 0))));
	const bar = (width - LEFT) / n;
	const y = (count) => (HEIGHT - FOOT) * (1 - count / top) + 4;
	const drawing = svg("svg", {
		viewBox: `0 0 ${width} ${HEIGHT + 4}`, width, height: HEIGHT + 4, role: "img",
		"aria-label": `${number(total.reduce((a, b) => a + b, 0))} alerts from ${utc(new Date(begin))} to ${utc(new Date(end))} UTC`,
	});

	for (const tick of top >= 2 ? [top, top / 2] : [top]) {
		drawing.append(svg("line", { class: "grid", x1: LEFT, x2: width, y1: y(tick), y2: y(tick) }));
		drawing.append(svg("text", { class: "tick", x: LEFT - 6, y: y(tick) + 4, "text-anchor": "end" }, number(tick)));
	}
	counts.forEach((c, i) => {
		let base = 0;

		for (const s of [1, 2, 3, 4]) {
			if (c[s] === 0) {
				continue;
			}
			const rect = svg("rect", {
				class: `fill${s}`, x: LEFT + i * bar + 0.5, width: Math.max(1, bar - 1),
				y: y(base + c[s]), height: Math.max(1, y(base) - y(base + c[s])),
			});

			rect.append(svg("title", {}, `${utc(new Date(begin + i * ms))}Z, severity ${s === 4 ? "lower" : s}: ${number(c[s])}`));
			drawing.append(rect);
			base += c[s];
		}
	});
	drawing.append(svg("line", { class: "axis", x1: LEFT, x2: width, y1: y(0), y2: y(0) }));
	[0, 0.5, 1].forEach((f) => {
		const at = new Date(begin + (end - begin) * f);

		drawing.append(svg("text", {
			class: "tick", x: LEFT + (width - LEFT) * f, y: HEIGHT + 2,
			"text-anchor": f === 0 ? "start" : f === 1 ? "end" : "middle",
		}, `${utc(at).slice(0, -3)}Z`));
	});
	box.replaceChildren(drawing, legend(total));
}
