import config from './config.json' with { type: 'json' }
import type { Dice, Simulator } from './simulator.ts'

const { count, people, secondsBetween, oneIn, ...lists } = config.users

/** User records as faulty systems export them. They cover every supported date format and every reason to quarantine a record. */
export const users: Simulator = {
  about: `inconsistent records of ${people} people`,
  type: 'user_record',
  count,
  secondsBetween,
  *rows({ start, dice, id }) {
    for (let n = 0; ; n++) {
      const person = dice.integer(1, people)
      const first = lists.firstNames[person % lists.firstNames.length] ?? ''
      const last = lists.lastNames[person % lists.lastNames.length] ?? ''
      yield {
        event_id: id(n),
        id: person,
        first_name: first,
        last_name: last,
        email: dice.happens(oneIn.emailMissing) ? dice.oneOf(lists.missing) : anyCase(emailOf(person, first, last), dice),
        gender: dice.oneOf(lists.genders),
        ip_address: dice.happens(oneIn.addressBroken) ? dice.oneOf(lists.brokenAddresses) : address(dice),
        date: date(dice),
        country: dice.happens(oneIn.countryMissing) ? dice.oneOf(lists.missing) : dice.oneOf(lists.countries),
        arrived_at: Math.round((start + n * secondsBetween) * 1000),
      }
    }
  },
}

const emailOf = (person: number, first: string, last: string): string =>
  `${first}.${last}.${person}@${lists.domains[person % lists.domains.length]}`.toLowerCase()

const anyCase = (text: string, dice: Dice): string => dice.oneOf([text, text.toUpperCase(), ` ${text} `])

const address = (dice: Dice): string => [1, 2, 3, 4].map(() => dice.integer(0, 255)).join('.')

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

function date(dice: Dice): string | null {
  if (dice.happens(oneIn.dateInvalid)) return dice.oneOf(lists.invalidDates)
  if (dice.happens(oneIn.dateMissing)) return dice.oneOf(lists.missing)
  const [year, month, day] = [dice.integer(1950, 2025), dice.integer(1, 12), dice.integer(1, 28)]
  const [mm, dd] = [month, day].map(number => String(number).padStart(2, '0'))
  const name = MONTHS[month - 1] ?? ''
  return dice.oneOf([
    `${day}/${month}/${year}`,
    `${dd}-${mm}-${year}`,
    `${day}.${mm}.${year}`,
    `${year}-${mm}-${dd}`,
    `${year}/${month}/${day}`,
    `${year}-${mm}-${dd}T08:30:00Z`,
    `${year}/${mm}/${dd} 08:30`,
    `${day} ${name} ${year}`,
    `${dd}-${name.toUpperCase()}-${year}`,
  ])
}
