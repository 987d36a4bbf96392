# The image of every process of the topology: compiled JavaScript, the packages it needs at run time, an account without rights.
#   docker build -t prompt-processing .
# A site with its own copy of the base names it: --build-arg NODE_IMAGE=…
ARG NODE_IMAGE=node:22.23.3-bookworm-slim

FROM ${NODE_IMAGE} AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# No script of a package is run: nothing that we ship needs one.
RUN npm ci --ignore-scripts --loglevel=error
COPY . .
RUN npm run build && npm prune --ignore-scripts --omit=dev --loglevel=error

FROM ${NODE_IMAGE}
# The S3 client says at every start which Node its releases of next year will want.
ENV NODE_ENV=production AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED=true
WORKDIR /app
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
# By number, so that an orchestrator can tell that it is not root. Nothing is written to the image's own files.
USER 1000:1000
# Node must not be process 1, which ignores signals that nobody handles: run it with an init (compose: `init: true`).
ENTRYPOINT ["node", "--single-threaded-gc", "--min-semi-space-size=16", "--enable-source-maps", "dist/ops/pp.js"]
