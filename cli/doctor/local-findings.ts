import type { Prerequisites } from '../../localstack/prerequisites.ts'
import type { Finding } from '../findings.ts'

const START = 'npx millrace up'

/** What keeps the local cloud from starting, and what the next start changes. */
export function localFindings({ python, catalogue, ports, running, ended, unclean }: Prerequisites): Finding[] {
  return [
    typeof python === 'string'
      ? finding('info', 'python', `Python ${python} is installed.`, '')
      : finding('error', 'python', python.message, python.remedy),
    ...catalogue.map(problem => finding('error', 'catalogue', problem, 'npx millrace catalogue --check')),
    ...ports.map(({ message, remedy }) => finding('error', 'port_in_use', message, remedy)),
    ...ended.map(failure => finding('warning', 'part_ended', failure, START)),
    ...(unclean === undefined
      ? []
      : [
          finding(
            'warning',
            'unclean_end',
            `The local cloud did not stop cleanly: the next start begins empty and moves its state to ${unclean}.unclean.`,
            START,
          ),
        ]),
    ...(running.length > 0 ? [finding('info', 'running', `These parts are running: ${running.join(', ')}.`, '')] : []),
  ]
}

const finding = (level: Finding['level'], code: string, message: string, remedy: string): Finding => ({
  ...{ level, code, message, remedy },
})
