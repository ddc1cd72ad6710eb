// node infra/supply-chain/audit.ts: asks the registry for weaknesses of production dependencies and for signatures, and writes sbom.json.
import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { advisories, signatures } from './plan-audit.ts'
import { productionSbom } from './plan-sbom.ts'

const TIMEOUT_MS = 60_000
const SBOM = 'sbom.json'
const MAX_BYTES = 64 * 2 ** 20
/** Without retries, a check that no registry answers takes seconds. */
const env = { ...process.env, npm_config_fetch_retries: '0' }

/** The output of an npm command. It fails without a registry, and if it finds something. */
const npm = (...options: readonly string[]): string =>
  spawnSync('npm', options, { encoding: 'utf8', timeout: TIMEOUT_MS, maxBuffer: MAX_BYTES, env }).stdout ?? ''

/** Writes the production dependencies in CycloneDX's format, from package-lock.json alone. */
function writeSbom(): string {
  const text = npm('sbom', '--sbom-format=cyclonedx', '--package-lock-only')
  if (!text.startsWith('{')) return 'SBOM: not written. This npm has no `npm sbom`: use npm 10 or newer.'
  const sbom = productionSbom(JSON.parse(text), JSON.parse(readFileSync('package-lock.json', 'utf8')))
  writeFileSync(SBOM, `${JSON.stringify(sbom, null, 2)}\n`)
  return `SBOM: ${SBOM} lists ${sbom.components.length} packages.`
}

console.log(writeSbom())
const outcomes = [advisories(npm('audit', '--omit=dev', '--json')), signatures(npm('audit', 'signatures', '--json'))]
for (const { isBad, line } of outcomes) {
  console.log(line)
  if (isBad) process.exitCode = 1
}
