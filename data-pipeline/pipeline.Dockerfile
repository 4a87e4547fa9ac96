# The stream: driver and executors of the Spark job, or the whole of it in one process. Built from the repository's root:
#
#   ci_cd_testing_deployment/docker/build.sh pipeline
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
COPY requirements/pipeline.txt requirements/
RUN --mount=type=cache,target=/root/.cache/uv \
    tools/bin/uv venv --quiet --python python3 /opt/venv \
    && UV_LINK_MODE=copy tools/bin/uv pip sync --quiet --python /opt/venv/bin/python --require-hashes \
        --build-constraints requirements/uv.txt requirements/pipeline.txt
COPY ci_cd_testing_deployment/docker/slim.py ./
RUN /opt/venv/bin/python slim.py /opt/venv

WORKDIR /app
# What the entries import: written by ci_cd_testing_deployment/docker/closure.py.
COPY ./*.py ./
COPY data-pipeline/data_pipeline/__init__.py data-pipeline/data_pipeline/
COPY data-pipeline/data_pipeline/stream/*.py data-pipeline/data_pipeline/stream/
COPY data-pipeline/spark_streaming.py data-pipeline/
COPY fraud_prevention/__init__.py fraud_prevention/heartbeat.py fraud_prevention/log_format.py fraud_prevention/ports.py fraud_prevention/
COPY fraud_prevention/domain/__init__.py fraud_prevention/domain/dead_letter.py fraud_prevention/domain/decision.py fraud_prevention/domain/errors.py fraud_prevention/domain/reasons.py fraud_prevention/domain/reference.py fraud_prevention/domain/topics.py fraud_prevention/domain/transaction.py fraud_prevention/domain/
COPY fraud_prevention/policy/*.py fraud_prevention/policy/
COPY fraud_prevention/policy/rules.yaml fraud_prevention/policy/rules.yaml
COPY fraud_prevention/usecases/__init__.py fraud_prevention/usecases/intake.py fraud_prevention/usecases/
COPY model/*.py model/
COPY model/features/__init__.py model/features/catalogue.py model/features/codes.py model/features/compiled.py model/features/engine.py model/features/entry.py model/features/feature.py model/features/grouping.py model/features/kernel.py model/features/record.py model/features/
COPY model/features/entities/*.py model/features/entities/
COPY model/features/families/*.py model/features/families/
COPY model/inference/*.py model/inference/
COPY model/registry/*.py model/registry/
COPY storage_security/*.py storage_security/
COPY storage_security/kafka/__init__.py storage_security/kafka/admin.py storage_security/kafka/bulk_writer.py storage_security/kafka/connection.py storage_security/kafka/positions.py storage_security/kafka/range_reader.py storage_security/kafka/
COPY storage_security/redis/__init__.py storage_security/redis/client.py storage_security/redis/customer_store.py storage_security/redis/entity_store.py storage_security/redis/exchange.py storage_security/redis/plan_store.py storage_security/redis/record_store.py storage_security/redis/
# End of what the entries import.
COPY ci_cd_testing_deployment/docker/sealed_numba.py ci_cd_testing_deployment/docker/sealed_numba.pth \
    /opt/venv/lib/python3.11/site-packages/
COPY ci_cd_testing_deployment/docker/warm.py /build/
# Code for any processor of the family, not for the one that builds.
RUN NUMBA_CPU_NAME=generic NUMBA_CACHE_DIR=/opt/numba PYTHONPATH=/app:/app/data-pipeline \
    /opt/venv/bin/python /build/warm.py pipeline
RUN /opt/venv/bin/python -m compileall -q -j 1 --invalidation-mode unchecked-hash /opt/venv/lib /app

FROM ${PYTHON_IMAGE}
RUN apt-get update \
    && apt-get install --yes --no-install-recommends openjdk-17-jre-headless \
    && rm -rf /var/lib/apt/lists/* /var/cache/* /var/log/* /etc/ssl/certs/java/cacerts.dpkg*
# A user without a shell; folders whose owner a fresh volume takes over; and what only installs is not there to be misused.
RUN echo 'fraudstream:x:10001:10001::/tmp:/usr/sbin/nologin' >>/etc/passwd \
    && echo 'fraudstream:x:10001:' >>/etc/group \
    && install --directory --owner 10001 --group 10001 /models /bundles \
    && rm -rf /usr/local/lib/python3*/site-packages/pip* /usr/local/lib/python3*/site-packages/setuptools* \
        /usr/local/lib/python3*/site-packages/wheel* /usr/lib/python3/dist-packages/pip* \
        /usr/lib/python3/dist-packages/setuptools* /usr/lib/python3/dist-packages/wheel* \
        /usr/lib/python3/dist-packages/pkg_resources* /usr/local/bin/pip* /usr/bin/pip*
COPY --from=build /opt/venv /opt/venv
COPY --from=build /opt/numba /opt/numba
COPY --from=build /app /app
COPY ci_cd_testing_deployment/docker/spark_entrypoint.py /opt/entrypoint.py
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONPATH=/app:/app/data-pipeline \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    NUMBA_CPU_NAME=generic \
    NUMBA_CACHE_DIR=/tmp/numba \
    FRAUD_MODEL_DIRECTORY=/models \
    FRAUD_STREAM_BUNDLE_DIR=/bundles \
    FRAUD_READY_FILE=/tmp/ready \
    SPARK_HOME=/opt/venv/lib/python3.11/site-packages/pyspark \
    HOME=/tmp
WORKDIR /app
USER 10001:10001
HEALTHCHECK --interval=15s --timeout=5s --start-period=120s --retries=3 \
    CMD ["python", "-ISc", "import os, time; raise SystemExit(time.time() - os.stat('/tmp/ready').st_mtime > 60)"]
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="fraudstream/pipeline" \
    org.opencontainers.image.description="The stream: driver and executors of the Spark job, or the whole of it in one process." \
    org.opencontainers.image.version="${VERSION}" \
    org.opencontainers.image.revision="${REVISION}" \
    org.opencontainers.image.licenses="MIT"
ENTRYPOINT ["python", "/opt/entrypoint.py"]
CMD ["python", "data-pipeline/spark_streaming.py"]
