import { localCloud } from '../../localstack/parts.ts'
import { down } from '../../localstack/up.ts'
import { STARTED } from './local-cloud.ts'

/** After the tests: stops the local cloud, unless it ran before them. */
export default async function stopLocalCloud(): Promise<void> {
  if (process.env[STARTED]) await down(localCloud())
}
