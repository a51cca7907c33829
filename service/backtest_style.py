"""How a backtest's page looks: one style for light, dark, phone and paper. Contrast is at least 4.5 to 1 for text and
3 to 1 for bars (WCAG 2.2 AA)."""

STYLE = """
:root{color-scheme:light dark;--bg:#fff;--ink:#18181b;--soft:#52525b;--line:#d4d4d8;--pane:#f4f4f5;--new:#0b62a4;
--old:#b45309;--link:#0b62a4;--good:#166534;--bad:#9f1239;--h1:#dbeafe;--h2:#a9cdf2;--h3:#6aa5dc;--h4:#2f74b5;
--h5:#0b4a82;--lite:#fff}
@media (prefers-color-scheme:dark){:root{--bg:#141417;--ink:#f4f4f5;--soft:#b4b4bd;--line:#3f3f46;--pane:#222227;
--new:#60a5fa;--old:#f0a04b;--link:#7cb8ff;--good:#86efac;--bad:#fda4af;--h1:#172b45;--h2:#1d4170;--h3:#2763a8;
--h4:#5b9bdf;--h5:#a8d1ff;--lite:#141417}}
*{box-sizing:border-box}
body{margin:0;background:var(--bg);color:var(--ink);font:16px/1.5 system-ui,-apple-system,"Segoe UI",sans-serif}
main{max-width:1080px;margin:0 auto;padding:1.2rem 1.1rem 3rem}
h1{font-size:1.7rem;line-height:1.2;margin:.2rem 0 .4rem}
h2{font-size:1.22rem;margin:2.4rem 0 .3rem;padding-top:.9rem;border-top:1px solid var(--line)}
h3{font-size:1rem;margin:1.2rem 0 .3rem}
p{margin:.35rem 0}.note,.mark,small,footer{color:var(--soft)}
.mark{font-size:.8rem;letter-spacing:.06em;margin:0}
.said{font-size:1.06rem;margin:.8rem 0;padding-left:1.2rem}.said li{margin:.2rem 0}
.cards{display:flex;flex-wrap:wrap;gap:.7rem;margin:1.1rem 0}
.cards div{flex:1 1 9.5rem;background:var(--pane);border:1px solid var(--line);border-radius:10px;padding:.6rem .9rem;
display:flex;flex-direction:column-reverse;justify-content:flex-end}
.cards dt{color:var(--soft);font-size:.9rem}
.cards dd{margin:0;font-size:1.55rem;font-weight:650;font-variant-numeric:tabular-nums;line-height:1.25}
.cards small{display:block;font-size:.84rem;font-weight:400}
.plot{margin:.6rem 0}.key{display:flex;flex-wrap:wrap;gap:1rem;margin:.2rem 0 .5rem;font-size:.92rem}
svg.columns{display:block;width:100%;overflow:visible;font-size:12px}
svg text{fill:var(--soft)}svg text.x{text-anchor:middle}svg text.y{text-anchor:end}svg line{stroke:var(--line)}
svg.bar{display:block;width:100%;min-width:70px;max-width:230px;margin:2px 0}
rect.new{fill:var(--new)}rect.old{fill:var(--old)}
.scroll{overflow-x:auto;margin:.7rem 0}.scroll:focus-visible{outline:3px solid var(--link);outline-offset:2px}
table{border-collapse:collapse;width:100%;font-size:.93rem;font-variant-numeric:tabular-nums}
caption{text-align:left;font-weight:600;padding:.2rem 0 .3rem}
th,td{padding:.32rem .55rem;text-align:right;border-bottom:1px solid var(--line);vertical-align:middle}
th{font-weight:600}thead th{color:var(--soft);font-size:.86rem;vertical-align:bottom}
th[scope=row],th:first-child,.word{text-align:left}tbody th{font-weight:500}
td:last-child{padding-right:.2rem}code{font-size:.9em;overflow-wrap:anywhere}table code{white-space:nowrap}
.heat{font-size:.8rem}.heat th,.heat td{padding:.2rem .25rem;text-align:center;min-width:1.7rem}
.heat th[scope=row]{text-align:left;white-space:nowrap;padding-right:.6rem}
.h1{background:var(--h1)}.h2{background:var(--h2)}.h3{background:var(--h3)}
.h4{background:var(--h4);color:var(--lite)}.h5{background:var(--h5);color:var(--lite)}
details{margin:.5rem 0}summary{cursor:pointer;color:var(--link);padding:.25rem 0}
summary:focus-visible{outline:3px solid var(--link);outline-offset:2px}
.examples{list-style:none;padding:0}.examples li{border-left:4px solid var(--line);padding:.3rem .8rem;margin:.6rem 0}
.tag{font-size:.8rem;font-weight:650;border:1px solid;border-radius:6px;padding:.05rem .4rem}
.tag.new{color:var(--good)}.tag.gone{color:var(--bad)}.outcome{color:var(--soft)}
@media (max-width:600px){body{font-size:15px}h1{font-size:1.4rem}.cards div{flex-basis:7.5rem}}
@media print{:root{--bg:#fff;--ink:#000;--soft:#333;--line:#bbb;--pane:#fff;--new:#0b62a4;--old:#b45309;--link:#000;
--h1:#dbeafe;--h2:#a9cdf2;--h3:#6aa5dc;--h4:#2f74b5;--h5:#0b4a82;--lite:#fff}
main{max-width:none;padding:0}body{font-size:11pt}section{break-inside:avoid-page}
rect,.heat td{print-color-adjust:exact;-webkit-print-color-adjust:exact}.scroll{overflow:visible}}
"""
