import { stateTable } from '../../lambdas/state/dynamodb.ts'
import { readFirstFolded } from '../../lambdas/state/dynamodb-first-folded.ts'
import { planFirstFolded } from '../../lambdas/state/first-folded.ts'
import { Table } from '../simulation/table.ts'

test('a shard without a note has all projections from its begin, later ones from the record at which they came', () => {
  const first = planFirstFolded(undefined, ['a-r1', 'b-r1'], '70')
  expect(first).toEqual({ 'a-r1': '0', 'b-r1': '0' })
  const raised = planFirstFolded(first, ['a-r2', 'b-r1'], '80')
  expect(raised).toEqual({ 'a-r2': '80', 'b-r1': '0' })
  expect(planFirstFolded(raised, ['a-r2', 'b-r1'], '90')).toEqual(raised)
})

test('a projection that returns after a roll-back has missed the records between', () => {
  const rolledBack = planFirstFolded({ 'a-r1': '0', 'a-r2': '80' }, ['a-r1'], '90')
  expect(planFirstFolded(rolledBack, ['a-r1', 'a-r2'], '95')).toEqual({ 'a-r1': '0', 'a-r2': '95' })
})

test('each shard has its note, and one that says nothing new is not written', async () => {
  const table = new Table()
  const writes: unknown[] = []
  const { recordProjections } = stateTable(
    't',
    table.operations(async (operation, item, run) => {
      if (operation === 'PutItem') writes.push(item)
      return run('done')
    }),
  )
  const notes = () =>
    Object.fromEntries([...table.items.values()].flatMap(item => [readFirstFolded(item) ?? []]).filter(note => note[0]))
  await recordProjections('s0', ['a-r1'], '70')
  await recordProjections('s0', ['a-r1'], '75')
  expect(writes).toHaveLength(1)
  await recordProjections('s0', ['a-r1', 'b-r1'], '80')
  await recordProjections('s1', ['a-r1', 'b-r1'], '20')
  expect(notes()).toEqual({ s0: { 'a-r1': '0', 'b-r1': '80' }, s1: { 'a-r1': '0', 'b-r1': '0' } })
})
