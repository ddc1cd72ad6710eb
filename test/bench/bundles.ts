// node test/bench/bundles.ts: the size of every function's bundle, and how long a cold start takes to import it here.
import { execFileSync } from 'node:child_process'
import { globSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { build } from 'esbuild'
import { formatTable } from '../../cli/table.ts'
import { environments } from '../../shared/environment.ts'

const RUNS = 9
/** Installed beside its bundle, as infra/reports.ts asks: native code. */
const NATIVE = '@duckdb/node-api'

/** Bundles a function as infra/lambda-function.ts does; returns its size in bytes. */
async function bundle(entry: string, outfile: string): Promise<number> {
  const { metafile } = await build({
    entryPoints: [entry],
    outfile,
    bundle: true,
    metafile: true,
    minify: true,
    platform: 'node',
    target: 'node24',
    format: 'esm',
    mainFields: ['module', 'main'],
    banner: { js: "import { createRequire as requireFrom } from 'node:module';const require = requireFrom(import.meta.url);" },
    loader: { '.sql': 'text' },
    external: [NATIVE],
  })
  return Object.values(metafile.outputs)[0]?.bytes ?? 0
}

const importing = `const began = performance.now()
await import(process.argv[1])
console.log(performance.now() - began)
process.exit()`

/** Milliseconds that importing the bundle takes in a process of its own: the median of several. */
function importTime(file: string, name: string): number {
  const names: readonly string[] = environments[name as keyof typeof environments] ?? []
  const env = { ...process.env, AWS_REGION: 'us-east-1', ...Object.fromEntries(names.map(variable => [variable, 'none'])) }
  const times = Array.from({ length: RUNS }, () =>
    Number(execFileSync(process.execPath, ['--input-type=module', '-e', importing, file], { env, encoding: 'utf8' })),
  )
  return times.sort((a, b) => a - b)[(RUNS - 1) / 2] ?? Number.NaN
}

const folder = mkdtempSync(path.join(tmpdir(), 'millrace-bundles-'))
try {
  const rows = []
  for (const entry of globSync('lambdas/**/*.lambda.ts').sort()) {
    const name = path.basename(entry, '.lambda.ts')
    const file = path.join(folder, `${name}.mjs`)
    const kilobytes = ((await bundle(entry, file)) / 1000).toFixed(0)
    // The native package cannot be found from a scratch folder: its bundle is weighed only.
    const milliseconds = name === 'reports' ? '-' : importTime(file, name).toFixed(0)
    rows.push({ function: name, kilobytes, milliseconds })
  }
  console.log(formatTable(rows, ['function', 'kilobytes', 'milliseconds']))
} finally {
  rmSync(folder, { recursive: true, force: true })
}
