// SPDX-License-Identifier: Apache-2.0
// view_sensors.js - every sensor: state, version, lag, what it lost, and what it counted.

import { html, useState } from "./ui.js";
import { useAnswer } from "./live.js";
import { ago, Time } from "./time.js";
import { number, t } from "./words.js";

function flat(value, path = "", out = []) {
	for (const [name, v] of Object.entries(value ?? {})) {
		const at = path ? `${path}.${name}` : name;

		if (v !== null && typeof v === "object") {
			flat(v, at, out);
		} else {
			out.push([at, v]);
		}
	}
	return out;
}

function One({ s }) {
	const [open, set] = useState(false);
	const id = `sensor-${s.id}`;

	return html`<tr class=${`state-${s.state}`}>
		<th scope="row"><button type="button" class="name" data-row aria-expanded=${open} aria-controls=${id} onClick=${() => set(!open)}>${`${s.site}/${s.sensor}`}</button></th>
		<td><span class=${`health ${s.state}`}>${s.state}</span></td>
		<td>${s.version ?? s.presence?.version ?? ""}</td>
		<td><${Time} at=${s.seen ?? s.last_seen}/> <span class="small">${ago(s.seen ?? s.last_seen)}</span></td>
		<td class="num">${number(s.alerts)}</td>
		<td class=${(s.lost_events ?? 0) + (s.missing_frames ?? 0) > 0 ? "num bad" : "num"}>${number((s.lost_events ?? 0) + (s.missing_frames ?? 0))}</td>
	</tr>${open && html`<tr id=${id}><td colspan="6"><dl class="pairs dense">${flat(s).map(([name, v]) => html`
		<dt>${name}</dt><dd>${typeof v === "number" ? number(v) : String(v)}</dd>`)}</dl></td></tr>`}`;
}

export function Sensors() {
	const { data, error } = useAnswer("/api/sensors", {}, { events: ["status"], every: 3000 });

	return html`<section><h1>${t("Sensors")}</h1>
		${error && html`<p class="error" role="alert">${error.message}</p>`}
		<div class="scroll" tabindex="0" role="region" aria-label=${t("Sensors")}><table class="plain"><thead><tr>
			${[t("Sensor"), t("State"), t("Version"), t("Last heard")].map((name) => html`<th scope="col">${name}</th>`)}
			<th scope="col" class="num">${t("Alerts")}</th><th scope="col" class="num">${t("Lost or missing")}</th></tr></thead>
			<tbody>${(data?.sensors ?? []).map((s) => html`<${One} key=${`${s.site}/${s.sensor}`} s=${s}/>`)}</tbody></table></div>
		${data?.sensors.length === 0 && html`<p class="none">${t("No sensor has reported yet.")}</p>`}</section>`;
}
