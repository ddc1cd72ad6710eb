import { ListrLogger, ListrLogLevels } from 'listr2'
import type { Progress } from './cache.ts'

/** Without a terminal, at most one line of progress is printed in this time. */
const PROGRESS_INTERVAL_MS = 5_000

/** How Listr prints tasks. With `json`: as lines on standard error, because standard output has the result of the command. */
export const rendering = (json: boolean) => ({
  // The command prints the error; Listr would print it a second time.
  rendererOptions: { showErrorMessage: false },
  fallbackRenderer: 'simple' as const,
  ...(json && {
    fallbackRendererCondition: true,
    fallbackRendererOptions: { logger: new ListrLogger({ useIcons: true, toStderr: Object.values(ListrLogLevels) }) },
  }),
})

/** Shows progress below a task. Without a terminal, it limits the number of lines. */
export function shown(task: { output: string }): Progress {
  let last = 0
  return words => {
    if (!process.stdout.isTTY && Date.now() - last < PROGRESS_INTERVAL_MS) return
    last = Date.now()
    task.output = words
  }
}
