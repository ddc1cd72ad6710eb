import { readFile } from 'node:fs/promises'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { catalogueMarkdown } from '../../cli/catalogue/markdown.ts'
import { simulatedLines } from '../../cli/simulate.ts'
import { rollDice } from '../../cli/simulators/dice.ts'
import { addClientFaults } from '../../cli/simulators/disturb.ts'
import { simulators } from '../../cli/simulators/simulators.ts'
import { eventTypes, projections, reports } from '../../shared/catalogue.ts'
import { jsonSchemaOf } from '../../shared/json-schema.ts'
import { millrace } from '../fixtures/command.ts'
import { writeLocalOutputs } from '../fixtures/local-outputs.ts'
import { temporaryFolder } from '../fixtures/temporary-folder.ts'

test('docs/events.md matches the catalogue; if not, run `npx millrace catalogue --markdown > docs/events.md`', async () => {
  expect(await readFile('docs/events.md', 'utf8')).toBe(`${catalogueMarkdown({ eventTypes, projections, reports })}\n`)
})

const validatorOf = (name: string) => {
  const type = eventTypes.find(known => known.name === name)
  if (!type) throw new Error(`There is no event type ${name}.`)
  return new Ajv2020().compile(jsonSchemaOf(type))
}

test.each(Object.entries(simulators))(
  'the JSON Schema accepts every simulated row of %s and rejects disturbed ones',
  async (name, { type }) => {
    const validate = validatorOf(type)
    const lines = [...(await simulatedLines(name, { count: 2_000, seed: 1 }, 0))]
    expect(lines.filter(line => !validate(JSON.parse(line)))).toEqual([])
    const good = new Set(lines)
    const disturbed = [...addClientFaults(lines, rollDice(1))].filter(line => !good.has(line) && line.endsWith('}'))
    expect(disturbed.length).toBeGreaterThan(0)
    expect(disturbed.filter(line => isObject(line) && validate(JSON.parse(line)))).toEqual([])
  },
)

const isObject = (line: string): boolean => {
  try {
    return typeof JSON.parse(line) === 'object'
  } catch {
    return false
  }
}

test('a schema allows extra fields and null or absent nullable fields, but not numbers in strings', () => {
  const validate = validatorOf('reading')
  const least = { device_id: 'd', timestamp: 1.5 }
  expect(validate(least)).toBe(true)
  expect(validate({ ...least, event_id: null, device_type: null, temperature: null, more: [1] })).toBe(true)
  expect(validate({ ...least, timestamp: '1.5' })).toBe(false)
  expect(validate({ ...least, timestamp: 253_402_300_800 })).toBe(false)
  expect(validate({ ...least, event_id: '' })).toBe(false)
})

test('the command prints every type with its schema, or docs/events.md', async () => {
  const { code, stdout } = await millrace(['catalogue', '--json'])
  expect(code).toBe(0)
  const printed = JSON.parse(stdout) as { eventTypes: { name: string; schema: object }[]; reports: object[] }
  expect(printed.eventTypes.map(({ name, schema }) => [name, schema])).toEqual(
    eventTypes.map(type => [type.name, jsonSchemaOf(type)]),
  )
  expect(printed.reports).toContainEqual(
    expect.objectContaining({
      name: 'duration-p95',
      of: 'reading',
      runs: 'daily',
      tables: [expect.objectContaining({ by: 'type' }), expect.objectContaining({ by: 'device' })],
    }),
  )
  expect((await millrace(['catalogue'])).stdout).toMatch(/\nReports\n.*\n.*duration-p95 +reading +daily\n/)
  expect((await millrace(['catalogue', '--markdown'])).stdout).toBe(await readFile('docs/events.md', 'utf8'))
})

const folder = temporaryFolder('catalogue-types')

test('--types prints only the event types, and asks no cloud', async () => {
  await writeLocalOutputs(folder, 'http://127.0.0.1:1')
  const { code, stdout, stderr } = await millrace(['catalogue', '--types', '--json'], folder)
  const { eventTypes: printed, ...others } = JSON.parse(stdout) as {
    eventTypes: { name: string; schema: object; columns: object[] }[]
  }
  expect([code, stderr, others]).toEqual([0, '', {}])
  expect(printed.map(({ name, schema }) => [name, schema])).toEqual(eventTypes.map(type => [type.name, jsonSchemaOf(type)]))
  expect(printed.every(({ columns }) => columns.length > 0)).toBe(true)
  const tables = await millrace(['catalogue', '--types'], folder)
  expect([tables.code, tables.stderr]).toEqual([0, ''])
  expect(tables.stdout).toMatch(/^page_visit: .*\nfield +column +type\n/)
  expect(tables.stdout).not.toContain('Projections')
  expect(await millrace(['catalogue', '--types', '--check'], folder)).toMatchObject({ code: 2 })
})
