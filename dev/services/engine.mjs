/**
 * Whether a container engine answers. A `docker` command on the PATH proves nothing, so the engine itself is asked, by
 * the `_ping` of its HTTP interface. Plain JavaScript, because the bootstrap asks before anything is installed.
 */
import { existsSync } from 'node:fs'
import { request } from 'node:http'
import { homedir } from 'node:os'

const timeoutMs = 1000

/**
 * The engine's address: `$DOCKER_HOST`, else the first usual socket that exists (system-wide, Docker Desktop,
 * rootless). TLS addresses and docker contexts other than the default are not looked for: set `$DOCKER_HOST`.
 */
export function engineAddress(environment = process.env) {
  if (environment.DOCKER_HOST) return environment.DOCKER_HOST
  const sockets = ['/var/run/docker.sock', `${homedir()}/.docker/run/docker.sock`]
  if (environment.XDG_RUNTIME_DIR) sockets.push(`${environment.XDG_RUNTIME_DIR}/docker.sock`)
  const socket = sockets.find(path => existsSync(path))
  return socket && `unix://${socket}`
}

/** Asks the engine; never throws. `why` says, either way, what was found. */
export async function engineAnswers(address = engineAddress()) {
  if (!address) return { answers: false, why: 'no engine socket found and DOCKER_HOST is not set' }
  try {
    const status = await getStatus(address, '/_ping')
    return { answers: status === 200, why: `${address} answers ${status}` }
  } catch (error) {
    return { answers: false, why: `${address}: ${error.message}` }
  }
}

/** The engine's address as options of `http.request`. */
export function engineTarget(address) {
  const url = new URL(address)
  return url.protocol === 'unix:' ? { socketPath: url.pathname } : { host: url.hostname, port: url.port || 2375 }
}

/** The status of a GET request to the engine. */
export function getStatus(address, path) {
  return new Promise((resolve, reject) => {
    const asked = request({ ...engineTarget(address), path, timeout: timeoutMs }, response => {
      response.resume()
      resolve(response.statusCode)
    })
    asked.on('timeout', () => asked.destroy(new Error(`no answer within ${timeoutMs} ms`)))
    asked.on('error', reject)
    asked.end()
  })
}
