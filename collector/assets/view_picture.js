// SPDX-License-Identifier: Apache-2.0
// view_picture.js - the common operational picture: sites, missions, incidents, alerts over time, and who was blind.

import { html, useEffect, useState } from "./ui.js";
import { useValue } from "./store.js";
import { useAnswer } from "./live.js";
import { scope, scoped, status } from "./scope.js";
import { get } from "./api.js";
import { on } from "./live.js";
import { ago, Time, when } from "./time.js";
import { number, t, tn } from "./words.js";
import { Rate, stepFor } from "./chart.js";
import { SiteMap } from "./map.js";
import { calm } from "./ui.js";

const LEVELS = [5, 4, 3, 2, 1, 0];
const FEW = 8;

const isOpen = (i) => i.state !== "closed";
const healthName = () => ({ silent: t("silent"), live: t("live"), ended: t("ended"), none: t("no sensor") });

function healthOf(site) {
	const n = site.sensors;

	return n.silent > 0 ? "silent" : n.live > 0 ? "live" : n.other > 0 ? "ended" : "none";
}

const sitesOf = (i) => (i.summary?.sites ?? []).map((s) => s.site);

function Sites({ sites, incidents, blind }) {
	const named = sites.map((s) => ({
		...s, health: healthOf(s), open: incidents.filter((i) => isOpen(i) && sitesOf(i).includes(s.site)),
		blind: blind.filter((b) => b.site === s.site && b.to === null),
	}));

	return html`<section class="sites-part" aria-labelledby="h-sites"><h2 id="h-sites">${t("Sites")}</h2>
		<${SiteMap} sites=${named}/>
		<ul class="tiles">${named.map((s) => html`<li key=${s.site} class=${`tile ${s.health}`}>
			<div class="row"><span class="name" title=${s.location}>${s.site}</span><span class="owner" title=${s.owner_title}>${s.owner}</span>
				<span class=${`health ${s.health}`}>${healthName()[s.health]}</span></div>
			<div class="small">${tn(s.alerts, "{n} alert", "{n} alerts")}${s.open.length > 0 && html`, <span class="bad">${tn(s.open.length, "{n} open incident", "{n} open incidents")}</span>`}
				${s.blind.length > 0 && html`, <span class="bad">${t("blind since {ago}", { ago: ago(s.blind[0].from) })}</span>`}
				${s.lost_events > 0 && html`, <span class="bad">${t("{n} lost", { n: s.lost_events })}</span>`}
				${", "}${s.seen ? t("seen {ago}", { ago: ago(s.seen) }) : t("never seen")}</div></li>`)}
			${sites.length === 0 && html`<li class="none">${t("No sensor has reported yet.")}</li>`}</ul></section>`;
}

function Missions({ missions, states, incidents }) {
	return html`<section aria-labelledby="h-missions"><h2 id="h-missions">${t("Missions")}</h2><ul class="lines">${missions.map((m) => {
		const at = incidents.filter((i) => isOpen(i) && (i.summary?.missions ?? []).includes(m.mission));
		const watch = states.find((s) => s.mission === m.mission);
		// Nothing seen is only good where somebody looks.
		const unseen = watch && watch.state !== "watched";

		return html`<li key=${m.mission}><div class="row"><span class="name">${m.mission}</span><span class="owner">${m.owner}</span>
			<span class=${`health ${at.length > 0 ? "silent" : unseen ? "warn" : "live"}`}>${at.length > 0 ? t("at risk") : unseen ? watch.state : t("clear")}</span></div>
			<div class="small">${t("criticality {n}", { n: m.criticality })}${at.map((i) => html`, <a href=${incidentLink(i)}>${t("incident {id}", { id: i.id })}</a>`)}
			${unseen && `, ${watch.why}`}</div></li>`;
	})}${missions.length === 0 && html`<li class="none">${t("No mission map: give the collector --missions.")}</li>`}</ul></section>`;
}

const incidentLink = (i) => `#/incident/${i.id}`;

