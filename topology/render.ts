import { readersOf, streamsOf, writersOf } from './model/define.ts'
import { isJournaled, journalOf } from './model/names.ts'
import type { Stream } from './model/stream.ts'
import { carriesWatermarks, partitionsOf, taskCount, type Stage, type Topology } from './model/topology.ts'

/** The graph in words and pictures. Whatever is printed of it comes from here, so that a change of shape shows in review. */

/** What the graph is, as text: stages in their order, what they read and write, who runs them. */
export function describeTopology(topology: Topology): string {
  const { name, partitions, entrances, exits, stages } = topology
  return [
    `Topology ${name}: ${stages.length} stages, ${partitions} partitions where nothing else is said`,
    `  entrances: ${topics(entrances)}`,
    `  exits: ${topics(exits)}`,
    ...stages.flatMap(stage => ['', ...describeStage(topology, stage)]),
    '',
  ].join('\n')
}

function describeStage(topology: Topology, stage: Stage): string[] {
  const { name, summary, role, reads, writes, from = [], into = [], order } = stage
  const facts = [
    kindOf(stage),
    tasksOf(topology, stage),
    `process ${role}`,
    ...(stage.watermark ? [`time from the ${stage.watermark}`] : []),
    ...(order ? ['in order of append time'] : []),
  ]
  return [
    `Stage ${name} (${facts.join(', ')})`,
    `  ${summary}`,
    ...(reads.length > 0 ? [`  <-- ${topics(reads)}`] : []),
    ...(from.length > 0 ? [`  <== ${from.join(', ')}`] : []),
    ...(writes.length > 0 ? [`  --> ${topics(writes)}`] : []),
    ...(into.length > 0 ? [`  ==> ${into.join(', ')}`] : []),
    ...(isJournaled(stage) ? [`  journal ${journalOf(name)}`] : []),
  ]
}

const topics = (streams: readonly Stream[]): string => streams.map(({ topic }) => topic).join(', ')

const kindOf = (stage: Stage): string => (typeof stage.run === 'string' ? stage.run : 'step')

function tasksOf(topology: Topology, stage: Stage): string {
  if (stage.tasks === 'any') return 'any number of processes'
  const count = taskCount(topology, stage)
  return `${count} ${count === 1 ? 'task' : 'tasks'}`
}

/** The graph as a Mermaid flowchart: rounded streams, square stages, cylinders outside Kafka. */
export function renderMermaid(topology: Topology): string {
  const drawn = topology.stages.filter(stage => stage.reads.length + stage.writes.length > 0 && stage.role !== 'clock')
  const streams = streamsOf(topology).filter(stream =>
    drawn.some(stage => [...stage.reads, ...stage.writes].includes(stream)),
  )
  const systems = [...new Set(drawn.flatMap(({ from = [], into = [] }) => [...from, ...into]))]
  return [
    'flowchart LR',
    ...streams.map(stream => `  ${id('t', stream.topic)}([${stream.topic}])`),
    ...drawn.map(stage => `  ${id('s', stage.name)}[${stage.name}]`),
    ...systems.map(system => `  ${id('x', system)}[(${system})]`),
    ...drawn.flatMap(edgesOf),
    '  classDef exit stroke-width:3px',
    ...classOf(
      'exit',
      topology.exits.filter(it => streams.includes(it)).map(it => id('t', it.topic)),
    ),
  ].join('\n')
}

function edgesOf(stage: Stage): string[] {
  const { name, reads, writes, from = [], into = [] } = stage
  const here = id('s', name)
  const both = <T>(one: readonly T[], other: readonly T[]) => one.filter(it => other.includes(it))
  const arrows = (prefix: 't' | 'x', names: { in: readonly string[]; out: readonly string[] }) => [
    ...names.in.filter(it => !names.out.includes(it)).map(it => `  ${id(prefix, it)} --> ${here}`),
    ...both(names.in, names.out).map(it => `  ${id(prefix, it)} <--> ${here}`),
    ...names.out.filter(it => !names.in.includes(it)).map(it => `  ${here} --> ${id(prefix, it)}`),
  ]
  return [
    ...arrows('t', { in: reads.map(it => it.topic), out: writes.map(it => it.topic) }),
    ...arrows('x', { in: from, out: into }),
  ]
}

