import { readFileSync } from 'node:fs'

const document = readFileSync('docs/clients.md', 'utf8')
/** The program that each block names, and its lines. */
const blocks = [...document.matchAll(/<!-- (\S+) -->\n```\w+\n(.*?)\n```/gs)].map(
  ([, file = '', text = '']) => [file, text] as const,
)
const lines = (text: string): string[] => text.split('\n').map(line => line.trim())

test('every SDK has its lines', () => {
  expect(blocks).toHaveLength(8)
})

test.each(blocks)('the lines for %s are in that program, in their order', (file, text) => {
  const program = lines(readFileSync(file, 'utf8'))
  const places = lines(text).map(line => program.indexOf(line))
  expect(places).not.toContain(-1)
  expect(places).toEqual(places.toSorted((a, b) => a - b))
})
