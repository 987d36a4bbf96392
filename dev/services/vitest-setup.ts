import type { TestProject } from 'vitest/node'
import type { ServiceAddresses } from './services.ts'
import { startServices } from './start.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** Where the services of this test run answer: `inject('services')`. */
    services: ServiceAddresses
  }
}

/** The global setup of the `int` project: one set of services for the whole run, ended after its last test. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const services = await startServices({ progress: line => console.log(line) })
  project.provide('services', services.addresses)
  void services.failure.then(sentence => console.error(sentence))
  return () => services.stop()
}
