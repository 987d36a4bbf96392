import { setTimeout as sleep } from 'node:timers/promises'
import { roles } from '../../streams/main/main.ts'
import type { Role } from '../../topology/model/topology.ts'
import { freePorts } from '../services/ports.ts'
import { probes } from '../services/probes.ts'
import { serviceNames, type ServiceAddresses } from '../services/services.ts'
import { database, registryPath, s3Keys } from '../services/versions.ts'
import { root } from './declared.ts'
import type { Images } from './images.ts'
import type { Shell } from './shell.ts'

/** The deployment of docker-compose.yml, under a project name and on ports of its own. */
export interface Deployment {
  readonly addresses: ServiceAddresses
  /** Starts everything; resolves when every process of the topology says that it is ready. */
  up(scale: Partial<Record<Role, number>>): Promise<void>
  /** SIGTERM to the topology; how each of its containers ended, and how often it had been started anew before. */
  drain(): Promise<readonly { readonly name: string; readonly code: number; readonly restarts: number }[]>
  /** Stops the four services and starts them again, on the data that they have. */
  restartServices(): Promise<void>
  /** The end of what every container printed. */
  logs(): Promise<string>
  /** Removes containers, network and volumes. */
  down(): Promise<void>
}

const READY_MS = 180_000
/** Said outright, so that neither the caller's variables nor a file `.env` give the services other ones. */
const PASSWORDS = {
  POSTGRES_PASSWORD: database.password,
  S3_ACCESS_KEY_ID: s3Keys.accessKeyId,
  S3_SECRET_ACCESS_KEY: s3Keys.secretAccessKey,
}

/** @param tidy runs what cleans up, after an interruption too. */
export async function openDeployment(
  [command, ...first]: readonly [string, ...string[]],
  images: Images,
  shell: Shell,
  tidy: Shell,
): Promise<Deployment> {
  const [kafka, registry, s3, postgres] = (await freePorts(4)).map(String) as [string, string, string, string]
  const ports = { KAFKA_PORT: kafka, REGISTRY_PORT: registry, S3_PORT: s3, POSTGRES_PORT: postgres }
  const env = { ...images.environment, ...ports, ...PASSWORDS }
  const common = [
    ...first,
    '--project-name',
    `pp-test-${process.pid}`,
    ...images.composeFiles.flatMap(file => ['--file', file]),
  ]
  const run = (by: Shell, ...args: string[]) => by.run(command, [...common, ...args], { cwd: root, env })
  const addresses = addressesOf(ports)
  const containers = async () => {
    const lines = (await run(shell, 'ps', '--all', '--format', 'json', ...roles)).trim().split('\n')
    return lines.map(line => JSON.parse(line) as { readonly Name: string; readonly ExitCode: number })
  }

  return {
    addresses,
    async up(scale) {
      const scaling = Object.entries(scale).flatMap(([role, count]) => ['--scale', `${role}=${count}`])
      await run(shell, 'up', '--detach', '--no-build', ...scaling)
      const wanted = new Map(roles.map(role => [role, scale[role] ?? 1]))
      await until(async () => {
        for (const [role, count] of wanted) {
          const log = await run(shell, 'logs', '--no-color', '--no-log-prefix', role)
          const ready = log.split('"msg":"ready"').length - 1
          if (ready < count) throw new Error(`of ${role}, ${ready} of ${count} are ready`)
        }
      })
    },
    async drain() {
      const names = (await containers()).map(({ Name }) => Name)
      const counted = await shell.run('docker', ['inspect', '--format', '{{.RestartCount}}', ...names], { env })
      const counts = counted.trim().split('\n').map(Number)
      const restarts = new Map(names.map((name, i) => [name, counts[i]!]))
      await run(shell, 'stop', ...roles)
      return (await containers()).map(({ Name: name, ExitCode: code }) => ({
        name,
        code,
        restarts: restarts.get(name)!,
      }))
    },
    async restartServices() {
      await run(shell, 'stop', ...serviceNames)
      await run(shell, 'start', ...serviceNames)
      await until(async () => void (await Promise.all(serviceNames.map(name => probes[name](addresses)))))
    },
    logs: () => run(tidy, 'logs', '--no-color', '--tail', '15'),
    down: async () => void (await run(tidy, 'down', '--volumes', '--remove-orphans', '--timeout', '10')),
  }
}

/** Tries until it does not reject; then what stood in the way last is the error. */
async function until(attempt: () => Promise<void>): Promise<void> {
  for (const late = Date.now() + READY_MS; ; await sleep(500)) {
    try {
      return await attempt()
    } catch (error) {
      if (Date.now() > late) throw error
    }
  }
}

/** As docker-compose.yml has them by default, whose passwords are those of the other providers. */
function addressesOf(
  ports: Readonly<Record<'KAFKA_PORT' | 'REGISTRY_PORT' | 'S3_PORT' | 'POSTGRES_PORT', string>>,
): ServiceAddresses {
  const { user, password, name } = database
  return {
    provider: 'containers',
    kafka: { brokers: [`127.0.0.1:${ports.KAFKA_PORT}`] },
    registry: { url: `http://127.0.0.1:${ports.REGISTRY_PORT}${registryPath}` },
    s3: { endpoint: `http://127.0.0.1:${ports.S3_PORT}`, ...s3Keys },
    postgres: { url: `postgresql://${user}:${password}@127.0.0.1:${ports.POSTGRES_PORT}/${name}` },
  }
}
