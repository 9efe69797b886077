# syntax=docker/dockerfile:1
# The steps of `make setup`, with the pins of the image; the second stage holds only what runs.
FROM python:3.11-slim-bookworm AS build
WORKDIR /service
RUN python3 -m venv .venv
COPY requirements/image.txt requirements/image.txt
RUN .venv/bin/python -m pip install --quiet --disable-pip-version-check --no-cache-dir --require-hashes --no-deps -r requirements/image.txt
COPY pyproject.toml README.md ./
COPY proto proto
COPY server server
COPY workers workers
COPY sandbox/__init__.py sandbox/__init__.py
RUN .venv/bin/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps -e .
COPY configs configs
COPY envoy envoy

FROM python:3.11-slim-bookworm
RUN useradd --system --uid 10001 --home-dir /service --shell /usr/sbin/nologin service \
 && install -d -o service -g service /data
WORKDIR /service
COPY --from=build --chown=root:root /service /service
ENV PATH=/service/.venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    DATA_DIR=/data \
    HOST=0.0.0.0
USER 10001:10001
# Everything but /data and /tmp may be mounted read-only.
VOLUME ["/data"]
EXPOSE 8001
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \
  CMD ["python", "-c", "import os, urllib.request as u; u.urlopen('http://127.0.0.1:' + os.environ.get('PORT', '8001') + '/health/ready', timeout=2)"]
ENTRYPOINT ["/bin/bash", "envoy/entrypoint.sh"]
