import type { Workload } from './workloads.ts'

/** One chart: its title and the other parts of a visualization's `visState`. */
export interface Panel {
  readonly title: string
  readonly state: { readonly type: string; readonly params: object; readonly aggs: readonly object[] }
}

const NUMBERS = ['double', 'long']
const TERMS = 10

/** The charts of a workload: the document count, numeric fields over time or by term, and the most frequent keywords. */
export function panelsOf({ fields, timeField }: Workload): Panel[] {
  const of = (...types: string[]): string[] =>
    Object.entries(fields).flatMap(([field, type]) => (types.includes(type) ? [field] : []))
  const measures = of(...NUMBERS).filter(field => !/(^|_)id$/i.test(field))
  const keywords = of('keyword').filter(field => !['event_id', 'event_type', 'source', 'subject'].includes(field))
  const [first = 'event_id'] = of('keyword', 'long')
  return [
    { title: 'documents', state: { type: 'metric', params: { metric: { style: { fontSize: 48 } } }, aggs: [countOf('1')] } },
    ...(timeField
      ? measures.map(measure => overTime(measure, timeField))
      : measures.slice(0, 1).map(measure => byTerm(measure, first))),
    ...keywords.slice(0, 3).map(frequent),
  ]
}

const countOf = (id: string) => ({ id, enabled: true, type: 'count', schema: 'metric', params: {} })
const averageOf = (id: string, field: string) => ({ id, enabled: true, type: 'avg', schema: 'metric', params: { field } })

const termsOf = (id: string, field: string, orderBy: string) => ({
  id,
  enabled: true,
  type: 'terms',
  schema: 'segment',
  params: { field, orderBy, order: 'desc', size: TERMS, otherBucket: false, missingBucket: false },
})

const overTime = (measure: string, timeField: string): Panel => ({
  title: `${measure} over time`,
  state: {
    type: 'line',
    params: axes(`Average ${measure}`, 'line'),
    aggs: [
      averageOf('1', measure),
      {
        id: '2',
        enabled: true,
        type: 'date_histogram',
        schema: 'segment',
        params: {
          field: timeField,
          interval: 'auto',
          useNormalizedOpenSearchInterval: true,
          min_doc_count: 1,
          extended_bounds: {},
        },
      },
    ],
  },
})

const byTerm = (measure: string, field: string): Panel => ({
  title: `${measure} by ${field}`,
  state: {
    type: 'histogram',
    params: axes(`Average ${measure}`, 'histogram'),
    aggs: [averageOf('1', measure), termsOf('2', field, '1')],
  },
})

const frequent = (field: string): Panel => ({
  title: `most frequent ${field}`,
  state: {
    type: 'table',
    params: { perPage: TERMS, showPartialRows: false, showTotal: false },
    aggs: [countOf('1'), { ...termsOf('2', field, '1'), schema: 'bucket' }],
  },
})

/** The parameters of a line or bar chart. */
const axes = (label: string, type: 'line' | 'histogram'): object => ({
  type,
  grid: { categoryLines: false },
  addTooltip: true,
  addLegend: true,
  legendPosition: 'right',
  categoryAxes: [
    {
      id: 'CategoryAxis-1',
      type: 'category',
      position: 'bottom',
      show: true,
      scale: { type: 'linear' },
      labels: { show: true },
      title: {},
    },
  ],
  valueAxes: [
    {
      id: 'ValueAxis-1',
      name: 'LeftAxis-1',
      type: 'value',
      position: 'left',
      show: true,
      scale: { type: 'linear', mode: 'normal' },
      labels: { show: true },
      title: { text: label },
    },
  ],
  seriesParams: [
    {
      show: true,
      type,
      mode: 'normal',
      data: { id: '1', label },
      valueAxis: 'ValueAxis-1',
      drawLinesBetweenPoints: true,
      showCircles: true,
    },
  ],
})
