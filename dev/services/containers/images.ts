import { request } from 'node:http'
import { createInterface } from 'node:readline'
import { engineTarget, getStatus } from '../engine.mjs'
import type { Progress } from '../services.ts'

/** Which of the images the engine does not have. */
export async function missingImages(address: string, images: readonly string[]): Promise<readonly string[]> {
  const statuses = await Promise.all(images.map(image => getStatus(address, `/images/${image}/json`)))
  return images.filter((_, i) => statuses[i] !== 200)
}

const silenceMsMax = 60_000

/**
 * Has the engine pull one public image, telling `progress` the MB fetched every few seconds. Rejects with the engine's
 * own words, or when it has said nothing for a minute (an engine without a way out waits for ever). For an image that
 * wants a login, `docker pull` it beforehand.
 */
export function pullImage(address: string, image: string, progress: Progress): Promise<void> {
  const [name, tag] = splitTag(image)
  const path = `/images/create?fromImage=${encodeURIComponent(name)}&tag=${encodeURIComponent(tag)}`
  const begunAt = Date.now()
  let saidAt = begunAt
  const bytesOfLayer = new Map<string, number>()
  const fetched = () => {
    const megabytes = [...bytesOfLayer.values()].reduce((sum, bytes) => sum + bytes, 0) * 1e-6
    return `${megabytes.toFixed(0)} MB, ${((Date.now() - begunAt) / 1000).toFixed(0)} s`
  }

  return new Promise((resolve, reject) => {
    const asked = request({ ...engineTarget(address), path, method: 'POST', timeout: silenceMsMax }, response => {
      let failure = response.statusCode === 200 ? undefined : `status ${response.statusCode}`
      createInterface(response).on('line', line => {
        const event = JSON.parse(line) as PullEvent
        failure = event.error ?? event.message ?? failure
        if (event.id && event.status === 'Downloading') bytesOfLayer.set(event.id, event.progressDetail?.current ?? 0)
        if (Date.now() - saidAt > 3000) {
          saidAt = Date.now()
          progress(`  … ${fetched()}`)
        }
      })
      response.on('end', () => {
        if (failure) return reject(new Error(failure))
        progress(`  pulled ${fetched()}`)
        resolve()
      })
    })
    asked.on('timeout', () => asked.destroy(new Error(`the engine said nothing for ${silenceMsMax / 1000} s`)))
    asked.on('error', reject)
    asked.end()
  })
}

/** One line of the engine's answer; a refused pull comes either as `message` or, once begun, as `error`. */
interface PullEvent {
  readonly id?: string
  readonly status?: string
  readonly error?: string
  readonly message?: string
  readonly progressDetail?: { readonly current?: number }
}

/** `registry:5000/a/b:1` → name and tag. A colon before the last slash belongs to the registry's port. */
export function splitTag(image: string): readonly [string, string] {
  const colon = image.lastIndexOf(':')
  return colon > image.lastIndexOf('/') ? [image.slice(0, colon), image.slice(colon + 1)] : [image, 'latest']
}
