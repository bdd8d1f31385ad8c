// SPDX-License-Identifier: Apache-2.0
// theme.js - light or dark.
//
// Place    above store.js.
// Contract theme is "auto" (as the system), "light" or "dark", remembered; shownTheme is what is shown, for drawings
//          that have to take their colours anew. colour("--s1") reads a colour of style.css.

import { remembered, value } from "./store.js";

const dark = matchMedia("(prefers-color-scheme: dark)");

export const theme = remembered("theme", "auto");
export const shownTheme = value("light");

function apply() {
	const name = theme.get() === "auto" ? (dark.matches ? "dark" : "light") : theme.get();

	document.documentElement.dataset.theme = name;
	shownTheme.set(name);
}

export function colour(name) {
	return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

theme.on(apply);
dark.addEventListener("change", apply);
apply();
