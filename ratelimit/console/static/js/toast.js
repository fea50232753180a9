/* One toast at a time: ten seconds, longer under the pointer or the focus. `u` undoes it also after it has gone. */
const STAYS_MS = 10000;
let timer = 0;
let undoUrl = null;

const place = () => document.getElementById("toast");

function leave() {
  const toast = place()?.querySelector("[data-toast]");
  if (!toast) return;
  if (toast.matches(":hover, :focus-within")) timer = setTimeout(leave, 1000);
  else toast.remove();
}

/* A clock stands in place of the glyph while there are sidecars that are yet to confirm it. */
function confirmed(toast) {
  const glyph = toast.querySelector("[data-glyph]");
  if (!glyph || toast.querySelector("[data-reach][hx-get]")) return;
  const use = glyph.querySelector("use");
  use.setAttribute("href", use.getAttribute("href").replace(/#.*/, `#${glyph.dataset.glyph}`));
  glyph.removeAttribute("data-glyph");
}

function arrive() {
  const toast = place()?.querySelector("[data-toast]");
  if (!toast) return;
  confirmed(toast);
  clearTimeout(timer);
  timer = setTimeout(leave, STAYS_MS);
  if (toast.dataset.undo) undoUrl = toast.dataset.undo;
}

/* Take the latest back; false if there is nothing to take back. */
export function undoLast() {
  if (!undoUrl) return false;
  const url = undoUrl;
  undoUrl = null;
  window.htmx.ajax("POST", url, { target: place(), swap: "none" });
  return true;
}

document.addEventListener("click", (event) => event.target.closest("[data-toast-undo]") && undoLast());
document.addEventListener("htmx:oobAfterSwap", arrive);
document.addEventListener("htmx:afterSettle", arrive);
arrive();
