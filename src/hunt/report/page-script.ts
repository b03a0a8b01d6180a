/** The page's script, as text: it runs in a browser, which the sources are not checked for. */
export const SCRIPT = String.raw`
"use strict";
const data = JSON.parse(document.getElementById("data").textContent);
const COLOURS = ["#0969da", "#8250df", "#1a7f37", "#bf8700", "#cf222e", "#bf3989", "#1b7c83", "#6e7781"];
const colour = (lane) => COLOURS[lane % COLOURS.length];
const by = (id) => document.getElementById(id);
const make = (name, text, className) => Object.assign(document.createElement(name), { textContent: text ?? "", className: className ?? "" });
const draw = (name, attributes) => {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  return element;
};
const steps = new Map(data.steps.map((step) => [step.order, step]));
const lit = new Set(data.pairs.flatMap(({ first, second }) => [first, second]));
const seenBy = new Map();
for (const { order, from } of data.steps) if (from !== null) seenBy.set(from, [...(seenBy.get(from) ?? []), order]);
const rows = new Map();
let chosen;

/* The steps that a text names become places to go to. */
function linked(target, text) {
  for (const part of text.split(/(step \d+)/)) {
    const order = Number(/^step (\d+)$/.exec(part)?.[1]);
    if (!steps.has(order)) { target.append(part); continue; }
    const link = make("a", part);
    link.onclick = () => go(order);
    target.append(link);
  }
  return target;
}

for (const sentence of data.reading) by("reading").append(linked(make("li"), sentence));
by("line").textContent = data.line;
by("copy").onclick = async () => {
  await navigator.clipboard?.writeText(data.line).catch(() => undefined);
  by("copy").textContent = "Copied";
};
function options(id, values) {
  for (const value of [...new Set(values)].filter(Boolean).sort()) by(id).append(make("option", value));
  by(id).onchange = fill;
}
options("area", data.steps.map((step) => step.area));
options("site", data.steps.map((step) => step.site));
options("actor", data.lanes);
by("apart").onchange = fill;

function shown(step) {
  const wanted = { area: by("area").value, site: by("site").value, actor: by("actor").value };
  if (wanted.actor !== "" && data.lanes[step.lane] !== wanted.actor) return false;
  if (lit.has(step.order) && wanted.area === "" && wanted.site === "") return true;
  if (by("apart").checked && step.apart) return false;
  if (step.kind === "switch" || step.kind === "note") return wanted.area === "" && wanted.site === "";
  return (wanted.area === "" || step.area === wanted.area) && (wanted.site === "" || step.site === wanted.site);
}

function fill() {
  const grid = by("rows");
  grid.textContent = "";
  rows.clear();
  /* A row has one step, so its text may reach over the lanes to its right; only the last lane has to be as wide as its own. */
  const others = data.lanes.length > 1 ? "repeat(" + (data.lanes.length - 1) + ",minmax(84px,1fr)) max-content" : "1fr";
  grid.style.gridTemplateColumns = "max-content " + others;
  grid.append(make("div", "step", "head"));
  data.lanes.forEach((name, lane) => {
    const head = make("div", "", "head");
    head.style.setProperty("--lane", colour(lane));
    head.append(make("i"), name);
    grid.append(head);
  });
  for (const step of data.steps) if (shown(step)) grid.append(row(step));
  by("count").textContent = rows.size + " of " + data.steps.length + " steps";
  if (chosen !== undefined) choose(chosen);
  else mark();
}

function row(step) {
  const element = make("div", "", "row " + step.kind + (lit.has(step.order) ? " critical" : "") + (step.apart ? " apart" : ""));
  element.dataset.order = step.order;
  element.append(make("div", step.order, "order"));
  if (step.kind === "switch") element.append(make("div", step.text, "bar"));
  else {
    data.lanes.forEach((_, lane) => {
      const own = lane === step.lane;
      const cell = make("div", own ? step.text.replace(/^(driver|device): /, "") : "", own ? "cell step " + step.kind : "cell");
      if (own) cell.style.setProperty("--lane", colour(lane));
      if (own && step.from !== null) cell.append(make("span", "  ← " + step.from, "from"));
      element.append(cell);
    });
  }
  element.onclick = () => choose(step.order);
  rows.set(step.order, element);
  return element;
}

/* Where a step's own cell is, within the grid. */
function spot(order) {
  const cell = rows.get(order)?.querySelector(".step");
  if (!cell) return undefined;
  return { x: cell.offsetLeft, width: cell.offsetWidth, y: cell.offsetTop + cell.offsetHeight / 2 };
}

function join(svg, from, to, stroke, name, shift = 0) {
  const [a, b] = [spot(from), spot(to)];
  if (!a || !b) return;
  const side = a.x === b.x;
  const start = side || a.x > b.x ? a.x + 2 : a.x + Math.min(a.width, a.x < b.x ? b.x - a.x : a.width);
  const end = side || b.x >= a.x ? b.x : b.x + Math.min(b.width, a.x - b.x);
  const bend = side ? -28 : (end - start) / 2;
  const path = "M" + (start + shift) + " " + a.y + "C" + (start + shift + bend) + " " + a.y + "," + (side ? end + shift + bend : end + shift - bend) + " " + b.y + "," + (end + shift) + " " + b.y;
  svg.append(draw("path", { d: path, fill: "none", stroke, "stroke-width": 2, "stroke-dasharray": name === "critical" ? "6 4" : "none", "class": name }));
  svg.append(draw("circle", { cx: start + shift, cy: a.y, r: 3, fill: stroke }));
  svg.append(draw("path", { d: arrow(end + shift, b.y, a.y < b.y), fill: stroke }));
}

const arrow = (x, y, down) => "M" + x + " " + y + "l-5 " + (down ? -9 : 9) + "h10z";

function mark() {
  by("rows").querySelector("svg")?.remove();
  const svg = draw("svg", { width: by("rows").scrollWidth, height: by("rows").scrollHeight });
  data.pairs.forEach(({ first, second }, at) => {
    if (first !== undefined) join(svg, first, second, "var(--lit-rule)", "critical", 5 * at - 2);
  });
  const step = steps.get(chosen);
  if (step && step.from !== null) join(svg, step.from, chosen, "var(--good)", "reads-from");
  by("rows").append(svg);
  map();
}

function go(order) {
  if (!rows.has(order)) {
    for (const id of ["area", "site", "actor"]) by(id).value = "";
    by("apart").checked = false;
    fill();
  }
  choose(order);
  rows.get(order)?.querySelector(".step, .bar")?.scrollIntoView({ block: "center", inline: "nearest" });
}

function choose(order) {
  chosen = order;
  for (const element of rows.values()) element.classList.remove("chosen", "source");
  const step = steps.get(order);
  rows.get(order)?.classList.add("chosen");
  if (step.from !== null) rows.get(step.from)?.classList.add("source");
  detail(step);
  mark();
}

function detail(step) {
  const panel = by("detail");
  panel.textContent = "";
  panel.append(make("h2", "Step " + step.order + ", " + data.lanes[step.lane]));
  panel.append(make("p", step.text));
  const list = make("dl");
  const fact = (name, value) => { if (value) list.append(make("dt", name), linked(make("dd"), value)); };
  fact("site", step.site);
  fact("place", step.place);
  fact("read from", step.from === null ? "" : "step " + step.from + ", " + data.lanes[steps.get(step.from).lane]);
  fact("seen by", (seenBy.get(step.order) ?? []).map((order) => "step " + order).join(", "));
  for (const { first, second } of data.pairs) {
    if (step.order === second && first !== undefined) fact("critical", "passes if it comes before step " + first);
    if (step.order === first) fact("critical", "passes if it comes after step " + second);
  }
  panel.append(list);
  for (const frame of step.frames) {
    const { name, excerpt } = data.sources[frame];
    const link = make("a", name);
    link.href = "vscode://file" + frame;
    panel.append(link);
    if (!excerpt) continue;
    const here = Number(/(\d+)$/.exec(frame)[1]);
    const code = make("pre");
    excerpt.lines.forEach((text, at) => {
      const line = make("span", "", excerpt.first + at === here ? "here" : "");
      line.append(make("b", excerpt.first + at), text);
      code.append(line);
    });
    panel.append(code);
  }
}

/* The whole execution, small: a column per lane, the critical steps across. */
function map() {
  const target = by("map");
  target.textContent = "";
  const count = data.steps.length;
  const svg = draw("svg", { viewBox: "0 0 " + data.lanes.length + " " + count, preserveAspectRatio: "none" });
  data.steps.forEach((step, at) => {
    if (step.kind === "switch") svg.append(draw("rect", { x: 0, y: at, width: data.lanes.length, height: 0.6, fill: "var(--switch)" }));
    else svg.append(draw("rect", { x: step.lane + 0.1, y: at, width: 0.8, height: 1, fill: colour(step.lane), opacity: rows.has(step.order) ? 0.8 : 0.15 }));
  });
  data.steps.forEach((step, at) => {
    const strong = lit.has(step.order) || step.order === chosen;
    if (strong) svg.append(draw("rect", { x: 0, y: at - count / 300, width: data.lanes.length, height: Math.max(1, count / 120), fill: lit.has(step.order) ? "var(--lit-rule)" : "var(--soft)" }));
  });
  svg.onclick = (event) => {
    const box = svg.getBoundingClientRect();
    const wanted = Math.min(count - 1, Math.floor((count * (event.clientY - box.top)) / box.height));
    go(data.steps[wanted].order);
  };
  target.append(svg);
}

let turn = 0;
by("critical").onclick = () => {
  const orders = [...lit].filter((order) => order !== undefined).sort((a, b) => a - b);
  if (orders.length > 0) go(orders[turn++ % orders.length]);
};
by("critical").hidden = lit.size === 0;
by("zoom").oninput = () => {
  const size = Number(by("zoom").value);
  document.documentElement.style.setProperty("--zoom", size + "px");
  by("rows").classList.toggle("tiny", size < 6);
  mark();
};
by("theme").onclick = () => {
  const root = document.documentElement;
  const dark = root.style.colorScheme === "" ? matchMedia("(prefers-color-scheme: dark)").matches : root.style.colorScheme === "dark";
  root.style.colorScheme = dark ? "light" : "dark";
};
addEventListener("resize", mark);
addEventListener("keydown", (event) => {
  const by = { ArrowDown: 1, ArrowUp: -1, j: 1, k: -1 }[event.key];
  if (by === undefined || event.target.matches("select, input")) return;
  const orders = [...rows.keys()];
  const next = orders[Math.max(0, Math.min(orders.length - 1, orders.indexOf(chosen) + by))];
  if (next === undefined) return;
  event.preventDefault();
  go(next);
});
fill();
const start = data.pairs[0]?.second ?? data.steps.findLast((step) => step.kind !== "note")?.order;
if (start !== undefined) go(start);
`;
