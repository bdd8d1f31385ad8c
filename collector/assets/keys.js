// SPDX-License-Identifier: Apache-2.0
// keys.js - the one list of keys, and the help that shows it.
//
// Place    above ui.js and words.js.
// Contract useKeys([{ key: "j", words: t("next"), what: f }], group) registers keys while a view is shown; the view
//          shown last wins. "g i" is two keys within a second. Keys do nothing while somebody types, except Escape,
//          which leaves the field, and none is taken with Ctrl, Alt or Meta. help is whether the list is shown.

import { html, useEffect, useRef } from "./ui.js";
import { useValue, value } from "./store.js";
import { t } from "./words.js";

const lists = [];
let first = null; // of two keys
let firstAt = 0;

export const help = value(false);

function find(key) {
	for (let i = lists.length - 1; i >= 0; i--) {
		const k = lists[i].current.find((one) => one.key === key);

		if (k) {
			return k;
		}
	}
	return null;
}

function startsTwo(key) {
	return lists.some((l) => l.current.some((k) => k.key.startsWith(`${key} `)));
}

document.addEventListener("keydown", (event) => {
	const typing = event.target.closest?.("input, select, textarea, [contenteditable]");

	if (event.ctrlKey || event.altKey || event.metaKey || event.isComposing || document.querySelector("dialog[open]")) {
		return;
	}
	if (typing) {
		if (event.key === "Escape" && !event.defaultPrevented) {
			typing.blur();
		}
		return;
	}
	// Enter and space on a button or a link are its own.
	if ((event.key === "Enter" || event.key === " ") && event.target.closest?.("a, button, summary")) {
		return;
	}
	const two = first !== null && Date.now() - firstAt < 1000 ? find(`${first} ${event.key}`) : null;
	const hit = two ?? find(event.key);

	first = null;
	if (hit) {
		event.preventDefault();
		hit.what(event);
	} else if (startsTwo(event.key)) {
		first = event.key;
		firstAt = Date.now();
	}
});

export function useKeys(keys, group = "") {
	const list = useRef([]);

	list.current = keys;
	useEffect(() => {
		list.group = group;
		lists.push(list);
		return () => lists.splice(lists.indexOf(list), 1);
	}, []);
}

export function Help({ children }) {
	const shown = useValue(help);
	const dialog = useRef(null);

	useEffect(() => {
		if (shown && !dialog.current.open) {
			dialog.current.showModal();
		}
	}, [shown]);
	if (!shown) {
		return null;
	}
	return html`<dialog ref=${dialog} aria-labelledby="h-help" onClose=${() => help.set(false)}>
		<h2 id="h-help">${t("Keys")}</h2>
		${lists.filter((l) => l.current.length > 0).map((l) => html`
			${l.group && html`<h3>${l.group}</h3>`}
			<dl class="keys">${l.current.map((k) => html`
				<dt>${k.key.split(" ").map((one) => html`<kbd>${one === " " ? "Space" : one}</kbd> `)}</dt><dd>${k.words}</dd>`)}
			</dl>`)}
		${children}
		<form method="dialog"><button type="submit">${t("Close")}</button></form>
	</dialog>`;
}
