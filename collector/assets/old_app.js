// SPDX-License-Identifier: Apache-2.0
// The page: asks the API once, then follows the events.

import { $, h, fill, when, ago, number, plural, ask, tell } from "./old_dom.js";
import { stepFor, timeline } from "./old_chart.js";
import { incidentCard } from "./old_incident.js";
import { alertRow } from "./old_alert.js";
import { coverageItems } from "./old_coverage.js";

const MAX_ROWS = 400;
const PAGE = 100;

const state = {
	exercise: undefined, // null: real events; a name: that exercise
	status: null,
	incidents: [],
	alerts: new Map(), // id to row
	filter: {},
	paused: false,
	waiting: 0, // alerts that came while paused
};
const cards = new Map(); // incident id to card

const scope = () => (state.exercise ? { exercise: state.exercise } : {});

/* ------------------------------------------------------------------ status */

let announced = 0;
function announce(text) {
	if (Date.now() - announced > 5000) {
		announced = Date.now();
		$("announce").textContent = text;
	}
}

function fact(name, value, tone) {
	return h("div", { class: tone ?? null }, h("dt", null, name), h("dd", null, value));
}

// Of the exercise in view, or of none.
function alertsInView(s) {
	return state.exercise ? s.exercises.find((e) => e.name === state.exercise)?.alerts ?? 0
		: s.store.alerts - s.exercises.reduce((n, e) => n + e.alerts, 0);
}

function drawStatus() {
	const s = state.status;

	if (!s) {
		return;
	}
	const lost = s.store.lost_events + s.store.missing_frames;
	const ended = s.sensors.other;
	const open = state.incidents.filter((i) => i.state !== "closed").length;

	drawScopes();
	fill($("status"), [
		fact("sensors live", number(s.sensors.live), s.sensors.live > 0 ? "good" : null),
		fact("silent", number(s.sensors.silent), s.sensors.silent > 0 ? "bad" : null),
		ended > 0 ? fact("ended", number(ended)) : null,
		fact("alerts/min", number(s.alerts_per_minute)),
		fact("alerts", number(alertsInView(s))),
		fact("open incidents", number(open), open > 0 ? "warn" : null),
		lost > 0 ? fact("lost or missing", number(lost), "bad") : null,
	]);
}

function drawScopes() {
	const s = state.status;
	const names = s.exercises.map((e) => e.name);
	const select = $("scope");

	if (state.exercise === undefined) {
		// With nothing real in the store, an exercise is what there is to see.
		state.exercise = alertsInView(s) === 0 && names.length > 0 ? names[0] : null;
	}
	if (select.options.length !== names.length + 1 || names.some((n, i) => select.options[i + 1].value !== n)) {
		fill(select, [h("option", { value: "" }, "Real world"),
			names.map((n) => h("option", { value: n }, `Exercise ${n}`))]);
	}
	select.value = state.exercise ?? "";
	$("banner").hidden = !state.exercise;
	$("banner").textContent = state.exercise ? `EXERCISE ${state.exercise}: none of this is a real-world event` : "";
	document.title = state.exercise ? `Picket: EXERCISE ${state.exercise}` : "Picket";
}

/* -------------------------------------------------------- sites, missions */

function siteItem(site) {
	const n = site.sensors;
	const health = n.silent > 0 ? "silent" : n.live > 0 ? "live" : n.other > 0 ? "ended" : "no sensor";
	const open = state.incidents.filter((i) => i.state !== "closed" && (i.summary?.sites ?? []).some((s) => s.site === site.site)).length;

	return h("li", { class: `site ${health.replace(" ", "-")}` },
		h("div", { class: "row" },
			h("button", { type: "button", class: "name", title: "Show this site's alerts", onclick: () => setFilter(`site:${site.site}`) }, site.site),
			h("span", { class: "owner", title: site.owner_title }, site.owner),
			h("span", { class: `health ${health.replace(" ", "-")}` }, health)),
		site.location ? h("div", { class: "place" }, site.location) : null,
		h("div", { class: "small" }, plural(site.alerts, "alert"),
			open > 0 ? `, ${plural(open, "open incident")}` : "",
			site.seen ? `, seen ${ago(site.seen)}` : ", never seen",
			site.lost_events > 0 ? h("strong", { class: "bad" }, `, ${number(site.lost_events)} lost`) : null));
}

