# The synchronous decision API. Built from the repository's root:
#
#   ci_cd_testing_deployment/docker/build.sh decision-api
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
COPY requirements/decision-api.txt requirements/
RUN --mount=type=cache,target=/root/.cache/uv \
    tools/bin/uv venv --quiet --python python3 /opt/venv \
    && UV_LINK_MODE=copy tools/bin/uv pip sync --quiet --python /opt/venv/bin/python --require-hashes \
        --build-constraints requirements/uv.txt requirements/decision-api.txt
COPY ci_cd_testing_deployment/docker/slim.py ./
RUN /opt/venv/bin/python slim.py /opt/venv

WORKDIR /app
# What the entries import: written by ci_cd_testing_deployment/docker/closure.py.
COPY ./*.py ./
COPY data-pipeline/contracts data-pipeline/contracts
COPY fraud_prevention/__init__.py fraud_prevention/bootstrap.py fraud_prevention/clock.py fraud_prevention/log_format.py fraud_prevention/ports.py fraud_prevention/real_time_fraud_prevention.py fraud_prevention/
COPY fraud_prevention/api/*.py fraud_prevention/api/
COPY fraud_prevention/domain/__init__.py fraud_prevention/domain/decision.py fraud_prevention/domain/errors.py fraud_prevention/domain/metrics.py fraud_prevention/domain/reasons.py fraud_prevention/domain/reference.py fraud_prevention/domain/topics.py fraud_prevention/domain/transaction.py fraud_prevention/domain/
COPY fraud_prevention/policy/*.py fraud_prevention/policy/
COPY fraud_prevention/policy/rules.yaml fraud_prevention/policy/rules.yaml
COPY fraud_prevention/usecases/__init__.py fraud_prevention/usecases/answer.py fraud_prevention/usecases/decide.py fraud_prevention/usecases/draft.py fraud_prevention/usecases/durability.py fraud_prevention/usecases/intake.py fraud_prevention/usecases/
COPY model/*.py model/
COPY model/features/__init__.py model/features/catalogue.py model/features/codes.py model/features/compiled.py model/features/engine.py model/features/entry.py model/features/feature.py model/features/grouping.py model/features/kernel.py model/features/online.py model/features/record.py model/features/
COPY model/features/entities/*.py model/features/entities/
COPY model/features/families/*.py model/features/families/
COPY model/inference/*.py model/inference/
COPY model/registry/*.py model/registry/
COPY storage_security/*.py storage_security/
COPY storage_security/kafka/__init__.py storage_security/kafka/confluent_log.py storage_security/kafka/connection.py storage_security/kafka/in_flight.py storage_security/kafka/
COPY storage_security/postgres/__init__.py storage_security/postgres/decision_lookup.py storage_security/postgres/engine.py storage_security/postgres/tables.py storage_security/postgres/
COPY storage_security/redis/__init__.py storage_security/redis/client.py storage_security/redis/customer_store.py storage_security/redis/entity_store.py storage_security/redis/idempotency.py storage_security/redis/record_store.py storage_security/redis/state_store.py storage_security/redis/
# End of what the entries import.
COPY ci_cd_testing_deployment/docker/sealed_numba.py ci_cd_testing_deployment/docker/sealed_numba.pth \
    /opt/venv/lib/python3.11/site-packages/
COPY ci_cd_testing_deployment/docker/warm.py /build/
# Code for any processor of the family, not for the one that builds.
RUN NUMBA_CPU_NAME=generic NUMBA_CACHE_DIR=/opt/numba PYTHONPATH=/app:/app/data-pipeline \
    /opt/venv/bin/python /build/warm.py decision-api
RUN /opt/venv/bin/python -m compileall -q -j 1 --invalidation-mode unchecked-hash /opt/venv/lib /app

FROM ${PYTHON_IMAGE}
# A user without a shell; folders whose owner a fresh volume takes over; and what only installs is not there to be misused.
RUN echo 'fraudstream:x:10001:10001::/tmp:/usr/sbin/nologin' >>/etc/passwd \
    && echo 'fraudstream:x:10001:' >>/etc/group \
    && install --directory --owner 10001 --group 10001 /models \
    && rm -rf /usr/local/lib/python3*/site-packages/pip* /usr/local/lib/python3*/site-packages/setuptools* \
        /usr/local/lib/python3*/site-packages/wheel* /usr/lib/python3/dist-packages/pip* \
        /usr/lib/python3/dist-packages/setuptools* /usr/lib/python3/dist-packages/wheel* \
        /usr/lib/python3/dist-packages/pkg_resources* /usr/local/bin/pip* /usr/bin/pip*
COPY --from=build /opt/venv /opt/venv
COPY --from=build /opt/numba /opt/numba
COPY --from=build /app /app
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONPATH=/app:/app/data-pipeline \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    NUMBA_CPU_NAME=generic \
    NUMBA_CACHE_DIR=/tmp/numba \
    FRAUD_API_HOST=0.0.0.0 \
    FRAUD_MODEL_DIRECTORY=/models \
    HOME=/tmp
WORKDIR /app
USER 10001:10001
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 \
    CMD ["python", "-ISc", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8080/healthz', timeout=2)"]
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="fraudstream/decision-api" \
    org.opencontainers.image.description="The synchronous decision API." \
    org.opencontainers.image.version="${VERSION}" \
    org.opencontainers.image.revision="${REVISION}" \
    org.opencontainers.image.licenses="MIT"
CMD ["python", "fraud_prevention/real_time_fraud_prevention.py"]
