import { stopWhenInterrupted, watchUntilInterrupted } from '../../cli/up.ts'
import { localCloud } from '../../localstack/parts.ts'
import { temporaryFolder } from '../fixtures/temporary-folder.ts'

const folder = temporaryFolder('up')

test.each(['SIGINT', 'SIGTERM'] as const)(
  '%s is heard at every moment between the start and the watch, and ends the watch',
  async signal => {
    const local = localCloud(folder)
    const before = process.listenerCount(signal)
    const stopListening = stopWhenInterrupted(local)
    let atHandover = 0
    const said: string[] = []
    const watching = watchUntilInterrupted(
      local,
      line => said.push(line),
      () => {
        atHandover = process.listenerCount(signal) - before
        stopListening()
      },
    )
    expect([atHandover, process.listenerCount(signal) - before]).toEqual([2, 1])
    process.emit(signal)
    await watching
    expect([said[0], process.listenerCount(signal)]).toEqual(['Stopping…', before])
  },
)
