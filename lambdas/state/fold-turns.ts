import pLimit from 'p-limit'
import type { FoldAttempts } from '../../shared/state.ts'
import type { StateTable } from './dynamodb.ts'

type AttemptsTable = Pick<StateTable, 'writeAttempts'>

/** The attempts of a user as they are stored when none of its events is noted as being tried. */
interface Trial {
  readonly user: string
  readonly sequenceNumber: string
  readonly attempts: FoldAttempts
}

/**
 * Lets the folds of a process run one at a time, and none while an event is noted as being tried: nothing but the fold of that event
 * can end the process then.
 */
export class FoldTurns {
  /** Names the process. A fold that hangs or exits ends it, and another one has another name. */
  readonly process: string
  private readonly limit = pLimit(1)
  /** The last trial, until its last note is removed. */
  private trial: Trial | undefined

  constructor(process: string) {
    this.process = process
  }

  /** Throws what the table throws if the note of an earlier trial cannot be removed. */
  take<Result>(table: AttemptsTable, fold: () => Result | Promise<Result>): Promise<Result> {
    return this.limit(async () => {
      await this.endTrial(table)
      return fold()
    })
  }

  /** Must be called before the first note of a trial, during its turn. */
  beginTrial(trial: Trial): void {
    this.trial = trial
  }

  async endTrial(table: AttemptsTable): Promise<void> {
    if (this.trial) await table.writeAttempts(this.trial.user, this.trial.sequenceNumber, this.trial.attempts)
    this.trial = undefined
  }
}
