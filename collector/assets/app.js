// SPDX-License-Identifier: Apache-2.0
// app.js - the page's frame: who is logged in, the bar, the menu, and the view that the address asks for.
//
// Place    above everything else of the page.

import { html, render, inert, useEffect, useErrorBoundary, useState } from "./ui.js";
import { useValue } from "./store.js";
import { lang, number, startLang, t } from "./words.js";
import { hasAccount, logOut, may, me, whoAmI } from "./api.js";
import { link, start, stop, useLive } from "./live.js";
import { alertsIn, scope, status, watchStatus } from "./scope.js";
import { route, go, to } from "./router.js";
import { Help, help, useKeys } from "./keys.js";
import { Toasts, undoLast } from "./toast.js";
import { theme } from "./theme.js";
import { Login } from "./view_login.js";
import { views } from "./views.js";

const THEMES = ["auto", "light", "dark"];
const LINKS = () => ({ live: t("live"), connecting: t("connecting"), lost: t("connection lost, trying again"), still: t("still") });

function Fact({ name, value, tone }) {
	return html`<div class=${tone}><dt>${name}</dt><dd>${value}</dd></div>`;
}

function Facts() {
	const s = useValue(status);
	const name = useValue(scope);

	if (!s) {
		return html`<dl class="facts"></dl>`;
	}
	const lost = s.store.lost_events + s.store.missing_frames;

	return html`<dl class="facts">
		<${Fact} name=${t("sensors live")} value=${number(s.sensors.live)} tone=${s.sensors.live > 0 ? "good" : ""}/>
		<${Fact} name=${t("silent")} value=${number(s.sensors.silent)} tone=${s.sensors.silent > 0 ? "bad" : ""}/>
		<${Fact} name=${t("alerts/min")} value=${number(s.alerts_per_minute)}/>
		<${Fact} name=${t("alerts")} value=${number(alertsIn(name))}/>
		${lost > 0 && html`<${Fact} name=${t("lost or missing")} value=${number(lost)} tone="bad"/>`}
	</dl>`;
}

function Scope() {
	const s = useValue(status);
	const name = useValue(scope);

	if (!s || (s.exercises.length === 0 && !name)) {
		return null;
	}
	return html`<label class="scope">${t("Events")} <select value=${name} onChange=${(e) => scope.set(e.target.value)}>
		<option value="">${t("Real world")}</option>
		${s.exercises.map((e) => html`<option value=${e.name}>${t("Exercise {name}", { name: e.name })}</option>`)}</select></label>`;
}

function nextTheme() {
	theme.set(THEMES[(THEMES.indexOf(theme.get()) + 1) % THEMES.length]);
}

function Bar({ user }) {
	const state = useValue(link);
	const look = useValue(theme);

	return html`<header class="bar">
		<p class="mark"><img src="/icon.svg" alt="" width="20" height="20"/> <a href=${to("picture")}>Picket</a></p>
		<${Facts}/><${Scope}/>
		<span class=${`link ${state === "live" ? "good" : state === "lost" ? "bad" : ""}`} role="status">${LINKS()[state]}</span>
		<button type="button" onClick=${nextTheme} title=${t("Light, dark, or as the system (t)")}>${{ auto: t("auto"), light: t("light"), dark: t("dark") }[look]}</button>
		<a href=${to("account")} title=${t("Account")}>${user.name}</a>
		${hasAccount(user) && html`<button type="button" onClick=${() => logOut().catch(() => {})}>${t("Log out")}</button>`}
		<button type="button" onClick=${() => help.set(true)} title=${t("Keys (?)")} aria-label=${t("Keys")}>?</button>
	</header>`;
}

function Menu({ all, at }) {
	return html`<nav class="menu" aria-label=${t("Views")}><ul>${all.filter((v) => v.words).map((v) => html`
		<li><a href=${v.draw ? to(v.view) : v.old()} aria-current=${v.view === at ? "page" : undefined} title=${`g ${v.key}`}>${v.words}</a></li>`)}</ul></nav>`;
}

function move(by) {
	const all = [...document.querySelectorAll("main [data-row]")].filter((e) => e.offsetParent !== null);
	const at = all.findIndex((e) => e === document.activeElement || e.contains(document.activeElement));

	all[Math.min(all.length - 1, Math.max(0, at < 0 ? 0 : at + by))]?.focus();
}

function Former({ to: where }) {
	useEffect(() => location.replace(where), [where]);
	return html`<section><p><a href=${where}>${t("On the former page")}</a></p></section>`;
}

function View({ row, at }) {
	const [error, forget] = useErrorBoundary();

	useEffect(() => () => error && forget(), [at.view]);
	if (error) {
		return html`<section><h1>${t("This view has failed")}</h1><p class="error" role="alert">${error.message}</p>
			<button type="button" onClick=${forget}>${t("Try again")}</button></section>`;
	}
	if (!row) {
		return html`<section><h1>${t("There is no such view")}</h1><p><a href=${to("picture")}>${t("Picture")}</a></p></section>`;
	}
	if (!row.draw) {
		return html`<${Former} to=${row.old(at.arg)}/>`;
	}
	return html`<${row.draw} key=${row.view} arg=${at.arg} query=${at.query}/>`;
}

function Inside({ user }) {
	const at = useValue(route);
	const name = useValue(scope);
	const all = views().filter((v) => !v.role || may(v.role));
	const row = all.find((v) => v.view === at.view);

	useEffect(() => {
		start();
		return stop;
	}, []);
	useLive("reset", () => {});
	useKeys([
		...all.filter((v) => v.key).map((v) => ({ key: `g ${v.key}`, words: v.words, what: () => (v.draw ? go(v.view) : location.assign(v.old())) })),
		{ key: "/", words: t("search"), what: () => document.querySelector("[data-query]")?.focus() },
		{ key: "u", words: t("undo"), what: undoLast },
		{ key: "t", words: t("light or dark"), what: nextTheme },
		{ key: "?", words: t("this help"), what: () => help.set(true) },
		{ key: "j", words: t("next row"), what: () => move(1) },
		{ key: "k", words: t("previous row"), what: () => move(-1) },
	], t("Everywhere"));
	document.title = inert(`${row?.words ?? at.view}${name ? `: ${t("EXERCISE {name}", { name })}` : ""} - Picket`);
	return html`<a class="skip" href="#main" onClick=${(e) => { e.preventDefault(); document.querySelector("main").focus(); }}>${t("Skip to the view")}</a>
		<${Bar} user=${user}/>
		<${Menu} all=${all} at=${at.view}/>
		${name && html`<p class="banner">${t("EXERCISE {name}: none of this is a real-world event", { name })}</p>`}
		<main id="main" tabindex="-1"><${View} key=${at.view} row=${row} at=${at}/></main>
		<${Toasts}/><${Help}/>`;
}

function Frame() {
	const user = useValue(me);
	const [failed, fail] = useState(null);

	useValue(lang); // every text anew
	useEffect(() => {
		whoAmI().then((who) => startLang(who.lang), (e) => {
			startLang();
			fail(e);
		});
	}, []);
	if (user === null) {
		return failed && html`<main><p class="error" role="alert">${failed.message}</p></main>`;
	}
	return user.name ? html`<${Inside} user=${user}/>` : html`<${Login}/><${Toasts}/>`;
}

watchStatus();
render(html`<${Frame}/>`, document.getElementById("app"));
