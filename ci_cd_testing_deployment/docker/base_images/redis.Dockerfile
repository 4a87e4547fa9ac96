# Stands in for redis:7.
FROM debian:bookworm-slim
RUN apt-get update \
    && apt-get install --yes --no-install-recommends redis-server \
    && rm -rf /var/lib/apt/lists/* \
    && mkdir -p /data \
    && chown redis:redis /data
VOLUME /data
WORKDIR /data
EXPOSE 6379
USER redis
CMD ["redis-server", "--protected-mode", "no"]
