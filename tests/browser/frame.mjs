// SPDX-License-Identifier: Apache-2.0
// The frame and the views that come with it: keys, themes, a phone, hostile names, long lists.  frame.mjs URL
import { accessible, check, finish, open } from "./harness.mjs";

const url = process.argv[2];
const { browser, page, complaints } = await open();
const text = (selector) => page.locator(selector).first().innerText();

await page.goto(url);
await page.getByText("Shared address at two sites: a title & <b>no markup</b>").waitFor();
check(true, "the picture shows an incident, and markup in its title is text");
await page.locator(".link", { hasText: "live" }).waitFor();
await page.locator(".plot canvas").waitFor();
check((await text(".legend")).includes("severity 1"), "alerts over time are drawn by severity");
check(!(await text("main")).includes("a drill"), "an exercise's incident is not among real ones");
for (const theme of ["light", "dark"]) {
	while (await page.evaluate(() => document.documentElement.dataset.theme) !== theme
		|| (await page.evaluate(() => localStorage.getItem("picket.theme"))) !== theme) {
		await page.keyboard.press("t");
	}
	for (const [key, view, heading] of [["p", "picture", "Sites"], ["s", "sensors", "Sensors"], ["u", "account", "How to read"]]) {
		await page.keyboard.press("g");
		await page.keyboard.press(key);
		await page.locator(`nav a[aria-current=page][href="#/${view}"]`).waitFor();
		await page.locator("main :is(h1, h2)", { hasText: heading }).first().waitFor();
		await page.waitForLoadState("networkidle", { timeout: 3000 }).catch(() => {});
		await accessible(page, `${view}, ${theme}`);
	}
}

await page.keyboard.press("g");
await page.keyboard.press("s");
await page.getByText("\\u{202e}").first().waitFor();
check((await page.locator("tbody").innerText()).includes("<img src=x onerror="), "a hostile sensor's name is text");
check(await page.locator("main img").count() === 0 && !(await page.title()).includes("owned"), "and makes no element");
await page.keyboard.press("j");
await page.keyboard.press("Enter");
await page.getByText("presence.rules_loaded").waitFor();
check(true, "j and Enter open a sensor");

await page.keyboard.press("?");
await page.locator("dialog[open]").waitFor();
check((await text("dialog")).includes("next row"), "? lists the keys");
await accessible(page, "the keys");
await page.keyboard.press("Escape");
await page.locator("dialog").waitFor({ state: "detached" });

await page.locator(".scope select").selectOption("KEEN TEST");
await page.keyboard.press("g");
await page.keyboard.press("p");
await page.getByText("a drill").waitFor();
check((await text(".banner")).includes("EXERCISE KEEN TEST"), "an exercise says so across the page");
check(!(await text("main")).includes("Shared address"), "and shows nothing real");

await page.setViewportSize({ width: 390, height: 800 });
for (const view of ["picture", "sensors", "account"]) {
	await page.goto(`${url}#/${view}`);
	await page.locator(`nav a[aria-current=page][href="#/${view}"]`).waitFor();
	check(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${view} fits on a phone`);
}

// Long lists: 20,000 rows, few of them drawn, and a page is asked for where the list ends.
await page.setViewportSize({ width: 1280, height: 900 });
const list = await page.evaluate(async () => {
	const { html, render } = await import("/ui.js");
	const { Table } = await import("/table.js");
	const box = document.createElement("div");
	let more = 0;
	const rows = Array.from({ length: 20000 }, (_, id) => ({ id, name: id === 3 ? "\u202e<b>x</b>" : `row ${id}` }));
	const pages = { rows, total: 1000000, busy: false, error: null, more: () => more++ };
	const soon = () => new Promise((done) => setTimeout(() => requestAnimationFrame(done), 100));

	document.querySelector("main").append(box);
	render(html`<${Table} list=${pages} label="rows" columns=${[{ name: "name", width: "1fr", cell: (r) => r.name }]}/>`, box);
	await soon();
	const first = { drawn: box.querySelectorAll(".vrow").length, text: box.innerText, more };
	const grid = box.querySelector(".vbox");

	grid.scrollTop = grid.scrollHeight;
	await soon();
	const last = { drawn: box.querySelectorAll(".vrow").length, text: box.innerText, more };

	render(null, box);
	box.remove();
	return { first, last };
});
check(list.first.drawn > 5 && list.first.drawn < 100 && list.last.drawn < 100, `of 20000 rows few are drawn (${list.first.drawn})`);
check(list.first.text.includes("\\u{202e}<b>x</b>"), "a hostile cell is text");
check(list.first.more === 0 && list.last.more > 0 && list.last.text.includes("row 19999"), "the next page is asked for at the end, not before");

// What every template does with texts and links.
const safe = await page.evaluate(async () => {
	const { html, render, safeLink, inert } = await import("/ui.js");
	const box = document.createElement("div");

	render(html`<a href=${"javascript:alert(1)"} title=${"a\u202eb"}>${"x\u0007y"}</a>`, box);
	return { href: box.firstChild.getAttribute("href"), title: box.firstChild.title, text: box.textContent,
		links: ["#/a", "/api", "https://x/", "//evil", "data:x", " javascript:x"].map((l) => safeLink(l) !== undefined), inert: inert("a\nb\u200f") };
});
check(safe.href === null && safe.title === "a\\u{202e}b" && safe.text === "x\\u{7}y", "links and titles are made safe");
check(JSON.stringify(safe.links) === "[true,true,true,false,false,false]" && safe.inert === "a\\u{a}b\\u{200f}", "which links and characters");

finish(complaints);
await browser.close();
