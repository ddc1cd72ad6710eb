import { readFileSync } from 'node:fs'

const STACK_FRAME = /^\s+(at |File ")|^\s*\.\.\. \d+ more/
const WARNING = /\bWARN(ING)?\b|\bwarning:|^\s*INFO\b/
const ENTRY = /^\d{4}-\d\d-\d\dT/
/** The exception of a log entry, in the lines that follow it. */
const EXCEPTION = /^(\s|Caused by:|[\w.$]+(Exception|Error)\b)/
/** From the line that says most about a failure to the one that says least. */
const REASONS: readonly RegExp[] = [
  /^Likely root cause: (.+)/, // OpenSearch
  /^# (There is insufficient memory .+)/, // Java
  /^Error occurred during initialization of VM\n(.+)/, // Java
  /^Caused by: (.+)/, // Java
  /^Exception in thread "\S+" (.+)/, // Java
  /^([\w.]*(?:Error|Exception|Exit|Interrupt)\b.*)/, // Node, and the last line of a traceback of Python
  /(.*(?:error|exception|fatal).*)/i,
  /^(.+)$/,
]

/** Why a process ended, from its log, for an error message: neither a stack frame nor a warning. */
export function failureIn(log: string): string {
  const text = withoutWarnings(linesOf(log)).join('\n')
  for (const reason of REASONS) {
    const found = [...text.matchAll(new RegExp(reason, `${reason.flags}gm`))].at(-1)?.[1]
    if (found) return found.trim()
  }
  return 'its log has no error'
}

/** The lines that are no stack frames and not part of a warning. */
function withoutWarnings(lines: readonly string[]): string[] {
  let isWarning = false
  return lines.filter(line => {
    if (line.trim() === '' || STACK_FRAME.test(line)) return false
    isWarning = WARNING.test(line) || (isWarning && !ENTRY.test(line) && EXCEPTION.test(line))
    return !isWarning
  })
}

function linesOf(log: string): readonly string[] {
  try {
    return readFileSync(log, 'utf8').split('\n')
  } catch {
    return []
  }
}
