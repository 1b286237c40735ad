/** The console's one style sheet. Colours keep a contrast of 4.5:1 for text, in light and in dark. */
export const STYLE = `
:root {
  color-scheme: light dark;
  --back: #f6f7f9; --card: #ffffff; --line: #d9dee5; --text: #1b2430; --faint: #566273; --link: #0b5cad;
  --accent: #0b5cad; --code: #eef1f5; --focus: #0b5cad;
  --critical: #a3123a; --high: #b3341a; --medium: #8a5a00; --low: #1f6b4f; --informational: #4a5a70;
  --good: #1f6b4f; --bad: #a3123a; --bar: #7ba7d6; --banner: #fff6dd; --banner-text: #5c4300;
}
@media (prefers-color-scheme: dark) {
  :root {
    --back: #10151c; --card: #181f29; --line: #2d3846; --text: #e4e9f0; --faint: #9aa8ba; --link: #7db8f5;
    --accent: #7db8f5; --code: #111820; --focus: #7db8f5;
    --critical: #ff8aa6; --high: #ff9c7d; --medium: #eabf62; --low: #79cfa9; --informational: #a9b9cf;
    --good: #79cfa9; --bad: #ff8aa6; --bar: #3f6d9e; --banner: #33290f; --banner-text: #f0d48c;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; background: var(--back); color: var(--text);
  font: 14px/1.45 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "Noto Sans", sans-serif;
}
a { color: var(--link); }
:focus-visible { outline: 2px solid var(--focus); outline-offset: 2px; }
.skip { position: absolute; left: -999px; }
.skip:focus { left: 8px; top: 8px; background: var(--card); padding: 6px 10px; z-index: 1; }
h1, h2, h3 { line-height: 1.25; margin: 0; font-weight: 600; }
h1 { font-size: 20px; } h2 { font-size: 15px; } h3 { font-size: 14px; }
.faint { color: var(--faint); }
.mono, code, pre { font: 12.5px/1.5 ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; }
.wrap { overflow-wrap: anywhere; }

.top { background: var(--card); border-bottom: 1px solid var(--line); }
.top > div {
  max-width: 1440px; margin: 0 auto; padding: 10px 20px; display: flex; flex-wrap: wrap; align-items: center;
  gap: 6px 28px;
}
.brand { font-size: 17px; font-weight: 650; letter-spacing: .01em; color: var(--text); text-decoration: none; display: flex; align-items: center; gap: 8px; }
.brand svg { width: 18px; height: 18px; fill: none; stroke: var(--accent); stroke-width: 2; }
.facts { display: flex; flex-wrap: wrap; gap: 4px 28px; margin: 0; flex: 1; min-width: 0; }
.facts div { min-width: 0; }
.facts dt { font-size: 11px; color: var(--faint); text-transform: uppercase; letter-spacing: .05em; }
.facts dd { margin: 0; font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }
@media (max-width: 719px) { .facts { order: 1; flex-basis: 100%; } .live { margin-left: auto; } }
.live { display: flex; align-items: center; gap: 10px; color: var(--faint); font-size: 13px; }
.banner { background: var(--banner); color: var(--banner-text); border-bottom: 1px solid var(--line); }
.banner p { max-width: 1440px; margin: 0 auto; padding: 7px 20px; }

main { max-width: 1440px; margin: 0 auto; padding: 18px 20px 48px; }
.columns { display: grid; grid-template-columns: minmax(0, 1fr); gap: 18px; }
@media (min-width: 1080px) { .columns { grid-template-columns: minmax(0, 1fr) 400px; } }
.columns > * { min-width: 0; }
.stack { display: grid; gap: 18px; align-content: start; grid-template-columns: minmax(0, 1fr); }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: 14px 16px; min-width: 0; }
.card > h2 { margin-bottom: 10px; }
.card > h2 + p { margin-top: 0; }
.card > p:last-child { margin-bottom: 0; }
.card > pre + h3 { margin-top: 16px; }
.stack > :empty { display: none; }
.head { display: flex; flex-wrap: wrap; align-items: baseline; gap: 6px 14px; margin-bottom: 12px; }
.head h2 { font-size: 17px; }

.filters { display: flex; flex-wrap: wrap; gap: 8px; margin: 0 0 0 auto; align-items: center; }
select, input, textarea, button {
  font: inherit; color: inherit; background: var(--card); border: 1px solid var(--line); border-radius: 6px;
  padding: 4px 8px; max-width: 100%;
}
button { cursor: pointer; } button:hover { border-color: var(--accent); }
button.primary { background: #0b5cad; border-color: #0b5cad; color: #fff; }
textarea { width: 100%; min-height: 58px; resize: vertical; }
label { display: block; font-size: 12.5px; color: var(--faint); }

.alerts { list-style: none; margin: 0; padding: 0; display: grid; gap: 8px; }
.alert {
  display: block; background: var(--card); border: 1px solid var(--line); border-left: 4px solid var(--informational);
  border-radius: 8px; padding: 10px 14px; position: relative;
}
.alert:hover { border-color: var(--accent); }
.alert.critical, .alert.critical:hover { border-left-color: var(--critical); }
.alert.high, .alert.high:hover { border-left-color: var(--high); }
.alert.medium, .alert.medium:hover { border-left-color: var(--medium); }
.alert.low, .alert.low:hover { border-left-color: var(--low); }
.alert.done h3 a { font-weight: 400; }
.alert h3 { display: flex; flex-wrap: wrap; gap: 4px 10px; align-items: baseline; }
.alert h3 a { color: var(--text); text-decoration: none; overflow-wrap: anywhere; min-width: 0; }
.alert h3 a::after { content: ""; position: absolute; inset: 0; }
.alert h3 .state { margin-left: auto; }
.alert p { margin: 3px 0 5px; overflow-wrap: anywhere; }
.meta { display: flex; flex-wrap: wrap; gap: 2px 18px; font-size: 12.5px; color: var(--faint); margin: 0; }
.meta div { display: flex; gap: 5px; min-width: 0; } .meta dt { flex: none; }
.meta dd { margin: 0; color: var(--text); overflow-wrap: anywhere; min-width: 0; }
.severity { font-size: 11px; font-weight: 700; text-transform: uppercase; letter-spacing: .06em; }
.severity.critical { color: var(--critical); } .severity.high { color: var(--high); }
.severity.medium { color: var(--medium); } .severity.low { color: var(--low); }
.severity.informational { color: var(--informational); }
.state { font-size: 12.5px; font-weight: 400; color: var(--faint); white-space: nowrap; }
.state .on { color: var(--bad); font-weight: 600; }
.empty { border: 1px dashed var(--line); border-radius: 8px; padding: 22px; text-align: center; color: var(--faint); }
.more { margin: 12px 0 0; }

table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
caption { text-align: left; color: var(--faint); font-size: 12.5px; padding-bottom: 4px; }
th, td { text-align: left; padding: 4px 12px 4px 0; border-bottom: 1px solid var(--line); vertical-align: top; }
tr:last-child > td, tr:last-child > th[scope=row] { border-bottom: 0; }
thead th { font-size: 11.5px; font-weight: 600; color: var(--faint); white-space: nowrap; }
th[scope=row] { font-weight: 400; overflow-wrap: anywhere; }
td.number, th.number { text-align: right; white-space: nowrap; }
th:last-child, td:last-child { padding-right: 0; }
.scroll { overflow-x: auto; }
.scroll td { white-space: nowrap; }
.evidence { overflow-x: auto; }
#episode th { white-space: nowrap; }
pre { background: var(--code); border: 1px solid var(--line); border-radius: 6px; padding: 10px 12px; margin: 6px 0 0; overflow-x: auto; white-space: pre; }
pre.soft { white-space: pre-wrap; overflow-wrap: anywhere; }
.bar { display: block; width: 100%; height: 10px; min-width: 60px; } .bar rect { fill: var(--line); } .bar rect + rect { fill: var(--accent); }
.rate { display: block; width: 100%; height: 72px; } .rate rect { fill: var(--bar); } .rate line { stroke: var(--line); }
.axis { display: flex; justify-content: space-between; font-size: 12px; color: var(--faint); margin: 2px 0 0; }
#sources th[scope=row] { position: relative; padding-left: 16px; }
#sources .dot { position: absolute; left: 0; top: 11px; }
.dot { display: inline-block; width: 8px; height: 8px; border-radius: 50%; background: var(--faint); margin-right: 6px; }
.dot.active { background: var(--good); } .dot.closed { background: transparent; border: 1px solid var(--faint); }
ul.advice { margin: 0; padding-left: 18px; } ul.advice li { margin: 3px 0; overflow-wrap: anywhere; }

.title { margin: 4px 0 16px; } .title h1 { overflow-wrap: anywhere; margin: 2px 0 6px; }
.title .headline { font-size: 15.5px; margin: 0 0 10px; overflow-wrap: anywhere; max-width: 90ch; }
.why p { margin: 0 0 8px; overflow-wrap: anywhere; max-width: 100ch; }
.why + h3 { margin: 14px 0 4px; }
.evidence + .evidence { border-top: 1px solid var(--line); margin-top: 12px; padding-top: 12px; }
.evidence p { margin: 2px 0 6px; overflow-wrap: anywhere; }
form.act { display: grid; gap: 8px; } form.act + form.act { border-top: 1px solid var(--line); margin-top: 14px; padding-top: 14px; }
form.act .row { display: flex; gap: 8px; align-items: end; flex-wrap: wrap; }
.comments { list-style: none; padding: 0; margin: 0; } .comments li { padding: 6px 0; border-bottom: 1px solid var(--line); overflow-wrap: anywhere; }
.said { white-space: pre-wrap; }
.comments li:last-child { border-bottom: 0; }
`;
