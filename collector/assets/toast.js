// SPDX-License-Identifier: Apache-2.0
// toast.js - short notes about what was done, with a way back.
//
// Place    above ui.js and words.js.
// Contract toast(text, { undo: f, bad: true }) shows a note for 6 s (with undo 15 s), and has it read aloud; undoLast()
//          is what the key u does. tried(promise) shows a refusal as a note and gives undefined then.

import { html } from "./ui.js";
import { useValue, value } from "./store.js";
import { t } from "./words.js";

const notes = value([]);
let next = 1;

export function drop(id) {
	notes.set(notes.get().filter((n) => n.id !== id));
}

export function toast(text, { undo, bad } = {}) {
	const id = next++;

	notes.set([...notes.get().slice(-3), { id, text, undo, bad }]);
	setTimeout(() => drop(id), undo || bad ? 15000 : 6000);
	return id;
}

export function undoLast() {
	const last = notes.get().findLast((n) => n.undo);

	if (last) {
		drop(last.id);
		last.undo();
	}
}

export async function tried(promise) {
	try {
		return await promise;
	} catch (e) {
		toast(e.message, { bad: true });
		return undefined;
	}
}

export function Toasts() {
	return html`<div class="toasts" role="status">${useValue(notes).map((n) => html`
		<p key=${n.id} class=${n.bad ? "toast bad" : "toast"}><span>${n.text}</span>
			${n.undo && html`<button type="button" onClick=${() => { drop(n.id); n.undo(); }}>${t("Undo")} <kbd>u</kbd></button>`}
			<button type="button" class="plain" aria-label=${t("Close")} onClick=${() => drop(n.id)}>\u00d7</button></p>`)}</div>`;
}
