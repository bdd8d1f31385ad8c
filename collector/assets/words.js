// SPDX-License-Identifier: Apache-2.0
// words.js - the texts of the page in the user's language.
//
// Place    above store.js.
// Contract t("English text with {name}", { name: value }) gives the text in the language of the page; the English text
//          is the key, and always a literal, for a test reads them from the source. tn(n, "{n} alert", "{n} alerts")
//          chooses by number. Values are put in as they are: html`` makes them inert. setLang("en" | "ja") loads
//          /words.ja.js (export default { "English": "Japanese" }), and then draws everything anew.

import { remembered, value } from "./store.js";

const chosen = remembered("lang", "");
const catalogue = value({});

export const lang = value("en");

export const number = (n) => Number(n ?? 0).toLocaleString(lang.get() === "ja" ? "ja-JP" : "en-US");

export function t(text, values) {
	const said = catalogue.get()[text] ?? text;

	return values === undefined ? said
		: said.replace(/\{(\w+)\}/g, (whole, name) => {
			const v = values[name];

			return v === undefined ? whole : typeof v === "number" ? number(v) : String(v);
		});
}

export function tn(n, one, many, values) {
	return t(n === 1 ? one : many, { n, ...values });
}

export async function setLang(name) {
	const next = name === "ja" ? "ja" : "en";

	if (next === "ja" && Object.keys(catalogue.get()).length === 0) {
		try {
			catalogue.set((await import("/words.ja.js")).default);
		} catch {
			return false; // no catalogue: English
		}
	} else if (next === "en") {
		catalogue.set({});
	}
	document.documentElement.lang = next;
	lang.set(next);
	return true;
}

// What the user chose here, else what the account says, else the browser's.
export function startLang(account) {
	return setLang(chosen.get() || account || (navigator.language.startsWith("ja") ? "ja" : "en"));
}

export async function chooseLang(name) {
	if (await setLang(name)) {
		chosen.set(name);
		return true;
	}
	return false;
}
