import fc from 'fast-check'
import { mergeTallies, type Tally, tally } from '../../shared/tally.ts'

/** UTF-16 reverses the order of the last two. */
const text = fc.oneof(fc.constantFrom('', 'a', 'aa', 'b', '\u{FFFD}', '\u{1F600}'), fc.string({ unit: 'grapheme' }))
const tallyOf = (texts: readonly string[]): Tally => texts.reduce<Tally>((counts, each) => tally(counts, each), [])
const byBytes = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b))

test('a tally has the count of each text, in the order of code points', () => {
  fc.assert(
    fc.property(fc.array(text), texts => {
      const distinct = [...new Set(texts)].sort(byBytes)
      expect(tallyOf(texts)).toEqual(distinct.map(each => [each, texts.filter(other => other === each).length]))
    }),
  )
})

test('merged tallies are the tally of all texts', () => {
  fc.assert(
    fc.property(fc.array(text), fc.array(text), (first, second) => {
      expect(mergeTallies(tallyOf(first), tallyOf(second))).toEqual(tallyOf([...first, ...second]))
    }),
  )
})
