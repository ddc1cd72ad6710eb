import { waitBefore } from '../../../cli/sending/api.ts'
import { batchSize, cutBatches } from '../../../cli/sending/batches.ts'
import { readElements, startsArray } from '../../../cli/sending/elements.ts'
import { identify } from '../../../cli/sending/identify.ts'
import { simulatedLines } from '../../../cli/simulate.ts'
import { rollDice } from '../../../cli/simulators/dice.ts'
import { addClientFaults } from '../../../cli/simulators/disturb.ts'
import { simulators } from '../../../cli/simulators/simulators.ts'
import { databaseMegabytes } from '../../../lambdas/archive/duckdb.ts'
import { mayHoldBefore, mayHoldDay, mayHoldEarlier, readFooter } from '../../../lambdas/archive/footer.ts'
import { eventObjects } from '../../../lambdas/archive/list-events.ts'
import { dateOf, readRequest } from '../../../lambdas/reports/plan-run.ts'
import { outdatedPublications, planSweep } from '../../../lambdas/reports/plan-sweep.ts'
import { reports } from '../../../shared/catalogue.ts'
import { newestSnapshot, type Publication, partKey, publishedKey, runId } from '../../../shared/report.ts'
import { parseDay } from '../../../shared/time.ts'
import { type Outputs, unnamed } from './canonical.ts'
import { START } from './environment.ts'
import { runCollectFailures } from './failures.ts'

const DAY_MS = 86_400_000

/** Decisions that need no store, and the elements that are read from files. */
export async function runPlans(outputs: Outputs): Promise<void> {
  outputs.add('reports.plan-run', [
    ...planRuns(),
    ...['2024-02-29', '0001-01-01', '2023-02-29', 'x'].map(text => parseDay(text) ?? null),
  ])
  outputs.add('reports.plan-objects', planObjects())
  outputs.add('reports.plan-sweep', planSweeps())
  await cutFiles(outputs)
  await simulate(outputs)
  await runCollectFailures(outputs)
}

function planRuns(): unknown[] {
  const when = [
    {},
    { date: '1970-01-02' },
    { date: '2026-02-29' },
    { all: true },
    { at: '2026-01-31T01:10:00.123456+01:00' },
    { at: '0001-01-01T00:00:00.000001Z' },
    { at: 'noon' },
    { at: '<aws.scheduler.scheduled-time>', once: true },
    { at: '2026-01-31T12:59:59.999Z', once: true },
    { once: true },
  ]
  return ['duration-p95', 'enriched-actions', 'nothing'].flatMap(report =>
    when.map(input => {
      try {
        // The report is represented by its name, the rest by its values.
        const request = readRequest({ report, ...input }, reports, START)
        return [
          report,
          Object.values(request)
            .filter(value => value !== request.report)
            .map(unnamed)
            .map(String)
            .sort(),
        ]
      } catch {
        return [report, 'thrown']
      }
    }),
  )
}

function planObjects(): unknown[] {
  const keys = [
    'events/dt=2026-01-31/hour=12/b.parquet',
    'events/dt=2026-01-31/hour=11/a.parquet',
    'events/x.parquet',
    'errors/a.parquet',
  ]
  const listed = keys.flatMap((key, n) => [0, 5].map(size => ({ key: size ? key : `${key}0.parquet`, size, modified: n })))
  const statistics = [
    { min_value: 86_400, max_value: 172_799.5 },
    { min_value: 5n, max_value: 9n },
    {},
    { null_count: 3n },
    { min: 9, max: 1 },
  ]
  const footers = statistics.map(each => {
    const meta_data = { path_in_schema: ['t'], num_values: 3n, statistics: each }
    const other = {
      meta_data: { path_in_schema: ['event_time_us'], num_values: 3n, statistics: { min_value: 500n, max_value: 600n } },
    }
    const metadata = { schema: [{ name: 'root' }, { name: 't' }], row_groups: [{ columns: [{ meta_data }, other] }] }
    // Only the parts of the metadata that readFooter uses.
    return readFooter(metadata as unknown as Parameters<typeof readFooter>[0], ['t', 'event_time_us', 'received_time_us'])
  })
  const decisions = footers.map(footer => [
    unnamed(footer),
    [[0], [1], [2], [0, 2], []].map(days => mayHoldDay(footer, 't', days)),
    [0n, 5000n].map(last => mayHoldEarlier(footer, 't', last)),
    [499n, 501n].map(at => mayHoldBefore(footer, 't', at)),
  ])
  return [
    eventObjects(listed).map(({ key, size, modified }) => [key, size, modified]),
    ...decisions,
    [128, 1769, 10_240].map(databaseMegabytes),
  ]
}

