// node test/bench/bundles.ts: how many bytes a cold start of each function reads, and how long its import takes on this machine.
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import path from 'node:path'
import { formatTable } from '../../cli/table.ts'

const RUNS = 9

/** A function of the template. `aws:asset:path` is the folder of its bundle. */
interface Deployed {
  readonly Metadata: { readonly 'aws:cdk:path': string; readonly 'aws:asset:path': string }
  readonly Properties: { readonly Environment: { readonly Variables: Readonly<Record<string, unknown>> } }
}

/** Bundles every function as for a deployment and returns their resources. */
function bundledFunctions(folder: string): Deployed[] {
  execFileSync(process.execPath, ['node_modules/aws-cdk/bin/cdk', 'synth', '-q', '-c', 'stage=dev', '-o', folder], {
    stdio: 'pipe',
  })
  const { Resources } = JSON.parse(readFileSync(path.join(folder, 'millrace-dev.template.json'), 'utf8'))
  return Object.values(Resources as Record<string, Deployed & { Type: string }>).filter(
    ({ Type }) => Type === 'AWS::Lambda::Function',
  )
}

/** Bytes of the bundle's entry file and of its static imports, direct and indirect. */
function bytesRead(bundle: string): number {
  const reached = new Set(['index.mjs'])
  let bytes = 0
  for (const file of reached) {
    const code = readFileSync(path.join(bundle, file), 'utf8')
    bytes += Buffer.byteLength(code)
    for (const [, imported = ''] of code.matchAll(/(?:from|import)"\.\/([\w-]+\.mjs)"/g)) reached.add(imported)
  }
  return bytes
}

const importCode = `const start = performance.now()
await import(process.argv[1])
console.log(performance.now() - start)
process.exit()`

/** Milliseconds that each of `RUNS` new processes needs to import the bundle, in ascending order. */
function importTimes(bundle: string, variables: readonly string[]): number[] {
  const values = variables.map(variable => [variable, variable.endsWith('_URL') ? 'http://127.0.0.1:9' : 'none'])
  const env = { ...process.env, AWS_REGION: 'us-east-1', ...Object.fromEntries(values) }
  const file = path.join(bundle, 'index.mjs')
  return Array.from({ length: RUNS }, () =>
    Number(execFileSync(process.execPath, ['--input-type=module', '-e', importCode, file], { env, encoding: 'utf8' })),
  ).sort((a, b) => a - b)
}

// Inside the checkout, so that Node resolves the native package.
mkdirSync('.millrace', { recursive: true })
const folder = mkdtempSync(path.resolve('.millrace', 'bundles-'))
try {
  const rows = bundledFunctions(folder).map(({ Metadata, Properties }) => {
    const bundle = path.join(folder, Metadata['aws:asset:path'])
    const variables = Object.keys(Properties.Environment.Variables).filter(name => name !== 'NODE_OPTIONS')
    const times = importTimes(bundle, variables)
    return {
      function: Metadata['aws:cdk:path'].split('/').slice(1, -1).join('/'),
      kilobytes: (bytesRead(bundle) / 1000).toFixed(0),
      best: times[0]?.toFixed(0),
      median: times[(RUNS - 1) / 2]?.toFixed(0),
    }
  })
  console.log(formatTable(rows, ['function', 'kilobytes', 'best', 'median']))
} finally {
  rmSync(folder, { recursive: true })
}
