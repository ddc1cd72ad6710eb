/** What a check of the registry found. */
export interface AuditOutcome {
  readonly isBad: boolean
  readonly line: string
}

/** The part of the output of `npm audit --json` and `npm audit signatures --json` that is read. */
interface AuditOutput {
  readonly metadata?: { readonly vulnerabilities?: Readonly<Record<string, number>> }
  readonly vulnerabilities?: Readonly<Record<string, { readonly severity?: string }>>
  readonly invalid?: readonly { readonly name: string; readonly version: string }[]
  readonly missing?: readonly unknown[]
  readonly message?: string
  readonly error?: { readonly summary?: string }
}

const SEVERE: ReadonlySet<string> = new Set(['high', 'critical'])

/** Known weaknesses of production dependencies. Only severe ones are bad. */
export function advisories(text: string): AuditOutcome {
  const output = parse(text)
  if (!output?.metadata?.vulnerabilities) return unchecked('Advisories', output)
  const { total = 0 } = output.metadata.vulnerabilities
  const severe = Object.entries(output.vulnerabilities ?? {}).filter(([, { severity = '' }]) => SEVERE.has(severity))
  if (severe.length === 0) return { isBad: false, line: `Advisories: none severe, ${total} in all.` }
  const names = severe.map(([name, { severity }]) => `${name} (${severity})`).join(', ')
  return { isBad: true, line: `Advisories: ${names}. Update them, or see \`npm audit --omit=dev\`.` }
}

/** The registry's signatures of all installed packages. A package without one is not bad: not every registry signs. */
export function signatures(text: string): AuditOutcome {
  const output = parse(text)
  if (!output?.invalid) return unchecked('Signatures', output)
  const { invalid, missing = [] } = output
  if (invalid.length === 0) return { isBad: false, line: `Signatures: none is wrong, ${missing.length} packages have none.` }
  const names = invalid.map(({ name, version }) => `${name} ${version}`).join(', ')
  return { isBad: true, line: `Signatures: wrong for ${names}. Do not run them: remove node_modules and find out why.` }
}

/** Offline, or with a registry that has no such endpoint. */
const unchecked = (what: string, output: AuditOutput | undefined): AuditOutcome => ({
  isBad: false,
  line: `${what}: not checked. ${firstLine(output?.message || output?.error?.summary || 'npm gave no answer.')}`,
})

/** Without addresses: which registry npm uses is a setting of its own. */
const firstLine = (text: string): string => (text.split('\n')[0] ?? '').replaceAll(/https?:\/\/\S+/g, 'its server')

function parse(text: string): AuditOutput | undefined {
  try {
    return JSON.parse(text) as AuditOutput
  } catch {
    return undefined
  }
}
