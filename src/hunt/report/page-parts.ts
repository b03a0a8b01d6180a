/** The page's style and script, as text. */

export const STYLE = `
body{font:14px/1.4 system-ui,sans-serif;margin:0;color:#1b1f24;display:grid;grid-template-rows:auto 1fr auto;height:100vh}
header{padding:8px 16px;background:#f4f6f8;border-bottom:1px solid #d0d7de}h1{font-size:18px;margin:4px 0}
ul{margin:4px 0 8px 18px;padding:0}code{display:block;padding:6px 8px;background:#fff;border:1px solid #d0d7de;overflow:auto}
#tools{margin-top:8px;display:flex;gap:16px;align-items:center}main{overflow:auto}
table{border-collapse:collapse;font-family:ui-monospace,monospace;font-size:var(--zoom,13px)}
th{position:sticky;top:0;background:#fff;text-align:left;border-bottom:2px solid #57606a;padding:2px 12px}
td{padding:1px 12px;white-space:nowrap;border-left:1px solid #eaeef2}td.order{color:#8c959f;text-align:right}
tr.switch td{border-top:2px solid #bf8700}tr.critical td.step{background:#ffebe9}tr.chosen td.step{background:#ddf4ff}
tr.source td.step{background:#dafbe1}tr{cursor:pointer}
aside{padding:8px 16px;background:#f4f6f8;border-top:1px solid #d0d7de;max-height:25vh;overflow:auto;font-family:ui-monospace,monospace}
`;

export const SCRIPT = `
const data = JSON.parse(document.getElementById("data").textContent);
const by = (id) => document.getElementById(id);
const element = (name, text, className) => Object.assign(document.createElement(name), { textContent: text ?? "", className: className ?? "" });
for (const sentence of data.reading) by("reading").append(element("li", sentence));
by("line").textContent = data.line;
for (const site of [...new Set(data.steps.map((s) => s.site))].filter(Boolean).sort()) by("site").append(element("option", site));
for (const lane of data.lanes) by("actor").append(element("option", lane));
const head = element("tr");
head.append(element("th", "step"), ...data.lanes.map((lane) => element("th", lane)));
document.querySelector("thead").append(head);
let onlyCritical = false;
const rows = new Map();
function draw() {
  const body = document.querySelector("tbody");
  body.textContent = "";
  rows.clear();
  let lane = -1;
  for (const step of data.steps) {
    if (by("site").value && step.site !== by("site").value) continue;
    if (by("actor").value && data.lanes[step.lane] !== by("actor").value) continue;
    if (onlyCritical && !step.critical) continue;
    const row = element("tr", "", (lane >= 0 && lane !== step.lane ? "switch " : "") + (step.critical ? "critical" : ""));
    lane = step.lane;
    row.append(element("td", step.order, "order"));
    data.lanes.forEach((_, at) => row.append(element("td", at === step.lane ? step.text : "", at === step.lane ? "step" : "")));
    row.onclick = () => choose(step);
    rows.set(step.order, row);
    body.append(row);
  }
}
function choose(step) {
  for (const row of rows.values()) row.classList.remove("chosen", "source");
  rows.get(step.order)?.classList.add("chosen");
  if (step.from !== null) rows.get(step.from)?.classList.add("source");
  const detail = by("detail");
  detail.textContent = "";
  detail.append(element("div", "step " + step.order + ", " + data.lanes[step.lane] + ": " + step.text));
  for (const place of step.stack) {
    const link = element("a", place);
    link.href = "vscode://file" + place;
    detail.append(link, element("br"));
  }
}
by("site").onchange = by("actor").onchange = draw;
by("critical").onclick = () => { onlyCritical = !onlyCritical; draw(); };
by("zoom").oninput = () => document.documentElement.style.setProperty("--zoom", by("zoom").value + "px");
draw();
`;
