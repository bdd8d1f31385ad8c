// SPDX-License-Identifier: Apache-2.0
// ui.js - what every view draws with.
//
// Place    above htm and Preact only; every other module of the page is above it.
// Contract html`...` is htm's, with one thing added: whatever text it shows (children, and the attributes that
//          are read aloud or shown) goes through inert(), so that no view can forget it. Values of inputs, and what
//          a view hands to a component of its own, stay as they are. A link may lead to "#", "/", http or https only.
// Cost     one walk over the nodes that a template made.

import { html as template } from "/vendor/htm-preact.js";

export { render, h, Component, createContext, useState, useReducer, useEffect, useLayoutEffect, useRef, useMemo,
	useCallback, useContext, useErrorBoundary } from "/vendor/htm-preact.js";

const HIDDEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\u2028\u2029]/gu;
const HIDDEN_IN_LINES = /[\p{Cf}\p{Cs}\p{Co}\u2028\u2029]|(?![\t\n])\p{Cc}/gu;
const SHOWN = ["title", "alt", "placeholder", "label", "aria-label", "aria-description", "aria-valuetext"];
const number = (c) => `\\u{${c.codePointAt(0).toString(16)}}`;

// Control, format and direction characters, which hide or turn around what stands beside them, by their number.
export function inert(text) {
	return String(text ?? "").replace(HIDDEN, number);
}

// As inert(), for text of several lines.
export function inertLines(text) {
	return String(text ?? "").replace(HIDDEN_IN_LINES, number);
}

// What a link may lead to, or undefined.
export function safeLink(to) {
	return /^(#|\/(?!\/)|https?:\/\/)/i.test(to ?? "") ? to : undefined;
}

const seen = new WeakSet();

function clean(node) {
	if (typeof node === "string") {
		return inertLines(node);
	}
	if (Array.isArray(node)) {
		return node.map(clean);
	}
	if (node === null || typeof node !== "object" || !node.props || seen.has(node)) {
		return node;
	}
	seen.add(node);
	const p = node.props;

	if (p.children !== undefined && typeof p.children !== "function") {
		p.children = clean(p.children);
	}
	if (typeof node.type === "string") {
		delete p.dangerouslySetInnerHTML;
		for (const name of SHOWN) {
			if (typeof p[name] === "string") {
				p[name] = inert(p[name]);
			}
		}
		if (p.href !== undefined && node.type === "a") {
			p.href = safeLink(p.href);
		}
	}
	return node;
}

export function html(...parts) {
	return clean(template.apply(null, parts));
}

// Runs 'f' at most once in 'ms', and once more when asked meanwhile.
export function calm(ms, f) {
	let timer = null;
	let again = false;
	const run = () => {
		timer = setTimeout(() => {
			timer = null;
			if (again) {
				again = false;
				run();
			}
		}, ms);
		f();
	};

	return () => {
		if (timer !== null) {
			again = true;
		} else {
			run();
		}
	};
}
