// SPDX-License-Identifier: Apache-2.0
// api.js - questions to the collector, and orders.
//
// Place    above store.js; below every view.
// Contract get(path, {name: value}) and post(path, body) give the answer's JSON or throw Refused: message, status, and
//          field (which part of the question it is about), as the API said it. Status 401 empties 'me', and the frame
//          shows the log-in. may(right) tells whether the user may; the API decides, this only hides what would be refused.
//          hasAccount(me) is whether there is somebody to log out.
//          me: null before it is known; { name: "" } nobody is logged in; else what GET /api/me says.

import { value } from "./store.js";

export const me = value(null);

const NOBODY = { name: "", role: "", rights: [] };
// A collector without accounts serves whoever reaches its loopback address.
const LOCAL = { name: "local", role: "administrator", owner: "", rights: null, csrf: "1" };

export class Refused extends Error {
	constructor(message, status, field) {
		super(message);
		this.status = status;
		this.field = field;
	}
}

async function answer(path, how) {
	let reply;

	try {
		reply = await fetch(path, how);
	} catch {
		throw new Refused("the collector does not answer", 0);
	}
	const said = await reply.json().catch(() => ({}));

	if (reply.status === 401 && me.get()?.name) {
		me.set(NOBODY);
	}
	if (!reply.ok) {
		throw new Refused(said.error ?? `status ${reply.status}`, reply.status, said.field);
	}
	return said;
}

export function address(path, parameters) {
	const query = new URLSearchParams();

	for (const [name, v] of Object.entries(parameters ?? {})) {
		if (v !== null && v !== undefined && v !== "") {
			query.set(name, v);
		}
	}
	return query.size > 0 ? `${path}?${query}` : path;
}

export function get(path, parameters) {
	return answer(address(path, parameters));
}

export function post(path, body) {
	return answer(path, {
		method: "POST",
		headers: { "X-Picket": me.get()?.csrf || "1", "Content-Type": "application/json" },
		body: JSON.stringify(body ?? {}),
	});
}

export async function whoAmI() {
	try {
		me.set(await get("/api/me"));
	} catch (e) {
		me.set(e.status === 404 ? LOCAL : NOBODY);
		if (e.status !== 404 && e.status !== 401) {
			throw e;
		}
	}
	return me.get();
}

export async function logIn(name, password) {
	await post("/api/login", { name, password });
	return whoAmI();
}

export async function logOut() {
	await post("/api/logout");
	me.set(NOBODY);
}

// False for "local": a collector that nobody logs in to.
export function hasAccount(user) {
	return user.csrf !== "1";
}

const ROLES = ["viewer", "analyst", "coordinator", "administrator"];

// 'role': the least one that may.
export function may(role) {
	return ROLES.indexOf(me.get()?.role) >= ROLES.indexOf(role);
}
