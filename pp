#!/bin/sh
# The command line of a checkout, run from source. The image has no use for it: it runs dist/ops/pp.js itself.
here=$(dirname "$(readlink -f "$0")")
if [ ! -d "$here/node_modules" ]; then echo "pp: nothing is installed yet; run: npm ci" >&2; exit 1; fi
exec node --single-threaded-gc --min-semi-space-size=16 --import "$here/node_modules/tsx/dist/loader.mjs" "$here/ops/pp.ts" "$@"
