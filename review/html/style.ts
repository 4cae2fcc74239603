/** The one style sheet of a page: light and dark, any width, paper. No address, no image, no font from elsewhere. */
export const STYLE = `
:root{color-scheme:light dark;--paper:#fff;--ink:#1c2127;--soft:#59636e;--line:#d5dae0;--panel:#f5f7f9;--link:#0b5cad;
--send:#0b5cad;--receive:#9a4a00;--both:#5a3fa0;--band:#2c8a5733;--bound:#1f7a48;--incident:#e0362c26;--blind:#8b949e40;--bad:#b3261e;
--critical:#b3261e;--warning:#8a5300;--info:#0b5cad;
--h1:#e3eefb;--h2:#c3dbf6;--h3:#9cc3ee;--h4:#6ea6e2;--h5:#4488d0;--h6:#2568b3;--h7:#0d4688}
@media (prefers-color-scheme:dark){:root{--paper:#12161b;--ink:#e4e8ed;--soft:#a3adb8;--line:#343c46;--panel:#1a2027;--link:#7db8ff;
--send:#6cb0ff;--receive:#ffab5e;--both:#b9a3ff;--band:#48c78a2b;--bound:#58cf95;--incident:#ff6a5f30;--blind:#8b949e38;--bad:#ff8a80;
--critical:#ff8a80;--warning:#ffc069;--info:#7db8ff;
--h1:#15293f;--h2:#173a5e;--h3:#1c4f82;--h4:#2668a8;--h5:#3f86cb;--h6:#74aee8;--h7:#bfdcff}}
*{box-sizing:border-box}
html{font:15px/1.5 system-ui,sans-serif;-webkit-text-size-adjust:100%}
body{margin:0;background:var(--paper);color:var(--ink)}
.skip{position:absolute;left:-999px}.skip:focus{left:8px;top:8px;background:var(--paper);padding:8px;z-index:1}
header,main,footer{max-width:1080px;margin:0 auto;padding:0 20px}
header{padding-top:24px}h1{font-size:1.6rem;line-height:1.25;margin:0 0 4px}h2{font-size:1.25rem;margin:40px 0 8px;border-bottom:1px solid var(--line);padding-bottom:4px}
h3{font-size:1.05rem;margin:0 0 4px;overflow-wrap:anywhere}h4{font-size:.95rem;margin:16px 0 4px}
p{margin:4px 0 8px}.lead{font-size:1.1rem}.note,.facts{color:var(--soft);font-size:.87rem}
a{color:var(--link)}a:focus-visible,summary:focus-visible,[tabindex]:focus-visible{outline:2px solid var(--link);outline-offset:2px}
nav ul{display:flex;flex-wrap:wrap;gap:4px 16px;list-style:none;padding:0;margin:12px 0 0}
code,pre{font:.87em ui-monospace,monospace}pre{background:var(--panel);padding:12px;overflow:auto;white-space:pre-wrap;overflow-wrap:anywhere}
bdi{overflow-wrap:anywhere}
.severity{display:inline-block;border:1px solid currentColor;border-radius:4px;padding:0 6px;font-size:.78rem;font-weight:600;text-transform:uppercase;letter-spacing:.03em;vertical-align:1px}
.critical{color:var(--critical)}.warning{color:var(--warning)}.info{color:var(--info)}
.scroll{overflow-x:auto;max-width:100%}
table{border-collapse:collapse;font-size:.9rem;margin:4px 0 8px}th,td{text-align:left;vertical-align:top;padding:3px 16px 3px 0;border-bottom:1px solid var(--line);font-weight:400}
thead th{color:var(--soft);font-size:.82rem}td bdi{overflow-wrap:normal}.number{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
.bad{color:var(--bad);font-weight:600}.new{color:var(--warning);font-weight:600}
.incident{border:1px solid var(--line);border-radius:8px;padding:14px 16px;margin:16px 0}.incident:target{border-color:var(--link);box-shadow:0 0 0 1px var(--link)}
.findings{padding-left:18px;margin:4px 0 12px;overflow-wrap:anywhere}
.charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,400px),1fr));gap:12px 24px}
figure{margin:0;min-width:0}figcaption{font-size:.87rem;margin-bottom:4px}
.key{color:var(--soft);margin-left:8px;white-space:nowrap}.key::before{content:"";display:inline-block;width:14px;height:10px;margin-right:5px}
.band-key::before{background:var(--band);border-block:1px solid var(--bound)}.heat-key::before{width:42px;background:linear-gradient(90deg,var(--h1),var(--h3),var(--h5),var(--h7))}
.incident-key::before{background:var(--incident)}.blind-key::before{background:var(--blind)}
svg.chart{display:block;overflow:hidden;background:var(--panel);border-radius:4px}
svg text{font:11px system-ui,sans-serif;fill:var(--soft)}svg .value{paint-order:stroke;stroke:var(--panel);stroke-width:3px;stroke-linejoin:round}
.grid{stroke:var(--line);stroke-width:1}.line{fill:none;stroke-width:1.6;vector-effect:non-scaling-stroke}
.line.send{stroke:var(--send)}.line.receive{stroke:var(--receive)}.line.both{stroke:var(--both)}
.band{fill:var(--band)}.bound{fill:none;stroke:var(--bound);stroke-width:1.2;stroke-dasharray:4 3;vector-effect:non-scaling-stroke}
rect.incident{fill:var(--incident)}rect.blind{fill:var(--blind)}
.heat-1{fill:var(--h1)}.heat-2{fill:var(--h2)}.heat-3{fill:var(--h3)}.heat-4{fill:var(--h4)}.heat-5{fill:var(--h5)}.heat-6{fill:var(--h6)}.heat-7{fill:var(--h7)}
[class^=heat-]{shape-rendering:crispEdges}
.rows{list-style:none;margin:0;padding:0}.rows li{display:grid;grid-template-columns:minmax(0,220px) minmax(0,1fr);gap:2px 12px;align-items:center;padding:2px 0}
.rows .who{font-size:.9rem;white-space:nowrap;overflow:hidden;text-overflow:ellipsis}
.bar{display:block;background:var(--panel);border-radius:3px}.bar rect.critical{fill:var(--critical)}.bar rect.warning{fill:var(--warning)}.bar rect.info{fill:var(--info)}
.spark{display:block}.spark .line{stroke:var(--send);stroke-width:1.2}.spark-cell{width:34%;min-width:120px}
.containers table{width:100%}.containers th[scope=row] bdi,.containers th[scope=row]{white-space:nowrap}
svg.map{display:block}.map .edge{fill:none;stroke:var(--soft);opacity:.6}.map .edge.failing,.map .edge.down{stroke:var(--bad);opacity:1}.map .edge.failing{stroke-dasharray:14 3}.map .edge.down{stroke-dasharray:5 4}
.map .head{fill:var(--soft)}.map .head.failing,.map .head.down{fill:var(--bad)}
.node rect{fill:var(--panel);stroke:var(--line)}.node text{fill:var(--ink);font-size:12px}.node.others rect{stroke-dasharray:4 3}
details{margin:8px 0}summary{cursor:pointer}
footer{color:var(--soft);font-size:.87rem;padding-top:32px;padding-bottom:32px}
@media (max-width:600px){header,main,footer{padding-left:14px;padding-right:14px}.rows li{grid-template-columns:minmax(0,1fr);padding:5px 0}.incident{padding:12px 10px}h1{font-size:1.35rem}}
@media print{:root{color-scheme:light;--paper:#fff;--ink:#000;--soft:#444;--line:#bbb;--panel:#f6f6f6;--link:#000;
--send:#0b5cad;--receive:#9a4a00;--both:#5a3fa0;--band:#2c8a5733;--bound:#1f7a48;--incident:#e0362c26;--blind:#8b949e40;--bad:#b3261e;
--critical:#b3261e;--warning:#8a5300;--info:#0b5cad;--h1:#e3eefb;--h2:#c3dbf6;--h3:#9cc3ee;--h4:#6ea6e2;--h5:#4488d0;--h6:#2568b3;--h7:#0d4688}
html{font-size:11px}*{-webkit-print-color-adjust:exact;print-color-adjust:exact}nav,.skip{display:none}header,main,footer{max-width:none;padding:0}
figure,tr,.rows li,h2,h3{break-inside:avoid}h2,h3,figcaption{break-after:avoid}.scroll{overflow:visible}svg.map{max-width:100%;height:auto}
details::details-content{content-visibility:visible;display:block}}
`;
