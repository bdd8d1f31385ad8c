// SPDX-License-Identifier: Apache-2.0
// time.js - times as the user reads them.
//
// Place    above words.js.
// Contract zone is "utc" or "local" (remembered). when(iso) -> Date or null; stamp(date) -> text in that zone with the
//          zone said; both(date) -> UTC and local, for titles; ago(iso) -> words; <Time at=${iso}/> is a <time> that
//          shows the one and tells the other. The API writes "2026-11-20T10:00:00.000000+0000".

import { html } from "./ui.js";
import { remembered, useValue } from "./store.js";
import { t } from "./words.js";

export const zone = remembered("zone", "utc");

const two = (n) => String(n).padStart(2, "0");

export function when(iso) {
	if (!iso) {
		return null;
	}
	const d = iso instanceof Date ? iso : new Date(String(iso).replace(/(\.\d{3})\d*/, "$1").replace(/([+-]\d\d)(\d\d)$/, "$1:$2"));

	return Number.isNaN(d.getTime()) ? null : d;
}

function offset(date) {
	const m = -date.getTimezoneOffset();

	return `${m < 0 ? "-" : "+"}${two(Math.floor(Math.abs(m) / 60))}:${two(Math.abs(m) % 60)}`;
}

function localParts(date) {
	return [`${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`,
		`${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`];
}

function parts(date, name) {
	return name === "local" ? localParts(date) : [date.toISOString().slice(0, 10), date.toISOString().slice(11, 19)];
}

// The clock alone for a time of today.
export function stamp(date, name = zone.get()) {
	if (!date) {
		return "";
	}
	const [day, clock] = parts(date, name);
	const today = parts(new Date(), name)[0];

	return `${day === today ? "" : `${day} `}${clock}${name === "local" ? offset(date) : "Z"}`;
}

export function both(date) {
	const [day, clock] = localParts(date);

	return `${date.toISOString().slice(0, 19)}Z, ${day} ${clock}${offset(date)}`;
}

export function ago(iso) {
	const d = when(iso);

	if (!d) {
		return t("never");
	}
	const s = Math.max(0, Math.round((Date.now() - d.getTime()) / 1000));

	return s < 120 ? t("{n} s ago", { n: s })
		: s < 7200 ? t("{n} min ago", { n: Math.round(s / 60) })
		: s < 172800 ? t("{n} h ago", { n: Math.round(s / 3600) })
		: t("{n} days ago", { n: Math.round(s / 86400) });
}

export function Time({ at }) {
	const name = useValue(zone);
	const d = when(at);

	return d && html`<time datetime=${d.toISOString()} title=${both(d)}>${stamp(d, name)}</time>`;
}
