import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, inject, it } from 'vitest'

const checkout = fileURLToPath(new URL('../..', import.meta.url))
const { kafka, registry, s3, postgres } = inject('services')

/** `pp run <role>` with the services of this run, and how it ends. */
function run(role: string, knobs: Readonly<Record<string, string>>) {
  const environment = Object.entries(process.env).filter(([name]) => !name.startsWith('PP_'))
  const child = spawn('./pp', ['run', role], {
    cwd: checkout,
    stdio: ['ignore', 'ignore', 'pipe'],
    env: {
      ...Object.fromEntries(environment),
      ...{ PP_KAFKA_BROKERS: kafka.brokers.join(), PP_REGISTRY_URL: registry.url, PP_POSTGRES_URL: postgres.url },
      ...{ PP_S3_ENDPOINT: s3.endpoint, PP_S3_ACCESS_KEY_ID: s3.accessKeyId },
      ...{ PP_S3_SECRET_ACCESS_KEY: s3.secretAccessKey, ...knobs },
    },
  })
  let said = ''
  child.stderr.on('data', (chunk: Buffer) => (said += String(chunk)))
  const ending = once(child, 'close').then(([code, signal]: unknown[]) => ({ code, signal, said }))
  return { child, ending }
}

/** Takes what it is sent and never answers. */
const mute = createServer()
afterAll(() => void mute.close())

// A number of partitions that no other test creates topics with: whatever is there, it does not fit.
it.each(['steps', 'effects', 'publish'])('%s started before its topics says so and ends', async role => {
  const { code, said } = await run(role, { PP_KAFKA_PARTITIONS: '97' }).ending
  expect(said).toContain('may not start:')
  expect(code).toBe(1)
})

it('ends on SIGTERM while it still waits for something to start with', async () => {
  await once(mute.listen(0, '127.0.0.1'), 'listening')
  const asked = once(mute, 'connection')
  const { port } = mute.address() as { port: number }
  const { child, ending } = run('steps', { PP_REGISTRY_URL: `http://127.0.0.1:${port}/apis/ccompat/v7` })
  await asked
  child.kill('SIGTERM')
  expect(await ending).toMatchObject({ code: 0, signal: null })
})
