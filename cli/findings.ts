/** What a check found, and what fixes it. An error must be fixed first; a warning limits the stage; an info needs nothing. */
export interface Finding {
  readonly level: 'error' | 'warning' | 'info'
  readonly code: string
  readonly message: string
  /** The command that fixes it, or the setting to change. Empty if nothing has to be done. */
  readonly remedy: string
}

export interface CheckResult {
  readonly ok: boolean
  readonly findings: readonly Finding[]
}

/** A check is ok without errors. */
export const resultOf = (findings: readonly Finding[]): CheckResult => ({
  ok: findings.every(({ level }) => level !== 'error'),
  findings,
})

/** A finding as lines of text. */
export const findingLines = ({ level, code, message, remedy }: Finding): string[] => [
  `${level.padEnd(7)} ${code}: ${message}`,
  ...(remedy ? [`        ${remedy}`] : []),
]
