import { existsSync, readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { packetKey, schemaKey } from '../../sinks/archive/archive.ts'
import { ALERT_SCHEMA_ID, alertSubjects } from '../../streams/registry/alert-subjects.ts'
import { WINDOW_DAYS } from '../../topology/association/associate.ts'
import { alerts } from '../../topology/streams.ts'

/** docs/alert-stream.md against what it speaks of. */

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')
const page = read('docs/alert-stream.md')

it('begins with what a reader must not get wrong', () => {
  expect(page.split('\n').filter(line => line !== '' && !line.startsWith('#'))[0]).toMatch(
    /^Read it with `isolation\.level=read_committed`\./,
  )
})

it('names the topic, the schema, its subjects and the window as they are', () => {
  expect(page).toContain(`| \`${alerts.topic}\` |`)
  expect(page).toContain(`so 11.1 is **${ALERT_SCHEMA_ID}**`)
  for (const { subject } of alertSubjects) expect(page).toContain(`\`${subject}\``)
  expect(page).toContain(`the ${WINDOW_DAYS} days before the exposure`)
  expect(page).toContain(`| ${Math.round(alerts.retentionHours! / 24)} days |`)
})

it('names the objects of the archive as they are', () => {
  for (const key of [packetKey(170_055_002_004_914_266n), schemaKey(ALERT_SCHEMA_ID)])
    expect(page).toContain(`\`${key}\``)
})

it('names the versions that the tests use', () => {
  const { dependencies } = JSON.parse(read('package.json')) as { dependencies: Record<string, string> }
  for (const name of ['kafkajs', 'kafkajs-snappy', '@kafkajs/confluent-schema-registry', 'avsc'])
    expect(page).toContain(`${name} ${dependencies[name]}`)
  const pinned = read('schemas/testing/rubin-requirements.txt').split('\n')
  for (const name of ['confluent-kafka', 'fastavro', 'lsst-alert-packet', 'astropy'])
    expect(page).toContain(pinned.find(line => line.startsWith(`${name}==`))!.replace('==', ' '))
})

it('shows no code of its own: its programs are files, which tests run, and every file that it names is there', () => {
  expect([...page.matchAll(/```(\w*)\n/g)].map(([, language]) => language).filter(it => it !== '')).toEqual(['sh'])
  const [, commands] = /```sh\n([^`]*)```/.exec(page)!
  const named = [...commands!.matchAll(/examples\/\S+/g), ...page.matchAll(/(?:examples|dev)\/[\w./-]+\.(?:ts|py)/g)]
  const linked = [...page.matchAll(/\]\(([\w./-]+)\)/g)].map(([, path]) => `docs/${path!}`)
  const paths = [...named.map(([path]) => path), ...linked]
  expect(paths.length).toBeGreaterThan(5)
  for (const path of paths) expect(existsSync(new URL(`../../${path}`, import.meta.url)), path).toBe(true)
})
