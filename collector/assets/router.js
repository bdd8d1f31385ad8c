// SPDX-License-Identifier: Apache-2.0
// router.js - which view the address asks for.
//
// Place    above store.js.
// Contract "#/incident/3?tab=notes" is { view: "incident", arg: "3", query: URLSearchParams }. to(view, arg, {name:
//          value}) writes such an address; go() goes there, go(..., true) without a step in the history (filters).

import { value } from "./store.js";

function read() {
	const [path, query] = location.hash.replace(/^#\/?/, "").split("?", 2);
	const [view, ...rest] = path.split("/");
	let arg = rest.join("/");

	try {
		arg = decodeURIComponent(arg);
	} catch {
		arg = "";
	}
	return { view: view || "picture", arg, query: new URLSearchParams(query ?? "") };
}

export const route = value(read());

window.addEventListener("hashchange", () => route.set(read()));

export function to(view, arg, query) {
	const q = new URLSearchParams();

	for (const [name, v] of Object.entries(query ?? {})) {
		if (v !== null && v !== undefined && v !== "") {
			q.set(name, v);
		}
	}
	return `#/${view}${arg || arg === 0 ? `/${encodeURIComponent(arg)}` : ""}${q.size > 0 ? `?${q}` : ""}`;
}

export function go(view, arg, query, quiet) {
	const hash = to(view, arg, query);

	if (quiet) {
		history.replaceState(null, "", hash);
		route.set(read());
	} else {
		location.hash = hash;
	}
}
