import type { Settings } from '../infra/settings-types.ts'
import { UsageError } from '../shared/user-error.ts'

/** The settings of a stage. Throws a UsageError if there is no such stage. Loads the CDK, which few commands need. */
export async function stageSettings(stage: string): Promise<Settings> {
  const { settingsFor } = await import('../infra/settings.ts')
  try {
    return settingsFor(stage)
  } catch (error) {
    throw new UsageError((error as Error).message)
  }
}
