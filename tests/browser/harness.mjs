// SPDX-License-Identifier: Apache-2.0
// A browser on the console, that counts everything the browser complains of.
import fs from "node:fs";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

const require = createRequire(import.meta.url);
const axeSource = fs.readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
let failed = 0;

// Slow machines wait longer: PICKET_PATIENCE is by how much.
export const PATIENCE = 10000 * Number(process.env.PICKET_PATIENCE ?? 6);

export function check(ok, what) {
	console.log(`${ok ? "ok" : "FAIL"}: ${what}`);
	failed += ok ? 0 : 1;
	return ok;
}

export async function open(options) {
	const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox", "--disable-gpu", "--disable-quic"] });
	const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, locale: "en-US", ...options });
	const page = await context.newPage();
	const complaints = [];

	page.setDefaultTimeout(PATIENCE);
	page.on("pageerror", (e) => complaints.push(`uncaught: ${e.message}`));
	page.on("console", (m) => {
		// A collector without accounts has no /api/me, and the page asks.
		if (["error", "warning"].includes(m.type()) && !m.location().url.endsWith("/api/me")) {
			complaints.push(`${m.type()}: ${m.text()} (${m.location().url})`);
		}
	});
	return { browser, page, complaints };
}

// What axe-core holds against the page as it is.
export async function accessible(page, what) {
	await page.evaluate(axeSource);
	const found = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));

	check(found.violations.length === 0, `${what}: axe finds nothing`);
	for (const v of found.violations) {
		console.log(`  ${v.id}: ${v.help}`);
		v.nodes.slice(0, 4).forEach((n) => console.log(`    ${n.target.join(" ")}: ${n.failureSummary.replace(/\s+/g, " ").slice(0, 200)}`));
	}
}

export function finish(complaints) {
	check(complaints.length === 0, "the browser complained of nothing");
	complaints.forEach((c) => console.log(`  ${c}`));
	process.exitCode = failed > 0 ? 1 : 0;
}
