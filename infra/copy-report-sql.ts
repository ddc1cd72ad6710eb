import { copyFileSync, mkdirSync } from 'node:fs'
import { basename, join } from 'node:path'
import { reports, reportsFolder } from '../shared/catalogue.ts'

// Copies the SQL of every report of the catalogue into a bundle, to where `reportsFolder` is in a bundle.
const [, , bundle = '.'] = process.argv
const folder = join(bundle, basename(reportsFolder))
mkdirSync(folder, { recursive: true })
for (const { name } of reports) copyFileSync(join(reportsFolder, `${name}.sql`), join(folder, `${name}.sql`))
