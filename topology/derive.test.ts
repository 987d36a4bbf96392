import { describe, expect, it } from 'vitest'
import { aclsOf, describeTopology, groupsOf, topicsOf } from './derive.ts'
import { promptTopology } from './prompt.ts'
import { renderMermaid, withDiagram } from './render.ts'

const topology = promptTopology()
const config = (name: string) => topicsOf(topology).find(({ topic }) => topic === name)!.config

it('the graph is what it was when somebody last looked', () => {
  expect(describeTopology(topology)).toMatchInlineSnapshot(`
    "Topology prompt: 14 stages, 6 partitions where nothing else is said
      entrances: control, next-visit-canceled, next-visit, raw-notification
      exits: lsst-alerts-v11, alerts-retracted, visit-summary, raw-late, raw-unclaimed, audit, repository-ingested, lsst.prompt.detectorOutcome, lsst.prompt.detectorLatency, lsst.prompt.visitOutcome

    Stage clock (service, 1 task, process clock)
      writes the time and the ends of the entrances once a second, or that operators withhold it: the only wall clock
      <-- control
      --> clock

    Stage fan-out (step, 1 task, process steps, time from the clock, in order of append time)
      checks an announcement and makes one unit of work per active detector, with its pipelines
      <-- control, next-visit-canceled, next-visit
      --> visit, detector-visit
      journal fan-out-table

    Stage raw-intake (effect, 2 tasks, process effects, time from the clock)
      parses notifications of stored objects and finds the unit of each raw, with the help of its sidecar
      <-- raw-notification
      <== raws
      --> raw-arrival
      journal raw-intake-table

    Stage exposure-window (step, 6 tasks, process steps, time from the streams)
      joins a unit with its raws before its deadline: ready, missed, cancelled or ignored
      <-- detector-visit, raw-arrival, raw-listed
      --> detector-job, raw-wanted, raw-late, raw-unclaimed
      journal exposure-window-table

    Stage raw-reconcile (effect, 6 tasks, process effects)
      answers a window past its deadline with what the bucket really holds
      <-- raw-wanted
      <== raws
      --> raw-listed
      journal raw-reconcile-table

    Stage dispatch (effect, 6 tasks, process effects)
      writes decisions to the ledger, each only over an older one
      <-- detector-job
      ==> ledger
      journal dispatch-table

    Stage worker (service, any number of processes, process worker)
      leases a unit, preloads what it needs, runs its pipeline, stores the products and reports
      <== ledger, raws, central repository
      --> pipeline-result
      ==> ledger, products

    Stage associate (effect, 6 tasks, process effects)
      joins detections with known objects and commits a unit to the APDB, the ledger and the outbox at once
      <-- pipeline-result
      ==> APDB, ledger, outbox
      journal associate-table

    Stage publish (service, 6 tasks, process publish, time from the outbox)
      sends the alerts of each committed unit, tells how every unit ended, and carries out orders to resend or retract
      <-- alerts-ledger
      <== outbox, APDB, products
      --> lsst-alerts-v11, alerts-retracted, alerts-ledger, detector-result

    Stage archive (effect, 6 tasks, process effects)
      stores each alert that is out, and the schema it was written with, in the archive of alerts
      <-- lsst-alerts-v11
      ==> alert archive
      journal archive-table

    Stage visit-window (step, 6 tasks, process steps, time from the streams)
      joins a visit with how its detectors ended: complete, partial, late
      <-- visit, detector-result
      --> visit-summary
      journal visit-window-table

    Stage repo-sync (effect, 6 tasks, process effects)
      registers the products of committed units in the central repository
      <-- detector-result
      --> repository-ingested
      ==> central repository
      journal repo-sync-table

    Stage result-archive (effect, 2 tasks, process effects)
      keeps each report, each commit and each retraction, from which the APDB can be rebuilt
      <-- pipeline-result, detector-result, alerts-retracted
      ==> central repository
      journal result-archive-table

    Stage metrics (effect, 6 tasks, process effects)
      tells the observatory how visits and detectors went
      <-- visit-summary, detector-result
      --> lsst.prompt.detectorOutcome, lsst.prompt.detectorLatency, lsst.prompt.visitOutcome
      journal metrics-table
    "
  `)
})

