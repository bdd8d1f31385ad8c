// SPDX-License-Identifier: Apache-2.0
// Elements and texts. Every text becomes a text node; markup in what the
// network sent stays text, and the page's policy forbids anything else.

export const $ = (id) => document.getElementById(id);

// Control, format and direction characters, which would turn around or hide
// what stands beside them, are shown by their number.
export function visible(text) {
	return String(text).replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Co}\u2028\u2029]/gu, (c) =>
		`\\u{${c.codePointAt(0).toString(16)}}`);
}

// h("td", { class: "sev" }, "text", element, null): null and "" add nothing.
export function h(tag, attributes, ...children) {
	const e = document.createElement(tag);

	for (const [name, value] of Object.entries(attributes ?? {})) {
		if (name.startsWith("on")) {
			e.addEventListener(name.slice(2), value);
		} else if (value !== null && value !== undefined && value !== false) {
			e.setAttribute(name, value === true ? "" : visible(value));
		}
	}
	fill(e, children);
	return e;
}

export function fill(e, children) {
	const nodes = children.flat(Infinity).filter((c) => c !== null && c !== undefined && c !== "");

	e.replaceChildren(...nodes.map((c) => (c instanceof Node ? c : document.createTextNode(visible(c)))));
}

export function svg(tag, attributes, text) {
	const e = document.createElementNS("http://www.w3.org/2000/svg", tag);

	for (const [name, value] of Object.entries(attributes)) {
		e.setAttribute(name, value);
	}
	if (text !== undefined) {
		e.textContent = text;
	}
	return e;
}

// The API writes "2026-11-20T10:00:00.000000+0000".
export function when(iso) {
	return iso ? new Date(iso.replace(/(\.\d{3})\d*/, "$1").replace(/\+0000$/, "Z")) : null;
}

const two = (n) => String(n).padStart(2, "0");

export function utc(date) {
	if (!date) {
		return "";
	}
	const day = date.toISOString().slice(0, 10);
	const clock = date.toISOString().slice(11, 19);

	return day === new Date().toISOString().slice(0, 10) ? clock : `${day} ${clock}`;
}

export function local(date) {
	const offset = -date.getTimezoneOffset();
	const zone = `${offset < 0 ? "-" : "+"}${two(Math.floor(Math.abs(offset) / 60))}:${two(Math.abs(offset) % 60)}`;

	return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())} ${zone}`;
}

// A <time> that reads in UTC and tells both on hover.
export function time(iso) {
	const d = when(iso);

	if (!d) {
		return null;
	}
	return h("time", { datetime: d.toISOString(), title: `${d.toISOString()}, ${d.toString()}` }, utc(d), "Z");
}

export function ago(iso) {
	const d = when(iso);

	if (!d) {
		return "never";
	}
	const s = Math.max(0, Math.round((Date.now() - d.getTime()) / 1000));

	return s < 120 ? `${s} s ago`
		: s < 7200 ? `${Math.round(s / 60)} min ago`
		: s < 172800 ? `${Math.round(s / 3600)} h ago`
		: `${Math.round(s / 86400)} days ago`;
}

export const number = (n) => Number(n ?? 0).toLocaleString("en-US");
export const plural = (n, one, many) => `${number(n)} ${n === 1 ? one : many ?? one + "s"}`;

export class Refused extends Error {}

export async function ask(path, parameters) {
	const query = new URLSearchParams();

	for (const [name, value] of Object.entries(parameters ?? {})) {
		if (value !== null && value !== undefined && value !== "") {
			query.set(name, value);
		}
	}
	const reply = await fetch(query.size > 0 ? `${path}?${query}` : path);
	const answer = await reply.json();

	if (!reply.ok) {
		throw new Refused(answer.error ?? `status ${reply.status}`);
	}
	return answer;
}

export async function tell(path, body) {
	const reply = await fetch(path, {
		method: "POST",
		headers: { "X-Picket": "1", "Content-Type": "application/json" },
		body: JSON.stringify(body),
	});
	const answer = await reply.json();

	if (!reply.ok) {
		throw new Refused(answer.error ?? `status ${reply.status}`);
	}
	return answer;
}
