/* Rows that keys act on: one tab stop in a list, j k and arrows walk, enter opens. The row in focus is known by its id, so that it stays through
   swaps; when it leaves, the next one has the focus. */
import { going, nameOf } from "./own_keys.js";

let hereId = null;
let hereIndex = 0;
let hadFocus = false;

const WALKED = "[data-rows]:not([data-rows=arrows])"; // where j and k are those of the page, rows are walked by arrows alone
export const rows = () => [...document.querySelectorAll("[data-rows] [data-row]")];
export const here = () => rows().find((row) => row.dataset.row === hereId) ?? null;

function settle(focus) {
  const all = rows();
  if (!all.length) return;
  let row = here();
  if (!row && hereId !== null) row = all[Math.min(hereIndex, all.length - 1)];
  const stop = row ?? all[0];
  for (const one of all) {
    one.tabIndex = one === stop ? 0 : -1;
    one.classList.toggle("is-here", one === row);
  }
  if (!row) return;
  hereId = row.dataset.row;
  hereIndex = all.indexOf(row);
  if (focus && document.activeElement !== row) row.focus();
}

function walk(step) {
  const all = rows();
  if (!all.length) return;
  const now = here();
  const next = now ? Math.max(0, Math.min(all.length - 1, all.indexOf(now) + step)) : 0;
  hereId = all[next].dataset.row;
  settle(true);
  all[next].scrollIntoView({ block: "nearest" });
}

document.addEventListener("focusin", (event) => {
  const row = event.target.closest("[data-rows] [data-row]");
  hadFocus = row !== null;
  if (row && row.dataset.row !== hereId) {
    hereId = row.dataset.row;
    settle(false);
  }
});

document.addEventListener("click", (event) => {
  const row = event.target.closest("[data-rows] [data-row]");
  if (row && !event.target.closest("a, button, input, label, summary")) {
    hereId = row.dataset.row;
    settle(true);
  }
});

document.addEventListener("dblclick", (event) => event.target.closest("[data-rows] [data-row]")?.querySelector("[data-open]")?.click());

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
  if (event.target.closest("input:not([type=checkbox]), textarea, select, dialog, [contenteditable]")) return;
  const letter = document.body.dataset.keys !== "off" && !going.on && document.querySelector(WALKED) ? nameOf(event.key.toLowerCase()) : "";
  const inRow = event.target.closest("[data-rows] [data-row]");
  if (letter === "j" || (inRow && event.key === "ArrowDown")) walk(1);
  else if (letter === "k" || (inRow && event.key === "ArrowUp")) walk(-1);
  else if (event.key === "Enter" && inRow && event.target === inRow) inRow.querySelector("[data-open], [data-unfold]")?.click();
  else return;
  if (rows().length) event.preventDefault();
});

document.addEventListener("htmx:beforeSwap", () => (hadFocus = document.activeElement?.closest("[data-rows] [data-row]") !== null && hadFocus));
document.addEventListener("htmx:afterSettle", () => settle(hadFocus));
document.addEventListener("rows:changed", () => settle(hadFocus));
settle(false);
