# The officers' pages. Built from the repository's root:
#
#   ci_cd_testing_deployment/docker/build.sh dashboard-web
#
# A release names its bases by digest: --build-arg NODE_IMAGE=node:22-bookworm-slim@sha256:..., and BASE_IMAGE alike.
ARG NODE_IMAGE=node:22-bookworm-slim
ARG BASE_IMAGE=debian:bookworm-slim

FROM ${NODE_IMAGE} AS build
ENV NEXT_TELEMETRY_DISABLED=1 npm_config_audit=false npm_config_fund=false
WORKDIR /build
COPY visualization_dashboard/frontend/package.json visualization_dashboard/frontend/package-lock.json ./
RUN --mount=type=cache,target=/root/.npm npm ci --no-progress
COPY visualization_dashboard/frontend ./
RUN npm run build \
    && mkdir /node && cp "$(command -v node)" /node/

# The runtime needs one program of Node's image; the rest of it stays behind.
FROM ${BASE_IMAGE}
RUN echo 'fraudstream:x:10001:10001::/tmp:/usr/sbin/nologin' >>/etc/passwd \
    && echo 'fraudstream:x:10001:' >>/etc/group
COPY --from=build /node/node /usr/local/bin/node
COPY --from=build /build/.next/standalone /app
ENV NODE_ENV=production \
    NEXT_TELEMETRY_DISABLED=1 \
    HOSTNAME=0.0.0.0 \
    PORT=3000 \
    HOME=/tmp
WORKDIR /app
USER 10001:10001
EXPOSE 3000
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 \
    CMD ["node", "-e", "fetch('http://127.0.0.1:3000/healthz').then(a => process.exit(a.ok ? 0 : 1), () => process.exit(1))"]
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="fraudstream/dashboard-web" \
    org.opencontainers.image.description="The officers' pages." \
    org.opencontainers.image.version="${VERSION}" \
    org.opencontainers.image.revision="${REVISION}" \
    org.opencontainers.image.licenses="MIT"
CMD ["node", "server.js"]
