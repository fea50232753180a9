/* The preview panel: an action's key opens it beside the evidence; nothing is done until it is confirmed. */
import { here } from "./rows.js";
import { clearSelection, targets } from "./select.js";

let opener = null;
let undo = null; // puts optimistic rows back

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
    ids.forEach((id) => url.searchParams.append("case", id));
  }
  opener = button;
  document.querySelectorAll("[data-preview]").forEach((one) => one.setAttribute("aria-expanded", String(one === button)));
  window.htmx.ajax("GET", url.pathname + url.search, { target: place(), swap: "innerHTML" });
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
document.addEventListener("preview:close", closePreview);
document.addEventListener("selection:clear", clearSelection);

document.addEventListener("input", (event) => event.target.form && check(event.target.form));
document.addEventListener("change", (event) => event.target.form && check(event.target.form));

document.addEventListener("htmx:afterSettle", (event) => {
  const panel = place();
  if (!panel || !(event.target === panel || panel.contains(event.target))) return;
  panel.querySelectorAll("form").forEach((form) => (check(form), follow(form)));
  const first = panel.querySelector("[data-first]") ?? panel.querySelector("[data-close]");
  if (first && !panel.contains(document.activeElement)) first.focus();
});

/* Optimistic rows: the word and a clock at once, and back if the server says no. */
document.addEventListener("htmx:beforeRequest", (event) => {
  const form = event.target.closest?.("form[data-pending]");
  if (!form) return;
  const ids = new Set(new FormData(form).getAll("case").map(String));
  const changed = [];
  for (const row of document.querySelectorAll("[data-row]")) {
    const cell = ids.has(row.dataset.row) && row.querySelector("[data-last]");
    if (!cell) continue;
    changed.push([cell, [...cell.childNodes]]);
    const icon = document.querySelector("template#pending")?.content.cloneNode(true);
    cell.replaceChildren(...(icon ? [icon] : []), form.dataset.pending);
    row.classList.add("is-pending");
  }
  undo = () => changed.forEach(([cell, nodes]) => (cell.replaceChildren(...nodes), cell.closest("[data-row]")?.classList.remove("is-pending")));
});

document.addEventListener("htmx:afterRequest", (event) => {
  if (undo && !event.detail.successful) undo();
  undo = null;
});

for (const form of document.forms) check(form);
