#!/bin/sh
# The command line: compiled where there is a build (the image), from source where there is not (a checkout).
here=$(dirname "$(readlink -f "$0")")
if [ -f "$here/dist/ops/pp.js" ]; then exec node "$here/dist/ops/pp.js" "$@"; fi
if [ ! -d "$here/node_modules" ]; then echo "pp: nothing is installed yet; run: npm ci" >&2; exit 1; fi
exec node --import "$here/node_modules/tsx/dist/loader.mjs" "$here/ops/pp.ts" "$@"
