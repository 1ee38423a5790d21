/** The style of the page: light, dark, narrow and on paper. */
export const style = `
:root {
  color-scheme: light dark;
  --paper: #fff; --card: #f6f7f9; --line: #d5d9e0; --ink: #1b1f27; --soft: #535b69;
  --blue: #0b66b0; --orange: #c65300; --green: #0a7d5a; --good: #0a7d5a; --bad: #b3261e; --link: #0b57a4;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #12151b; --card: #1b2029; --line: #39414e; --ink: #e7eaf0; --soft: #a9b2c0;
    --blue: #62b0f0; --orange: #f0a04b; --green: #4fc79b; --good: #4fc79b; --bad: #ff8f84; --link: #83bdf5;
  }
}
* { box-sizing: border-box; }
html { scroll-behavior: smooth; }
@media (prefers-reduced-motion: reduce) { html { scroll-behavior: auto; } }
body {
  margin: 0 auto; padding: 1.5rem 1rem 4rem; max-width: 72rem;
  background: var(--paper); color: var(--ink);
  font: 16px/1.5 system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif; overflow-wrap: anywhere;
}
h1 { font-size: 1.75rem; line-height: 1.2; margin: 0; }
h2 { font-size: 1.25rem; margin: 2.5rem 0 .75rem; padding-top: .75rem; border-top: 1px solid var(--line); }
h3 { font-size: 1rem; margin: 0; }
p { margin: .4rem 0; }
a { color: var(--link); }
:focus-visible { outline: 3px solid var(--blue); outline-offset: 2px; border-radius: 2px; }
.skip { position: absolute; left: -100rem; }
.skip:focus { left: 1rem; top: .5rem; background: var(--paper); padding: .5rem; }
.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.soft { color: var(--soft); }
.kind { text-transform: uppercase; letter-spacing: .06em; font-size: .8rem; color: var(--soft); margin: 0 0 .25rem; }
.state { border-left: 4px solid var(--good); background: var(--card); padding: .6rem .9rem; margin: 1rem 0; border-radius: 0 6px 6px 0; }
.state.bad { border-color: var(--bad); }
.state.part { border-color: var(--orange); }
nav ul { list-style: none; display: flex; flex-wrap: wrap; gap: .25rem 1rem; padding: 0; margin: .75rem 0; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(12rem, 1fr)); gap: .75rem; margin: 1rem 0; }
.tiles > div { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: .65rem .85rem; }
.tiles dt { font-size: .85rem; color: var(--soft); }
.tiles dd { margin: 0; font-size: 1.45rem; font-weight: 600; line-height: 1.25; font-variant-numeric: tabular-nums; }
.tiles dd small { display: block; font-size: .8rem; font-weight: 400; color: var(--soft); }
.figures { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 24rem), 1fr)); gap: 1rem; align-items: start; }
figure { margin: 0; background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: .85rem 1rem; min-width: 0; }
figure p { font-size: .9rem; color: var(--soft); margin: .15rem 0 .5rem; }
.plot { display: block; width: 100%; height: auto; max-width: 34rem; margin: 0 auto; }
.plot text { white-space: pre; }
.keys { list-style: none; display: flex; flex-wrap: wrap; gap: .1rem 1rem; padding: 0; margin: 0 0 .4rem; font-size: .85rem; }
.keys svg { width: 1.6em; height: .8em; margin-right: .4em; vertical-align: baseline; }
details { margin-top: .5rem; }
summary { cursor: pointer; color: var(--link); font-size: .9rem; width: fit-content; }
.scroll { overflow-x: auto; margin: .25rem 0 1rem; }
table { border-collapse: collapse; font-size: .875rem; min-width: 100%; font-variant-numeric: tabular-nums; }
caption { text-align: start; color: var(--soft); font-size: .875rem; padding: .25rem 0; }
caption > span { position: sticky; inset-inline-start: 0; display: inline-block; max-width: calc(100vw - 2rem); }
th, td { text-align: start; vertical-align: top; padding: .35rem .6rem; border-bottom: 1px solid var(--line); }
thead th { border-bottom: 2px solid var(--line); white-space: nowrap; }
td.n, th.n { text-align: end; white-space: nowrap; }
tbody th { font-weight: 500; }
.short { white-space: nowrap; }
td .value { width: max-content; max-width: min(24rem, 70vw); }
td details { margin: 0; }
td summary { color: inherit; font-size: inherit; width: auto; }
.value { white-space: pre-wrap; unicode-bidi: plaintext; }
.error { color: var(--bad); }
pre { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: .75rem 1rem; white-space: pre-wrap; font-size: .85rem; margin: .5rem 0; }
code { font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; }
footer { margin-top: 3rem; border-top: 1px solid var(--line); padding-top: .75rem; font-size: .875rem; color: var(--soft); }
@media (max-width: 36rem) { body { padding-top: 1rem; } h1 { font-size: 1.4rem; } .tiles { grid-template-columns: repeat(2, 1fr); } .tiles dd { font-size: 1.2rem; } }
@media print {
  :root { color-scheme: light; --paper: #fff; --card: #fff; --line: #bbb; --ink: #000; --soft: #444;
    --blue: #0b66b0; --orange: #c65300; --green: #0a7d5a; --good: #0a7d5a; --bad: #b3261e; --link: #000; }
  body { max-width: none; padding: 0; font-size: 10.5pt; }
  nav, .skip { display: none; }
  figure, .tiles > div, tr { break-inside: avoid; }
  h2, h3 { break-after: avoid; }
  .scroll { overflow: visible; }
  .figures { grid-template-columns: 1fr 1fr; }
  td .value, .short { width: auto; max-width: none; white-space: pre-wrap; }
  figure details { display: none; }
}
`
