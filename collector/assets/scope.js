// SPDX-License-Identifier: Apache-2.0
// scope.js - real world or exercise, never both on one page.
//
// Place    above live.js.
// Contract scope is null before the first status, "" for real events, else the exercise's name; scoped({...}) adds it to
//          the parameters of a question. status is the last of GET /api/status and its events. watchStatus() once.

import { value } from "./store.js";
import { get } from "./api.js";
import { on } from "./live.js";

export const scope = value(null);
export const status = value(null);

export function alertsIn(name) {
	const s = status.get();

	return name ? s.exercises.find((e) => e.name === name)?.alerts ?? 0
		: s.store.alerts - s.exercises.reduce((n, e) => n + e.alerts, 0);
}

export function scoped(parameters) {
	return scope.get() ? { ...parameters, exercise: scope.get() } : parameters;
}

function take(s) {
	status.set(s);
	if (scope.get() === null) {
		// With nothing real in the store, an exercise is what there is to see.
		scope.set(alertsIn("") === 0 && s.exercises.length > 0 ? s.exercises[0].name : "");
	}
}

export function watchStatus() {
	on("status", take);
	on("reset", () => get("/api/status").then(take).catch(() => {}));
}
