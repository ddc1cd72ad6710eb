import { existsSync } from 'node:fs'
import { withMistake } from './plant.ts'
import { unitMistakes } from './unit-mistakes.ts'

test.each(unitMistakes.map(mistake => [mistake.name, mistake] as const))('%s can be planted', (_, mistake) => {
  expect(withMistake(mistake)).toContain(mistake.wrong)
  expect(mistake.tests.filter(file => !existsSync(file))).toEqual([])
})
