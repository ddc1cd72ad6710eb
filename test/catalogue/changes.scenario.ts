import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { LocalOutputs } from '../../shared/outputs.ts'
import { type ChangedCopy, changedCopy } from '../fixtures/changed-copy.ts'
import { ownPorts } from '../fixtures/own-ports.ts'

// A copy of the product on a local cloud of its own, with events of every projection. Its catalogue changes as it would in a second month.
const folder = mkdtempSync(path.join(tmpdir(), 'millrace-catalogue-'))
const MINUTES = 60_000

const env = { ...process.env, ...(await ownPorts()).variables }

let copy: ChangedCopy

const NOW = Math.floor(Date.now() / 60_000) * 60

/** Events of every catalogued type with a projection: two users, one device, one minute. */
const eventsOf = (batch: string, visit: object) =>
  [
    ...['1', '2'].map(id => ({
      type: 'page_visit',
      id: `${batch}-v${id}`,
      data: { Id: Number(id), Url: `/${batch}`, Timestamp: NOW, ...visit },
    })),
    { type: 'app_action', id: `${batch}-a`, data: { user_id: 1, app_name: 'app', event_action: 'click', event_category: 'c' } },
    { type: 'user_record', id: `${batch}-u`, data: { id: 1, email: 'a@example.com', date: '2026-01-02', country: 'peru' } },
    {
      type: 'reading',
      id: `${batch}-r`,
      data: { device_id: 'd', timestamp: NOW, temperature: 20, event_duration: 1, status: 'ok' },
    },
    { type: 'user_traits', id: `${batch}-t`, data: { user_id: '1', traits: { plan: batch } } },
  ].map(event => JSON.stringify(event))

const outputs = (): LocalOutputs => JSON.parse(readFileSync(path.join(folder, '.millrace/outputs.json'), 'utf8'))

async function succeed(...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await copy.millrace(...args)
  if (code !== 0) throw new Error(`millrace ${args.join(' ')} exited with ${code}: ${stderr}`)
  return stdout
}

/** Sends events and waits until every store has them. Returns the status. */
async function send(batch: string, visit: object = {}): Promise<unknown> {
  writeFileSync(path.join(folder, `${batch}.jsonl`), eventsOf(batch, visit).join('\n'))
  await succeed('send', `${batch}.jsonl`)
  return settled()
}

const settled = async (): Promise<unknown> => JSON.parse(await succeed('status', '--wait', '60', '--json'))

/** The response of a route: the data of its page, or its code. */
async function get(route: string): Promise<unknown> {
  const { apiUrl, readKey } = outputs()
  const response = await fetch(`${apiUrl}/v1/${route}`, { headers: { authorization: `Bearer ${readKey}` } })
  const body = (await response.json()) as { data?: unknown; code?: string }
  return body.code ?? body.data ?? body
}

const search = async (route: string): Promise<unknown> => (await fetch(`${outputs().opensearchUrl}/${route}`)).json()

const documentsOf = async (names: readonly string[]) =>
  Object.fromEntries(await Promise.all(names.map(async name => [name, await get(`projections/${name}`)] as const)))

const gone = async () => (JSON.parse(await succeed('catalogue', '--json')) as { gone: unknown[] }).gone

const NAMES = ['recent-urls', 'device-minutes', 'user-activity', 'user-traits', 'country-minutes']
let before: Record<string, unknown>

beforeAll(async () => {
  copy = changedCopy(folder, env)
  await succeed('up', '--detach')
  expect(await send('first')).toEqual({ settled: true, accepted: 6, folded: 6, archived: 6, indexed: 12, quarantined: 0 })
  before = await documentsOf(NAMES)
}, 10 * MINUTES)

afterAll(async () => {
  await copy.millrace('down')
  rmSync(folder, { recursive: true, force: true })
}, MINUTES)

test(
  'before: every projection has its documents, and nothing is listed as removed',
  async () => {
    expect(before).toMatchObject({
      'recent-urls': [
        { id: 1, last_5_urls: ['/first'] },
        { id: 2, last_5_urls: ['/first'] },
      ],
      'device-minutes': [{ device_id: 'd', num_events: 1 }],
      'user-activity': [{ user_id: 1, events: 1, favourite_action: 'click' }],
      'user-traits': [{ user_id: '1', traits: { plan: 'first' } }],
      'country-minutes': [{ events: 1, unique_users: 1 }],
    })
    expect(await gone()).toEqual([])
  },
  MINUTES,
)

test(
  'a shape and a fold that change at the same revision are refused, and nothing that runs changes',
  async () => {
    const file = 'shared/projections/user-activity.ts'
    const source = copy.read(file)
    copy.edit(file, 'user_id: z.int(), events: z.int()', 'user_id: z.int(), actions: z.int()')
    const shape = await copy.millrace('up', '--detach')
    expect([shape.code, shape.stderr]).toEqual([
      1,
      expect.stringMatching(/^The shape of user-activity-r1 changed .*: raise the revision of user-activity to 2 /m),
    ])
    copy.write(file, source)
    copy.edit(file, 'events: events + 1', 'events: events + 2')
    const fold = await copy.millrace('up', '--detach')
    expect([fold.code, fold.stderr]).toEqual([
      1,
      expect.stringMatching(/^user-activity-r1 computes other .*: raise the revision of user-activity to 2 /m),
    ])
    copy.write(file, source)
    expect(await documentsOf(NAMES)).toEqual(before)
  },
  MINUTES,
)

