import { registryAnswers } from '../probes.ts'
import { registryPath, versions } from '../versions.ts'
import { java, javaFlags, type JavaOptions } from './java.ts'
import type { ServicePlan } from './plan.ts'

/** Apicurio Registry, keeping its schemas in memory: they live exactly as long as the run's Kafka. One port. */
export function registryPlan(artifact: string, options: Omit<JavaOptions, 'heapMax'>): ServicePlan {
  return {
    name: 'registry',
    portCount: 1,
    prepare: ([port]) => ({
      command: java,
      args: [
        ...javaFlags({ ...options, heapMax: '256m' }),
        '-jar',
        `apicurio-registry-app-${versions.registry}-runner.jar`,
      ],
      cwd: artifact,
      env: { ...process.env, QUARKUS_HTTP_HOST: '127.0.0.1', QUARKUS_HTTP_PORT: String(port) },
      stopSignal: 'SIGTERM',
    }),
    answers: ([port]) => registryAnswers(`http://127.0.0.1:${port}${registryPath}`),
  }
}
