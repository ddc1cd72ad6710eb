import { readFileSync } from 'node:fs'

const document = readFileSync('docs/clients.md', 'utf8')
/** The program that each code block names, and its lines. */
const blocks = [...document.matchAll(/<!-- (\S+) -->\n```\w+\n(.*?)\n```/gs)].map(
  ([, file = '', text = '']) => [file, text] as const,
)
const lines = (text: string): string[] => text.split('\n').map(line => line.trim())

test('the page has a code block for every SDK', () => {
  expect(blocks).toHaveLength(8)
})

test.each(blocks)('the code block for %s matches that program, in the same order', (file, text) => {
  const program = lines(readFileSync(file, 'utf8'))
  const places = lines(text).map(line => program.indexOf(line))
  expect(places).not.toContain(-1)
  expect(places).toEqual(places.toSorted((a, b) => a - b))
})
