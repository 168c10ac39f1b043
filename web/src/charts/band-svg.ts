// A series' chart as a file of its own: nothing outside it is needed to show it, and it is light, since it goes into documents.
import { hasBefore, layout, seenShade, shadeOf, type BandData } from "./bands";

/** The colours by the names that tokens.css gives them. */
export type Ink = (token: string) => string;
export interface Told {
  title: string;
  subtitle: string;
  xLabel: string;
  yLabel: string;
}

const WIDTH = 960;
const HEIGHT = 460;
const FRAME = { width: WIDTH, height: HEIGHT, left: 72, right: 24, top: 96, bottom: 62 };
const FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Liberation Sans', Arial, sans-serif";

export function bandSvg(data: BandData, told: Told, ink: Ink): string {
  const of = layout(data, FRAME);
  const floor = HEIGHT - FRAME.bottom;
  const text = (x: number, y: number, words: string, more = "") =>
    `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" fill="${ink("text-2")}" ${more}>${escaped(words)}</text>`;
  const line = (x1: number, y1: number, x2: number, y2: number, more: string) =>
    `<line x1="${x1.toFixed(1)}" y1="${y1.toFixed(1)}" x2="${x2.toFixed(1)}" y2="${y2.toFixed(1)}" ${more}/>`;
  const path = (d: string, more: string) => (d ? `<path d="${d}" ${more}/>` : "");
  const stroke = (token: string, width: number) =>
    `fill="none" stroke="${ink(token)}" stroke-width="${width}" stroke-linejoin="round" stroke-linecap="round"`;
  const parts = [
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="${ink("surface")}"/>`,
    `<text x="${FRAME.left}" y="30" fill="${ink("text")}" font-size="17" font-weight="600">${escaped(told.title)}</text>`,
    text(FRAME.left, 50, told.subtitle),
    ...of.yTicks.flatMap((tick) => [
      line(FRAME.left, of.y(tick.at), WIDTH - FRAME.right, of.y(tick.at), `stroke="${ink("line")}"`),
      text(FRAME.left - 8, of.y(tick.at) + 4, tick.label, 'text-anchor="end"'),
    ]),
    ...of.xTicks.flatMap((tick) => [
      line(of.x(tick.at), floor, of.x(tick.at), floor + 4, `stroke="${ink("line-strong")}"`),
      text(of.x(tick.at), floor + 18, tick.label, 'text-anchor="middle"'),
    ]),
    ...of.bands.map((band, i) =>
      path(band.path, `fill="${ink("series-1")}" fill-opacity="${shadeOf(i, of.bands.length).toFixed(3)}"`),
    ),
    of.begin === null ? "" : line(of.begin, FRAME.top, of.begin, floor, `stroke="${ink("text-3")}" stroke-dasharray="2 3"`),
    ...of.fan.map((d) => path(d, `${stroke("series-4", 2.25)} opacity="0.7"`)),
    path(of.past, stroke("text-2", 1.25)),
    path(of.before, `${stroke("series-3", 1.25)} stroke-dasharray="4 3"`),
    path(of.forecast, stroke("series-1", 2)),
    path(of.since, stroke("series-2", 1.25)),
    ...of.sinceDots.map((dot) => `<circle cx="${dot.x.toFixed(1)}" cy="${dot.y.toFixed(1)}" r="2.2" fill="${ink("series-2")}"/>`),
    legend(data, ink),
    text(FRAME.left, FRAME.top - 10, told.yLabel),
    text((FRAME.left + WIDTH - FRAME.right) / 2, HEIGHT - 16, told.xLabel, 'text-anchor="middle"'),
  ];
  return `<?xml version="1.0" encoding="UTF-8"?>
<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${HEIGHT}" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="${FONT}" font-size="12" role="img" aria-labelledby="title">
<title id="title">${escaped(told.title)}</title>
${parts.filter(Boolean).join("\n")}
</svg>
`;
}

/** From right to left, so that it ends with the frame; the widths are guesses that leave some air. */
function legend(data: BandData, ink: Ink): string {
  const begin = data.forecast[0]?.at ?? Infinity;
  const entries = [
    { words: "history", mark: `<path d="M0 0H16" stroke="${ink("text-2")}" stroke-width="1.25"/>` },
    { words: "forecast", mark: `<path d="M0 0H16" stroke="${ink("series-1")}" stroke-width="2"/>` },
    ...data.levels.map((level, i) => ({
      words: `${level} %`,
      mark: `<rect y="-5" width="16" height="10" fill="${ink("series-1")}" fill-opacity="${seenShade(i, data.levels.length).toFixed(3)}"/>`,
    })),
    ...(data.fan?.length ? [{ words: "backtest", mark: `<path d="M0 0H16" stroke="${ink("series-4")}" stroke-width="2.25" opacity="0.7"/>` }] : []),
    ...(hasBefore(data)
      ? [
          {
            words: "forecast before",
            mark: `<path d="M0 0H16" stroke="${ink("series-3")}" stroke-width="1.25" stroke-dasharray="4 3"/>`,
          },
        ]
      : []),
    ...(data.history.some((point) => point.at >= begin)
      ? [
          {
            words: "came since",
            mark: `<path d="M0 0H16" stroke="${ink("series-2")}" stroke-width="1.25"/><circle cx="8" r="2.2" fill="${ink("series-2")}"/>`,
          },
        ]
      : []),
  ];
  const widths = entries.map((entry) => 22 + entry.words.length * 6.4 + 16);
  let x = WIDTH - FRAME.right + 16 - widths.reduce((sum, width) => sum + width, 0);
  return entries
    .map((entry, i) => {
      const group = `<g transform="translate(${x.toFixed(1)} ${FRAME.top - 14})">${entry.mark}<text x="22" y="4" fill="${ink("text-2")}">${escaped(entry.words)}</text></g>`;
      x += widths[i] as number;
      return group;
    })
    .join("\n");
}

const ENTITIES: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&apos;" };
/** What XML 1.0 cannot hold at all is left out. */
const FORBIDDEN = /[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu;
const escaped = (text: string): string => text.replace(FORBIDDEN, "").replace(/[&<>"']/g, (sign) => ENTITIES[sign] as string);

/** `forecast.departures` of JFK, B6: `forecast.departures-JFK-B6.svg`, whatever the names hold. */
export const fileNameOf = (asset: string, series: (string | null)[]): string =>
  `${[asset, ...series.map((value) => value ?? "null")]
    .map((part) => part.replace(/[^\p{L}\p{N}._-]+/gu, "_"))
    .join("-")
    .slice(0, 120)}.svg`;

/** The light values of the tokens, whatever theme is shown: from the rule of the style sheet that names them. */
export function lightInk(): Ink {
  const rules = [...document.styleSheets].flatMap((sheet) => {
    try {
      return [...sheet.cssRules];
    } catch {
      return []; // not of this server
    }
  });
  const roots = rules.filter((rule): rule is CSSStyleRule => rule instanceof CSSStyleRule && rule.selectorText === ":root");
  const shown = getComputedStyle(document.documentElement);
  return (token) => {
    const name = `--${token}`;
    const light = roots.map((rule) => rule.style.getPropertyValue(name).trim()).find(Boolean);
    return light ?? shown.getPropertyValue(name).trim();
  };
}