const id = (prefix: string, name: string): string => `${prefix}_${name.replace(/[^A-Za-z0-9]/g, '_')}`
const classOf = (name: string, ids: readonly string[]): string[] =>
  ids.length > 0 ? [`  class ${ids.join(',')} ${name}`] : []

/** The reference page, `docs/topology.md`. */
export function renderReference(topology: Topology): string {
  return [
    '# The topology',
    '',
    'Generated from `topology/prompt.ts` by `npm run generate`. Do not edit.',
    '',
    '```mermaid',
    renderMermaid(topology),
    '```',
    '',
    `Not drawn: \`${topology.clock?.topic}\`, which every stage with \`time: clock\` reads, and \`${topology.parked?.topic}\`, which`,
    'every stage may write: a record that cannot be processed, with its coordinates, its reason and its bytes.',
    '',
    '## Stages',
    '',
    ...table(
      ['stage', 'kind', 'tasks', 'process', 'time', 'reads', 'writes', 'outside', 'what it does'],
      topology.stages.map(stage => stageRow(topology, stage)),
    ),
    '',
    '## Topics',
    '',
    'Tables are kept for ever, one value per key; each step and effect has one more, its journal `<stage>-table`.',
    'A *time* topic carries watermarks in band: records with an empty value and a header that names stage and task.',
    '',
    ...table(
      ['topic', 'key', 'partitions', 'kept', 'contract', 'written by', 'read by'],
      streamsOf(topology).map(stream => streamRow(topology, stream)),
    ),
    '',
  ].join('\n')
}

function stageRow(topology: Topology, stage: Stage): string[] {
  const { name, role, reads, writes, from = [], into = [] } = stage
  return [
    name,
    kindOf(stage),
    stage.tasks === 'any' ? 'any' : String(taskCount(topology, stage)),
    role,
    [stage.watermark ?? '', ...(stage.order ? ['in order'] : [])].filter(Boolean).join(', '),
    topics(reads),
    topics(writes),
    [...new Set([...from, ...into])].join(', '),
    stage.summary,
  ]
}

function streamRow(topology: Topology, stream: Stream): string[] {
  const { topic, key, cleanup, format } = stream
  const names = (stages: readonly Stage[]) => stages.map(stage => stage.name).join(', ')
  const entrance = topology.entrances.includes(stream)
  const exit = topology.exits.includes(stream)
  const everyone = stream === topology.parked
  return [
    topic + (carriesWatermarks(topology, stream) ? ' (*time*)' : ''),
    key,
    String(partitionsOf(topology, stream)),
    cleanup === 'compact' ? 'table' : `${Number(((stream.retentionHours ?? 0) / 24).toFixed(1))} d`,
    'avro' in format
      ? `\`${format.avro}.avsc\``
      : 'alert' in format
        ? `\`${format.alert}.avsc\``
        : `JSON ${format.json}`,
    everyone
      ? 'every stage'
      : [entrance ? '*the world*' : '', names(writersOf(topology, stream))].filter(Boolean).join(', '),
    [names(readersOf(topology, stream)), exit ? '*the world*' : '', everyone ? '*operators*' : '']
      .filter(Boolean)
      .join(', '),
  ]
}

const table = (head: readonly string[], rows: readonly (readonly string[])[]): string[] => {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
  return [line(head), line(head.map(() => '---')), ...rows.map(line)]
}

const BEGIN = '<!-- topology:begin -->'
const END = '<!-- topology:end -->'

/** A page with the diagram between its marks replaced by the current one. Throws where the marks are not there, in order. */
export function withDiagram(page: string, topology: Topology): string {
  const begin = page.indexOf(BEGIN)
  const end = page.indexOf(END)
  if (begin < 0 || end < begin)
    throw new Error(`the page needs ${BEGIN} and, after it, ${END}; the diagram goes between`)
  const diagram = ['', '', '```mermaid', renderMermaid(topology), '```', '', ''].join('\n')
  return page.slice(0, begin + BEGIN.length) + diagram + page.slice(end)
}
