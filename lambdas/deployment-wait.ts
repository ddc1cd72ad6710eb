import type { Environment } from '../shared/environment.ts'

const MINUTE_MS = 60_000

/** How long a change waits for a projection that a running deployment may bring, in milliseconds. */
export const deploymentWaitMs = ({
  DEPLOYMENT_WAIT_MINUTES: minutes,
}: Pick<Environment<'windows'>, 'DEPLOYMENT_WAIT_MINUTES'>): number => Number(minutes) * MINUTE_MS

/** That time in a message: `15 minutes`. */
export const waitText = (waitMs: number): string => `${waitMs / MINUTE_MS} ${waitMs === MINUTE_MS ? 'minute' : 'minutes'}`
