# Figures, live feed and cases for the officers' pages. Built from the repository's root:
#
#   ci_cd_testing_deployment/docker/build.sh dashboard-api
#
# A release names its base by digest: --build-arg PYTHON_IMAGE=python:3.11-slim-bookworm@sha256:...
ARG PYTHON_IMAGE=python:3.11-slim-bookworm

FROM ${PYTHON_IMAGE} AS build
# The same seed and no times, so that two builds have the same bytes.
ENV PYTHONHASHSEED=0 PYTHONDONTWRITEBYTECODE=1
WORKDIR /build
COPY requirements/uv.txt requirements/
RUN python -m venv tools \
    && tools/bin/python -m pip install --quiet --no-cache-dir --require-hashes --requirement requirements/uv.txt
COPY requirements/dashboard-api.txt requirements/
RUN --mount=type=cache,target=/root/.cache/uv \
    tools/bin/uv venv --quiet --python python3 /opt/venv \
    && UV_LINK_MODE=copy tools/bin/uv pip sync --quiet --python /opt/venv/bin/python --require-hashes \
        --build-constraints requirements/uv.txt requirements/dashboard-api.txt
COPY ci_cd_testing_deployment/docker/slim.py ./
RUN /opt/venv/bin/python slim.py /opt/venv

WORKDIR /app
# What the entries import: written by ci_cd_testing_deployment/docker/closure.py.
COPY ./*.py ./
COPY fraud_prevention/__init__.py fraud_prevention/clock.py fraud_prevention/log_format.py fraud_prevention/ports.py fraud_prevention/
COPY fraud_prevention/domain/__init__.py fraud_prevention/domain/case.py fraud_prevention/domain/errors.py fraud_prevention/domain/metrics.py fraud_prevention/domain/reasons.py fraud_prevention/domain/reference.py fraud_prevention/domain/topics.py fraud_prevention/domain/transaction.py fraud_prevention/domain/
COPY fraud_prevention/usecases/__init__.py fraud_prevention/usecases/cases.py fraud_prevention/usecases/labels.py fraud_prevention/usecases/timeline.py fraud_prevention/usecases/
COPY storage_security/*.py storage_security/
COPY storage_security/kafka/__init__.py storage_security/kafka/confluent_reader.py storage_security/kafka/connection.py storage_security/kafka/reader.py storage_security/kafka/
COPY storage_security/postgres/__init__.py storage_security/postgres/case_rows.py storage_security/postgres/case_store.py storage_security/postgres/dossier.py storage_security/postgres/engine.py storage_security/postgres/figures.py storage_security/postgres/outbox.py storage_security/postgres/tables.py storage_security/postgres/
COPY storage_security/sink/__init__.py storage_security/sink/shapes.py storage_security/sink/
COPY visualization_dashboard/*.py visualization_dashboard/
COPY visualization_dashboard/backend/__init__.py visualization_dashboard/backend/app.py visualization_dashboard/backend/bootstrap.py visualization_dashboard/backend/contract.py visualization_dashboard/backend/feed.py visualization_dashboard/backend/feed_consumer.py visualization_dashboard/backend/figures.py visualization_dashboard/backend/guard.py visualization_dashboard/backend/live_window.py visualization_dashboard/backend/main.py visualization_dashboard/backend/present.py visualization_dashboard/backend/problems.py visualization_dashboard/backend/schemas.py visualization_dashboard/backend/services.py visualization_dashboard/backend/
COPY visualization_dashboard/backend/routes/*.py visualization_dashboard/backend/routes/
# End of what the entries import.
RUN /opt/venv/bin/python -m compileall -q -j 1 --invalidation-mode unchecked-hash /opt/venv/lib /app

FROM ${PYTHON_IMAGE}
# A user without a shell; and what only installs is not there to be misused.
RUN echo 'fraudstream:x:10001:10001::/tmp:/usr/sbin/nologin' >>/etc/passwd \
    && echo 'fraudstream:x:10001:' >>/etc/group \
    && rm -rf /usr/local/lib/python3*/site-packages/pip* /usr/local/lib/python3*/site-packages/setuptools* \
        /usr/local/lib/python3*/site-packages/wheel* /usr/lib/python3/dist-packages/pip* \
        /usr/lib/python3/dist-packages/setuptools* /usr/lib/python3/dist-packages/wheel* \
        /usr/lib/python3/dist-packages/pkg_resources* /usr/local/bin/pip* /usr/bin/pip*
COPY --from=build /opt/venv /opt/venv
COPY --from=build /app /app
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONPATH=/app:/app/data-pipeline \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    FRAUD_DASHBOARD_HOST=0.0.0.0 \
    HOME=/tmp
WORKDIR /app
USER 10001:10001
EXPOSE 8081
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 \
    CMD ["python", "-ISc", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8081/healthz', timeout=2)"]
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="fraudstream/dashboard-api" \
    org.opencontainers.image.description="Figures, live feed and cases for the officers' pages." \
    org.opencontainers.image.version="${VERSION}" \
    org.opencontainers.image.revision="${REVISION}" \
    org.opencontainers.image.licenses="MIT"
CMD ["python", "visualization_dashboard/backend/main.py"]
