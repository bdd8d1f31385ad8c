// SPDX-License-Identifier: Apache-2.0
// live.js - what happens, as the collector tells it.
//
// Place    above api.js.
// Contract One EventSource for the page. on("alerts" | "groups" | "incidents" | "status" | "consult" | "reset", f) calls
//          f(data) and returns what ends it. "reset" means ask anew: events were missed, or the stream has just begun.
//          useAnswer(path, parameters, { events, every }) asks, and asks again when one of the events comes, at most
//          each 'every' ms; it keeps the last answer while it asks and never shows an older answer over a newer one.
//          "?live=no" in the address is a picture of the moment: to print, or for a slow link.

import { useEffect, useRef, useState, calm } from "./ui.js";
import { value } from "./store.js";
import { address, get } from "./api.js";

const NAMES = ["alerts", "groups", "incidents", "status", "consult", "reset"];
const told = new Map(NAMES.map((name) => [name, new Set()]));
let source = null;

export const link = value("connecting"); // "live", "lost", "still"
export const still = new URLSearchParams(location.search).get("live") === "no";

export function on(name, f) {
	told.get(name).add(f);
	return () => told.get(name).delete(f);
}

function tell(name, data) {
	for (const f of [...told.get(name)]) {
		f(data);
	}
}

export function stop() {
	source?.close();
	source = null;
	link.set("connecting");
}

export function start() {
	if (still) {
		link.set("still");
		tell("reset", {});
		return;
	}
	stop();
	source = new EventSource("/api/events");
	source.addEventListener("open", () => {
		link.set("live");
		tell("reset", {});
	});
	source.addEventListener("error", () => link.set("lost"));
	for (const name of NAMES) {
		source.addEventListener(name, (event) => tell(name, JSON.parse(event.data)));
	}
}

export function useLive(name, f) {
	const now = useRef(f);

	now.current = f;
	useEffect(() => on(name, (data) => now.current(data)), [name]);
}

export function useAnswer(path, parameters, { events = [], every = 1000 } = {}) {
	const [state, set] = useState({ data: null, error: null, busy: true });
	const turn = useRef(0);
	const key = path && address(path, parameters);
	const ask = async () => {
		const mine = ++turn.current;

		if (!key) {
			return;
		}
		try {
			const data = await get(key);

			if (mine === turn.current) {
				set({ data, error: null, busy: false });
			}
		} catch (error) {
			if (mine === turn.current) {
				set((old) => ({ data: old.data, error, busy: false }));
			}
		}
	};

	useEffect(() => {
		let over = false;
		const soon = calm(every, () => over || ask());
		const ends = ["reset", ...events].map((name) => on(name, soon));

		soon();
		return () => {
			over = true;
			turn.current++;
			ends.forEach((end) => end());
		};
	}, [key]);
	return { ...state, reload: ask };
}