/** A nullable field, a raised revision of a user and of a window, a renamed and a removed projection. */
function change({ edit, read, write }: ChangedCopy): void {
  const projection = (name: string) => `shared/projections/${name}.ts`
  edit('shared/events/page-visit.ts', 'Timestamp: integer() }', 'Timestamp: integer(), Note: nullable(text()) }')
  edit('shared/events/page-visit.ts', 'integer, text }', 'integer, nullable, text }')
  for (const name of ['recent-urls', 'device-minutes']) edit(projection(name), 'revision: 1', 'revision: 2')
  edit(projection('user-activity'), "name: 'user-activity'", "name: 'action-counts'")
  const catalogue = read('shared/catalogue.ts').split('\n')
  write('shared/catalogue.ts', catalogue.filter(line => !line.includes('userTraitsProjection')).join('\n'))
}

const GONE = ['device-minutes-r1', 'recent-urls-r1', 'user-activity-r1', 'user-traits-r1']

describe('after a deployment with a nullable field, raised revisions, a renamed and a removed projection', () => {
  beforeAll(async () => {
    change(copy)
    const refused = await copy.millrace('up', '--detach')
    expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining('run `npx millrace catalogue --record`')])
    await succeed('catalogue', '--record')
    await succeed('up', '--detach')
  }, 10 * MINUTES)

  test(
    'the status settles before any new event, and the new revisions begin empty',
    async () => {
      expect(await settled()).toMatchObject({ settled: true, accepted: 6, folded: 6, archived: 6, quarantined: 0 })
      expect(await documentsOf([...NAMES, 'action-counts'])).toEqual({
        'recent-urls': [],
        'device-minutes': [],
        'user-activity': 'not_found',
        'user-traits': 'not_found',
        'action-counts': [],
        'country-minutes': before['country-minutes'],
      })
      expect(await get('users/d')).toEqual({ user: 'd', states: {}, windows: {} })
    },
    2 * MINUTES,
  )

  test(
    'what is gone is listed with what the stores have of it; the alias is at the new index',
    async () => {
      expect(await gone()).toEqual([
        { projection: 'device-minutes-r1', documents: 1, aliases: [], states: 0, windows: 1 },
        { projection: 'recent-urls-r1', documents: 2, aliases: [], states: 2, windows: 0 },
        { projection: 'user-activity-r1', documents: 1, aliases: ['user-activity'], states: 1, windows: 0 },
        { projection: 'user-traits-r1', documents: 1, aliases: ['user-traits'], states: 1, windows: 0 },
      ])
      expect(Object.keys((await search('_alias/recent-urls')) as object)).toEqual(['recent-urls-r2'])
      expect(await succeed('catalogue')).toContain('\nStored, but not in the catalogue; delete with --remove NAME\n')
    },
    MINUTES,
  )

  test(
    'new events are in every store, with the new field in the index of the earlier events',
    async () => {
      expect(await send('second', { Note: 'new' })).toMatchObject({
        settled: true,
        accepted: 12,
        folded: 12,
        archived: 12,
        quarantined: 0,
      })
      const raw = (await get('events/page_visit')) as Record<string, unknown>[]
      expect(raw.map(({ event_id, Note }) => [event_id, Note]).sort()).toEqual([
        ['first-v1', undefined],
        ['first-v2', undefined],
        ['second-v1', 'new'],
        ['second-v2', 'new'],
      ])
      expect(await documentsOf(['recent-urls', 'device-minutes', 'action-counts', 'country-minutes'])).toMatchObject({
        'recent-urls': [
          { id: 1, last_5_urls: ['/second'] },
          { id: 2, last_5_urls: ['/second'] },
        ],
        'device-minutes': [{ device_id: 'd', num_events: 1 }],
        'action-counts': [{ user_id: 1, events: 1 }],
      })
    },
    2 * MINUTES,
  )

  test(
    '--remove asks, and then deletes index, alias, states and windows of what is gone, and nothing else',
    async () => {
      const documents = await documentsOf(['recent-urls', 'device-minutes', 'action-counts', 'country-minutes'])
      const refused = await copy.millrace('catalogue', '--remove', 'recent-urls')
      expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining('Nothing was deleted.')])
      for (const name of ['device-minutes', 'recent-urls', 'user-activity', 'user-traits'])
        expect(await succeed('catalogue', '--remove', name, '--yes')).toMatch(
          new RegExp(`^${name}-r1: \\d documents, .* deleted\\.\n$`),
        )
      expect(await gone()).toEqual([])
      const indices = (await search('_cat/indices?format=json&h=index')) as { index: string }[]
      expect(indices.filter(({ index }) => GONE.includes(index))).toEqual([])
      const { index_templates } = (await search('_index_template')) as { index_templates: { name: string }[] }
      expect(index_templates.filter(({ name }) => GONE.includes(name))).toEqual([])
      expect(await settled()).toMatchObject({ settled: true, accepted: 12, quarantined: 0 })
      expect(await documentsOf(['recent-urls', 'device-minutes', 'action-counts', 'country-minutes'])).toEqual(documents)
      const again = await copy.millrace('catalogue', '--remove', 'recent-urls', '--yes')
      expect([again.code, again.stderr]).toEqual([
        1,
        'There is nothing to delete: recent-urls is in the catalogue, and the local cloud stores no earlier revision of it.\n',
      ])
    },
    2 * MINUTES,
  )
})
