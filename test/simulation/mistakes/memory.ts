import type { PlantedMistake } from '../mutant.ts'

const identityMemory = 'shared/memory/identity-memory.ts'
const loadMemory = 'shared/memory/load-memory.ts'
const planPages = 'shared/memory/plan-pages.ts'
const references = 'shared/memory/references.ts'

/** Mistakes of the memory of identities and its pages. */
export const memoryMistakes: readonly PlantedMistake[] = [
  {
    name: 'trim-beyond-count-late',
    about: 'more identities are recognised than the newest ones',
    file: identityMemory,
    right: 'newer < this.rules.count',
    wrong: 'newer < this.rules.count + 3',
  },
  {
    name: 'forget-by-event',
    about: 'identities never expire by age',
    file: identityMemory,
    right: 'age <= this.rules.seconds && newer',
    wrong: 'newer',
  },
  {
    name: 'page-key-without-content',
    about: 'the key of a page is not the hash of its content, so that two pages of one user share it',
    file: references,
    right: '.update(content)',
    wrong: '.update(content.subarray(0, 4))',
  },
  {
    name: 'page-of-window-not-read',
    about: 'pages with recent identities are not read',
    file: loadMemory,
    right: 'newer < rules.count && first - reference.newest <= rules.seconds',
    wrong: 'false',
  },
  {
    name: 'page-of-stated-time-not-read',
    about: 'pages are not read for events that state a time in their range',
    file: loadMemory,
    right: 'hasBetween(stated, reference.stated.from, reference.stated.to)',
    wrong: 'false',
  },
  {
    name: 'page-border-exclusive',
    about: 'an event that states the greatest time of a page is not looked for in it',
    file: loadMemory,
    right: '(sorted[low] ?? 0) <= to',
    wrong: '(sorted[low] ?? 0) < to',
  },
  {
    name: 'stated-time-for-ever',
    about: 'an event that states a time is recognised for ever',
    file: identityMemory,
    right: 'kept.stated === stated && age <= this.rules.statedSeconds',
    wrong: 'kept.stated === stated',
  },
  {
    name: 'rank-within-page',
    about: 'the identities of a page count as its newest',
    file: identityMemory,
    right: 'newer + kept - this.loaded + page.identities.length - at - 1',
    wrong: 'newer + kept - this.loaded',
  },
  {
    name: 'rank-without-kept',
    about: 'identities that were kept since the item was read do not count',
    file: identityMemory,
    right: 'newer + kept - this.loaded +',
    wrong: 'newer +',
  },
  {
    name: 'merge-drops-old',
    about: 'a merge drops identities with a stated time when they are too old for the others',
    file: planPages,
    right: 'seconds + (isStated ? Math.max(seconds, statedSeconds) : seconds)',
    wrong: 'seconds + (isStated ? seconds : seconds)',
  },
  {
    name: 'merge-in-wrong-order',
    about: 'merged pages lose the order of their identities',
    file: planPages,
    right: 'identities.push(...content.identities.filter(isUseful(arrived, rules)))',
    wrong: 'identities.unshift(...content.identities.filter(isUseful(arrived, rules)))',
  },
  {
    name: 'index-without-root',
    about: 'a new index page forgets those that the old one lists',
    file: planPages,
    right: '[...content.references, ...others].filter',
    wrong: '[...(root.isIndex ? [] : [root]), ...others].filter',
  },
]
