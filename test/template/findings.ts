import type { Exception } from './exceptions.ts'

/** A problem that a tool reports for one resource of a template. */
export interface Finding {
  readonly check: string
  /** Logical id. */
  readonly resource: string
  readonly text: string
}

interface CfnLintFinding {
  readonly Rule: { readonly Id: string }
  readonly Location: { readonly Path: readonly (string | number)[] | null }
  readonly Message: string
}

/** Parses the output of `cfn-lint --format json`. */
export const fromCfnLint = (output: string): Finding[] =>
  (JSON.parse(output) as CfnLintFinding[]).map(({ Rule, Location, Message }) => ({
    check: Rule.Id,
    resource: String(Location.Path?.[1] ?? ''),
    text: Message,
  }))

interface CheckovReport {
  readonly results: {
    readonly failed_checks: readonly { readonly check_id: string; readonly check_name: string; readonly resource: string }[]
  }
  readonly summary: { readonly passed: number; readonly parsing_errors: number }
}

/** Parses the output of `checkov -o json`. Throws if checkov could not read the template or checked nothing. */
export function fromCheckov(output: string): Finding[] {
  const { results, summary } = JSON.parse(output) as CheckovReport
  if (summary.parsing_errors > 0 || summary.passed === 0) throw new Error('checkov could not read the template.')
  return results.failed_checks.map(({ check_id, check_name, resource }) => ({
    check: check_id,
    resource: resource.split('.').at(-1) ?? '',
    text: check_name,
  }))
}

const covers = ({ check, resources }: Exception, finding: Finding): boolean =>
  check === finding.check && resources.test(finding.resource)

/** The findings that no exception covers, and the exceptions that cover no finding. */
export function judge(findings: readonly Finding[], exceptions: readonly Exception[]): { open: Finding[]; unused: Exception[] } {
  return {
    open: findings.filter(finding => !exceptions.some(exception => covers(exception, finding))),
    unused: exceptions.filter(exception => !findings.some(finding => covers(exception, finding))),
  }
}
