import { BodyTooLarge, FailedTwice, type SendResult } from './api.ts'

/** Posts a body. One that can be divided into halves is given up earlier. */
export type Post = (body: Buffer, isDivisible: boolean) => Promise<SendResult>

const NEWLINE = '\n'.charCodeAt(0)

/**
 * Posts bodies whose lines are events. A body that the API or a gateway in front of it finds too large is sent in two halves: a gateway
 * passes a body on as a JSON string, which may be larger. So is one that the API twice failed to store in the time of a request. A line
 * that is too large alone was not sent, and counts as refused.
 */
export const halving =
  (post: Post) =>
  async (body: Buffer): Promise<SendResult> => {
    const starts = lineStarts(body)
    try {
      return await post(body, starts.length > 1)
    } catch (error) {
      if (!(error instanceof BodyTooLarge || error instanceof FailedTwice)) throw error
      return starts.length > 1 ? inHalves(body, starts, halving(post)) : refused(error.message)
    }
  }

/** The results of both halves as one. */
async function inHalves(
  body: Buffer,
  starts: readonly number[],
  send: (body: Buffer) => Promise<SendResult>,
): Promise<SendResult> {
  const lines = Math.ceil(starts.length / 2)
  const first = await send(body.subarray(0, starts[lines]))
  const second = await send(body.subarray(starts[lines]))
  return {
    accepted: first.accepted + second.accepted,
    quarantined: [...first.quarantined, ...second.quarantined.map(each => ({ ...each, index: each.index + lines }))],
    hints: [...(first.hints ?? []), ...(second.hints ?? [])],
    quarantinedOmitted: (first.quarantinedOmitted ?? 0) + (second.quarantinedOmitted ?? 0),
  }
}

function lineStarts(body: Buffer): number[] {
  const starts = [0]
  for (let at = body.indexOf(NEWLINE); at >= 0 && at < body.length - 1; at = body.indexOf(NEWLINE, at + 1)) starts.push(at + 1)
  return starts
}

const refused = (reason: string): SendResult => ({
  accepted: 0,
  quarantined: [
    { index: 0, id: null, code: 'event_too_large', message: `The row was not sent and is only in the file: ${reason}` },
  ],
})
