/* Ticked rows, and the bar that says what they come to. Selection is kept by row id, so that it stays through swaps. */
import { going, nameOf } from "./own_keys.js";
import { here, rows } from "./rows.js";

const ticked = new Set();
let last = null;

const box = (row) => row.querySelector("[data-select]");
export const hasSelection = () => ticked.size > 0;
export const selected = () => [...ticked];

/* What an action is about: the ticked rows, else the one in focus. */
export function targets() {
  if (ticked.size) return selected();
  const row = here();
  return row ? [row.dataset.row] : [];
}

function mark(row, on) {
  const tick = box(row);
  if (!tick) return;
  tick.checked = on;
  row.classList.toggle("is-selected", on);
  if (on) ticked.add(row.dataset.row);
  else ticked.delete(row.dataset.row);
}

export function clearSelection() {
  rows().forEach((row) => mark(row, false));
  ticked.clear();
  last = null;
  show();
}

function sums() {
  const money = new Map();
  let good = 0;
  let sharing = 0;
  for (const row of rows().filter((one) => ticked.has(one.dataset.row))) {
    const { currency, money: minor } = row.dataset;
    if (currency) money.set(currency, (money.get(currency) ?? 0) + Number(minor));
    good += Number(row.dataset.good ?? 0);
    if (Number(row.dataset.good)) sharing += 1;
  }
  return { money, good, most: sharing > 1 }; // two cases may be shared by the same accounts
}

function amount(minor, currency) {
  const format = new Intl.NumberFormat("en", { style: "currency", currency });
  return format.format(minor / 10 ** format.resolvedOptions().maximumFractionDigits);
}

function show() {
  for (const bar of document.querySelectorAll("[data-bulk]")) {
    bar.hidden = ticked.size === 0;
    const keys = bar.parentElement.querySelector(".foot-keys");
    if (keys) keys.hidden = ticked.size > 0;
    if (!ticked.size) continue;
    const { money, good, most } = sums();
    bar.querySelector("[data-bulk-count]").textContent = `${ticked.size} selected`;
    const risk = [...money].filter(([, minor]) => minor).map(([currency, minor]) => amount(minor, currency)).join(" and ");
    const hit = good ? `${most ? "up to " : ""}${good.toLocaleString("en")} good ${good === 1 ? "account" : "accounts"} hit` : "no good account hit";
    bar.querySelector("[data-bulk-text]").textContent = `${risk || "nothing"} at risk · ${hit}`;
  }
  const all = document.querySelector("[data-select-all]");
  if (all) {
    const count = rows().length;
    all.checked = count > 0 && ticked.size === count;
    all.indeterminate = ticked.size > 0 && ticked.size < count;
  }
}

function tick(row, range) {
  if (!row || !box(row)) return;
  const all = rows();
  const from = all.findIndex((one) => one.dataset.row === last);
  const to = all.indexOf(row);
  if (range && from >= 0) all.slice(Math.min(from, to), Math.max(from, to) + 1).forEach((one) => mark(one, true));
  else mark(row, !ticked.has(row.dataset.row));
  last = row.dataset.row;
  show();
}

document.addEventListener("click", (event) => {
  const target = event.target;
  if (target.closest("[data-clear]")) return clearSelection();
  if (target.matches("[data-select-all]")) {
    rows().forEach((row) => mark(row, target.checked));
    return show();
  }
  if (!target.matches("[data-select]")) return;
  const row = target.closest("[data-row]");
  target.checked = ticked.has(row.dataset.row); // `tick` turns it
  setTimeout(() => tick(row, event.shiftKey));
});

document.addEventListener("keydown", (event) => {
  if (going.on || nameOf(event.key.toLowerCase()) !== "x" || event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
  if (document.body.dataset.keys === "off" || event.target.closest("input:not([type=checkbox]), textarea, select, dialog")) return;
  const row = here();
  if (!row || !box(row)) return;
  event.preventDefault();
  tick(row, event.shiftKey);
});

function restore() {
  const present = new Set(rows().map((row) => row.dataset.row));
  for (const id of ticked) if (!present.has(id)) ticked.delete(id);
  rows().forEach((row) => mark(row, ticked.has(row.dataset.row)));
  show();
}

/* A campaign begins with all of its cases ticked: its exceptions are unticked. */
if (document.querySelector("[data-tick-all]")) rows().forEach((row) => ticked.add(row.dataset.row));

document.addEventListener("htmx:afterSettle", restore);
document.addEventListener("rows:changed", restore);
restore();
