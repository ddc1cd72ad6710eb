import pTimeout from 'p-timeout'
import { SafeError } from '../shared/safe-error.ts'
import { StoreFailure } from './store-failure.ts'

/** The response, or a StoreFailure if a store keeps it waiting for longer. What was begun goes on. */
export const respondWithin = <Response>(milliseconds: number, response: Promise<Response>): Promise<Response> =>
  pTimeout(response, {
    milliseconds,
    fallback: () => {
      throw new StoreFailure(new SafeError(`No response of a store within ${milliseconds} ms.`))
    },
  })
