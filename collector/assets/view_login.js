// SPDX-License-Identifier: Apache-2.0
// view_login.js - the log-in: what is shown while nobody is logged in.

import { html, useEffect, useRef, useState } from "./ui.js";
import { logIn } from "./api.js";
import { startLang, t } from "./words.js";

export function Login() {
	const [error, fail] = useState(null);
	const [busy, setBusy] = useState(false);
	const form = useRef(null);

	useEffect(() => {
		document.title = "Picket";
		form.current.elements.name.focus();
	}, []);
	const enter = async (event) => {
		event.preventDefault();
		const { name, password } = form.current.elements;

		setBusy(true);
		try {
			const who = await logIn(name.value, password.value);

			await startLang(who.lang);
		} catch (e) {
			fail(e);
			setBusy(false);
			password.value = "";
			password.focus();
		}
	};

	return html`<main class="login"><section>
		<h1><img src="/icon.svg" alt="" width="28" height="28"/> Picket</h1>
		<form ref=${form} onSubmit=${enter}>
			<label>${t("Name")} <input name="name" autocomplete="username" required autocapitalize="none" spellcheck=${false}/></label>
			<label>${t("Password")} <input name="password" type="password" autocomplete="current-password" required/></label>
			${error && html`<p class="error" role="alert">${error.message}</p>`}
			<button type="submit" class="main" disabled=${busy}>${t("Log in")}</button>
		</form></section></main>`;
}
