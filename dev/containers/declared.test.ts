import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { loadConfig } from '../../streams/main/config.ts'
import { roles } from '../../streams/main/main.ts'
import { rawNotification } from '../../topology/streams.ts'
import { serviceNames } from '../services/services.ts'
import { database, imagesOf, recordBytesMax, registryPath, s3Keys } from '../services/versions.ts'
import { baseImage, composeImages, root } from './declared.ts'

const text = (file: string) => readFileSync(join(root, file), 'utf8')
const compose = text('docker-compose.yml')
/** A value of the file with its variables at their defaults: `${KAFKA_PORT:-9092}` is 9092. */
const byDefault = compose.replace(/\$\{\w+:-([^}]*)\}/g, '$1')
/** Names of the services: what is indented once below `services:`. */
const services = [
  ...compose
    .split(/^services:$/m)[1]!
    .split(/^\w/m)[0]!
    .matchAll(/^ {2}([\w-]+):$/gm),
].map(it => it[1]!)

describe('docker-compose.yml', () => {
  it('has the four services, what puts things in place, and every process of the topology', () => {
    expect([...services].sort()).toEqual(['kafka', 'registry', 's3', 'postgres', 'topics', 'init', ...roles].sort())
    for (const role of roles) expect(compose).toContain(`command: [run, ${role}]`)
  })

  it('takes the versions of services that the launcher takes', () => {
    const { kafka, registry, postgres } = imagesOf({})
    expect(composeImages()).toEqual(expect.arrayContaining([kafka, registry, postgres]))
    expect(composeImages()).toHaveLength(4)
  })

  it('gives the processes variables that are knobs, and passwords that the services have', () => {
    const variables = [...byDefault.matchAll(/^ +(PP_\w+): (?:&\S+ )?(\S+)$/gm)].map(([, name, value]) => [
      name!,
      value!,
    ])
    const config = loadConfig(Object.fromEntries(variables) as Record<string, string>)
    const { accessKeyId, secretAccessKey, region } = s3Keys
    expect(config.s3).toMatchObject({ accessKeyId, secretAccessKey, region })
    expect(config.registry.url).toBe(`http://registry:8080${registryPath}`)
    expect(config.postgres.url).toBe(
      `postgresql://${database.user}:${database.password}@postgres:5432/${database.name}`,
    )
  })

  it('has the store write where raw-intake reads, and a broker that takes our largest record', () => {
    expect(compose).toContain(`VGW_EVENT_KAFKA_TOPIC: ${rawNotification.topic}\n`)
    expect(compose).toContain(`KAFKA_MESSAGE_MAX_BYTES: ${recordBytesMax}\n`)
  })

  it('publishes ports on the loopback interface only', () => {
    const ports = [...compose.matchAll(/^ +ports: (.*)$/gm)].map(it => it[1]!)
    expect(ports).toHaveLength(4)
    for (const port of ports) expect(port).toMatch(/^\['127\.0\.0\.1:/)
  })
})

it('the stand-ins are laid over every service that is not ours, and none has the name of an upstream image', () => {
  const standIn = text('dev/containers/stand-in/docker-compose.stand-in.yml')
  const laid = [...standIn.matchAll(/^ {2}([\w-]+):/gm)].map(it => it[1]!)
  expect(laid.sort()).toEqual([...serviceNames].sort())
  for (const [, image] of standIn.matchAll(/image: '?([^' \n]+)/g))
    expect(image).toMatch(/^prompt-processing-stand-in\//)
})

it('every base image is pinned to a full version', () => {
  for (const image of [baseImage(), ...composeImages()]) expect(image).toMatch(/:v?\d+\.\d+/)
})
