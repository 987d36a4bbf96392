/** What the local services are to whoever uses them; both providers give exactly this. */

export const serviceNames = ['kafka', 'registry', 's3', 'postgres'] as const
export type ServiceName = (typeof serviceNames)[number]

/** Where the four services answer. Plain data: it crosses process and worker borders as JSON. */
export interface ServiceAddresses {
  readonly provider: 'containers' | 'processes'
  readonly kafka: { readonly brokers: readonly string[] }
  /** The Confluent-compatible API, with its path: `http://127.0.0.1:…/apis/ccompat/v7`. */
  readonly registry: { readonly url: string }
  /** Use with path-style addressing (`forcePathStyle: true`). */
  readonly s3: {
    readonly endpoint: string
    readonly accessKeyId: string
    readonly secretAccessKey: string
    readonly region: string
  }
  readonly postgres: { readonly url: string }
}

/** How long bringing the services up took, in ms; downloads and one-time preparation are counted apart from the start. */
export interface ServiceTimings {
  readonly downloadMs: number
  readonly prepareMs: number
  readonly startMs: number
  readonly services: Readonly<Record<ServiceName, number>>
}

export interface ServiceStatus {
  readonly name: ServiceName
  readonly up: boolean
  /** The process or container behind it and, when it is not up, why. */
  readonly detail: string
}

/** Running services. They end with `stop()`, and in any case with the process that started them. */
export interface Services {
  readonly addresses: ServiceAddresses
  readonly timings: ServiceTimings
  /** Resolves with a sentence when a service ends that nobody stopped; stays pending otherwise. */
  readonly failure: Promise<string>
  /** Asks every service whether it answers now. */
  status(): Promise<readonly ServiceStatus[]>
  stop(): Promise<void>
}

/** Hears, line by line, what a start is doing. */
export type Progress = (line: string) => void
