/**
 * What may go wrong in a night, each under a name of its own. Each switch counts what it does in its own unit, so that it can be held
 * against what is seen from outside afterwards.
 */

/** Befalls one raw of a visit of one snap: one visit and detector. */
export const singleFates = [
  'lost-notification',
  'no-raw',
  'late-raw',
  'early-raw',
  'duplicate-notification',
  'resent-object',
  'corrupt-raw',
  'bad-company',
  'masked-detector',
  'worker-killed',
] as const
/** Befalls the raws of a visit of two snaps: one visit and detector. */
export const doubleFates = ['lost-raw', 'reorder'] as const
/** Befalls a whole visit. */
export const visitFates = ['duplicate-announcement', 'cancelled-visit', 'unwanted-survey'] as const
/** A record that must be parked. */
export const parkedFates = [
  'stale-announcement',
  'poison-next-visit',
  'poison-next-visit-canceled',
  'poison-control',
  'poison-raw-notification',
] as const

export type SingleFate = (typeof singleFates)[number]
export type DoubleFate = (typeof doubleFates)[number]
export type VisitFate = (typeof visitFates)[number]
export type ParkedFate = (typeof parkedFates)[number]
export type UnitFate = SingleFate | DoubleFate
export type Switch = UnitFate | VisitFate | ParkedFate

export const switches: readonly Switch[] = [...singleFates, ...doubleFates, ...visitFates, ...parkedFates]

/** Those that do not tamper with notifications: what can be asked of a store that announces by itself what it stores. */
export const switchesOfTheStore: readonly Switch[] = switches.filter(
  name => !['lost-notification', 'duplicate-notification', 'bad-company', 'reorder'].includes(name),
)

/** What each switch does, and what must come of it. */
export const meanings: Readonly<Record<Switch, string>> = {
  'lost-notification': 'a raw is put and nobody is told: found by listing after the deadline, published',
  'no-raw': 'a raw never comes: missed',
  'late-raw': 'a raw comes after its deadline: missed, and reported late',
  'early-raw': 'a raw comes before its visit is announced: published',
  'duplicate-notification': 'a notification comes twice: published once',
  'resent-object': 'sidecar and raw are put and told a second time: published once',
  'corrupt-raw': 'a raw is cut in the middle: failed',
  'bad-company':
    'a notification tells of a raw and of something that is none: parked for the one, published for the other',
  'masked-detector': 'a detector is off when its visit is announced: no unit',
  'worker-killed': 'the worker is killed while it holds the unit: done by another, published',
  'lost-raw': 'the second of two snaps never comes: published with the first alone',
  reorder: 'the notification of the second snap overtakes that of the first: published with both',
  'duplicate-announcement': 'a visit is announced twice: its units are there once',
  'cancelled-visit': 'a visit is cancelled before its announcement, another one after it: its units end cancelled',
  'unwanted-survey':
    'a visit is of a programme that nobody processes: its units end ignored, and its raws disturb nobody',
  'stale-announcement': 'an announcement was delivered hours late: parked, and no unit',
  'poison-next-visit': 'announcements that nobody can read or carry out: parked',
  'poison-next-visit-canceled': 'cancellations likewise: parked',
  'poison-control': 'orders of operators likewise: parked',
  'poison-raw-notification': 'notifications likewise: parked',
}

/** Reads `all`, `none` or names with commas between. @throws RangeError naming what is no switch, and what there is. */
export function switchesNamed(text: string): readonly Switch[] {
  if (text === 'all') return switches
  if (text === 'none') return []
  return text.split(',').map(name => {
    const found = switches.find(it => it === name.trim())
    if (found) return found
    throw new RangeError(`"${name}" is no switch; allowed are all, none, or some of ${switches.join(', ')}`)
  })
}
