/* The traffic page: three lanes on one time axis with one crosshair, and what comes in live. */
import { listen } from "./traffic_live.js";

const NAMES = { allow: "Allowed", throttle: "Throttled", block: "Blocked" };
const DAY_S = 86400;
const SIDE = 4; // pixels beside a chart
const STEPS_S = [60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400]; // between two words of the axis
const place = document.querySelector("[data-lanes]");
const offset = Number(place.dataset.offset);
const charts = [];
let series = null;
let compared = true;

/* A token as a canvas takes it: what a look makes of it, not how it is written. */
const probe = document.createElement("i");
probe.hidden = true;
document.body.append(probe);
function color(name, share = 1) {
  probe.style.color = `var(${name})`;
  const parts = getComputedStyle(probe).color.match(/[\d.]+/g).slice(0, 3);
  return `rgb(${parts.join(" ")} / ${share})`;
}
const figure = (value) => (value === null || value === undefined ? "no data" : value >= 100 ? Math.round(value).toLocaleString("en") : String(Number(value.toPrecision(3))));
const clock = (at, long) => new Date((at + offset) * 1000).toISOString().slice(11, long ? 19 : 16);
const day = (at) => new Date((at + offset) * 1000).toLocaleDateString("en", { weekday: "short", timeZone: "UTC" });
const label = (at) => (series.until - series.since > DAY_S ? `${day(at)} ${clock(at)}` : clock(at));

/* The top of a lane's scale: a round number that the values reach at most. */
function roundUp(value) {
  if (!value) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10].map((step) => step * power).find((step) => step >= value) ?? value;
}

/* The words below the axis, but for those that would be cut at an edge. */
function ticks(u, at) {
  const half = series.until - series.since > DAY_S ? 30 : 16;
  return at.map((one) => {
    const x = u.valToPos(one, "x");
    return x < half || x > u.width - 2 * SIDE - half ? "" : label(one);
  });
}

function marks(u) {
  const { ctx, bbox } = u;
  ctx.save();
  ctx.strokeStyle = color("--line");
  for (const y of [bbox.top, bbox.top + bbox.height]) {
    ctx.beginPath();
    ctx.moveTo(bbox.left, y);
    ctx.lineTo(bbox.left + bbox.width, y);
    ctx.stroke();
  }
  ctx.strokeStyle = color("--ink-2");
  ctx.setLineDash([3, 3].map((length) => length * devicePixelRatio));
  for (const mark of series.marks) {
    const x = Math.round(u.valToPos(mark.at, "x", true));
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
  }
  ctx.restore();
}

function words(u) {
  place.querySelectorAll(".lane-mark").forEach((mark) => mark.remove());
  let taken = -Infinity;
  for (const mark of series.marks) {
    const left = u.valToPos(mark.at, "x");
    if (left < taken + 90) continue; // what would lie on another one is told by its line alone
    taken = left;
    const word = document.createElement("span");
    word.className = "lane-mark";
    if (mark.case) {
      const link = document.createElement("a");
      link.href = `/cases/${mark.case}`;
      link.textContent = `C-${mark.case}`;
      word.append(link);
    } else {
      word.textContent = mark.words;
    }
    u.over.append(word);
    const half = word.offsetWidth / 2;
    word.style.left = `${Math.min(Math.max(left, half), u.over.clientWidth - half)}px`;
  }
}

function tell() {
  const index = charts[0]?.cursor.idx;
  const at = place.querySelector("[data-lane-at]");
  if (index === null || index === undefined || charts[0].cursor.left < 0) {
    at.textContent = "";
    return;
  }
  const parts = series.lanes.map((lane) => `${NAMES[lane.decision]} ${figure(lane.rates[index])}/s${compared && lane.before[index] !== null ? ` (${figure(lane.before[index])})` : ""}`);
  at.textContent = `${series.step_s < 60 ? clock(series.at[index], true) : label(series.at[index])}: ${parts.join(", ")}`;
}

function options(lane, box, last) {
  const top = roundUp(Math.max(0, ...lane.rates.map(Number), ...(compared ? lane.before.map(Number) : [])));
  place.querySelector(`[data-lane-top="${lane.decision}"]`).textContent = figure(top);
  return {
    width: box.clientWidth,
    height: box.clientHeight,
    padding: [18, SIDE, last ? 0 : SIDE, SIDE],
    legend: { show: false },
    cursor: { sync: { key: "traffic" }, y: false, points: { size: 6 }, drag: { x: false, y: false } },
    scales: { x: { time: false }, y: { range: [0, top] } },
    axes: [
      { show: last, stroke: color("--ink-2"), font: "11px 'IBM Plex Sans Variable', sans-serif", size: 22, grid: { show: false }, ticks: { show: false }, values: ticks, incrs: STEPS_S, space: 80 },
      { show: false, splits: () => [0, top] },
    ],
    series: [
      {},
      { stroke: color(`--${lane.decision}-fill`), width: 1.5, fill: color(`--${lane.decision}-fill`, 0.2), points: { show: false } },
      { stroke: color("--ink-3"), width: 1, dash: [2, 3], points: { show: false }, show: compared },
    ],
    hooks: { draw: [marks], setCursor: [tell], ready: [(u) => u === charts[0] && words(u)] },
  };
}

function draw() {
  charts.splice(0).forEach((chart) => chart.destroy());
  series.lanes.forEach((lane, index) => {
    const box = place.querySelector(`[data-lane="${lane.decision}"]`);
    const chart = new window.uPlot(options(lane, box, index === series.lanes.length - 1), [series.at, lane.rates, lane.before], box);
    charts.push(chart);
    const known = lane.rates.filter((rate) => rate !== null);
    place.querySelector(`[data-lane-now="${lane.decision}"]`).textContent = known.length ? figure(known.at(-1)) : "–";
  });
}

/* A crosshair by arrow keys, for all lanes at once. */
place.addEventListener("keydown", (event) => {
  const step = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity }[event.key];
  if (!step || !charts.length) return;
  event.preventDefault();
  const last = series.at.length - 1;
  const index = Math.min(last, Math.max(0, (charts[0].cursor.idx ?? last) + step));
  for (const chart of charts) chart.setCursor({ left: chart.valToPos(series.at[index], "x"), top: 10 }, false);
  charts[0].cursor.idx = index;
  tell();
});

async function load() {
  try {
    const answer = await fetch(place.dataset.lanes, { headers: { Accept: "application/json" } });
    if (!answer.ok) throw new Error(String(answer.status));
    series = await answer.json();
  } catch {
    place.querySelector("[data-lane-at]").textContent = series ? `Not updated since ${clock(series.until, true)}.` : "The chart's numbers could not be loaded; reload the page to try again.";
    return;
  }
  draw();
}

const live = listen();
const compare = document.querySelector("[data-compare]");
compare.addEventListener("click", () => {
  compared = !compared;
  compare.setAttribute("aria-pressed", String(compared));
  if (series) draw();
});
addEventListener("resize", () => {
  if (series) for (const chart of charts) chart.setSize({ width: chart.root.parentElement.clientWidth, height: chart.height });
  if (series) words(charts[0]);
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => series && draw());
setInterval(() => !live.paused() && !place.matches(":focus-within") && load(), 10_000);
load();
