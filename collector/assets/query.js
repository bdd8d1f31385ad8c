// SPDX-License-Identifier: Apache-2.0
// query.js - the field that a question is typed into, with suggestions.
//
// Place    above ui.js, api.js.
// Contract <Query value onAsk=${f(text)} error id label/>: Enter asks; Down, Up, Tab choose what GET /api/suggest?q=&at=
//          offers ({ from, to, items: [{ text, what }] }: text replaces the characters from..to); Escape closes the list,
//          then leaves the field. `error` is a Refused of the API and is said below. `/` of the frame goes to
//          the element with data-query. add(query, word) and without(query, word) are for pivots.

import { html, useEffect, useRef, useState } from "./ui.js";
import { get } from "./api.js";
import { t } from "./words.js";

const WAIT = 120;

// A word of the query language for this value: quoted where it has to be.
export function word(field, v, not = false) {
	const text = String(v);
	const said = /^[\w.:/@-]+$/.test(text) ? text : `"${text.replace(/(["\\])/g, "\\$1")}"`;

	return `${not ? "-" : ""}${field ? `${field}:` : ""}${said}`;
}

export function add(query, one) {
	return query.split(/\s+/).includes(one) ? query : `${query.trim()} ${one}`.trim();
}

export function without(query, one) {
	return query.replace(one, "").replace(/\s+/g, " ").trim();
}

export function Query({ value = "", onAsk, error, id = "query", label }) {
	const [text, setText] = useState(value);
	const [offer, setOffer] = useState(null);
	const [pick, setPick] = useState(-1);
	const field = useRef(null);
	const timer = useRef(null);
	const turn = useRef(0);

	useEffect(() => setText(value), [value]);
	const close = () => {
		turn.current++;
		clearTimeout(timer.current);
		setOffer(null);
		setPick(-1);
	};
	const suggest = (q, at) => {
		const mine = ++turn.current;

		clearTimeout(timer.current);
		timer.current = setTimeout(async () => {
			const a = await get("/api/suggest", { q, at }).catch(() => null);

			if (mine === turn.current) {
				setOffer(a?.items?.length > 0 ? a : null);
				setPick(-1);
			}
		}, WAIT);
	};
	const take = (item) => {
		const next = text.slice(0, offer.from) + item.text + text.slice(offer.to);
		const at = offer.from + item.text.length;

		setText(next);
		close();
		field.current.focus();
		requestAnimationFrame(() => field.current?.setSelectionRange(at, at));
	};
	const onKey = (e) => {
		if (offer && (e.key === "ArrowDown" || e.key === "ArrowUp")) {
			e.preventDefault();
			setPick((pick + (e.key === "ArrowDown" ? 1 : -1) + offer.items.length) % offer.items.length);
		} else if (offer && (e.key === "Tab" || (e.key === "Enter" && pick >= 0)) && !e.shiftKey) {
			e.preventDefault();
			take(offer.items[Math.max(0, pick)]);
		} else if (e.key === "Enter" && !e.isComposing) {
			e.preventDefault();
			close();
			onAsk(text.trim());
			field.current.blur();
		} else if (e.key === "Escape" && offer) {
			e.preventDefault();
			close();
		}
	};

	return html`<div class="query">
		<input id=${id} ref=${field} data-query type="search" value=${text} spellcheck=${false} autocomplete="off" aria-label=${label ?? t("Query")}
			placeholder=${t("words, field:value, -not, sev:1-2, ip:10.0.0.0/8")} role="combobox" aria-autocomplete="list"
			aria-expanded=${offer !== null} aria-controls=${`${id}-list`} aria-invalid=${Boolean(error)}
			aria-activedescendant=${pick >= 0 ? `${id}-${pick}` : undefined}
			onInput=${(e) => { setText(e.target.value); suggest(e.target.value, e.target.selectionStart); }}
			onKeyDown=${onKey} onBlur=${close}/>
		<ul id=${`${id}-list`} class="offer" role="listbox" aria-label=${t("Suggestions")} hidden=${offer === null}>
			${(offer?.items ?? []).map((item, i) => html`<li id=${`${id}-${i}`} role="option" aria-selected=${i === pick}
				class=${i === pick ? "at" : ""} onMouseDown=${(e) => { e.preventDefault(); take(item); }}>
				<code>${item.text}</code> <span class="small">${item.what}</span></li>`)}
		</ul>
		${error && html`<p class="error" role="alert">${error.message}</p>`}
	</div>`;
}
