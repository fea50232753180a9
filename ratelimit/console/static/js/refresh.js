/* A list that keeps itself up to date: data-refresh="/queue/rows?…" is asked for every ten seconds while the page is looked at.

   Rows that changed (data-version, or what they show) change in place; rows that left go; rows that are new come in at once while the page is at its
   top and nothing is ticked, else "3 new" waits in [data-new] until it is pressed. Other parts of the answer replace what has their id. */
import { say } from "./live.js";
import { hasSelection } from "./select.js";

const EVERY_MS = 10000;
let waiting = null;

const place = () => document.querySelector("[data-refresh]");
const body = () => place()?.querySelector("[data-rows]");

function parsed(text) {
  return new DOMParser().parseFromString(text, "text/html");
}

function parts(page) {
  for (const part of page.querySelectorAll("[id]")) {
    if (part.closest("[data-rows]")) continue;
    const there = document.getElementById(part.id);
    if (there && there.innerHTML !== part.innerHTML) there.replaceChildren(...document.importNode(part, true).childNodes);
  }
}

const same = (one, other) => one.dataset.version === other.dataset.version && one.textContent === other.textContent;

function adopt(row) {
  const copy = document.importNode(row, true);
  window.htmx.process(copy);
  return copy;
}

function update(fresh, all) {
  const list = body();
  const known = new Map([...list.querySelectorAll("[data-row]")].map((row) => [row.dataset.row, row]));
  const rows = [...fresh.querySelectorAll("[data-row]")];
  const ids = new Set(rows.map((row) => row.dataset.row));
  for (const [id, row] of known) if (!ids.has(id)) row.remove();
  let news = 0;
  let before = null;
  for (const row of rows) {
    const there = known.get(row.dataset.row);
    if (!there && !all) {
      news += 1;
      continue;
    }
    let now = there;
    if (!there || (!there.classList.contains("is-pending") && !same(there, row))) {
      now = adopt(row);
      if (there) there.replaceWith(now);
    }
    if (all && now !== (before ? before.nextElementSibling : list.firstElementChild)) (before ? before.after(now) : list.prepend(now));
    before = now;
  }
  return news;
}

function tell(news) {
  const line = document.querySelector("[data-new]");
  if (!line) return;
  line.hidden = news === 0;
  line.querySelector("button").textContent = `${news} new`;
}

function show(page) {
  const fresh = page.querySelector("[data-rows]");
  if (!fresh || !body()) return;
  parts(page);
  const free = scrollY < 8 && !hasSelection() && !document.getElementById("preview")?.firstElementChild;
  const news = update(fresh, free);
  waiting = news ? page : null;
  tell(news);
  document.dispatchEvent(new CustomEvent("rows:changed"));
}

/* Ask now; also called after an act that changed rows. */
export async function refresh() {
  const list = place();
  if (!list || document.hidden) return;
  try {
    const answer = await fetch(list.dataset.refresh, { headers: { "HX-Request": "true", "HX-Current-URL": location.href } });
    const login = answer.headers.get("HX-Redirect");
    if (login) return location.assign(login);
    if (answer.ok) show(parsed(await answer.text()));
    say(!answer.ok);
  } catch {
    say(true); // the old rows stay, and the next look will tell
  }
}

document.addEventListener("click", (event) => {
  if (!event.target.closest("[data-new]") || !waiting) return;
  update(waiting.querySelector("[data-rows]"), true);
  waiting = null;
  tell(0);
  scrollTo({ top: 0 });
  document.dispatchEvent(new CustomEvent("rows:changed"));
});

document.addEventListener("rows:refresh", refresh);
if (place()) {
  say(false);
  setInterval(refresh, EVERY_MS);
}
