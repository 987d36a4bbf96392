import type { RequestOptions } from 'node:http'

/** The engine's address as a URL (`unix:///…` or `tcp://…`), or undefined when there is no sign of one. */
export function engineAddress(environment?: NodeJS.ProcessEnv): string | undefined
/** Whether the engine answers its `_ping`; never throws. */
export function engineAnswers(address?: string): Promise<{ readonly answers: boolean; readonly why: string }>
/** The engine's address as options of `http.request`. */
export function engineTarget(address: string): RequestOptions
/** The status of a GET request to the engine at `address`. */
export function getStatus(address: string, path: string): Promise<number>
