import type { EventType } from '../../shared/event-type.ts'
import type { Projection } from '../../shared/projection.ts'
import { panelsOf } from './panels.ts'
import { type Workload, workloadsOf } from './workloads.ts'

/** A saved object in the export format of OpenSearch Dashboards, where each line is one object. */
export interface SavedObject {
  readonly type: 'index-pattern' | 'visualization' | 'dashboard'
  readonly id: string
  readonly attributes: Readonly<Record<string, unknown>>
  readonly references: readonly Reference[]
}

interface Reference {
  readonly name: string
  readonly type: SavedObject['type']
  readonly id: string
}

const PANEL_WIDTH = 24
const PANEL_HEIGHT = 15
const PANELS_PER_ROW = 2

/** A data view, its charts and a dashboard for every workload. The same catalogue gives the same objects. */
export const savedObjects = (eventTypes: readonly EventType[], projections: readonly Projection[]): SavedObject[] =>
  workloadsOf(eventTypes, projections).flatMap(objectsOf)

function objectsOf(workload: Workload): SavedObject[] {
  const { name, pattern, timeField } = workload
  const view: SavedObject = {
    type: 'index-pattern',
    id: `millrace-${slug(name)}`,
    attributes: { title: pattern, ...(timeField && { timeFieldName: timeField }) },
    references: [],
  }
  const charts = panelsOf(workload).map(({ title, state }): SavedObject => {
    const index = { name: 'kibanaSavedObjectMeta.searchSourceJSON.index', type: view.type, id: view.id }
    return {
      type: 'visualization',
      id: `${view.id}-${slug(title)}`,
      attributes: {
        title: `${name}: ${title}`,
        description: '',
        version: 1,
        uiStateJSON: '{}',
        visState: JSON.stringify({ title: `${name}: ${title}`, ...state }),
        kibanaSavedObjectMeta: meta({ query: { query: '', language: 'kuery' }, filter: [], indexRefName: index.name }),
      },
      references: [index],
    }
  })
  return [view, ...charts, dashboardOf(workload, view.id, charts)]
}

function dashboardOf({ name, timeField }: Workload, id: string, charts: readonly SavedObject[]): SavedObject {
  const panels = charts.map((_, at) => ({
    version: '3.7.0',
    panelIndex: String(at + 1),
    panelRefName: `panel_${at}`,
    embeddableConfig: {},
    gridData: {
      i: String(at + 1),
      x: (at % PANELS_PER_ROW) * PANEL_WIDTH,
      y: Math.floor(at / PANELS_PER_ROW) * PANEL_HEIGHT,
      w: PANEL_WIDTH,
      h: PANEL_HEIGHT,
    },
  }))
  return {
    type: 'dashboard',
    id: `${id}-dashboard`,
    attributes: {
      title: `Millrace: ${name}`,
      description: '',
      hits: 0,
      version: 1,
      panelsJSON: JSON.stringify(panels),
      optionsJSON: JSON.stringify({ hidePanelTitles: false, useMargins: true }),
      timeRestore: timeField !== undefined,
      ...(timeField && { timeFrom: 'now-24h', timeTo: 'now' }),
      kibanaSavedObjectMeta: meta({ query: { query: '', language: 'kuery' }, filter: [] }),
    },
    references: charts.map(({ type, id: chart }, at) => ({ name: `panel_${at}`, type, id: chart })),
  }
}

const meta = (searchSource: object): object => ({ searchSourceJSON: JSON.stringify(searchSource) })

const slug = (text: string): string => text.toLowerCase().replace(/[^a-z0-9]+/g, '-')
