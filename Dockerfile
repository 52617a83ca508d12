# One image for every Reelworks process: `reelworks gateway`, `reelworks worker --role provider`, `reelworks beat`, ...
# The Python on which the tests run; requirements/run.txt pins another PyAV for 3.12 and newer.
FROM python:3.11-slim AS build

ENV PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore UV_NO_CACHE=1
WORKDIR /src

# Exactly what the locks name, as wheels with pinned hashes. The build backend stays in this stage.
COPY requirements/ requirements/
RUN python requirements/install.py /opt/reelworks run && python requirements/install.py /opt/build build

# pip and uv go: the image installs nothing. The bytecode is made here, because the image is read-only when it runs.
COPY . .
RUN /opt/build/bin/python -m hatchling build -t wheel -d dist \
    && uv="/opt/build/bin/uv pip" \
    && $uv install --python /opt/reelworks/bin/python --no-deps --compile-bytecode dist/*.whl \
    && $uv check --python /opt/reelworks/bin/python \
    && $uv uninstall --python /opt/reelworks/bin/python pip setuptools uv


FROM python:3.11-slim

# The folder is for volumes: a new volume takes its owner.
RUN useradd --uid 10001 --user-group --no-create-home --shell /usr/sbin/nologin reelworks \
    && install --directory --owner 10001 --group 10001 /var/lib/reelworks
COPY --from=build /opt/reelworks /opt/reelworks

ENV PATH=/opt/reelworks/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1
WORKDIR /srv
USER 10001:10001

# Exec form: the command is process 1 and gets SIGTERM itself. Health checks differ by command: compose.yaml has them.
ENTRYPOINT ["reelworks"]
CMD ["--help"]
