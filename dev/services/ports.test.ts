import { createServer } from 'node:net'
import { describe, expect, it } from 'vitest'
import { freePorts, PortTaken, saysPortTaken, withFreePorts } from './ports.ts'

describe('free ports', () => {
  it('are distinct and can be listened on', async () => {
    const ports = await freePorts(20)
    expect(new Set(ports).size).toBe(20)
    const server = createServer()
    await new Promise<void>(resolve => server.listen(ports[0], '127.0.0.1', resolve))
    await new Promise(resolve => server.close(resolve))
  })

  it('are tried anew when one was taken in between', async () => {
    const tried: number[] = []
    const got = await withFreePorts(1, async ([port]) => {
      tried.push(port!)
      if (tried.length < 3) throw new PortTaken('taken')
      return port
    })
    expect(tried).toHaveLength(3)
    expect(got).toBe(tried[2])
  })

  it('are given up after three attempts', async () => {
    let attempts = 0
    const start = withFreePorts(1, async () => {
      attempts += 1
      throw new PortTaken('taken again')
    })
    await expect(start).rejects.toThrow('taken again')
    expect(attempts).toBe(3)
  })

  it('are not tried anew after another error', async () => {
    let attempts = 0
    const start = withFreePorts(1, async () => {
      attempts += 1
      throw new Error('wrong setting')
    })
    await expect(start).rejects.toThrow('wrong setting')
    expect(attempts).toBe(1)
  })
})

describe('a log that says that the port was taken', () => {
  it.each([
    'java.net.BindException: Address already in use',
    'Caused by: io.quarkus.runtime.QuarkusBindException: Port already bound: 8080: Address already in use',
    'LOG:  could not bind IPv4 address "127.0.0.1": Address already in use',
  ])('%s', line => expect(saysPortTaken(line)).toBe(true))

  it('is told apart from other failures', () => expect(saysPortTaken('OutOfMemoryError: Java heap space')).toBe(false))
})
