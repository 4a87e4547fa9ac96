# Trains a model on history and writes it to the volume of models. Built from the repository's root:
#
#   ci_cd_testing_deployment/docker/build.sh trainer
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
COPY requirements/trainer.txt requirements/
RUN --mount=type=cache,target=/root/.cache/uv \
    tools/bin/uv venv --quiet --python python3 /opt/venv \
    && UV_LINK_MODE=copy tools/bin/uv pip sync --quiet --python /opt/venv/bin/python --require-hashes \
        --build-constraints requirements/uv.txt requirements/trainer.txt
COPY ci_cd_testing_deployment/docker/slim.py ./
RUN /opt/venv/bin/python slim.py /opt/venv

WORKDIR /app
# What the entries import: written by ci_cd_testing_deployment/docker/closure.py.
COPY ./*.py ./
COPY fraud_prevention/__init__.py fraud_prevention/ports.py fraud_prevention/
COPY fraud_prevention/domain/__init__.py fraud_prevention/domain/errors.py fraud_prevention/domain/reference.py fraud_prevention/domain/transaction.py fraud_prevention/domain/
COPY model/*.py model/
COPY model/features/__init__.py model/features/catalogue.py model/features/codes.py model/features/compiled.py model/features/engine.py model/features/entry.py model/features/feature.py model/features/grouping.py model/features/kernel.py model/features/record.py model/features/replay.py model/features/replay_engines.py model/features/side.py model/features/
COPY model/features/entities/*.py model/features/entities/
COPY model/features/families/*.py model/features/families/
COPY model/inference/*.py model/inference/
COPY model/registry/*.py model/registry/
COPY model/training/__init__.py model/training/calibrate.py model/training/console.py model/training/export.py model/training/fit.py model/training/history.py model/training/metrics.py model/training/train.py model/training/train_model.py model/training/vectors.py model/training/windows.py model/training/
# End of what the entries import.
COPY ci_cd_testing_deployment/docker/sealed_numba.py ci_cd_testing_deployment/docker/sealed_numba.pth \
    /opt/venv/lib/python3.11/site-packages/
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
COPY --from=build /app /app
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONPATH=/app:/app/data-pipeline \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    NUMBA_CPU_NAME=generic \
    NUMBA_CACHE_DIR=/tmp/numba \
    FRAUD_MODEL_DIRECTORY=/models \
    HOME=/tmp
WORKDIR /app
USER 10001:10001
# A job that ends; its exit code tells how it went.
HEALTHCHECK NONE
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="fraudstream/trainer" \
    org.opencontainers.image.description="Trains a model on history and writes it to the volume of models." \
    org.opencontainers.image.version="${VERSION}" \
    org.opencontainers.image.revision="${REVISION}" \
    org.opencontainers.image.licenses="MIT"
CMD ["python", "model/training/train_model.py", "--help"]
