import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openObjectStore } from '../../sinks/objects/s3.ts'
import type { Pool } from '../../sinks/postgres/pool.ts'
import type { LogClient } from '../../streams/log-client.ts'
import { openKafka, openLog } from '../../streams/main/world.ts'
import { recordOneUnit } from '../demo/recorded.ts'
import { type LoneStage, startSystem, type System } from '../demo/system.ts'
import { startKafkaCluster, type KafkaCluster } from '../services/processes/kafka-cluster.ts'
import type { KafkaOptions } from '../services/processes/kafka.ts'
import { type ProcessServices, startProcesses } from '../services/processes/provider.ts'
import type { ServiceAddresses } from '../services/services.ts'
import { Databases } from './databases.ts'
import { DOUBLED } from './fault.ts'
import { Lines } from './lines.ts'
import { openProxy, type Proxy, through } from './proxy.ts'
import { openS3Proxy, type S3Proxy } from './s3-proxy.ts'

/** The system under test: real services, a proxy before each, two processes of every role; and eyes that go past the proxies. */
export interface Bench {
  readonly services: ProcessServices
  /** Where the services answer, past the proxies. */
  readonly addresses: ServiceAddresses
  readonly proxies: Readonly<Record<'kafka' | 'postgres' | 'registry', Proxy>> & { readonly s3: S3Proxy }
  /** Whoever is behind the proxy of Postgres, and behind the pool. */
  readonly databases: Databases
  readonly system: System
  readonly lines: Lines
  readonly pool: Pool
  readonly client: LogClient
  readonly folder: string
  /** Where the bench has several brokers. */
  readonly cluster: KafkaCluster | undefined
  /** The clock of each process that starts from now on is ahead by this, ms. */
  skew(aheadMs: number): Promise<void>
  /** The process of this id gives itself the signal right after it has written the first line that matches. Resolves at once. */
  arm(pid: number, line: string, signal: 'SIGKILL' | 'SIGSTOP'): Promise<void>
  /** Ends everything. Logs stay, and are named, where `keep` holds. */
  close(keep: boolean): Promise<void>
}

export const SIZE = 256
const RECORDING = 'recordings/unit.v8'
export const INSTRUMENT = 'LSSTComCam'
const IMAGE_TIMEOUT_S = 4

const overridesFor = (imageTimeoutSeconds: number, brokers: number) => ({
  ...(brokers > 1 && { kafka: { minInsyncReplicas: Math.floor(brokers / 2) + 1 } }),
  deployment: 'load-test',
  decide: { imageTimeoutSeconds, instruments: { [INSTRUMENT]: { off: {}, chip: { width: SIZE, height: SIZE } } } },
  ledger: { leaseSeconds: 8 },
  worker: { heartbeatMs: 1500, recording: RECORDING, recordingMs: 100 },
})

export interface BenchOptions {
  readonly say: (line: string) => void
  readonly kafka?: Omit<KafkaOptions, 'detour'>
  /** So many brokers, with a copy of everything on each, and no proxy before them; one where it is not said. */
  readonly brokers?: number
  /**
   * After twice a visit's script its window is open for this long, s. Longer where the observatory itself cannot write for a while: what
   * enters after the deadline is late, whoever's fault it is.
   */
  readonly imageTimeoutSeconds?: number
  /** Stages that run in processes of their own, once each. */
  readonly lone?: readonly LoneStage[]
  /** Called when the processes are gone and the services are not yet. */
  readonly onClose?: () => void
}

/** Starts it all; what was started is ended again where something does not come up. */
export async function openBench(options: BenchOptions): Promise<Bench> {
  const { say, kafka, brokers = 1, lone = [], onClose } = options
  const { folder, armed } = await makeFolders()
  const overrides = overridesFor(options.imageTimeoutSeconds ?? IMAGE_TIMEOUT_S, brokers)
  let services!: ProcessServices
  let databases!: Databases
  const port = (url: string) => Number(new URL(url).port)
  const proxies = {
    kafka: await openProxy(() => services.ports('kafka')[2]!),
    postgres: await openProxy(() => databases.port),
    registry: await openProxy(() => port(services.addresses.registry.url)),
    s3: await openS3Proxy(() => port(services.addresses.s3.endpoint)),
  }
  const closeProxies = () => Promise.all(Object.values(proxies).map(proxy => proxy.close()))
  const end: (() => Promise<unknown>)[] = [closeProxies]
  const endAll = async () => {
    for (const close of end.reverse()) await close()
  }
  try {
    services = await startProcesses(say, { ...kafka, detour: proxies.kafka.port })
    end.push(() => services.stop())
    const first = { url: services.addresses.postgres.url, kill: () => services.kill('postgres') }
    databases = await Databases.of(first, say)
    end.push(() => databases.stop())
    if (onClose) end.push(async () => onClose())
    const cluster = brokers > 1 ? await startKafkaCluster(brokers, say) : undefined
    if (cluster) end.push(() => cluster.stop())
    const addresses = { ...services.addresses, ...(cluster && { kafka: { brokers: cluster.brokers } }) }
    await putRecording(addresses)
    const detour = throughProxies(addresses, proxies)
    const system = await startSystem(cluster ? { ...detour, kafka: addresses.kafka } : detour, folder, {
      ...{ overrides, workers: 3, readyMs: 180_000, progress: say, doubled: DOUBLED, lone },
      environment: {
        PP_LOG_LEVEL: 'debug',
        FAULTS_ARMED: armed,
        NODE_OPTIONS: `--import ${new URL('armed.mjs', import.meta.url).href}`,
      },
    })
    end.push(() => system.stop())
    const config = { ...system.config, kafka: { ...system.config.kafka, ...addresses.kafka } }
    const client = await openKafka(config, 'faults', openLog({ logLevel: 'error' }, 'faults'))
    const lines = await Lines.of(system)
    end.push(() => client.close())
    const { pool } = databases
    return {
      ...{ services, addresses, proxies, databases, system, lines, pool, client, folder, cluster },
      skew: aheadMs => writeFile(join(armed, 'skew'), String(aheadMs)),
      arm: (pid, line, signal) => writeFile(join(armed, String(pid)), JSON.stringify({ line, signal })),
      close: async keep => {
        lines.close()
        await endAll()
        if (keep) say(`the logs of its processes are in ${folder}`)
        else await rm(folder, { recursive: true, force: true })
      },
    }
  } catch (error) {
    await endAll()
    throw error
  }
}

/** For logs, and for what the processes under test are told while they run (`armed.mjs`). */
async function makeFolders() {
  const folder = await mkdtemp(join(tmpdir(), 'pp-faults-'))
  const armed = join(folder, 'armed')
  await mkdir(armed)
  return { folder, armed }
}

/** What the workers answer with. */
async function putRecording({ s3 }: ServiceAddresses): Promise<void> {
  const store = openObjectStore(s3)
  await store.createBucket('central')
  await store.put('central', RECORDING, (await recordOneUnit(1, SIZE)).recording)
  store.close()
}

/** What the processes are told. */
function throughProxies(of: ServiceAddresses, proxies: Bench['proxies']): ServiceAddresses {
  return {
    ...of,
    kafka: { brokers: [`127.0.0.1:${proxies.kafka.port}`] },
    registry: { url: through(of.registry.url, proxies.registry) },
    s3: { ...of.s3, endpoint: through(of.s3.endpoint, proxies.s3) },
    postgres: { url: through(of.postgres.url, proxies.postgres) },
  }
}
