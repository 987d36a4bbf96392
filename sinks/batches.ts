/**
 * Calls that come while others are under way are done together: one transaction for many records, as databases like it. `gather` is
 * waited for once when the first comes after a pause.
 *
 * Where `work` refuses a batch (`refusalOf` says so), its items are tried one by one, so that the culprit alone is refused; any other
 * error is trouble outside and goes to every caller, who calls again. `work` must bear being run again on what it has done.
 */
export function inBatches<T>(
  work: (items: readonly T[]) => Promise<void>,
  options: {
    readonly most: number
    readonly gather: () => Promise<unknown>
    readonly refusalOf: (error: unknown) => Error | undefined
  },
): (item: T) => Promise<void> {
  const waiting: Call<T>[] = []
  let isRunning = false

  async function run(): Promise<void> {
    isRunning = true
    await options.gather()
    while (waiting.length > 0) await settle(waiting.splice(0, options.most))
    isRunning = false
  }

  async function settle(batch: readonly Call<T>[]): Promise<void> {
    try {
      await work(batch.map(({ item }) => item))
      for (const call of batch) call.resolve()
    } catch (error) {
      const refusal = options.refusalOf(error)
      if (refusal !== undefined && batch.length > 1) {
        for (const call of batch) await settle([call])
        return
      }
      for (const call of batch) call.reject(refusal ?? (error as Error))
    }
  }

  return item =>
    new Promise((resolve, reject) => {
      waiting.push({ item, resolve, reject })
      if (!isRunning) void run()
    })
}

interface Call<T> {
  readonly item: T
  readonly resolve: () => void
  readonly reject: (error: Error) => void
}
