import { setTimeout as sleep } from 'node:timers/promises'

/** The registry does not answer, or not as a registry would. The sentence names its address. */
export class RegistryError extends Error {
  override name = 'RegistryError'
}

/** The registry is not there, or not itself, at the moment: what was asked may be asked again. */
export class RegistryAway extends RegistryError {
  override name = 'RegistryAway'
}

export interface Answer {
  readonly status: number
  readonly body: unknown
}

/** A schema registry's REST interface. */
export interface Rest {
  readonly url: string
  /** The body of a 2xx answer; undefined for 404. Throws RegistryError for anything else. */
  get(path: string): Promise<unknown>
  /** Any answer below 500 but 401, 403 and 404, for the caller to judge. Throws RegistryError otherwise. */
  send(method: 'POST' | 'PUT', path: string, body: object): Promise<Answer>
  /** The same for a file, POSTed to a URL of the same host that need not lie below this interface. */
  upload(url: string, type: string, body: Buffer): Promise<Answer>
}

const JSON_TYPE = 'application/vnd.schemaregistry.v1+json'
/** A registry that is just starting, or one node of it restarting, is met in the ordinary course of things. */
const RETRY_AFTER_MS = [200, 600, 1800]
const REQUEST_TIMEOUT_MS = 10_000

/**
 * The registry at an address such as `http://host:8081`, `https://user:password@host/schema-registry` or, for Apicurio, `http://host/apis/ccompat/v7`.
 * What fails is tried four times over 2.6 s, and everything sent here may be sent twice: it is the same to the registry.
 */
export function restAt(address: string): Rest {
  const url = urlOf(address)
  const { username, password } = url
  const credentials = Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`).toString('base64')
  url.username = url.password = ''
  const base = url.href.replace(/\/+$/, '')
  const headers = {
    accept: `${JSON_TYPE}, application/json`,
    ...(username && { authorization: `Basic ${credentials}` }),
  }

  const once = async (method: string, path: string, init: RequestInit): Promise<Answer> => {
    const response = await fetch(new URL(path.startsWith('/') ? base + path : path), {
      method,
      ...init,
      signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
    }).catch((error: unknown) => {
      throw new RegistryAway(`The schema registry at ${base} does not answer: ${reasonOf(error)}.`)
    })
    const text = await response.text()
    const { status } = response
    const asked = `The schema registry at ${base} answered ${method} ${path} with ${status}`
    if (status >= 500) throw new RegistryAway(`${asked}: ${excerpt(text)}`)
    if (status === 401 || status === 403) throw new RegistryError(`${asked}: ${excerpt(text)}`)
    try {
      return { status, body: text === '' ? undefined : JSON.parse(text) }
    } catch {
      throw new RegistryError(`${asked} and no JSON (${excerpt(text)}): is this the registry's address?`)
    }
  }
  const patiently = async (method: string, path: string, init: RequestInit): Promise<Answer> => {
    for (const wait of RETRY_AFTER_MS) {
      try {
        return await once(method, path, init)
      } catch {
        await sleep(wait)
      }
    }
    return once(method, path, init)
  }
  const put = async (method: string, path: string, type: string, body: string | Buffer): Promise<Answer> => {
    const answer = await patiently(method, path, { headers: { ...headers, 'content-type': type }, body })
    if (answer.status !== 404) return answer
    throw new RegistryError(`The schema registry at ${base} has no ${method} ${path}: is this the registry's address?`)
  }
  return {
    url: base,
    get: async path => {
      const { status, body } = await patiently('GET', path, { headers })
      if (status === 404 && (body as { error_code?: unknown } | undefined)?.error_code !== undefined) return undefined
      if (status >= 300)
        throw new RegistryError(`The schema registry at ${base} answered GET ${path} with ${status}: ${excerpt(body)}`)
      return body
    },
    send: (method, path, body) => put(method, path, JSON_TYPE, JSON.stringify(body)),
    upload: (url, type, body) => put('POST', url, type, body),
  }
}

function urlOf(address: string): URL {
  const url = URL.canParse(address) ? new URL(address) : undefined
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return url
  throw new RegistryError(
    `The schema registry's address ${JSON.stringify(address)} is none; allowed: http://host:port/path or https://…`,
  )
}

/** What lies below fetch's "fetch failed". */
function reasonOf(error: unknown): string {
  const { message, cause } = error as Error & { cause?: Error & { code?: string } }
  return cause?.message || cause?.code || message
}

export function excerpt(body: unknown): string {
  const message = (body as { message?: unknown } | undefined)?.message
  const text =
    typeof body === 'string' ? body : typeof message === 'string' ? message : (JSON.stringify(body) ?? 'nothing')
  return text.length > 300 ? `${text.slice(0, 300)}…` : text || 'nothing'
}
