/* The preview panel: an action's key opens it beside the evidence; nothing is done until it is confirmed. */
import { here } from "./rows.js";
import { clearSelection, targets } from "./select.js";

const WAITED_MS = 3000;
let opener = null;
let early = null; // keys that were pressed before the panel was there
let pending = []; // cells that say what is being done, and what they said before

const place = () => document.querySelector("[data-preview-place]") ?? document.getElementById("preview");
export const previewIsOpen = () => Boolean(place()?.firstElementChild);

export function closePreview() {
  place().replaceChildren();
  document.querySelectorAll("[data-preview][aria-expanded]").forEach((one) => one.setAttribute("aria-expanded", "false"));
  (here() ?? opener)?.focus();
  opener = null;
}

function open(button) {
  const url = new URL(button.dataset.preview, location.href);
  if (button.dataset.of === "rows") {
    const ids = targets();
    if (!ids.length) return;
    for (const id of ids) {
      url.searchParams.append("case", id);
      const version = document.querySelector(`[data-row="${CSS.escape(id)}"]`)?.dataset.version; // as it was seen
      if (version) url.searchParams.append("version", version);
    }
  }
  opener = button;
  document.querySelectorAll("[data-preview]").forEach((one) => one.setAttribute("aria-expanded", String(one === button)));
  early = [];
  setTimeout(catchUp, WAITED_MS); // whatever became of the answer, keys work again
  window.htmx.ajax("GET", url.pathname + url.search, { target: place(), swap: "innerHTML" });
}

/* A key that comes while the panel is on its way waits for it: `b 1 ctrl enter` is typed faster than any answer. */
export function waits(event) {
  early?.push({ key: event.key, ctrlKey: event.ctrlKey, metaKey: event.metaKey, shiftKey: event.shiftKey });
  return early !== null;
}

function catchUp() {
  const keys = early ?? [];
  early = null;
  for (const key of keys) (document.activeElement ?? document.body).dispatchEvent(new KeyboardEvent("keydown", { ...key, bubbles: true, cancelable: true }));
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-preview]");
  if (button) {
    event.preventDefault();
    open(button);
  } else if (event.target.closest("[data-close]")) {
    closePreview();
  }
});

/* A button that needs a reason stays shut until there is one. */
function check(form) {
  for (const button of form.querySelectorAll("[data-needs]")) {
    const fields = new FormData(form);
    const there = button.dataset.needs.split(" ").some((name) => fields.getAll(name).some((value) => String(value).trim()));
    button.disabled = !there;
  }
}

/* What follows a choice: until when it lasts, how the button says it, and what is only true of some of them. */
function follow(form) {
  const picks = new Map([...form.querySelectorAll("input[type=radio]:checked")].map((input) => [input.name, input]));
  for (const line of form.querySelectorAll("[data-until-of]")) line.textContent = picks.get(line.dataset.untilOf)?.dataset.until ?? "";
  for (const part of form.querySelectorAll("[data-says]")) part.textContent = picks.get(part.dataset.says)?.parentElement.textContent.trim() ?? "";
  for (const part of form.querySelectorAll("[data-when]")) {
    const [name, values] = part.dataset.when.split("=");
    part.hidden = !values.split(" ").includes(picks.get(name)?.value);
  }
}

document.addEventListener("change", (event) => event.target.form && follow(event.target.form));
document.addEventListener("preview:close", () => setTimeout(closePreview)); // the events that come with it still start in the panel
document.addEventListener("selection:clear", clearSelection);

document.addEventListener("input", (event) => event.target.form && check(event.target.form));
document.addEventListener("change", (event) => event.target.form && check(event.target.form));

document.addEventListener("htmx:afterSettle", (event) => {
  const panel = place();
  if (!panel || !(event.target === panel || panel.contains(event.target))) return;
  panel.querySelectorAll("form").forEach((form) => (check(form), follow(form)));
  const first = panel.querySelector("[data-first]") ?? panel.querySelector("[data-close]");
  if (first && !panel.contains(document.activeElement)) first.focus();
  catchUp();
});

for (const failure of ["htmx:responseError", "htmx:sendError", "htmx:timeout"]) document.addEventListener(failure, () => (early = null));

/* Optimistic rows: the word and a clock at once, and back if the server says no. */
document.addEventListener("htmx:beforeRequest", (event) => {
  const form = event.target.matches?.("form[data-pending]") ? event.target : null;
  if (!form) return;
  const ids = new Set([...new FormData(form).getAll("case").map(String), form.dataset.pendingRow]);
  const changed = [];
  for (const row of document.querySelectorAll("[data-row]")) {
    const cell = ids.has(row.dataset.row) && row.querySelector("[data-last]");
    if (!cell) continue;
    changed.push([cell, [...cell.childNodes]]);
    const icon = document.querySelector("template#pending")?.content.cloneNode(true);
    cell.replaceChildren(...(icon ? [icon, " "] : []), form.dataset.pending);
    row.classList.add("is-pending");
  }
  pending = changed;
});

document.addEventListener("htmx:afterRequest", (event) => {
  if (!event.target.matches?.("form[data-pending]")) return;
  for (const [cell, nodes] of pending) {
    cell.closest("[data-row]")?.classList.remove("is-pending");
    if (!event.detail.successful) cell.replaceChildren(...nodes);
  }
  pending = [];
});

for (const form of document.forms) check(form);
