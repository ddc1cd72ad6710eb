/** Exit codes of a command that a signal ended. */
const SIGNALS = { SIGINT: 130, SIGTERM: 143 } as const

/** Calls `listener` with the exit code of each signal that ends a command, until the function that it returns is called. */
export function onEndSignal(listener: (code: number) => void): () => void {
  const listeners = Object.entries(SIGNALS).map(([signal, code]) => [signal, () => listener(code)] as const)
  for (const [signal, listen] of listeners) process.on(signal, listen)
  return () => {
    for (const [signal, listen] of listeners) process.off(signal, listen)
  }
}

/**
 * Calls `run` with a signal that Ctrl-C aborts, and ends the process as soon as `run` has thrown the reason of the signal or has ended. A
 * second Ctrl-C ends it at once.
 */
export async function stoppable(run: (signal: AbortSignal) => Promise<void>): Promise<void> {
  const controller = new AbortController()
  let code: number | undefined
  const stopListening = onEndSignal(ended => {
    if (code !== undefined) process.exit(code)
    code = ended
    controller.abort()
  })
  try {
    await run(controller.signal)
  } catch (error) {
    if (code === undefined || error !== controller.signal.reason) throw error
  } finally {
    stopListening()
  }
  if (code !== undefined) process.exit(code)
}