describe('topics', () => {
  it('are the streams, and a journal per step and effect with a partition per task', () => {
    const all = topicsOf(promptTopology({ partitions: 3 })).map(({ topic, partitions }) => `${topic} ${partitions}`)
    expect(all).toMatchInlineSnapshot(`
      [
        "control 1",
        "next-visit-canceled 1",
        "next-visit 1",
        "raw-notification 8",
        "clock 1",
        "visit 3",
        "detector-visit 3",
        "raw-arrival 3",
        "raw-listed 3",
        "detector-job 3",
        "raw-wanted 3",
        "raw-late 3",
        "raw-unclaimed 3",
        "pipeline-result 3",
        "alerts-ledger 3",
        "lsst-alerts-v11 3",
        "alerts-retracted 3",
        "detector-result 3",
        "visit-summary 3",
        "repository-ingested 3",
        "lsst.prompt.detectorOutcome 1",
        "lsst.prompt.detectorLatency 1",
        "lsst.prompt.visitOutcome 1",
        "audit 1",
        "parked 3",
        "fan-out-table 1",
        "raw-intake-table 2",
        "exposure-window-table 3",
        "raw-reconcile-table 3",
        "dispatch-table 3",
        "associate-table 3",
        "archive-table 3",
        "visit-window-table 3",
        "repo-sync-table 3",
        "result-archive-table 2",
        "metrics-table 3",
      ]
    `)
    expect(new Set(all).size).toBe(all.length)
  })
  it('take the append time of the broker, all but the public one', () => {
    const other = topicsOf(topology).filter(it => it.config['message.timestamp.type'] !== 'LogAppendTime')
    expect(other.map(({ topic }) => topic)).toEqual(['lsst-alerts-v11'])
  })
  it('are kept or compacted as they are declared', () => {
    expect(config('next-visit')).toMatchObject({ 'cleanup.policy': 'delete', 'retention.ms': '604800000' })
    expect(config('alerts-ledger')).toMatchObject({ 'cleanup.policy': 'compact' })
    expect(config('alerts-retracted')).toMatchObject({ 'cleanup.policy': 'compact' })
    // 30.4 days, as Rubin's, unless the configuration wants it otherwise.
    expect(config('lsst-alerts-v11')).toMatchObject({ 'cleanup.policy': 'delete', 'retention.ms': '2629740000' })
    const shorter = topicsOf(topology, { alertRetentionMs: 3_600_000 })
    expect(shorter.find(it => it.topic === 'lsst-alerts-v11')!.config['retention.ms']).toBe('3600000')
    expect(shorter.find(it => it.topic === 'next-visit')!.config['retention.ms']).toBe('604800000')
    expect(config('exposure-window-table')).toMatchInlineSnapshot(`
      {
        "cleanup.policy": "compact",
        "delete.retention.ms": "86400000",
        "max.compaction.lag.ms": "3600000",
        "max.message.bytes": "8388608",
        "message.timestamp.type": "LogAppendTime",
        "min.cleanable.dirty.ratio": "0.1",
        "min.compaction.lag.ms": "0",
        "min.insync.replicas": "1",
        "segment.bytes": "67108864",
        "segment.ms": "3600000",
      }
    `)
  })
  it('hold what may be large, and refuse it at the door', () => {
    expect(config('pipeline-result')['max.message.bytes']).toBe('8388608')
    expect(config('lsst-alerts-v11')['max.message.bytes']).toBe('10485760')
    expect(config('next-visit')['max.message.bytes']).toBe('1048576')
  })
  it('want as many copies in step as the deployment says', () => {
    const copies = topicsOf(topology, { minInsyncReplicas: 2 }).map(it => it.config['min.insync.replicas'])
    expect(new Set(copies)).toEqual(new Set(['2']))
  })
})

it('a group per stage that reads', () => {
  expect(groupsOf(topology, 'pp').map(({ group }) => group)).toMatchInlineSnapshot(`
    [
      "pp.clock",
      "pp.fan-out",
      "pp.raw-intake",
      "pp.exposure-window",
      "pp.raw-reconcile",
      "pp.dispatch",
      "pp.associate",
      "pp.publish",
      "pp.archive",
      "pp.visit-window",
      "pp.repo-sync",
      "pp.result-archive",
      "pp.metrics",
    ]
  `)
})

describe('rights', () => {
  const acls = aclsOf(topology, 'pp')
  const of = (user: string, resource: string) =>
    acls.filter(it => it.user === user && it.resource === resource).map(it => `${it.name} ${it.operations.join('+')}`)
  it('of a worker: it reports, and reads nothing', () => {
    expect(of('pp-worker', 'topic')).toEqual(['pipeline-result Write'])
  })
  it('of the clock: it hears orders about time, and sees where the entrances end', () => {
    expect(of('pp-clock', 'topic')).toEqual([
      ...['control Describe+Read', 'clock Write', 'next-visit-canceled Describe', 'next-visit Describe'],
      'raw-notification Describe',
    ])
  })
  it('of the steps: their streams, journals, locks and the parking lot', () => {
    expect(of('pp-steps', 'topic')).toContain('fan-out-table Read+Write')
    expect(of('pp-steps', 'topic')).toContain('parked Write')
    expect(of('pp-steps', 'topic')).toContain('clock Read')
    expect(of('pp-steps', 'topic')).not.toContain('lsst-alerts-v11 Write')
    expect(of('pp-steps', 'transactional-id')).toContain('pp.exposure-window. Write')
  })
  it('only publish may send alerts', () => {
    const senders = acls.filter(it => it.name === 'lsst-alerts-v11' && it.operations.includes('Write'))
    expect(senders.map(({ user }) => user)).toEqual(['pp-publish'])
  })
})

describe('the diagram of a page', () => {
  const page = 'before\n<!-- topology:begin -->\nold\n<!-- topology:end -->\nafter\n'
  it('is replaced between its marks, and nothing else', () => {
    const now = withDiagram(page, topology)
    expect(now).toBe(
      `before\n<!-- topology:begin -->\n\n\`\`\`mermaid\n${renderMermaid(topology)}\n\`\`\`\n\n<!-- topology:end -->\nafter\n`,
    )
    expect(withDiagram(now, topology)).toBe(now)
  })
  it('needs its marks', () => {
    expect(() => withDiagram('no marks', topology)).toThrow('<!-- topology:begin -->')
  })
})
