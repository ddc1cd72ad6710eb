import { gzipSync } from 'node:zlib'
import { decodedText, linesOfParts } from '../../lambdas/quarantine/decoded-text.ts'

async function* inParts(bytes: Uint8Array, size: number) {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

const text = '{"a":"ä€😀"}\n\n{"b":1}\nlast'

test.each([
  ['as it is', Buffer.from(text)],
  ['compressed', gzipSync(text)],
])('lines and characters may be divided between parts: text %s', async (_, bytes) => {
  for (let size = 2; size <= bytes.length; size++) {
    const lines: string[] = []
    for await (const line of linesOfParts(decodedText(inParts(bytes, size)))) lines.push(line)
    expect(lines).toEqual(['{"a":"ä€😀"}', '{"b":1}', 'last'])
  }
})

test('compressed bytes that break off throw', async () => {
  const read = async () => {
    for await (const _ of decodedText(inParts(gzipSync(text).subarray(0, 20), 7)));
  }
  await expect(read()).rejects.toMatchObject({ code: 'Z_BUF_ERROR' })
})

test('an object without bytes has no lines', async () => {
  expect(await linesOfParts(decodedText(inParts(Buffer.alloc(0), 1))).next()).toMatchObject({ done: true })
})
