import { archiveMistakes } from './archive-mistakes.ts'
import { eventMistakes } from './event-mistakes.ts'
import { ingestMistakes } from './ingest-mistakes.ts'
import type { UnitMistake } from './plant.ts'
import { quarantineMistakes } from './quarantine-mistakes.ts'
import { queryMistakes } from './query-mistakes.ts'
import { searchMistakes } from './search-mistakes.ts'
import { stateMistakes } from './state-mistakes.ts'
import { windowsMistakes } from './windows-mistakes.ts'

export const unitMistakes: readonly UnitMistake[] = [
  ...ingestMistakes,
  ...stateMistakes,
  ...windowsMistakes,
  ...searchMistakes,
  ...quarantineMistakes,
  ...archiveMistakes,
  ...queryMistakes,
  ...eventMistakes,
]
