/* What comes by itself: the server's clock, and streams of events that say which part of the page is out of date.

   data-live="/live/queue" on an element opens that stream. An event's type is a name; elements with data-on="name" ask for themselves again
   (their hx-get), and those with data-on="name:id" only if the event's data says that id. Numbers change in place: data-text="name" takes the data. */
const started = performance.now();
const served = Number(document.body.dataset.now);
const offset = Number(document.body.dataset.offset);

function tickClock() {
  const clock = document.querySelector("[data-clock]");
  if (!clock) return;
  // seconds since the page was made, upon the server's own time: the browser's clock is never asked
  const now = new Date((served + offset + (performance.now() - started) / 1000) * 1000);
  clock.textContent = now.toISOString().slice(11, 19);
}

/* Whether what is shown is what is: also said by lists that ask again. */
export function say(stale) {
  const live = document.getElementById("live");
  if (!live || live.classList.contains("is-stale") === stale && !live.querySelector(".live-dot").hidden) return;
  live.classList.toggle("is-stale", stale);
  const word = live.querySelector("[data-live-word]");
  word.textContent = stale ? `Not live since ${document.querySelector("[data-clock]").textContent}` : "Live";
  word.hidden = live.querySelector(".live-dot").hidden = false;
}

function heard(event) {
  for (const element of document.querySelectorAll("[data-on]")) {
    const [name, id] = element.dataset.on.split(":");
    if (name === event.type && (!id || id === event.data)) window.htmx.trigger(element, "live");
  }
  for (const element of document.querySelectorAll(`[data-text="${CSS.escape(event.type)}"]`)) element.textContent = event.data;
}

function follow(element) {
  const names = new Set((element.dataset.liveNames ?? "changed").split(" "));
  const stream = new EventSource(element.dataset.live);
  stream.addEventListener("open", () => say(false));
  stream.addEventListener("error", () => say(true));
  for (const name of names) stream.addEventListener(name, heard);
  addEventListener("pagehide", () => stream.close(), { once: true });
}

setInterval(tickClock, 1000);
document.querySelectorAll("[data-live]").forEach(follow);
