// SPDX-License-Identifier: Apache-2.0
// store.js - a value that several parts of the page share.
//
// Place    above ui.js.
// Contract const s = value(first): s.get(), s.set(next), s.on(f) -> a function that ends it; useValue(s) in a view
//          draws it anew when the value changes. remembered(name, first) is kept in this browser, when it keeps things.

import { useEffect, useState } from "./ui.js";

export function value(first) {
	let now = first;
	const told = new Set();

	return {
		get: () => now,
		set(next) {
			if (next !== now) {
				now = next;
				[...told].forEach((f) => f(now));
			}
		},
		on(f) {
			told.add(f);
			return () => told.delete(f);
		},
	};
}

export function useValue(shared) {
	const [now, set] = useState(shared.get());

	useEffect(() => {
		set(shared.get());
		return shared.on(set);
	}, [shared]);
	return now;
}

export function remembered(name, first) {
	let kept = null;

	try {
		kept = localStorage.getItem(`picket.${name}`);
	} catch {
		// A browser that keeps nothing still shows everything.
	}
	const shared = value(kept ?? first);

	shared.on((next) => {
		try {
			localStorage.setItem(`picket.${name}`, next);
		} catch {
			// As above.
		}
	});
	return shared;
}
