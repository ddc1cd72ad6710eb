import { cpSync, mkdirSync, readdirSync, rmSync, symlinkSync } from 'node:fs'
import path from 'node:path'
import { jest } from '@jest/globals'
import { type ChangedCopy, changedCopy } from '../fixtures/changed-copy.ts'
import { temporaryFolder } from '../fixtures/temporary-folder.ts'

jest.setTimeout(120_000)

const folder = temporaryFolder('changes')
const SOUND = 'The definitions can work, and the projections are as revisions.json records them.\n'

function newCopy(name: string): ChangedCopy {
  const root = path.join(folder, name)
  mkdirSync(root)
  return changedCopy(root)
}

/** Replaces the copy's node_modules by one in which the schema library has another version and other text. */
function bumpSchemaLibrary(copy: ChangedCopy, root: string): void {
  const from = path.resolve('node_modules')
  const modules = path.join(root, 'node_modules')
  rmSync(modules)
  mkdirSync(modules)
  for (const name of readdirSync(from)) if (name !== 'zod') symlinkSync(path.join(from, name), path.join(modules, name))
  cpSync(path.join(from, 'zod'), path.join(modules, 'zod'), { recursive: true })
  copy.edit('node_modules/zod/package.json', '"version": "4.6.7"', '"version": "4.6.8"')
  copy.write('node_modules/zod/v4/core/util.js', `// Changed.\n${copy.read('node_modules/zod/v4/core/util.js')}`)
}

test('what changes no result is not refused: a comment, another name, a dependency, a helper, a nullable field', async () => {
  const copy = newCopy('harmless')
  const { edit } = copy
  edit('shared/projections/recent-urls.ts', 'const URLS = 5', '// How many.\nconst NEWEST = 5')
  edit('shared/projections/recent-urls.ts', 'latest(URLS,', 'latest(NEWEST,')
  bumpSchemaLibrary(copy, path.join(folder, 'harmless'))
  edit('shared/tally.ts', 'return [...merged, ...added.slice(at)]', 'return merged.concat(added.slice(at))')
  edit('shared/events/page-visit.ts', 'Timestamp: integer() }', 'Timestamp: integer(), Note: nullable(text()) }')
  edit('shared/events/page-visit.ts', 'integer, text }', 'integer, nullable, text }')
  expect(await copy.millrace('catalogue', '--check')).toEqual({ code: 0, stdout: SOUND, stderr: '' })
})

const COUNT_VISITS = `import * as z from 'zod/mini'
import { pageVisit } from '../events/page-visit.ts'
import { perUser } from '../grains/user.ts'

export const visitCount = perUser({
  name: 'visit-count',
  revision: 1,
  on: [pageVisit],
  initial: () => 0,
  fold: count => count + 1,
  key: 'user_id',
  document: (count, user) => ({ user_id: user, count }),
  shape: z.object({ user_id: z.string(), count: z.int() }),
})
`

const REFUSED = {
  'recent-urls':
    'shared/projections/recent-urls.ts changed, and recent-urls-r1 computes the same of 1000 sample events: if that holds for all ' +
    'events, run `npx millrace catalogue --accept recent-urls`, otherwise raise the revision of recent-urls to 2 in ' +
    'shared/projections/recent-urls.ts, then run `npx millrace catalogue --record`.',
  'user-activity':
    'The shape of user-activity-r1 changed to { events: number, favourite_action: string | null, user_id: integer }, but documents ' +
    'with the old shape are stored: raise the revision of user-activity to 2 in shared/projections/user-activity.ts, then run ' +
    '`npx millrace catalogue --record`.',
  'country-minutes':
    'country-minutes-r1 computes other states or documents than before, of the same 1000 sample events: raise the revision of ' +
    'country-minutes to 2 in shared/projections/country-minutes.ts, then run `npx millrace catalogue --record`.',
  'device-minutes':
    'The events that device-minutes-r1 folds changed, and its states or documents with them: if it may fold on with them, run ' +
    '`npx millrace catalogue --accept device-minutes`, otherwise raise the revision of device-minutes to 2 in ' +
    'shared/projections/device-minutes.ts, then run `npx millrace catalogue --record`.',
  'visit-count': 'revisions.json has no projection visit-count-r1: run `npx millrace catalogue --record`.',
  'user-traits': 'revisions.json has no projection user-traits-r2: run `npx millrace catalogue --record`.',
}

