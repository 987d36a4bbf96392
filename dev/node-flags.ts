/**
 * What Node is told for every process of the topology: here by the demo and the tests that start the system, in `pp` for a checkout, in the image's entry point.
 *
 * Several processes share a machine, or one has a single processor. V8 would have four threads beside each collect garbage, and images make it
 * collect often: what they allocate outside the heap counts against a limit that lies 8 MB and one young generation above what is in use, so that a young
 * generation of 1 MB, V8's first, has the whole heap marked for every 10 MB. Why these, with figures: docs/decisions/collector.md.
 */
export const nodeFlags = ['--single-threaded-gc', '--min-semi-space-size=16'] as const
