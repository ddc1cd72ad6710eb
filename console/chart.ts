import uPlot from 'uplot'
import { h } from './dom.ts'

export interface Line {
  readonly label: string
  /** One value for each instant; null: nothing known. */
  readonly values: readonly (number | null)[]
}

export interface ChartData {
  /** Seconds since 1970. */
  readonly instants: readonly number[]
  readonly lines: readonly Line[]
}

interface ChartOptions {
  /** What the chart shows, for those who cannot see it. */
  readonly label: string
  readonly height: number
  readonly unit?: string
  /** Bars for counts in a span, lines for measures. */
  readonly bars?: boolean
  /** The scale begins at zero, as counts want it. */
  readonly fromZero?: boolean
  /** Without axes and legend. */
  readonly spark?: boolean
  /** Instants are days. */
  readonly days?: boolean
}

export interface Chart {
  readonly element: HTMLElement
  draw(data: ChartData): void
  /** Ends its listeners. */
  end(): void
}

const PALETTE = 8
const dark = matchMedia('(prefers-color-scheme: dark)')
const colour = (name: string): string => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim()
const colourOf = (line: number): string => colour(`line-${line % PALETTE}`)

/** A chart over time that keeps to the width of its place and to the theme. */
export function timeChart(options: ChartOptions): Chart {
  const place = h('div', { class: options.spark ? 'spark' : 'plot' })
  const legend = h('ul', { class: 'legend' })
  const element = h('figure', { role: 'img', 'aria-label': options.label }, place, options.spark ? null : legend)
  let plot: uPlot | undefined
  let shown: ChartData | undefined
  let shape = ''

  const make = (data: ChartData): void => {
    plot?.destroy()
    plot = new uPlot(plotOptions(options, data, place.clientWidth || 600), columns(data), place)
    legend.replaceChildren(...data.lines.map(({ label }, line) => entry(label, line)))
  }
  const draw = (data: ChartData): void => {
    shown = data
    const now = data.lines.map(({ label }) => label).join('\n')
    if (plot && now === shape) plot.setData(columns(data))
    else make(data)
    shape = now
  }
  const repaint = (): void => void (shown && make(shown))
  const resized = new ResizeObserver(() => plot?.setSize({ width: place.clientWidth, height: options.height }))
  resized.observe(place)
  dark.addEventListener('change', repaint)
  const end = (): void => {
    resized.disconnect()
    dark.removeEventListener('change', repaint)
    plot?.destroy()
  }
  return { element, draw, end }
}

const columns = ({ instants, lines }: ChartData): uPlot.AlignedData =>
  [[...instants], ...lines.map(({ values }) => [...values])] as uPlot.AlignedData

function entry(label: string, line: number): HTMLElement {
  const swatch = h('i')
  swatch.style.background = colourOf(line)
  return h('li', {}, swatch, label)
}

function plotOptions(options: ChartOptions, { instants, lines }: ChartData, width: number): uPlot.Options {
  const { height, bars, spark } = options
  const paths = bars ? uPlot.paths.bars?.({ size: [0.7, 48], radius: 0.15 }) : undefined
  return {
    width,
    height,
    tzDate: seconds => uPlot.tzDate(new Date(seconds * 1000), 'UTC'),
    legend: { show: false },
    cursor: { show: !spark, y: false },
    padding: spark ? [4, 0, 2, 0] : [8, 20, 0, 0],
    scales: {
      x: { range: (_plot, first, last) => roomBeside(first, last, bars ? stepOf(instants) * 0.6 : 0) },
      y: { range: (_plot, low, high) => (bars || spark || options.fromZero ? [0, Math.max(1, high * 1.1)] : around(low, high)) },
    },
    axes: axesOf(options),
    series: [
      {},
      ...lines.map(({ label }, line) => ({
        label,
        stroke: colourOf(line),
        width: 1.5,
        points: { show: !spark && !bars && instants.length <= FEW, size: 4 },
        spanGaps: !bars,
        ...(paths && { paths, fill: colourOf(line) }),
        ...(spark && { fill: `${colourOf(line)}22` }),
      })),
    ],
  }
}

/** Points are marked while an eye can tell them apart. */
const FEW = 40
const MINUTE = 60
const DAY = 86_400
const YEAR = 365 * DAY
const wholeMinutes = [1, 2, 5, 10, 15, 30, 60, 180, 360, 720].map(minutes => minutes * MINUTE)
const wholeDays = [DAY, 2 * DAY, 7 * DAY, 30 * DAY, 90 * DAY, YEAR, 10 * YEAR, 100 * YEAR, 1000 * YEAR]

function axesOf({ unit, spark, days }: ChartOptions): uPlot.Axis[] {
  const axis = { show: !spark, stroke: colour('quiet'), ticks: { show: false }, font: '11px system-ui' }
  const unitText = unit ? ` ${unit}` : ''
  return [
    {
      ...axis,
      grid: { show: false },
      space: 70,
      incrs: days ? wholeDays : [...wholeMinutes, ...wholeDays],
      values: (_plot, ticks, _axis, _space, step) => ticks.map(tick => tickText(tick, step)),
    },
    {
      ...axis,
      grid: { stroke: colour('rule'), width: 1 },
      size: 56,
      values: (_plot, ticks) => ticks.map(tick => `${tick.toLocaleString('en-US')}${unitText}`),
    },
  ]
}

/** As much of the instant as tells ticks of this step apart. */
function tickText(seconds: number, step: number): string {
  const text = new Date(seconds * 1000).toISOString()
  if (step >= YEAR) return text.slice(0, -20)
  return step >= DAY ? text.slice(-19, -14) : text.slice(-13, -8)
}

/** The smallest distance of two instants; a minute where there are none. */
const stepOf = (instants: readonly number[]): number =>
  instants.slice(1).reduce((least, at, i) => Math.min(least, at - (instants[i] ?? 0)), Number.POSITIVE_INFINITY)

function roomBeside(first: number, last: number, room: number): [number, number] {
  const beside = Number.isFinite(room) ? room : MINUTE
  return first === last ? [first - beside - MINUTE, last + beside + MINUTE] : [first - beside, last + beside]
}

/** A measure's own range with some room; equal values lie in the middle. */
function around(low: number, high: number): [number, number] {
  const room = (high - low) * 0.1 || Math.abs(high) * 0.1 || 1
  return [low - room, high + room]
}
