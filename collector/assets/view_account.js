// SPDX-License-Identifier: Apache-2.0
// view_account.js - who I am to the collector, and how I want to read.

import { html, useRef } from "./ui.js";
import { useValue } from "./store.js";
import { hasAccount, me, post, whoAmI } from "./api.js";
import { theme } from "./theme.js";
import { toast, tried } from "./toast.js";
import { zone } from "./time.js";
import { chooseLang, lang, t } from "./words.js";

// An account keeps the choice for other browsers; without accounts this browser does.
async function keep(what) {
	if (hasAccount(me.get())) {
		await tried(post("/api/me", what));
	}
}

async function language(name) {
	if (await chooseLang(name)) {
		await keep({ lang: name });
	} else {
		toast(t("This collector has no texts in that language."), { bad: true });
	}
}

function Password() {
	const form = useRef(null);
	const change = async (event) => {
		event.preventDefault();
		const { old, password } = form.current.elements;

		if (await tried(post("/api/me", { old: old.value, password: password.value }))) {
			toast(t("The password is changed; every session has ended."));
			await tried(whoAmI());
		}
	};

	return html`<section><h2>${t("Password")}</h2><form ref=${form} class="fields" onSubmit=${change}>
		<label>${t("Now")} <input name="old" type="password" autocomplete="current-password" required/></label>
		<label>${t("New")} <input name="password" type="password" autocomplete="new-password" required/></label>
		<button type="submit">${t("Change")}</button></form></section>`;
}

export function Account() {
	const user = useValue(me);
	const select = (label, value, choices, set) => html`<label>${label}
		<select value=${value} onChange=${(e) => set(e.target.value)}>${choices.map(([v, name]) => html`<option value=${v}>${name}</option>`)}</select></label>`;

	return html`<h1 class="unseen">${t("Account")}</h1><div class="narrow">
		<section><h2>${t("Account")}</h2><dl class="pairs">
			<dt>${t("Name")}</dt><dd>${user.name}</dd><dt>${t("Role")}</dt><dd>${user.role}</dd>
			${user.owner && html`<dt>${t("Owner")}</dt><dd>${user.owner}</dd>`}</dl>
			${!hasAccount(user) && html`<p class="small">${t("This collector has no accounts: whoever reaches it may do everything.")}</p>`}</section>
		<section><h2>${t("How to read")}</h2><div class="fields">
			${select(t("Language"), useValue(lang), [["en", "English"], ["ja", "日本語"]], language)}
			${select(t("Times"), useValue(zone), [["utc", t("UTC")], ["local", t("local")]], (v) => { zone.set(v); keep({ zone: v }); })}
			${select(t("Colours"), useValue(theme), [["auto", t("as the system")], ["light", t("light")], ["dark", t("dark")]], (v) => theme.set(v))}
		</div></section>
		${hasAccount(user) && html`<${Password}/>`}</div>`;
}