async function loadSites() {
	const [sites, missions, coverage] = await Promise.all([ask("/api/sites"), ask("/api/missions"), ask("/api/coverage")]);

	state.sites = sites.sites;
	state.missions = missions.missions;
	state.watch = new Map((missions.states ?? []).map((m) => [m.mission, m]));
	state.coverage = coverage;
	drawSites();
}

function drawSites() {
	if (!state.sites) return; // not asked yet: nothing can be said
	fill($("sites"), state.sites?.length ? state.sites.map(siteItem) : [h("li", { class: "none" }, "No sensor has reported yet.")]);
	fill($("missions"), state.missions?.length ? state.missions.map(missionItem)
		: [h("li", { class: "none" }, "No mission map: give the collector --missions.")]);
	fill($("coverage"), state.coverage ? coverageItems(state.coverage, 12) : []);
}

function missionItem(m) {
	const at = state.incidents.filter((i) => i.state !== "closed" && (i.summary?.missions ?? []).includes(m.mission));

	// Nothing seen is only good where somebody looks.
	const watch = state.watch?.get(m.mission);
	const unseen = watch && watch.state !== "watched";
	const now = at.length > 0 ? "at risk" : unseen ? watch.state : "clear";

	return h("li", { class: at.length > 0 ? "mission risk" : unseen ? "mission unwatched" : "mission" },
		h("div", { class: "row" }, h("span", { class: "name" }, m.mission), h("span", { class: "owner" }, m.owner),
			h("span", { class: "health" }, now)),
		h("div", { class: "small" }, `criticality ${m.criticality}; ${m.services.split(",").join(", ")}`,
			at.length > 0 ? ["; incident ", at.map((i, k) => [k > 0 ? ", " : "",
				h("a", { href: `#incident-${i.id}`, onclick: () => openCard(i.id) }, String(i.id))])] : null),
		unseen ? h("div", { class: "small why" }, watch.why) : null);
}

/* --------------------------------------------------------------- incidents */

function openCard(id) {
	cards.get(id)?.open(true);
}

async function change(id, verb, note) {
	await tell(`/api/incidents/${id}/${verb}`, { note });
	await loadIncidents();
}

async function loadIncidents() {
	const exercise = state.exercise;
	const answer = await ask("/api/incidents", scope());

	if (exercise !== state.exercise) {
		return; // the view changed meanwhile
	}
	state.incidents = answer.incidents;
	const open = state.incidents.filter((i) => i.state !== "closed");

	for (const id of [...cards.keys()]) {
		if (!state.incidents.some((i) => i.id === id)) {
			cards.delete(id);
		}
	}
	const items = [...open, ...state.incidents.filter((i) => i.state === "closed")].map((i) => {
		if (!cards.has(i.id)) {
			cards.set(i.id, incidentCard(change));
		}
		cards.get(i.id).update(i);
		return cards.get(i.id).element;
	});
	const list = $("incident-list");

	if (items.length === 0) {
		fill(list, [h("li", { class: "none" }, "No incidents.")]);
	} else if (items.length !== list.children.length || items.some((e, k) => list.children[k] !== e)) {
		const focus = document.activeElement;

		list.replaceChildren(...items);
		if (list.contains(focus)) {
			focus.focus();
		}
	}
	const wanted = /^#incident-(\d+)$/.exec(location.hash);

	if (wanted && !state.jumped && cards.has(Number(wanted[1]))) {
		state.jumped = true;
		openCard(Number(wanted[1]));
	}
	$("incidents-note").textContent = `${number(open.length)} open, ${number(state.incidents.length - open.length)} closed`;
	drawStatus();
	drawSites();
}

/* ------------------------------------------------------------------ alerts */

function parseFilter(text) {
	const keys = { site: "site", sensor: "sensor", sid: "sid", ip: "address", sev: "severity" };
	const filter = {};
	const words = [];

	for (const word of text.trim().split(/\s+/).filter((w) => w !== "")) {
		const at = word.indexOf(":");
		const key = at > 0 ? keys[word.slice(0, at).toLowerCase()] : undefined;

		if (key) {
			filter[key] = word.slice(at + 1);
		} else {
			words.push(word);
		}
	}
	filter.text = words.join(" ");
	return filter;
}

