# The gateway's images: docker build --target node --tag sse-kafka-fanout .   (or --target deno)
# Without BuildKit's own syntax, so that the classic builder takes it too.
ARG NODE_IMAGE=node:22-bookworm-slim
ARG DENO_IMAGE=denoland/deno:debian-2.9.6

FROM ${NODE_IMAGE} AS build
WORKDIR /app
# Before the sources: a change of these compiles no Kafka client anew.
COPY package.json package-lock.json ./
COPY install install
# The packages' own install scripts stay off: the Kafka client's fails where GitHub cannot be reached. Ours then compiles it,
# and installs the compiler.
RUN npm ci --ignore-scripts --no-audit --no-fund && node install/kafka_client.mjs
COPY tsconfig.base.json tsconfig.build.json ./
COPY app app
COPY runtime runtime
RUN npm run build \
 && npm prune --omit=dev --ignore-scripts --no-audit --no-fund
# What nobody runs: of 320 MB some 25 stay.
RUN cd node_modules/@confluentinc/kafka-javascript \
 && cp deps/librdkafka/LICENSES.txt LICENSE.librdkafka \
 && find . -mindepth 1 -maxdepth 1 ! -name build ! -name lib ! -name librdkafka.js ! -name package.json ! -name 'LICENSE*' -exec rm -r {} + \
 && find build ! -type d ! -name '*.node' ! -name '*.so.*' -delete \
 && if command -v strip; then find build -type f -exec strip --strip-unneeded {} +; fi \
 && cd /app && find dist node_modules -type f '(' -name '*.map' -o -name '*.ts' -o -name '*.mts' -o -name '*.cts' -o -name '*.md' ')' -delete \
 && rm -rf node_modules/@mapbox node_modules/nan node_modules/tar node_modules/.bin dist/.tsbuildinfo \
 && find dist node_modules -type d -empty -delete

FROM ${NODE_IMAGE} AS node
ARG VERSION=1.0.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="sse-kafka-fanout" \
      org.opencontainers.image.description="Reads Kafka topics once and streams them to any number of browsers as Server-Sent Events" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
# The authorities of KAFKA_TLS, and the OpenSSL that a compiled Kafka client uses.
RUN apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates libssl3 \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/cache/debconf/*-old /var/log/* \
 && mkdir -p /app/.data && chown 1000:1000 /app/.data
WORKDIR /app
COPY LICENSE package.json ./
COPY public public
COPY sse_cat sse_cat
COPY --from=build /app/node_modules node_modules
COPY --from=build /app/dist dist
# MALLOC_ARENA_MAX halves what many slow clients cost. There is no Java here, so no embedded Kafka: KAFKA_BROKERS has to be set.
ENV NODE_ENV=production MALLOC_ARENA_MAX=2 EMBEDDED_KAFKA_PORT=0
USER 1000:1000
# The self-signed certificate, where no other is named. All else may be read-only.
VOLUME /app/.data
EXPOSE 8080 9090 9091
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s \
  CMD ["node", "-e", "fetch(`http://localhost:${process.env.ADMIN_PORT || 9091}/livez`).then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
# As PID 1 it gets the signals itself; it starts no processes that somebody would have to wait for.
CMD ["node", "--max-semi-space-size=4", "dist/runtime/start.cjs"]

FROM ${NODE_IMAGE} AS deno-packages
WORKDIR /app
COPY package.json package-lock.json ./
# Without the Kafka client of Node, which cannot be loaded on Deno.
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund \
 && rm -rf node_modules/@confluentinc node_modules/@mapbox node_modules/nan node_modules/tar node_modules/.bin \
 && find node_modules -type f '(' -name '*.map' -o -name '*.md' ')' -delete

FROM ${DENO_IMAGE} AS deno
ARG VERSION=1.0.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="sse-kafka-fanout" \
      org.opencontainers.image.description="Reads Kafka topics once and streams them to any number of browsers as Server-Sent Events" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
WORKDIR /app
RUN mkdir -p .data && chown 1000:1000 .data
COPY LICENSE package.json deno.json ./
COPY public public
COPY --from=deno-packages /app/node_modules node_modules
COPY app app
COPY runtime runtime
COPY sse_cat sse_cat
# The MALLOC_ variables give back what slow clients took, those of V8 what strangers' heads did.
ENV NODE_ENV=production MALLOC_ARENA_MAX=2 MALLOC_MMAP_THRESHOLD_=32768 EMBEDDED_KAFKA_PORT=0 \
    DENO_V8_FLAGS=--max-semi-space-size=4,--heap-growing-percent=50 \
    DENO_DIR=/app/.deno DENO_NO_UPDATE_CHECK=1
# Compiled here, because the root may be read-only.
RUN deno cache --quiet runtime/deno.ts
USER 1000:1000
VOLUME /app/.data
EXPOSE 8080 9090 9091
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s \
  CMD ["deno", "eval", "fetch(`http://localhost:${Deno.env.get('ADMIN_PORT') || 9091}/livez`).then(({ ok }) => Deno.exit(ok ? 0 : 1), () => Deno.exit(1))"]
# As PID 1 it gets the signals itself. Settings name files anywhere, hence --allow-read: the container is the bound. The limit of open
# files is the container's, so that only a shell in it can tell.
ENTRYPOINT []
CMD ["sh", "-c", "exec env OPEN_FILES=$(ulimit -Hn) deno run --quiet --no-prompt --permission-set=gateway --allow-read runtime/deno.ts"]
