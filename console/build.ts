import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { buildSync } from 'esbuild'
import { reports } from '../shared/catalogue.ts'
import { reportChoices } from './report-choices.ts'

/** The console as one HTML file with its style and script inline. It loads no other file. */
export function buildConsole(folder = import.meta.dirname): string {
  const { outputFiles, metafile } = buildSync({
    entryPoints: [join(folder, 'main.ts'), join(folder, 'style.css')],
    bundle: true,
    minify: true,
    format: 'esm',
    target: ['es2022'],
    legalComments: 'none',
    metafile: true,
    charset: 'utf8',
    outdir: folder,
    define: { REPORT_CHOICES: JSON.stringify(reportChoices(reports)) },
    write: false,
  })
  const text = (ending: string): string => outputFiles.find(({ path }) => path.endsWith(ending))?.text.trim() ?? ''
  const plotStyle = readFileSync(join(folder, '../node_modules/uplot/dist/uPlot.min.css'), 'utf8').trim()
  return readFileSync(join(folder, 'page.html'), 'utf8')
    .replace(
      '<!doctype html>',
      doctype => `${doctype}\n${licences(Object.keys(metafile.inputs), join(folder, '../node_modules'))}`,
    )
    .replace('<style></style>', () => `<style>${plotStyle}${text('.css')}</style>`)
    .replace(/(<script type="module">)/, opening => `${opening}${text('.js').replaceAll('</script', '<\\/script')}`)
}

/** A comment with the licences of the packages that the script and the style contain: minified, they have none. */
function licences(inputs: readonly string[], packages: string): string {
  const names = new Set(inputs.flatMap(input => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(input)?.[1] ?? []))
  const texts = [...names].map(name => {
    const { version } = JSON.parse(readFileSync(join(packages, name, 'package.json'), 'utf8')) as { version: string }
    return `${name} ${version}\n\n${readFileSync(join(packages, name, 'LICENSE'), 'utf8').trim()}`
  })
  return `<!--\n${texts.join('\n\n').replaceAll('--', '- -')}\n-->`
}

if (process.argv[1] === import.meta.filename) {
  const [, , folder = '.'] = process.argv
  writeFileSync(join(folder, 'console.html'), buildConsole())
}
