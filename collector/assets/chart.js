// SPDX-License-Identifier: Apache-2.0
// chart.js - drawings over time.
//
// Place    above ui.js, theme.js, /vendor/uPlot.js.
// Contract <Rate buckets=${[{at: ms, severity, count}]} step=${s} first last onSpan=${f(from ms, until ms)}/> stacks
//          alerts by severity (1, 2, 3, lower); a span dragged with the mouse is handed to onSpan. <Spark counts/> is a
//          small line of bars. Both say in words what they show. stepFor(first, last) is a bar's width in seconds.

import uPlot from "/vendor/uPlot.js";
import { html, useEffect, useRef } from "./ui.js";
import { useValue } from "./store.js";
import { colour, shownTheme } from "./theme.js";
import { stamp, zone } from "./time.js";
import { number, t, tn } from "./words.js";

const STEPS = [60, 300, 900, 3600, 10800, 21600, 43200, 86400];
const BARS = 120;
const HEIGHT = 150;

export function stepFor(first, last) {
	const span = (last - first) / 1000;

	return STEPS.find((s) => span / s < BARS) ?? STEPS[STEPS.length - 1];
}

const rank = (severity) => (severity >= 1 && severity <= 3 ? severity - 1 : 3);
const names = () => [t("severity {n}", { n: 1 }), t("severity {n}", { n: 2 }), t("severity {n}", { n: 3 }), t("lower")];

// [[seconds], [sum of all four], ...[the first alone]]: drawn from the tallest on.
function stack(buckets, step, first, last) {
	const ms = step * 1000;
	const begin = Math.floor(first / ms) * ms;
	const n = Math.max(2, Math.min(BARS * 4, Math.floor((last - begin) / ms) + 1));
	const own = [0, 1, 2, 3].map(() => new Array(n).fill(0));

	for (const b of buckets) {
		const i = Math.floor((b.at - begin) / ms);

		if (i >= 0 && i < n) {
			own[rank(b.severity)][i] += b.count;
		}
	}
	const sums = [0, 1, 2, 3].map((k) => own[0].map((_, i) => own.slice(0, k + 1).reduce((a, s) => a + s[i], 0)));

	return { x: own[0].map((_, i) => (begin + i * ms) / 1000), own, sums };
}

function options(width, step, onSpan) {
	const line = colour("--line");
	const dim = colour("--dim");
	const bars = uPlot.paths.bars({ size: [0.9, 40], align: 1 });
	const axis = { stroke: dim, grid: { stroke: line, width: 1 }, ticks: { stroke: line }, font: "11px system-ui, sans-serif" };

	return {
		width, height: HEIGHT, legend: { show: false },
		tzDate: (ts) => (zone.get() === "utc" ? uPlot.tzDate(new Date(ts * 1000), "Etc/UTC") : new Date(ts * 1000)),
		cursor: { drag: { x: Boolean(onSpan), y: false, setScale: false }, points: { show: false } },
		select: { show: Boolean(onSpan) },
		scales: { y: { range: (u, low, high) => [0, Math.max(1, high * 1.05)] }, x: { range: (u, low, high) => [low, high + step] } },
		axes: [{ ...axis, values: (u, at) => at.map((s) => stamp(new Date(s * 1000)).replace(/:00(Z|[+-].*)$/, "$1")), space: 130 },
			{ ...axis, size: 48, values: (u, at) => at.map((v) => (Number.isInteger(v) ? number(v) : "")) }],
		series: [{}, ...[4, 3, 2, 1].map((s) => ({ fill: colour(`--s${s}`), stroke: colour(`--s${s}`), width: 0, paths: bars, points: { show: false } }))],
		hooks: {
			setSelect: [(u) => {
				if (onSpan && u.select.width > 4) {
					onSpan(u.posToVal(u.select.left, "x") * 1000, u.posToVal(u.select.left + u.select.width, "x") * 1000);
				}
			}],
		},
	};
}

export function Rate({ buckets, step, first, last, onSpan }) {
	const box = useRef(null);
	const look = useValue(shownTheme);
	const inZone = useValue(zone);
	const { x, own, sums } = stack(buckets, step, first, last);
	const totals = own.map((s) => s.reduce((a, b) => a + b, 0));
	const said = tn(totals.reduce((a, b) => a + b, 0), "{n} alert from {from} to {until}", "{n} alerts from {from} to {until}",
		{ from: stamp(new Date(first)), until: stamp(new Date(last)) });

	useEffect(() => {
		const data = [x, sums[3], sums[2], sums[1], sums[0]];
		const width = () => Math.max(260, box.current.clientWidth);
		const plot = new uPlot(options(width(), step, onSpan), data, box.current);
		const watch = new ResizeObserver(() => plot.setSize({ width: width(), height: HEIGHT }));

		watch.observe(box.current);
		return () => {
			watch.disconnect();
			plot.destroy();
		};
	}, [JSON.stringify([x[0], x.length, own]), step, look, inZone]);
	return html`<figure class="rate"><div ref=${box} class="plot" role="img" aria-label=${said}></div>
		<figcaption><ul class="legend">${names().map((name, i) => totals[i] > 0
			&& html`<li class=${`sev${i + 1}`}>${name}: ${number(totals[i])}</li>`)}</ul></figcaption></figure>`;
}

export function Spark({ counts = [], label }) {
	const top = Math.max(1, ...counts);
	const bar = 96 / Math.max(1, counts.length);

	return html`<svg class="spark" viewBox="0 0 96 20" width="96" height="20" role="img"
		aria-label=${label ?? tn(counts.reduce((a, b) => a + b, 0), "{n} alert", "{n} alerts")}>
		${counts.map((n, i) => n > 0 && html`<rect x=${i * bar} width=${Math.max(1, bar - 1)} y=${20 - Math.max(2, 20 * n / top)} height=${Math.max(2, 20 * n / top)}/>`)}</svg>`;
}
