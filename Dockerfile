# The sidecar's image: a wheel is built in the first stage, the second holds Python, the wheels and nothing else.
#
#   docker build --tag ratelimit-sidecar:0.1.0 .
#   docker run --rm --network container:GATEWAY --volume ratelimit:/data ratelimit-sidecar:0.1.0
#
# Addresses: the gateway lane stays on loopback, its default. A pod's containers share one loopback, and so does a container started
# with `--network container:GATEWAY`; a gateway that must reach it from elsewhere needs RATELIMIT_GATEWAY=0.0.0.0:8080 together with
# RATELIMIT_GATEWAY_TOKEN. The operator lane listens on all addresses of the container, since probes and scrapers come from outside it;
# whoever publishes that port decides who may reach it.
#
# /data holds the embedded store and, unless RATELIMIT_DATABASE_URL and RATELIMIT_LEDGER_KEY name a PostgreSQL, the ledger: ledger.db (a
# SQLite file, for one container alone) and ledger.key. So it is a volume that outlives the container and is backed up (docs/ledger.md); a
# container that is replaced without it has forgotten its cases, its people and its audit. The first start prints a link for the first
# admin: `docker logs`.

FROM python:3.13-slim AS build
WORKDIR /src
COPY pyproject.toml README.md LICENSE ./
COPY ratelimit ratelimit
RUN pip wheel --no-cache-dir --wheel-dir /wheels .

FROM python:3.13-slim
RUN --mount=type=bind,from=build,source=/wheels,target=/wheels \
    pip install --no-cache-dir --no-index /wheels/*.whl \
    && install --directory --owner 10001 --group 10001 --mode 0700 /data

ENV PYTHONUNBUFFERED=1 \
    RATELIMIT_DATA=/data \
    RATELIMIT_OPERATOR=0.0.0.0:8081

# by number, so that Kubernetes can see that it is not root
USER 10001:10001
# ./ratelimit.yaml is read from here if it is mounted; else the policy that is built in is in force
WORKDIR /etc/ratelimit
VOLUME /data
EXPOSE 8081

HEALTHCHECK --interval=10s --timeout=3s --start-period=10s \
    CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8081/livez', timeout=2)"]

ENTRYPOINT ["ratelimit"]
CMD ["serve"]
