/** A member of the group and the tasks (by index) it says it runs now. */
export interface Claim {
  readonly id: string
  readonly owned: readonly number[]
  /** Of the states that it can go on from; 1 where it is not said. */
  readonly version?: number
}

/**
 * Who should run which task. Co-partitioned by construction, because tasks and not partitions are dealt out; sticky, because
 * a member keeps what it runs as far as an even spread allows.
 *
 * With t tasks and m members everyone gets ⌊t/m⌋ and t mod m of them one more: the members that run most already. So the
 * number of tasks that move is the least possible. Example: a{0..6}, b{}: a keeps 0..3, b gets 4, 5, 6.
 * Where two claim the same task (one of them has not heard yet) the smaller id keeps it.
 *
 * Members of the newest version alone get any: what such a one has written an older one cannot go on from. So in a rolling
 * upgrade each task moves once to a newer process, and never back.
 *
 * @returns member id → its tasks, ascending; empty when there is no member
 */
export function assign(members: readonly Claim[], tasks: number): Map<string, number[]> {
  if (members.length === 0) return new Map()
  const versionOf = ({ version = 1 }: Claim) => version
  const newest = Math.max(...members.map(versionOf))
  const older = members.filter(member => versionOf(member) < newest)
  const shares = spread(
    members.filter(member => versionOf(member) === newest),
    tasks,
  )
  for (const { id } of older) shares.set(id, [])
  return shares
}

function spread(members: readonly Claim[], tasks: number): Map<string, number[]> {
  const free = new Set(Array.from({ length: tasks }, (_, task) => task))
  const kept = [...members]
    .sort((a, b) => (a.id < b.id ? -1 : 1))
    .map(({ id, owned }) => ({ id, tasks: [...owned].sort((a, b) => a - b).filter(task => free.delete(task)) }))

  const least = Math.floor(tasks / members.length)
  const withOneMore = tasks % members.length
  kept.sort((a, b) => b.tasks.length - a.tasks.length || (a.id < b.id ? -1 : 1))
  const quota = (rank: number) => least + (rank < withOneMore ? 1 : 0)
  kept.forEach((member, rank) => member.tasks.splice(quota(rank)).forEach(task => free.add(task)))

  const rest = [...free].sort((a, b) => a - b)
  return new Map(
    kept.map((member, rank) => {
      const more = rest.splice(0, quota(rank) - member.tasks.length)
      return [member.id, [...member.tasks, ...more].sort((a, b) => a - b)]
    }),
  )
}

/**
 * What each member may run now, on the way to `target`: a task that somebody else still runs is withheld until its owner
 * has let it go and joined again (the idea of KIP-429). So an owner always ends its last transaction before the next one
 * fences it; only a member that vanished is fenced in the middle of its work.
 *
 * @returns `settled` is false while something is withheld, which means that another round will follow
 */
export function grant(
  members: readonly Claim[],
  target: ReadonlyMap<string, readonly number[]>,
): { granted: Map<string, number[]>; settled: boolean } {
  const claims = (id: string, task: number) => members.some(other => other.id !== id && other.owned.includes(task))
  const granted = new Map([...target].map(([id, tasks]) => [id, tasks.filter(task => !claims(id, task))] as const))
  const count = (of: Iterable<readonly number[]>) => [...of].reduce((sum, tasks) => sum + tasks.length, 0)
  return { granted, settled: count(granted.values()) === count(target.values()) }
}
