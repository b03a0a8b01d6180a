/** The page's style, as text. */
export const STYLE = `
:root{color-scheme:light dark;--zoom:12px;
--ink:light-dark(#1f2328,#e6edf3);--soft:light-dark(#59636e,#9198a1);--back:light-dark(#fff,#0d1117);
--panel:light-dark(#f6f8fa,#161b22);--rule:light-dark(#d1d9e0,#30363d);--hover:light-dark(#eef1f4,#1c2430);
--lit:light-dark(#ffe3d6,#5a2a12);--lit-rule:light-dark(#d1242f,#ff7b72);--chosen:light-dark(#ddf4ff,#13365c);
--source:light-dark(#dafbe1,#14401f);--switch:light-dark(#9a6700,#d29922);--good:light-dark(#1a7f37,#3fb950)}
*{box-sizing:border-box}
body{font:14px/1.45 system-ui,sans-serif;margin:0;color:var(--ink);background:var(--back);height:100vh;display:flex;flex-direction:column}
header{padding:12px 20px 10px;background:var(--panel);border-bottom:1px solid var(--rule);max-height:38vh;overflow:auto;flex:none}
h1{font-size:20px;margin:0 12px 0 0;display:inline}h1.bad{color:var(--lit-rule)}h1.good{color:var(--good)}
#subject{display:inline;color:var(--soft)}ul{margin:8px 0;padding-left:20px}li{margin:2px 0;overflow-wrap:anywhere}
li a{color:inherit;text-decoration:underline dotted;cursor:pointer}
#again{display:flex;gap:8px;align-items:flex-start}
code{font:12px/1.5 ui-monospace,monospace;padding:4px 8px;background:var(--back);border:1px solid var(--rule);border-radius:6px;overflow-wrap:anywhere;max-height:4.8em;overflow:auto}
button,select{font:inherit;font-size:13px;color:var(--ink);background:var(--back);border:1px solid var(--rule);border-radius:6px;padding:2px 10px}
button{cursor:pointer}button:hover,button.on{background:var(--chosen)}
nav{display:flex;flex-wrap:wrap;gap:6px 16px;align-items:center;padding:8px 20px;border-bottom:1px solid var(--rule);font-size:13px;flex:none}
nav label{display:flex;align-items:center;gap:6px;white-space:nowrap}nav select{max-width:240px}#count{color:var(--soft);margin-left:auto}
main{flex:1;min-height:0;display:grid;grid-template-columns:56px minmax(0,1fr) minmax(300px,31%)}
#map{position:relative;border-right:1px solid var(--rule);cursor:pointer;overflow:hidden}
#map svg{position:absolute;inset:4px 4px;width:calc(100% - 8px);height:calc(100% - 8px)}
#lanes{overflow:auto;font-family:ui-monospace,monospace;font-size:var(--zoom);line-height:1.5;position:relative}
#rows{display:grid;position:relative;padding-bottom:24px}
.row{display:contents;cursor:pointer}
.head{position:sticky;top:0;z-index:3;background:var(--panel);border-bottom:1px solid var(--rule);padding:4px 12px;font:600 13px system-ui,sans-serif;white-space:nowrap}
.head i{display:inline-block;width:10px;height:10px;border-radius:3px;margin-right:7px;background:var(--lane)}
.order{color:var(--soft);text-align:right;padding:0 8px 0 14px;position:sticky;left:0;background:var(--back);z-index:1}
.cell{border-left:1px solid var(--rule)}
.cell.step{white-space:pre;border-left:4px solid var(--lane);padding:0 12px 0 9px;width:max-content;min-width:100%;position:relative;z-index:1;background:var(--back)}
.cell.note{color:var(--soft);font-style:italic}.apart .step{opacity:.6}
.from{color:var(--soft)}
.row:hover .cell{background:var(--hover)}.row.switch .cell{border-left-color:var(--rule)}
.bar{grid-column:2/-1;color:var(--switch);border-top:1px dashed var(--switch);padding:1px 12px;font:600 .92em system-ui,sans-serif}
.row.switch .order{color:var(--switch)}
.row.critical .step{background:var(--lit);font-weight:600;opacity:1}
.row.chosen .step{background:var(--chosen);opacity:1}.row.source .step{background:var(--source);opacity:1}
#rows svg{position:absolute;inset:0;pointer-events:none;overflow:visible;z-index:2}
.tiny .order,.tiny .bar{font-size:0}.tiny .cell.step{height:4px;overflow:hidden;font-size:0;background:color-mix(in srgb,var(--lane) 45%,transparent)}
.tiny .order{height:4px}.tiny .bar{padding:0;height:2px}.tiny .row.critical .step{background:var(--lit-rule)}
aside{border-left:1px solid var(--rule);background:var(--panel);padding:14px 16px;overflow:auto}
aside h2{font-size:15px;margin:0 0 8px;overflow-wrap:anywhere}aside dl{display:grid;grid-template-columns:auto 1fr;gap:3px 12px;margin:0 0 12px}
aside dt{color:var(--soft)}aside dd{margin:0;overflow-wrap:anywhere}aside a{color:light-dark(#0969da,#58a6ff)}
pre{margin:4px 0 14px;padding:6px 0;background:var(--back);border:1px solid var(--rule);border-radius:6px;overflow:auto;font:11.5px/1.5 ui-monospace,monospace}
pre span{display:block;padding:0 10px;width:max-content;min-width:100%}pre b{color:var(--soft);font-weight:400;display:inline-block;width:3.5em;user-select:none}
pre .here{background:var(--chosen)}
@media(max-width:900px){main{grid-template-columns:40px minmax(0,1fr)}aside{grid-column:1/-1;max-height:34vh;border-top:1px solid var(--rule)}}
`;
