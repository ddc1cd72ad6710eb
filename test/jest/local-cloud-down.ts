import { localCloud } from '../../localstack/parts.ts'
import { down } from '../../localstack/up.ts'
import { STARTED } from './local-cloud.ts'

/** Stops the local cloud after the tests, unless it already ran before them. */
export default async function stopLocalCloud(): Promise<void> {
  if (process.env[STARTED]) await down(localCloud())
}
