// SPDX-License-Identifier: Apache-2.0
// One incident: a line that is always there, and the whole of it on request.

import { h, fill, time, number, plural, ask } from "./old_dom.js";
import { alertLine } from "./old_alert.js";

// As collector/stage.c names them, in order.
const STAGES = [
	["reconnaissance", "Recon"], ["resource development", "Resource"], ["initial access", "Access"],
	["execution", "Execute"], ["persistence", "Persist"], ["privilege escalation", "Escalate"],
	["defense evasion", "Evade"], ["credential access", "Credential"], ["discovery", "Discover"],
	["lateral movement", "Lateral"], ["collection", "Collect"], ["command and control", "C2"],
	["exfiltration", "Exfil"], ["inhibit response function", "Inhibit"],
	["impair process control", "Impair"], ["impact", "Impact"],
];
const MOST = { mission: 30, stage: 25, spread: 20, alert: 15, indicator: 10, silence: 10 };

function stageStrip(stages) {
	const seen = new Map((stages ?? []).map((s) => [s.stage, s]));

	return h("ol", { class: "stages", "aria-label": "ATT&CK tactics seen" }, STAGES.map(([name, short]) => {
		const s = seen.get(name);

		return h("li", { class: s ? "seen" : null, title: s ? `${name}: first ${s.first}` : `${name}: not seen` },
			h("span", { "aria-hidden": "true" }, short),
			h("span", { class: "unseen" }, s ? `${name}: seen` : `${name}: not seen`));
	}));
}

function names(list) {
	return (list ?? []).join(", ");
}

function factors(f) {
	return h("ul", { class: "factors" }, Object.entries(MOST).map(([name, most]) => {
		const value = Number(f?.[name] ?? 0);

		return h("li", null, h("span", null, name), h("meter", { min: 0, max: most, value }), h("span", { class: "num" }, `${value} of ${most}`));
	}));
}

function block(title, ...content) {
	return h("div", { class: "block" }, h("h4", null, title), ...content);
}

function columns(...titles) {
	return h("thead", null, h("tr", null, titles.map((t, i) =>
		h("th", { scope: "col", class: i === titles.length - 1 ? "num" : null }, t))));
}

function sitesTable(sites) {
	return h("ul", { class: "plain" }, (sites ?? []).map((s) => h("li", null,
		h("strong", null, s.site), s.location ? ` (${s.location})` : "", s.owner ? `, owner ${s.owner}` : "", h("br"),
		h("span", { class: "small" }, time(s.first), " to ", time(s.last)))));
}

function actorsTable(actors) {
	const sorted = [...(actors ?? [])].sort((a, b) => b.sites.length - a.sites.length || b.count - a.count);

	return h("table", { class: "small-table" }, columns("Kind", "Value", "Sites", "Sightings"), h("tbody", null, sorted.map((a) => h("tr", null,
		h("td", null, a.kind), h("td", { class: "mono" }, a.value), h("td", null, names(a.sites)),
		h("td", { class: "num" }, number(a.count))))));
}

function victimsTable(victims) {
	return h("table", { class: "small-table" }, columns("Site", "Address", "Asset", "Criticality"), h("tbody", null, (victims ?? []).map((v) => h("tr", null,
		h("td", null, v.site), h("td", { class: "mono" }, v.address), h("td", null, v.asset ?? "not on the map"),
		h("td", { class: "num" }, v.criticality ?? "")))));
}

function logList(log) {
	return h("ol", { class: "plain log" }, (log ?? []).map((l) => h("li", null,
		time(l.at), " ", h("strong", null, l.what), `, ${l.who}`, l.text ? `: ${l.text}` : "")));
}

function steer(i, change) {
	const note = h("input", { type: "text", maxlength: 500, placeholder: "Note", "aria-label": "Note for the log" });
	const error = h("span", { class: "error", role: "alert" });
	const button = (verb, text) => h("button", {
		type: "button",
		onclick: async () => {
			error.textContent = "";
			try {
				await change(i.id, verb, note.value);
				note.value = "";
			} catch (e) {
				error.textContent = e.message;
			}
		},
	}, text);

	return h("div", { class: "steer" }, note,
		i.state === "open" ? button("ack", "Acknowledge") : null,
		i.state === "closed" ? button("reopen", "Open again") : button("close", "Close"), error);
}

function detail(i, page, change) {
	const s = i.summary ?? {};
	const consult = page.log.filter((l) => l.what === "consult");

	return [
		steer(i, change),
		h("div", { class: "columns" },
			block("Severity", factors(s.factors)),
			block("Missions at risk", h("p", null, names(s.missions) || "none that the mission map knows of"),
				s.services?.length ? h("p", { class: "small" }, `Services: ${names(s.services)}`) : null),
			block("Consultation", consult.length ? h("ul", { class: "plain" }, consult.map((l) => h("li", null, l.text))) : h("p", null, "not called for")),
			block("Sites", sitesTable(s.sites))),
		block("What the sites share", actorsTable(s.actors)),
		block("What it touches", victimsTable(s.victims)),
		block(`Evidence: ${plural(s.alerts ?? 0, "alert")}; those that link its parts`,
			h("ul", { class: "plain evidence" }, page.evidence.map((a) => h("li", null, alertLine(a))))),
		block("Log", logList(page.log)),
	];
}

// An element that keeps itself up to date: update(incident), open(true).
export function incidentCard(change) {
	const head = h("div", { class: "head", "data-row": true, tabindex: 0, role: "button" });
	const body = h("div", { class: "body", hidden: true });
	const element = h("li", { class: "incident" }, head, body);
	let incident = null;
	let shown = null; // what the body was drawn for

	async function draw() {
		const mark = `${incident.updated} ${incident.state} ${incident.score}`;

		if (body.hidden || mark === shown || body.contains(document.activeElement?.closest("input"))) {
			return;
		}
		shown = mark;
		try {
			const page = await ask(`/api/incidents/${incident.id}`);

			fill(body, detail(page, page, change));
		} catch (e) {
			shown = null;
			fill(body, [h("p", { class: "error" }, e.message)]);
		}
	}

	function open(yes) {
		body.hidden = !yes;
		head.setAttribute("aria-expanded", String(yes));
		draw();
	}

	function update(i) {
		const s = i.summary ?? {};

		incident = i;
		element.id = `incident-${i.id}`;
		element.className = `incident level${i.level} ${i.state}`;
		fill(head, [
			h("div", { class: "score" }, h("b", null, String(i.score)), h("span", null, i.level_name)),
			h("div", { class: "what" },
				h("div", { class: "title" }, h("span", { class: "small" }, `#${i.id} `), i.title,
					i.exercise ? h("span", { class: "tag exercise" }, `EXERCISE ${i.exercise}`) : null,
					i.state !== "open" ? h("span", { class: "tag" }, i.state === "ack" ? "acknowledged" : i.state) : null),
				h("div", { class: "small line" },
					i.lead ? ["lead ", h("strong", null, i.lead)] : "no owner known",
					i.support ? [", support ", h("strong", null, i.support)] : null,
					s.missions?.length ? ["; at risk: ", h("strong", { class: "risk" }, names(s.missions))] : null,
					"; ", time(i.first), " to ", time(i.last)),
				stageStrip(s.stages)),
		]);
		head.setAttribute("aria-expanded", String(!body.hidden));
		draw();
	}

	head.addEventListener("click", () => open(body.hidden));
	head.addEventListener("toggle-row", () => open(body.hidden));
	return { element, update, open };
}
