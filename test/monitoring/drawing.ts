import type { dashboard } from '../../helm/dashboard.mjs';

type Panel = ReturnType<typeof dashboard>['panels'][number];

/** A line of a panel: values by their Unix seconds. */
export interface Line {
  readonly name: string;
  readonly points: readonly (readonly [number, number])[];
}

/** Of a column and a row of Grafana's grid. */
const [COLUMN, ROW] = [50, 30];
const MARGIN = 12;
/** Room for the title and for the names of the lines. */
const [ABOVE, BELOW] = [44, 56];
const LINE_HEIGHT = 14;
const MOST_NAMES = 3;
const COLORS = ['#1f77b4', '#d9480f', '#2b8a3e', '#9c36b5', '#e8590c', '#495057', '#0b7285'];

/**
 * A dashboard as a picture, in the places where Grafana puts its panels: for whoever has a Prometheus
 * and no Grafana.
 *
 * @param span of what is shown, in Unix seconds
 * @returns SVG
 */
export function drawing(
  panels: readonly Panel[],
  lines: ReadonlyMap<Panel, readonly Line[]>,
  span: readonly [number, number],
): string {
  const height = Math.max(...panels.map(({ gridPos: { y, h } }) => y + h)) * ROW;
  const drawn = panels.map((panel) => drawnPanel(panel, lines.get(panel) ?? [], span));
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${24 * COLUMN}" height="${height}" font-family="sans-serif" font-size="11">
<rect width="100%" height="100%" fill="#fff"/>
${drawn.join('\n')}
</svg>
`;
}

function drawnPanel(
  { type, title, gridPos, fieldConfig }: Panel,
  lines: readonly Line[],
  [begin, end]: readonly [number, number],
): string {
  const [left, top] = [gridPos.x * COLUMN, gridPos.y * ROW];
  const place = `transform="translate(${left} ${top})"`;
  if (type === 'row')
    return `<text ${place} x="${MARGIN}" y="20" font-size="16" font-weight="bold">${text(title)}</text>`;
  const [width, height] = [gridPos.w * COLUMN - 2 * MARGIN, gridPos.h * ROW - ABOVE - BELOW];
  const unit = fieldConfig?.defaults.unit ?? 'short';
  const values = lines.flatMap(({ points }) => points.map(([, value]) => value));
  const most = Math.max(...values.filter(Number.isFinite), 0) || 1;
  const x = (time: number) => (MARGIN + ((time - begin) / (end - begin)) * width).toFixed(1);
  const y = (value: number) => (ABOVE + height * (1 - value / most)).toFixed(1);
  const peak = ({ points }: Line): number => Math.max(...points.map(([, value]) => value || 0));
  const highestFirst = lines.toSorted((one, other) => peak(other) - peak(one));
  const parts = highestFirst.map(({ name, points }, i) => {
    const color = COLORS[i % COLORS.length];
    const known = points.filter(([, value]) => Number.isFinite(value));
    const path = known.map(([time, value]) => `${x(time)},${y(value)}`).join(' ');
    const line = `<polyline points="${path}" fill="none" stroke="${color}" stroke-width="1.5"/>`;
    if (i >= MOST_NAMES) return line;
    const last = known.at(-1)?.[1];
    const said = `${name}: ${last === undefined ? 'no data' : shown(last, unit)}`;
    const row = ABOVE + height + (i + 1) * LINE_HEIGHT;
    return `${line}<text x="${MARGIN}" y="${row}" fill="${color}">${text(said)}</text>`;
  });
  return `<g ${place}>
<rect x="4" y="2" width="${gridPos.w * COLUMN - 8}" height="${gridPos.h * ROW - 4}" fill="none" stroke="#ccc"/>
<text x="${MARGIN}" y="18" font-weight="bold">${text(title)}</text>
<text x="${MARGIN}" y="${ABOVE - 8}" fill="#777">up to ${shown(most, unit)}</text>
<path d="M${MARGIN} ${ABOVE}v${height}h${width}" fill="none" stroke="#aaa"/>
${parts.join('\n')}
</g>`;
}

/** What a line is called, by Grafana's pattern. */
export function nameOf(legend: string, labels: Readonly<Record<string, string>>): string {
  return legend.replaceAll(/\{\{(\w+)\}\}/g, (_, label: string) => labels[label] ?? '');
}

/** A value as Grafana says it. */
function shown(value: number, unit: string): string {
  switch (unit) {
    case 'bool_yes_no':
      return value === 0 ? 'no' : 'yes';
    case 's':
      if (value >= 172_800) return `${(value / 86_400).toFixed(0)} days`;
      if (value >= 100) return `${value.toFixed(0)} s`;
      return value >= 1 ? `${value.toPrecision(3)} s` : `${(value * 1000).toPrecision(3)} ms`;
    case 'bytes':
    case 'Bps':
      return `${scaled(value, 1024)}B${unit === 'Bps' ? '/s' : ''}`;
    default:
      return scaled(value, 1000).trim();
  }
}

function scaled(value: number, base: number): string {
  const power = value < base ? 0 : Math.min(3, Math.floor(Math.log(value) / Math.log(base)));
  const number = value / base ** power;
  return `${Number.isInteger(number) ? number : number.toPrecision(3)} ${['', 'k', 'M', 'G'][power]}`;
}

function text(words: string): string {
  return words.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}
