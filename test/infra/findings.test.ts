import { fromCfnLint, fromCheckov, judge } from '../template/findings.ts'

test('an exception covers a finding by check and resource; an exception without a finding is reported', () => {
  const exceptions = [
    { check: 'A', resources: /^Table/, reason: 'known' },
    { check: 'B', resources: /^/, reason: 'gone' },
  ]
  const table = { check: 'A', resource: 'Table1', text: '' }
  const bucket = { check: 'A', resource: 'Bucket1', text: '' }
  expect(judge([table, bucket], exceptions)).toEqual({ open: [bucket], unused: [exceptions[1]] })
})

test('parses the output of the tools, and throws if a template was not checked', () => {
  const lint = [{ Rule: { Id: 'W1' }, Location: { Path: ['Resources', 'X', 'Properties'] }, Message: 'm' }]
  expect(fromCfnLint(JSON.stringify(lint))).toEqual([{ check: 'W1', resource: 'X', text: 'm' }])
  expect(fromCfnLint('[]')).toEqual([])
  const report = (passed: number, parsing_errors: number) =>
    JSON.stringify({
      results: { failed_checks: [{ check_id: 'C', check_name: 'n', resource: 'AWS::S3::Bucket.X' }] },
      summary: { passed, parsing_errors },
    })
  expect(fromCheckov(report(1, 0))).toEqual([{ check: 'C', resource: 'X', text: 'n' }])
  expect(() => fromCheckov(report(0, 0))).toThrow('could not read')
  expect(() => fromCheckov(report(1, 1))).toThrow('could not read')
})
