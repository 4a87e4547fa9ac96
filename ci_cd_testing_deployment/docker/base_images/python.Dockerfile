# Stands in for python:3.11-slim-bookworm: `python` and `pip` on the path, packages under /usr/local.
FROM debian:bookworm-slim
RUN apt-get update \
    && apt-get install --yes --no-install-recommends python3.11 python3.11-venv python3-pip python3-distutils \
    && rm -rf /var/lib/apt/lists/* /usr/lib/python3.11/EXTERNALLY-MANAGED \
    && ln -s /usr/bin/python3.11 /usr/local/bin/python3.11 \
    && ln -s python3.11 /usr/local/bin/python3 \
    && ln -s python3 /usr/local/bin/python \
    && ln -s /usr/bin/pip3 /usr/local/bin/pip \
    && mkdir -p /usr/local/lib/python3.11/dist-packages \
    && ln -s dist-packages /usr/local/lib/python3.11/site-packages
ENV LANG=C.UTF-8
CMD ["python3"]
