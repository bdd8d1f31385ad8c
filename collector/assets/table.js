// SPDX-License-Identifier: Apache-2.0
// table.js - a long list that stays smooth: only the rows in sight are drawn, the rest is asked for page by page.
//
// Place    above ui.js, keys.js, api.js.
// Contract const list = usePages(path, parameters, field) asks for the first page and gives { rows, total, busy, error,
//          done, more(), reload(), patch(f), drop(ids) }; the API's answer is { rows, next, total? }, `next` is sent back
//          as `cursor`. <Table list columns rowKey label onOpen marked onMark fresh onFresh actions/>: a column is
//          { name, width: "90px" or "2fr", cell(row), num }. j/k and the arrows move, Enter and o open, x marks, Home
//          and End go to the ends. Rows that are new are never put in by themselves: `fresh` is how many wait, and
//          onFresh shows them. The place and the marks are kept by key, not by position.
// Memory   at most MAX_ROWS rows; the user narrows the question before that.

import { html, useEffect, useMemo, useRef, useState } from "./ui.js";
import { get } from "./api.js";
import { useKeys } from "./keys.js";
import { t, tn } from "./words.js";

const ROW = 34; // as .vrow in style.css
const AROUND = 8;
const PAGE = 100;
export const MAX_ROWS = 20000;

const EMPTY = { rows: [], next: null, total: null, busy: true, error: null };

export function usePages(path, parameters, field = "rows") {
	const [state, set] = useState(EMPTY);
	const turn = useRef(0);
	const asking = useRef(false);
	const key = JSON.stringify([path, parameters]);
	const ask = async (cursor) => {
		const mine = cursor ? turn.current : ++turn.current;

		if (cursor && asking.current) {
			return;
		}
		asking.current = true;
		set((old) => ({ ...old, busy: true }));
		try {
			const a = await get(path, { limit: PAGE, ...parameters, cursor });

			if (mine === turn.current) {
				set((old) => ({
					rows: cursor ? [...old.rows, ...a[field]] : a[field], next: a.next ?? null,
					total: a.total ?? old.total, busy: false, error: null,
				}));
			}
		} catch (error) {
			if (mine === turn.current) {
				set((old) => ({ ...old, busy: false, error }));
			}
		} finally {
			if (mine === turn.current) {
				asking.current = false;
			}
		}
	};

	useEffect(() => {
		if (path) {
			ask(null);
		}
		return () => {
			turn.current++;
			asking.current = false;
		};
	}, [key]);
	return {
		...state,
		done: state.next === null || state.rows.length >= MAX_ROWS,
		more: () => state.next !== null && state.rows.length < MAX_ROWS && !state.busy && ask(state.next),
		reload: () => ask(null),
		patch: (f) => set((old) => ({ ...old, rows: old.rows.map(f) })),
		drop: (gone) => set((old) => ({ ...old, rows: old.rows.filter((r) => !gone(r)) })),
	};
}

function useBox() {
	const box = useRef(null);
	const [sight, set] = useState({ top: 0, height: 600 });

	useEffect(() => {
		const look = () => box.current && set({ top: box.current.scrollTop, height: box.current.clientHeight });
		const watch = new ResizeObserver(look);

		watch.observe(box.current);
		box.current.addEventListener("scroll", look, { passive: true });
		look();
		return () => watch.disconnect();
	}, []);
	return [box, sight];
}

function useMoves(list, rowKey, box, { onOpen, marked, onMark }) {
	const [at, setAt] = useState(null); // the key of the row in hand
	const i = useMemo(() => list.rows.findIndex((r) => rowKey(r) === at), [list.rows, at]);
	const move = (to) => {
		const n = Math.max(0, Math.min(list.rows.length - 1, to));

		if (list.rows.length === 0) {
			return;
		}
		setAt(rowKey(list.rows[n]));
		const top = n * ROW;

		if (top < box.current.scrollTop) {
			box.current.scrollTop = top;
		} else if (top + 2 * ROW > box.current.scrollTop + box.current.clientHeight) {
			box.current.scrollTop = top + 2 * ROW - box.current.clientHeight;
		}
		if (n > list.rows.length - AROUND) {
			list.more();
		}
	};
	const row = list.rows[i];
	const open = () => row && onOpen?.(row);
	const keys = [
		{ key: "j", words: t("next row"), what: () => move(i + 1) },
		{ key: "k", words: t("previous row"), what: () => move(i - 1) },
		{ key: "ArrowDown", words: t("next row"), what: () => move(i + 1) },
		{ key: "ArrowUp", words: t("previous row"), what: () => move(i - 1) },
		{ key: "Home", words: t("first row"), what: () => move(0) },
		{ key: "End", words: t("last row of those loaded"), what: () => move(list.rows.length - 1) },
	];

	if (onOpen) {
		keys.push({ key: "Enter", words: t("open"), what: open }, { key: "o", words: t("open"), what: open });
	}
	if (onMark) {
		const toggle = () => {
			if (row) {
				const next = new Set(marked);

				if (!next.delete(rowKey(row))) {
					next.add(rowKey(row));
				}
				onMark(next);
			}
		};

		keys.push({ key: "x", words: t("mark"), what: toggle }, { key: " ", words: t("mark"), what: toggle },
			{ key: "*", words: t("mark all, or none"), what: () => onMark(new Set(marked.size > 0 ? [] : list.rows.map(rowKey))) });
	}
	return { at, i, row, setAt, keys };
}

