// SPDX-License-Identifier: Apache-2.0
// People: the first user, the log-in, what a role sees, the password.  users.mjs URL (of a store without users)
import { accessible, check, finish, open } from "./harness.mjs";

const url = process.argv[2];
const { browser, page, complaints } = await open();
const SECRET = "correct horse battery 1";
const NEXT = "staple of another kind 2";

// Refused log-ins are answered with 401 or 429, which the browser tells its console.
const expected = (c) => /status of (401|429)/.test(c) && c.includes("/api/login");

async function add(name, role) {
	const form = page.locator("section", { hasText: "Add somebody" });

	await form.getByLabel("Name").fill(name);
	await form.getByLabel("Role").selectOption(role);
	await form.getByLabel("Password").fill(SECRET);
	await form.getByRole("button", { name: "Add" }).click();
}

async function logIn(name, password) {
	await page.getByLabel("Name").fill(name);
	await page.getByLabel("Password").fill(password);
	await page.getByRole("button", { name: "Log in" }).click();
}

await page.goto(`${url}#/users`);
await page.getByText("Nobody has to log in yet.").waitFor();
await accessible(page, "users, none");
await add("chief", "administrator");
await page.getByRole("button", { name: "Log in" }).waitFor();
check(true, "with the first user everybody has to log in");
await accessible(page, "the log-in");
await logIn("chief", "wrong password 33");
await page.locator("[role=alert]").waitFor();
check((await page.locator("[role=alert]").innerText()).includes("wrong"), "a wrong password is refused");
// One that failed makes the next wait.
while (await page.getByText("Add somebody").count() === 0) {
	await logIn("chief", SECRET);
	await Promise.race([page.getByText("Add somebody").waitFor(), page.locator("[role=alert]", { hasText: "wait" }).waitFor()]);
	await page.locator("button[disabled]").waitFor({ state: "detached" });
}
check(true, "the right one opens the view that was asked for");
await add("ana", "viewer");
await page.getByRole("rowheader", { name: "ana" }).first().waitFor();
await accessible(page, "users");
check(await page.locator("table").first().getByText("chief").count() === 1, "both are listed");
await page.getByRole("button", { name: "Log out" }).click();
await page.getByRole("button", { name: "Log in" }).waitFor();

await logIn("ana", SECRET);
await page.locator("nav.menu").waitFor();
check(await page.locator("nav.menu a", { hasText: "Users" }).count() === 0, "a viewer has no menu of users");
await page.keyboard.press("g");
await page.keyboard.press("u");
await page.getByLabel("Now").fill(SECRET);
await page.getByLabel("New", { exact: true }).fill(NEXT);
await page.getByRole("button", { name: "Change" }).click();
await page.getByRole("button", { name: "Log in" }).waitFor();
check(true, "a new password ends the session");
await logIn("ana", NEXT);
await page.locator("nav.menu").waitFor();
check(true, "and opens the next");

finish(complaints.filter((c) => !expected(c)));
await browser.close();
