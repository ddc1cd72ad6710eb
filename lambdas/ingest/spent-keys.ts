import type { Key } from '../../shared/keys.ts'
import { describeError } from '../../shared/safe-error.ts'
import type { Telemetry } from '../handler.ts'
import type { SpentNotice } from './sns.ts'

/** Marks once for each key and day that its quota is spent. */
export interface SpentMarks {
  /** Whether nobody had marked it before. */
  markSpent(keyId: string, day: string): Promise<boolean>
}

interface SpentKeysDependencies {
  readonly marks: SpentMarks
  readonly notice: SpentNotice
  /** Milliseconds since 1970. */
  readonly now: () => number
}

/** Tells the operators of each key whose daily quota is spent: one message for each day, whatever the number of environments. */
export type SpentKeys = (key: Key, telemetry: Pick<Telemetry, 'annotate'>) => Promise<void>

/** Never throws: the log line, the metric and its alarm remain. */
export function spentKeys({ marks, notice, now }: SpentKeysDependencies): SpentKeys {
  const told = new Map<string, string>()
  return async (key, telemetry) => {
    const day = new Date(now()).toISOString().slice(0, 10)
    if (told.get(key.id) === day) return
    told.set(key.id, day)
    try {
      if (await marks.markSpent(key.id, day)) await notice.send(key, day)
    } catch (error) {
      telemetry.annotate('noticeError', describeError(error))
    }
  }
}