export function Table({ list, columns, rowKey = (r) => r.id, rowClass, label, onOpen, onRow, marked, onMark, fresh = 0, onFresh, actions, empty }) {
	const [box, sight] = useBox();
	const m = useMoves(list, rowKey, box, { onOpen, marked, onMark });
	const from = Math.max(0, Math.floor(sight.top / ROW) - AROUND);
	const until = Math.min(list.rows.length, Math.ceil((sight.top + sight.height) / ROW) + AROUND);
	const all = onMark ? [{ name: "", width: "28px", mark: true }, ...columns] : columns;
	const tracks = all.map((c) => (/fr$/.test(c.width) ? `minmax(0, ${c.width})` : c.width)).join(" ");

	useKeys([...m.keys, ...(actions?.(m.row) ?? [])], label);
	useEffect(() => {
		if (!list.busy && until > list.rows.length - AROUND) {
			list.more();
		}
	}, [until, list.rows.length, list.busy]);
	useEffect(() => onRow?.(m.row), [m.at]);
	const mark = (row) => {
		const next = new Set(marked);

		if (!next.delete(rowKey(row))) {
			next.add(rowKey(row));
		}
		onMark(next);
	};
	const line = (row, n) => html`<div key=${rowKey(row)} id=${`row-${rowKey(row)}`} role="row" aria-rowindex=${n + 2}
		aria-selected=${rowKey(row) === m.at} class=${`vrow ${rowKey(row) === m.at ? "at" : ""} ${rowClass?.(row) ?? ""}`}
		style=${{ gridTemplateColumns: tracks, transform: `translateY(${n * ROW}px)` }}
		onClick=${() => { m.setAt(rowKey(row)); onOpen?.(row); }}>
		${all.map((c) => html`<div role="gridcell" class=${c.num ? "num" : ""} data-label=${c.name}>${c.mark
			? html`<input type="checkbox" aria-label=${t("mark")} tabindex="-1" checked=${marked.has(rowKey(row))}
				onClick=${(e) => { e.stopPropagation(); mark(row); }}/>`
			: c.cell(row)}</div>`)}</div>`;

	return html`<div class="vtable">
		${fresh > 0 && html`<button type="button" class="fresh" onClick=${onFresh}>${tn(fresh, "{n} new: show it", "{n} new: show them")}</button>`}
		${list.error && html`<p class="error" role="alert">${list.error.message}</p>`}
		<div class="vbox" ref=${box} role="grid" tabindex="0" aria-label=${label} aria-rowcount=${list.total ?? list.rows.length}
			aria-activedescendant=${m.at === null ? undefined : `row-${m.at}`} aria-multiselectable=${Boolean(onMark)}>
			<div role="row" class="vhead" aria-rowindex="1" style=${{ gridTemplateColumns: tracks }}>
				${all.map((c) => html`<div role="columnheader" class=${c.num ? "num" : ""}>${c.mark ? html`<span class="unseen">${t("mark")}</span>` : c.name}</div>`)}</div>
			<div role="rowgroup" class="vbody" style=${{ height: `${list.rows.length * ROW}px` }}>
				${list.rows.slice(from, until).map((row, k) => line(row, from + k))}</div>
		</div>
		${list.rows.length === 0 && !list.busy && !list.error && html`<p class="none">${empty ?? t("Nothing here.")}</p>`}
		<p class="note" role="status">${list.busy ? t("asking…") : list.total !== null
			? t("{shown} of {total} loaded", { shown: list.rows.length, total: list.total })
			: list.rows.length >= MAX_ROWS ? t("{shown} loaded; narrow the question to see others", { shown: list.rows.length }) : ""}</p>
	</div>`;
}
