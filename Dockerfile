# The service in a container: docker build --tag model-ledger .
# It runs as user 1000, writes to the volume /data alone, and does with a root filesystem that is read-only. Nobody is let
# in before a token was made: see "In a container" in README.md.
FROM node:24.21.0-bookworm-slim AS build
WORKDIR /app
COPY .npmrc package.json package-lock.json ./
COPY tools tools
RUN npm ci --no-audit --no-fund
COPY . .
RUN npm run build && mkdir data

FROM node:24.21.0-bookworm-slim AS dependencies
WORKDIR /app
COPY .npmrc package.json package-lock.json ./
COPY tools tools
RUN npm ci --omit=dev --no-audit --no-fund

FROM node:24.21.0-bookworm-slim
ENV NODE_ENV=production \
    MODEL_LEDGER_STORE=sqlite:/data/model-ledger.db
WORKDIR /app
COPY --from=dependencies /app/node_modules node_modules
# The SDK that exports traces, in the versions of the lockfile.
COPY --from=build /app/node_modules/@opentelemetry node_modules/@opentelemetry
COPY --from=build /app/package.json /app/LICENSE ./
COPY --from=build /app/bin bin
COPY --from=build /app/dist dist
COPY --from=build --chown=1000:1000 /app/data /data
USER 1000:1000
VOLUME /data
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s --retries=3 \
    CMD ["node", "-e", "fetch('http://127.0.0.1:8080/healthz').then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "/app/bin/model-ledger.js"]
CMD ["serve", "--host", "0.0.0.0", "--port", "8080"]