function setFilter(text) {
	$("filter").value = text;
	loadAlerts();
	$("alerts").scrollIntoView({ block: "start" });
}

function noteAlerts() {
	const filtered = Object.values(state.filter).some((v) => v);

	$("alerts-note").textContent = `${number(state.alerts.size)} shown${filtered ? ", filtered" : ""}${
		state.paused ? `, paused${state.waiting > 0 ? `, ${number(state.waiting)} waiting` : ""}` : ""}`;
}

function addAlerts(alerts, older) {
	const rows = [];

	for (const a of alerts) {
		if (!state.alerts.has(a.id)) {
			const row = alertRow(a, setFilter);

			state.alerts.set(a.id, row);
			rows.push(row);
		}
	}
	if (older) {
		$("alert-rows").append(...rows);
	} else {
		$("alert-rows").prepend(...rows);
		trim();
	}
	return rows;
}

function trim() {
	const body = $("alert-rows");

	while (state.alerts.size > MAX_ROWS) {
		const last = body.lastElementChild;

		if (last.dataset.id) {
			state.alerts.delete(Number(last.dataset.id));
		}
		last.remove();
	}
}

let asked = 0;
async function loadAlerts(before) {
	const turn = ++asked;
	const filter = parseFilter($("filter").value);
	let answer;

	try {
		answer = await ask("/api/alerts", { ...filter, ...scope(), before, limit: PAGE });
	} catch (e) {
		$("filter-error").textContent = e.message;
		$("filter-error").hidden = false;
		return;
	}
	if (turn !== asked) {
		return;
	}
	$("filter-error").hidden = true;
	state.filter = filter;
	if (!before) {
		state.alerts.clear();
		state.waiting = 0;
		$("alert-rows").replaceChildren();
	}
	addAlerts(answer.alerts, true);
	$("more").hidden = answer.alerts.length < PAGE || state.alerts.size >= MAX_ROWS;
	if (state.alerts.size === 0) {
		fill($("alert-rows"), [h("tr", { class: "none" }, h("td", { colspan: 6 }, "No alerts."))]);
	}
	noteAlerts();
}

async function loadTimeline() {
	const exercise = state.exercise;
	const s = state.status;

	if (!s?.store.last) {
		fill($("timeline"), [h("p", { class: "none" }, "Nothing yet.")]);
		return;
	}
	const last = when(s.store.last).getTime();
	const first = Math.max(when(s.store.first).getTime(), last - 7 * 86400000);
	const step = stepFor(first, last);
	const from = new Date(Math.max(0, last - 121 * step * 1000)).toISOString();
	const answer = await ask("/api/timeline", { ...scope(), step, from });

	if (exercise === state.exercise) {
		state.buckets = { list: answer.buckets.map((b) => ({ ...b, at: when(b.from).getTime() })), step: answer.step, first, last };
		drawTimeline();
	}
}

function drawTimeline() {
	const b = state.buckets;

	if (b) {
		timeline($("timeline"), b.list, b.step, b.first, b.last);
		$("timeline-note").textContent = `a bar is ${b.step < 3600 ? `${b.step / 60} min` : `${b.step / 3600} h`}`;
	}
}

/* ------------------------------------------------------------------- events */

// Runs 'f' at most once in 'ms', and once more when asked meanwhile.
function calm(ms, f) {
	let timer = null;
	let again = false;
	const run = () => {
		timer = setTimeout(() => {
			timer = null;
			if (again) {
				again = false;
				run();
			}
		}, ms);
		Promise.resolve(f()).catch(() => {});
	};

	return () => {
		if (timer !== null) {
			again = true;
		} else {
			run();
		}
	};
}

const soonIncidents = calm(1000, loadIncidents);
const soonTimeline = calm(3000, loadTimeline);
const soonSites = calm(5000, loadSites);
const soonAlerts = calm(2000, () => loadAlerts());

