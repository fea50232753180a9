/* Evidence: the row in focus unfolds, one at a time. data-unfolds is the list; in a row [data-unfold] controls the part by its aria-controls. */
function fold(list, keep) {
  for (const button of list.querySelectorAll("[data-unfold][aria-expanded=true]")) {
    if (button === keep) continue;
    button.setAttribute("aria-expanded", "false");
    document.getElementById(button.getAttribute("aria-controls")).hidden = true;
  }
}

function unfold(row) {
  const button = row.querySelector("[data-unfold]");
  const list = row.closest("[data-unfolds]");
  fold(list, button);
  if (!button) return;
  button.setAttribute("aria-expanded", "true");
  document.getElementById(button.getAttribute("aria-controls")).hidden = false;
}

document.addEventListener("focusin", (event) => {
  const row = event.target.closest("[data-unfolds] [data-row]");
  if (row) unfold(row);
});

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-unfold]");
  if (!button) return;
  const open = button.getAttribute("aria-expanded") === "true";
  if (open && event.detail) fold(button.closest("[data-unfolds]"), null);
  else unfold(button.closest("[data-row]"));
});

/* Whoever leaves a case gives it back: data-leave is where that is told. A page that is only hidden, such as by another tab, keeps it. */
window.addEventListener("pagehide", () => {
  const held = document.querySelector("[data-leave]");
  if (held) navigator.sendBeacon(held.dataset.leave);
});