function planSweeps(): unknown[] {
  const runs = [0, 1, 3, 6, 8, 20].map((days, n) => runId(START - days * DAY_MS, `0000000${n}`))
  const valuesOf = ({ period, run }: Publication) => [period, run]
  return reports.map(report => {
    const published = runs.map(
      (run, n): Publication => ({ period: report.kind === 'daily' ? dateOf(20_000 + n) : `2025-12-2${n}T00:00:00Z`, run }),
    )
    const objects = runs.flatMap((run, n) =>
      (['parquet', 'csv'] as const).map((format, day) => ({
        key:
          report.kind === 'daily'
            ? publishedKey(report.name, run, 'type', format, dateOf(20_000 + n + day))
            : partKey(report.name, run, format, n),
        modified: START - n * DAY_MS,
      })),
    )
    const newest = newestSnapshot(published)
    return [
      outdatedPublications(published, START, { runs: 2, days: 7 }).map(valuesOf),
      planSweep(report, { objects, published: published.slice(1), unpublished: new Map() }, START),
      newest && valuesOf(newest),
    ]
  })
}

const FILES: readonly string[] = [
  '{"a":1}\n{"b":"x\\n"}\r\n\n  {"c":[1,2]}  \nbad\n7',
  '\ufeff [ {"a":1} , {"b":"],[\\""},\n [1,\n2], 7, "x"\n]\n ',
  '[]',
  '[1,2',
  '[1] x',
  '[,1]',
  '',
  '{"event_id":"own","a":1}\n{"event_id":null}\n{}\n{"n":12345678901234567890}',
]

async function* chunksOf(text: string, size: number): AsyncGenerator<Buffer> {
  const bytes = Buffer.from(text)
  for (let at = 0; at < bytes.length; at += size) yield Buffer.from(bytes.subarray(at, at + size))
}

async function cutFiles(outputs: Outputs): Promise<void> {
  const cut: unknown[] = []
  for (const text of FILES)
    for (const size of [1, 7, 1000]) {
      const form = startsArray(Buffer.from(text)) ? 'array' : 'lines'
      const elements: unknown[] = []
      const readAll = async () => {
        for await (const { text: element, line } of readElements(chunksOf(text, size), form))
          elements.push([element.toString(), line, identify(element, 'event_id', `h-${elements.length}`).toString()])
      }
      await readAll().catch((error: Error) => elements.push(error.constructor.name === 'Error' ? 'broken' : 'refused'))
      cut.push([form, size, elements])
    }
  const many = Array.from({ length: 6000 }, (_, n) => ({
    text: Buffer.from(`{"n":${n},"x":"${'x'.repeat(n % 1500)}"}`),
    line: n,
    isOversized: false,
    digest: `${n}`,
  }))
  for (const rate of [undefined, 1, 1000])
    for await (const { body, count, digest } of cutBatches(many.slice(0, rate === 1 ? 20 : 6000), batchSize(rate)))
      cut.push([rate ?? null, batchSize(rate), body.toString().length, count, digest])
  const waits = [null, '3', '-1', 'x', new Date(START + 5000).toUTCString()].flatMap(retryAfter =>
    [1, 2, 9].map(attempt => waitBefore(attempt, retryAfter, { now: () => START, random: () => 0.25 })),
  )
  outputs.add('cli.elements', [...cut, waits])
}

async function simulate(outputs: Outputs): Promise<void> {
  for (const name of Object.keys(simulators)) {
    const seeded = [...(await simulatedLines(name, { count: 300, seed: 5 }, 0))]
    const unseeded = [...(await simulatedLines(name, { count: 20 }, START))]
    outputs.add(`cli.simulated-${name}`, [...seeded, ...unseeded, ...addClientFaults(seeded, rollDice(3))])
  }
}
