// node test/bench/bundles.ts: the size of every function's bundle, and in how many milliseconds it is imported here.
import { execFileSync } from 'node:child_process'
import { globSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import path from 'node:path'
import { build } from 'esbuild'
import { formatTable } from '../../cli/table.ts'
import { bundling } from '../../infra/bundling.ts'
import { environments } from '../../shared/environment.ts'

const RUNS = 9
/** Installed beside its bundle, as infra/reports.ts asks: native code. */
const NATIVE = '@duckdb/node-api'

/** Bundles a function as it is deployed; returns its size in bytes. */
async function bundle(entry: string, outfile: string): Promise<number> {
  const { metafile } = await build({
    entryPoints: [entry],
    outfile,
    bundle: true,
    metafile: true,
    minify: true,
    platform: 'node',
    format: 'esm',
    target: bundling.target,
    mainFields: [...bundling.mainFields],
    banner: { js: bundling.banner },
    loader: bundling.loader,
    external: [...bundling.external, NATIVE],
  })
  return Object.values(metafile.outputs)[0]?.bytes ?? 0
}

const importing = `const began = performance.now()
await import(process.argv[1])
console.log(performance.now() - began)
process.exit()`

/** Milliseconds that importing the bundle takes in processes of its own, the shortest first. */
function importTimes(file: string, name: string): number[] {
  const names: readonly string[] = environments[name as keyof typeof environments] ?? []
  const values = names.map(variable => [variable, variable.endsWith('_URL') ? 'http://127.0.0.1:9' : 'none'])
  const env = { ...process.env, AWS_REGION: 'us-east-1', ...Object.fromEntries(values) }
  return Array.from({ length: RUNS }, () =>
    Number(execFileSync(process.execPath, ['--input-type=module', '-e', importing, file], { env, encoding: 'utf8' })),
  ).sort((a, b) => a - b)
}

// Within the checkout, where the native package is found.
mkdirSync('.millrace', { recursive: true })
const folder = mkdtempSync(path.resolve('.millrace', 'bundles-'))
try {
  const rows = []
  for (const entry of globSync('lambdas/**/*.lambda.ts').sort()) {
    const name = path.basename(entry, '.lambda.ts')
    const file = path.join(folder, `${name}.mjs`)
    const kilobytes = ((await bundle(entry, file)) / 1000).toFixed(0)
    const times = importTimes(file, name)
    rows.push({ function: name, kilobytes, best: times[0]?.toFixed(0), median: times[(RUNS - 1) / 2]?.toFixed(0) })
  }
  console.log(formatTable(rows, ['function', 'kilobytes', 'best', 'median']))
} finally {
  rmSync(folder, { recursive: true, force: true })
}
