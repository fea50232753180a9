/* Live decisions and figures: a stream that can be held, filtered and paused. Rows come in at the top only while the list is there. */
const MOST = 200;

export function listen() {
  const list = document.querySelector("[data-live-list]");
  const fresh = document.querySelector("[data-live-new]");
  const pause = document.querySelector("[data-pause]");
  const word = pause.querySelector("[data-pause-word]");
  const said = document.querySelector("[data-paused]");
  const waiting = [];
  let refused = "1";
  let stream = null;
  let hidden = 0;
  let paused = false;

  function state(live) {
    const place = document.getElementById("live");
    place.classList.toggle("is-stale", !live);
    const words = place.querySelector("[data-live-word]");
    words.textContent = paused ? "Paused" : live ? "Live" : "Not live";
    words.hidden = place.querySelector(".live-dot").hidden = false;
  }

  function show(html) {
    list.insertAdjacentHTML("afterbegin", html);
    while (list.children.length > MOST) list.lastElementChild.remove();
  }

  function later() {
    const rows = waiting.join("").split("<li ").length - 1;
    fresh.hidden = rows === 0;
    fresh.textContent = `${rows} new`;
  }

  function flush() {
    for (const html of waiting.splice(0)) show(html);
    list.scrollTop = 0;
    later();
  }

  function decisions(event) {
    if (!paused && list.scrollTop < 4) {
      show(event.data);
    } else {
      waiting.push(event.data);
      if (waiting.length > 50) waiting.shift();
      later();
    }
  }

  function put(name, value, digits) {
    const place = document.querySelector(`[data-figure="${name}"]`);
    if (place && value !== null) place.textContent = value >= 100 ? Math.round(value).toLocaleString("en") : String(Number(value.toPrecision(digits)));
  }

  function figures(event) {
    if (paused) return;
    const now = JSON.parse(event.data);
    put("all", now.all, 3);
    put("latency", now.latency_us, 3);
    if (now.all) {
      put("throttle", (100 * (now.throttle ?? 0)) / now.all, 3);
      put("block", (100 * (now.block ?? 0)) / now.all, 3);
    }
    document.querySelector("[data-refusals]").textContent = String(Number(now.refused.toPrecision(3)));
  }

  function open() {
    stream?.close();
    stream = new EventSource(`${list.dataset.liveList}?refused=${refused}`);
    stream.addEventListener("open", () => state(true));
    stream.addEventListener("error", () => stream.readyState === EventSource.CLOSED && state(false));
    stream.addEventListener("figures", figures);
    stream.addEventListener("decisions", decisions);
    stream.addEventListener("hidden", (event) => {
      hidden += Number(event.data);
      document.querySelector("[data-hidden]").textContent = `${hidden.toLocaleString("en")} were not shown.`;
    });
  }

  pause.addEventListener("click", () => {
    paused = !paused;
    pause.setAttribute("aria-pressed", String(paused));
    word.textContent = paused ? "Go on" : "Pause";
    said.textContent = paused ? "Paused: nothing on this page changes." : "Live again.";
    if (!paused) flush();
    state(true);
  });
  fresh.addEventListener("click", flush);
  list.addEventListener("scroll", () => !paused && list.scrollTop < 4 && waiting.length && flush(), { passive: true });
  const buttons = document.querySelectorAll("[data-refused]");
  for (const button of buttons) {
    button.addEventListener("click", () => {
      refused = refused === button.dataset.refused && refused === "1" ? "0" : button.dataset.refused;
      for (const one of buttons) one.setAttribute("aria-pressed", String(one.dataset.refused === refused));
      list.replaceChildren();
      waiting.length = 0;
      open();
    });
  }
  addEventListener("pagehide", () => stream?.close(), { once: true });
  open();
  return { paused: () => paused };
}
