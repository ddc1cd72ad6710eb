import type { UnitMistake } from './plant.ts'

/** Mistakes of the archive. Those of the compaction need a compaction that ends or pauses somewhere, or an object that arrives meanwhile. */
export const archiveMistakes: readonly UnitMistake[] = [
  {
    name: 'switch-before-manifest',
    about: 'the ledger is switched to a run before its manifest is stored',
    file: 'lambdas/archive/merge-day.ts',
    right: `  await putUnlessStored(manifestKey(dt, run), JSON.stringify(manifest), dependencies)
  const { settled: _, finished: __, ...kept } = before ?? { version: 0, compacted: now() }
  const day: LedgerDay = { ...kept, dt, run, version: kept.version + 1, switched: now() }
  if (await ledger.put(day)) return { day, manifest }
`,
    wrong: `  const { settled: _, finished: __, ...kept } = before ?? { version: 0, compacted: now() }
  const day: LedgerDay = { ...kept, dt, run, version: kept.version + 1, switched: now() }
  const switched = await ledger.put(day)
  await putUnlessStored(manifestKey(dt, run), JSON.stringify(manifest), dependencies)
  if (switched) return { day, manifest }
`,
    tests: ['test/archive/compaction-property.test.ts'],
  },
  {
    name: 'tables-noted-before-moved',
    about:
      'a day notes that the tables of Glue point to its run before they do, and its raw objects are deleted if they never do',
    file: 'lambdas/archive/compact-day.ts',
    right: `    await partitions.point(day.dt, day.run)
    day = await replace(day, { registered: day.run }, dependencies)
`,
    wrong: `    day = await replace(day, { registered: day.run }, dependencies)
    await partitions.point(day.dt, day.run)
`,
    tests: ['test/archive/compaction.test.ts'],
  },
  {
    name: 'raw-deleted-at-once',
    about: 'raw objects are deleted as soon as the day is settled, while somebody reads them',
    file: 'lambdas/archive/plan-compaction.ts',
    right: ' && now - switched > Math.max(keepRaw, GRACE_MS)',
    wrong: '',
    tests: ['test/archive/compaction.test.ts'],
  },
  {
    name: 'earlier-run-deleted-at-once',
    about: 'the objects of the run before are deleted while somebody reads them',
    file: 'lambdas/archive/compact-day.ts',
    right: 'now - Math.max(switched, runStart(runOfKey(key))) > GRACE_MS',
    wrong: 'now >= Math.max(switched, runStart(runOfKey(key)))',
    tests: ['test/archive/compaction.test.ts'],
  },
  {
    name: 'repetitions-forgotten',
    about: 'the next run of a day forgets the repetitions of the run before',
    file: 'lambdas/archive/plan-merge.ts',
    right: '...(own ? compactedObjects(own) : [])',
    wrong: '...(own ? compactedObjects({ ...own, repetitions: [] }) : [])',
    tests: ['test/archive/compaction-property.test.ts', 'test/archive/compacted-objects.test.ts'],
  },
  {
    name: 'quiet-hours-forgotten',
    about: 'the next run of a day has only the hours in which something arrived late',
    file: 'lambdas/archive/plan-merge.ts',
    right: 'new Set([...rawByHour.keys(), ...(current?.objects ?? []).map',
    wrong: 'new Set([...rawByHour.keys()].map(hour => ({ hour })).map',
    tests: ['test/archive/compaction.test.ts', 'test/archive/compacted-objects.test.ts'],
  },
  {
    name: 'late-hour-forgotten',
    about: 'the next run of a day lacks an hour of which nothing had arrived before',
    file: 'lambdas/archive/plan-merge.ts',
    right: 'new Set([...rawByHour.keys(), ...(current?.objects ?? []).map',
    wrong: 'new Set([...(current ? [] : rawByHour.keys()), ...(current?.objects ?? []).map',
    tests: ['test/archive/compacted-objects.test.ts'],
  },
  {
    name: 'part-of-another-plan',
    about: 'a merge takes a part that an abandoned merge of the day has made',
    file: 'lambdas/archive/manifest.ts',
    right: `}.part-\${part}.json\``,
    wrong: `}.part-\${part}.json\`.replace(run, 'run')`,
    tests: ['test/archive/broken-off.test.ts'],
  },
  {
    name: 'copies-not-named',
    about: 'the manifest names the objects of the run before, not their copies, and they are deleted a day later',
    file: 'lambdas/archive/merge-part.ts',
    right: 'return { ...object, key }',
    wrong: 'return { ...object }',
    tests: ['test/archive/compacted-objects.test.ts', 'test/archive/compaction-property.test.ts'],
  },
  {
    name: 'object-replaced',
    about: 'a step that is repeated replaces the objects that its first attempt stored',
    file: 'lambdas/archive/s3.ts',
    right: `      await client.send(new PutObjectCommand({ ...object, IfNoneMatch: '*' }))
      return`,
    wrong: `      await client.send(new PutObjectCommand(object))
      return`,
    tests: ['test/archive/s3.test.ts'],
  },
  {
    name: 'range-of-arrivals',
    about: 'the manifest has the times of arrival where the times of the events belong',
    file: 'lambdas/archive/compaction-sql.ts',
    right: 'min(event_time_us) AS first, max(event_time_us) AS last',
    wrong: 'min(received_time_us) AS first, max(received_time_us) AS last',
    tests: ['test/archive/compaction.test.ts'],
  },
  {
    name: 'last-rows-cut',
    about: 'the parts of a large day are rounded down, so its last rows are in none',
    file: 'lambdas/archive/merge-part.ts',
    right: "Math.ceil(Number(counted?.['rows']) / count)",
    wrong: "Math.floor(Number(counted?.['rows']) / count)",
    tests: ['test/archive/compacted-objects.test.ts'],
  },
  {
    name: 'settled-too-late',
    about: 'a day counts as settled although an object arrived during its merge',
    file: 'lambdas/archive/compact-day.ts',
    right: 'isSettled(day.dt, listed, rules)',
    wrong: 'isSettled(day.dt, now(), rules)',
    tests: ['test/archive/broken-off.test.ts'],
  },
  {
    name: 'keys-deleted-first',
    about: 'the list of the raw objects of an expired day is deleted before they are',
    file: 'lambdas/archive/compact-day.ts',
    right: '  await bucket.remove(raw)\n  await bucket.remove(stored)\n',
    wrong: '  await bucket.remove(stored)\n  await bucket.remove(raw)\n',
    tests: ['test/archive/broken-off.test.ts'],
  },
  {
    name: 'rows-before-repetitions',
    about: 'the table of the rows moves to a run before that of its repetitions, so both together lack some',
    file: 'lambdas/archive/glue.ts',
    right: `      await move(REPETITIONS_TABLE, dt, repetitionsPrefix(dt, run), run !== undefined)
      await move(COMPACTED_TABLE, dt, run === undefined ? rawPrefix(dt) : rowsPrefix(dt, run), run !== undefined)
`,
    wrong: `      await move(COMPACTED_TABLE, dt, run === undefined ? rawPrefix(dt) : rowsPrefix(dt, run), run !== undefined)
      await move(REPETITIONS_TABLE, dt, repetitionsPrefix(dt, run), run !== undefined)
`,
    tests: ['test/archive/glue.test.ts'],
  },
  {
    name: 'equal-hash-is-identity',
    about: 'a report takes events with equal hashes for one event',
    file: 'shared/reports/duration-p95.sql',
    right: 'PARTITION BY source, subject, event_id ORDER BY received_time_us, object, line',
    wrong: 'PARTITION BY identity ORDER BY received_time_us, object, line',
    tests: ['test/reports/equal-hashes.test.ts'],
  },
  {
    name: 'sql-later-arrival',
    about: 'SQL shows the arrival of an event that is stored first instead of the first one',
    file: 'lambdas/archive/compaction-sql.ts',
    right: 'ORDER BY received_time_us, place, line) AS arrival',
    wrong: 'ORDER BY place, line) AS arrival',
    tests: ['test/cli/sql/duckdb-query.test.ts'],
  },
  {
    name: 'broken-read-is-no-parquet',
    about: 'an archive object of which the connection breaks off is said to be no Parquet, so that somebody moves it away',
    file: 'lambdas/archive/s3.ts',
    right: 'isReading = true',
    wrong: 'isReading = false',
    tests: ['test/archive/s3.test.ts'],
  },
]
