// node test/bench/long-integers.ts: how long it takes to read the largest array of rows when long integers keep their digits.

import { formatTable } from '../../cli/table.ts'
import { splitElements } from '../../lambdas/ingest/body.ts'
import { withExactIntegers } from '../../shared/exact-json.ts'
import { MAX_ELEMENTS_PER_REQUEST } from '../../shared/limits.ts'

const RUNS = 15

/** An array of rows. `id` makes the value of a field from the number of the row. */
const bodyOf = (id: (row: number) => string): string =>
  `[${Array.from({ length: MAX_ELEMENTS_PER_REQUEST }, (_, row) => rowOf(row, id(row)))}]`

const rowOf = (row: number, id: string): string =>
  `{"type":"order","subject":"u${row % 100}","data":{"id":${id},"total":${row}.5,"items":[{"sku":"a-${row}","count":2}]}}`

/** The median of the times that `work` takes, in milliseconds. */
function milliseconds(work: () => unknown): string {
  const times = Array.from({ length: RUNS }, () => {
    const start = performance.now()
    work()
    return performance.now() - start
  })
  return (times.toSorted((a, b) => a - b)[Math.floor(RUNS / 2)] ?? 0).toFixed(1)
}

const long = (row: number) => `${12_345_678_901_234_567_890n + BigInt(row)}`
const bodies: Record<string, string> = {
  'no long digits': bodyOf(String),
  'long digits in one row of 100': bodyOf(row => (row % 100 === 0 ? long(row) : String(row))),
  'long digits in every row': bodyOf(long),
  'long digits in strings only': bodyOf(row => `"${long(row)}"`),
}
const rows = Object.entries(bodies).map(([body, text]) => ({
  body,
  MB: (text.length / 2 ** 20).toFixed(1),
  'JSON.parse ms': milliseconds(() => JSON.parse(text)),
  'whole, exact ms': milliseconds(() => withExactIntegers(JSON.parse(text), text)),
  'split into elements ms': milliseconds(() => splitElements({ text, isUtf8: true }, undefined)),
}))
console.log(formatTable(rows, Object.keys(rows[0] ?? {})))
