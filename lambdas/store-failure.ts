import { type Rejection, reject } from '../shared/rejections.ts'
import { describeError } from '../shared/safe-error.ts'
import type { Telemetry } from './handler.ts'

/** A call to a store failed: the store was not reachable, or did not do what was asked. The cause is what the call threw. */
export class StoreFailure extends Error {
  override readonly name = 'StoreFailure'

  constructor(cause: unknown) {
    super('A call to a store failed.', { cause })
  }
}

/** The call, with everything that it throws as a StoreFailure. Any other error of a function is a bug. */
export const storeCall =
  <Parameters extends readonly unknown[], Result>(call: (...parameters: Parameters) => Promise<Result>) =>
  async (...parameters: Parameters): Promise<Result> => {
    try {
      return await call(...parameters)
    } catch (error) {
      throw new StoreFailure(error)
    }
  }

/** The store, with everything that its methods throw as a StoreFailure. All its methods must return promises. */
export const asStore = <Store extends object>(store: Store): Store =>
  new Proxy(store, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target)
      return typeof value === 'function' ? storeCall(async (...parameters) => value.apply(target, parameters)) : value
    },
  })

/** What AWS throws about a request that it will never accept. Sending the request again cannot help. OpenSearch answers it with 400. */
const REFUSED: ReadonlySet<string> = new Set(['ValidationException', 'InvalidArgumentException', 'SerializationException'])

/** Whether a store refuses what the request contains, whenever it is sent. */
export const isRefusal = (error: unknown): error is Error =>
  error instanceof Error && (REFUSED.has(error.name) || ('statusCode' in error && error.statusCode === 400))

const isUnreachable = (error: unknown): error is StoreFailure => error instanceof StoreFailure && !isRefusal(error.cause)

/** The rejection of a request whose handler threw: `unavailable` if a store cannot be reached, else a bug. Logs the reason. */
export function rejectionOf(error: unknown, telemetry: Telemetry): Rejection {
  telemetry.annotate('error', describeError(error instanceof StoreFailure ? error.cause : error))
  return reject(isUnreachable(error) ? 'unavailable' : 'internal_error')
}
