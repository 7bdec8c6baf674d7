"""How a report looks: on paper and screens, light and dark, wide and narrow. The page has no other style."""

from __future__ import annotations

__all__ = ["STYLE"]

STYLE = """
:root {
  color-scheme: light dark;
  --ground: #faf9f6; --raised: #ffffff; --ink: #222831; --quiet: #5a6577; --line: #d6d1c6; --accent: #8a5200;
  --marked: #f6e8d0; --warned: #9a5b00; --good: #2b7a41; --bad: #b3343f;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #12161d; --raised: #161b24; --ink: #d5dae3; --quiet: #9aa6b9; --line: #333d4d; --accent: #e6b45e;
    --marked: #362c1b; --warned: #e6b45e; --good: #84c794; --bad: #e27d84;
  }
  figure img { filter: invert(1) hue-rotate(180deg); mix-blend-mode: screen; }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body {
  margin: 0 auto; padding: 1.5rem 1rem 4rem; max-width: 76rem; background: var(--ground); color: var(--ink);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif;
  overflow-wrap: anywhere;
}
h1 { font-size: 1.6rem; line-height: 1.25; margin: 0 0 .25rem; }
h2 { font-size: 1.25rem; margin: 2.75rem 0 .75rem; padding-top: .5rem; border-top: 1px solid var(--line); }
h3 { font-size: 1rem; margin: 1.75rem 0 .25rem; }
h4 { font-size: .875rem; margin: 1.25rem 0 .25rem; }
p, ul, ol, dl, pre { margin: 0 0 .75rem; }
p, li { max-width: 46rem; }
a { color: var(--accent); }
a:focus-visible, .wide:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
nav ul { list-style: none; padding: 0; display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; max-width: none; }
.quiet, .notes, .dim { color: var(--quiet); }
.notes { font-size: .8125rem; padding-left: 1.1rem; }
.lead { font-size: 1.125rem; }
.heard, .question figcaption {
  position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap;
}
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(11rem, 1fr)); gap: .75rem; margin: 1rem 0; }
.tiles div { background: var(--raised); border: 1px solid var(--line); border-radius: .5rem; padding: .75rem 1rem; }
.tiles dt { font-size: .8125rem; color: var(--quiet); }
.tiles dd { margin: 0; font-size: 1.375rem; font-variant-numeric: tabular-nums; }
.tiles dd + dd { font-size: .8125rem; color: var(--quiet); }
.wide { overflow-x: auto; margin: 0 0 .5rem; position: relative; }
table { border-collapse: collapse; font-size: .875rem; font-variant-numeric: tabular-nums; }
figure { margin: 0 0 1.5rem; }
figcaption { font-size: .875rem; font-weight: 600; margin: 0 0 .25rem; max-width: 46rem; }
th, td { padding: .25rem .75rem .25rem 0; text-align: left; vertical-align: top; overflow-wrap: normal; }
thead th { vertical-align: bottom; color: var(--quiet); font-weight: 600; border-bottom: 1px solid var(--line); }
tbody th { font-weight: 400; }
.many tbody th { position: sticky; left: 0; min-width: 15rem; background: var(--ground) padding-box; }
tbody tr > :first-child { padding-left: .25rem; }
tbody + tbody tr:first-child > * { border-top: 1px solid var(--line); }
.figure { text-align: right; white-space: nowrap; }
tr.strong > * { font-weight: 600; }
tr.dim > * { color: var(--quiet); }
tr.warned > * { color: var(--warned); }
tbody tr.marked > * { background-color: var(--marked); font-weight: 600; }
figure img { display: block; width: 100%; max-width: 54rem; min-width: 34rem; height: auto; background: #fff; }
pre {
  background: var(--raised); border: 1px solid var(--line); border-radius: .5rem; padding: .75rem 1rem;
  font: .8125rem/1.5 ui-monospace, "SFMono-Regular", Menlo, Consolas, "DejaVu Sans Mono", monospace;
  white-space: pre-wrap;
}
.question { break-inside: avoid; }
.question blockquote {
  margin: .25rem 0 .75rem; padding: .25rem 0 .25rem .875rem; border-left: 3px solid var(--line); max-width: 46rem;
  white-space: pre-wrap;
}
.yes { color: var(--good); }
.no { color: var(--bad); }
@media (max-width: 40rem) {
  body { padding: 1rem .75rem 3rem; font-size: 15px; }
  h1 { font-size: 1.35rem; }
  .tiles { grid-template-columns: 1fr 1fr; }
  .tiles dd { font-size: 1.125rem; }
  table { font-size: .8125rem; }
  tbody th { min-width: 7rem; }
  .many tbody th { min-width: 8rem; max-width: 10rem; }
}
@media print {
  :root {
    color-scheme: light;
    --ground: #fff; --raised: #fff; --ink: #000; --quiet: #444; --line: #bbb; --accent: #000; --marked: #eee;
    --warned: #000; --good: #000; --bad: #000;
  }
  @page { margin: 15mm; }
  body { padding: 0; max-width: none; font-size: 10pt; }
  nav { display: none; }
  h2, h3, h4, figcaption { break-after: avoid; }
  tr, img { break-inside: avoid; }
  thead { display: table-header-group; }
  .wide { overflow: visible; }
  .spare { display: none; }
  table { font-size: 8.5pt; }
  .many { font-size: 7pt; }
  th, td { padding: .1rem .4rem .1rem 0; }
  .many tbody th { position: static; min-width: 0; }
  figure img { filter: none; mix-blend-mode: normal; min-width: 0; max-width: 100%; }
}
"""
