# The two images of WFE:   docker build --target operator -t wfe-operator .
#                          docker build --target runner   -t wfe-runner .
# `operator` is the controller and the admission webhook; `runner` is where steps run that name no image.
# `ci` is where the project's own pipeline runs in a cluster: the runner, and what `hack/venv` would install.
# A package index of your own: `--secret id=pip,src=pip.conf --secret id=certificates,src=ca.crt`; no layer keeps them.
ARG PYTHON=docker.io/library/python:3.12-slim
ARG DEBIAN=docker.io/library/debian:bookworm-slim

# What the others are made with. None of it is in an image.
FROM ${PYTHON} AS tools
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /src
COPY constraints.txt ./
RUN --mount=type=secret,id=pip,target=/etc/pip.conf --mount=type=secret,id=certificates,target=/etc/pip.crt \
    python3 -m venv /tools && /tools/bin/pip install --quiet --constraint constraints.txt hatchling

# A stage of its own, so that only a change of the requirements installs them anew.
# `kubernetes` would cost the operator 50 MiB of memory by only being there; Deno runs in the runner.
FROM tools AS needs
COPY pyproject.toml ./
RUN /tools/bin/python -c "import tomllib; \
project = tomllib.load(open('pyproject.toml', 'rb'))['project']; \
extras = project['optional-dependencies']; \
needs = project['dependencies'] + [need for name in ('operator', 'opensearch', 'postgres', 'valkey') for need in extras[name]]; \
print(*(need for need in needs if not need.startswith(('deno', 'kubernetes'))), sep='\n')" >/needs.txt

FROM tools AS environment
COPY --from=needs /needs.txt ./
RUN --mount=type=secret,id=pip,target=/etc/pip.conf --mount=type=secret,id=certificates,target=/etc/pip.crt \
    python3 -m venv --without-pip /opt/wfe \
    && /tools/bin/pip --python /opt/wfe/bin/python install --quiet --constraint constraints.txt --requirement needs.txt \
    && echo /opt/wfe/package >"$(echo /opt/wfe/lib/python3.*/site-packages)/wfe.pth"

FROM environment AS package
COPY pyproject.toml README.md LICENSE ./
COPY operator operator
RUN /tools/bin/pip wheel --quiet --no-deps --no-build-isolation --no-index --wheel-dir /wheels . \
    && /tools/bin/pip --python /opt/wfe/bin/python install --quiet --no-deps --no-index --target /package /wheels/*.whl

FROM ${PYTHON} AS operator
COPY --from=environment /opt/wfe /opt/wfe
COPY --from=package /package /opt/wfe/package
ENV PATH=/opt/wfe/bin:/opt/wfe/package/bin:/usr/local/bin:/usr/bin:/bin PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER 65532:65532
WORKDIR /tmp
ENTRYPOINT ["python", "-m", "wfe.hosts.kubernetes"]

FROM tools AS deno
RUN --mount=type=secret,id=pip,target=/etc/pip.conf --mount=type=secret,id=certificates,target=/etc/pip.crt \
    /tools/bin/pip install --quiet --constraint constraints.txt deno

FROM ${DEBIAN} AS runner
# The owner of a workspace's directory is not who works in it: git need not mind.
RUN apt-get update -qq \
    && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends \
        bash ca-certificates coreutils curl git >/dev/null \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/log/* \
    && git config --system safe.directory '*'
COPY --from=deno /tools/bin/deno /usr/local/bin/deno
ENV DENO_NO_UPDATE_CHECK=1
USER 65532:65532
WORKDIR /tmp
CMD ["bash"]

FROM runner AS ci
USER root
RUN apt-get update -qq \
    && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends procps python3 python3-venv >/dev/null \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/log/*
ENV WFE_DEVELOPMENT=/opt/wfe-development PIP_NO_CACHE_DIR=1
WORKDIR /src
COPY pyproject.toml constraints.txt ./
# Deno is here already. What is installed into a clone is the clone, so only its requirements are installed here.
RUN --mount=type=secret,id=pip,target=/etc/pip.conf --mount=type=secret,id=certificates,target=/etc/pip.crt \
    python3 -m venv "$WFE_DEVELOPMENT" \
    && python3 -c "import tomllib; \
project = tomllib.load(open('pyproject.toml', 'rb'))['project']; \
needs = project['dependencies'] + sum(project['optional-dependencies'].values(), ['editables', 'hatchling']); \
print(*(need for need in needs if not need.startswith(('deno', 'wfe['))), sep='\n')" >/tmp/needs.txt \
    && "$WFE_DEVELOPMENT/bin/pip" install --quiet --constraint constraints.txt --requirement /tmp/needs.txt \
    && cat pyproject.toml constraints.txt | sha256sum >"$WFE_DEVELOPMENT/made-of" \
    && rm /tmp/needs.txt
USER 65532:65532
WORKDIR /tmp
