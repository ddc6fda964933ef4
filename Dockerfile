# An image of the service alone: no development tools, no servers, not root.
#   docker build -t crossfade .
#   docker run -v ./crossfade.yaml:/etc/crossfade/crossfade.yaml:ro -v ./records.binpb:/etc/crossfade/records.binpb:ro \
#     -e MYSQL_PASSWORD -e UNLEASH_TOKEN -p 127.0.0.1:50051:50051 -p 127.0.0.1:8080:8080 crossfade

FROM node:24-bookworm-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --ignore-scripts

FROM node:24-bookworm-slim
ENV NODE_ENV=production
WORKDIR /app
COPY --from=dependencies /app/node_modules ./node_modules
COPY package.json LICENSE ./
COPY src ./src
COPY proto ./proto
USER node
EXPOSE 50051 8080
# By TLS where the port speaks nothing else. With security.tls.requireClientCert, use a probe that has a certificate.
HEALTHCHECK --interval=5s --timeout=2s --start-period=20s \
  CMD ["node", "-e", "const get = (by, options) => new Promise((yes, no) => require(by).get({ port: 8080, path: '/readyz', ...options }, (r) => yes(r.statusCode)).on('error', no)); get('http').catch(() => get('https', { rejectUnauthorized: false })).then((code) => process.exit(code === 200 ? 0 : 1), () => process.exit(1))"]
# SIGTERM drains: health says NOT_SERVING, requests under way are finished. `docker stop` must allow for limits.drainMs.
STOPSIGNAL SIGTERM
ENTRYPOINT ["node", "src/main.ts"]
CMD ["serve", "--config", "/etc/crossfade/crossfade.yaml"]
