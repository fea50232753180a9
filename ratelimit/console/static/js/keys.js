/* Single-letter keys, the g prefix, ctrl enter, and esc as one step back. */
import { closePreview, previewIsOpen, waits } from "./preview.js";
import { clearSelection, hasSelection } from "./select.js";
import { going, keysOf, nameOf } from "./own_keys.js";
import { here } from "./rows.js";
import { undoLast } from "./toast.js";

const PREFIX_MS = 1500;
let goingTimer = 0;

const typing = (target) => target.closest?.("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]");
const usable = (element) => !element.disabled && element.getAttribute("aria-disabled") !== "true" && !element.closest("[hidden]");

/* The innermost open place: keys of the page do nothing under a dialog. */
function places() {
  const dialog = document.querySelector("dialog[open]");
  if (dialog) return [dialog];
  const preview = document.getElementById("preview");
  const inline = document.querySelector("[data-preview-place]");
  return [preview, inline, document].filter(Boolean);
}

function press(key) {
  for (const place of places()) {
    for (const element of place.querySelectorAll(`[data-key="${CSS.escape(key)}"]`)) {
      if (!usable(element)) continue;
      if (element.matches("input:not([type=radio], [type=checkbox]), textarea, select")) {
        element.focus();
        element.select?.();
      } else {
        element.click();
      }
      return true;
    }
  }
  return false;
}

function stepBack(event) {
  if (document.querySelector("dialog[open]")) return; // the browser closes it
  const menu = document.querySelector("details.menu[open], details.tab-more[open]");
  if (menu) {
    menu.open = false;
    menu.querySelector("summary").focus();
  } else if (typing(event.target) && !event.target.closest("#preview, [data-preview-place]")) {
    event.target.blur();
    here()?.focus();
  } else if (previewIsOpen()) {
    closePreview();
  } else if (hasSelection()) {
    clearSelection();
  } else if (!press("esc")) {
    return;
  }
  event.preventDefault();
}

function confirm(event) {
  const form = event.target.closest?.("form");
  const own = form?.querySelector('[data-key="ctrl enter"]') ?? (typing(event.target) ? form?.querySelector('button[type="submit"]') : null);
  const button = own ?? places().map((place) => place.querySelector('[data-key="ctrl enter"]')).find(Boolean);
  if (!button || !usable(button)) return;
  event.preventDefault();
  button.click();
}

function named(event) {
  if (event.key === " ") return "space";
  if (event.key === "Enter") return "enter";
  if (event.key.length !== 1) return "";
  const key = event.key.toLowerCase();
  if (going.on) return nameOf(`g ${key}`);
  return event.shiftKey && key !== event.key ? `shift ${nameOf(key)}` : nameOf(key);
}

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.isComposing) return;
  if (!["Control", "Meta", "Shift", "Alt"].includes(event.key) && event.isTrusted && waits(event)) return event.preventDefault();
  if (event.key === "Escape") return stepBack(event);
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) return confirm(event);
  if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
  if (document.body.dataset.keys === "off") return;
  const key = named(event);
  clearTimeout(goingTimer);
  going.on = false;
  if (!key || key === "enter" || (key === "space" && event.target.matches("button, summary, input, a"))) return;
  if (key === "g") {
    going.on = true;
    goingTimer = setTimeout(() => (going.on = false), PREFIX_MS);
    return;
  }
  if (press(key) || (key === "u" && undoLast())) event.preventDefault();
});

/* `?`: all keys of this page, read from the page itself. */
const MOVES = [
  ["j", "Next row", "[data-rows]:not([data-rows=arrows])"],
  ["k", "Row before", "[data-rows]:not([data-rows=arrows])"],
  ["↑ ↓", "Rows, once one has the focus", "[data-rows=arrows]"],
  ["enter", "Open", "[data-rows] [data-open]"],
  ["x", "Select", "[data-rows] [data-select]"],
  ["shift x", "Select up to here", "[data-rows] [data-select]"],
  ["u", "Undo the last action", "[data-preview], [data-undo]"],
  ["esc", "One step back", "body"],
];

function wordOf(element) {
  if (element.dataset.keyWord) return element.dataset.keyWord;
  if (element.ariaLabel) return element.ariaLabel;
  const copy = element.cloneNode(true);
  copy.querySelectorAll(".key, .count, svg").forEach((part) => part.remove());
  const word = copy.textContent.trim().replace(/\s+/g, " ");
  return word.slice(0, 1).toUpperCase() + word.slice(1);
}

function line(keys, word) {
  const entry = document.createElement("div");
  const term = document.createElement("dt");
  const shown = keys === "shift x" ? `shift ${keysOf("x")}` : keysOf(keys);
  for (const one of shown.split(" ")) {
    const box = document.createElement("kbd");
    box.className = "key";
    box.textContent = one;
    term.append(box);
  }
  const detail = document.createElement("dd");
  detail.textContent = word;
  entry.append(term, detail);
  return entry;
}

document.addEventListener("click", (event) => {
  if (!event.target.closest("[data-all-keys]")) return;
  const dialog = document.getElementById("keys");
  const list = dialog.querySelector("dl");
  const known = new Map();
  const add = (elements) => {
    for (const element of elements) if (!element.closest("[hidden]") && !known.has(element.dataset.key)) known.set(element.dataset.key, wordOf(element));
  };
  add(document.querySelectorAll("main [data-key], #preview [data-key], .foot [data-key]")); // those of the page first, then those of all pages
  for (const [keys, word, where] of MOVES) if (!known.has(keys) && document.querySelector(where)) known.set(keys, word);
  add([...document.querySelectorAll("[data-key]")].filter((element) => !dialog.contains(element)));
  list.replaceChildren(...[...known].map(([keys, word]) => line(keys, word)));
  dialog.showModal();
});

/* A filter that is not in force opens the form of all filters at its field. */
document.addEventListener("click", (event) => {
  const chip = event.target.closest("[data-filter-of]");
  const filter = document.querySelector("details[data-filter]");
  if (!chip || !filter) return;
  event.stopImmediatePropagation(); // it is outside the menu, which a click outside would close
  filter.open = true;
  filter.querySelector(`[name="${chip.dataset.filterOf}"]`)?.focus();
});

/* A click outside closes an open menu. */
document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details.menu[open], details.tab-more[open]")) if (!menu.contains(event.target)) menu.open = false;
});
