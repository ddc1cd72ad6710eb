/** What the work comes to, or a throw when it takes longer; the work itself is not stopped. */
export async function withTimeout<Result>(milliseconds: number, work: Promise<Result>): Promise<Result> {
  const timeout = AbortSignal.timeout(milliseconds)
  const late = new Promise<never>((_, refuse) => timeout.addEventListener('abort', () => refuse(timeout.reason), { once: true }))
  return Promise.race([work, late])
}