function onAlerts(event) {
	const { alerts, more } = JSON.parse(event.data);
	const mine = alerts.filter((a) => a.exercise === (state.exercise ?? ""));

	soonTimeline();
	if (mine.length === 0) {
		return;
	}
	announce(`${plural(mine.length, "new alert")}`);
	if (state.paused) {
		state.waiting += mine.length;
	} else if (more || Object.values(state.filter).some((v) => v)) {
		soonAlerts();
	} else {
		$("alert-rows").querySelector("tr.none")?.remove();
		for (const row of addAlerts(mine, false)) {
			row.classList.add("fresh");
		}
	}
	noteAlerts();
}

async function loadAll() {
	const wanted = state.exercise;

	state.status = await ask("/api/status");
	drawStatus();
	if (wanted !== state.exercise) {
		cards.clear();
	}
	await Promise.all([loadIncidents(), loadSites(), loadAlerts(), loadTimeline()]);
}

function follow() {
	const source = new EventSource("/api/events");
	const link = $("link");
	const tone = (text, name) => {
		link.textContent = text;
		link.className = `link ${name}`;
	};

	// What happens between an answer and the first event would be missed, so
	// everything is asked for once the events flow.
	source.addEventListener("open", () => {
		tone("live", "good");
		loadAll().catch((e) => tone(e.message, "bad"));
	});
	source.addEventListener("error", () => tone("connection lost, trying again", "bad"));
	source.addEventListener("reset", () => loadAll().catch(() => {}));
	source.addEventListener("alerts", onAlerts);
	source.addEventListener("incidents", (event) => {
		const { incidents } = JSON.parse(event.data);

		if (incidents.some((i) => i.exercise === (state.exercise ?? ""))) {
			announce(`Incident ${incidents[0].id}, ${incidents[0].level_name}: ${incidents[0].title}`);
			soonIncidents();
		}
	});
	source.addEventListener("status", (event) => {
		state.status = JSON.parse(event.data);
		drawStatus();
		soonSites();
	});
}

/* --------------------------------------------------------------------- keys */

function rows() {
	return [...document.querySelectorAll("[data-row]")].filter((e) => e.offsetParent !== null);
}

function move(by) {
	const all = rows();
	const at = all.findIndex((e) => e === document.activeElement || e.contains(document.activeElement));
	const to = all[Math.min(all.length - 1, Math.max(0, at < 0 ? 0 : at + by))];

	to?.focus();
	to?.scrollIntoView({ block: "nearest" });
}

function togglePause() {
	state.paused = !state.paused;
	$("pause").setAttribute("aria-pressed", String(state.paused));
	$("pause").textContent = state.paused ? "Go on" : "Pause";
	if (!state.paused && state.waiting > 0) {
		loadAlerts();
	}
	noteAlerts();
}

const KEYS = {
	j: () => move(1),
	k: () => move(-1),
	i: () => document.querySelector(".incidents [data-row]")?.focus(),
	a: () => document.querySelector(".alerts [data-row]")?.focus(),
	p: togglePause,
	"/": () => $("filter").focus(),
	"?": () => $("help").showModal(),
};

document.addEventListener("keydown", (event) => {
	const typing = event.target.closest?.("input, select, textarea");

	if (event.ctrlKey || event.altKey || event.metaKey || $("help").open) {
		return;
	}
	if (event.key === "Escape" && typing) {
		typing.blur();
	} else if (!typing && KEYS[event.key]) {
		event.preventDefault();
		KEYS[event.key]();
	} else if (event.key === "Enter" && event.target.matches?.("[data-row]")) {
		event.preventDefault();
		event.target.dispatchEvent(new CustomEvent("toggle-row"));
	}
});

let typing = null;
$("filter").addEventListener("input", () => {
	clearTimeout(typing);
	typing = setTimeout(() => loadAlerts(), 250);
});
$("scope").addEventListener("change", () => {
	state.exercise = $("scope").value || null;
	cards.clear();
	drawScopes();
	loadAll().catch(() => {});
});
$("pause").addEventListener("click", togglePause);
$("help-button").addEventListener("click", () => $("help").showModal());
$("more").addEventListener("click", () => loadAlerts(Math.min(...state.alerts.keys())));
window.addEventListener("resize", calm(200, drawTimeline));

// "?live=no" is a picture of the moment: to print, or for a slow link.
if (new URLSearchParams(location.search).get("live") === "no") {
	$("link").textContent = "still";
	loadAll().catch((e) => { $("link").textContent = e.message; });
} else {
	follow();
}
