import uPlot from 'uplot'
import { h } from './dom.ts'

interface Line {
  readonly label: string
  /** One value for each instant; null without a value. */
  readonly values: readonly (number | null)[]
}

export interface ChartData {
  /** Seconds since 1970. */
  readonly instants: readonly number[]
  readonly lines: readonly Line[]
}

interface ChartOptions {
  /** Description for screen readers. */
  readonly label: string
  readonly height: number
  readonly unit?: string
  /** Draws bars instead of lines: for counts. */
  readonly bars?: boolean
  /** The y axis begins at zero. */
  readonly fromZero?: boolean
  /** A sparkline: no axes and no legend. */
  readonly spark?: boolean
  /** The instants are days. */
  readonly days?: boolean
}

export interface Chart {
  readonly element: HTMLElement
  draw(data: ChartData): void
  /** Removes the chart and its listeners. */
  dispose(): void
}

/** The colours --line-0 to --line-7 of style.css. */
const PALETTE_SIZE = 8
const DEFAULT_WIDTH = 600
const dark = matchMedia('(prefers-color-scheme: dark)')
const colour = (name: string): string => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim()
const colourOf = (line: number): string => colour(`line-${line % PALETTE_SIZE}`)

/** A time series chart. It follows the width of its container and the colour theme. */
export function timeChart(options: ChartOptions): Chart {
  const container = h('div', { class: options.spark ? 'spark' : 'plot' })
  const legend = h('ul', { class: 'legend' })
  const element = h('figure', { role: 'img', 'aria-label': options.label }, container, options.spark ? null : legend)
  let plot: uPlot | undefined
  let shown: ChartData | undefined
  let shownLabels = ''

  const create = (data: ChartData): void => {
    plot?.destroy()
    plot = new uPlot(plotOptions(options, data, container.clientWidth || DEFAULT_WIDTH), columns(data), container)
    legend.replaceChildren(...data.lines.map(({ label }, line) => legendEntry(label, line)))
  }
  const draw = (data: ChartData): void => {
    shown = data
    const labels = data.lines.map(({ label }) => label).join('\n')
    if (plot && labels === shownLabels) plot.setData(columns(data))
    else create(data)
    shownLabels = labels
  }
  const repaint = (): void => void (shown && create(shown))
  const resizeObserver = new ResizeObserver(() => plot?.setSize({ width: container.clientWidth, height: options.height }))
  resizeObserver.observe(container)
  dark.addEventListener('change', repaint)
  const dispose = (): void => {
    resizeObserver.disconnect()
    dark.removeEventListener('change', repaint)
    plot?.destroy()
  }
  return { element, draw, dispose }
}

const columns = ({ instants, lines }: ChartData): uPlot.AlignedData =>
  [[...instants], ...lines.map(({ values }) => [...values])] as uPlot.AlignedData

function legendEntry(label: string, line: number): HTMLElement {
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
      x: { range: (_plot, first, last) => withMargin(first, last, bars ? stepOf(instants) * 0.6 : 0) },
      y: { range: (_plot, low, high) => (bars || spark || options.fromZero ? [0, Math.max(1, high * 1.1)] : padded(low, high)) },
    },
    axes: axesOf(options),
    series: [
      {},
      ...lines.map(({ label }, line) => ({
        label,
        stroke: colourOf(line),
        width: 1.5,
        points: { show: !spark && !bars && instants.length <= MAX_MARKED_POINTS, size: 4 },
        spanGaps: !bars,
        ...(paths && { paths, fill: colourOf(line) }),
        ...(spark && { fill: `${colourOf(line)}22` }),
      })),
    ],
  }
}

/** More points than this are too close together to be marked. */
const MAX_MARKED_POINTS = 40
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

/** The year, the month and day, or the time: the part that differs between ticks of this step (in seconds). */
function tickText(seconds: number, step: number): string {
  const text = new Date(seconds * 1000).toISOString()
  if (step >= YEAR) return text.slice(0, -20)
  return step >= DAY ? text.slice(-19, -14) : text.slice(-13, -8)
}

/** The smallest distance between two instants; infinite for fewer than two. */
const stepOf = (instants: readonly number[]): number =>
  instants.slice(1).reduce((least, at, i) => Math.min(least, at - (instants[i] ?? 0)), Number.POSITIVE_INFINITY)

/** The range of the x axis, with a margin on both sides. An infinite margin counts as a minute. */
function withMargin(first: number, last: number, margin: number): [number, number] {
  const finite = Number.isFinite(margin) ? margin : MINUTE
  const room = first === last ? finite + MINUTE : finite
  return [first - room, last + room]
}

/** The range of the values with a margin. Equal values are drawn in the middle. */
function padded(low: number, high: number): [number, number] {
  const margin = (high - low) * 0.1 || Math.abs(high) * 0.1 || 1
  return [low - margin, high + margin]
}
