import {
  GenericContainer,
  getContainerRuntimeClient,
  StartupCheckStrategy,
  type StartedTestContainer,
} from 'testcontainers'
import { setTimeout as sleep } from 'node:timers/promises'
import { engineAddress } from '../engine.mjs'
import { probes } from '../probes.ts'
import { serviceNames, type Progress, type ServiceAddresses, type ServiceName, type Services } from '../services.ts'
import { freePorts } from '../ports.ts'
import { database, imagesOf, registryPath, s3Keys } from '../versions.ts'
import { launcherLabel, removeLeftovers } from './leftovers.ts'
import { type ContainerSpec, containerSpecs } from './specs.ts'

interface StartedService {
  readonly name: ServiceName
  readonly container: StartedTestContainer
  readonly startMs: number
}

/**
 * Starts the services as containers on free ports of the engine's host. They are removed by `stop()`, and by
 * testcontainers' reaper when this process is gone; with `TESTCONTAINERS_RYUK_DISABLED`, only at the next start.
 */
export async function startContainers(progress: Progress, downloadMs: number): Promise<Services> {
  // testcontainers looks for an engine in its own order: it shall take the one that was asked for the images.
  process.env.DOCKER_HOST ??= engineAddress()
  const client = await getContainerRuntimeClient()
  await removeLeftovers(client, progress)
  const begunAt = Date.now()
  const [kafka, registry, s3, postgres] = await freePorts(4)
  const ports = { kafka: kafka!, registry: registry!, s3: s3!, postgres: postgres! }
  const addresses = addressesOf(client.info.containerRuntime.host, ports)

  const specs = containerSpecs(client.info.containerRuntime.host, ports)
  const results = await Promise.allSettled(serviceNames.map(name => startContainer(name, specs[name], addresses)))
  const started = results.filter(result => result.status === 'fulfilled').map(result => result.value)
  const failed = results.find(result => result.status === 'rejected')
  if (failed) {
    await stopAll(started)
    throw failed.reason
  }
  progress(
    `Containers: ${started.map(({ name, container }) => `${name} ${container.getId().slice(0, 12)}`).join(', ')}`,
  )

  let stopping = false
  return {
    addresses,
    timings: {
      downloadMs,
      prepareMs: 0,
      startMs: Date.now() - begunAt,
      services: Object.fromEntries(started.map(({ name, startMs }) => [name, startMs])) as Record<ServiceName, number>,
    },
    failure: new Promise(resolve => {
      for (const { name, container } of started) {
        const ended = (how: string) => !stopping && resolve(`the container of ${name} ended by itself (${how})`)
        client.container
          .getById(container.getId())
          .wait()
          .then(({ StatusCode }: { StatusCode: number }) => ended(`code ${StatusCode}`))
          .catch((error: unknown) => ended(String(error)))
      }
    }),
    status: () => Promise.all(started.map(service => statusOf(service, addresses))),
    stop() {
      stopping = true
      return stopAll(started)
    },
  }
}

/** Ready as soon as it runs: whether the service in it answers is asked from outside, as its clients will. */
class Runs extends StartupCheckStrategy {
  override async checkStartupState(...[client, id]: Parameters<StartupCheckStrategy['checkStartupState']>) {
    const { State } = await client.getContainer(id).inspect()
    return State.Running ? 'SUCCESS' : State.Status === 'exited' ? 'FAIL' : 'PENDING'
  }
}

const startTimeoutMs = 120_000

async function startContainer(
  name: ServiceName,
  spec: ContainerSpec,
  addresses: ServiceAddresses,
): Promise<StartedService> {
  const begunAt = Date.now()
  const log: string[] = []
  const container = await new GenericContainer(imagesOf(process.env)[name])
    .withEnvironment(spec.environment)
    .withLabels(launcherLabel())
    .withCommand([...(spec.command ?? [])])
    .withExposedPorts(spec.port)
    .withLogConsumer(stream => stream.on('data', (chunk: Buffer) => log.push(String(chunk))))
    .withWaitStrategy(new Runs())
    .start()
  const until = Date.now() + startTimeoutMs
  for (;;) {
    try {
      await probes[name](addresses)
      return { name, container, startMs: Date.now() - begunAt }
    } catch (error) {
      if (Date.now() > until) {
        await container.stop()
        const tail = log.join('').trimEnd().split('\n').slice(-15).join('\n')
        throw new Error(`${name} did not answer within ${startTimeoutMs / 1000} s. The end of its log:\n${tail}`, {
          cause: error,
        })
      }
      await sleep(100)
    }
  }
}

async function stopAll(started: readonly StartedService[]): Promise<void> {
  await Promise.all(started.map(({ container }) => container.stop({ timeout: 5000 })))
}

function addressesOf(host: string, ports: Readonly<Record<ServiceName, number>>): ServiceAddresses {
  const { user, password, name } = database
  return {
    provider: 'containers',
    kafka: { brokers: [`${host}:${ports.kafka}`] },
    registry: { url: `http://${host}:${ports.registry}${registryPath}` },
    s3: { endpoint: `http://${host}:${ports.s3}`, ...s3Keys },
    postgres: { url: `postgresql://${user}:${password}@${host}:${ports.postgres}/${name}` },
  }
}

async function statusOf({ name, container }: StartedService, addresses: ServiceAddresses) {
  const id = `container ${container.getId().slice(0, 12)}`
  return probes[name](addresses).then(
    () => ({ name, up: true, detail: id }),
    (error: unknown) => ({ name, up: false, detail: `${id}: ${String(error)}` }),
  )
}
