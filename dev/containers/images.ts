import { missingImages, pullImage } from '../services/containers/images.ts'
import type { Progress } from '../services/services.ts'
import { imagesOf } from '../services/versions.ts'
import { baseImage, composeImages, ourImage, root } from './declared.ts'
import type { Engine } from './engine.ts'
import type { Shell } from './shell.ts'
import { prefix, provideStandIns, standIns } from './stand-ins.ts'

export interface Images {
  /** Files of the compose deployment that uses them, the later laid over the earlier. */
  readonly composeFiles: readonly string[]
  /** Variables by which the launcher of the services takes them. */
  readonly environment: Readonly<Record<string, string>>
  /** Our image, under a tag of this run: an engine that was there may have one by the usual name. */
  readonly ours: string
  /** Builds our image from the Dockerfile, on upstream's base or its stand-in. */
  buildOurs(): Promise<void>
  /** Removes what was built here, or says why not. What was pulled stays: the next run wants it. */
  remove(shell: Shell): Promise<void>
}

/** Upstream's images where the engine has them or can pull them, else stand-ins that are built here. */
export async function provideImages(engine: Engine, shell: Shell, say: Progress): Promise<Images> {
  const docker = (...args: string[]) => shell.run('docker', args, { cwd: root, env: environmentOf(engine) })
  const why = await whyNotUpstream(engine, say)
  const ours = `${ourImage}:test-${process.pid}-${Date.now()}`
  const remove = async (tidy: Shell) => {
    if (engine.isOurs) return
    const env = environmentOf(engine)
    try {
      for (const name of why === undefined ? [ours] : [ours, `${prefix}/*`]) {
        const ask = ['images', '--format', '{{.Repository}}:{{.Tag}}', name]
        const built = (await tidy.run('docker', ask, { env })).trim().split('\n').filter(Boolean)
        if (built.length > 0) await tidy.run('docker', ['rmi', ...built], { env })
      }
    } catch (error) {
      say(`Images of this run are left on the engine: ${(error as Error).message}`)
    }
  }
  if (why === undefined) {
    return {
      composeFiles: ['docker-compose.yml'],
      environment: environmentOf(engine),
      buildOurs: async () => void (await docker('build', '--tag', ours, '.')),
      ...{ ours, remove },
    }
  }
  say(`Upstream's images cannot be had (${why}): taking stand-ins.`)
  await provideStandIns(shell, environmentOf(engine), say)
  const { kafka, registry, s3proxy, postgres, node } = standIns
  const onStandIn = ['--network', 'host', '--build-arg', `NODE_IMAGE=${node}`, '--tag', ours]
  return {
    composeFiles: ['docker-compose.yml', 'dev/containers/stand-in/docker-compose.stand-in.yml'],
    environment: {
      ...environmentOf(engine),
      ...{ KAFKA_IMAGE: kafka, REGISTRY_IMAGE: registry, S3_IMAGE: s3proxy, POSTGRES_IMAGE: postgres },
      // Its reaper is one more image that cannot be pulled; what a dead run leaves is removed by the next.
      TESTCONTAINERS_RYUK_DISABLED: 'true',
    },
    buildOurs: async () => void (await docker('build', ...onStandIn, '.')),
    ...{ ours, remove },
  }
}

/** The builder that is part of every engine, since the newer one is a plugin of its own, is asked for where there is no plugin. */
const environmentOf = ({ address, isOurs }: Engine): Record<string, string> => ({
  DOCKER_HOST: address,
  ...(isOurs && { DOCKER_BUILDKIT: '0' }),
})

/** What stands in the way of upstream's images, after what can be pulled has been. */
async function whyNotUpstream(engine: Engine, say: Progress): Promise<string | undefined> {
  const wanted = [...composeImages(), baseImage(), ...Object.values(imagesOf(process.env))]
  for (const image of await missingImages(engine.address, [...new Set(wanted)])) {
    say(`Pulling the image ${image}`)
    try {
      await pullImage(engine.address, image, say)
    } catch (error) {
      return `${image}: ${(error as Error).message}`
    }
  }
  return undefined
}
