# One image for every Reelworks process: `reelworks gateway`, `reelworks worker --role provider`, `reelworks beat`, ...
# The Python on which the tests run; requirements/run.txt pins another PyAV for 3.12 and newer.
FROM python:3.11-slim AS build

ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /src

# Every dependency is a wheel with a pinned hash: a source package would need a compiler, and fails here.
COPY requirements/ requirements/
RUN python -m venv /opt/reelworks \
    && /opt/reelworks/bin/pip install --require-hashes --only-binary=:all: -r requirements/run.txt

# The build backend, pinned with the development tools; it stays in this stage.
RUN awk '/^[a-z]/ { wanted = /^(hatchling|packaging|pathspec|pluggy|tomlkit|trove-classifiers)==/ } wanted' \
        requirements/dev.txt > build.txt \
    && pip install --require-hashes --only-binary=:all: -r build.txt

COPY . .
RUN pip wheel --no-deps --no-build-isolation --wheel-dir dist . \
    && /opt/reelworks/bin/pip install --no-deps dist/*.whl \
    && /opt/reelworks/bin/pip check \
    && /opt/reelworks/bin/pip uninstall --yes pip


FROM python:3.11-slim

RUN useradd --uid 10001 --user-group --no-create-home --shell /usr/sbin/nologin reelworks
COPY --from=build /opt/reelworks /opt/reelworks

ENV PATH=/opt/reelworks/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1
WORKDIR /srv
USER 10001:10001

# Exec form: the command is process 1 and gets SIGTERM itself. Health checks differ by command: compose.yaml has them.
ENTRYPOINT ["reelworks"]
CMD ["--help"]
