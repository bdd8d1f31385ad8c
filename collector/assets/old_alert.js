// SPDX-License-Identifier: Apache-2.0
// One alert: a row of the table, and its event on request.

import { h, visible, time, when, local, utc, ask } from "./old_dom.js";

function end(address, port) {
	return port ? (address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`) : address;
}

// Where an end is, or what it is to us.
function about(info) {
	if (info?.asset) {
		return info.asset;
	}
	const place = [info?.country_iso, info?.city, info?.org].filter((t) => t).join(" ");

	return place || (info?.ours ? "ours" : "");
}

function endCell(label, address, port, info, setFilter) {
	const text = about(info);

	return h("td", { "data-label": label },
		h("button", { type: "button", class: "mono cell", title: `Filter by ${address}`, onclick: (e) => { e.stopPropagation(); setFilter(`ip:${address}`); } }, end(address, port)),
		text ? h("div", { class: info?.asset || info?.ours ? "small ours" : "small" }, text) : null);
}

export function alertLine(a) {
	return [h("span", { class: `sev sev${a.severity}` }, String(a.severity)), " ", time(a.timestamp), " ", h("strong", null, a.site), " ",
		h("span", { class: "mono" }, `${end(a.src, a.src_port)} \u2192 ${end(a.dest, a.dest_port)}`), " ", a.signature,
		a.indicator ? h("span", { class: "tag indicator" }, a.indicator) : null,
		a.past ? h("span", { class: "small" }, " seen ", time(a.past.first), " to ", time(a.past.last)) : null];
}

export function alertRow(a, setFilter) {
	const d = when(a.timestamp);
	const row = h("tr", { class: `alert s${a.severity}`, "data-row": true, "data-id": a.id, tabindex: 0, "aria-expanded": "false" },
		h("td", { "data-label": "Severity" }, h("span", { class: `sev sev${a.severity}` }, String(a.severity))),
		h("td", { "data-label": "Time" },
			h("time", { datetime: d?.toISOString(), title: `${a.timestamp}, ${d ?? ""}` }, utc(d), "Z"),
			d ? h("div", { class: "small" }, local(d)) : null),
		h("td", { "data-label": "Site" }, a.site, h("div", { class: "small" }, a.sensor)),
		h("td", { "data-label": "Signature", class: "signature" }, a.signature,
			h("div", { class: "small" }, `${a.gid}:${a.sid}:${a.rev}`, a.category ? ` ${a.category}` : "",
				a.indicator ? h("span", { class: "tag indicator" }, a.indicator) : null,
				a.past ? h("span", null, " seen ", time(a.past.first), " to ", time(a.past.last)) : null)),
		endCell("Source", a.src, a.src_port, a.src_info, setFilter),
		endCell("Destination", a.dest, a.dest_port, a.dest_info, setFilter));
	const toggle = async () => {
		const next = row.nextElementSibling;

		if (next?.classList.contains("event")) {
			next.remove();
			row.setAttribute("aria-expanded", "false");
			return;
		}
		const text = h("pre", null, "\u2026");

		row.after(h("tr", { class: "event" }, h("td", { colspan: 6 }, text)));
		row.setAttribute("aria-expanded", "true");
		try {
			const whole = await ask(`/api/alerts/${a.id}`);

			text.textContent = JSON.stringify(whole.event ?? whole, null, 2).split("\n").map(visible).join("\n");
		} catch (e) {
			text.textContent = e.message;
		}
	};

	row.addEventListener("click", toggle);
	row.addEventListener("toggle-row", toggle);
	return row;
}
