// SPDX-License-Identifier: Apache-2.0
// view_users.js - who may come in, for administrators: add, role, password, disable, remove, and who is inside.

import { html, useRef, useState } from "./ui.js";
import { useValue } from "./store.js";
import { me, post, whoAmI } from "./api.js";
import { useAnswer } from "./live.js";
import { toast, tried } from "./toast.js";
import { Time } from "./time.js";
import { number, t } from "./words.js";

const roles = () => [["viewer", t("viewer")], ["analyst", t("analyst")], ["coordinator", t("coordinator")], ["administrator", t("administrator")]];

function Roles({ value, onChange, label }) {
	return html`<select name="role" aria-label=${label} value=${value} onChange=${onChange}>${roles().map(([v, name]) => html`<option value=${v} selected=${v === value}>${name}</option>`)}</select>`;
}

function Add({ onDone, first }) {
	const form = useRef(null);
	const add = async (event) => {
		event.preventDefault();
		const { name, role, owner, password } = form.current.elements;
		const done = await tried(post("/api/users", { act: "add", name: name.value, role: role.value, owner: owner.value, password: password.value }));

		if (done) {
			toast(t("{name} may come in.", { name: name.value }));
			form.current.reset();
			onDone();
		}
	};

	return html`<section><h2>${t("Add somebody")}</h2>
		${first && html`<p class="small">${t("Nobody has to log in yet. With the first user everybody has to: make that an administrator.")}</p>`}
		<form ref=${form} class="fields" onSubmit=${add}>
			<label>${t("Name")} <input name="name" required autocomplete="off" autocapitalize="none" spellcheck=${false}/></label>
			<label>${t("Role")} <${Roles} value=${first ? "administrator" : "analyst"} label=${t("Role")}/></label>
			<label>${t("Owner")} <input name="owner" autocomplete="off" placeholder=${t("empty: sees all")}/></label>
			<label>${t("Password")} <input name="password" type="password" required autocomplete="new-password"/></label>
			<button type="submit" class="main">${t("Add")}</button></form></section>`;
}

// Changes that cannot be taken back are asked for twice.
function Sure({ words, what }) {
	const [asked, ask] = useState(false);

	return html`<button type="button" class=${asked ? "bad" : ""} onBlur=${() => ask(false)}
		onClick=${() => { ask(!asked); if (asked) { what(); } }}>${asked ? t("{what}: sure?", { what: words }) : words}</button>`;
}

function Password({ act }) {
	const [open, set] = useState(false);
	const field = useRef(null);

	return open
		? html`<form class="row" onSubmit=${async (e) => { e.preventDefault(); if (await act({ act: "password", password: field.current.value })) { set(false); } }}>
			<input ref=${field} type="password" aria-label=${t("New password")} autocomplete="new-password" required/><button type="submit">${t("Set")}</button></form>`
		: html`<button type="button" onClick=${() => set(true)}>${t("Password")}</button>`;
}

function One({ u, mine, onDone }) {
	const act = async (body) => {
		const done = await tried(post("/api/users", { name: u.name, ...body }));

		onDone();
		return done;
	};

	return html`<tr><th scope="row" class="name">${u.name}</th>
		<td><${Roles} value=${u.role} label=${t("Role of {name}", { name: u.name })} onChange=${(e) => act({ act: "role", role: e.target.value, owner: u.owner })}/></td>
		<td>${u.owner}</td>
		<td>${u.disabled ? html`<span class="bad">${t("disabled")}</span>` : t("may come in")}</td>
		<td class="num">${number(u.failed)}</td><td><${Time} at=${u.changed}/></td>
		<td><div class="row"><${Password} act=${act}/>
			<button type="button" onClick=${() => act({ act: u.disabled ? "enable" : "disable" })}>${u.disabled ? t("Enable") : t("Disable")}</button>
			<button type="button" onClick=${() => act({ act: "logout" })}>${t("End sessions")}</button>
			${!mine && html`<${Sure} words=${t("Remove")} what=${() => act({ act: "remove" })}/>`}</div></td></tr>`;
}

function Wide({ label, names, children }) {
	return html`<div class="scroll" tabindex="0" role="region" aria-label=${label}><table class="plain"><thead><tr>
		${names.map((name) => html`<th scope="col">${name}</th>`)}</tr></thead><tbody>${children}</tbody></table></div>`;
}

export function Users() {
	const { data, error, reload } = useAnswer("/api/users", {});
	const user = useValue(me);
	const first = data?.rows.length === 0;
	// With the first user the collector asks everybody, me too.
	const added = async () => (first ? tried(whoAmI()) : reload());

	return html`<h1 class="unseen">${t("Users")}</h1>
		${error && html`<p class="error" role="alert">${error.message}</p>`}
		${data && html`<${Add} onDone=${added} first=${first}/>
		<section><h2>${t("Users")}</h2>
			${first ? html`<p class="none">${t("No users.")}</p>`
				: html`<${Wide} label=${t("Users")} names=${[t("Name"), t("Role"), t("Owner"), t("State"), t("Failed log-ins"), t("Changed"), t("Change")]}>
				${data.rows.map((u) => html`<${One} key=${u.name} u=${u} mine=${u.name === user.name} onDone=${reload}/>`)}<//>`}</section>
		<section><h2>${t("Sessions")}</h2>
			${data.sessions.length === 0 ? html`<p class="none">${t("Nobody is logged in.")}</p>`
				: html`<${Wide} label=${t("Sessions")} names=${[t("Name"), t("From"), t("Since"), t("Last seen"), t("Ends")]}>
				${data.sessions.map((s) => html`<tr><th scope="row">${s.user}</th><td class="mono">${s.from}</td><td><${Time} at=${s.created}/></td><td><${Time} at=${s.seen}/></td><td><${Time} at=${s.ends}/></td></tr>`)}<//>`}</section>`}`;
}
