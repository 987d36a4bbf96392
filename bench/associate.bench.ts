/**
 * What association costs: 2,000 sources against 20,000 objects, candidates and all, on a detector's field and on one so crowded that most
 * have several neighbours; beside scipy on the same input, where Python is there; and the whole of it, filters to forced photometry, with
 * five sources of history for each object. `npm run bench:associate -- [runs]`. Milliseconds of CPU, those of garbage collection included:
 * a neighbour on the machine takes the wall's; on a busy one still only the least means something.
 */
import { cpus, loadavg } from 'node:os'
import { rubinPython } from '../schemas/testing/python.ts'
import { associate } from '../topology/association/associate.ts'
import { assign } from '../topology/association/assignment.ts'
import { candidates, type Place } from '../topology/association/candidates.ts'
import { match } from '../topology/association/match.ts'
import { objectFrom } from '../topology/association/objects.ts'
import { pipelineResult, source } from '../topology/testing/sources.ts'

const SOURCES = 2000
const OBJECTS = 20_000
/** Sources that are nobody's; the others lie near an object each. */
const NEW = 200
const runs = Number(process.argv[2] ?? 15)

/** Marsaglia's xorshift: the same field in every run. */
function random(seed: number): () => number {
  let state = seed
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) / 2 ** 32
  }
}

/** A square field of so many degrees at dec −30, errors of 0.02″ to 0.2″. */
function fieldOf(side: number) {
  const next = random(7)
  const error = () => (0.02 + 0.18 * next()) / 3600
  const errors = () => ({ raErr: error(), decErr: error() })
  const anywhere = () => ({ ra: 30 + side * (next() - 0.5), dec: -30 + side * (next() - 0.5) })
  const objects: Place[] = Array.from({ length: OBJECTS }, () => ({ ...anywhere(), ...errors() }))
  const sources: Place[] = Array.from({ length: SOURCES }, (_, i) => {
    const own = errors()
    if (i < NEW) return { ...anywhere(), ...own }
    const { ra, dec } = objects[i * 10]!
    return { ra: ra + 4 * own.raErr * (next() - 0.5), dec: dec + 4 * own.decErr * (next() - 0.5), ...own }
  })
  return { sources, objects }
}

function cpuMilliseconds(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1e3
}

/** Smallest and middle of many runs. */
function time(work: () => unknown): readonly [least: number, middle: number] {
  const times = Array.from({ length: runs }, () => {
    const began = cpuMilliseconds()
    work()
    return cpuMilliseconds() - began
  }).sort((a, b) => a - b)
  return [times[0]!, times[times.length >> 1]!]
}

const scipy = `
import json, sys, time
import numpy as np
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import min_weight_full_bipartite_matching
from scipy.spatial import cKDTree
given = json.load(sys.stdin)
s, o = (np.array(given[k]) for k in ('sources', 'objects'))

def vectors(t):
    ra, dec = np.radians(t[:, 0]), np.radians(t[:, 2])
    return np.array([np.cos(dec) * np.cos(ra), np.cos(dec) * np.sin(ra), np.sin(dec)]).T

def graph():
    near = cKDTree(vectors(o)).query_ball_point(vectors(s), np.radians(1 / 3600))
    i, j = np.repeat(np.arange(len(s)), [len(x) for x in near]), np.concatenate([np.array(x, dtype=int) for x in near])
    d = s[i] - o[j]
    vra, vdec = (np.maximum((s[i, k] ** 2 + o[j, k] ** 2) * 3600**2, 0.05**2) for k in (1, 3))
    east, north = d[:, 0] * np.cos(np.radians(s[i, 2])) * 3600, d[:, 2] * 3600
    cost = (east**2 / vra + north**2 / vdec + np.log(vra * vdec)) / 2
    n, m = len(s), len(o)
    weights = np.append(cost, np.full(n, cost.max() + 1))
    return csr_matrix((weights - weights.min() + 1, (np.append(i, np.arange(n)), np.append(j, m + np.arange(n)))), shape=(n, m + n))

def least(work):
    times = []
    for _ in range(given['runs']):
        began = time.process_time()
        result = work()
        times.append(1000 * (time.process_time() - began))
    return min(times), result

candidates, built = least(graph)
solved, (_, column) = least(lambda: min_weight_full_bipartite_matching(built))
print(json.dumps({'candidates': candidates, 'solver': solved, 'matched': int((column < len(o)).sum())}))
`

