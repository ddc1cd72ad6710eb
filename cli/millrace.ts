import { inspect } from 'node:util'
import { Command, CommanderError } from 'commander'
import { excludeLoopbackFromProxy } from '../localstack/loopback.ts'
import { failuresOf, localCloud } from '../localstack/parts.ts'
import { UsageError, UserError } from '../shared/user-error.ts'
import { alarmsCommand } from './alarms.ts'
import { settingsProblem } from './aws-settings.ts'
import { catalogueCommand } from './catalogue.ts'
import { compactCommand } from './compact.ts'
import { costCommand } from './cost.ts'
import { dashboardsCommand } from './dashboards.ts'
import { demoCommand } from './demo.ts'
import { destroyCommand } from './destroy.ts'
import { doctorCommand } from './doctor.ts'
import { downCommand } from './down.ts'
import { jobsCommand } from './jobs.ts'
import { keysCommand } from './keys.ts'
import { logsCommand } from './logs.ts'
import { networkProblem } from './network-problem.ts'
import { quarantineCommand } from './quarantine.ts'
import { reindexCommand } from './reindex.ts'
import { reportCommand } from './report.ts'
import { resetCommand } from './reset.ts'
import { sendCommand } from './send.ts'
import { showCommand } from './show.ts'
import { simulateCommand } from './simulate.ts'
import { sqlCommand } from './sql.ts'
import { statusCommand } from './status.ts'
import { upCommand } from './up.ts'
import { userCommand } from './user.ts'
import { visible, visibleLines } from './visible.ts'

const USAGE_ERROR = 2

const program = new Command('millrace')
  .description('Serverless event analytics: every accepted event counts exactly once.')
  .exitOverride()
  .showHelpAfterError('(see --help)')

const commands = [
  upCommand,
  downCommand,
  resetCommand,
  demoCommand,
  statusCommand,
  sendCommand,
  simulateCommand,
  showCommand,
  userCommand,
  reportCommand,
  sqlCommand,
  quarantineCommand,
  reindexCommand,
  compactCommand,
  jobsCommand,
  keysCommand,
  logsCommand,
  alarmsCommand,
  costCommand,
  destroyCommand,
  dashboardsCommand,
  catalogueCommand,
  doctorCommand,
]
for (const addTo of commands) addTo(program)

excludeLoopbackFromProxy(process.env)
try {
  await program.parseAsync()
} catch (error) {
  process.exitCode = exitCodeOf(error)
}

/** Prints an error that the user can fix as one line, any other error with its stack trace. Returns the exit code. */
function exitCodeOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : USAGE_ERROR
  const line = lineOf(error)
  console.error(line === undefined ? visibleLines(inspect(error)) : visible(line))
  return error instanceof UsageError ? USAGE_ERROR : 1
}

function lineOf(error: unknown): string | undefined {
  if (error instanceof UserError) return error.message
  const { name, message, $metadata } = error as Error & { $metadata?: unknown }
  const problem =
    settingsProblem(error as Error, process.env) ??
    networkProblem(error as Error, process.argv.slice(2), () => failuresOf(localCloud()))
  if (problem) return problem
  return $metadata ? `AWS returned ${name}: ${message}` : undefined
}