function Incidents({ incidents }) {
	const open = incidents.filter(isOpen);
	const by = LEVELS.map((level) => ({ level, list: open.filter((i) => i.level === level) })).filter((b) => b.list.length > 0);

	return html`<section aria-labelledby="h-incidents"><h2 id="h-incidents">${t("Open incidents")} <span class="note">${number(open.length)}</span></h2>
		<ul class="levels">${by.map((b) => html`<li class=${`level${b.level}`}><b>${number(b.list.length)}</b> ${b.list[0].level_name}</li>`)}</ul>
		<ol class="lines">${open.slice(0, FEW).map((i) => html`<li key=${i.id} class=${`level${i.level} case`}>
			<a data-row href=${incidentLink(i)}><b>${i.score}</b> <span class="title">${i.title}</span></a>
			<div class="small">${i.lead && t("lead {lead}", { lead: i.lead })}${i.support && `, ${t("support {support}", { support: i.support })}`}${", "}
				${tn(i.summary?.alerts ?? 0, "{n} alert", "{n} alerts")}, <${Time} at=${i.last}/>
				${i.consultation?.state === "open" && html` <span class="tag">${t("consultation")}</span>`}</div></li>`)}
			${open.length > FEW && html`<li class="small">${t("and {n} more", { n: open.length - FEW })}</li>`}
			${open.length === 0 && html`<li class="none">${t("No open incidents.")}</li>`}</ol></section>`;
}

// Asks for the last week of what there is, in bars that fit.
function useRate() {
	const [rate, set] = useState(null);
	const name = useValue(scope);
	const known = useValue(status) !== null;

	useEffect(() => {
		let over = false;
		const soon = calm(3000, async () => {
			const s = status.get()?.store;

			if (over || !s?.last) {
				return;
			}
			const last = when(s.last).getTime();
			const first = Math.max(when(s.first).getTime(), last - 7 * 86400000);
			const step = stepFor(first, last);
			const a = await get("/api/timeline", scoped({ step, from: new Date(Math.max(0, last - 119 * step * 1000)).toISOString() })).catch(() => null);

			if (a && !over) {
				set({ buckets: a.buckets.map((b) => ({ ...b, at: when(b.from).getTime() })), step: a.step, first: Math.min(first, last - 30 * step * 1000), last });
			}
		});
		const ends = [on("alerts", soon), on("reset", soon)];

		soon();
		return () => {
			over = true;
			ends.forEach((end) => end());
		};
	}, [name, known]);
	return rate;
}

function Blind({ spans }) {
	const sorted = [...spans].sort((a, b) => (a.to === null) === (b.to === null) ? b.from.localeCompare(a.from) : a.to === null ? -1 : 1);

	return html`<section aria-labelledby="h-blind"><h2 id="h-blind">${t("Blind in the last day")}</h2><ul class="lines">${sorted.slice(0, FEW).map((s) => html`<li>
		<div class="row"><span class="name">${`${s.site}/${s.sensor}`}</span><span class=${s.to === null ? "health silent" : "health"}>${s.cause.replaceAll("_", " ")}</span></div>
		<div class="small"><${Time} at=${s.from}/> ${s.to === null ? t("until now") : html`${t("until")} <${Time} at=${s.to}/>`}${s.detail && `: ${s.detail}`}</div></li>`)}
		${sorted.length > FEW && html`<li class="small">${t("and {n} more", { n: sorted.length - FEW })}</li>`}
		${sorted.length === 0 && html`<li class="none">${t("Nobody was blind in the last day.")}</li>`}</ul></section>`;
}

export function Picture() {
	const name = useValue(scope);
	const cases = useAnswer(name === null ? null : "/api/incidents", scoped({}), { events: ["incidents", "consult"] });
	const sites = useAnswer("/api/sites", {}, { events: ["status"], every: 5000 });
	const missions = useAnswer("/api/missions", {}, { events: ["status"], every: 5000 });
	const cover = useAnswer("/api/coverage", {}, { events: ["status"], every: 10000 });
	const rate = useRate();
	const incidents = cases.data?.incidents ?? [];
	const error = cases.error ?? sites.error ?? missions.error ?? cover.error;

	return html`<h1 class="unseen">${t("Picture")}</h1>
		${error && html`<p class="error" role="alert">${error.message}</p>`}
		<div class="picture">
			<${Sites} sites=${sites.data?.sites ?? []} incidents=${incidents} blind=${cover.data?.blind ?? []}/>
			<${Incidents} incidents=${incidents}/>
			<section class="rate-part" aria-labelledby="h-rate"><h2 id="h-rate">${t("Alerts over time")}</h2>
				${rate ? html`<${Rate} ...${rate}/>` : html`<p class="none">${t("Nothing yet.")}</p>`}</section>
			<${Missions} missions=${missions.data?.missions ?? []} states=${missions.data?.states ?? []} incidents=${incidents}/>
			<${Blind} spans=${cover.data?.blind ?? []}/>
		</div>`;
}
