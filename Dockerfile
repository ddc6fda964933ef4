# An image of the service alone: no development tools, no servers, no package manager, not root.
#   docker build -t crossfade .
#   docker run --read-only -v ./crossfade.yaml:/etc/crossfade/crossfade.yaml:ro -v ./records.binpb:/etc/crossfade/records.binpb:ro \
#     -e MYSQL_PASSWORD -e UNLEASH_TOKEN -p 127.0.0.1:50051:50051 -p 127.0.0.1:8080:8080 crossfade
# docs/deployment.md says more, and how each step here was tried.

FROM node:24.21.0-bookworm-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund
# The bill of materials says what is in the image: it comes from the same lock file, and is the same for the same file.
COPY deploy/image/bill-of-materials.ts deploy/image/bundled.json ./deploy/image/
RUN node deploy/image/bill-of-materials.ts /app/sbom.cdx.json

FROM node:24.21.0-bookworm-slim
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Crossfade" \
  org.opencontainers.image.description="A gRPC data-access service that moves a live table from MySQL to Cassandra while everybody goes on reading and writing." \
  org.opencontainers.image.licenses="Apache-2.0" \
  org.opencontainers.image.version="$VERSION" \
  org.opencontainers.image.revision="$REVISION" \
  org.opencontainers.image.base.name="docker.io/library/node:24.21.0-bookworm-slim"
# Nothing but node is needed at run time.
RUN rm -rf /usr/local/lib/node_modules /usr/local/bin/npm /usr/local/bin/npx /usr/local/bin/corepack \
  /usr/local/bin/yarn /usr/local/bin/yarnpkg /opt/yarn-*
ENV NODE_ENV=production
WORKDIR /app
COPY --from=dependencies /app/node_modules ./node_modules
COPY package.json ./
COPY src ./src
COPY proto ./proto
COPY deploy/image/health-check.ts ./health-check.ts
# What it is made of, and under which licences.
COPY --from=dependencies /app/sbom.cdx.json /usr/share/doc/crossfade/sbom.cdx.json
COPY LICENSE deploy/image/THIRD-PARTY-LICENCES.txt /usr/share/doc/crossfade/
# By number, so that Kubernetes can see that it is not root; above 10000, so that it is nobody of the host.
USER 10001:10001
EXPOSE 50051 8080
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 CMD ["node", "/app/health-check.ts"]
# SIGTERM drains: health says NOT_SERVING, requests under way are finished. `docker stop` must allow for limits.drainMs.
STOPSIGNAL SIGTERM
ENTRYPOINT ["node", "/app/src/main.ts"]
CMD ["serve", "--config", "/etc/crossfade/crossfade.yaml"]
