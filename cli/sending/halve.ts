import { BodyTooLarge, type SendResult } from './api.ts'

type Post = (body: Buffer) => Promise<SendResult>

const NEWLINE = '\n'.charCodeAt(0)

/**
 * Posts bodies whose lines are events. A body that the API or a gateway in front of it finds too large is sent in two halves: a gateway
 * passes a body on as a JSON string, which may be larger. A line that is too large alone was not sent, and counts as refused.
 */
export const halving =
  (post: Post): Post =>
  async body => {
    try {
      return await post(body)
    } catch (error) {
      if (!(error instanceof BodyTooLarge)) throw error
      return (await inHalves(body, halving(post))) ?? refused(error.message)
    }
  }

/** The results of both halves as one; undefined if the body is one line. */
async function inHalves(body: Buffer, post: Post): Promise<SendResult | undefined> {
  const starts = lineStarts(body)
  if (starts.length < 2) return undefined
  const lines = Math.ceil(starts.length / 2)
  const first = await post(body.subarray(0, starts[lines]))
  const second = await post(body.subarray(starts[lines]))
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