const columns = (places: readonly Place[]) => places.map(({ ra, raErr, dec, decErr }) => [ra, raErr, dec, decErr])
const byId = (places: readonly Place[]) => new Map(places.map((place, i) => [BigInt(i + 1), place]))
const ms = (value: number) => `${value.toFixed(1)} ms`.padStart(10)

async function compare(name: string, side: number, python: Awaited<ReturnType<typeof rubinPython>>): Promise<void> {
  const { sources, objects } = fieldOf(side)
  const { pairs, alone } = candidates(sources, objects)
  const [ofSources, ofObjects] = [byId(sources), byId(objects)]
  const matched = match(ofSources, ofObjects).size
  const [whole, middle] = time(() => match(ofSources, ofObjects))
  const [solver] = time(() => assign(SOURCES, pairs, alone))
  console.log(`${name}: ${pairs.length} candidates, ${matched} matched`)
  console.log(`  ours   matching ${ms(whole)} (median${ms(middle)}), of it the assignment ${ms(solver)}`)
  if ('missing' in python) return console.log(`  scipy  skipped: ${python.missing}`)
  const input = { sources: columns(sources), objects: columns(objects), runs }
  const theirs = JSON.parse(await python.run(scipy, JSON.stringify(input))) as Record<string, number>
  const both = theirs['candidates']! + theirs['solver']!
  console.log(
    `  scipy  matching ${ms(both)}, of it the assignment ${ms(theirs['solver']!)}, ${theirs['matched']} matched`,
  )
  console.log(
    `  ours ÷ scipy: matching ${(whole / both).toFixed(2)}, assignment ${(solver / theirs['solver']!).toFixed(2)}`,
  )
}

function timeWhole(): void {
  const { sources, objects } = fieldOf(0.2)
  const visit = 2026112100042n
  const detected = sources.map(({ ra, dec, raErr, decErr }, i) => source(i + 1, ra, dec, { raErr, decErr }))
  const known = objects.map(({ ra, dec, raErr, decErr }, i) => ({
    ...objectFrom(source(i + 1, ra, dec, { raErr, decErr, visit: visit - 1n })),
    nDiaSources: 5,
  }))
  const history = known.flatMap(({ diaObjectId, ra, dec }, i) =>
    Array.from({ length: 5 }, (_, day) => ({
      ...source(i + 1, ra, dec, { visit: visit - BigInt(day + 2), midpointMjdTai: 61360 - day }),
      diaObjectId,
    })),
  )
  const corner = (x: number, y: number) => ({ ra: 30 + x, dec: -30 + y })
  const boundary = [corner(-0.12, -0.11), corner(0.12, -0.11), corner(0.12, 0.11), corner(-0.12, 0.11)]
  const result = pipelineResult(detected, { boundary })
  const [least, middle] = time(() => associate(result, { objects: known, history }, 61365.2))
  console.log(`associate whole, ${history.length} sources of history: ${ms(least)} (median${ms(middle)})`)
}

console.log(`${SOURCES} sources, ${OBJECTS} objects; CPU, least of ${runs} runs; load ${loadavg().map(l => l.toFixed(1)).join(' ')} on ${cpus().length} cores`) // prettier-ignore
const python = await rubinPython()
await compare('a detector (0.22°)', 0.22, python)
await compare('crowded (0.03°)', 0.03, python)
timeWhole()
