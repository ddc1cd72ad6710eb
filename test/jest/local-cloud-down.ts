import { findTarget } from '../../cli/target.ts'
import { type LocalCloud, localCloud } from '../../localstack/parts.ts'
import { down } from '../../localstack/up.ts'
import { knownLines, linesOfRun, RECORDING, record, stopRecording } from '../rights/recording.ts'
import { STARTED } from './local-cloud.ts'

/** Environment variable that adds the calls of this run to the recording. */
const RECORD = 'MILLRACE_RECORD_CALLS'

/** Stops the local cloud after the tests, unless it already ran before them. The run fails if a function called what is not recorded. */
export default async function stopLocalCloud(): Promise<void> {
  const local = localCloud()
  const problem = await checkCalls(local).catch((error: Error) => error.message)
  stopRecording(local)
  if (process.env[STARTED]) await down(local)
  if (problem === undefined) return
  console.error(problem)
  process.exitCode = 1
}

/** What is wrong with the calls of this run, in one line. */
async function checkCalls(local: LocalCloud): Promise<string | undefined> {
  const lines = await linesOfRun(local, await findTarget(undefined))
  // `up` calls the set-up function in any case.
  if (lines.length === 0) return 'The local cloud recorded no calls: run `npx millrace down`, then the tests again.'
  if (process.env[RECORD]) record(lines)
  const known = knownLines()
  const others = lines.filter(line => !known.includes(line))
  if (others.length === 0) return undefined
  return `${RECORDING} lacks ${others.join('; ')}. Run the tests with ${RECORD}=yes to record it, then \`npm run jest -- test/rights\`.`
}