/** A branch that the sample misses, another shape, another fold, other events, a new projection and a new revision. */
function changeAll({ edit, write }: ChangedCopy): void {
  const projection = (name: string) => `shared/projections/${name}.ts`
  edit(
    projection('recent-urls'),
    'fold: (visits, { data }) => latest(',
    "fold: (visits, { data }) => data.Url === '/lost' ? visits : latest(",
  )
  edit(projection('user-activity'), 'user_id: z.int(), events: z.int()', 'user_id: z.int(), events: z.number()')
  edit(projection('country-minutes'), "=== 'female'", "!== 'male'")
  edit(
    'shared/events/reading.ts',
    'time: row =>',
    'conform: row => ({ ...row, temperature: row.temperature ?? 20 }),\n  time: row =>',
  )
  edit(projection('user-traits'), 'revision: 1', 'revision: 2')
  write(projection('visit-count'), COUNT_VISITS)
  edit('shared/catalogue.ts', '  recentUrls,\n', '  recentUrls,\n  visitCount,\n')
  edit(
    'shared/catalogue.ts',
    'import type { Report }',
    "import { visitCount } from './projections/visit-count.ts'\nimport type { Report }",
  )
}

describe('a changed catalogue', () => {
  let copy: ChangedCopy
  const linesOf = (text: string) => text.trimEnd().split('\n')

  beforeAll(() => {
    copy = newCopy('refused')
    changeAll(copy)
  })

  test('is refused by the check, by the synthesis and by `up`, in one line for each projection', async () => {
    const lines = Object.values(REFUSED)
    const check = await copy.millrace('catalogue', '--check')
    expect({ ...check, stderr: linesOf(check.stderr).sort() }).toEqual({ code: 1, stdout: '', stderr: lines.toSorted() })
    const synthesis = await copy.node('node_modules/aws-cdk/bin/cdk', 'synth', '-c', 'stage=dev', '--no-color')
    expect([synthesis.code, linesOf(synthesis.stderr)]).toEqual([1, expect.arrayContaining(lines)])
    const up = await copy.millrace('up')
    expect([up.code, linesOf(up.stderr).at(-1)]).toEqual([
      1,
      `${REFUSED['recent-urls']} (5 more: \`npx millrace catalogue --check\`)`,
    ])
  })

  test('--accept records a changed module and changed events, and refuses another shape and other results', async () => {
    for (const name of ['user-activity', 'country-minutes'] as const)
      expect(await copy.millrace('catalogue', '--accept', name)).toEqual({ code: 1, stdout: '', stderr: `${REFUSED[name]}\n` })
    for (const name of ['recent-urls', 'device-minutes'])
      expect(await copy.millrace('catalogue', '--accept', name)).toEqual({
        code: 0,
        stdout: `${name}-r1: accepted. It folds on from the states that it has.\n`,
        stderr: '',
      })
  })

  test('--record records the new projection and the new revision, and nothing that changed at the same revision', async () => {
    const { code, stdout } = await copy.millrace('catalogue', '--record')
    expect([code, linesOf(stdout)]).toEqual([
      0,
      [
        'visit-count-r1: recorded, with what it makes of 1000 sample events.',
        'user-traits-r2: recorded, with what it makes of 1000 sample events.',
        'user-traits-r1: recorded as replaced by revision 2.',
      ],
    ])
    const { stderr } = await copy.millrace('catalogue', '--check')
    expect(linesOf(stderr)).toEqual([REFUSED['user-activity'], REFUSED['country-minutes']])
  })

  test('with the revisions raised and recorded it is sound', async () => {
    for (const name of ['user-activity', 'country-minutes'])
      copy.edit(`shared/projections/${name}.ts`, 'revision: 1', 'revision: 2')
    await copy.millrace('catalogue', '--record')
    expect(await copy.millrace('catalogue', '--check')).toEqual({ code: 0, stdout: SOUND, stderr: '' })
  })
})

test('a definition that cannot work is refused before anything starts', async () => {
  const copy = newCopy('broken')
  copy.edit(
    'shared/events/page-visit.ts',
    'Timestamp: integer() }',
    "Timestamp: integer(), Tags: z.array(z.string()) }, idField: 'Id'",
  )
  copy.edit('shared/events/page-visit.ts', 'import { defineEvent', "import * as z from 'zod/mini'\nimport { defineEvent")
  copy.edit('shared/reports/enriched-actions.ts', 'everyHours: EVERY_HOURS,', 'everyHours: 0,')
  const problems = [
    'shared/events/page-visit.ts: the field Tags of page_visit has no archive column. A catalogued field cannot be of the type array. Use a string, a number, an integer or a boolean. Or leave it out: fields that are not catalogued are kept in `data`.',
    'shared/events/page-visit.ts: the field Id of page_visit is its idField; leave it out of fields: it becomes the id of the event.',
    'shared/reports/enriched-actions.ts: the report enriched-actions would never run; everyHours must be an integer from 1 to 23.',
  ]
  expect(await copy.millrace('catalogue', '--check')).toEqual({ code: 1, stdout: '', stderr: `${problems.join('\n')}\n` })
  const up = await copy.millrace('up')
  expect([up.code, up.stderr.trimEnd().split('\n').at(-1)]).toEqual([
    1,
    `${problems[0]} (2 more: \`npx millrace catalogue --check\`)`,
  ])
})
