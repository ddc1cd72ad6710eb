import fc from 'fast-check'
import { memberText, pieces, withoutMember } from '../../shared/json-pieces.ts'

/** Texts with what a cut must not take for structure. */
const text = fc.string({ unit: fc.constantFrom('a', '"', '\\', ',', '[', ']', '{', '}', ' ', '\n', 'é') })
const value = fc.oneof(text, fc.integer(), fc.constant(null), fc.array(text), fc.dictionary(text, text))

test('an array is cut into its elements', () => {
  fc.assert(
    fc.property(fc.array(value), fc.constantFrom(0, 1, 3), (list, indent) => {
      expect(pieces(` ${JSON.stringify(list, null, indent)} `).map(piece => JSON.parse(piece))).toEqual(list)
    }),
  )
})

test('the text of a member is that of its value', () => {
  fc.assert(
    fc.property(fc.dictionary(text, value, { minKeys: 1 }), object => {
      const [name = ''] = Object.keys(object)
      const body = JSON.stringify(object)
      expect(JSON.parse(memberText(body, name))).toEqual(object[name])
      const { [name]: _, ...others } = object
      expect(JSON.parse(withoutMember(body, name))).toEqual(others)
    }),
  )
})
